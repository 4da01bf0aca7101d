"""A chain of recognizers: who takes over when and where, and the way back. Servers really listen; ears are exact."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from oracle import Loss, Script
from scripted_faults import Abort, Close, Mute
from scripted_handshakes import Refuse
from scripted_server import Behaviour, ScriptedServer
from streaming import QUICK, ClockedSource, LocalEars, Told, chain, remote, stream
from voxcli.errors import AuthenticationFailed, BackendError, BackendRefused, EveryBackendFailed, ModelBroken
from voxcli.events import Error, Notice, Results
from voxcli.protocols import deepgram
from voxcli.recognizers import Audio, Emit
from voxcli.recognizers.failover import FailoverRecognizer, Link
from voxcli.recognizers.lifecycle import Lifecycle

BROKEN = ModelBroken("/m", "half of it is missing")
SECOND = 16_000


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepgram.DeepgramCodec, "pace", 60.0)
    monkeypatch.setattr("voxcli.recognizers.exchange.CAUTIOUS_PACE", 20.0)


def changes(told: Told) -> list[tuple[str, str | None, str | None]]:
    """Who took over from whom."""
    return [
        (event.code, event.from_, event.to)
        for event in told.events
        if isinstance(event, Notice) and event.code in ("failover", "failback")
    ]


def backends(told: Told) -> list[str]:
    """Who gave finals, in order, each run of them once."""
    names = [final.backend for final in told.finals]
    return [name for number, name in enumerate(names) if number == 0 or names[number - 1] != name]


# At the start


async def test_the_first_that_loads_does_the_work() -> None:
    second = LocalEars(name="b")
    told = await stream(chain(LocalEars(name="a"), second), 5.0)
    told.assert_whole()
    assert backends(told) == ["a"]
    assert (second.loads, changes(told)) == (0, [])


async def test_the_next_takes_over_and_it_is_said() -> None:
    told = await stream(chain(LocalEars(name="a", failing=BROKEN), LocalEars(name="b")), 5.0)
    told.assert_whole()
    (notice,) = [event for event in told.events if isinstance(event, Notice)]
    assert (notice.code, notice.from_, notice.to, notice.at) == ("failover", "a", "b", 0.0)
    assert notice.message == "the speech model at /m cannot be used: half of it is missing; b takes over"
    assert backends(told) == ["b"]


async def test_one_that_cannot_be_opened_is_passed_over() -> None:
    def unopened() -> LocalEars:
        raise BackendError("not here", "install it")

    last = LocalEars(name="c")
    links = [Link("a", lambda: LocalEars(failing=BROKEN)), Link("b", unopened), Link("c", lambda: last)]
    relay = FailoverRecognizer(links, QUICK)
    await relay.load()
    told = await stream(relay, 5.0)
    told.assert_whole()
    assert changes(told) == [("failover", "a", "c")]


async def test_a_broken_one_is_not_asked_again_for_the_next_stream() -> None:
    relay = chain(LocalEars(name="a", failing=BROKEN), LocalEars(name="b"))
    assert changes(await stream(relay, 3.0)) == [("failover", "a", "b")]
    assert changes(await stream(relay, 3.0)) == []
    assert (relay.name, relay.model, relay.rereads) == ("b", "ears", True)


async def test_when_nobody_is_left_all_that_went_wrong_is_told() -> None:
    told = await stream(chain(LocalEars(name="a", failing=BROKEN), LocalEars(name="b", failing=BROKEN)), 3.0)
    assert isinstance(told.outcome.error, EveryBackendFailed)
    assert told.errors == ["every_backend_failed"]


async def test_one_alone_says_its_own_error() -> None:
    relay = chain(LocalEars(name="a", failing=BROKEN))
    with pytest.raises(ModelBroken):
        await relay.load()
    told = await stream(relay, 3.0)
    assert told.outcome.error is BROKEN
    assert relay.rereads is False


async def test_a_server_that_is_down_for_ever_is_replaced_from_the_first_sample() -> None:
    async with ScriptedServer("voxcli") as server:
        server.down()
        local = LocalEars()
        told = await stream(chain(remote(server.url, "server"), local), 12.0)
    told.assert_whole()
    assert local.begun == [0]
    assert told.notices == ["reconnecting"] * 3 + ["failover"]
    assert (backends(told), told.summary.failovers) == (["local"], 1)


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_a_key_that_is_not_accepted_at_the_start_ends_the_chain(status: int) -> None:
    local = LocalEars()
    async with ScriptedServer("deepgram", then=Behaviour(fault=Refuse(status))) as server:
        told = await stream(chain(remote(server.url, "deepgram"), local), 5.0)
        assert len(server.connections) == 1
    assert isinstance(told.outcome.error, AuthenticationFailed)
    assert (told.outcome.error.exit_code, local.begun, told.finals) == (4, [], [])


@pytest.mark.parametrize("status", [400, 404, 415])
async def test_another_refusal_at_the_start_leads_to_the_next(status: int) -> None:
    async with ScriptedServer("deepgram", then=Behaviour(fault=Refuse(status))) as server:
        told = await stream(chain(remote(server.url, "deepgram"), LocalEars()), 5.0)
        assert len(server.connections) == 1
    told.assert_whole()
    assert told.notices == ["failover"]


# In mid-stream


@pytest.mark.parametrize("dialect", ["deepgram", "voxcli", "vosk"])
@pytest.mark.parametrize("after", [5.3, 5.45, 5.7])
async def test_a_server_that_goes_away_is_replaced_from_the_first_uncovered_sample(dialect: str, after: float) -> None:
    backend = {"voxcli": "server", "vosk": "vosk-server"}.get(dialect, dialect)
    local = LocalEars()
    async with ScriptedServer(
        dialect, [Behaviour(fault=Abort(after=after))], then=Behaviour(fault=Refuse(503))
    ) as server:
        told = await stream(chain(remote(server.url, backend), local), 12.0)
    told.assert_whole()
    assert local.begun == [4 * SECOND]
    assert backends(told) == [backend, "local"]
    assert changes(told) == [("failover", backend, "local")]


async def test_a_refusal_for_good_in_mid_stream_fails_over_at_once_and_is_not_probed() -> None:
    async with ScriptedServer("deepgram", [Behaviour(fault=Close(after=5.3, code=1008, reason="DATA-0000"))]) as server:
        told = await stream(
            chain(remote(server.url, "deepgram"), LocalEars(pause=0.01)), ClockedSource(12.0, speed=6.0)
        )
        assert len(server.connections) == 1
    told.assert_whole()
    assert told.notices == ["failover"]


async def test_a_key_that_expires_in_mid_stream_leads_to_the_next() -> None:
    behaviours = [Behaviour(fault=Abort(after=5.3)), Behaviour(fault=Refuse(401))]
    async with ScriptedServer("deepgram", behaviours, then=Behaviour(fault=Refuse(401))) as server:
        told = await stream(chain(remote(server.url, "deepgram"), LocalEars()), 12.0)
    told.assert_whole()
    assert changes(told) == [("failover", "deepgram", "local")]


async def test_a_key_that_expires_with_nobody_left_is_not_called_an_error_of_login() -> None:
    behaviours = [Behaviour(fault=Abort(after=5.3)), Behaviour(fault=Refuse(401))]
    async with ScriptedServer("deepgram", behaviours) as server:
        told = await stream(chain(remote(server.url, "deepgram")), 12.0)
    assert isinstance(told.outcome.error, BackendRefused)
    assert told.outcome.error.exit_code == 5


async def test_a_stuck_server_is_replaced() -> None:
    async with ScriptedServer("voxcli", then=Behaviour(fault=Mute(after=5.3))) as server:
        patient = replace(QUICK, retries=0)
        told = await stream(chain(remote(server.url, "server", patient), LocalEars()), 20.0)
    told.assert_whole()
    assert backends(told) == ["server", "local"]


async def test_a_missing_model_is_an_error_event_and_the_server_goes_on() -> None:
    async with ScriptedServer("voxcli", [Behaviour(fault=Abort(after=5.3))]) as server:
        told = await stream(chain(remote(server.url, "server"), LocalEars(failing=BROKEN)), 12.0)
    told.assert_whole()
    (error,) = [event for event in told.events if isinstance(event, Error)]
    assert error.code == "model_broken"
    assert error.message.startswith("local cannot stand by: ")
    assert changes(told) == []


async def test_a_warm_standby_is_ready_before_there_is_trouble() -> None:
    cold, warm = LocalEars(), LocalEars()
    async with ScriptedServer("voxcli") as server:
        await stream(chain(remote(server.url, "server"), cold), 5.0)
        await stream(chain(remote(server.url, "server"), warm, warm=True), 5.0)
    assert (cold.loads, warm.loads) == (0, 1)


@dataclass
class WarmEars(LocalEars):
    """One that can be made to answer sooner; ``cooling`` is why it cannot after all."""

    warmed: int = 0
    cooling: BackendError | None = None

    async def warm(self) -> None:
        self.warmed += 1
        if self.cooling is not None:
            raise self.cooling


async def test_only_what_stands_by_is_warmed() -> None:
    at_work, standing_by, last = WarmEars(name="a"), WarmEars(name="b"), WarmEars(name="c")
    told = await stream(chain(at_work, standing_by, last, warm=True), ClockedSource(5.0, speed=5.0))
    told.assert_whole()
    assert (at_work.warmed, standing_by.warmed, last.warmed) == (0, 1, 0)


async def test_one_that_cannot_be_warmed_cannot_stand_by_and_that_is_told() -> None:
    cold = WarmEars(name="b", cooling=BackendError("it broke", "mend it"))
    told = await stream(chain(LocalEars(name="a"), cold, warm=True), ClockedSource(5.0, speed=5.0))
    told.assert_whole()
    (error,) = [event for event in told.events if isinstance(event, Error)]
    assert (error.message, error.hint) == ("b cannot stand by: it broke", "mend it")


async def test_a_local_one_that_breaks_is_replaced_too() -> None:
    class Breaking(LocalEars):
        async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
            def until(event: object) -> None:
                if isinstance(event, Results) and event.start >= 4.0:
                    raise BackendError("it broke", "mend it")
                emit(event)  # type: ignore[arg-type]

            await super().recognize(audio, start, until)

    last = LocalEars(name="b")
    told = await stream(chain(Breaking(name="a"), last), 12.0)
    told.assert_whole()
    assert (backends(told), last.begun) == (["a", "b"], [4 * SECOND])


async def test_islands_of_covered_audio_are_not_told_twice() -> None:
    """The server leaves a hole, covers what is behind it, and goes away: the next one fills the hole only."""

    class Leaky(LocalEars):
        async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
            with audio.reader(0) as reader:
                while reader.position < 10 * SECOND:
                    await anext(reader)
            for first, last in ((0, 2), (4, 6)):
                emit(self._final(first * SECOND, last * SECOND))
                audio.cover(first * SECOND, last * SECOND)
            raise BackendError("gone", "wait")

    told = await stream(chain(Leaky(name="a"), LocalEars(name="b", final_every=1.5)), 12.0)
    assert told.loss == Loss(out_of_order=told.loss.out_of_order)
    assert told.summary.covered_seconds == 12.0


# The way back


async def back_and_forth(
    server: ScriptedServer,
    local: LocalEars,
    *,
    seconds: float = 24.0,
    speed: float = 8.0,
    down: tuple[float, float],
    lifecycle: Lifecycle = QUICK,
) -> Told:
    """The server is down while the source is between two places."""
    is_down = False

    def on_block(at: float) -> None:
        nonlocal is_down
        if not is_down and down[0] <= at < down[1]:
            is_down = True
            server.down()
        elif is_down and at >= down[1]:
            is_down = False
            asyncio.get_running_loop().create_task(server.up())

    source = ClockedSource(seconds, speed=speed, on_block=on_block)
    return await stream(chain(remote(server.url, "server", lifecycle), local, lifecycle=lifecycle), source)


async def test_a_server_that_recovers_takes_over_again() -> None:
    async with ScriptedServer("voxcli", then=Behaviour(final_every=1.0)) as server:
        told = await back_and_forth(server, LocalEars(final_every=1.0), down=(5.0, 9.0))
    told.assert_whole()
    assert backends(told) == ["server", "local", "server"]
    assert changes(told) == [("failover", "server", "local"), ("failback", "local", "server")]
    back = next(event for event in told.events if isinstance(event, Notice) and event.code == "failback")
    first = next(final for final in told.finals if final.backend == "server" and final.start >= back.at)
    assert first.start == back.at


async def test_without_pauses_the_way_back_is_forced_at_the_end_of_a_final() -> None:
    async with ScriptedServer("voxcli", then=Behaviour(final_every=1.0)) as server:
        told = await back_and_forth(server, LocalEars(final_every=1.0, silent_ends=False), down=(5.0, 9.0))
    told.assert_whole()
    assert changes(told) == [("failover", "server", "local"), ("failback", "local", "server")]


async def test_a_server_that_fails_in_the_probe_stays_away() -> None:
    behaviours = [Behaviour(fault=Abort(after=5.3))]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour(fault=Mute(after=0.0))) as server:
        quick = replace(QUICK, retries=0, stall=0.3, probe=0.5)
        local = LocalEars(final_every=1.0)
        told = await stream(
            chain(remote(server.url, "server", quick), local, lifecycle=quick), ClockedSource(24.0, speed=8.0)
        )
        assert len(server.connections) >= 2
    told.assert_whole()
    assert changes(told) == [("failover", "server", "local")]


@pytest.mark.slow
async def test_one_that_flaps_is_left_alone_for_longer_each_time() -> None:
    flapping = Behaviour(final_every=0.5, fault=Abort(after=1.6), resumable=False)
    async with ScriptedServer("voxcli", then=flapping) as server:
        once = replace(QUICK, retries=0, dwell=0.1)
        local = LocalEars(final_every=0.5)
        told = await stream(
            chain(remote(server.url, "server", once), local, lifecycle=once), ClockedSource(40.0, speed=8.0)
        )
    told.assert_whole()
    away = [
        (later.at - earlier.at)
        for earlier, later in zip(
            [event for event in told.events if isinstance(event, Notice) and event.code == "failover"],
            [event for event in told.events if isinstance(event, Notice) and event.code == "failback"],
            strict=False,
        )
    ]
    assert len(away) >= 2
    assert away[-1] > away[0]


@dataclass
class Slow(LocalEars):
    """Needs some time to get ready."""

    seconds: float = 0.3

    async def load(self) -> None:
        await asyncio.sleep(self.seconds)
        await super().load()


async def test_a_model_that_takes_its_time_delays_nothing_that_was_said() -> None:
    async with ScriptedServer(
        "voxcli", [Behaviour(fault=Abort(after=5.3))], then=Behaviour(fault=Refuse(503))
    ) as server:
        told = await stream(chain(remote(server.url, "server"), Slow()), ClockedSource(12.0, speed=8.0))
    told.assert_whole()


async def test_a_small_ring_does_not_stop_a_chain() -> None:
    """Five seconds of ring, finals of eight: they are asked for before it is full."""
    async with ScriptedServer("voxcli", then=Behaviour(final_every=8.0)) as server:
        told = await stream(chain(remote(server.url, "server"), LocalEars()), 30.0, buffer=5.0)
        assert '{"type":"Finalize"}' in server.connections[0].texts
    told.assert_whole()


async def test_a_small_ring_and_a_server_that_cannot_be_asked_for_a_final() -> None:
    async with ScriptedServer("voxcli", then=Behaviour(v1=False, final_every=8.0)) as server:
        told = await stream(chain(remote(server.url, "server")), 30.0, buffer=5.0)
    told.assert_whole()


async def test_a_small_ring_and_a_local_recognizer_with_long_finals() -> None:
    told = await stream(chain(LocalEars(name="a", final_every=8.0), LocalEars(name="b")), 30.0, buffer=5.0)
    told.assert_whole()
    assert [final.duration for final in told.finals] == [8.0, 8.0, 8.0, 6.0]


async def test_a_key_refused_before_the_first_result_but_after_a_connection_leads_to_the_next() -> None:
    behaviours = [Behaviour(fault=Abort(after=0.5), interim_every=0.0), Behaviour(fault=Refuse(401))]
    async with ScriptedServer("deepgram", behaviours, then=Behaviour(fault=Refuse(401))) as server:
        told = await stream(chain(remote(server.url, "deepgram"), LocalEars()), 5.0)
    told.assert_whole()
    assert changes(told) == [("failover", "deepgram", "local")]


async def test_a_mute_server_does_not_take_the_audio_with_it() -> None:
    """It cannot be asked for a final; before its audio is let go, whoever comes next gets it."""
    mute = Behaviour(v1=False, fault=Mute(after=0.0))
    async with ScriptedServer("voxcli", then=mute) as server:
        told = await stream(chain(remote(server.url, "server"), LocalEars()), 60.0, buffer=20.0)
    told.assert_whole()
    assert backends(told) == ["local"]


@pytest.mark.slow
async def test_what_a_plain_server_left_open_of_one_stream_does_not_take_the_next_from_it() -> None:
    behaviour = Behaviour(v1=False, final_every=5.0, final_when_idle=math.inf)
    async with ScriptedServer("voxcli", then=behaviour) as server:
        relay = chain(remote(server.url, "server"), LocalEars())
        first = await stream(relay, 12.0)
        second = await stream(relay, 12.0)
    for told in (first, second):
        told.assert_whole()
        assert backends(told) == ["server", "local"]


async def test_a_seam_is_silent() -> None:
    """A final that says that speech has ended, and ends in the middle of a word, is none."""
    script = Script(silences=tuple((at, at + 1.5) for at in range(4, 40, 4)))
    async with ScriptedServer("voxcli", then=Behaviour(final_every=1.0), script=script) as server:
        local = LocalEars(final_every=0.75, script=script)
        told = await back_and_forth(server, local, down=(5.0, 9.0), lifecycle=replace(QUICK, seam=60.0))
    told.script = script
    told.assert_whole()
    back = next(event for event in told.events if isinstance(event, Notice) and event.code == "failback")
    assert all(not (word.start - 0.1 < back.at < word.end) for word in script.words(24.0))


async def test_a_model_is_loaded_once_when_trouble_and_failover_come_together() -> None:
    from voxcli.recognizers import RecognizerOptions
    from voxcli.recognizers.threaded import ThreadedRecognizer

    loads: list[float] = []

    def load() -> object:
        loads.append(time.monotonic())
        time.sleep(0.2)
        return object

    recognizer = ThreadedRecognizer("slow", RecognizerOptions(Path(), "model"), load)  # type: ignore[arg-type]
    await asyncio.gather(recognizer.load(), recognizer.load())
    await recognizer.close()
    assert len(loads) == 1


@pytest.mark.slow
async def test_a_mute_server_with_nobody_to_follow_is_believed_to_the_end() -> None:
    """The model that was to follow is broken; the server hears the whole stream, and what it left open is told."""
    mute = Behaviour(v1=False, fault=Mute(after=0.0))
    async with ScriptedServer("voxcli", then=mute) as server:
        told = await stream(chain(remote(server.url, "server"), LocalEars(failing=BROKEN)), 30.0, buffer=8.0)
        heard = max(record.ears.runs()[-1].place + record.ears.runs()[-1].length for record in server.connections)
    assert told.outcome.error is None
    assert heard == 30 * SECOND
    assert told.summary.covered_seconds == 0.0
    assert "backend_silent" in told.errors


async def test_the_end_that_a_server_of_three_fields_does_not_answer_is_done_by_the_next() -> None:
    async with ScriptedServer("plain", then=Behaviour(fault=Mute(after=3.0))) as server:
        told = await stream(chain(remote(server.url, "server"), LocalEars()), 12.0)
    assert told.outcome.error is None
    assert backends(told) == ["server", "local"]
    assert told.summary.covered_seconds == 12.0
    assert told.loss_of_names.lost == []
