"""``/ws/transcribe`` as clients use it: plain ones, those of ``voxcli.v1``, and those that vanish and come back."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from oracle import Loss, Script, check, clocked_audio, words_of
from running_server import RunningServer, ServerEars, client, closed, next_message, to_the_end

V1 = "voxcli.v1"
CLOSE_STREAM = '{"type": "CloseStream"}'


async def test_the_plainest_client_gets_the_three_fields_and_nothing_else() -> None:
    """Binary audio up, transcripts down, a close at the end; no message has a type."""
    async with RunningServer() as server:
        connection = await client(server.url())
        for second in range(5):
            await connection.send(clocked_audio(1.0, second))
        await connection.send(CLOSE_STREAM)
        messages = await to_the_end(connection)
    assert connection.close_code == 1000
    assert connection.subprotocol is None
    assert all({"transcript", "is_final", "speech_final"} <= set(message) for message in messages)
    assert not any("type" in message or "seq" in message for message in messages)
    assert check(words_of(messages), Script(), 5.0) == Loss()


@pytest.mark.parametrize("wire", ["voxcli", "websockets-sansio"])
async def test_any_asgi_server_will_do(wire: str) -> None:
    """Ours takes audio and gives results without a queue where it can; no message is lost or overtaken by that."""
    async with RunningServer(ServerEars(interims=True), wire=wire) as server:
        connection = await client(server.url(), V1)
        for tenth in range(100):
            await connection.send(clocked_audio(0.1, tenth / 10))
            if tenth % 7 == 0:
                await connection.send('{"type":"KeepAlive"}')
        await connection.send(clocked_audio(10.0, 10.0))  # more than is taken without waiting
        await connection.send(clocked_audio(0.1, 20.0))
        await connection.send(CLOSE_STREAM)
        messages = await to_the_end(connection)
    results = [message for message in messages if message["type"] == "Results"]
    finals = [result for result in results if result["is_final"]]
    assert [final["seq"] for final in finals] == list(range(1, len(finals) + 1))
    assert check(words_of(messages), Script(), 20.1) == Loss()
    ends = [result["start"] + result["duration"] for result in results]
    assert ends == sorted(ends)
    assert messages[-1] == {"type": "Metadata", "duration": 20.1, "finals": len(finals)}


async def test_a_client_of_voxcli_v1_is_told_all_that_it_needs() -> None:
    """Ready, an Ack a second, finals that are numbered and tile the audio, and the receipt."""
    async with RunningServer() as server:
        connection = await client(server.url(), V1)
        for tenth in range(70):
            await connection.send(clocked_audio(0.1, tenth / 10))
        await connection.send(CLOSE_STREAM)
        messages = await to_the_end(connection)
    assert connection.subprotocol == V1
    assert (connection.close_code, messages[0]["type"], messages[-1]["type"]) == (1000, "Ready", "Metadata")
    assert messages[0] | {"session": ""} == {
        "type": "Ready", "session": "", "resumed": False, "received_samples": 0, "backend": "vosk", "model": "ears",
    }  # fmt: skip
    assert len(messages[0]["session"]) == 32
    acks = [message["received_samples"] for message in messages if message["type"] == "Ack"]
    assert acks == sorted(acks)
    assert max(later - earlier for earlier, later in zip([0, *acks], acks, strict=False)) <= 16_000
    finals = [message for message in messages if message["type"] == "Results" and message["is_final"]]
    assert [final["seq"] for final in finals] == [1, 2, 3, 4]
    assert [final["start"] for final in finals] == [0.0, 2.0, 4.0, 6.0]
    assert messages[-1] == {"type": "Metadata", "duration": 7.0, "finals": 4}
    assert check(words_of(messages), Script(), 7.0) == Loss()


async def test_a_dropped_client_resumes_where_it_was() -> None:
    """The server has kept the recognizer, sends the missed finals again, and says from where to go on."""
    async with RunningServer() as server:
        first = await client(server.url(), V1)
        session = (await next_message(first, "Ready"))["session"]
        await first.send(clocked_audio(5.0))
        assert (await next_message(first, "Results"))["seq"] == 1
        await next_message(first, "Results")
        await server.metric_becomes("voxcli_queue_seconds", 0.0)
        first.transport.abort()
        await server.metric_becomes("voxcli_connections", 0.0)
        assert await server.metric("voxcli_sessions") == 1.0

        second = await client(f"{server.url()}?session={session}&last_seq=1", V1)
        ready = await next_message(second)
        assert (ready["type"], ready["session"], ready["resumed"]) == ("Ready", session, True)
        assert ready["received_samples"] == 80_000
        again = await next_message(second)
        assert (again["type"], again["seq"]) == ("Results", 2)
        await second.send(clocked_audio(2.0, 5.0))
        await second.send(CLOSE_STREAM)
        messages = await to_the_end(second)
        assert [message["seq"] for message in messages if message["type"] == "Results"] == [3, 4]
        assert messages[-1]["duration"] == 7.0
        assert await server.metric("voxcli_resumed_total") == 1.0


async def test_a_piece_of_a_sample_is_sent_again() -> None:
    """What was no whole sample before the drop is forgotten, since the client goes on at a whole one."""
    async with RunningServer() as server:
        first = await client(server.url(), V1)
        session = (await next_message(first, "Ready"))["session"]
        await first.send(clocked_audio(1.0))
        await first.send(clocked_audio(1.0, 1.0)[:1])
        await first.send("hello")
        await next_message(first, "Error")
        first.transport.abort()
        second = await client(f"{server.url()}?session={session}&last_seq=0", V1)
        assert (await next_message(second, "Ready"))["received_samples"] == 16_000
        await second.send(clocked_audio(1.0, 1.0))
        await second.send(CLOSE_STREAM)
        messages = await to_the_end(second)
    assert check(words_of(messages), Script(), 2.0) == Loss()
    assert messages[-1]["duration"] == 2.0


async def test_an_unknown_session_begins_anew() -> None:
    """So does one whose grace is over."""
    async with RunningServer(grace=0.1) as server:
        first = await client(server.url(), V1)
        session = (await next_message(first, "Ready"))["session"]
        first.transport.abort()
        await server.metric_becomes("voxcli_sessions", 0.0)
        for name in (session, "0" * 32):
            second = await client(f"{server.url()}?session={name}&last_seq=0", V1)
            ready = await next_message(second, "Ready")
            assert not ready["resumed"]
            assert ready["received_samples"] == 0
            await second.close()


async def test_the_newest_connection_owns_a_session() -> None:
    """The older one is closed, and what it still sends is not heard."""
    async with RunningServer() as server:
        older = await client(server.url(), V1)
        session = (await next_message(older, "Ready"))["session"]
        await older.send(clocked_audio(1.0))
        await next_message(older, "Ack")
        newer = await client(f"{server.url()}?session={session}&last_seq=0", V1)
        assert (await next_message(newer, "Ready"))["received_samples"] == 16_000
        assert (await closed(older))[0] == 4409
        await newer.send(clocked_audio(1.0, 1.0))
        await newer.send(CLOSE_STREAM)
        messages = await to_the_end(newer)
    assert check(words_of(messages), Script(), 2.0) == Loss()


async def test_a_client_that_leaves_for_good_leaves_nothing_behind() -> None:
    """A plain one is never waited for, one of voxcli.v1 not when it closes with 1000."""
    async with RunningServer() as server:
        for subprotocols in ([], [V1]):
            connection = await client(server.url(), *subprotocols)
            await connection.send(clocked_audio(1.0))
            await connection.close(1000)
            await server.metric_becomes("voxcli_sessions", 0.0)
        plain = await client(server.url())
        plain.transport.abort()
        await server.metric_becomes("voxcli_sessions", 0.0)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sample_rate=12", "a sample rate of 12 Hz is not possible"),
        ("encoding=opus", "encoding: expected linear16, linear32, float32, mulaw or alaw, got opus"),
        ("channels=0", "0 channels are not possible"),
        ("sample_rate=fast", "sample_rate: expected a whole number"),
        ("interim_results=perhaps", "interim_results: expected true or false, got perhaps"),
    ],
)
async def test_a_bad_format_is_told_and_closed(query: str, sentence: str) -> None:
    """The Error names what was expected and what came; 4400 says the same in short."""
    async with RunningServer() as server:
        connection = await client(f"{server.url()}?{query}", V1)
        error = await next_message(connection, "Error")
        assert error["message"].startswith(sentence)
        assert error["hint"]
        assert (await closed(connection))[0] == 4400
        assert await server.metric("voxcli_sessions") == 0.0


@pytest.mark.parametrize(("encoding", "rate"), [("linear16", 48_000), ("float32", 16_000), ("mulaw", 8_000)])
async def test_other_formats_are_converted(encoding: str, rate: int) -> None:
    """Acks and the receipt count samples as the client sends them, times stay seconds; odd bytes do no harm."""
    width = {"linear16": 2, "float32": 4, "mulaw": 1}[encoding]
    async with RunningServer() as server:
        connection = await client(f"{server.url()}?encoding={encoding}&sample_rate={rate}&channels=2", V1)
        data = bytes(3 * rate * width * 2)
        for at in range(0, len(data), 1_001):
            await connection.send(data[at : at + 1_001])
        await connection.send(CLOSE_STREAM)
        messages = await to_the_end(connection)
    assert messages[-1]["duration"] == pytest.approx(3.0, abs=0.001)
    acks = [message["received_samples"] for message in messages if message["type"] == "Ack"]
    assert acks[-1] <= 3 * rate


async def test_an_idle_client_is_closed() -> None:
    """4408, though it answers pings; a KeepAlive keeps it."""
    async with RunningServer(idle=0.6) as server:
        awake, idle = await client(server.url(), V1), await client(server.url())
        async with asyncio.TaskGroup() as group:
            group.create_task(keep_alive(awake))
            assert (await closed(idle))[0] == 4408
        await awake.send(CLOSE_STREAM)
        assert (await to_the_end(awake))[-1]["type"] == "Metadata"


async def keep_alive(connection: object, times: int = 6) -> None:
    """Every fifth of a second."""
    for _ in range(times):
        await connection.send('{"type":"KeepAlive"}')  # type: ignore[attr-defined]
        await asyncio.sleep(0.2)


async def test_finalize_brings_a_final_over_all_that_has_come() -> None:
    """At once, long before the recognizer would have come to one by itself."""
    async with RunningServer(ServerEars(final_every=30.0)) as server:
        connection = await client(server.url(), V1)
        await connection.send(clocked_audio(1.5))
        await connection.send('{"type":"Finalize"}')
        final = await next_message(connection, "Results")
        assert (final["is_final"], final["start"], final["duration"]) == (True, 0.0, 1.5)
        await connection.close()


async def test_what_a_client_says_wrong_costs_nothing() -> None:
    """Text that is no JSON, types that nobody knows, empty messages."""
    async with RunningServer() as server:
        connection = await client(server.url(), V1)
        for text in ("hello", "[]", '{"type":"Dance"}', '{"type":7}'):
            await connection.send(text)
        await connection.send(b"")
        await connection.send(clocked_audio(2.0))
        await connection.send(CLOSE_STREAM)
        messages = await to_the_end(connection)
    assert check(words_of(messages), Script(), 2.0) == Loss()
    assert len([message for message in messages if message["type"] == "Error"]) == 3


async def test_a_full_server_says_so_before_the_upgrade() -> None:
    """503, with a time to come back; a client that resumes needs no new place."""
    async with RunningServer(max_sessions=1) as server:
        first = await client(server.url(), V1)
        session = (await next_message(first, "Ready"))["session"]
        with pytest.raises(InvalidStatus) as refused:
            await client(server.url())
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "5"
        assert (await server.get("/readyz")).status_code == 503
        first.transport.abort()
        again = await client(f"{server.url()}?session={session}", V1)
        assert (await next_message(again, "Ready"))["resumed"]
        await again.close()


async def test_one_client_cannot_take_every_place() -> None:
    """Sessions are counted by address, too."""
    async with RunningServer(max_sessions_per_client=2) as server:
        connections = [await client(server.url()) for _ in range(2)]
        with pytest.raises(InvalidStatus, match="503"):
            await client(server.url())
        for connection in connections:
            await connection.close()
        await server.metric_becomes("voxcli_sessions", 0.0)
        await (await client(server.url())).close()


async def test_a_server_that_ends_gives_out_its_last_finals() -> None:
    """All that has come is final before 1012; a new client is refused meanwhile."""
    async with RunningServer(ServerEars(final_every=30.0, pause=0.02)) as server:
        connection = await client(server.url(), V1)
        for tenth in range(33):
            await connection.send(clocked_audio(0.1, tenth / 10))
        while (await next_message(connection, "Ack"))["received_samples"] < 48_000:
            pass
        server.server.begin_to_end()
        messages = await to_the_end(connection)
        await server.ended()
    assert connection.close_code == 1012
    assert messages[-1]["is_final"]
    heard = messages[-1]["start"] + messages[-1]["duration"]
    assert heard >= 3.0
    assert check(words_of(messages), Script(), heard) == Loss()


async def test_a_recognizer_that_fails_is_told_and_not_waited_for() -> None:
    """An Error in plain words and 1011, so that a client tries elsewhere."""
    from voxcli.errors import BackendError

    class Deaf(ServerEars):
        async def recognize(self, audio: object, start: int, emit: object) -> None:
            raise BackendError("it cannot hear", "try another")

    async with RunningServer(Deaf()) as server:
        connection = await client(server.url(), V1)
        assert (await next_message(connection, "Error"))["message"] == "it cannot hear"
        assert (await closed(connection))[0] == 1011
        with pytest.raises(ConnectionClosed):
            await connection.send(json.dumps({}))
        await server.metric_becomes("voxcli_sessions", 0.0)
