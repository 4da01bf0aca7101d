"""How patient voxcli is with a server: every deadline in one place, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from voxcli.audio import samples
from voxcli.epoch import KEPT_SECONDS

FULL = 0.8
"""A ring that is so full needs a final."""


def most_uncovered(capacity: int) -> int:
    """How many samples a ring of that many may hold while nothing covers them, before a final is asked for."""
    return max(round(FULL * capacity) - samples(KEPT_SECONDS), 1)


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The first five are options of the command line; the others were chosen with the servers' own limits in mind."""

    retries: int = 3
    """Tries after the first connect, or after a drop, before another backend takes over."""
    backoff: float = 0.1
    """Until the first of them; doubled for each."""
    keepalive: float = 30.0
    """Between two pings."""
    drain: float = 10.0
    """At the end of the audio: how long to wait for the next result."""
    chunk_samples: int = 1_600
    """Samples in a message."""
    connect: float = 5.0
    """For the name, the connection and the handshake together."""
    send: float = 5.0
    """For one message to go into the socket; when a server has stopped reading, its buffers fill first."""
    close: float = 1.0
    """For the closing handshake."""
    pong: float = 10.0
    """For the answer to a ping."""
    stall: float = 10.0
    """Without a result, and with as much audio sent beyond the newest one: something is stuck."""
    rejoin: float = 1.0
    """For a server to say whether it joins a session again."""
    quiet: float = 2.0
    """After the end, without anything from a server that cannot say that it has finished."""
    trouble: float = 1.0
    """For a server that has reported an error to close the connection itself."""
    finalize: float = 2.0
    """Audio seconds after which a probe asks for its final, and least time between two such wishes."""
    window: float = 15.0
    """Audio seconds that a server which acknowledges may be behind before sending waits; more than ``stall``, so that a
    server which has stopped is noticed by the results that it owes."""
    dwell: float = 10.0
    """Least time with another backend before the preferred one is tried again; doubled while it flaps."""
    most_dwell: float = 300.0
    seam: float = 10.0
    """How long to wait for silence before the way back is taken at the end of any final."""
    probe: float = 30.0
    """For a probe to bring a final."""

    @property
    def tick(self) -> float:
        """How often the deadlines of a connection are looked at. Each look wakes the process."""
        return max(min(self.stall, self.drain, self.quiet, 2 * self.trouble, self.send) / 2, 0.01)
