"""The equipment of the network tests is itself right: each fault does what it says, and the oracle finds losses."""

from __future__ import annotations

import asyncio
import json
import math
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.typing import Subprotocol

import scripted_faults as faults
import scripted_handshakes as handshakes
from chaos import ChaosProxy, Plan
from oracle import (
    RATE,
    Ears,
    Loss,
    Run,
    Script,
    SpokenWord,
    check,
    check_names,
    clocked_audio,
    clocked_samples,
    expected,
    names_of,
    silence,
    words_of,
)
from scripted_server import Behaviour, ScriptedServer, irregular
from server_process import ServerProcess

pytestmark = pytest.mark.slow

Messages = list[dict[str, Any]]
SCRIPT = Script()
CLOSE_STREAM = '{"type": "CloseStream"}'


@asynccontextmanager
async def client(url: str, *names: str, **options: Any) -> AsyncIterator[ClientConnection]:
    """A bare client whose end waits for nobody."""
    settings: dict[str, Any] = {"proxy": None, "compression": None, "close_timeout": 0.2, "max_size": None, **options}
    async with connect(url, subprotocols=[Subprotocol(name) for name in names] or None, **settings) as connection:
        yield connection


async def speak(connection: ClientConnection, seconds: float, start: float = 0.0, chunk: float = 0.1) -> None:
    for number in range(round(seconds / chunk)):
        await connection.send(clocked_audio(chunk, start + number * chunk))


async def listen(connection: ClientConnection) -> Messages:
    """All messages until the connection is closed, however it is."""
    messages: Messages = []
    with suppress(ConnectionClosed):
        while True:
            messages.append(json.loads(await connection.recv()))
    return messages


async def stream(server: ScriptedServer, seconds: float = 5.0, *subprotocols: str) -> tuple[ClientConnection, Messages]:
    """The stream and its CloseStream, as far as it is taken; what came back."""
    async with client(server.url, *subprotocols) as connection:
        listening = asyncio.create_task(listen(connection))
        with suppress(ConnectionClosed):
            await speak(connection, seconds)
            await connection.send(CLOSE_STREAM)
        return connection, await listening


def flat(messages: Messages) -> Messages:
    """Deepgram's results in voxcli's shape, others as they are."""
    return [{**message, **message["channel"]["alternatives"][0]} for message in messages if "channel_index" in message]


def spans(messages: Messages) -> list[tuple[float, float]]:
    return [(final["start"], final["start"] + final["duration"]) for final in messages if final.get("is_final")]


# The oracle


@given(st.integers(0, 10**9), st.integers(1, 5000), st.lists(st.integers(0, 10_000), max_size=8))
def test_ears_know_the_place_of_each_sample_however_it_is_cut(first: int, samples: int, cuts: list[int]) -> None:
    audio, ears = clocked_samples(first, samples), Ears()
    edges = [0, *sorted(cuts), len(audio)]
    for begin, end in pairwise(edges):
        ears.feed(audio[begin:end])
    assert ears.heard == samples
    assert ears.runs() == ([Run(0, first, samples)] if samples >= 4 else [])


def test_ears_follow_replays_jumps_and_silence() -> None:
    ears = Ears()
    for audio in (clocked_audio(1), clocked_audio(1, 0.5), silence(0.25), clocked_audio(1, 30)):
        ears.feed(audio)
    assert ears.runs() == [Run(0, 0, 16_000), Run(16_000, 8_000, 16_000), Run(36_000, 480_000, 16_000)]
    assert ears.place(16_001) == 8_001
    assert ears.place(33_000) is None
    assert [word.name for word in ears.words_between(0, ears.heard)] == [
        *("w0000", "w0001"), *("w0001", "w0002"), *("w0060", "w0061"),
    ]  # fmt: skip


def test_words_are_on_the_clock_of_what_was_fed() -> None:
    ears = Ears()
    ears.feed(clocked_audio(2, 10.25))
    assert ears.words_between(0, ears.heard)[:2] == [
        SpokenWord("w0020", 0.0, 0.2),
        SpokenWord("w0021", 0.3, 0.7),
    ]


@given(st.lists(st.integers(0, 5 * RATE), max_size=12))
def test_each_word_is_heard_once_wherever_results_are_cut(cuts: list[int]) -> None:
    ears = Ears()
    ears.feed(clocked_audio(5))
    edges = [0, *sorted(cuts), ears.heard]
    heard = [word for begin, end in pairwise(edges) for word in ears.words_between(begin, end)]
    assert check(heard, SCRIPT, 5) == Loss()


def test_half_a_word_is_no_word() -> None:
    ears = Ears()
    ears.feed(clocked_audio(0.74))
    assert [word.name for word in ears.words_between(0, ears.heard)] == expected(SCRIPT, 0.74) == ["w0000"]


def test_nothing_is_spoken_in_a_silence() -> None:
    script = Script(silences=((1.0, 2.0),))
    assert expected(script, 3) == ["w0000", "w0001", "w0004", "w0005"]
    assert check(SCRIPT.words(3), script, 3) == Loss(invented=["w0002", "w0003"])


def test_the_judge_finds_what_is_wrong() -> None:
    words = SCRIPT.words(5)
    assert check(words, SCRIPT, 5) == Loss()
    assert check(words[:3] + words[4:], SCRIPT, 5) == Loss(lost=["w0003"])
    assert check(words[:3] + words[1:], SCRIPT, 5) == Loss(doubled=["w0001", "w0002"])
    assert check([*words[:2], words[3], words[2], *words[4:]], SCRIPT, 5) == Loss(out_of_order=["w0002"])
    late = SpokenWord("w0003", 1.7, 2.1)
    assert check([*words[:3], late, *words[4:]], SCRIPT, 5) == Loss(misplaced=["w0003"])
    assert check([*words, SpokenWord("w0099", 49.5, 49.9)], SCRIPT, 5) == Loss(invented=["w0099"])
    assert check(words[:3] + words[5:], SCRIPT, 5, gaps=[(1.7, 2.1)]) == Loss()
    assert check(words[:3] + words[6:], SCRIPT, 5, gaps=[(1.7, 2.1)]) == Loss(lost=["w0005"])
    assert check_names(["w0000", "w0001", "w0001"], SCRIPT, 1.5) == Loss(lost=["w0002"], doubled=["w0001"])


def test_a_word_may_be_cut_but_not_moved() -> None:
    words = SCRIPT.words(1)
    cut_in_front, cut_behind = SpokenWord("w0001", 0.7, 0.95), SpokenWord("w0001", 0.55, 0.8)
    moved_a_little, moved = SpokenWord("w0001", 0.64, 1.04), SpokenWord("w0001", 0.67, 1.07)
    for word in (cut_in_front, cut_behind, moved_a_little):
        assert check([words[0], word], SCRIPT, 1) == Loss()
    assert check([words[0], moved], SCRIPT, 1) == Loss(misplaced=["w0001"])


# Dialects without a fault


async def test_deepgram_ends_with_a_receipt() -> None:
    async with ScriptedServer("deepgram", [Behaviour(final_every=irregular(1))]) as server:
        connection, messages = await stream(server)
    assert connection.close_code == 1000
    assert check(words_of(flat(messages)), SCRIPT, 5) == Loss()
    assert messages[-1]["type"] == "Metadata"
    assert messages[-1]["duration"] == 5.0
    record = server.connections[0]
    assert (record.path, record.samples, record.texts, record.close_code) == (
        "/v1/listen",
        80_000,
        [CLOSE_STREAM],
        1000,
    )


async def test_finals_tile_what_was_heard() -> None:
    async with ScriptedServer("voxcli", [Behaviour(final_every=irregular(2))]) as server:
        _, messages = await stream(server, 5.0, "voxcli.v1")
    assert [end for _, end in spans(messages)][-1] == 5.0
    edges = spans(messages)
    assert [start for start, _ in edges] == pytest.approx([0.0, *(end for _, end in edges[:-1])])
    assert [message["seq"] for message in messages if message.get("is_final")] == list(range(1, len(edges) + 1))


async def test_voxcli_v1_says_ready_acknowledges_and_keeps_talking_in_silence() -> None:
    quiet = Script(silences=((0, 20),))
    async with ScriptedServer("voxcli", [Behaviour(final_every=60, interim_every=0)], script=quiet) as server:
        connection, messages = await stream(server, 12.0, "voxcli.v1")
    assert connection.subprotocol == "voxcli.v1"
    assert messages[0]["type"] == "Ready"
    acknowledged = [message["received_samples"] for message in messages if message["type"] == "Ack"]
    assert acknowledged == [RATE * second for second in range(1, 13)]
    assert [message["duration"] for message in messages if message["type"] == "Results"] == [5.0, 10.0, 12.0]
    assert messages[-1] == {"type": "Metadata", "duration": 12.0, "finals": 1}


async def test_voxcli_without_v1_says_nothing_but_results() -> None:
    async with ScriptedServer("voxcli", [Behaviour(v1=False)]) as server:
        connection, messages = await stream(server, 5.0, "voxcli.v1")
    assert connection.subprotocol is None
    assert check(words_of(messages), SCRIPT, 5) == Loss()
    assert all({"type", "seq"}.isdisjoint(message) for message in messages)


async def test_the_plain_dialect_knows_three_fields_and_dies_of_text() -> None:
    async with ScriptedServer("plain") as server:
        connection, messages = await stream(server, 4.5)
        assert connection.close_code == 1011
        assert all(message.keys() == {"transcript", "is_final", "speech_final"} for message in messages)
        async with client(server.url) as connection:
            await speak(connection, 4.5)
            await asyncio.wait_for(_until(server, 1, lambda record: len(record.finals) == 3), 5)
    assert check_names(names_of(server.connections[1].sent), SCRIPT, 4.5) == Loss()


async def test_vosk_answers_each_message_once() -> None:
    async with ScriptedServer("vosk") as server, client(server.url) as connection:
        await connection.send('{"config" : {"sample_rate" : 16000}}')
        results = []
        for number in range(50):
            await connection.send(clocked_audio(0.1, number * 0.1))
            results.append(json.loads(await connection.recv()))
        await connection.send('{"eof": 1}')  # not what the server compares with
        assert "partial" in json.loads(await connection.recv())
        await connection.send('{"eof" : 1}')
        results += await listen(connection)
        assert connection.close_code == 1000
    words = [(word["word"], word["start"], word["end"]) for result in results for word in result.get("result", ())]
    assert check(words, SCRIPT, 5) == Loss()
    assert ["text" in result for result in results].count(True) == 3


async def test_finalize_covers_what_was_sent() -> None:
    async with ScriptedServer("deepgram") as server, client(server.url) as connection:
        await speak(connection, 1.3)
        await connection.send('{"type":"Finalize"}')
        await connection.send(CLOSE_STREAM)
        finals = [message for message in await listen(connection) if message.get("from_finalize")]
    assert spans(finals) == [(0.0, 1.3)]


async def test_silence_may_stay_uncovered() -> None:
    script = Script(silences=((2, 4), (4.4, 9)))
    async with ScriptedServer("deepgram", [Behaviour(covers_silence=False)], script=script) as server:
        _, messages = await stream(server, 8.0)
    assert spans(messages) == [(0.0, 2.0)]
    assert messages[-1]["duration"] == 8.0


@pytest.mark.parametrize("behaviour", [Behaviour(speed=5.0), Behaviour(result_delay=0.8, final_every=0.25)])
async def test_a_slow_server_reads_slowly_and_a_late_one_answers_late(behaviour: Behaviour) -> None:
    async with ScriptedServer("deepgram", [behaviour]) as server:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        _, messages = await stream(server, 4.0)
        assert 0.8 <= loop.time() - begun < 2
    assert check(words_of(flat(messages)), SCRIPT, 4) == Loss()


async def test_the_path_decides_where_no_dialect_is_given() -> None:
    async with ScriptedServer() as server:
        for path, kind in (("/v1/listen", "Metadata"), ("/ws/transcribe", None)):
            async with client(server.address + path + "?a=1&a=2") as connection:
                await speak(connection, 0.1)
                await connection.send(CLOSE_STREAM)
                assert (await listen(connection))[-1].get("type") == kind
        with pytest.raises(InvalidStatus, match="404"):
            await connect(server.address + "/elsewhere", proxy=None)
    assert server.connections[0].parameters == [("a", "1"), ("a", "2")]


# Joining a session again


async def test_a_session_goes_on_where_it_was() -> None:
    fault = faults.AbortBeforeFinal(after=2.0)
    async with ScriptedServer("voxcli", [Behaviour(fault=fault)]) as server:
        _, before = await stream(server, 5.0, "voxcli.v1")
        assert spans(before) == []
        again = f"{server.url}?session={before[0]['session']}&last_seq=0"
        async with client(again, "voxcli.v1") as connection:
            ready = json.loads(await connection.recv())
            assert ready == {**before[0], "resumed": True, "received_samples": 32_000}
            await speak(connection, 3.0, start=2.0)
            await connection.send(CLOSE_STREAM)
            after = await listen(connection)
    assert check(words_of(after), SCRIPT, 5) == Loss()
    assert after[-1] == {"type": "Metadata", "duration": 5.0, "finals": 3}


@pytest.mark.parametrize("how", ["forgotten", "expired", "not kept", "not joined"])
async def test_a_session_may_be_gone(how: str) -> None:
    behaviours = [Behaviour(resumable=how != "not kept"), Behaviour(resumable=how != "not joined")]
    async with ScriptedServer("voxcli", behaviours, grace=0 if how == "expired" else 30) as server:
        async with client(server.url, "voxcli.v1") as connection:
            session = json.loads(await connection.recv())["session"]
        await server.connections[0].closed.wait()
        if how == "forgotten":
            server.sessions.clear()
        async with client(f"{server.url}?session={session}&last_seq=0", "voxcli.v1") as connection:
            assert json.loads(await connection.recv())["resumed"] is False


async def test_the_newest_connection_owns_a_session() -> None:
    async with ScriptedServer("voxcli") as server, client(server.url, "voxcli.v1") as older:
        session = json.loads(await older.recv())["session"]
        await speak(older, 1.0)
        await _until(server, 0, lambda record: record.samples == RATE)
        async with client(f"{server.url}?session={session}&last_seq=0", "voxcli.v1") as newer:
            assert json.loads(await newer.recv())["received_samples"] == RATE
            await listen(older)
            assert older.close_code == 1006
            await newer.send(CLOSE_STREAM)
            assert (await listen(newer))[-1]["duration"] == 1.0


# Faults on an open connection


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (faults.Close(1.0, code=1012, reason="restart"), 1012),
        (faults.Close(1.0, code=None), 1005),
        (faults.Close(0.0, code=1000), 1000),
        (faults.Abort(1.0), 1006),
        (faults.Fin(1.0), 1006),
        (faults.SayError(1.0, code=1008), 1008),
        (faults.AtEnd(fault=faults.Close(code=1000)), 1000),
        (faults.AtEnd(fault=faults.Abort()), 1006),
    ],
)
async def test_connections_end_before_their_time(fault: faults.Fault, code: int) -> None:
    async with ScriptedServer("deepgram", [Behaviour(fault=fault)]) as server:
        connection, messages = await stream(server)
        assert connection.close_code == code
        assert "Metadata" not in [message["type"] for message in messages]
        connection, messages = await stream(server)
        assert messages[-1]["type"] == "Metadata"
    assert server.connections[0].samples >= fault.after * RATE
    if isinstance(fault, faults.AtEnd):
        assert spans(server.connections[0].sent)[-1] == (4.0, 5.0)


async def test_a_reset_is_a_reset_and_a_fin_is_a_fin() -> None:
    async with ScriptedServer("deepgram", [Behaviour(fault=faults.Abort()), Behaviour(fault=faults.Fin())]) as server:
        causes = []
        for _ in range(2):
            async with client(server.url) as connection:
                with pytest.raises(ConnectionClosed) as closed:
                    await connection.recv()
                causes.append(type(closed.value.__cause__))
    assert causes == [ConnectionResetError, EOFError]


async def test_an_abort_before_or_after_a_final() -> None:
    behaviours = [Behaviour(fault=faults.AbortBeforeFinal(1.0)), Behaviour(fault=faults.AbortAfterFinal(1.0))]
    async with ScriptedServer("deepgram", behaviours) as server:
        _, before = await stream(server)
        _, after = await stream(server)
    assert spans(before) == []
    assert spans(after) == [(0.0, 2.0)]


async def test_a_frozen_server_does_nothing_and_may_thaw() -> None:
    behaviours = [Behaviour(fault=faults.StopReading(1.0)), Behaviour(fault=faults.StopReading(1.0, seconds=0.5))]
    async with ScriptedServer("deepgram", behaviours, receive_buffer=8_192) as server:
        async with client(server.url, ping_interval=0.1, ping_timeout=0.2) as connection:
            await speak(connection, 1.0)
            await listen(connection)
            assert connection.protocol.close_sent is not None
            assert connection.protocol.close_sent.reason == "keepalive ping timeout"
        _, messages = await stream(server)
    assert server.connections[0].samples == RATE
    assert check(words_of(flat(messages)), SCRIPT, 5) == Loss()


async def test_a_mute_server_acknowledges_and_pongs() -> None:
    behaviours = [Behaviour(fault=faults.Mute(2.1))]
    async with ScriptedServer("voxcli", behaviours) as server, client(server.url, "voxcli.v1") as connection:
        await speak(connection, 5.0)
        await connection.send(CLOSE_STREAM)
        await (await connection.ping())
        record = server.connections[0]
        await _until(server, 0, lambda record: bool(record.texts))
    assert record.sent[-1] == {"type": "Ack", "received_samples": 80_000}
    assert spans(record.sent) == [(0.0, 2.0)]


@pytest.mark.parametrize("dialect", ["deepgram", "voxcli"])
async def test_strange_messages_come_between_healthy_ones(dialect: str) -> None:
    strange = [faults.unknown_type(1.0), faults.huge_message(1.0, 3.0), faults.NotANumber(1.0), faults.SayError(1.0)]
    behaviours = [Behaviour(fault=fault) for fault in strange]
    async with ScriptedServer(dialect, behaviours) as server:
        kinds = [(await stream(server, 3.0, "voxcli.v1"))[1] for _ in strange]
    for messages in kinds:
        assert messages[-1]["duration"] == 3.0
    unknown, huge, not_a_number, error = kinds
    assert "Weather" in [message["type"] for message in unknown]
    assert max(len(json.dumps(message)) for message in huge) > 3_000_000
    assert [math.isnan(start) for start, _ in spans(not_a_number)] == [True, False, True, False]
    assert "Error" in [message["type"] for message in error]


async def test_half_a_message_is_no_json() -> None:
    behaviours = [Behaviour(fault=faults.malformed_json())]
    async with ScriptedServer("deepgram", behaviours) as server, client(server.url) as connection:
        with pytest.raises(json.JSONDecodeError):
            json.loads(await connection.recv())


@pytest.mark.parametrize(
    ("fault", "expected_spans"),
    [
        (faults.Duplicate(), [(0, 2), (0, 2), (2, 4), (2, 4), (4, 5), (4, 5)]),
        (faults.Overlap(2.5), [(0, 2), (1, 4), (3, 5)]),
        (faults.Backwards(), [(2, 4), (0, 2), (4, 5)]),
        (faults.NotANumber(instead=True), []),
    ],
)
async def test_finals_may_be_wrong(fault: faults.Fault, expected_spans: list[tuple[float, float]]) -> None:
    async with ScriptedServer("deepgram", [Behaviour(fault=fault)]) as server:
        connection, messages = await stream(server)
    assert connection.close_code == 1000
    assert [span for span in spans(messages) if not math.isnan(span[0])] == expected_spans
    verdict = check(words_of(flat(messages)), SCRIPT, 5)
    assert bool(verdict.doubled) == isinstance(fault, faults.Duplicate | faults.Overlap)
    assert bool(verdict.out_of_order) == isinstance(fault, faults.Backwards)


async def test_a_short_receipt_leaves_the_tail_out() -> None:
    async with ScriptedServer("deepgram", [Behaviour(fault=faults.ShortReceipt(seconds=0.6))]) as server:
        _, messages = await stream(server)
    assert messages[-1]["duration"] == 4.4
    assert check(words_of(flat(messages)), SCRIPT, 5) == Loss(lost=["w0009"])


async def test_the_end_may_never_be_answered() -> None:
    fault = faults.AtEnd(fault=faults.Mute())
    async with ScriptedServer("deepgram", [Behaviour(fault=fault)]) as server, client(server.url) as connection:
        await speak(connection, 1.0)
        await connection.send(CLOSE_STREAM)
        received = [json.loads(await connection.recv())["is_final"] for _ in range(3)]
        assert received == [False, False, True]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.recv(), 0.2)


async def test_an_idle_client_is_closed_as_deepgram_does() -> None:
    async with ScriptedServer("deepgram", [Behaviour(idle_close=0.1)]) as server, client(server.url) as connection:
        await listen(connection)
        assert connection.close_code == 1011
        assert "net0001" in str(connection.close_reason)


# Instead of a handshake


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (handshakes.WrongAcceptKey(), InvalidHandshake),
        (handshakes.GarbageHttp(), InvalidMessage),
        (handshakes.AcceptThenClose(), (InvalidMessage, ConnectionError)),
        (handshakes.NoHttp(), TimeoutError),
    ],
)
async def test_handshakes_fail(fault: handshakes.HandshakeFault, error: Any) -> None:
    async with ScriptedServer("deepgram", [Behaviour(fault=fault)]) as server:
        with pytest.raises(error):
            await connect(server.url, proxy=None, open_timeout=0.3)
        _, messages = await stream(server, 1.0)
        assert messages[-1]["type"] == "Metadata"
    assert len(server.connections) == 2


async def test_a_status_comes_with_its_headers_and_its_body() -> None:
    fault = handshakes.Refuse(429, {"Retry-After": "3", "dg-error": "too many"}, '{"err_code":"TOO_MANY_REQUESTS"}')
    async with ScriptedServer("deepgram", [Behaviour(fault=fault)]) as server:
        with pytest.raises(InvalidStatus) as refused:
            await connect(server.url, proxy=None, additional_headers={"Authorization": "Token secret"})
    response = refused.value.response
    assert (response.status_code, response.headers["Retry-After"], response.headers["dg-error"]) == (
        429,
        "3",
        "too many",
    )
    assert json.loads(response.body or b"") == {"err_code": "TOO_MANY_REQUESTS"}
    assert server.connections[0].headers["authorization"] == "Token secret"


# The server as a whole


async def test_the_server_goes_down_and_comes_up_on_the_same_port() -> None:
    async with ScriptedServer("deepgram") as server:
        async with client(server.url) as connection:
            server.down()
            await listen(connection)
            assert connection.close_code == 1006
            with pytest.raises(ConnectionRefusedError):
                await connect(server.url, proxy=None)
        await server.up()
        _, messages = await stream(server, 1.0)
        assert messages[-1]["type"] == "Metadata"


def certificate(folder: Path) -> ssl.SSLContext:
    """A server's context whose certificate is ``certificate.pem`` in the folder."""
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    request += ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(request, cwd=folder, check=True, capture_output=True, timeout=30)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


@pytest.mark.system
async def test_a_server_may_speak_tls(tmp_path: Path) -> None:
    context = certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
    async with ScriptedServer("deepgram", [Behaviour(fault=faults.Abort(1.0))], tls=context) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(server.url, proxy=None)
        async with client(server.url, ssl=trusting) as connection:
            await speak(connection, 1.0)
            await connection.send(CLOSE_STREAM)
            assert (await listen(connection))[-1]["type"] == "Metadata"


async def test_an_error_of_the_server_is_an_error_of_the_test() -> None:
    with pytest.raises(ExceptionGroup, match="scripted server failed"):
        async with ScriptedServer("deepgram") as server, client(server.url) as connection:
            await connection.send("no JSON")
            await listen(connection)


async def test_a_server_in_a_process_can_be_stopped_and_killed() -> None:
    async with ServerProcess("scripted_server.py", "--dialect", "deepgram", "--final-every", "0.5") as server:
        url = server.url("/v1/listen")
        async with client(url) as connection:
            await speak(connection, 0.5)
            assert spans([json.loads(await connection.recv())]) == [(0.0, 0.5)]
            server.stop()
            await speak(connection, 0.5, 0.5)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(connection.recv(), 0.3)
            server.go_on()
            assert spans([json.loads(await connection.recv())]) == [(0.5, 1.0)]
            await server.kill()
            await listen(connection)
            assert connection.close_code == 1006
        await server.start()
        assert server.url("/v1/listen") == url


async def test_the_tutorial_server_forwards_and_dies_of_text() -> None:
    async with (
        ScriptedServer("deepgram", [Behaviour(final_when_idle=0.2)]) as provider,
        ServerProcess("tutorial_server.py", DEEPGRAM_URL=provider.url) as server,
    ):
        async with client(server.url()) as connection:
            await speak(connection, 3.0)
            messages: Messages = []
            while len(names_of(messages)) < 6:
                messages.append(json.loads(await asyncio.wait_for(connection.recv(), 5)))
        await asyncio.wait_for(provider.connections[0].closed.wait(), 5)
        async with client(server.url()) as connection:
            await speak(connection, 0.5)
            await connection.send(CLOSE_STREAM)
            await asyncio.wait_for(listen(connection), 5)
            assert connection.close_code != 1000
    assert check_names(names_of(messages), SCRIPT, 3) == Loss()
    assert all(message.keys() == {"transcript", "is_final", "speech_final"} for message in messages)


# The proxy


@asynccontextmanager
async def proxied(
    *plans: Plan | None, **options: Any
) -> AsyncIterator[tuple[ScriptedServer, ChaosProxy, ClientConnection]]:
    async with (
        ScriptedServer("deepgram") as server,
        ChaosProxy(server.port, plans) as proxy,
        client(proxy.url("/v1/listen"), **options) as connection,
    ):
        await speak(connection, 1.0)
        assert spans([json.loads(await connection.recv())]) == []
        yield server, proxy, connection


async def test_a_proxy_forwards() -> None:
    async with proxied() as (_, proxy, connection):
        await speak(connection, 4.0, 1.0)
        await connection.send(CLOSE_STREAM)
        messages = await listen(connection)
    assert (connection.close_code, proxy.accepted, proxy.links) == (1000, 1, [])
    assert check(words_of(flat(messages)), SCRIPT, 5) == Loss()


@pytest.mark.parametrize(("action", "cause"), [("cut", EOFError), ("reset", ConnectionResetError)])
async def test_a_proxy_cuts_and_resets(action: str, cause: type) -> None:
    async with proxied() as (server, proxy, connection):
        getattr(proxy, action)()
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await connection.recv()
        assert isinstance(closed.value.__cause__, cause)
        await asyncio.wait_for(server.connections[0].closed.wait(), 1)


async def test_a_plan_holds_for_one_connection() -> None:
    async with ScriptedServer("deepgram") as server, ChaosProxy(server.port, [Plan("reset", 16_000)]) as proxy:
        for samples in (RATE / 2, RATE * 2):
            async with client(proxy.url("/v1/listen")) as connection:
                with suppress(ConnectionClosed):
                    await speak(connection, 2.0)
                    await connection.send(CLOSE_STREAM)
                await listen(connection)
            await server.connections[-1].closed.wait()
            assert server.connections[-1].samples == pytest.approx(samples, abs=16_384)
        assert proxy.accepted == 2


async def test_a_black_hole_swallows_and_gives_back() -> None:
    async with proxied() as (server, proxy, connection):
        await _until(server, 0, lambda record: record.samples == RATE)
        proxy.black_hole()
        await speak(connection, 1.0, 1.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(await connection.ping(), 0.3)
        assert server.connections[0].samples == RATE
        proxy.black_hole(on=False)
        await connection.send(CLOSE_STREAM)
        assert (await listen(connection))[-1]["duration"] == 2.0


async def test_a_black_hole_is_noticed_by_pings_alone() -> None:
    async with proxied(ping_interval=0.1, ping_timeout=0.2) as (_, proxy, connection):
        proxy.black_hole()
        await asyncio.wait_for(listen(connection), 3)
        assert connection.protocol.close_sent is not None


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_half_of_a_connection_is_closed(direction: Any) -> None:
    async with proxied() as (server, proxy, connection):
        await _until(server, 0, lambda record: record.samples == RATE)
        proxy.half_close(direction)
        await asyncio.wait_for(listen(connection), 2)
        assert connection.close_code == 1006
        await asyncio.wait_for(server.connections[0].closed.wait(), 2)


async def test_a_delay_and_a_slow_line() -> None:
    async with proxied() as (server, proxy, connection):
        proxy.delay(0.1)
        assert await (await connection.ping()) >= 0.2
        proxy.delay(0)
        proxy.throttle(64_000)
        begun = asyncio.get_running_loop().time()
        await speak(connection, 2.0, 1.0)
        await _until(server, 0, lambda record: record.samples == 3 * RATE)
        assert 0.9 <= asyncio.get_running_loop().time() - begun < 2


async def test_flipped_bytes_are_noticed() -> None:
    async with proxied() as (_, proxy, connection):
        proxy.corrupt()
        await speak(connection, 1.0, 1.0)
        await asyncio.wait_for(listen(connection), 2)
        assert connection.protocol.close_sent is not None
        assert connection.protocol.close_sent.code == 1002


async def test_a_proxy_refuses_or_closes_what_it_accepts() -> None:
    async with ScriptedServer("deepgram") as server, ChaosProxy(server.port) as proxy:
        url = proxy.url("/v1/listen")
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await connect(url, proxy=None)
        proxy.accept_again()
        proxy.accept_then_close(2)
        for _ in range(2):
            with pytest.raises((ConnectionError, InvalidMessage)):
                await connect(url, proxy=None)
        async with client(url):
            pass
        assert (proxy.accepted, len(server.connections)) == (3, 1)
        server.down()
        with pytest.raises((ConnectionError, InvalidMessage)):
            await connect(url, proxy=None)


async def _until(server: ScriptedServer, number: int, holds: Any) -> None:
    """Poll a record of the server for at most two seconds."""
    record = await server.wait_for(number + 1)
    async with asyncio.timeout(2):
        while not holds(record):
            await asyncio.sleep(0.01)
