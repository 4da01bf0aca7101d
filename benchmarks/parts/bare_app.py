"""The plainest Typer app with voxcli's commands and options, and nothing behind them.

The measure of what Typer itself costs: ``startup.py`` compares the lines that both print as help.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer import Argument, Option

app = typer.Typer(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
models = typer.Typer(no_args_is_help=True, help="Speech models: list, pull, verify and remove those on this machine.")
app.add_typer(models, name="models")

RECOGNITION, OUTPUT, AUDIO, LIFECYCLE, GENERAL = "Recognition", "Output", "Audio", "Lifecycle", "General"


class Format(StrEnum):
    """How to print."""

    auto = "auto"
    live = "live"
    text = "text"
    jsonl = "jsonl"
    deepgram = "deepgram"


class Encoding(StrEnum):
    """How samples are written."""

    linear16 = "linear16"
    linear32 = "linear32"
    float32 = "float32"
    mulaw = "mulaw"
    alaw = "alaw"


class Color(StrEnum):
    """When to colour."""

    auto = "auto"
    always = "always"
    never = "never"


@app.callback(epilog="Start with: bare transcribe FILE")
def main(
    quiet: Annotated[bool, Option("--quiet", "-q", help="No status and no notices.", rich_help_panel=GENERAL)] = False,
    verbose: Annotated[
        int, Option("--verbose", "-v", count=True, help="Say more; twice for the libraries.", rich_help_panel=GENERAL)
    ] = 0,
    color: Annotated[Color | None, Option("--color", help="auto is for terminals.", rich_help_panel=GENERAL)] = None,
    version: Annotated[bool, Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    """Streaming transcription in the terminal: recordings and pipes in, words out."""


@app.command()
def transcribe(
    sources: Annotated[list[str] | None, Argument(metavar="SOURCE", help="Files, or - for standard input.")] = None,
    backend: Annotated[
        str,
        Option(
            "--backend",
            "-b",
            metavar="CHAIN",
            rich_help_panel=RECOGNITION,
            help="Recognizers, comma separated, tried in this order: vosk, moonshine, or local, which takes Vosk where "
            "a model of the language is installed and else Moonshine for English.",
        ),
    ] = "auto",
    no_failover: Annotated[
        bool, Option("--no-failover", help="Only the first of the chain.", rich_help_panel=RECOGNITION)
    ] = False,
    language: Annotated[
        str,
        Option(
            "--language", "-l", metavar="LANG", rich_help_panel=RECOGNITION, help="The language spoken, such as en."
        ),
    ] = "en",
    model: Annotated[
        list[str] | None,
        Option(
            "--model",
            "-m",
            metavar="[BACKEND=]NAME|PATH",
            rich_help_panel=RECOGNITION,
            show_default=False,
            help="The speech model of a backend, or of the first of the chain. Repeatable.",
        ),
    ] = None,
    no_download: Annotated[
        bool, Option("--no-download", help="Never fetch a speech model.", rich_help_panel=RECOGNITION)
    ] = False,
    format: Annotated[
        Format, Option("--format", "-f", help="auto is live on a terminal, text elsewhere.", rich_help_panel=OUTPUT)
    ] = Format.auto,
    json: Annotated[bool, Option("--json", help="Short for --format jsonl.", rich_help_panel=OUTPUT)] = False,
    output: Annotated[
        list[Path] | None,
        Option(
            "--output",
            "-o",
            metavar="FILE",
            rich_help_panel=OUTPUT,
            show_default=False,
            help="Write results to a file too, as they come; .txt or .jsonl says how. Repeatable.",
        ),
    ] = None,
    interim: Annotated[
        bool | None,
        Option(
            "--interim/--no-interim",
            rich_help_panel=OUTPUT,
            show_default=False,
            help="Show results that may still change. The live view does unless told not to, the others only if asked.",
        ),
    ] = None,
    timestamps: Annotated[
        bool, Option("--timestamps", help="Put the time before each utterance.", rich_help_panel=OUTPUT)
    ] = False,
    strict: Annotated[
        bool, Option("--strict", help="Exit with 6 if any audio was left out.", rich_help_panel=OUTPUT)
    ] = False,
    encoding: Annotated[
        Encoding | None,
        Option("--encoding", show_default=False, help="How raw audio is written.", rich_help_panel=AUDIO),
    ] = None,
    sample_rate: Annotated[
        int | None,
        Option("--sample-rate", metavar="HZ", show_default=False, help="Samples a second.", rich_help_panel=AUDIO),
    ] = None,
    channels: Annotated[
        int | None, Option("--channels", metavar="N", show_default=False, help="Channels.", rich_help_panel=AUDIO)
    ] = None,
    audio_stream: Annotated[
        int | None,
        Option(
            "--audio-stream",
            metavar="N",
            min=0,
            show_default=False,
            rich_help_panel=AUDIO,
            help="Which audio stream of a container such as mp4, counted from 0.",
        ),
    ] = None,
    realtime: Annotated[
        bool,
        Option("--realtime", help="Read a file at the speed at which it would be spoken.", rich_help_panel=AUDIO),
    ] = False,
    chunk_ms: Annotated[
        int,
        Option(
            "--chunk-ms", min=20, max=1000, help="Audio given to a recognizer at a time.", rich_help_panel=LIFECYCLE
        ),
    ] = 100,
    buffer_seconds: Annotated[
        float, Option("--buffer-seconds", min=5, help="Greatest length of audio held.", rich_help_panel=LIFECYCLE)
    ] = 120,
    drain_timeout: Annotated[
        float,
        Option(
            "--drain-timeout",
            metavar="S",
            min=0,
            rich_help_panel=LIFECYCLE,
            help="Seconds to wait for the last words after Ctrl-C.",
        ),
    ] = 10,
    quiet: Annotated[bool, Option("--quiet", "-q", help="No status and no notices.", rich_help_panel=GENERAL)] = False,
    verbose: Annotated[
        int, Option("--verbose", "-v", count=True, help="Say more; twice for the libraries.", rich_help_panel=GENERAL)
    ] = 0,
    color: Annotated[Color | None, Option("--color", help="auto is for terminals.", rich_help_panel=GENERAL)] = None,
) -> None:
    """Turn recordings, or audio from a pipe, into words.

    Results go to standard output, everything else to standard error.

    Several sources come one after the other; one that cannot be read is reported and the rest goes on.
    """


@models.command("list")
def list_models(
    remote: Annotated[bool, Option("--remote", help="Those that can be pulled, instead.")] = False,
    language: Annotated[str | None, Option("-l", "--language", help="Only those of a language.")] = None,
) -> None:
    """List the models on this machine."""


@models.command()
def pull(wanted: str) -> None:
    """Fetch a model into our own folder."""


@models.command()
def verify(wanted: str | None = None, no_load: bool = False) -> None:
    """Check that models are whole."""


@models.command("path")
def path_of(wanted: str) -> None:
    """Print the folder of a model."""


@models.command()
def rm(wanted: str) -> None:
    """Remove a model from our own folder."""


@app.command()
def schema() -> None:
    """Print the JSON Schema of every line that --json can print."""
