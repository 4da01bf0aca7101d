"""``/v1/listen`` as Deepgram's clients use it: streams, and recordings in one request."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import wave
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from oracle import Loss, Script, check, clocked_audio, clocked_samples
from running_server import RunningServer, ServerEars, client, closed, next_message, to_the_end
from support import SAMPLES

RAW = "/v1/listen?model=nova-3&encoding=linear16&sample_rate=16000"
CLOSE_STREAM = '{"type": "CloseStream"}'


def of_type(messages: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The messages of one type."""
    return [message for message in messages if message["type"] == kind]


def words_in(messages: list[dict[str, Any]], channel: int = 0) -> list[tuple[str, float, float]]:
    """The words of the finals of a channel."""
    finals = [final for final in of_type(messages, "Results") if final["is_final"]]
    return [
        (word["word"], word["start"], word["end"])
        for final in finals
        if final["channel_index"][0] == channel
        for word in final["channel"]["alternatives"][0]["words"]
    ]


def wav(audio: bytes, channels: int = 1, rate: int = 16_000) -> bytes:
    """Samples as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(audio)
    return file.getvalue()


def two_channels(seconds: float, shift: float = 5.0) -> bytes:
    """Clocked audio on the left, that of ``shift`` seconds later on the right."""
    left = np.frombuffer(clocked_audio(seconds), "<i2")
    right = np.frombuffer(clocked_audio(seconds, shift), "<i2")
    return np.stack([left, right], axis=1).astype("<i2").tobytes()


async def streamed(server: RunningServer, path: str, audio: bytes, piece: int = 3_200) -> list[dict[str, Any]]:
    """All that comes back for some audio; it is to end with 1000."""
    connection = await client(server.url(path))
    assert connection.response is not None
    assert len(connection.response.headers["dg-request-id"]) == 36
    for at in range(0, len(audio), piece):
        await connection.send(audio[at : at + piece])
    await connection.send(CLOSE_STREAM)
    messages = await to_the_end(connection)
    assert connection.close_code == 1000
    return messages


async def test_a_stream() -> None:
    """Results with all that clients require, and a receipt that is true."""
    async with RunningServer() as server:
        messages = await streamed(server, RAW, clocked_audio(6.3))
    first, last = messages[0], messages[-1]
    assert first["channel_index"] == [0, 1]
    assert first["metadata"]["model_info"] == {"name": "ears", "version": "", "arch": "vosk"}
    assert len(first["metadata"]["request_id"]) == 36
    assert (last["type"], last["duration"], last["channels"]) == ("Metadata", 6.3, 1)
    assert check(words_in(messages), Script(), 6.3) == Loss()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("encoding=linear16", "sample_rate: expected a rate from 8000 to 48000 beside encoding, got none"),
        ("encoding=linear16&sample_rate=96000", "sample_rate: expected a whole number from 8000 to 48000, got 96000"),
        ("encoding=g729&sample_rate=8000", "encoding: expected"),
        ("interim_results=maybe", "interim_results: expected true or false, got maybe"),
        ("utterance_end_ms=1000", "utterance_end_ms: expected interim_results=true beside it, got none"),
        ("endpointing=loud", "endpointing: expected a whole number"),
        ("callback=http://example.org", "callback: expected none"),
    ],
)
async def test_bad_values_are_refused_as_deepgram_refuses(query: str, sentence: str) -> None:
    """400 before the upgrade, with the reason in a header and in a body of JSON; for a recording too."""
    async with RunningServer() as server:
        with pytest.raises(InvalidStatus) as refused:
            await client(server.url(f"/v1/listen?{query}"))
        response = refused.value.response
        assert response.status_code == 400
        assert response.headers["dg-error"].startswith(sentence)
        body = json.loads(response.body or b"")
        assert body == {
            "err_code": "Bad Request", "err_msg": response.headers["dg-error"],
            "request_id": response.headers["dg-request-id"],
        }  # fmt: skip
        if "utterance_end_ms" not in query:
            assert (await server.post(f"/v1/listen?{query}", wav(b"\0\0"))).status_code == 400


async def test_names_that_nobody_knows_and_any_model_are_fine() -> None:
    """The model that was used is named."""
    async with RunningServer() as server:
        messages = await streamed(server, f"{RAW}&model=made-up&language=xx&flux=1", clocked_audio(1.0))
    assert messages[0]["metadata"]["model_info"]["name"] == "ears"


async def test_two_channels_one_by_one() -> None:
    """Each has its own words and finals; the receipt counts both."""
    async with RunningServer() as server:
        messages = await streamed(server, f"{RAW}&channels=2&multichannel=true", two_channels(6.0))
        posted = await server.post("/v1/listen?multichannel=true", wav(two_channels(6.0), 2))
        streamed_wav = await streamed(server, "/v1/listen?multichannel=true&channels=2", wav(two_channels(6.0), 2), 999)
        three = await server.post("/v1/listen?multichannel=true&channels=3", wav(two_channels(1.0), 2))
    for came in (messages, streamed_wav):
        assert {tuple(message["channel_index"]) for message in of_type(came, "Results")} == {(0, 2), (1, 2)}
        assert came[-1]["channels"] == 2
        assert check(words_in(came, 0), Script(), 6.0) == Loss()
        assert [name for name, _, _ in words_in(came, 1)] == [word.name for word in Script().words(11.0)[10:]]
    channels = posted.json()["results"]["channels"]
    assert [len(channel["alternatives"][0]["words"]) for channel in channels] == [12, 12]
    assert three.status_code == 400
    assert "expected a WAV of 3 channels, got one of 2" in three.json()["err_msg"]


async def test_finalize() -> None:
    """It is answered at once, once a wish; where all is final already by an empty final."""
    async with RunningServer(ServerEars(final_every=30.0)) as server:
        connection = await client(server.url(RAW))
        await connection.send(clocked_audio(1.5))
        await connection.send('{"type":"Finalize"}')
        answer = await next_message(connection, "Results")
        assert (answer["from_finalize"], answer["is_final"], answer["speech_final"]) == (True, True, True)
        assert (answer["start"], answer["duration"]) == (0.0, 1.5)
        await connection.send('{"type":"Finalize","channel":0}')
        empty = await next_message(connection, "Results")
        assert (empty["from_finalize"], empty["duration"]) == (True, 0.0)
        await connection.send('{"type":"Finalize","channel":3}')
        await connection.send(clocked_audio(1.0, 1.5))
        await connection.send(CLOSE_STREAM)
        rest = await to_the_end(connection)
    assert [final["from_finalize"] for final in of_type(rest, "Results")] == [False]
    assert (answer["metadata"]["request_id"], rest[-1]["duration"]) == (rest[-1]["request_id"], 2.5)


async def test_what_ends_a_stream() -> None:
    """Silence of the client, an empty message as of old, and what is no audio."""
    async with RunningServer(listen_idle=0.6) as server:
        idle, old, noise = [await client(server.url(path)) for path in (RAW, RAW, "/v1/listen")]
        for _ in range(3):
            await old.send('{"type": "KeepAlive"}')
            await asyncio.sleep(0.3)
        await old.send(clocked_audio(1.0))
        await old.send(b"")
        assert of_type(await to_the_end(old), "Metadata")
        assert old.close_code == 1000
        code, reason = await closed(idle)
        assert code == 1011
        assert "NET-0001" in (reason or "")
    async with RunningServer() as server:
        noise = await client(server.url("/v1/listen"))
        await noise.send(b"this is no audio, and never was" * 500)
        await noise.send(CLOSE_STREAM)
        code, reason = await closed(noise)
        assert code == 1008
        assert "DATA-0000" in (reason or "")
        await server.metric_becomes("voxcli_sessions", 0.0)


async def test_what_nobody_understands_is_told_and_passed_over() -> None:
    """An Error each, and the stream goes on."""
    async with RunningServer() as server:
        connection = await client(server.url(RAW))
        for text in ("hello", '{"type":"Dance"}', '{"type":"Configure","keyterms":["a"]}'):
            await connection.send(text)
        await connection.send(clocked_audio(2.0))
        await connection.send(CLOSE_STREAM)
        messages = await to_the_end(connection)
    assert [message["type"] for message in messages[:3]] == ["Error", "Error", "ConfigureFailure"]
    assert check(words_in(messages), Script(), 2.0) == Loss()


@pytest.mark.parametrize("encoding", ["linear16", "linear32", "mulaw", "alaw"])
@pytest.mark.parametrize("rate", [8_000, 48_000])
async def test_every_encoding_at_every_rate(encoding: str, rate: int) -> None:
    """The receipt counts what was sent, in seconds."""
    width = {"linear16": 2, "linear32": 4, "mulaw": 1, "alaw": 1}[encoding]
    async with RunningServer() as server:
        path = f"/v1/listen?encoding={encoding}&sample_rate={rate}"
        messages = await streamed(server, path, bytes(2 * rate * width), piece=777)
    assert messages[-1]["duration"] == pytest.approx(2.0, abs=0.001)


@pytest.mark.parametrize(
    ("sample", "seconds"),
    [
        ("harbour.wav", 8.335), ("garden.flac", None), ("letter.ogg", None), ("kitchen.mp3", None),
        ("lecture.webm", None), ("meeting.m4a", None),
    ],
)  # fmt: skip
async def test_containers(sample: str, seconds: float | None) -> None:
    """Streamed in small pieces and posted, both tell the same length; an m4a with its index behind can be posted."""
    recording = (SAMPLES / sample).read_bytes()
    async with RunningServer() as server:
        posted = (await server.post("/v1/listen?utterances=true", recording)).json()
        duration = posted["metadata"]["duration"]
        assert duration == pytest.approx(seconds or duration)
        assert duration > 1
        assert posted["metadata"]["sha256"] == hashlib.sha256(recording).hexdigest()
        assert "utterances" in posted["results"]
        if sample != "meeting.m4a":
            messages = await streamed(server, "/v1/listen", recording, piece=1_000)
            assert messages[-1]["duration"] == pytest.approx(duration, abs=0.1)


async def test_a_recording_and_nothing_else_is_posted() -> None:
    """Its words exactly; an address, nothing and noise are refused."""
    async with RunningServer() as server:
        answer = await server.post("/v1/listen?model=nova-3", wav(clocked_samples(0, 80_000)))
        assert answer.headers["dg-request-id"] == answer.json()["metadata"]["request_id"]
        alternative = answer.json()["results"]["channels"][0]["alternatives"][0]
        words = [(word["word"], word["start"], word["end"]) for word in alternative["words"]]
        assert check(words, Script(), 5.0) == Loss()
        assert alternative["transcript"] == " ".join(word for word, _, _ in words)
        raw = await server.post(RAW, clocked_audio(5.0))
        assert raw.json()["results"]["channels"][0]["alternatives"][0]["words"] == alternative["words"]
        address = {"Content-Type": "application/json"}
        assert (await server.post("/v1/listen", b'{"url":"http://a"}', **address)).status_code == 400
        assert (await server.post("/v1/listen", b"")).status_code == 400
        noise = await server.post("/v1/listen", b"noise" * 1_000)
        assert noise.status_code == 400
        assert "/tmp" not in noise.text  # noqa: S108
        await server.metric_becomes("voxcli_sessions", 0.0)


async def test_a_full_server_refuses_as_deepgram_would() -> None:
    """503 with a request id, for streams and for recordings."""
    async with RunningServer(max_sessions=1) as server:
        first = await client(server.url(RAW))
        with pytest.raises(InvalidStatus) as refused:
            await client(server.url(RAW))
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["dg-error"]
        assert (await server.post("/v1/listen", wav(b"\0\0"))).status_code == 503
        await first.close()


async def test_a_client_that_does_not_wait_for_its_answer() -> None:
    """Its recording is recognized no further."""
    async with RunningServer(ServerEars(pause=0.05)) as server:
        body = wav(clocked_audio(60.0))
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"POST /v1/listen HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        await server.metric_becomes("voxcli_sessions", 1.0)
        writer.transport.abort()
        await server.metric_becomes("voxcli_sessions", 0.0)
        assert await server.metric("voxcli_audio_seconds_total") < 60
        assert (await server.post("/v1/listen", wav(b"\0\0"))).status_code == 200
