"""The one door to httpx2: a client with deadlines, an answer or a reason why not, and another attempt where it helps.

Proxies and certificates come from the environment (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE), as httpx2 reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from voxcli import __version__
from voxcli.errors import UsageError
from voxcli.models.hooks import Hooks
from voxcli.models.trouble import Exhausted, Fatal, Transient

if TYPE_CHECKING:
    from httpx2 import Client, Response

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 10.0, 10.0  # also how late a cancel can be heard: a read cannot be woken
ATTEMPTS = 4  # in a row without news
LONGEST_WAIT_S = 60.0  # of what a server may ask for
PROOF_BYTES = 1 << 20  # an attempt that brought this much shows that the line works: the count starts again
_FIRST_DELAY_S = 1.0
_BUSY = frozenset({408, 429, 500, 502, 503, 504})

Result = TypeVar("Result")


@contextmanager
def connected() -> Iterator[Client]:
    """A client whose every operation has a deadline. Raises UsageError when the environment's settings cannot be."""
    import httpx2

    timeout = httpx2.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    # identity: the sizes and the checksum that the list gives are those of the plain file
    headers = {"User-Agent": f"voxcli/{__version__}", "Accept-Encoding": "identity"}
    try:
        client = httpx2.Client(timeout=timeout, headers=headers, follow_redirects=True)
    except (OSError, ValueError, ImportError, httpx2.InvalidURL) as error:
        raise UsageError(
            f"the network settings cannot be used: {error}",
            "check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE",
        ) from error
    with client:
        yield client


@contextmanager
def answered(client: Client, url: str, headers: Mapping[str, str]) -> Iterator[Response]:
    """The answer to a GET, its body not read yet, with status 200, 206 or 416. Raises Transient, Fatal, UsageError."""
    import httpx2

    try:
        with client.stream("GET", url, headers=dict(headers)) as response:
            _check_status(response)
            yield response
    except (httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise UsageError(
            f"{shown(url)} is no address to fetch from", "set VOXCLI_MODELS_URL to an http or https one"
        ) from error
    except httpx2.TransportError as error:
        raise _trouble(error) from error
    except httpx2.HTTPError as error:
        raise Fatal(f"the answer cannot be used: {error}") from error


def persistently(attempt: Callable[[], Result], hooks: Hooks, done_bytes: Callable[[], int] = lambda: 0) -> Result:
    """Attempt until it goes well, at most four times in a row without news. Raises Fatal, Cancelled."""
    failures = 0
    while True:
        before = done_bytes()
        try:
            return attempt()
        except Transient as trouble:
            failures = 1 if done_bytes() - before >= PROOF_BYTES else failures + 1
            wait_s = _delay_s(trouble, failures)
            hooks.say(f"{trouble}; trying again in {wait_s:.0f} s")
            hooks.wait(wait_s)


def shown(url: str) -> str:
    """An address without the user and password that may be in it, fit for messages and files."""
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


def _delay_s(trouble: Transient, failures: int) -> float:
    if trouble.wait_s is not None and trouble.wait_s > LONGEST_WAIT_S:
        raise Fatal(f"{trouble}, and asks to wait {trouble.wait_s:.0f} s", "try again later") from trouble
    if failures >= ATTEMPTS:
        raise Exhausted(f"{trouble} ({failures} attempts)") from trouble
    return max(trouble.wait_s or 0.0, _FIRST_DELAY_S * (1 << failures - 1))


def _check_status(response: Response) -> None:
    status = response.status_code
    if status in (200, 206, 416):
        return
    said = f"the server answers {status} {_phrase(status)}".rstrip()
    if status in _BUSY:
        raise Transient(said, _retry_after_s(response))
    raise Fatal(said)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # a status that no standard has
        return ""


def _retry_after_s(response: Response) -> float | None:
    """The Retry-After header, seconds or a date (RFC 9110, 10.2.3), in seconds from now; None without a usable one."""
    from email.utils import parsedate_to_datetime

    value = response.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _trouble(error: Exception) -> Transient | Fatal:
    import ssl

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Fatal(f"the server's certificate is not trusted: {cause.verify_message}", _CERTIFICATE_HINT)
        cause = cause.__cause__ or cause.__context__
    return Transient(
        f"the connection failed: {error}" if str(error) else f"the connection failed: {type(error).__name__}"
    )


_CERTIFICATE_HINT = "behind a proxy that opens TLS, set SSL_CERT_FILE to a file with its certificate"
