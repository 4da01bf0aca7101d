"""The JavaScript client, run by Node.js against servers that really listen: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import math
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from chaos import ChaosProxy
from javascript import FIRST_WITH_WEBSOCKET, Driver, find_ws, node_version
from oracle import RATE, Loss, Script, check_names, clocked_audio, silence
from page_server import STATIC
from running_server import RunningServer, ServerEars
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
    ShortReceipt,
    StopReading,
    huge_message,
    malformed_json,
    unknown_type,
)
from scripted_handshakes import AcceptThenClose, GarbageHttp, HandshakeFault, Refuse, WrongAcceptKey
from scripted_server import Behaviour, ScriptedServer, irregular

pytestmark = [pytest.mark.system]

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "javascript.md"
CUTS = 40

BEHIND_A_PROXY = {"backoff": 50, "mostBackoff": 100, "rejoin": 1_000}
"""A proxy accepts what its server may not be ready for."""


@pytest.fixture
def driver(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Driver:
    """Node with the package ``ws``, which every version can use."""
    assert node_version() >= 18
    return Driver(find_ws(tmp_path_factory.getbasetemp().parent), tmp_path)


@pytest.fixture
def native(tmp_path: Path) -> Driver:
    """Node with its own WebSocket, which is a browser's."""
    if node_version() < FIRST_WITH_WEBSOCKET:
        pytest.skip("this Node.js has no WebSocket of its own")
    return Driver(None, tmp_path)


def cut(chance: random.Random, resumable: bool | None) -> Behaviour:
    """A connection that ends within a few seconds of audio, in any way, with finals that end anywhere."""
    after = chance.uniform(2.0, 6.0)
    code = chance.choice([1000, 1001, None, 1011, 1012, 4408])
    faults = [Abort(after), Fin(after), AbortBeforeFinal(after), AbortAfterFinal(after), Close(after, code=code)]
    handshakes = [AcceptThenClose(), GarbageHttp(), WrongAcceptKey(), Refuse(503)]
    return Behaviour(
        fault=chance.choice(handshakes) if chance.random() < 0.1 else chance.choice(faults),
        final_every=irregular(chance.randrange(10**6), 0.3, 2.5),
        interim_every=chance.choice([0.0, 0.2, 0.5]),
        resumable=chance.random() < 0.5 if resumable is None else resumable,
    )


@pytest.mark.parametrize("resumable", [True, False, None], ids=["resumed", "anew", "both"])
@pytest.mark.parametrize("speed", [60.0, None], ids=["live", "file"])
async def test_no_word_is_lost_or_doubled_over_many_cuts(
    driver: Driver, resumable: bool | None, speed: float | None
) -> None:
    chance = random.Random(f"{resumable} {speed}")
    seconds = 220.0
    behaviours = [cut(chance, resumable) for _ in range(CUTS)]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour(final_every=irregular(1))) as server:
        heard = await driver.stream(server.url, clocked_audio(seconds), speed=speed)
        connections = server.connections
    heard.assert_whole(seconds)
    assert len(connections) > CUTS
    assert heard.summary["reconnects"] > 30
    joined = [connection for connection in connections if "session" in connection.query]
    assert joined
    again = [message for connection in connections for message in connection.sent if message.get("resumed")]
    assert bool(again) == (resumable is not False)


async def test_the_same_with_the_websocket_of_a_browser(native: Driver) -> None:
    chance = random.Random(1)
    behaviours = [cut(chance, None) for _ in range(CUTS)]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour()) as server:
        heard = await native.stream(server.url, clocked_audio(220.0), speed=60.0)
    heard.assert_whole(220.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
async def test_no_word_is_lost_or_doubled_whatever_the_seed(driver: Driver, seed: int) -> None:
    chance = random.Random(seed)
    behaviours = [cut(chance, None) for _ in range(100)]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour(final_every=irregular(seed))) as server:
        heard = await driver.stream(server.url, clocked_audio(500.0), speed=60.0)
    heard.assert_whole(500.0)


async def test_a_healthy_stream_is_told_as_it_is_heard(driver: Driver) -> None:
    async with ScriptedServer("voxcli") as server:
        heard = await driver.stream(server.url, clocked_audio(6.0), speed=10.0, options={"language": "ko"})
        (connection,) = server.connections
        await asyncio.wait_for(connection.closed.wait(), 5)
    heard.assert_whole(6.0)
    assert heard.states == ["connecting", "open", "closed"]
    assert connection.offered == ["voxcli.v1"]
    assert {name: connection.query[name] for name in ("encoding", "sample_rate", "channels", "language")} == {
        "encoding": "linear16", "sample_rate": "16000", "channels": "1", "language": "ko",
    }  # fmt: skip
    assert connection.texts == ['{"type":"CloseStream"}']
    assert connection.close_code == 1000
    assert [event["seq"] for event in heard.of("Results")] == list(range(1, len(heard.of("Results")) + 1))
    assert any(not event["is_final"] and event["transcript"] for event in heard.of("Results"))


@pytest.mark.parametrize("code", [1002, 1003, 1007, 1008, 1009, 4400, 4404, 4409])
async def test_a_close_for_good_is_not_tried_again(driver: Driver, code: int) -> None:
    async with ScriptedServer("voxcli", [Behaviour(fault=Close(2.0, code=code, reason="that is not done"))]) as server:
        heard = await driver.stream(server.url, clocked_audio(10.0), speed=20.0)
        assert len(server.connections) == 1
    assert heard.rejected["Finished"]["code"] == "refused"
    assert heard.rejected["Finished"]["status"] == code
    assert heard.rejected["Finished"]["message"] == "that is not done"
    assert heard.states == ["connecting", "open", "failed"]


@pytest.mark.parametrize("code", [1000, 1001, None, 1011, 1012, 1013, 4408, 4429])
async def test_any_other_close_is(driver: Driver, code: int | None) -> None:
    async with ScriptedServer("voxcli", [Behaviour(fault=Close(2.0, code=code))]) as server:
        heard = await driver.stream(server.url, clocked_audio(6.0), speed=20.0)
        assert len(server.connections) == 2
    heard.assert_whole(6.0)
    assert heard.states == ["connecting", "open", "reconnecting", "open", "closed"]


async def test_a_bad_format_is_told_in_the_servers_words(driver: Driver) -> None:
    fault = SayError(0.0, "expected linear16, got opus", code=4400)
    async with ScriptedServer("voxcli", [Behaviour(fault=fault, ready_delay=0.0)]) as server:
        heard = await driver.stream(server.url, clocked_audio(2.0), waits=True, speed=20.0)
    assert heard.states[-1] == "failed"
    assert heard.rejected["Finished"]["message"] == "expected linear16, got opus"
    assert [event["message"] for event in heard.of("Error")] == ["expected linear16, got opus"]


@pytest.mark.parametrize(("status", "code"), [(401, "token_refused"), (403, "token_refused"), (404, "refused")])
async def test_a_refused_upgrade_is_not_tried_again(driver: Driver, status: int, code: str) -> None:
    async with ScriptedServer("voxcli", [Behaviour(fault=Refuse(status))]) as server:
        heard = await driver.stream(server.url, clocked_audio(1.0), speed=20.0, options={"token": "s3cret"})
        assert len(server.connections) == 1
        assert server.connections[0].offered == ["voxcli.v1", "token", "s3cret"]
        assert "s3cret" not in str(server.connections[0].parameters)
    assert heard.rejected["Connected"]["code"] == code
    assert heard.rejected["Connected"]["status"] == status


async def test_a_browser_asks_over_http_why_it_was_refused(native: Driver) -> None:
    """It is not told the status of an upgrade; without its question it would try for ever."""
    async with ScriptedServer("voxcli", then=Behaviour(fault=Refuse(401))) as server:
        heard = await native.stream(server.url, clocked_audio(1.0), speed=20.0, options={"probe": True, "token": "no"})
        asked = [connection for connection in server.connections if not connection.offered]
        assert {connection.headers["authorization"] for connection in asked} == {"Bearer no"}
        assert len(server.connections) - len(asked) == 1
    assert heard.rejected["Connected"]["code"] == "token_refused"


async def test_a_token_that_cannot_be_sent_is_refused_here(driver: Driver) -> None:
    async with ScriptedServer("voxcli") as server:
        heard = await driver.stream(server.url, clocked_audio(1.0), speed=20.0, options={"token": "a b"})
        assert not server.connections
    assert heard.rejected["Connected"]["code"] == "token_refused"


async def test_a_server_that_comes_late_hears_the_first_word(driver: Driver) -> None:
    server = ScriptedServer("voxcli")
    async with server:
        server.down()
        streaming = asyncio.create_task(driver.stream(server.url, clocked_audio(8.0), speed=8.0))
        await asyncio.sleep(0.5)
        await server.up()
        heard = await streaming
    heard.assert_whole(8.0)
    assert "reconnecting" in heard.states


async def test_delays_double_until_there_is_progress(driver: Driver) -> None:
    behaviours = [Behaviour(fault=Close(0.0)) for _ in range(6)]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour()) as server:
        timing = {"backoff": 20, "mostBackoff": 200}
        heard = await driver.stream(server.url, clocked_audio(4.0), speed=5.0, timing=timing)
    heard.assert_whole(4.0)
    delays = [event["delay"] for event in heard.of("State") if event["state"] == "reconnecting"]
    for delay, planned in zip(delays, [0.02, 0.04, 0.08, 0.16, 0.2, 0.2], strict=True):
        assert planned * 0.8 <= delay <= planned * 1.2


async def test_a_server_that_does_not_say_whether_it_joins_is_connected_to_anew(driver: Driver) -> None:
    behaviours = [Behaviour(fault=Abort(3.0)), Behaviour(ready_delay=math.inf)]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour()) as server:
        heard = await driver.stream(server.url, clocked_audio(8.0), speed=10.0)
        first, second, third = server.connections
    heard.assert_whole(8.0)
    assert first.query.get("session") is None
    assert second.query["session"]
    assert second.samples == 0
    assert "session" not in third.query
    assert 0.2 < third.connected_at - second.connected_at < 0.9


async def test_a_session_goes_on_where_the_server_says(driver: Driver) -> None:
    async with ScriptedServer("voxcli", [Behaviour(fault=Abort(3.3))], then=Behaviour()) as server:
        heard = await driver.stream(server.url, clocked_audio(8.0), speed=20.0)
        first, second = server.connections
    heard.assert_whole(8.0)
    assert second.query["last_seq"] == "1"
    assert second.ears.place(0) == first.samples


@pytest.mark.parametrize(("words", "begin"), [(True, 1.0), (False, 2.0)], ids=["words", "no words"])
async def test_a_new_session_hears_again_a_second_if_there_are_words_to_tell_by(
    driver: Driver, words: bool, begin: float
) -> None:
    behaviours = [Behaviour(fault=Abort(3.3), resumable=False, words=words)]
    async with ScriptedServer("voxcli", behaviours) as server:
        heard = await driver.stream(server.url, clocked_audio(8.0), speed=20.0)
        assert server.connections[1].ears.place(0) == begin * RATE
    assert heard.loss_of_names(8.0) == Loss()


@pytest.mark.parametrize(
    "fault",
    [
        Duplicate(), Overlap(seconds=0.7), Backwards(), NotANumber(), malformed_json(1.0), unknown_type(1.0),
        huge_message(1.0), SayError(1.0),
    ],
    ids=lambda fault: type(fault).__name__,
)  # fmt: skip
async def test_odd_messages_cost_nothing(driver: Driver, fault: Fault) -> None:
    async with ScriptedServer("voxcli", then=Behaviour(fault=fault, final_every=1.0)) as server:
        heard = await driver.stream(server.url, clocked_audio(8.0), speed=20.0)
    if isinstance(fault, Backwards):
        assert heard.loss(8.0).lost == heard.loss(8.0).doubled == []
    else:
        heard.assert_whole(8.0)


async def test_results_that_stop_are_noticed(driver: Driver) -> None:
    async with ScriptedServer("voxcli", [Behaviour(fault=Mute(2.0), resumable=False)], then=Behaviour()) as server:
        heard = await driver.stream(server.url, clocked_audio(20.0), speed=8.0)
    heard.assert_whole(20.0)
    reasons = [event.get("message") for event in heard.of("State") if event["state"] == "reconnecting"]
    assert reasons == ["no result for 1 s"]


async def test_a_server_that_stops_reading_is_noticed(driver: Driver) -> None:
    async with ScriptedServer("voxcli", [Behaviour(fault=StopReading(2.0))], receive_buffer=4_096) as server:
        heard = await driver.stream(server.url, clocked_audio(30.0), speed=20.0)
    heard.assert_whole(30.0)
    assert "reconnecting" in heard.states


async def test_silence_is_no_reason_to_drop(driver: Driver) -> None:
    audio = clocked_audio(2.0) + silence(30.0) + clocked_audio(2.0, 32.0)
    async with ScriptedServer("voxcli", then=Behaviour(interim_every=0.0, final_every=40.0)) as server:
        heard = await driver.stream(server.url, audio, speed=10.0)
        assert len(server.connections) == 1
    assert heard.metadata["duration"] == 34.0
    assert " ".join(final["transcript"] for final in heard.finals).split()[-1] == "w0067"


@asynccontextmanager
async def deaf() -> AsyncIterator[tuple[str, list[int]]]:
    """A server that chooses ``voxcli.v1``, reads all that comes and says nothing at all."""
    taken: list[int] = []

    async def hear(connection: ServerConnection) -> None:
        taken.append(0)
        async for message in connection:
            taken[-1] += len(message) // 2

    async with serve(hear, "127.0.0.1", 0, subprotocols=["voxcli.v1"]) as server:  # type: ignore[list-item]
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ws/transcribe", taken


async def test_no_more_than_fifteen_seconds_are_sent_unacknowledged(driver: Driver) -> None:
    async with deaf() as (url, taken):
        timing = {"stall": 60_000}
        heard = await driver.stream(url, clocked_audio(100.0), speed=200.0, timing=timing, closeAfter=99.0)
    assert taken == [15 * RATE]
    assert heard.summary["coveredSeconds"] == 0


async def test_a_full_ring_loses_the_oldest_and_says_what(driver: Driver) -> None:
    server = ScriptedServer("voxcli", [Behaviour(resumable=False)], then=Behaviour())
    async with server:
        options = {"bufferSeconds": 10}
        streaming = asyncio.create_task(
            driver.stream(server.url, clocked_audio(60.0), speed=10.0, options=options, waits=True)
        )
        await server.wait_for(1)
        await asyncio.sleep(1.0)
        server.down()
        await asyncio.sleep(2.5)
        await server.up()
        heard = await streaming
    gaps = sorted(heard.gaps)  # what the server had been sent is given up last
    lost = sum(end - start for start, end in gaps)
    assert lost == pytest.approx(heard.summary["lostSeconds"])
    assert 5.0 < lost < 40.0
    assert all(one[1] <= two[0] for one, two in pairwise(gaps)), gaps
    assert heard.loss(60.0) == Loss()
    assert heard.summary["coveredSeconds"] == 60.0


async def test_a_ring_that_fills_asks_for_a_final(driver: Driver) -> None:
    async with ScriptedServer("voxcli", then=Behaviour(final_every=1_000.0)) as server:
        heard = await driver.stream(server.url, clocked_audio(60.0), options={"bufferSeconds": 20})
        assert '{"type":"Finalize"}' in server.connections[0].texts
    heard.assert_whole(60.0)


async def test_a_client_without_audio_stays_awake(driver: Driver) -> None:
    async with ScriptedServer("voxcli") as server:
        heard = await driver.stream(server.url, clocked_audio(1.0), speed=5.0, pause=1.0, timing={"keepAlive": 200})
        texts = server.connections[0].texts
    heard.assert_whole(1.0)
    assert 3 <= texts.count('{"type":"KeepAlive"}') <= 5


@pytest.mark.parametrize(
    "fault",
    [
        AtEnd(), AtEnd(fault=Abort()), AtEnd(fault=Abort(), finals=False), AtEnd(fault=Mute(), finals=False),
        AtEnd(fault=Close(code=1000), finals=False), ShortReceipt(seconds=1.0),
    ],
    ids=["closed", "cut", "cut before the finals", "never answered", "closed before the finals", "short receipt"],
)  # fmt: skip
@pytest.mark.parametrize("resumable", [True, False])
async def test_the_tail_is_replayed_until_it_is_answered(driver: Driver, fault: Fault, resumable: bool) -> None:
    behaviours = [Behaviour(fault=fault, resumable=resumable, final_every=1.7)]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour()) as server:
        heard = await driver.stream(server.url, clocked_audio(5.0), speed=10.0)
    heard.assert_whole(5.0)


async def test_an_end_that_is_never_answered_fails_in_the_end(driver: Driver) -> None:
    behaviour = Behaviour(fault=ShortReceipt(seconds=1.0), resumable=False, final_every=1_000.0)
    async with ScriptedServer("voxcli", then=behaviour) as server:
        heard = await driver.stream(server.url, clocked_audio(5.0), speed=10.0)
        assert len(server.connections) == 3
    assert heard.rejected["Finished"]["code"] == "unanswered"
    assert heard.of("State")[-1]["uncoveredSeconds"] > 0.9


async def test_close_ends_at_once(driver: Driver) -> None:
    async with ScriptedServer("voxcli") as server:
        heard = await driver.stream(server.url, clocked_audio(60.0), speed=10.0, closeAfter=3.0)
        assert (await server.wait_for(1)).samples < 4 * RATE
    assert heard.rejected["Finished"]["code"] == "closed"
    assert heard.states[-1] == "closed"
    assert heard.events[-1]["at"] < 3.0


@pytest.mark.parametrize("dialect", ["voxcli", "plain"])
@pytest.mark.parametrize("times", [True, False])
async def test_a_plain_server_is_sent_audio_and_nothing_else(driver: Driver, dialect: str, times: bool) -> None:
    async with ScriptedServer(dialect, then=Behaviour(v1=False, times=times, final_every=1.0)) as server:
        timing = {"keepAlive": 100, "drain": 3_000, "quiet": 800}
        heard = await driver.stream(server.url, clocked_audio(3.0), speed=1.1, pause=0.3, timing=timing)
        *others, connection = server.connections
        await asyncio.wait_for(connection.closed.wait(), 5)
    assert sum(other.samples for other in others) == 0
    assert [connection.offered for connection in server.connections] == [["voxcli.v1"], [], ["voxcli.v1"], []]
    assert [text for connection in server.connections for text in connection.texts] == []
    assert connection.close_code == 1000
    assert [event["plain"] for event in heard.of("State") if event["state"] == "open"] == [True]
    assert heard.loss_of_names(3.0) == Loss()
    assert heard.metadata["duration"] == 3.0


async def test_a_plain_server_with_times_loses_nothing_over_a_drop(driver: Driver) -> None:
    behaviours = [Behaviour(v1=False, fault=Abort(after)) for after in (1.4, 2.3, 3.1)]
    async with ScriptedServer("voxcli", behaviours, then=Behaviour(v1=False)) as server:
        heard = await driver.stream(server.url, clocked_audio(6.0), speed=2.0)
        assert all("session" not in connection.query for connection in server.connections)
    heard.assert_whole(6.0)


@pytest.mark.parametrize("fault", [AcceptThenClose(), GarbageHttp(), WrongAcceptKey(), Refuse(502), Refuse(429)])
async def test_what_comes_instead_of_a_handshake_is_tried_again(driver: Driver, fault: HandshakeFault) -> None:
    async with ScriptedServer("voxcli", [Behaviour(fault=fault)] * 3, then=Behaviour()) as server:
        heard = await driver.stream(server.url, clocked_audio(3.0), speed=10.0)
        assert len(server.connections) in (4, 5)  # one without a subprotocol may show that the server is there
        assert server.connections[-1].subprotocol == "voxcli.v1"
    heard.assert_whole(3.0)
    assert heard.states == ["connecting", *["reconnecting"] * 3, "open", "closed"]


async def test_the_real_server_and_a_network_that_breaks_change_nothing(driver: Driver) -> None:
    """Not even a seam is left: the recognizer is kept, so words, times and spans are those of a run without a cut."""
    seconds, cuts = 150.0, 0
    chance = random.Random(3)
    async with RunningServer(ServerEars(final_every=0.7)) as server, ChaosProxy(server.port) as proxy:
        untroubled = await driver.stream(server.url(), clocked_audio(seconds))
        streaming = asyncio.create_task(
            driver.stream(proxy.url("/ws/transcribe"), clocked_audio(seconds), speed=15.0, timing=BEHIND_A_PROXY)
        )
        while not streaming.done():
            await asyncio.sleep(chance.uniform(0.1, 0.25))
            if proxy.links and cuts < CUTS:
                chance.choice([proxy.reset, proxy.cut])()
                cuts += 1
        heard = await streaming
    untroubled.assert_whole(seconds)
    heard.assert_whole(seconds)
    assert cuts > 30
    spans = [
        [(final["transcript"], final["start"], final["duration"]) for final in run.finals]
        for run in (untroubled, heard)
    ]
    assert spans[0] == spans[1]


async def test_the_real_server_wants_a_token_and_a_known_format(driver: Driver) -> None:
    async with RunningServer(tokens=("s3cret",)) as server:
        refused = await driver.stream(server.url(), clocked_audio(1.0), speed=20.0, options={"token": "wrong"})
        assert refused.rejected["Connected"]["code"] == "token_refused"
        heard = await driver.stream(server.url(), clocked_audio(3.0), speed=20.0, options={"token": "s3cret"})
        heard.assert_whole(3.0)
        odd = {"token": "s3cret", "parameters": {"encoding": "opus"}}
        refused = await driver.stream(server.url(), clocked_audio(1.0), speed=20.0, options=odd)
    assert refused.states[-1] == "failed"
    assert refused.rejected["Finished"]["status"] == 4400
    assert "linear16" in refused.rejected["Finished"]["message"]


async def test_the_real_server_tells_a_browser_that_its_token_is_wrong(native: Driver) -> None:
    async with RunningServer(tokens=("s3cret",)) as server:
        options = {"token": "wrong", "probe": True}
        refused = await native.stream(server.url(), clocked_audio(1.0), speed=20.0, options=options)
    assert refused.rejected["Connected"]["code"] == "token_refused"


async def test_the_program_of_the_documentation_works(driver: Driver, tmp_path: Path) -> None:
    (program,) = re.findall(r"```js\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert driver.ws is not None
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "ws").symlink_to(driver.ws)
    (tmp_path / "static").symlink_to(STATIC)
    (tmp_path / "talk.mjs").write_text(program, encoding="utf-8")
    (tmp_path / "talk.raw").write_bytes(clocked_audio(300.0))
    async with RunningServer() as server:
        output, _ = await driver.run(str(tmp_path / "talk.mjs"), server.url(), str(tmp_path / "talk.raw"))
    assert check_names(output.split(), Script(), 300.0) == Loss()


@pytest.mark.parametrize("script", ["ledger.test.mjs", "transcript.test.mjs", "resampler.test.mjs", "client.test.mjs"])
async def test_the_parts_are_right(driver: Driver, script: str) -> None:
    """Each file of tests that Node runs itself."""
    output, _ = await driver.run(script, options=["--test", "--test-reporter=tap"])
    assert "# fail 0" in output
    assert "# pass 0" not in output
