"""Where lines go: full disks, closed pipes, and what is left behind."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from voxcli.errors import OutputError, ReaderGone
from voxcli.events import Error, Session
from voxcli.renderers import RendererOptions, open_renderer
from voxcli.renderers.fanout import Fanout
from voxcli.renderers.output import FileOutput, StatusOutput, StreamOutput
from voxcli.transcript import Utterance

FULL = Path("/dev/full")
full_device = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")


SESSION = Session(source="a.wav", backends=("vosk",), sample_rate=16_000, channels=1)


def said(text: str) -> Utterance:
    return Utterance(text=text, start=0, end=1, backend="vosk")


def test_each_line_is_there_when_it_is_written(tmp_path: Path) -> None:
    output = FileOutput(tmp_path / "a.txt")
    output.begin()
    output.line("안녕")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "안녕\n"
    output.close()


def test_a_file_is_begun_anew_when_there_is_something_to_begin(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    output = FileOutput(tmp_path / "a.txt")
    output.line("an early error")
    assert (tmp_path / "a.txt").read_text() == "old"
    output.begin()
    output.begin()
    assert (tmp_path / "a.txt").read_text() == "an early error\n"
    output.close()


def test_a_run_that_never_begins_leaves_no_file(tmp_path: Path) -> None:
    FileOutput(tmp_path / "a.txt").close()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"missing/a\.txt: cannot write: no such file or directory"):
        FileOutput(tmp_path / "missing" / "a.txt")


@full_device
def test_a_full_device_is_one_sentence() -> None:
    output = FileOutput(FULL)
    output.begin()
    with pytest.raises(OutputError, match="/dev/full: cannot write: no space left on device"):
        output.line("x")
    assert output.stream.closed


def test_a_file_ends_with_its_last_whole_line(tmp_path: Path, file_limit: int) -> None:
    output = FileOutput(tmp_path / "a.txt")
    output.begin()
    line = "x" * 99
    with pytest.raises(OutputError, match="file too large"):
        for _ in range(1_000):
            output.line(line)
    kept = (tmp_path / "a.txt").read_text()
    assert kept == f"{line}\n" * (file_limit // 100)


@pytest.fixture
def file_limit():  # type: ignore[no-untyped-def]
    """No file of this process may grow beyond this many bytes, which is no whole number of lines."""
    import resource
    import signal

    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_050, before[1]))
    yield 10_050
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@full_device
def test_a_full_standard_output_is_one_sentence() -> None:
    with FULL.open("w") as stream, pytest.raises(OutputError, match="standard output: cannot write: no space left"):
        try:
            StreamOutput(stream).line("x")
        finally:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())  # so that closing can flush
            os.close(null)


def test_a_reader_that_has_gone_is_no_failure() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    with pytest.raises(ReaderGone):
        StreamOutput(stream).line("x")
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_a_link_that_leads_nowhere_yet_leads_to_the_results(tmp_path: Path) -> None:
    (tmp_path / "link.txt").symlink_to(tmp_path / "target.txt")
    output = FileOutput(tmp_path / "link.txt")
    output.begin()
    output.line("one")
    output.close()
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "target.txt").read_text() == "one\n"


def test_a_named_pipe_is_opened_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit((tmp_path / "pipe.txt").read_text)
        output = FileOutput(tmp_path / "pipe.txt")
        output.begin()
        output.line("one")
        output.close()
        assert reading.result(10) == "one\n"


def test_a_name_that_is_no_text_is_written_as_well_as_can_be(tmp_path: Path) -> None:
    output = FileOutput(tmp_path / "a.txt")
    output.begin()
    output.line("caf\udce9")
    output.close()
    assert (tmp_path / "a.txt").read_text() == "caf?\n"


def test_status_that_cannot_be_shown_is_given_up() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    output = StatusOutput(os.fdopen(writing, "w"))
    output.write("x")
    output.line("y")
    assert output.failed
    with pytest.raises(BrokenPipeError):
        output.stream.close()


@full_device
def test_a_file_that_fails_is_given_up_and_the_others_go_on(tmp_path: Path) -> None:
    failures: list[OutputError] = []
    files = [FileOutput(FULL), FileOutput(tmp_path / "b.txt")]
    shown = FileOutput(tmp_path / "a.txt")
    shown.begin()
    fanout = Fanout(
        [open_renderer("text", shown, RendererOptions())],
        [(open_renderer("text", file, RendererOptions()), file) for file in files],
        failures.append,
    )
    fanout.show(SESSION)
    fanout.utterance(said("one"))
    fanout.show(Error(code="x", message="y", hint="z"))
    fanout.utterance(said("two"))
    fanout.close()
    shown.close()
    assert [str(failure) for failure in failures] == ["/dev/full: cannot write: no space left on device"]
    assert (tmp_path / "a.txt").read_text() == (tmp_path / "b.txt").read_text() == "one\ntwo\n"


def test_a_failing_standard_output_is_not_swallowed(tmp_path: Path) -> None:
    class Failing:
        def show(self, event: object) -> None:
            raise OutputError("standard output", "gone")

        utterance = status = show

        def close(self) -> None: ...

    file = FileOutput(tmp_path / "a.txt")
    file.begin()
    fanout = Fanout([Failing()], [(open_renderer("text", file, RendererOptions()), file)], lambda error: None)
    with pytest.raises(OutputError):
        fanout.utterance(said("one"))
    fanout.utterance(said("two"))
    fanout.close()
    assert (tmp_path / "a.txt").read_text() == "one\ntwo\n"
