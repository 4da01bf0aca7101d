"""A server, proved by a few words: reached, shaken hands with, sent the sample, and its answer waited for."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from voxcli.cli.backends import Wanted, is_english
from voxcli.cli.chain import Element
from voxcli.cli.checks import Check
from voxcli.cli.checks.sample import heard_by, is_right
from voxcli.cli.environment import Environment
from voxcli.errors import BackendError, BackendSilent
from voxcli.events import Error
from voxcli.protocols import Message
from voxcli.recognizers.addresses import shown
from voxcli.recognizers.connection import proxy_of
from voxcli.recognizers.dropped import place_of
from voxcli.recognizers.lifecycle import Lifecycle
from voxcli.recognizers.remote import Remote, RemoteRecognizer
from voxcli.recognizers.wire import Handshake

LIFECYCLE = Lifecycle(retries=0, drain=6.0)
LEAST_CERTIFICATE_DAYS = 14
SECONDS_A_DAY = 86_400
SILENT_HINT = "is it a server of that kind, and at work? its own log may say more"


class Witness:
    """Sees what goes over the wire, and when."""

    def __init__(self) -> None:
        self.handshake: Handshake | None = None
        self.has_heard = False
        """Whether the server has said anything."""
        self.began = self.opened_at = time.monotonic()
        self.skew: float | None = None
        """Seconds that this machine's clock is ahead of the server's."""

    def opened(self, handshake: Handshake) -> None:
        """A handshake is done."""
        self.handshake = handshake
        self.opened_at = time.monotonic()
        if handshake.date is not None:
            self.skew = _ahead_of(handshake.date)

    def sent(self, message: Message) -> None:
        """A message of ours."""

    def received(self, message: Message) -> None:
        """A message of the server's."""
        self.has_heard = True

    def closed(self, code: int | None, reason: str) -> None:
        """The connection has ended."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of a visit to a server. ``skew``: seconds that this machine's clock is ahead, where it is known."""

    checks: list[Check]
    url: str
    skew: float | None


async def visit(element: Element, wanted: Wanted, environment: Environment) -> Visit:
    """A server of the chain, by the very way that a run would take. Raises VoxcliError for one that cannot be meant."""
    remote = await asyncio.to_thread(
        wanted.servers.remote,
        element,
        language=wanted.language,
        model=wanted.models.get(element.name),
        others=wanted.chain,
    )
    url = shown(remote.target.url)
    environment.say(f"sending audio to {url} ({remote.name})")
    witness, errors = Witness(), list[Error]()
    try:
        heard = await heard_by(RemoteRecognizer(remote, LIFECYCLE, witness), errors.append)
    except BackendError as error:
        return Visit([_failed(element.name, url, error)], url, witness.skew)
    took = time.monotonic() - witness.opened_at
    told = _told(remote, url, witness)
    if witness.has_heard:
        answer = _answer(element.name, told, heard, took, errors, wanted)
    else:
        answer = Check(element.name, f"{told}, but says nothing in answer to the sample", SILENT_HINT, ok=False)
    return Visit([answer, *_certificate(witness.handshake)], url, witness.skew)


def _failed(name: str, url: str, error: BackendError) -> Check:
    message = f"{url}: {error.message.removeprefix(f'{name}: ')}"
    return Check(name, message, SILENT_HINT if isinstance(error, BackendSilent) else error.hint, ok=False)


def _told(remote: Remote, url: str, witness: Witness) -> str:
    proxy = proxy_of(remote.target)
    way = f" by way of {place_of(proxy)}" if proxy else ""
    return f"{url}{way}: shook hands in {1_000 * (witness.opened_at - witness.began):.0f} ms"


def _answer(name: str, told: str, heard: str, took: float, errors: list[Error], wanted: Wanted) -> Check:
    if errors and not heard:
        return Check(name, errors[0].message, errors[0].hint, ok=False)
    if not is_english(wanted.language):
        return Check(name, f"{told}, answered the English sample in {took:.1f} s; its words prove nothing")
    if is_right(heard):
        return Check(name, f"{told}, heard the sample right in {took:.1f} s")
    message = f"{told}, answered in {took:.1f} s, heard the sample wrong: {heard or 'nothing'}"
    return Check(name, message, "is it a server for English? --language says what is asked for")


def _certificate(handshake: Handshake | None) -> list[Check]:
    """How long the certificate of a server is good."""
    if handshake is None or handshake.certificate_end is None:
        return []
    end = ssl.cert_time_to_seconds(handshake.certificate_end)
    days = (end - time.time()) / SECONDS_A_DAY
    message = (
        f"that of {shown(handshake.url)} ends on {time.strftime('%Y-%m-%d', time.gmtime(end))}, in {days:.0f} days"
    )
    hint = "have it renewed: afterwards nobody can connect" if days < LEAST_CERTIFICATE_DAYS else None
    return [Check("certificate", message, hint)]


def _ahead_of(date: str) -> float | None:
    try:
        return time.time() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
