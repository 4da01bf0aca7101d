import re
import sys
from pathlib import Path

import numpy as np
import pytest

from sound import hear, hear_pipe, media, tone
from support import SAMPLES
from voxcli.errors import SourceNeedsExtra, SourceNotAudio, SourceTruncated, UsageError
from voxcli.sources import SourceOptions, open_source


def strength(samples: np.ndarray, hertz: float) -> float:
    """How much of the sound is a tone of that pitch, 0 to 1."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    at = round(hertz * len(samples) / 16_000)
    return float(spectrum[at - 3 : at + 4].sum() / spectrum.sum())


@pytest.mark.parametrize(
    ("suffix", "codec", "rate"),
    [
        ("m4a", "aac", 44_100), ("mp4", "aac", 48_000), ("mov", "aac", 48_000), ("mkv", "libopus", 48_000),
        ("webm", "libopus", 48_000), ("aac", "aac", 22_050), ("wma", "wmav2", 44_100), ("ac3", "ac3", 48_000),
        ("ts", "aac", 48_000), ("mp3", "libmp3lame", 44_100), ("flac", "flac", 44_100), ("avi", "libmp3lame", 48_000),
    ],
)  # fmt: skip
async def test_what_phones_and_meetings_write(tmp_path: Path, suffix: str, codec: str, rate: int) -> None:
    container = {"m4a": "mp4", "aac": "adts", "wma": "asf", "mkv": "matroska", "ts": "mpegts"}.get(suffix, suffix)
    path = media(tmp_path / f"talk.{suffix}", tone(3, rate), rate=rate, codec=codec, container=container)
    heard = await hear(path)
    assert heard.error is None
    assert len(heard.samples) == pytest.approx(48_000, abs=3_500)
    assert strength(heard.samples[8_000:40_000], 440) > 0.1
    assert max(heard.sizes) <= 17_600


@pytest.mark.parametrize("name", ["meeting.m4a", "lecture.webm", "dictation.wma", "voicemail.amr"])
async def test_the_samples(name: str) -> None:
    heard = await hear(SAMPLES / name)
    assert heard.error is None
    assert heard.remarks == []
    assert 6 < len(heard.samples) / 16_000 < 9
    assert heard.seconds is None or heard.seconds == pytest.approx(len(heard.samples) / 16_000, abs=0.3)


async def test_the_sound_of_a_video(tmp_path: Path) -> None:
    heard = await hear(media(tmp_path / "clip.mp4", tone(2, 48_000), video=True))
    assert heard.error is None
    assert len(heard.samples) == pytest.approx(32_000, abs=1_000)


async def test_a_video_without_sound() -> None:
    heard = await hear(SAMPLES / "silent.mp4")
    assert isinstance(heard.error, SourceNotAudio)
    assert heard.error.message.endswith("silent.mp4: has no sound")


async def test_a_fragmented_mp4_streams(tmp_path: Path) -> None:
    path = media(tmp_path / "talk.mp4", tone(3, 48_000), movflags="frag_keyframe+empty_moov")
    heard = await hear_pipe(path.read_bytes())
    assert len(heard.samples) == pytest.approx(48_000, abs=1_500)


@pytest.mark.parametrize(("number", "hertz"), [(None, 440), (0, 440), (1, 880)])
@pytest.mark.parametrize("through_a_pipe", [False, True])
async def test_one_of_several_audio_streams(
    tmp_path: Path, number: int | None, hertz: float, through_a_pipe: bool
) -> None:
    path = media(tmp_path / "talk.mkv", tone(2, 48_000), tone(2, 48_000, hertz=880), codec="libopus", video=True)
    options = SourceOptions(audio_stream=number)
    heard = await (hear_pipe(path.read_bytes(), options) if through_a_pipe else hear(path, options))
    assert strength(heard.samples[8_000:24_000], hertz) > 0.1
    assert strength(heard.samples[8_000:24_000], 1320 - hertz) < 0.02


async def test_an_audio_stream_of_what_libsndfile_could_read() -> None:
    heard = await hear(SAMPLES / "harbour.wav", SourceOptions(audio_stream=0))
    assert heard.audio == (await hear(SAMPLES / "harbour.wav")).audio
    piped = await hear_pipe((SAMPLES / "garden.flac").read_bytes(), SourceOptions(audio_stream=0))
    assert piped.audio == (await hear(SAMPLES / "garden.flac")).audio


@pytest.mark.parametrize("number", [1, 7, -1])
async def test_an_audio_stream_that_is_not_there(number: int) -> None:
    heard = await hear(SAMPLES / "meeting.m4a", SourceOptions(audio_stream=number))
    assert isinstance(heard.error, UsageError)
    assert f"there is no audio stream {number}" in heard.error.message
    assert "one audio stream" in heard.error.hint


async def test_how_many_audio_streams_there_are(tmp_path: Path) -> None:
    path = media(tmp_path / "talk.mkv", tone(1, 48_000), tone(1, 48_000), codec="libopus")
    heard = await hear(path, SourceOptions(audio_stream=2))
    assert heard.error is not None
    assert "2 audio streams" in heard.error.hint


@pytest.mark.parametrize("suffix", ["mp4", "webm"])
@pytest.mark.parametrize("through_a_pipe", [False, True])
async def test_a_truncated_recording_gives_out_what_is_there_first(
    tmp_path: Path, suffix: str, through_a_pipe: bool
) -> None:
    codec, options = ("aac", {"movflags": "faststart"}) if suffix == "mp4" else ("libopus", {})
    path = media(tmp_path / f"talk.{suffix}", tone(10, 48_000), codec=codec, **options)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    heard = await (hear_pipe(path.read_bytes()) if through_a_pipe else hear(path))
    assert isinstance(heard.error, SourceTruncated)
    assert heard.error.seconds == pytest.approx(6, abs=1)
    assert len(heard.samples) == pytest.approx(heard.error.seconds * 16_000, abs=20)


async def test_damaged_packets_are_left_out_and_counted(tmp_path: Path) -> None:
    data = bytearray((SAMPLES / "kitchen.mp3").read_bytes())
    for at in range(len(data) // 3, len(data) // 2, 50):
        data[at] ^= 0xFF
    path = tmp_path / "talk.mp3"
    path.write_bytes(data)
    heard = await hear(path, SourceOptions(audio_stream=0))
    assert heard.error is None
    assert re.fullmatch(r"\d+ packets were damaged and left out", heard.remarks[0])
    assert len(heard.samples) > 16_000 * 7


async def test_a_rate_that_changes_in_the_middle(tmp_path: Path) -> None:
    first = media(tmp_path / "a.aac", tone(2, 48_000), rate=48_000, container="adts").read_bytes()
    second = media(tmp_path / "b.aac", tone(2, 24_000, hertz=880), rate=24_000, container="adts").read_bytes()
    path = tmp_path / "both.aac"
    path.write_bytes(first + second)
    heard = await hear(path)
    assert len(heard.samples) == pytest.approx(64_000, abs=4_000)
    assert strength(heard.samples[4_000:28_000], 440) > 0.1
    assert strength(heard.samples[40_000:60_000], 880) > 0.1


@pytest.mark.parametrize("through_a_pipe", [False, True])
async def test_without_the_extra(through_a_pipe: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    path = SAMPLES / "lecture.webm"
    heard = await (hear_pipe(path.read_bytes()) if through_a_pipe else hear(path))
    assert isinstance(heard.error, SourceNeedsExtra)
    assert "this kind of file (webm or mkv) needs the extra 'media'" in heard.error.message
    assert heard.error.hint.startswith("pip install 'voxcli[media]'")


async def test_a_header_and_no_packets(tmp_path: Path) -> None:
    data = (SAMPLES / "lecture.webm").read_bytes()
    path = tmp_path / "empty.webm"
    path.write_bytes(data[: data.index(b"\x1f\x43\xb6\x75")])  # the first cluster
    heard = await hear(path)
    assert isinstance(heard.error, SourceNotAudio)
    assert heard.audio == b""


@pytest.mark.parametrize("name", ["dictation.wma", "lecture.webm", "meeting.m4a"])
async def test_only_the_start_of_a_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes((SAMPLES / name).read_bytes()[:60])
    heard = await hear(path)
    assert isinstance(heard.error, SourceNotAudio)
    assert "cannot be decoded" in heard.error.message


async def test_stopping_ends_a_recording_early() -> None:
    source = open_source(str(SAMPLES / "lecture.webm"), SourceOptions())
    await source.open()
    samples = 0
    async for chunk in source.chunks():
        samples = chunk.end
        source.stop()
    await source.close()
    assert 15_000 < samples < 20_000


async def test_ffmpeg_says_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "talk.webm"
    path.write_bytes((SAMPLES / "lecture.webm").read_bytes()[:20_000])
    await hear(path)
    assert capfd.readouterr() == ("", "")
