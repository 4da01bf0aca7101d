"""``/v1/listen`` as Deepgram's clients use it: streams, and recordings in one request."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus

from oracle import Loss, Script, check, clocked_audio, clocked_samples, silence
from running_server import RunningServer, ServerEars, client, closed, next_message, to_the_end
from served import Served
from sound import container, media, tone
from support import SAMPLES, transcript_of, words
from voxcli.audio import seconds
from voxcli.events import Results
from voxcli.recognizers import Audio, Emit
from voxcli.server import running

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


@dataclass
class Tape(ServerEars):
    """Hears nothing and keeps each stream as it was given."""

    heard: list[bytes] = field(default_factory=list)

    async def recognize(self, audio: Audio, start: int, emit: Emit) -> None:
        with audio.reader(start, 1_600) as reader:
            tape = b"".join([chunk.data async for chunk in reader])
        self.heard.append(tape)
        length = seconds(len(tape) // 2)
        emit(Results(transcript="", is_final=True, speech_final=True, start=0.0, duration=length, backend=self.name))
        audio.cover(start, start + len(tape) // 2)


def tone_in(tape: bytes) -> tuple[float, float]:
    """The pitch and the level of what is loudest in the middle second of some audio at 16 kHz."""
    samples = np.frombuffer(tape, "<i2").astype(float) / 32_768
    middle = samples[len(samples) // 2 - 8_000 :][:16_000]
    spectrum = np.abs(np.fft.rfft(middle)) / len(middle) * 2
    return float(spectrum.argmax()), float(spectrum.max())


def spoken(finals: Sequence[dict[str, Any]]) -> list[str]:
    """The words of the transcripts of messages that are finals."""
    texts = [final["channel"]["alternatives"][0]["transcript"] for final in finals if final.get("is_final")]
    return words(" ".join(texts))


async def streamed(server: RunningServer | Served, path: str, audio: bytes, piece: int = 3_200) -> list[dict[str, Any]]:
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


BAD_VALUES = (
    ("encoding=linear16", "sample_rate: expected a rate from 8000 to 48000 beside encoding, got none"),
    ("encoding=linear16&sample_rate=96000", "sample_rate: expected a whole number from 8000 to 48000, got 96000"),
    ("encoding=g729&sample_rate=8000", "encoding: expected"),
    ("interim_results=maybe", "interim_results: expected true or false, got maybe"),
    ("utterance_end_ms=1000", "utterance_end_ms: expected interim_results=true beside it, got none"),
    ("endpointing=loud", "endpointing: expected a whole number"),
    ("callback=http://example.org", "callback: expected none"),
    ("encoding=pcm&sample_rate=16000", "encoding: expected linear16, linear32, mulaw, alaw, flac"),
    ("encoding=linear16&sample_rate=16000&channels=21", "channels: expected a whole number from 1 to 20, got 21"),
    ("punctuate=please", "punctuate: expected true or false, got please"),
    ("vad_events=2", "vad_events: expected true or false, got 2"),
    ("multichannel=both", "multichannel: expected true or false, got both"),
    ("interim_results=true&utterance_end_ms=0", "utterance_end_ms: expected a whole number from 1 to 60000, got 0"),
    ("model=" + "x" * 2_001, "model: expected at most 2000 characters, got 2001"),
)


async def test_bad_values_are_refused_as_deepgram_refuses() -> None:
    """400 before the upgrade, with the reason in a header and in a body of JSON; for a recording too."""
    async with RunningServer() as server:
        for query, sentence in BAD_VALUES:
            with pytest.raises(InvalidStatus) as refused:
                await client(server.url(f"/v1/listen?{query}"))
            response = refused.value.response
            assert response.status_code == 400
            assert response.headers["dg-error"].startswith(sentence)
            assert json.loads(response.body or b"") == {
                "err_code": "Bad Request", "err_msg": response.headers["dg-error"],
                "request_id": response.headers["dg-request-id"],
            }  # fmt: skip
            if query != "utterance_end_ms=1000":  # which interim results need only in a stream
                assert (await server.post(f"/v1/listen?{query}", wav(b"\0\0"))).status_code == 400
        assert await server.metric("voxcli_sessions") == 0.0


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
        mono = await server.post("/v1/listen?multichannel=true", wav(clocked_audio(1.0)))
        many = await server.post("/v1/listen?multichannel=true", wav(bytes(42 * 100), 21))
        ogg = await server.post("/v1/listen?multichannel=true", (SAMPLES / "letter.ogg").read_bytes())
    for came in (messages, streamed_wav):
        assert {tuple(message["channel_index"]) for message in of_type(came, "Results")} == {(0, 2), (1, 2)}
        assert came[-1]["channels"] == 2
        assert check(words_in(came, 0), Script(), 6.0) == Loss()
        assert [name for name, _, _ in words_in(came, 1)] == [word.name for word in Script().words(11.0)[10:]]
    channels = posted.json()["results"]["channels"]
    assert [len(channel["alternatives"][0]["words"]) for channel in channels] == [12, 12]
    assert three.status_code == 400
    assert "expected a WAV of 3 channels, got one of 2" in three.json()["err_msg"]
    assert mono.json()["metadata"]["channels"] == len(mono.json()["results"]["channels"]) == 1
    assert "multichannel: expected at most 20 channels, got 21" in many.json()["err_msg"]
    assert "channels are told apart in WAV and raw audio, but it is not a WAV file" in ogg.json()["err_msg"]


async def test_two_channels_as_one() -> None:
    """Without multichannel they are mixed, and one channel is told of."""
    async with RunningServer(Tape()) as server:
        messages = await streamed(server, f"{RAW}&channels=2", two_channels(1.0))
    assert {tuple(message["channel_index"]) for message in of_type(messages, "Results")} == {(0, 1)}
    assert (messages[-1]["duration"], messages[-1]["channels"]) == (1.0, 1)


async def test_finalize_of_one_channel() -> None:
    """The other goes on as it was; a final of each comes at the end."""
    async with RunningServer(ServerEars(final_every=30.0)) as server:
        connection = await client(server.url(f"{RAW}&channels=2&multichannel=true"))
        await connection.send(two_channels(1.5))
        await connection.send('{"type":"Finalize","channel":1}')
        answer = await next_message(connection, "Results")
        assert (answer["channel_index"], answer["from_finalize"], answer["duration"]) == ([1, 2], True, 1.5)
        await connection.send(two_channels(0.5))
        await connection.send('{"type": "Finalize"}')
        both = [await next_message(connection, "Results") for _ in range(2)]
        spans = {(final["channel_index"][0], final["start"], final["duration"]) for final in both}
        assert spans == {(0, 0.0, 2.0), (1, 1.5, 0.5)}
        assert all(final["from_finalize"] for final in both)
        await connection.send(CLOSE_STREAM)
        assert (await to_the_end(connection))[-1]["type"] == "Metadata"


async def test_interim_results() -> None:
    """None unless asked for; they cover what lies behind the last final, and finals tile the audio all the same."""
    async with RunningServer(ServerEars(interims=True, pause=0.005)) as server:
        silent = await streamed(server, RAW, clocked_audio(5.0))
        messages = await streamed(server, f"{RAW}&interim_results=true", clocked_audio(5.0))
    assert all(message["is_final"] for message in of_type(silent, "Results"))
    covered = 0.0
    for message in of_type(messages, "Results"):
        assert message["start"] == covered
        covered = round(covered + message["duration"], 6) if message["is_final"] else covered
        assert not (message["speech_final"] and not message["is_final"])
    assert covered == 5.0
    assert [message["is_final"] for message in of_type(messages, "Results")].count(False) > 5
    assert check(words_in(messages), Script(), 5.0) == Loss()


async def test_endpointing() -> None:
    """A final says that speech has ended where the silence behind its last word, 50 ms here, is long enough."""
    ends = {"": True, "&endpointing=true": True, "&endpointing=40": True, "&endpointing=300": False,
            "&endpointing=false": False, "&endpointing=0": True}  # fmt: skip
    async with RunningServer() as server:
        for query, is_end in ends.items():
            messages = await streamed(server, RAW + query, clocked_audio(4.0))
            assert [final["speech_final"] for final in of_type(messages, "Results")] == [is_end, is_end], query


async def test_where_utterances_begin_and_end() -> None:
    """SpeechStarted at the first word, UtteranceEnd after so much silence, each once; neither unless asked for."""
    audio = clocked_audio(2.0) + silence(4.0) + clocked_audio(1.0, 6.0)
    query = "&interim_results=true&endpointing=false&utterance_end_ms=1000&vad_events=true"
    async with RunningServer(ServerEars(final_every=1.0)) as server:
        plain = await streamed(server, RAW, audio)
        messages = await streamed(server, RAW + query, audio)
    assert {message["type"] for message in plain} == {"Results", "Metadata"}
    assert of_type(messages, "SpeechStarted") == [
        {"type": "SpeechStarted", "channel": [0, 1], "timestamp": 0.05},
        {"type": "SpeechStarted", "channel": [0, 1], "timestamp": 6.05},
    ]
    assert of_type(messages, "UtteranceEnd") == [{"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 1.95}]
    kinds = [message["type"] for message in messages]
    assert kinds[:2] == ["SpeechStarted", "Results"]
    end = kinds.index("UtteranceEnd")
    assert messages[end - 1]["start"] + messages[end - 1]["duration"] >= 2.0
    assert "SpeechStarted" in kinds[end:]


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


async def test_what_is_said_at_once_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that lie there before a server, which is slow, has taken up the conversation."""
    accept = WebSocket.accept

    async def slowly(websocket: WebSocket, *given: Any, **more: Any) -> None:
        await accept(websocket, *given, **more)
        await asyncio.sleep(0.2)

    monkeypatch.setattr(WebSocket, "accept", slowly)
    async with RunningServer() as server:
        connection = await client(server.url(RAW))
        for text in ("hello", '{"type":"Configure"}', "hello"):
            await connection.send(text)
        await connection.send(CLOSE_STREAM)
        kinds = [message["type"] for message in await to_the_end(connection)]
        assert kinds == ["Error", "ConfigureFailure", "Error", "Metadata"]


async def test_what_ends_a_stream() -> None:
    """Silence of the client, an empty message as of old, and what is no audio."""
    async with RunningServer(listen_idle=0.6) as server:
        idle, old = [await client(server.url(RAW)) for _ in range(2)]
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


NO_AUDIO: tuple[tuple[str, bytes | str, str], ...] = (
    ("/v1/listen", b"RIFF", "no known kind of audio file"),
    ("/v1/listen", b"noise" * 2_000, "no known kind of audio file"),
    ("/v1/listen", "meeting.m4a", "the index of this MP4 file is at its end"),
    ("/v1/listen?multichannel=true", "letter.ogg", "channels are told apart in WAV and raw audio"),
    ("/v1/listen?multichannel=true", b"RIFF", "ends within the header"),
)
"""Where to, what or which sample, and a part of the sentence that comes back."""


async def test_what_is_no_audio_is_told_before_it_is_closed() -> None:
    """An Error that says what is wrong, then 1008; nothing of this machine stands in it."""
    async with RunningServer() as server:
        for path, noise, sentence in NO_AUDIO:
            connection = await client(server.url(path))
            await connection.send((SAMPLES / noise).read_bytes() if isinstance(noise, str) else noise)
            await connection.send(CLOSE_STREAM)
            (error,) = of_type(await to_the_end(connection), "Error")
            assert (connection.close_code, (connection.close_reason or "")[:9]) == (1008, "DATA-0000")
            assert (error["variant"], error["code"]) == ("DataError", "DATA-0000")
            assert sentence in error["description"]
            assert "/" not in error["description"]
        await server.metric_becomes("voxcli_sessions", 0.0)


async def test_a_stream_of_nothing() -> None:
    """Whoever sends nothing gets a receipt for nothing."""
    async with RunningServer() as server:
        for path in (RAW, "/v1/listen", "/v1/listen?multichannel=true", f"{RAW}&channels=2"):
            messages = await streamed(server, path, b"")
            assert (messages[-1]["type"], messages[-1]["duration"]) == ("Metadata", 0.0)
            assert not words_in(messages)


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "subtype"), [("linear16", "PCM_16"), ("linear32", "FLOAT"), ("mulaw", "ULAW"), ("alaw", "ALAW")]
)
async def test_every_encoding_at_every_rate(encoding: str, subtype: str) -> None:
    """What is heard has the pitch and the level of what was sent, whatever its pieces; the receipt counts seconds."""
    tape = Tape()
    formats = [(rate, channels) for rate in (8_000, 16_000, 44_100, 48_000) for channels in (1, 2)]
    async with RunningServer(tape) as server:
        for rate, channels in formats:
            sent = container(tone(2.0, rate, channels), rate, "RAW", subtype)
            path = f"/v1/listen?encoding={encoding}&sample_rate={rate}&channels={channels}"
            messages = await streamed(server, path, sent, piece=7_777)
            posted = await server.post(path, sent)
            assert messages[-1]["duration"] == pytest.approx(2.0, abs=0.001)
            assert posted.json()["metadata"]["duration"] == pytest.approx(2.0, abs=0.001)
            streamed_tone, posted_tone = map(tone_in, tape.heard[-2:])
            level = pytest.approx(0.4 if channels == 1 else 0.3, rel=0.03)
            assert (streamed_tone, posted_tone) == ((440, level), (440, level))
    assert len(tape.heard) == 2 * len(formats)


def float32(audio: bytes) -> bytes:
    """linear16 as float32."""
    return (np.frombuffer(audio, "<i2") / np.float32(32_768)).astype("<f4").tobytes()


def flac(audio: bytes) -> bytes:
    """Samples as a FLAC file."""
    return container(np.frombuffer(audio, "<i2")[:, None], 16_000, "FLAC", "PCM_16")


@pytest.mark.parametrize("piece", [997, 100_000])
async def test_what_loses_nothing_loses_no_word(piece: int) -> None:
    """Every sample arrives, in its place, streamed in small pieces and in large ones, and posted."""
    ways = [("?encoding=linear32&sample_rate=16000", float32), ("", wav), ("", flac),
            ("?encoding=flac&sample_rate=16000", flac)]  # fmt: skip
    async with RunningServer() as server:
        for query, made in ways:
            sent = made(clocked_audio(6.3))
            messages = await streamed(server, f"/v1/listen{query}", sent, piece)
            posted = await server.post(f"/v1/listen{query}", sent)
            assert check(words_in(messages), Script(), 6.3) == Loss(), (query, made)
            assert messages[-1]["duration"] == 6.3
            alternative = posted.json()["results"]["channels"][0]["alternatives"][0]
            assert alternative["transcript"] == " ".join(word for word, _, _ in words_in(messages))


async def test_containers_in_small_pieces(tmp_path: Path) -> None:
    """The tone that is in them is heard."""
    samples, tape = tone(2.0, 48_000), Tape()
    made = {kind: container(samples, 48_000, kind) for kind in ("FLAC", "OGG", "MP3", "WAV", "AIFF")}
    made["WebM"] = media(tmp_path / "a.webm", samples, codec="libopus").read_bytes()
    for flags in ("faststart", "frag_keyframe+empty_moov+default_base_moof"):
        made[f"MP4, {flags}"] = media(tmp_path / "a.mp4", samples, movflags=flags).read_bytes()
    async with RunningServer(tape) as server:
        for kind, sent in made.items():
            messages = await streamed(server, "/v1/listen", sent, piece=333)
            assert messages[-1]["duration"] == pytest.approx(2.0, abs=0.1), kind
            assert tone_in(tape.heard[-1]) == (440, pytest.approx(0.4, rel=0.1)), kind


LENGTHS = {
    "harbour.wav": 8.335, "garden.flac": 7.2, "letter.ogg": 147.4, "kitchen.mp3": 8.8, "lecture.webm": 8.4,
    "meeting.m4a": 7.6, "station.wav": 7.5, "voicemail.amr": 6.2, "dictation.wma": 6.2,
}  # fmt: skip


@pytest.mark.slow
async def test_samples() -> None:
    """Streamed in small pieces and posted, both tell their length; an m4a with its index behind can only be posted."""
    async with RunningServer() as server:
        for sample, length in LENGTHS.items():
            recording = (SAMPLES / sample).read_bytes()
            posted = (await server.post("/v1/listen", recording)).json()["metadata"]
            assert posted["duration"] == pytest.approx(length, abs=0.15), sample
            assert posted["sha256"] == hashlib.sha256(recording).hexdigest()
            if sample != "meeting.m4a":
                messages = await streamed(server, "/v1/listen", recording, piece=1_000)
                assert messages[-1]["duration"] == pytest.approx(posted["duration"], abs=0.1), sample


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
        for noise in (b"noise" * 1_000, b"RIFF", (SAMPLES / "silent.mp4").read_bytes()):
            refused = await server.post("/v1/listen", noise)
            assert (refused.status_code, refused.json()["err_msg"][:15]) == (400, "the body cannot")
            assert "/" not in refused.json()["err_msg"]
        await server.metric_becomes("voxcli_sessions", 0.0)


async def test_the_utterances_of_a_recording() -> None:
    """One for each final with words, only when asked for."""
    async with RunningServer() as server:
        plain = (await server.post("/v1/listen", wav(clocked_audio(5.0)))).json()
        answer = (await server.post("/v1/listen?utterances=true", wav(clocked_audio(5.0)))).json()
        bad = await server.post("/v1/listen?utterances=some", wav(clocked_audio(5.0)))
    assert "utterances" not in plain["results"]
    utterances = answer["results"]["utterances"]
    assert [(utterance["start"], utterance["end"]) for utterance in utterances] == [(0.05, 1.95), (2.05, 3.95),
                                                                                    (4.05, 4.95)]  # fmt: skip
    assert (
        " ".join(each["transcript"] for each in utterances)
        == (answer["results"]["channels"][0]["alternatives"][0]["transcript"])
    )
    assert len({utterance["id"] for utterance in utterances}) == 3
    assert (bad.status_code, bad.json()["err_msg"]) == (400, "utterances: expected true or false, got some")


async def test_a_wrong_key_is_told_as_deepgram_tells_it() -> None:
    """With a request id, in a header and in the body."""
    async with RunningServer(tokens=("g00d",)) as server:
        with pytest.raises(InvalidStatus) as refused:
            await client(server.url(RAW), headers={"Authorization": "Token bad"})
        posted = await server.post("/v1/listen", wav(b"\0\0"), Authorization="Token bad")
        fine = await server.post("/v1/listen", wav(clocked_audio(1.0)), Authorization="Token g00d")
    response = refused.value.response
    for status, headers, body in (
        (response.status_code, response.headers, json.loads(response.body or b"")),
        (posted.status_code, posted.headers, posted.json()),
    ):
        assert (status, body["err_code"], body["err_msg"]) == (401, "INVALID_AUTH", headers["dg-error"])
        assert body["request_id"] == headers["dg-request-id"]
    assert fine.status_code == 200


async def test_a_full_server_refuses_as_deepgram_would() -> None:
    """503 with a request id, for streams and for recordings."""
    async with RunningServer(max_sessions=1) as server:
        first = await client(server.url(RAW))
        with pytest.raises(InvalidStatus) as refused:
            await client(server.url(RAW))
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["dg-error"]
        full = await server.post("/v1/listen", wav(b"\0\0"))
        assert (full.status_code, full.headers["Retry-After"]) == (503, "5")
        await first.close()


async def test_a_recording_on_its_way_takes_a_place() -> None:
    """Whoever sends slowly does not let others send beside the limit."""
    async with RunningServer(max_sessions=1) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST /v1/listen HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nRIFF")
        async with asyncio.timeout(5):
            while (await server.get("/readyz")).status_code == 200:
                await asyncio.sleep(0.02)
        assert (await server.post("/v1/listen", wav(b"\0\0"))).status_code == 503
        writer.transport.abort()
        async with asyncio.timeout(5):
            while (await server.get("/readyz")).status_code == 503:
                await asyncio.sleep(0.02)
        assert (await server.post("/v1/listen", wav(clocked_audio(1.0)))).status_code == 200


@pytest.mark.parametrize("kind", ["stream", "recording"])
async def test_a_server_that_ends_gives_its_clients_what_they_wait_for(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream gets its last final and 1012, a recording its answer."""
    monkeypatch.setattr(running, "SHUTDOWN_SECONDS", 0.3)  # what connections are given when all has been said
    async with RunningServer(ServerEars(final_every=30.0, pause=0.015)) as server:
        if kind == "stream":
            connection = await client(server.url(RAW))
            await connection.send(clocked_audio(2.0))
            await server.metric_becomes("voxcli_queue_seconds", 0.0)
            server.server.begin_to_end()
            messages = await to_the_end(connection)
            assert connection.close_code == 1012
            assert check(words_in(messages), Script(), 2.0) == Loss()
        else:
            posting = asyncio.create_task(server.post("/v1/listen", wav(clocked_audio(8.0))))
            await server.metric_becomes("voxcli_sessions", 1.0)
            server.server.begin_to_end()
            answer = await posting
            assert answer.json()["metadata"]["duration"] == 8.0
        await server.ended()


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


@pytest.mark.slow
@pytest.mark.timeout(200)
async def test_every_sample_with_the_recognizer_of_a_new_user(home: Path) -> None:
    """Streamed in small pieces (but where the index comes last) and posted: the words that were spoken."""
    streams = {
        "harbour.wav": "", "station.wav": "", "garden.flac": "", "kitchen.mp3": "", "lecture.webm": "",
        "dictation.wma": "", "voicemail.amr": "?encoding=amr-nb&sample_rate=8000",
    }  # fmt: skip
    heard, posted = {}, {}
    async with Served(home=home) as server, httpx2.AsyncClient(trust_env=False, timeout=60) as http:
        for sample, query in streams.items():
            recording = (SAMPLES / sample).read_bytes()
            heard[sample] = spoken(of_type(await streamed(server, f"/v1/listen{query}", recording, 500), "Results"))
        for sample in [*streams, "meeting.m4a"]:
            answer = await http.post(server.url("/v1/listen", "http"), content=(SAMPLES / sample).read_bytes())
            posted[sample] = words(answer.json()["results"]["channels"][0]["alternatives"][0]["transcript"])
    assert heard == {sample: words(transcript_of(sample)) for sample in streams}
    assert posted == {sample: words(transcript_of(sample)) for sample in [*streams, "meeting.m4a"]}
