"""``voxcli transcribe``: from the command line to settings."""

from __future__ import annotations

from typing import Annotated

import typer

from voxcli.audio import AudioFormat, Encoding, samples
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
    from voxcli.cli.backends import Wanted
    from voxcli.cli.chain import check_server_is_used, parse_chain, parse_models
    from voxcli.cli.display import check_distinct
    from voxcli.cli.keyrings import Keyring
    from voxcli.cli.remotes import Servers, query_parameters, secret
    from voxcli.cli.run import run
    from voxcli.cli.settings import Settings
    from voxcli.pipeline import PipelineOptions
    from voxcli.recognizers import REMOTES
    from voxcli.recognizers.lifecycle import Lifecycle
    from voxcli.sources import SourceOptions

    environment: Environment = ctx.obj
    chosen = _format(_asked(ctx, json, format), environment)
    servers = Servers(
        url=server,
        token=secret(server_token_file, environment.variables.get("VOXCLI_SERVER_TOKEN")),
        deepgram_url=environment.variables.get("DEEPGRAM_BASE_URL") or None,
        deepgram_key=secret(api_key_file, environment.variables.get("DEEPGRAM_API_KEY")),
        parameters=query_parameters(
            param,
            diarize=diarize,
            punctuate=punctuate,
            smart_format=smart_format,
            numerals=numerals,
            redact=redact,
            keyterm=keyterm,
            endpointing=endpointing,
            utterance_end_ms=utterance_end_ms,
        ),
        record=record_wire,
        keyring=Keyring.of(environment),
        distrusted=environment.distrusted,
    )
    chain = parse_chain(backend, servers)[: 1 if no_failover else None]
    if server is not None and _is_on_command_line(ctx, "server"):
        check_server_is_used(chain)
    if servers.parameters and all(element.name not in REMOTES for element in chain):
        names = ", ".join(dict.fromkeys(name for name, _ in servers.parameters))
        environment.say(f"{names}: asked of servers only, and there is none in --backend {backend}")
    shows_interim = chosen == "live" if interim is None else interim
    settings = Settings(
        sources=tuple(_sources(sources or [], environment)),
        wanted=Wanted(
            chain=chain,
            models=parse_models(model, chain),
            language=language,
            chunk_samples=samples(chunk_ms / 1000),
            interim=shows_interim,
            may_download=not no_download,
            servers=servers,
            lifecycle=Lifecycle(
                retries=retries,
                backoff=backoff_ms / 1000,
                keepalive=keepalive_s,
                drain=drain_timeout,
                chunk_samples=samples(chunk_ms / 1000),
            ),
            warm_standby=warm_standby,
        ),
        format=chosen,
        files=tuple(output),
        interim=shows_interim,
        timestamps=timestamps,
        strict=strict,
        source_options=SourceOptions(_raw_format(encoding, sample_rate, channels), audio_stream, realtime),
        pipeline=PipelineOptions(chunk=chunk_ms / 1000, buffer=buffer_seconds, drain_timeout=drain_timeout),
    )
    settings.wanted.remotes()  # what cannot be meant is said before anything is opened
    if record_wire is not None:
        check_distinct([record_wire, *output], settings.sources)
    return run(settings, environment)


def _asked(ctx: typer.Context, json: bool, format: str) -> str:
    """``--json`` or ``--format``; a variable that asks for JSON does not win over a format on the command line."""
    given = {name: ctx.get_parameter_source(name) for name in ("json", "format")}
    variable_against_option = [getattr(source, "name", "") for source in given.values()] == [
        "ENVIRONMENT",
        "COMMANDLINE",
    ]
    return "jsonl" if json and not variable_against_option else format


def _is_on_command_line(ctx: typer.Context, name: str) -> bool:
    """Whether an option was given there, and not by a variable, which is for every run."""
    return getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"


def _format(asked: str, environment: Environment) -> str:
    """The format that is meant. The live view is for terminals: elsewhere its escape codes would be in the way."""
    if asked not in ("auto", "live"):
        return asked
    return "live" if environment.is_terminal(environment.stdout) else "text"


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
