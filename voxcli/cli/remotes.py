"""What the settings say about servers: addresses, keys, what to ask for. No key ever comes from the command line."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from voxcli.cli.chain import LOCAL, Element
from voxcli.cli.keyrings import PATIENCE_SECONDS, SHORT_PATIENCE_SECONDS, Keyring
from voxcli.errors import OutputError, UsageError
from voxcli.recognizers import open_remote
from voxcli.recognizers.addresses import shown

if TYPE_CHECKING:
    from voxcli.recognizers.remote import Remote
    from voxcli.recognizers.wire import WireLog

_ASSIGNMENT = re.compile(r"(export\s+)?[A-Za-z_][A-Za-z0-9_]*=[^=]")  # a key may end in =, as base64 does

VOSK_SERVER_URL = "ws://127.0.0.1:2700"
"""Where vosk-server listens unless told otherwise."""


@dataclass(frozen=True)
class Servers:
    """``url`` and ``token`` are of a server such as ours; ``record`` is a file for what goes over the wire.

    ``keyring`` is asked for a key that is not here. None goes to an address that is ``distrusted``.
    """

    url: str | None = None
    token: str | None = None
    deepgram_url: str | None = None
    deepgram_key: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    record: Path | None = None
    keyring: Keyring = field(default_factory=Keyring)
    distrusted: Collection[str] = ()

    def suggested(self) -> list[Element]:
        """What ``auto`` stands for."""
        if self.url:
            return [Element("server"), Element(LOCAL)]
        key = self.deepgram_key or self._stored("deepgram", SHORT_PATIENCE_SECONDS)
        return [Element("deepgram"), Element(LOCAL)] if key else [Element(LOCAL)]

    def remote(self, element: Element, *, language: str, model: str | None, others: Sequence[Element]) -> Remote:
        """The server that an element of a chain means. Raises UsageError, AuthenticationFailed."""
        from voxcli.protocols import Asked
        from voxcli.recognizers.endpoints import Place

        asked = Asked(language=language, model=model, parameters=self.parameters)
        return open_remote(element.name, Place(*self._place(element, others)), asked)

    def open_record(self, remotes: Iterable[Remote], failed: Callable[[OutputError], object]) -> WireLog | None:
        """The record, where one is wanted, without the keys of any server. Raises OutputError."""
        if self.record is None:
            return None
        from voxcli.recognizers.secrets import Secrets
        from voxcli.recognizers.wire import WireLog

        own = Secrets([self.token, self.deepgram_key])
        return WireLog(self.record, own.and_those_of(remote.target.secrets for remote in remotes), failed)

    def _place(self, element: Element, others: Sequence[Element]) -> tuple[str, str | None]:
        if element.name == "deepgram":
            address = element.url or self.deepgram_url or "wss://api.deepgram.com"
            return address, self._key(address, self.deepgram_key, "deepgram")
        if element.name == "vosk-server":
            free = self.url if all(other.name != "server" for other in others) else None
            return element.url or free or VOSK_SERVER_URL, None
        url = element.url or self.url
        if url is None:
            raise UsageError("the backend server needs an address", "--server URL, or --backend server=URL")
        return url, self._key(url, self.token, "server")

    def _key(self, url: str, key: str | None, user: str) -> str | None:
        """The key for an address: the given one, else that of the keyring. Raises UsageError."""
        if url not in self.distrusted:
            return key or self._stored(user)
        if key:
            raise UsageError(
                f"{shown(url)}: no key is sent to an address that only voxcli.toml in this folder names",
                "if you trust it, name it on the command line or in your own file of settings",
            )
        return None

    def _stored(self, user: str, patience: float = PATIENCE_SECONDS) -> str | None:
        key = self.keyring.key(user, patience)
        return None if key is None else _checked(key, f"the key {user} in the keyring")


def query_parameters(
    given: Sequence[str],
    *,
    redact: Sequence[str],
    keyterm: Sequence[str],
    endpointing: str | None,
    utterance_end_ms: int | None,
    **flags: bool,
) -> tuple[tuple[str, str], ...]:
    """``--param`` and the options that stand for one, by Deepgram's names. Raises UsageError."""
    parameters = [(name, "true") for name, is_on in flags.items() if is_on]
    parameters += [("redact", what) for what in redact] + [("keyterm", word) for word in keyterm]
    if endpointing is not None:
        parameters.append(("endpointing", _endpointing(endpointing)))
    if utterance_end_ms is not None:
        parameters.append(("utterance_end_ms", str(utterance_end_ms)))
    return tuple(parameters + [_parameter(text) for text in given])


def secret(path: Path | None, variable: str | None) -> str | None:
    """A key: from a file that nobody else can read, else from a variable. Raises UsageError."""
    if path is None:
        return _checked(variable.strip(), "the key in the environment") if variable and variable.strip() else None
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"{path}: {reason.lower()}", "name a file that holds the key and nothing else") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"{path}: others can read it, so it is no place for a key", f"chmod 600 {path}")
    return _checked(text, str(path))


def _checked(key: str, origin: str) -> str:
    """A key that can stand in a header. Raises UsageError, which does not say the key."""
    if _ASSIGNMENT.match(key):
        raise UsageError(
            f"{origin}: holds NAME=KEY, and not the key alone", "keep what comes after the = and nothing else"
        )
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(f"{origin}: is not one key", "a key is one word of ASCII characters, and nothing else")
    return key


def _endpointing(text: str) -> str:
    if text == "false" or text.isdecimal():
        return text
    raise UsageError(f"--endpointing {text} is no number of milliseconds", "--endpointing 300, or --endpointing false")


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if name.strip() in ("encoding", "sample_rate", "channels"):
        raise UsageError(
            f"--param {text}: the audio that is sent is linear16 at 16000 Hz, one channel",
            "--encoding, --sample-rate and --channels describe the audio that is read",
        )
    if not equals or not name.strip():
        raise UsageError(f"--param {text} is no KEY=VALUE", "for example --param filler_words=true")
    return name.strip(), value
