"""The options of the commands that transcribe, each declared once. ``VOXCLI_<OPTION>`` sets any of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from voxcli.audio import Encoding

RECOGNITION, REMOTE, OUTPUT, AUDIO, LIFECYCLE = "Recognition", "Servers", "Output", "Audio", "Lifecycle"


def option(*names: str, help: str, panel: str, **more: Any) -> Any:
    """A Typer option that its environment variable sets too: ``--chunk-ms`` is ``VOXCLI_CHUNK_MS``."""
    long_name = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "VOXCLI_" + long_name.removeprefix("--").replace("-", "_").upper()
    return typer.Option(*names, help=help, rich_help_panel=panel, envvar=variable, show_envvar=False, **more)


def chains(begun: str) -> list[str]:
    """How the shell may complete what was typed of ``--backend``: the last name of a chain."""
    from voxcli.cli.chain import NAMES

    done, comma, name = begun.rpartition(",")
    return [done + comma + known for known in NAMES if known.startswith(name)]


Backend = Annotated[
    str,
    option(
        "--backend", "-b", metavar="CHAIN", panel=RECOGNITION, autocompletion=chains,
        help="Recognizers, comma separated, tried in this order; NAME or NAME=URL: server, deepgram, vosk-server, "
        "vosk, moonshine, or local, which takes Vosk where a model of the language is installed and else Moonshine for "
        "English. auto is server,local with --server, else deepgram,local with DEEPGRAM_API_KEY, else local.",
    ),
]  # fmt: skip
Server = Annotated[
    str | None,
    option(
        "--server", metavar="URL", panel=REMOTE, show_default=False,
        help="A transcription server: ws, wss, http or https. Without a path it is /ws/transcribe.",
    ),
]  # fmt: skip
ServerTokenFile = Annotated[
    Path | None,
    option(
        "--server-token-file", metavar="FILE", panel=REMOTE, show_default=False,
        help="A file with the server's token, readable by you alone. VOXCLI_SERVER_TOKEN holds the token itself.",
    ),
]  # fmt: skip
ApiKeyFile = Annotated[
    Path | None,
    option(
        "--api-key-file", metavar="FILE", panel=REMOTE, show_default=False,
        help="A file with Deepgram's key, readable by you alone. DEEPGRAM_API_KEY holds the key itself.",
    ),
]  # fmt: skip
Parameters = Annotated[
    list[str],
    option(
        "--param", metavar="KEY=VALUE", panel=REMOTE, show_default=False,
        help="Something more for the query of a server, as it is. Repeatable.",
    ),
]  # fmt: skip
Diarize = Annotated[bool, option("--diarize", panel=REMOTE, help="Ask the server to tell speakers apart.")]
Punctuate = Annotated[bool, option("--punctuate", panel=REMOTE, help="Ask the server for punctuation and case.")]
SmartFormat = Annotated[
    bool, option("--smart-format", panel=REMOTE, help="Ask the server to write dates, amounts and so on as people do.")
]
Numerals = Annotated[bool, option("--numerals", panel=REMOTE, help="Ask the server to write numbers in digits.")]
Redact = Annotated[
    list[str],
    option(
        "--redact", metavar="WHAT", panel=REMOTE, show_default=False,
        help="Ask the server to leave something out: pci, ssn, numbers. Repeatable.",
    ),
]  # fmt: skip
Keyterm = Annotated[
    list[str],
    option(
        "--keyterm", metavar="WORD", panel=REMOTE, show_default=False,
        help="A word or name that the server should expect. Repeatable.",
    ),
]  # fmt: skip
Endpointing = Annotated[
    str | None,
    option(
        "--endpointing", metavar="MS", panel=REMOTE, show_default=False,
        help="Silence after which the server ends an utterance, in milliseconds, or false.",
    ),
]  # fmt: skip
UtteranceEndMs = Annotated[
    int | None,
    option(
        "--utterance-end-ms", metavar="MS", min=1, panel=REMOTE, show_default=False,
        help="Time without words after which the server says that an utterance is over.",
    ),
]  # fmt: skip
RecordWire = Annotated[
    Path | None,
    option(
        "--record-wire", metavar="FILE", panel=REMOTE, show_default=False,
        help="Keep what went to and from servers, with times, without keys and without the audio itself.",
    ),
]  # fmt: skip
WarmStandby = Annotated[
    bool,
    option(
        "--warm-standby", panel=LIFECYCLE,
        help="Get the next recognizer of the chain ready at the start, not at the first trouble.",
    ),
]  # fmt: skip
RetryCount = Annotated[
    int,
    option(
        "--retries", metavar="N", min=0, max=100, panel=LIFECYCLE,
        help="How often to try a server again, at the start or after a drop, before the next recognizer takes over.",
    ),
]  # fmt: skip
BackoffMs = Annotated[
    int,
    option(
        "--backoff-ms", metavar="MS", min=1, max=60_000, panel=LIFECYCLE,
        help="Until the first of these tries, in milliseconds; doubled for each.",
    ),
]  # fmt: skip
KeepaliveS = Annotated[
    float,
    option(
        "--keepalive-s", metavar="S", min=1, max=3_600, panel=LIFECYCLE, help="Seconds between two pings to a server."
    ),
]  # fmt: skip
NoFailover = Annotated[bool, option("--no-failover", panel=RECOGNITION, help="Only the first of the chain.")]
Language = Annotated[
    str, option("--language", "-l", metavar="LANG", panel=RECOGNITION, help="The language spoken, such as en or ko.")
]
Models = Annotated[
    list[str],
    option(
        "--model", "-m", metavar="[BACKEND=]NAME|PATH", panel=RECOGNITION, show_default=False,
        help="The speech model of a backend, or of the first of the chain. Repeatable.",
    ),
]  # fmt: skip
NoDownload = Annotated[
    bool, option("--no-download", panel=RECOGNITION, help="Never fetch a speech model that is not there.")
]
Format = Annotated[
    Literal["auto", "live", "text", "jsonl", "srt", "vtt", "deepgram"],
    option(
        "--format",
        "-f",
        metavar="FORMAT",
        panel=OUTPUT,
        help="auto, live, text, jsonl, srt, vtt or deepgram. auto is live on a terminal and text elsewhere.",
    ),
]
Json = Annotated[bool, option("--json", panel=OUTPUT, help="Short for --format jsonl.")]
OutputFiles = Annotated[
    list[Path],
    option(
        "--output", "-o", metavar="FILE", panel=OUTPUT, show_default=False,
        help="Write results to a file too, as they come; .txt, .jsonl, .srt or .vtt says how. Repeatable.",
    ),
]  # fmt: skip
Interim = Annotated[
    bool | None,
    option(
        "--interim/--no-interim", panel=OUTPUT, show_default=False,
        help="Show results that may still change. The live view does unless told not to, the others only when asked.",
    ),
]  # fmt: skip
Timestamps = Annotated[
    bool, option("--timestamps", panel=OUTPUT, help="Put the time before each utterance, as 0:01:23 (text and live).")
]
Strict = Annotated[bool, option("--strict", panel=OUTPUT, help="Exit with 6 if any audio was left untranscribed.")]
RawEncoding = Annotated[
    Encoding | None,
    option(
        "--encoding",
        metavar="ENCODING",
        panel=AUDIO,
        show_default=False,
        help="How headerless audio is written: linear16 (unless said), linear32, float32, mulaw, alaw.",
    ),
]
RawSampleRate = Annotated[
    int | None,
    option("--sample-rate", metavar="HZ", panel=AUDIO, show_default=False, help="Samples a second of raw audio."),
]
RawChannels = Annotated[
    int | None,
    option("--channels", metavar="N", panel=AUDIO, show_default=False, help="Channels of raw audio; 1 unless said."),
]
AudioStream = Annotated[
    int | None,
    option(
        "--audio-stream", metavar="N", min=0, panel=AUDIO, show_default=False,
        help="Which audio stream of a container such as mp4, counted from 0.",
    ),
]  # fmt: skip
Realtime = Annotated[
    bool, option("--realtime", panel=AUDIO, help="Read a file at the speed at which it would be spoken.")
]
ChunkMs = Annotated[
    int,
    option(
        "--chunk-ms", metavar="MS", min=20, max=1000, panel=LIFECYCLE,
        help="Audio given to a recognizer at a time, in milliseconds.",
    ),
]  # fmt: skip
BufferSeconds = Annotated[
    float,
    option(
        "--buffer-seconds",
        metavar="S",
        min=5,
        max=86_400,
        panel=LIFECYCLE,
        help="Greatest length of audio held in memory until results cover it.",
    ),
]
DrainTimeout = Annotated[
    float,
    option(
        "--drain-timeout", metavar="S", min=0, max=86_400, panel=LIFECYCLE,
        help="Seconds without a result that a server is waited for at the end; after Ctrl-C, seconds in all.",
    ),
]  # fmt: skip
Device = Annotated[
    str | None,
    option(
        "--device", metavar="ID|NAME", panel=AUDIO, show_default="the system's",
        help="The microphone: its number or a part of its name, as voxcli devices lists them.",
    ),
]  # fmt: skip
Duration = Annotated[
    float | None,
    option("--duration", metavar="SECONDS", panel=AUDIO, min=0.1, show_default=False, help="End after so long."),
]
UntilSilence = Annotated[
    float | None,
    option(
        "--until-silence", metavar="SECONDS", panel=AUDIO, min=0.2, show_default=False,
        help="End when nobody has spoken for so long; silence before the first word does not count.",
    ),
]  # fmt: skip
Once = Annotated[bool, option("--once", panel=AUDIO, help="Print the first utterance and end.")]
SaveAudio = Annotated[
    Path | None,
    option(
        "--save-audio", metavar="FILE", panel=AUDIO, show_default=False,
        help="Keep what the recognizer hears: .wav or .flac, 16 kHz, one channel.",
    ),
]  # fmt: skip
