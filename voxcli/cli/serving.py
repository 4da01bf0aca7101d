"""From the settings of ``voxcli serve`` to a server at work."""

from __future__ import annotations

import logging
import os
import ssl
import stat
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from voxcli.cli.backends import Backends, Wanted
from voxcli.cli.chain import Element, parse_chain, parse_models
from voxcli.cli.environment import Environment
from voxcli.cli.keyrings import Keyring
from voxcli.cli.native import native_chatter_silenced
from voxcli.cli.remotes import Servers, secret
from voxcli.errors import ServerNeedsExtra, UsageError
from voxcli.protocols import Asked
from voxcli.recognizers import REMOTES, Recognizer, open_recognizer
from voxcli.recognizers.addresses import shown
from voxcli.recognizers.lifecycle import Lifecycle

if TYPE_CHECKING:
    from voxcli.server.supply import Relayed, Shared

    Kind = Shared | Relayed

TOKENS_VARIABLE = "VOXCLI_SERVE_TOKENS"
"""Tokens for where a file is unhandy, separated by spaces."""

CHUNK_SAMPLES = 1_600
IDLE_RECOGNIZERS = 4
"""Native recognizers that wait, warm, for the next session, at most: each holds 100 to 200 MB."""


@dataclass(frozen=True, slots=True)
class Serving:
    """What a command line says about a server."""

    backend: str
    language: str
    models: tuple[str, ...]
    may_download: bool
    api_key_file: Path | None
    host: str
    port: int
    token_file: Path | None
    is_insecure: bool
    origins: tuple[str, ...]
    tls_cert: Path | None
    tls_key: Path | None
    max_sessions: int | None
    max_sessions_per_client: int | None
    grace: float
    idle: float


def serve_until_signal(serving: Serving, environment: Environment) -> int:
    """Serve, and return the exit code. Raises VoxcliError for what keeps it from serving."""
    try:
        from voxcli.server import gate, house, running, supply
        from voxcli.server.options import ServerOptions
    except ImportError as error:
        raise ServerNeedsExtra(error.name or "a library") from error
    tokens = _tokens(serving, environment)
    _check_exposure(serving, has_tokens=bool(tokens), is_local=gate.is_loopback(serving.host))
    _check_tls(serving)
    options = ServerOptions(
        host=serving.host,
        port=serving.port,
        max_sessions=serving.max_sessions,
        max_sessions_per_client=serving.max_sessions_per_client,
        grace=serving.grace,
        idle=serving.idle,
        origins=tuple(_origin(origin) for origin in serving.origins),
        tokens=tokens,
        tls_cert=serving.tls_cert,
        tls_key=serving.tls_key,
        chunk_samples=CHUNK_SAMPLES,
    )
    with native_chatter_silenced(environment):
        kinds = _kinds(serving, environment)
        _log_to(environment)
        lifecycle = Lifecycle(chunk_samples=CHUNK_SAMPLES)
        if tokens:
            environment.say("clients need a token")
        environment.say(f"recognizing with {', then '.join(_described(kind) for kind in kinds)}")
        return running.run(
            house.House(options, supply.Supply(kinds, lifecycle), serving.language), environment.complain
        )


def _described(kind: Kind) -> str:
    model = getattr(getattr(kind, "recognizer", None), "model", "")
    return f"{kind.name} ({model})" if model else kind.name


def _kinds(serving: Serving, environment: Environment) -> list[Kind]:
    """The recognizers of the chain, opened. Raises BackendError, UsageError, AuthenticationFailed."""
    from voxcli.server.supply import Relayed, Shared

    wanted = _wanted(serving, environment)
    remotes = wanted.remotes()  # what cannot be meant is said before anything is opened
    backends = Backends(wanted, environment, lambda: False)
    kinds: dict[str, Kind] = {}
    for element in wanted.chain:
        if element.name in REMOTES:
            environment.say(f"audio of clients goes to {shown(remotes[element.name].target.url)} ({element.name})")
            kinds[element.name] = Relayed(element.name, partial(_relayed, wanted, element))
        else:
            name, options = backends.local(element.name)
            threads = os.cpu_count() or 1
            served = replace(options, interim=True, threads=threads, pool=IDLE_RECOGNIZERS)
            kinds.setdefault(name, Shared(open_recognizer(name, served)))
    return list(kinds.values())


def _wanted(serving: Serving, environment: Environment) -> Wanted:
    variables = environment.variables
    servers = Servers(
        deepgram_url=variables.get("DEEPGRAM_BASE_URL") or None,
        deepgram_key=secret(serving.api_key_file, variables.get("DEEPGRAM_API_KEY")),
        keyring=Keyring.of(environment),
        distrusted=environment.distrusted,
    )
    chain = parse_chain(serving.backend, servers)
    return Wanted(
        chain=chain,
        models=parse_models(serving.models, chain),
        language=serving.language,
        chunk_samples=CHUNK_SAMPLES,
        interim=True,
        may_download=serving.may_download,
        servers=servers,
        lifecycle=Lifecycle(chunk_samples=CHUNK_SAMPLES),
    )


def _relayed(wanted: Wanted, element: Element, asked: Asked) -> Recognizer:
    """The server behind this one, asked for what a client asks."""
    from voxcli.recognizers.remote import RemoteRecognizer

    servers = replace(wanted.servers, parameters=tuple(asked.parameters))
    model = asked.model or wanted.models.get(element.name)
    remote = servers.remote(element, language=asked.language, model=model, others=wanted.chain)
    return RemoteRecognizer(remote, wanted.lifecycle)


def _tokens(serving: Serving, environment: Environment) -> tuple[str, ...]:
    from voxcli.server.tokens import read_tokens, tokens_in

    tokens = tokens_in(environment.variables.get(TOKENS_VARIABLE, "").replace(" ", "\n"), TOKENS_VARIABLE)
    if serving.token_file is not None:
        tokens += read_tokens(serving.token_file)
        if os.name == "posix" and serving.token_file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            environment.say(f"{serving.token_file}: others on this machine can read the tokens in it")
    return tokens


def _check_exposure(serving: Serving, *, has_tokens: bool, is_local: bool) -> None:
    if not is_local and not has_tokens and not serving.is_insecure:
        raise UsageError(
            f"--host {serving.host}: other machines could connect without a token",
            "--token-file FILE asks them for one; --insecure lets anybody in",
        )


def _check_tls(serving: Serving) -> None:
    """Raises UsageError for files that are no certificate and its key."""
    if (serving.tls_cert is None) != (serving.tls_key is None):
        raise UsageError("a certificate needs its key, and a key its certificate", "--tls-cert FILE --tls-key FILE")
    if serving.tls_cert is None or serving.tls_key is None:
        return
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(serving.tls_cert, serving.tls_key, password=_no_password)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error)
        raise UsageError(
            f"{serving.tls_cert} with {serving.tls_key}: {str(reason).lower().replace('_', ' ')}",
            "give a certificate chain and its unencrypted key, both in PEM",
        ) from error


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _origin(text: str) -> str:
    """An origin as browsers write it. Raises UsageError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
        raise UsageError(f"--allow-origin {text}: is no origin", "write it as https://example.org, without a path")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _log_to(environment: Environment) -> None:
    """What happens, a line each, on standard error: neither tokens nor what was said. ``-q``: warnings only."""
    handler = logging.StreamHandler(environment.stderr)
    formatter = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z")
    handler.setFormatter(formatter)
    level = logging.WARNING if environment.quiet else logging.DEBUG if environment.verbosity else logging.INFO
    logger = logging.getLogger("voxcli.server")
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(level)
    libraries = logging.getLogger("uvicorn")
    libraries.handlers, libraries.propagate = [handler], False
    libraries.setLevel(logging.WARNING if environment.verbosity > 1 else logging.ERROR)  # below they tell headers
