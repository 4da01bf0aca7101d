import asyncio
import os
import socket
import struct
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sound import container, drain, hear, hear_pipe, piped, tone
from support import SAMPLES
from voxcli.audio import AudioFormat, Encoding
from voxcli.errors import SourceEmpty, SourceNotAudio, SourceTruncated, SourceUnreadable, UsageError
from voxcli.sources import SourceOptions, open_source

LINEAR16 = SourceOptions(AudioFormat(Encoding.LINEAR16, 16_000, 1))
STREAMED = ["WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF", "AU"]


def sound16(seconds: float) -> bytes:
    return bytes((tone(seconds) * 32767).astype("<i2").tobytes())


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("name", ["harbour.wav", "station.wav", "garden.flac", "letter.ogg", "kitchen.mp3"])
async def test_a_pipe_gives_the_samples_of_the_file(name: str) -> None:
    heard = await hear_pipe((SAMPLES / name).read_bytes())
    expected = await hear(SAMPLES / name)
    assert heard.error is None
    assert len(heard.samples) == len(expected.samples)
    assert heard.audio == expected.audio


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        *[("WAV", s) for s in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW")],
        *[("WAVEX", "PCM_24"), ("RF64", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS")],
        *[("AIFF", "PCM_16"), ("AIFF", "PCM_24"), ("CAF", "PCM_16"), ("AU", "PCM_16")],
    ],
)
async def test_every_kind_that_streams(tmp_path: Path, kind: str, subtype: str) -> None:
    data = container(tone(3, 48_000, 2), 48_000, kind, subtype)
    path = tmp_path / "sound"
    path.write_bytes(data)
    heard, expected = await hear_pipe(pieces(data, 5_000)), await hear(path)
    assert heard.error is None
    assert 0 <= len(heard.samples) - len(expected.samples) <= 400  # Ogg Opus: the padding of the last page
    assert abs(heard.samples[: len(expected.samples)] - expected.samples)[:47_000].max() == 0


async def test_44100_hz_in_two_channels_by_three_ways(tmp_path: Path) -> None:
    samples = (tone(4, 44_100, 2) * 32767).astype("<i2")
    path = tmp_path / "talk.wav"
    path.write_bytes(container(samples, 44_100, "WAV", "PCM_16"))
    by_name = await hear(path)
    by_pipe = await hear_pipe(pieces(path.read_bytes(), 3_333))
    raw = SourceOptions(AudioFormat(Encoding.LINEAR16, 44_100, 2))
    by_raw = await hear_pipe(pieces(samples.tobytes(), 1_001), raw)
    assert by_name.audio == by_pipe.audio == by_raw.audio
    assert len(by_name.samples) == 64_000


@pytest.mark.parametrize("name", ["dictation.wma", "voicemail.amr", "lecture.webm"])
async def test_media_from_a_pipe(name: str) -> None:
    heard = await hear_pipe(pieces((SAMPLES / name).read_bytes(), 4_000))
    assert heard.error is None
    assert heard.audio == (await hear(SAMPLES / name)).audio


async def test_an_mp4_with_its_index_at_the_end() -> None:
    heard = await hear_pipe((SAMPLES / "meeting.m4a").read_bytes())
    assert isinstance(heard.error, SourceNotAudio)
    assert "index" in heard.error.message
    assert "by its name" in heard.error.hint


@pytest.mark.parametrize("kind", STREAMED)
async def test_sound_comes_out_before_the_writer_has_finished(kind: str) -> None:
    data = container(tone(20, 16_000, 1), 16_000, kind)
    heard_some = threading.Event()

    def writer() -> Iterator[bytes]:
        half = len(data) // 2
        yield from pieces(data[:half], 4_000)
        assert heard_some.wait(20)
        yield data[half:]

    with piped(writer()) as fd:
        source = open_source("-", SourceOptions(), stdin_fd=fd)
        await source.open()
        samples = 0
        async for chunk in source.chunks():
            samples = chunk.end
            if samples > 16_000 * 5:
                heard_some.set()
        await source.close()
    assert samples == pytest.approx(320_000, abs=3_000)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.slow
async def test_a_long_stream_takes_little_memory(kind: str) -> None:
    data = container(np.tile(tone(60, 16_000, 1), (8, 1)), 16_000, kind)
    tracemalloc.start()
    try:
        with piped(pieces(data, 50_000)) as fd:
            source = open_source("-", SourceOptions(), stdin_fd=fd)
            await source.open()
            before = end = 0
            async for chunk in source.chunks():
                end = chunk.end
                if not before and end > 120 * 16_000:
                    tracemalloc.reset_peak()
                    before = tracemalloc.get_traced_memory()[0]
            await source.close()
        assert tracemalloc.get_traced_memory()[1] - before < 3_000_000  # of 15 MB; a table of the interpreter may grow
    finally:
        tracemalloc.stop()
    assert end == pytest.approx(480 * 16_000, abs=3_000)


async def test_a_live_pipe_is_given_out_as_it_arrives() -> None:
    read_end, write_end = os.pipe()
    header = container(tone(1), 16_000, "WAV", "PCM_16")[:40] + b"\xff\xff\xff\xff"
    os.write(write_end, header + bytes(320))
    source = open_source("-", SourceOptions(), stdin_fd=read_end)
    await source.open()
    chunks = source.chunks()
    assert (await asyncio.wait_for(anext(chunks), 5)).samples == 160
    os.write(write_end, bytes(642))
    assert (await asyncio.wait_for(anext(chunks), 5)).samples == 321
    os.close(write_end)
    assert [chunk async for chunk in chunks] == []
    await source.close()
    os.close(read_end)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF])
@pytest.mark.parametrize("rate", [16_000, 8_000])
async def test_a_wav_whose_writer_knew_no_size(size: int, rate: int) -> None:
    data = bytearray(container(tone(1, rate), rate, "WAV", "PCM_16"))
    data[4:8] = data[40:44] = struct.pack("<I", size)
    heard = await hear_pipe(bytes(data))
    assert heard.error is None
    assert heard.seconds is None
    assert len(heard.samples) == 16_000


async def test_a_wav_ends_where_its_header_says_though_the_pipe_stays_open() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, container(tone(0.5), 16_000, "WAV", "PCM_16"))
    heard = await asyncio.wait_for(hear("-", stdin_fd=read_end), 5)
    assert (len(heard.samples), heard.error) == (8_000, None)
    os.close(write_end)
    os.close(read_end)


NOTE = b"LIST\x10\0\0\0INFOISFT\x04\0\0\0lame"
RECORDING = container(tone(1), 16_000, "WAV", "PCM_16")
ANOTHER = "another recording follows this one and was left out; give it as a source of its own"
MORE = "more bytes follow than the header announces and were left out"
BEHIND = [
    (b"", None),
    (NOTE, None),
    (b"id3 \x03\0\0\0abc\0", None),
    (b"ID3 \x04\0\0\0abcd" + bytes(6), MORE),
    (NOTE[:20], None),
    (RECORDING, ANOTHER),
    (NOTE + b"fact\4\0\0\0abcd" + RECORDING, ANOTHER),
    (NOTE + bytes(range(128, 250)), MORE),
    (container(tone(1), 16_000, "FLAC"), ANOTHER),
    (bytes(range(128, 250)) * 100, MORE),
    (b"JUNK\0\0\0\x7f" + RECORDING, None),
    (b"JUNK\0\0\0\0" * 20, None),
]


@pytest.mark.parametrize(("behind", "remark"), BEHIND)
@pytest.mark.parametrize("rate", [16_000, 8_000])
async def test_what_is_left_out_behind_a_wav_is_said(
    tmp_path: Path, behind: bytes, remark: str | None, rate: int
) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(container(tone(0.5, rate), rate, "WAV", "PCM_16") + behind)
    for heard in (await hear_pipe(path.read_bytes()), await hear(path)):
        assert (len(heard.samples), heard.error) == (8_000, None)
        assert heard.remarks == ([remark] if remark else [])


async def test_what_is_left_out_behind_an_odd_number_of_bytes(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(container(tone(0.5)[:7_999], 16_000, "WAV", "PCM_U8") + RECORDING)
    assert (await hear_pipe(path.read_bytes())).remarks == (await hear(path)).remarks == [ANOTHER]


async def test_what_may_still_come_behind_a_wav_is_not_waited_for() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, RECORDING + RECORDING[:6])
    heard = await asyncio.wait_for(hear("-", stdin_fd=read_end), 5)
    assert (len(heard.samples), heard.error) == (16_000, None)
    os.close(write_end)
    os.close(read_end)


async def test_tags_without_end_are_no_recording() -> None:
    heard = await hear_pipe(b"ID3\4\0\0\0\0\0\0" * 5_000)
    assert isinstance(heard.error, SourceNotAudio)
    assert heard.error.message == "standard input: begins with tags and nothing else"
    assert (await hear_pipe(b"ID3\4\0\0\0\0\0\0" * 2 + RECORDING)).audio == RECORDING[44:]


async def test_what_follows_the_sound_of_a_wav_is_not_heard() -> None:
    data = container(tone(1), 16_000, "WAV", "PCM_16") + b"LIST\x10\0\0\0INFOISFT\x04\0\0\0lame"
    heard = await hear_pipe(data)
    assert heard.audio == data[44:32_044]
    assert heard.seconds == 1.0


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF", "AU"])
async def test_a_truncated_stream_gives_out_what_there_was_first(kind: str) -> None:
    data = container(tone(6, 44_100, 2), 44_100, kind, "PCM_16")
    heard = await hear_pipe(data[: len(data) // 2])
    assert isinstance(heard.error, SourceTruncated)
    assert heard.error.seconds == pytest.approx(3, abs=0.2)
    assert len(heard.samples) == pytest.approx(heard.error.seconds * 16_000, abs=20)


@pytest.mark.parametrize(
    ("encoding", "dtype", "scale"),
    [("linear16", "<i2", 32767), ("linear32", "<i4", 2147483647), ("float32", "<f4", 1)],
)
async def test_raw_audio(encoding: str, dtype: str, scale: int) -> None:
    samples = tone(1, 48_000, 2)
    options = SourceOptions(AudioFormat(Encoding(encoding), 48_000, 2))
    heard = await hear_pipe(pieces((samples * scale).astype(dtype).tobytes(), 777), options)
    assert heard.error is None
    assert heard.seconds is None
    assert len(heard.samples) == 16_000
    assert np.corrcoef(heard.samples, tone(1)[:, 0])[0, 1] > 0.98


@pytest.mark.parametrize(("encoding", "subtype"), [("mulaw", "ULAW"), ("alaw", "ALAW")])
async def test_raw_telephone_audio(encoding: str, subtype: str) -> None:
    data = container(tone(1, 8_000), 8_000, "AU", subtype)
    options = SourceOptions(AudioFormat(Encoding(encoding), 8_000, 1))
    assert (await hear_pipe(data[24:], options)).audio == (await hear_pipe(data)).audio


async def test_raw_audio_that_is_right_already_is_not_touched() -> None:
    sound = np.random.default_rng(3).integers(-32768, 32767, 50_000, "<i2", endpoint=True).tobytes()
    assert (await hear_pipe(pieces(sound, 4_001), LINEAR16)).audio == sound


async def test_an_incomplete_sample_at_the_end_is_left_out_with_a_remark() -> None:
    options = SourceOptions(AudioFormat(Encoding.LINEAR16, 16_000, 2))
    heard = await hear_pipe(bytes(4_003), options)
    assert len(heard.samples) == 1_000
    assert heard.error is None
    assert heard.remarks == ["the last 3 bytes are not a whole sample and were left out"]


@pytest.mark.parametrize("name", ["harbour.wav", "garden.flac", "letter.ogg", "lecture.webm"])
async def test_a_header_is_never_taken_for_samples(name: str) -> None:
    heard = await hear_pipe((SAMPLES / name).read_bytes(), LINEAR16)
    assert heard.audio == (await hear(SAMPLES / name)).audio
    assert "--encoding" in heard.remarks[0]


async def test_a_tag_before_the_sound_is_dropped() -> None:
    tag = b"ID3\x04\0\0\0\x02\0\0" + bytes(32_768)
    mp3, wav = (SAMPLES / "kitchen.mp3").read_bytes(), (SAMPLES / "harbour.wav").read_bytes()
    assert len((await hear_pipe(tag + mp3)).samples) == len((await hear_pipe(mp3)).samples)
    assert (await hear_pipe(tag + wav)).audio == (await hear_pipe(wav)).audio


@pytest.mark.parametrize("data", [bytes(10_000), b"Dear Martha", np.arange(9_000, dtype="<i2").tobytes()])
async def test_headerless_audio_needs_its_format(data: bytes) -> None:
    heard = await hear_pipe(data)
    assert isinstance(heard.error, UsageError)
    assert "--encoding linear16 --sample-rate 16000 --channels 1" in heard.error.hint


@pytest.mark.parametrize("options", [SourceOptions(), LINEAR16])
async def test_nothing_at_all(options: SourceOptions) -> None:
    assert isinstance((await hear_pipe(b"", options)).error, SourceEmpty)


async def test_less_than_one_sample() -> None:
    assert isinstance((await hear_pipe(b"\0", LINEAR16)).error, SourceEmpty)


async def test_a_header_and_no_sound() -> None:
    data = container(tone(1), 16_000, "WAV", "PCM_16")
    assert isinstance((await hear_pipe(data[:30])).error, SourceEmpty)
    assert isinstance((await hear_pipe(data[:44])).error, SourceEmpty)


async def test_a_compressed_wav() -> None:
    heard = await hear_pipe(container(tone(1), 16_000, "WAV", "IMA_ADPCM"))
    assert isinstance(heard.error, SourceNotAudio)
    assert "0x0011" in heard.error.message
    assert "by its name" in heard.error.hint


@pytest.mark.parametrize("start", [b"fLaC" + bytes(4000), b"OggS" + bytes(4000), b"caff\0\1\0\0" + bytes(4000)])
async def test_a_signature_and_nothing_behind_it(start: bytes) -> None:
    assert isinstance((await hear_pipe(start)).error, SourceNotAudio)


@pytest.mark.parametrize("options", [LINEAR16, SourceOptions()])
async def test_a_named_pipe(tmp_path: Path, options: SourceOptions) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    data = sound16(3) if options.raw_format else container(tone(3), 16_000, "WAV", "PCM_16")
    writer = asyncio.create_task(asyncio.to_thread(path.write_bytes, data))
    heard = await hear(path, options)
    await writer
    assert len(heard.samples) == 48_000
    assert heard.error is None


@pytest.mark.parametrize("form", ["/dev/fd/{}", "/proc/self/fd/{}"])
async def test_a_process_substitution(form: str) -> None:
    with piped([container(tone(1), 16_000, "WAV", "PCM_16")]) as fd:
        assert len((await hear(form.format(fd))).samples) == 16_000
        os.fstat(fd)


async def test_a_regular_file_as_standard_input() -> None:
    fd = os.open(SAMPLES / "harbour.wav", os.O_RDONLY)
    heard = await hear("-", stdin_fd=fd)
    os.close(fd)
    assert heard.audio == (await hear(SAMPLES / "harbour.wav")).audio


async def test_a_socket_as_standard_input() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(container(tone(0.5), 16_000, "WAV", "PCM_16"))
        ours.shutdown(socket.SHUT_WR)
        assert len((await hear("-", stdin_fd=theirs.fileno())).samples) == 8_000


async def test_the_null_device_as_standard_input() -> None:
    fd = os.open(os.devnull, os.O_RDONLY)
    heard = await hear("-", stdin_fd=fd)
    os.close(fd)
    assert isinstance(heard.error, SourceEmpty)
    assert heard.error.message.startswith("standard input: is empty")


async def test_a_directory_as_standard_input(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    heard = await hear("-", stdin_fd=fd)
    os.close(fd)
    assert isinstance(heard.error, SourceUnreadable)


async def test_a_descriptor_that_is_not_open() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    os.close(write_end)
    assert isinstance((await hear("-", stdin_fd=read_end)).error, SourceUnreadable)


SCRIPT = """
import asyncio, sys
from voxcli.errors import VoxcliError
from voxcli.sources import SourceOptions, open_source
async def main():
    source = open_source("-", SourceOptions())
    try:
        await source.open()
        print(sum([chunk.samples async for chunk in source.chunks()]))
    except VoxcliError as error:
        print(type(error).__name__, error)
    finally:
        await source.close()
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("shell", "answer"),
    [
        ("exec 0<&-; exec {python} -c '{script}'", "SourceUnreadable standard input: is closed"),
        ("cat {wav} | {python} -c '{script}'", "133360"),
        ("{python} -c '{script}' < {wav}", "133360"),
        ("{python} -c '{script}' < /dev/null", "SourceEmpty standard input: is empty: there is no audio in it"),
    ],
)
def test_standard_input_of_a_process(shell: str, answer: str) -> None:
    script = SCRIPT.replace("'", '"')
    command = shell.format(python=sys.executable, script=script, wav=SAMPLES / "harbour.wav")
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout.strip(), done.stderr) == (answer, "")


async def test_stopping_while_nothing_comes() -> None:
    read_end, write_end = os.pipe()
    source = open_source("-", LINEAR16, stdin_fd=read_end)
    os.write(write_end, bytes(640))
    await source.open()
    asyncio.get_running_loop().call_later(0.2, source.stop)
    assert sum([chunk.samples async for chunk in source.chunks()]) == 320
    assert source.remarks == []
    await source.close()
    os.fstat(read_end)
    os.close(read_end)
    os.close(write_end)


@pytest.mark.parametrize("options", [LINEAR16, SourceOptions()])
async def test_stopping_before_anything_came(options: SourceOptions, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    source = open_source(str(path), options)
    asyncio.get_running_loop().call_later(0.2, source.stop)
    await asyncio.wait_for(source.open(), 5)
    assert [chunk async for chunk in source.chunks()] == []
    await source.close()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
async def test_stopping_gives_out_what_has_been_read(kind: str) -> None:
    data = container(tone(20, 44_100), 44_100, kind)
    read_end, write_end = os.pipe()
    os.write(write_end, data[:60_000])
    source = open_source("-", SourceOptions(), stdin_fd=read_end)
    await source.open()
    asyncio.get_running_loop().call_later(0.3, source.stop)
    heard = await asyncio.wait_for(drain_open(source), 5)
    assert heard > 4_000
    os.close(read_end)
    os.close(write_end)


async def drain_open(source: Any) -> int:
    samples = sum([chunk.samples async for chunk in source.chunks()])
    await source.close()
    return samples


async def test_a_cancelled_reader_leaves_no_thread_behind() -> None:
    read_end, write_end = os.pipe()
    source = open_source("-", SourceOptions(), stdin_fd=read_end)
    task = asyncio.create_task(drain(source))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
    os.close(read_end)
    os.close(write_end)


async def test_a_descriptor_that_somebody_made_non_blocking() -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    data = container(tone(1), 16_000, "WAV", "PCM_16")
    asyncio.get_running_loop().call_later(0.2, os.write, write_end, data)
    asyncio.get_running_loop().call_later(0.4, os.close, write_end)
    assert len((await hear("-", stdin_fd=read_end)).samples) == 16_000
    os.close(read_end)
