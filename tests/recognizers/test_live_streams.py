"""A source that cannot wait, as a microphone: what a full ring costs, exactly, and nothing else."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest

from oracle import Loss
from scripted_faults import Abort
from scripted_handshakes import Refuse
from scripted_server import Behaviour, ScriptedServer
from streaming import BACKENDS, QUICK, ClockedSource, LocalEars, Told, chain, remote, stream
from voxcli.audio import SAMPLE_RATE
from voxcli.events import Gap
from voxcli.protocols import deepgram


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepgram.DeepgramCodec, "pace", 60.0)


def assert_only_gaps_are_missing(told: Told) -> None:
    """No word is lost but those in a gap, none is doubled, and the sums are right."""
    assert told.outcome.error is None
    assert told.loss == Loss(), told.loss
    assert told.summary.lost_seconds == pytest.approx(sum(end - start for start, end in told.gaps))
    assert told.summary.covered_seconds == pytest.approx(told.length - told.summary.lost_seconds, abs=0.1)
    ends = [end for _, end in told.gaps]
    assert all(start > end + 0.05 for start, end in zip([start for start, _ in told.gaps][1:], ends, strict=False))
    most = told.outcome.ring.most_kept
    assert most <= told.outcome.ring.capacity


@pytest.mark.parametrize("dialect", ["deepgram", "voxcli", "vosk"])
async def test_a_short_outage_costs_nothing(dialect: str) -> None:
    async with ScriptedServer(dialect, [Behaviour(fault=Abort(after=5.3))]) as server:
        source = ClockedSource(15.0, speed=8.0, live=True)
        told = await stream(chain(remote(server.url, BACKENDS[dialect])), source)
    told.assert_whole()
    assert told.gaps == []


@pytest.mark.parametrize("dialect", ["deepgram", "voxcli"])
@pytest.mark.slow
async def test_an_outage_longer_than_the_ring_costs_what_did_not_fit(dialect: str) -> None:
    """Five seconds of ring, ten of outage: the oldest goes, exactly, and it is said before the words after it."""
    async with ScriptedServer(dialect, then=Behaviour(final_every=1.0, resumable=False)) as server:

        def on_block(at: float) -> None:
            if at == 6.0:
                server.down()
            elif at == 16.0:
                asyncio.get_running_loop().create_task(server.up())

        patient = replace(QUICK, retries=100, backoff=0.05)
        source = ClockedSource(26.0, speed=8.0, live=True, on_block=on_block)
        told = await stream(chain(remote(server.url, BACKENDS[dialect], patient)), source, buffer=5.0)
    assert_only_gaps_are_missing(told)
    ((start, end),) = told.gaps
    assert 4.5 <= start <= 6.0
    assert 11.0 <= end <= 19.0  # the next try comes up to 0.8 s late, which is six seconds of this audio
    place = next(number for number, event in enumerate(told.events) if isinstance(event, Gap))
    later = [number for number, event in enumerate(told.events) if event in told.finals and event.start >= end]  # type: ignore[union-attr]
    assert place < min(later)
    assert told.outcome.ring.dropped >= round((end - start) * SAMPLE_RATE)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["voxcli", "vosk"])
async def test_a_server_at_half_the_speed_of_speech(dialect: str) -> None:
    """What does not fit goes, in as few gaps as there were; the rest is recognized, and memory stays what it was."""
    slow = Behaviour(final_every=1.0, speed=4.0)
    async with ScriptedServer(dialect, then=slow, receive_buffer=4_096) as server:
        lifecycle = replace(QUICK, window=1.0, stall=5.0)
        source = ClockedSource(40.0, speed=8.0, live=True)
        told = await stream(chain(remote(server.url, BACKENDS[dialect], lifecycle)), source, buffer=5.0)
    assert_only_gaps_are_missing(told)
    assert 8.0 <= told.summary.lost_seconds <= 20.0


async def test_a_server_at_half_the_speed_of_speech_and_a_file() -> None:
    """A file waits."""
    async with ScriptedServer("voxcli", then=Behaviour(speed=10.0), receive_buffer=4_096) as server:
        told = await stream(chain(remote(server.url, "server")), ClockedSource(20.0, speed=20.0), buffer=5.0)
    told.assert_whole()


@pytest.mark.slow
async def test_a_slow_local_recognizer_and_a_live_source() -> None:
    told = await stream(LocalEars(pause=0.02, final_every=1.0), ClockedSource(20.0, speed=10.0, live=True), buffer=5.0)
    assert_only_gaps_are_missing(told)
    assert told.summary.lost_seconds > 2.0


async def test_what_a_connection_had_is_lost_when_it_dies_and_not_before() -> None:
    """The ring has dropped audio that the server has; then the connection breaks."""
    never = Behaviour(v1=False, final_every=60.0, final_when_idle=math.inf, fault=Abort(after=9.0))
    async with ScriptedServer("voxcli", [never], then=Behaviour(final_every=1.0)) as server:
        told = await stream(chain(remote(server.url, "server")), ClockedSource(16.0, speed=8.0, live=True), buffer=6.0)
    assert_only_gaps_are_missing(told)
    ((start, end),) = told.gaps
    assert start == 0.0
    assert 2.5 <= end <= 4.5


async def test_too_many_requests_and_a_live_source_queue_and_drain() -> None:
    fault = Refuse(429, {"Retry-After": "1"})
    async with ScriptedServer("deepgram", [Behaviour(fault=fault)]) as server:
        told = await stream(chain(remote(server.url, "deepgram")), ClockedSource(20.0, speed=8.0, live=True))
    told.assert_whole()
    assert told.notices == ["rate_limited", "reconnected"]
