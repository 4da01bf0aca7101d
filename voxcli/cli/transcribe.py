"""``voxcli transcribe``: from the command line to settings."""

from __future__ import annotations

from typing import Annotated

import typer

from voxcli.audio import AudioFormat, Encoding
from voxcli.cli import options
from voxcli.cli.environment import Environment
from voxcli.errors import UsageError
from voxcli.sources import STDIN

app = typer.Typer(add_completion=False)


@app.command(
    epilog="For example: voxcli transcribe talk.mp3 -o talk.txt; arecord -f S16_LE -r 16000 | voxcli transcribe -"
)
def transcribe(
    ctx: typer.Context,
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help="Files, or - for standard input.")
    ] = None,
    backend: options.Backend = "auto",
    no_failover: options.NoFailover = False,
    language: options.Language = "en",
    model: options.Models = [],  # noqa: B006
    no_download: options.NoDownload = False,
    server: options.Server = None,
    server_token_file: options.ServerTokenFile = None,
    api_key_file: options.ApiKeyFile = None,
    param: options.Parameters = [],  # noqa: B006
    diarize: options.Diarize = False,
    punctuate: options.Punctuate = False,
    smart_format: options.SmartFormat = False,
    numerals: options.Numerals = False,
    redact: options.Redact = [],  # noqa: B006
    keyterm: options.Keyterm = [],  # noqa: B006
    endpointing: options.Endpointing = None,
    utterance_end_ms: options.UtteranceEndMs = None,
    record_wire: options.RecordWire = None,
    format: options.Format = "auto",
    json: options.Json = False,
    output: options.OutputFiles = [],  # noqa: B006
    interim: options.Interim = None,
    timestamps: options.Timestamps = False,
    strict: options.Strict = False,
    encoding: options.RawEncoding = None,
    sample_rate: options.RawSampleRate = None,
    channels: options.RawChannels = None,
    audio_stream: options.AudioStream = None,
    realtime: options.Realtime = False,
    chunk_ms: options.ChunkMs = 100,
    buffer_seconds: options.BufferSeconds = 120,
    drain_timeout: options.DrainTimeout = 10,
    warm_standby: options.WarmStandby = False,
    retries: options.RetryCount = 3,
    backoff_ms: options.BackoffMs = 100,
    keepalive_s: options.KeepaliveS = 30,
) -> int:
    """Turn recordings, or audio from a pipe, into words.

    Results go to standard output, everything else to standard error.

    Several sources come one after the other; one that cannot be read is reported and the rest goes on.
    """
    from voxcli.cli.recognition import start
    from voxcli.sources import SourceOptions

    environment: Environment = ctx.obj
    given = dict(locals())
    return start(
        ctx,
        given,
        tuple(_sources(sources or [], environment)),
        source_options=SourceOptions(_raw_format(encoding, sample_rate, channels), audio_stream, realtime),
    )


def _sources(named: list[str], environment: Environment) -> list[str]:
    """What to read; standard input where nothing is named and something is piped in. Raises UsageError."""
    if "" in named:
        raise UsageError("a source without a name", "name a file, or - for standard input")
    if named.count(STDIN) > 1:
        raise UsageError("standard input can be read only once", "name - only once")
    if named and (STDIN not in named or not environment.stdin_is_terminal()):
        return named
    if environment.stdin_is_terminal():
        raise UsageError("there is nothing to transcribe", "name a file, or pipe audio in: voxcli transcribe FILE")
    if not named:
        environment.say("reading standard input")
    return named or [STDIN]


def _raw_format(encoding: Encoding | None, sample_rate: int | None, channels: int | None) -> AudioFormat | None:
    """The format of headerless audio, where one is described. Raises UsageError for half a description."""
    if encoding is None and sample_rate is None and channels is None:
        return None
    if sample_rate is None:
        raise UsageError("raw audio needs its sample rate", "add --sample-rate, for example --sample-rate 16000")
    return AudioFormat(encoding or Encoding.LINEAR16, sample_rate, 1 if channels is None else channels)
