"""Wire languages, one file each: pure, no I/O. A codec says what to send, and what a message means.

One codec is one session of a server: a connection, or several that the server joined again. Its times are seconds of
that session, counted from the first sample sent in it; the caller maps them to the clock of the stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from voxcli.events import Results, UtteranceEnd

Message = str | bytes
"""A text or a binary WebSocket message."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a server is asked for. ``parameters`` go into its query as they are and win over what a codec adds."""

    language: str = "en"
    model: str | None = None
    parameters: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """The server has opened a session, or joined one again."""

    session: str | None
    resumed: bool
    received_samples: int
    """How much audio of the session the server has."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The server has the first ``samples`` samples of the session. It says nothing about recognition."""

    samples: int


@dataclass(frozen=True, slots=True)
class Finished:
    """The receipt for a finished session: how many seconds of audio were processed, where the server says so."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a server says is wrong, in its own words. The connection may still be open."""

    message: str


Heard = Results | UtteranceEnd | Ready | Acknowledged | Finished | Trouble
"""What a message can mean."""


class Malformed(ValueError):
    """A message that cannot be what the protocol says. The connection can go on without it."""


class Codec(Protocol):
    """The client's half of a wire language, for one session."""

    subprotocols: Sequence[str]
    """Offered in the handshake."""

    @property
    def channels(self) -> int:
        """How many channels the server tells apart in its results, as far as they have shown."""

    @property
    def sent_samples(self) -> int:
        """Samples of this session that were made into messages."""

    @property
    def acknowledged_samples(self) -> int | None:
        """How many of them the server is known to have taken; None where it never says."""

    @property
    def pace(self) -> float | None:
        """Audio seconds a second, above which the server would not keep up; None for no limit."""

    @property
    def has_spans(self) -> bool:
        """Whether results say which audio they cover. Without, the codec lets them cover all that was sent."""

    @property
    def is_talkative(self) -> bool:
        """Whether a healthy server sends results, empty ones at least, whatever the audio is."""

    @property
    def gives_receipt(self) -> bool:
        """Whether ``finish`` is answered by Finished, or by closing."""

    @property
    def keep_alive_seconds(self) -> float | None:
        """After how long without audio ``keep_alive`` is due; None where there is no such message."""

    def rejoining(self) -> Mapping[str, str]:
        """Query parameters with which a new connection joins this session again; empty where that cannot be."""

    def start(self, subprotocol: str | None) -> list[Message]:
        """What to send first on a new connection, whose handshake chose ``subprotocol``."""

    def audio(self, data: bytes) -> list[Message]:
        """Whole samples: linear16, one channel, 16,000 Hz; never empty."""

    def keep_alive(self) -> list[Message]:
        """What to send so that an idle connection stays open."""

    def finalize(self) -> list[Message]:
        """Ask for a final over what was sent so far; empty where that cannot be asked."""

    def finish(self) -> list[Message]:
        """Say that no more audio comes."""

    def receive(self, message: Message) -> list[Heard]:
        """What a message means; nothing for one of an unknown type. Raises Malformed."""
