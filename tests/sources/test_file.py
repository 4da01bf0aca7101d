import os
import socket
import struct
from pathlib import Path

import numpy as np
import pytest

from sound import container, hear, tone
from support import SAMPLES
from voxcli.audio import AudioFormat, Encoding
from voxcli.errors import (
    SourceEmpty,
    SourceNotAudio,
    SourceNotFound,
    SourceTruncated,
    SourceUnreadable,
)
from voxcli.sources import SourceOptions

KINDS = [
    ("WAV", "PCM_U8"), ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"),
    ("WAV", "ULAW"), ("WAV", "ALAW"), ("WAV", "IMA_ADPCM"), ("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_16"),
    ("CAF", "PCM_16"), ("AU", "PCM_16"), ("W64", "PCM_16"), ("VOC", "PCM_16"), ("NIST", "PCM_16"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "subtype"), KINDS)
async def test_every_kind_of_file(tmp_path: Path, kind: str, subtype: str) -> None:
    path = tmp_path / "sound"
    path.write_bytes(container(tone(2.5, 48_000, 2), 48_000, kind, subtype))
    heard = await hear(path)
    assert heard.error is None
    assert heard.seconds == pytest.approx(2.5, abs=0.1)
    assert len(heard.samples) == pytest.approx(40_000, abs=1_200)
    assert max(heard.sizes) <= 16_000 + 800
    expected = tone(2.5, 16_000)[:, 0] * 0.75 * 32768
    assert np.corrcoef(heard.samples[8_000:32_000], expected[8_000:32_000])[0, 1] > (0.5 if kind == "MP3" else 0.98)


async def test_what_is_right_already_is_not_touched() -> None:
    with (SAMPLES / "harbour.wav").open("rb") as file:
        sound = file.read()[44:]
    assert (await hear(SAMPLES / "harbour.wav")).audio == sound


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF"])
async def test_linear16_of_the_right_rate_comes_out_bit_by_bit(tmp_path: Path, kind: str) -> None:
    noise = np.random.default_rng(1).integers(-32768, 32767, (40_000, 1), np.int16, endpoint=True)
    path = tmp_path / "noise"
    path.write_bytes(container(noise, 16_000, kind, "PCM_16"))
    assert (await hear(path)).audio == noise.tobytes()


async def test_one_sample_is_sound(tmp_path: Path) -> None:
    for rate in (16_000, 44_100, 8_000):
        path = tmp_path / "one.wav"
        path.write_bytes(container(np.ones((1, 1)) / 2, rate, "WAV", "PCM_16"))
        heard = await hear(path)
        assert heard.error is None
        assert len(heard.samples) <= 2


async def test_what_is_not_a_number_is_silence_and_is_counted(tmp_path: Path) -> None:
    samples = np.full((16_000, 2), 0.5, np.float32)
    samples[100] = np.nan
    samples[200, 0] = np.inf
    samples[300, 1] = -np.inf
    path = tmp_path / "odd.wav"
    path.write_bytes(container(samples, 16_000, "WAV", "FLOAT"))
    heard = await hear(path)
    assert heard.samples[[99, 100, 200, 300, 301]].tolist() == [16384, 0, 8192, 8192, 16384]
    assert heard.remarks == ["4 samples were not a number or infinite and taken as silence"]


async def test_one_sample_that_is_not_a_number(tmp_path: Path) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(container(np.array([[np.nan], [0.25]]), 16_000, "WAV", "DOUBLE"))
    heard = await hear(path)
    assert heard.samples.tolist() == [0, 8192]
    assert heard.remarks == ["1 sample was not a number or infinite and taken as silence"]


async def test_what_is_too_loud_is_clipped(tmp_path: Path) -> None:
    loud = np.array([[2.0, 2.0], [-3.0, -2.0], [3e38, 3e38], [1.5, -0.5], [1.0, 1.0], [-1.0, -1.0]], np.float32)
    path = tmp_path / "loud.wav"
    path.write_bytes(container(loud, 16_000, "WAV", "FLOAT"))
    heard = await hear(path)
    assert heard.samples[:2].tolist() == [32767, -32768]
    assert heard.samples[2] == 32767
    assert heard.samples[4:].tolist() == [32767, -32768]
    assert heard.remarks == []


@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
async def test_a_truncated_file_gives_out_what_is_there_first(tmp_path: Path, kind: str) -> None:
    whole = container(tone(6, 44_100, 2), 44_100, kind, "PCM_16")
    path = tmp_path / f"talk.{kind.lower()}"
    path.write_bytes(whole[: len(whole) // 2])
    heard = await hear(path)
    assert isinstance(heard.error, SourceTruncated)
    assert heard.error.seconds == pytest.approx(3, abs=0.2)
    assert len(heard.samples) == pytest.approx(heard.error.seconds * 16_000, abs=20)


@pytest.mark.parametrize("size", [0, 8, 0x7FFFFFFF, 0xFFFFFFFF])
async def test_a_size_that_nobody_came_back_to_write(tmp_path: Path, size: int) -> None:
    whole = bytearray(container(tone(1), 16_000, "WAV", "PCM_16"))
    whole[4:8] = struct.pack("<I", size)
    whole[40:44] = struct.pack("<I", 0 if size == 8 else size)
    path = tmp_path / "killed.wav"
    path.write_bytes(whole)
    heard = await hear(path)
    assert heard.error is None
    assert heard.audio == whole[44:]


async def test_a_size_that_no_file_can_have(tmp_path: Path) -> None:
    whole = bytearray(container(tone(1, 8_000), 8_000, "RF64", "PCM_16"))
    whole[28:36] = struct.pack("<Q", 1 << 61)  # the size of the sound in the chunk ds64
    path = tmp_path / "huge.wav"
    path.write_bytes(whole)
    heard = await hear(path)
    assert isinstance(heard.error, SourceTruncated)
    assert len(heard.samples) == 16_000


async def test_damage_in_the_middle_is_the_end(tmp_path: Path) -> None:
    whole = bytearray(container(tone(6, 44_100, 2), 44_100, "FLAC", "PCM_16"))
    middle = len(whole) // 2
    whole[middle : middle + 200_000] = bytes(200_000)
    path = tmp_path / "damaged.flac"
    path.write_bytes(whole)
    heard = await hear(path)
    assert isinstance(heard.error, SourceTruncated)
    assert len(heard.samples) > 16_000


async def test_a_name_is_only_a_name(tmp_path: Path) -> None:
    name = os.fsdecode(b"a:b \xff.raw")  # soundfile would ask for a format, FFmpeg for a protocol, UTF-8 for mercy
    path = tmp_path / name
    path.write_bytes((SAMPLES / "harbour.wav").read_bytes())
    assert len((await hear(path)).samples) > 16_000
    path.write_bytes((SAMPLES / "lecture.webm").read_bytes())
    assert len((await hear(path)).samples) > 16_000


async def test_headerless_audio_in_a_file(tmp_path: Path) -> None:
    sound = (tone(1) * 32767).astype("<i2").tobytes()
    path = tmp_path / "sound.raw"
    path.write_bytes(sound)
    raw = SourceOptions(AudioFormat(Encoding.LINEAR16, 16_000, 1))
    assert (await hear(path, raw)).audio == sound
    heard = await hear(SAMPLES / "harbour.wav", raw)
    assert heard.audio == (await hear(SAMPLES / "harbour.wav")).audio
    assert heard.remarks == [
        "it is WAV, so --encoding, --sample-rate and --channels were not needed and have been ignored"
    ]


async def test_no_file(tmp_path: Path) -> None:
    heard = await hear(tmp_path / "none.wav")
    assert isinstance(heard.error, SourceNotFound)


async def test_a_directory(tmp_path: Path) -> None:
    heard = await hear(tmp_path)
    assert isinstance(heard.error, SourceUnreadable)
    assert heard.error.message == f"{tmp_path}: is a directory"


async def test_a_file_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "private.wav"
    path.write_bytes(b"RIFF")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    heard = await hear(path)
    assert isinstance(heard.error, SourceUnreadable)
    assert heard.error.message == f"{path}: may not be read by you"


async def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("ear")
        heard = await hear("ear")
    assert isinstance(heard.error, SourceUnreadable)
    assert heard.error.message.startswith("ear: cannot be read: ")


async def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    path.touch()
    assert isinstance((await hear(path)).error, SourceEmpty)


@pytest.mark.parametrize("kind", ["WAV", "AIFF", "CAF"])
async def test_a_file_without_a_sample(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "silent"
    path.write_bytes(container(np.empty((0, 1)), 16_000, kind, "PCM_16"))
    heard = await hear(path)
    assert isinstance(heard.error, SourceEmpty)
    assert heard.error.message == f"{path}: has no sound in it"


@pytest.mark.parametrize(("kind", "rate"), [("WAV", 16_000), ("WAV", 8_000), ("FLAC", 16_000), ("AIFF", 8_000)])
async def test_a_header_that_announces_sound_and_none_behind_it(tmp_path: Path, kind: str, rate: int) -> None:
    whole = container(tone(1, rate), rate, kind, "PCM_16")
    path = tmp_path / "header"
    path.write_bytes(whole[: {"WAV": 44, "FLAC": whole.find(b"\xff\xf8"), "AIFF": 54}[kind]])
    heard = await hear(path)
    assert isinstance(heard.error, SourceEmpty)
    assert heard.error.message == f"{path}: has no sound in it"


@pytest.mark.parametrize("content", [b"Dear Martha, thank you", b"\x00" * 5000, b"\x7fELF" + bytes(3000), b"%PDF-1.7"])
async def test_not_a_sound_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.wav"
    path.write_bytes(content)
    heard = await hear(path)
    assert isinstance(heard.error, SourceNotAudio)
    assert heard.error.message == f"{path}: is no sound file of a known kind"


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("content", [b"RIFF\x24\0\0\0WAVEfmt ", b"fLaC" + bytes(40), b"OggS" + bytes(100)])
async def test_a_header_and_no_more(
    tmp_path: Path, content: bytes, installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not installed:
        monkeypatch.setattr("voxcli.sources.file.find_spec", lambda name: None)
    path = tmp_path / "cut"
    path.write_bytes(content)
    heard = await hear(path)
    assert isinstance(heard.error, SourceNotAudio)
    assert "cannot be decoded" in heard.error.message or "has no sound" in heard.error.message


@pytest.mark.parametrize(("rate", "channels"), [(0, 1), (999, 1), (2_000_000_000, 1), (16_000, 65)])
async def test_a_rate_that_cannot_be(tmp_path: Path, rate: int, channels: int) -> None:
    fmt = struct.pack("<HHIIHH", 1, channels, rate, 0, 2 * channels, 16)
    path = tmp_path / "odd.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + fmt + b"data\x00\x10\0\0" + bytes(4096))
    assert isinstance((await hear(path)).error, SourceNotAudio)


async def test_stopping_ends_a_file_early(tmp_path: Path) -> None:
    from voxcli.sources import open_source

    path = tmp_path / "long.wav"
    path.write_bytes(container(tone(20, 44_100, 2), 44_100, "WAV", "PCM_16"))
    source = open_source(str(path), SourceOptions())
    await source.open()
    seen = 0
    async for chunk in source.chunks():
        seen += chunk.samples
        source.stop()
        source.stop()
    await source.close()
    await source.close()
    assert 15_000 < seen < 18_000
    source.stop()
