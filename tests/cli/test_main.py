"""Errors of the command line, in plain words and as JSON."""

from __future__ import annotations

import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from support import SAMPLES, VOXCLI, environment, lines, voxcli
from voxcli.cli.environment import Environment
from voxcli.cli.main import main, wants_json
from voxcli.cli.schema import events_schema


def run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """A command line in this process: exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    code = main(arguments, Environment(stdout=out, stderr=err, variables=variables))
    return code, out.getvalue(), err.getvalue()


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["transcrib"], "No such command 'transcrib'. Did you mean 'transcribe'?", "voxcli --help shows what it takes"),
        (["transcribe", "--bakend", "x"], "No such option: --bakend", "voxcli transcribe --help shows what it takes"),
        (
            ["transcribe", "-b", "vsk", "a"],
            "there is no backend vsk",
            "did you mean vosk? There are auto, local, vosk, moonshine",
        ),
        (["transcribe", "-b", "vosk=ws://a", "a"], "the backend vosk takes no address", "name it alone"),
        (["transcribe", "-b", ",", "a"], "--backend names no backend", "there are auto, local, vosk, moonshine"),
        (["transcribe", "-m", "vosk=", "a"], "--model vosk= names no model", "--model NAME, --model PATH"),
        (["transcribe", "-l", "english", "a"], "english is no code of a language", "use one such as en, en-us or ko"),
        (["transcribe", ""], "a source without a name", "name a file, or - for standard input"),
        (["README.md"], "No such command 'README.md'", "voxcli"),
        (
            ["transcribe", "a", "--encoding", "s16le", "--sample-rate", "8000"],
            "Invalid value for '--encoding': 's16le'",
            "--help",
        ),
        (["transcribe", "a", "-o", "b.txt", "-o", "./b.txt"], "b.txt: would be written twice", "name each file once"),
        (["transcribe", "a.txt", "-o", "a.txt"], "a.txt: is read from, so it cannot be written to", "another name"),
        (["transcribe", "-", "-"], "standard input can be read only once", "name - only once"),
        (["transcribe", "a", "-o", "a.doc"], "a.doc: the suffix says no format", "end the name in .jsonl or .txt"),
        (["transcribe", "a", "--sample-rate", "0"], "a sample rate of 0 Hz is not possible", "for example"),
        (["transcribe", "a", "--channels", "2"], "raw audio needs its sample rate", "--sample-rate 16000"),
        (["transcribe", "a", "--chunk-ms", "5"], "Invalid value for '--chunk-ms'", "voxcli transcribe --help"),
        (["transcribe", "a", "--buffer-seconds", "1"], "Invalid value for '--buffer-seconds'", "--help"),
    ],
)
def test_a_wrong_command_line_is_one_sentence_and_one_hint(arguments: list[str], message: str, hint: str) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    said, hinted = err.splitlines()
    assert said.startswith(f"voxcli: {message}")
    assert hinted.startswith("  hint: ")
    assert hint in hinted


def test_in_json_an_error_is_an_object_on_standard_output_too() -> None:
    code, out, err = run("transcribe", "--json", "--bakend", "x")
    error = json.loads(out)
    assert code == 2
    assert (error["type"], error["code"]) == ("Error", "usage")
    assert error["message"].startswith("No such option: --bakend")
    assert error["hint"]
    assert "No such option" in err
    Draft202012Validator(events_schema()).validate(error)


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        ([], {}, False),
        (["--json"], {}, True),
        (["-f", "jsonl"], {}, True),
        (["-fdeepgram"], {}, True),
        (["--format=jsonl"], {}, True),
        (["--format", "text"], {}, False),
        (["--json", "-f", "text"], {}, True),
        (["-qf", "jsonl"], {}, True),
        (["-vqfjsonl"], {}, True),
        (["-f", "jsonl", "-f", "text"], {}, False),
        (["-o", "f", "jsonl"], {}, False),
        (["--", "--json"], {}, False),
        ([], {"VOXCLI_FORMAT": "jsonl"}, True),
        ([], {"VOXCLI_JSON": "1"}, True),
        ([], {"VOXCLI_JSON": "0"}, False),
        (["-f", "text"], {"VOXCLI_JSON": "1"}, False),
        (["-f", "text"], {"VOXCLI_FORMAT": "jsonl"}, False),
        (["-f"], {}, False),
    ],
)
def test_whether_json_is_wanted(arguments: list[str], variables: dict[str, str], expected: bool) -> None:
    assert wants_json(arguments, variables) is expected


def test_a_file_that_cannot_be_opened_is_an_object_too(home: Path) -> None:
    done = voxcli("transcribe", "--json", "-o", "missing/a.txt", "a.wav", home=home)
    (error,) = lines(done.stdout)
    assert (done.returncode, error["code"], error["hint"]) == (1, "output", "choose another place")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["schema"], ["transcribe", "--json", "--bad"]])
def test_a_full_standard_output_is_no_traceback(home: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [VOXCLI, *arguments], stdout=full, stderr=subprocess.PIPE, env=environment(home), cwd=home, check=False
        )
    assert done.returncode in (1, 2)
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_an_option_wins_over_its_variable(home: Path) -> None:
    wav = SAMPLES / "harbour.wav"
    text = voxcli("transcribe", "-q", "-f", "text", wav, home=home, VOXCLI_JSON="1")
    assert text.stdout.startswith(b"Nobody")
    loud = voxcli("-v", "transcribe", "-v", "--color", "never", wav, home=home, VOXCLI_COLOR="always")
    assert b"\x1b" not in loud.stdout + loud.stderr


def test_no_command_is_help(home: Path) -> None:
    done = voxcli(home=home)
    assert done.returncode == 2
    assert b"transcribe" in done.stdout
    assert done.stderr == b""


def test_schema_is_json(home: Path) -> None:
    done = voxcli("schema", home=home)
    Draft202012Validator.check_schema(json.loads(done.stdout))


def test_closed_streams_are_survived(home: Path) -> None:
    def close() -> None:
        for descriptor in (0, 1, 2):
            os.close(descriptor)

    done = subprocess.run(
        [VOXCLI, "transcribe", "missing.wav"],
        env=environment(home),
        cwd=home,
        preexec_fn=close,
        check=False,
    )
    assert done.returncode == 3
