"""Every fault that a connection can have, against servers that really listen and know exactly what they heard.

"Whole" is: no word lost, none doubled, times in order and right, every sample covered.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from oracle import Loss, Script, check_names
from scripted_faults import (
    Abort,
    AbortAfterFinal,
    AbortBeforeFinal,
    AtEnd,
    Backwards,
    Close,
    Duplicate,
    Fault,
    Fin,
    Mute,
    NotANumber,
    Overlap,
    SayError,
    SayRaw,
    ShortReceipt,
    StopReading,
    huge_message,
    malformed_json,
    unknown_type,
)
from scripted_handshakes import AcceptThenClose, GarbageHttp, HandshakeFault, NoHttp, Refuse, WrongAcceptKey
from scripted_server import Behaviour, ScriptedServer, irregular
from streaming import BACKENDS, QUICK, ClockedSource, LocalEars, Told, chain, remote, stream
from voxcli.errors import AuthenticationFailed, BackendRefused, BackendUnreachable
from voxcli.events import Notice, Results
from voxcli.pipeline import Stop
from voxcli.protocols import Asked, deepgram
from voxcli.recognizers import open_remote
from voxcli.recognizers.endpoints import Place
from voxcli.recognizers.remote import RemoteRecognizer

if TYPE_CHECKING:
    from scripted_conversation import Conversation

SECONDS = 12.7
"""Not a multiple of what the servers make finals of: at the end something is open."""


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deepgram takes audio at a little more than the speed of speech; here it takes it faster."""
    monkeypatch.setattr(deepgram.DeepgramCodec, "pace", 60.0)


NEW_SESSION = pytest.param("voxcli, new session", marks=pytest.mark.slow)
VOSK = pytest.param("vosk", marks=pytest.mark.slow)

DEEPGRAM = pytest.param("deepgram", marks=pytest.mark.slow)

TYPED = pytest.mark.parametrize("dialect", [DEEPGRAM, "voxcli", NEW_SESSION], indirect=True)
"""Languages whose messages say what they are; in vosk-server's lock-step a message too much is taken for an answer."""


@pytest.fixture(params=[DEEPGRAM, "voxcli", NEW_SESSION, VOSK])
def dialect(request: pytest.FixtureRequest) -> tuple[str, Behaviour]:
    """A language and a healthy server of it."""
    name, _, more = str(request.param).partition(", ")
    return name, Behaviour(resumable=not more)


@dataclass(frozen=True)
class ErrorThenMute(Mute):
    """The server reports an error and gives no more results, but keeps the connection."""

    async def strike(self, conversation: Conversation) -> None:
        await conversation.send(conversation.dialect.trouble("the provider is gone"))


async def play(
    dialect: str,
    behaviours: Sequence[Behaviour],
    *,
    seconds: float = SECONDS,
    then: Behaviour | None = None,
    connections: int | None = None,
) -> Told:
    async with ScriptedServer(dialect, behaviours, then=then) as server:
        told = await stream(chain(remote(server.url, BACKENDS[dialect])), seconds)
        if connections is not None:
            assert len(server.connections) == connections
    return told


DROPS: list[Fault] = [
    Abort(after=5.3),
    Abort(after=0.0),
    AbortBeforeFinal(after=5.3),
    AbortAfterFinal(after=5.3),
    Fin(after=5.3),
    Close(after=5.3, code=1000),
    Close(after=5.3, code=1001),
    Close(after=5.3, code=None),
    Close(after=5.3, code=1011, reason="NET-0000"),
    Close(after=5.3, code=1011, reason="NET-0001"),
    Close(after=5.3, code=1012),
    Close(after=5.3, code=4408),
    SayError(after=5.3, code=1011),
    StopReading(after=5.3),
    AtEnd(fault=Close(code=1000), finals=False),
    AtEnd(fault=Close(code=1001), finals=False),
    AtEnd(fault=Abort(), finals=False),
    AtEnd(fault=Mute(), finals=False),
]


@pytest.mark.parametrize("fault", DROPS, ids=repr)
async def test_a_drop_loses_nothing_and_doubles_nothing(dialect: tuple[str, Behaviour], fault: Fault) -> None:
    name, healthy = dialect
    told = await play(name, [replace(healthy, fault=fault)], then=healthy, connections=2)
    told.assert_whole()
    assert told.notices == ["reconnecting", "reconnected"]
    assert told.summary.reconnects == 1


@pytest.mark.parametrize("fault", [Close(code=1000), Close(code=1011), Abort()], ids=repr)
async def test_when_all_is_covered_the_receipt_is_not_missed(dialect: tuple[str, Behaviour], fault: Fault) -> None:
    name, healthy = dialect
    told = await play(name, [replace(healthy, fault=AtEnd(fault=fault))], connections=1)
    told.assert_whole()
    assert told.notices == []


async def test_results_that_stop_while_all_else_goes_on_are_noticed(dialect: tuple[str, Behaviour]) -> None:
    """Pongs and Acks prove nothing: a stuck recognizer still answers them."""
    name, healthy = dialect
    told = await play(name, [replace(healthy, fault=Mute(after=5.3))], then=healthy, seconds=20, connections=2)
    told.assert_whole()


PASSING: list[Fault] = [
    malformed_json(after=5.3),
    unknown_type(after=5.3),
    SayRaw(after=5.3, message=b"\0\1\2"),
    SayRaw(after=5.3, message="[" * 100_000),
    NotANumber(after=0.0),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{type(fault).__name__} {str(fault)[:60]}")
@TYPED
async def test_what_cannot_be_understood_is_passed_over(dialect: tuple[str, Behaviour], fault: Fault) -> None:
    name, healthy = dialect
    told = await play(name, [replace(healthy, fault=fault)], connections=1)
    told.assert_whole()


@pytest.mark.parametrize("fault", [Duplicate(), Overlap(seconds=1.0), Overlap(seconds=3.0), Backwards()], ids=repr)
@pytest.mark.parametrize("name", ["deepgram", "voxcli"])
async def test_finals_that_repeat_each_other_are_told_once(name: str, fault: Fault) -> None:
    told = await play(name, [Behaviour(fault=fault)], seconds=12.5, connections=1)
    loss = told.loss
    assert loss == Loss(out_of_order=loss.out_of_order)
    assert bool(loss.out_of_order) == isinstance(fault, Backwards)
    assert told.summary.covered_seconds == pytest.approx(12.5, abs=0.05)


@pytest.mark.parametrize("fault", [Backwards(), Overlap(seconds=2.0), Duplicate()], ids=repr)
async def test_such_finals_and_a_drop(fault: Fault) -> None:
    """The drop comes while a final is still held back."""
    async with ScriptedServer("deepgram", [Behaviour(fault=fault)]) as server:
        cut = asyncio.Event()

        def on_block(at: float) -> None:
            if at > 9.0 and not cut.is_set() and server.connections and server.connections[0].samples > 16_000 * 6:
                cut.set()
                server.down()
                asyncio.get_running_loop().create_task(server.up())

        source = ClockedSource(12.0, speed=20.0, on_block=on_block)
        told = await stream(chain(remote(server.url, "deepgram")), source)
        assert len(server.connections) >= 2
    assert told.loss == Loss(out_of_order=told.loss.out_of_order)


@pytest.mark.parametrize("seed", range(4))
async def test_finals_that_end_anywhere(dialect: tuple[str, Behaviour], seed: int) -> None:
    name, healthy = dialect
    ragged = [
        replace(healthy, final_every=irregular(seed * 10 + number), fault=Abort(after=3.3 + number * 0.77))
        for number in range(4)
    ]
    told = await play(name, ragged, then=replace(healthy, final_every=irregular(seed)), seconds=20)
    told.assert_whole()


@TYPED
async def test_a_receipt_that_is_too_short_is_no_receipt(dialect: tuple[str, Behaviour]) -> None:
    name, healthy = dialect
    told = await play(name, [replace(healthy, fault=ShortReceipt(seconds=1.0))], then=healthy, connections=2)
    told.assert_whole()


async def test_silence_at_the_end_needs_no_final() -> None:
    script = Script(silences=((9.0, 12.0),))
    async with ScriptedServer("deepgram", [Behaviour(covers_silence=False)], script=script) as server:
        told = await stream(chain(remote(server.url, "deepgram")), SECONDS, script=script)
        assert len(server.connections) == 1
    told.assert_whole()


async def test_a_hole_in_the_finals_of_a_healthy_server_is_covered_in_time() -> None:
    script = Script(silences=((4.0, 8.0),))
    async with ScriptedServer("deepgram", [Behaviour(covers_silence=False)], script=script) as server:
        told = await stream(chain(remote(server.url, "deepgram")), 30.0, script=script, buffer=20.0)
        assert len(server.connections) == 1
    told.assert_whole()


@pytest.mark.parametrize("silence", [20.0])
async def test_the_first_word_after_a_long_silence_is_there(dialect: tuple[str, Behaviour], silence: float) -> None:
    name, healthy = dialect
    script = Script(silences=((2.0, 2.0 + silence),))
    async with ScriptedServer(name, [healthy], script=script) as server:
        told = await stream(chain(remote(server.url, BACKENDS[name])), silence + 6, script=script)
        assert len(server.connections) == 1
    told.assert_whole()


# The handshake


@pytest.mark.parametrize(
    "fault",
    [
        NoHttp(),
        GarbageHttp(),
        AcceptThenClose(),
        WrongAcceptKey(),
        *(Refuse(n) for n in (408, 425, 500, 502, 503, 504)),
    ],
    ids=repr,
)
async def test_a_handshake_that_fails_is_an_attempt(fault: HandshakeFault) -> None:
    told = await play("voxcli", [Behaviour(fault=fault)], connections=2)
    told.assert_whole()
    assert told.notices == ["reconnecting", "reconnected"]


@pytest.mark.parametrize("status", [400, 404, 405, 410, 413, 414, 415, 422, 431])
async def test_a_refusal_for_good_is_told_and_not_repeated(status: int) -> None:
    fault = Refuse(status, {"dg-error": "no such model", "dg-request-id": "abc-1"})
    told = await play("deepgram", [Behaviour(fault=fault)], then=Behaviour(fault=fault), connections=1)
    assert isinstance(told.outcome.error, BackendRefused)
    assert told.outcome.error.message == f"deepgram: refused with HTTP {status}: no such model (request abc-1)"


@pytest.mark.parametrize("status", [401, 402, 403])
async def test_a_key_that_is_not_accepted(status: int) -> None:
    fault = Refuse(status, body='{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials: s3cret."}')
    told = await play("deepgram", [Behaviour(fault=fault)], then=Behaviour(fault=fault), connections=1)
    assert isinstance(told.outcome.error, AuthenticationFailed)
    assert told.outcome.error.message == f"deepgram: refused with HTTP {status}: Invalid credentials: ***."


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 4400])
async def test_a_close_for_good_names_its_cause(code: int) -> None:
    fault = Close(after=5.3, code=code, reason="DATA-0000")
    told = await play("deepgram", [Behaviour(fault=fault)], connections=1)
    assert isinstance(told.outcome.error, BackendRefused)
    assert told.outcome.error.message == f"deepgram: closed with {code}: DATA-0000"
    assert told.loss_of_names.doubled == []


async def test_the_words_before_a_refusal_are_its_reason() -> None:
    fault = SayError(after=0.0, message="expected linear16 at 16000 Hz, got opus", code=4400)
    told = await play("voxcli", [Behaviour(fault=fault)], connections=1)
    assert told.outcome.error is not None
    assert "expected linear16 at 16000 Hz, got opus" in told.outcome.error.message


async def test_an_error_after_which_nothing_comes_is_a_drop(dialect: tuple[str, Behaviour]) -> None:
    name, healthy = dialect
    async with ScriptedServer(name, [replace(healthy, fault=ErrorThenMute(after=5.3))], then=healthy) as server:
        told = await stream(chain(remote(server.url, BACKENDS[name])), ClockedSource(12.7, speed=12.0))
        assert len(server.connections) == 2
    told.assert_whole()
    assert name == "vosk" or "the provider is gone" in str(told.events)


@TYPED
async def test_an_error_after_which_all_goes_on_is_none(dialect: tuple[str, Behaviour]) -> None:
    name, healthy = dialect
    async with ScriptedServer(name, [replace(healthy, fault=SayError(after=5.3))]) as server:
        told = await stream(chain(remote(server.url, BACKENDS[name])), ClockedSource(12.7, speed=12.0))
        assert len(server.connections) == 1
    told.assert_whole()


async def test_a_message_too_large_for_memory_ends_the_connection() -> None:
    told = await play("deepgram", [Behaviour(fault=huge_message(after=5.3))], connections=1)
    assert isinstance(told.outcome.error, BackendRefused)
    assert "more than 1 MiB" in told.outcome.error.message


async def test_a_server_that_comes_late_is_waited_for() -> None:
    async with ScriptedServer("voxcli") as server:
        server.down()
        lifecycle = replace(QUICK, backoff=0.1)
        opening = asyncio.create_task(_up_after(server, 0.25))
        told = await stream(chain(remote(server.url, "server", lifecycle)), SECONDS)
        await opening
    told.assert_whole()
    attempts = [(event.attempt, event.delay) for event in told.events if isinstance(event, Notice) and event.attempt]
    assert attempts == [(1, 0.1), (2, 0.2)]
    assert "connection refused" in next(event.message for event in told.events if isinstance(event, Notice))


async def _up_after(server: ScriptedServer, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await server.up()


async def test_a_server_that_never_comes_ends_with_a_clear_error() -> None:
    async with ScriptedServer("voxcli") as server:
        server.down()
        told = await stream(chain(remote(server.url, "server")), SECONDS)
    error = told.outcome.error
    assert isinstance(error, BackendUnreachable)
    assert error.message == "server: cannot be reached: connection refused (tried 4 times)"
    assert told.notices == ["reconnecting"] * 3
    assert (told.summary.covered_seconds, told.summary.stop_reason) == (0.0, "error")


async def test_a_name_that_nobody_knows() -> None:
    told = await stream(chain(remote("ws://nowhere.invalid", "server")), 1.0)
    assert isinstance(told.outcome.error, BackendUnreachable)
    assert "cannot be reached" in told.outcome.error.message


async def test_a_server_that_accepts_and_closes_for_ever_is_given_up() -> None:
    lifecycle = replace(QUICK, retries=50, backoff=0.1)
    async with ScriptedServer("voxcli", then=Behaviour(fault=Close(code=1000))) as server:
        told = await stream(chain(remote(server.url, "server", lifecycle)), SECONDS)
        assert len(server.connections) == 3
        times = [record.connected_at for record in server.connections]
        assert all(later - earlier >= 0.09 for earlier, later in pairwise(times))
    assert isinstance(told.outcome.error, BackendUnreachable)


async def test_too_many_requests_are_waited_out_as_the_server_asks() -> None:
    fault = Refuse(429, {"Retry-After": "1"})
    async with ScriptedServer("deepgram", [Behaviour(fault=fault)]) as server:
        told = await stream(chain(remote(server.url, "deepgram")), SECONDS)
        first, second = (record.connected_at for record in server.connections)
    told.assert_whole()
    assert told.notices == ["rate_limited", "reconnected"]
    assert 1.0 <= second - first < 2.0


async def test_too_many_requests_without_a_word_on_when() -> None:
    async with ScriptedServer("deepgram", [Behaviour(fault=Refuse(429))]) as server:
        told = await stream(chain(remote(server.url, "deepgram")), SECONDS)
        first, second = (record.connected_at for record in server.connections)
    told.assert_whole()
    assert 1.0 <= second - first < 2.0


async def test_a_live_source_does_not_wait_until_its_ring_overflows() -> None:
    """Five seconds of ring, a server that asks for a minute: the next one takes over in time."""
    fault = Refuse(429, {"Retry-After": "60"})
    async with ScriptedServer("deepgram", then=Behaviour(fault=fault)) as server:
        patient = replace(QUICK, dwell=10.0)
        source = ClockedSource(4.0, speed=4.0, live=True)
        told = await stream(
            chain(remote(server.url, "deepgram", patient), LocalEars(), lifecycle=patient), source, buffer=5.0
        )
        assert len(server.connections) == 1
    told.assert_whole()
    assert told.notices == ["failover"]


# Sessions of our own server


async def test_a_session_goes_on_where_it_was() -> None:
    """Words, times and finals are those of a run without the drop."""
    undisturbed = await play("voxcli", [])
    told = await play("voxcli", [Behaviour(fault=Abort(after=5.3))], connections=2)
    assert [(final.transcript, final.start, final.duration) for final in told.finals] == [
        (final.transcript, final.start, final.duration) for final in undisturbed.finals
    ]


async def test_a_session_that_the_server_has_forgotten_is_begun_anew() -> None:
    async with ScriptedServer("voxcli", [Behaviour(fault=Abort(after=5.3), resumable=False)]) as server:
        told = await stream(chain(remote(server.url, "server")), SECONDS)
        assert server.connections[1].query["last_seq"] == "2"
        assert server.connections[1].ears.place(0) == 3 * 16_000
    told.assert_whole()


async def test_a_server_that_does_not_say_whether_it_goes_on_is_asked_anew() -> None:
    behaviours = [Behaviour(fault=Abort(after=5.3)), Behaviour(ready_delay=math.inf)]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour()) as server:
        told = await stream(chain(remote(server.url, "server")), SECONDS)
        assert ["session" in record.query for record in server.connections] == [False, True, False]
    told.assert_whole()


async def test_a_server_that_has_forgotten_our_language() -> None:
    behaviours = [Behaviour(fault=Abort(after=5.3)), Behaviour(v1=False)]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour()) as server:
        told = await stream(chain(remote(server.url, "server")), SECONDS)
        assert len(server.connections) == 2
        assert server.connections[1].texts == []
    told.assert_whole()


# The simplest servers


async def test_a_plain_server_with_times_is_sent_audio_only() -> None:
    async with ScriptedServer("voxcli", [Behaviour(v1=False)]) as server:
        told = await stream(chain(remote(server.url, "server")), SECONDS)
        (record,) = server.connections
        assert record.texts == []
        assert record.close_code == 1000
    told.assert_whole()
    assert told.notices == []


async def test_three_fields_are_best_effort_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxcli.recognizers.exchange.CAUTIOUS_PACE", 10.0)
    async with ScriptedServer("plain", [Behaviour(fault=Abort(after=5.3))]) as server:
        told = await stream(chain(remote(server.url, "server")), SECONDS)
        assert [record.texts for record in server.connections] == [[], []]
        assert server.connections[-1].close_code == 1000
    assert told.outcome.error is None
    assert told.notices == ["best_effort", "reconnecting", "reconnected"]
    assert check_names(told.text.split(), Script(), SECONDS).doubled == []


async def test_a_plain_server_that_leaves_the_end_open_is_not_waited_for_for_ever() -> None:
    """Nobody else can go on, so it is no error; what is not covered is in the Summary."""
    behaviour = Behaviour(v1=False, covers_silence=False, final_when_idle=math.inf)
    script = Script(silences=((8.0, 12.0),))
    async with ScriptedServer("voxcli", [behaviour], script=script) as server:
        told = await stream(chain(remote(server.url, "server")), SECONDS, script=script)
    assert told.outcome.error is None
    assert told.loss == Loss()
    assert 7.0 <= told.summary.covered_seconds < 12.0


async def test_the_end_that_a_plain_server_leaves_open_is_done_by_the_next() -> None:
    behaviour = Behaviour(v1=False, final_every=5.0, final_when_idle=math.inf)
    local = LocalEars()
    async with ScriptedServer("voxcli", [behaviour]) as server:
        told = await stream(chain(remote(server.url, "server"), local), SECONDS)
    told.assert_whole()
    assert local.begun == [10 * 16_000]


# Two channels


async def test_two_channels_that_are_not_equally_far() -> None:
    """What counts is what is covered on both."""
    heard: list[tuple[float, int]] = []

    class TwoChannels(deepgram.DeepgramCodec):
        def receive(self, message: str | bytes) -> list[object]:  # type: ignore[override]
            doubled: list[object] = []
            for event in super().receive(message):
                doubled.append(event)
                if isinstance(event, Results) and event.is_final:
                    heard.append((event.end, 1))
                    behind = replace(event, channel=1)
                    self.late.append(behind)
                    if len(self.late) > 1:
                        doubled.append(self.late.pop(0))
            return doubled

        def __init__(self) -> None:
            super().__init__()
            self.channels = 2
            self.late: list[Results] = []

    async with ScriptedServer("deepgram", [Behaviour(fault=Abort(after=7.3))]) as server:
        recognizer = remote(server.url, "deepgram")
        recognizer._remote = replace(recognizer._remote, new_codec=TwoChannels)  # type: ignore[arg-type]
        told = await stream(chain(recognizer), SECONDS)
        replayed = server.connections[1].ears.place(0)
    for channel in (0, 1):
        words = [word.word for final in told.finals if final.channel == channel for word in final.words or ()]
        assert len(words) == len(set(words))
    first = [word.word for final in told.finals if final.channel == 0 for word in final.words or ()]
    assert check_names(first, Script(), SECONDS) == Loss()
    assert replayed == 3 * 16_000  # a second before what the slower channel has covered


# Stopping


@pytest.mark.parametrize("name", ["deepgram", "voxcli", "vosk"])
async def test_a_wish_to_stop_brings_the_tail(name: str) -> None:
    stop = Stop()

    def on_block(at: float) -> None:
        if at >= 5.2:
            stop.request("interrupted")

    async with ScriptedServer(name) as server:
        source = ClockedSource(60.0, speed=10.0, on_block=on_block)
        told = await stream(chain(remote(server.url, BACKENDS[name])), source, stop=stop)
        assert server.connections[0].close_code in (1000, 1005, 1006)
    told.length = told.summary.audio_seconds
    assert 5.0 < told.length < 6.5
    told.assert_whole()
    assert told.summary.stop_reason == "interrupted"


async def test_a_server_that_never_answers_the_end_has_its_last_words_promoted() -> None:
    behaviour = Behaviour(final_every=60.0, fault=AtEnd(fault=Mute(), finals=False))
    stop = Stop()
    async with ScriptedServer("deepgram", then=behaviour) as server:
        source = ClockedSource(60.0, speed=5.0, on_block=lambda at: stop.request("interrupted") if at > 3 else None)
        told = await stream(chain(remote(server.url, "deepgram")), source, stop=stop, drain=0.5)
    (last,) = told.finals
    assert last.promoted
    assert last.transcript.startswith("w0000 w0001 w0002")
    assert told.outcome.error is not None
    assert told.outcome.error.code == "drain_timeout"
    assert told.summary.covered_seconds == 0.0
    assert told.recorder.utterances == [last.transcript]


async def test_a_key_that_the_server_repeats_is_hidden() -> None:
    fault = SayError(after=0.0, message="s3cret is not enough", code=4400)
    told = await play("voxcli", [Behaviour(fault=fault)], connections=1)
    assert told.outcome.error is not None
    assert told.outcome.error.message.startswith("server: *** is not enough")


async def test_two_servers_keep_each_its_own_key_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """The second connects while the first is still connected; both log their headers."""
    caplog.set_level("DEBUG", logger="voxcli.wire")
    async with ScriptedServer("voxcli") as one, ScriptedServer("deepgram") as two:
        first = RemoteRecognizer(open_remote("server", Place(one.url, "first-key"), Asked()), QUICK)
        second = RemoteRecognizer(open_remote("deepgram", Place(two.url, "second-key"), Asked()), QUICK)
        await asyncio.gather(stream(first, 2.0), stream(second, 2.0))
    assert "Authorization: Bearer ***" in caplog.text
    assert "Authorization: Token ***" in caplog.text
    assert "-key" not in caplog.text


@pytest.mark.parametrize("name", ["deepgram", "voxcli"])
@pytest.mark.slow
async def test_a_keep_alive_into_a_full_socket_does_not_hide_that_it_is_full(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch sends, too: it must not wait for what it is to notice. The server has stopped reading."""
    monkeypatch.setattr(deepgram.DeepgramCodec, "keep_alive_seconds", 0.3)
    monkeypatch.setattr(deepgram.DeepgramCodec, "pace", 5_000.0)
    patient = replace(QUICK, stall=60.0, window=10_000.0, drain=60.0, quiet=0.2)
    behaviour = Behaviour(fault=StopReading(after=1.0))
    async with ScriptedServer(name, [behaviour], then=Behaviour(), receive_buffer=4_096) as server:
        told = await stream(chain(remote(server.url, BACKENDS[name], patient)), 400.0, buffer=500.0, deadline=40)
        assert len(server.connections) == 2
    told.assert_whole()
    assert "nothing could be sent for 0.6 s" in str(told.events)


async def hear_nothing(connection: ServerConnection) -> None:
    """A server of ours that has only empty interims for silence, and no final even when it is asked for one."""
    heard = 0
    await connection.send('{"type":"Ready","session":"s","resumed":false,"received_samples":0}')
    async for message in connection:
        if isinstance(message, bytes):
            heard += len(message) // 2
            await connection.send(json.dumps({"type": "Ack", "received_samples": heard}))
            nothing = {"type": "Results", "transcript": "", "is_final": False, "start": 0.0, "duration": heard / 16_000}
            await connection.send(json.dumps(nothing))
        elif "CloseStream" in message:
            await connection.send(json.dumps({"type": "Metadata", "duration": heard / 16_000, "finals": 0}))
            return


async def test_a_long_silence_without_finals_does_not_stop_a_full_ring() -> None:
    """An empty interim over all that a final was asked for says that nothing was said there."""
    async with serve(hear_nothing, "127.0.0.1", 0, subprotocols=[Subprotocol("voxcli.v1")], compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        source = ClockedSource(30.0, quiet_spans=((0.0, 30.0),))
        told = await stream(chain(remote(f"ws://127.0.0.1:{port}", "server")), source, buffer=8.0)
    assert told.outcome.error is None
    assert told.notices == []
    assert told.summary.covered_seconds == 30.0
    assert told.text == ""


@pytest.mark.slow
async def test_a_pause_of_the_source_is_no_fault_of_the_server() -> None:
    class Pausing(ClockedSource):
        async def chunks(self):  # type: ignore[no-untyped-def]
            async for chunk in super().chunks():
                yield chunk
                if chunk.end == 3 * 16_000:
                    await asyncio.sleep(2.5)

    for name in ("voxcli", "vosk"):
        async with ScriptedServer(name, then=Behaviour(result_delay=0.2)) as server:
            told = await stream(chain(remote(server.url, BACKENDS[name])), Pausing(25.0))
            assert len(server.connections) == 1
        told.assert_whole()


async def test_a_session_that_cannot_be_joined_is_begun_anew() -> None:
    behaviours = [Behaviour(fault=Abort(after=5.3)), Behaviour(fault=Refuse(404))]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour()) as server:
        told = await stream(chain(remote(server.url, "server")), SECONDS)
        assert ["session" in record.query for record in server.connections] == [False, True, False]
    told.assert_whole()


async def test_messages_that_cannot_be_understood_are_told_once() -> None:
    told = await play("voxcli", [Behaviour(fault=NotANumber())])
    assert told.errors == ["backend_misunderstood"]


async def test_a_server_of_another_language_is_told_so_and_not_tried_again() -> None:
    """It answers, but nothing that it says means anything: the next of the chain goes on, and the user is shown why."""
    connections = 0

    async def strange(connection: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        for number in range(4):
            await connection.send(json.dumps({"uid": "s3cret", "segments": [{"text": "hello", "n": number}]}))
        await connection.close(1011)

    async with serve(strange, "127.0.0.1", 0, compression=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        told = await stream(chain(remote(url, "server"), LocalEars()), SECONDS)
    told.assert_whole()
    assert connections == 1
    assert told.notices == ["failover"]
    (notice,) = [event for event in told.events if isinstance(event, Notice)]
    assert "sends what cannot be understood" in notice.message
    assert '"segments": [{"text": "hello"' in notice.message
    assert "s3cret" not in notice.message
