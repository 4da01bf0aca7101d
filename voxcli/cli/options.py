"""The options of the commands that transcribe, each declared once. ``VOXCLI_<OPTION>`` sets any of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from voxcli.audio import Encoding

RECOGNITION, OUTPUT, AUDIO, LIFECYCLE = "Recognition", "Output", "Audio", "Lifecycle"


def option(*names: str, help: str, panel: str, **more: Any) -> Any:
    """A Typer option that its environment variable sets too: ``--chunk-ms`` is ``VOXCLI_CHUNK_MS``."""
    long_name = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "VOXCLI_" + long_name.removeprefix("--").replace("-", "_").upper()
    return typer.Option(*names, help=help, rich_help_panel=panel, envvar=variable, show_envvar=False, **more)


Backend = Annotated[
    str,
    option(
        "--backend", "-b", metavar="CHAIN", panel=RECOGNITION,
        help="Recognizers, comma separated, tried in this order: vosk, moonshine, or local, which takes Vosk where a "
        "model of the language is installed and else Moonshine for English. auto is local.",
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
    Literal["auto", "live", "text", "jsonl", "deepgram"],
    option(
        "--format",
        "-f",
        metavar="FORMAT",
        panel=OUTPUT,
        help="auto, live, text, jsonl or deepgram. auto is live on a terminal and text elsewhere.",
    ),
]
Json = Annotated[bool, option("--json", panel=OUTPUT, help="Short for --format jsonl.")]
OutputFiles = Annotated[
    list[Path],
    option(
        "--output", "-o", metavar="FILE", panel=OUTPUT, show_default=False,
        help="Write results to a file too, as they come; .txt or .jsonl says how. Repeatable.",
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
        "--chunk-ms", min=20, max=1000, panel=LIFECYCLE, help="Audio given to a recognizer at a time, in milliseconds."
    ),
]
BufferSeconds = Annotated[
    float,
    option(
        "--buffer-seconds",
        min=5,
        max=86_400,
        panel=LIFECYCLE,
        help="Greatest length of audio held in memory; a file or a pipe is read no more than two seconds ahead.",
    ),
]
DrainTimeout = Annotated[
    float,
    option(
        "--drain-timeout", metavar="S", min=0, max=86_400, panel=LIFECYCLE,
        help="Seconds to wait for the last words after Ctrl-C.",
    ),
]  # fmt: skip
