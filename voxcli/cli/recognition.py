"""What the commands that transcribe have in common: from their options to a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from voxcli.audio import samples
from voxcli.cli.backends import Wanted
from voxcli.cli.chain import check_server_is_used, parse_chain, parse_models
from voxcli.cli.display import check_distinct
from voxcli.cli.environment import Environment
from voxcli.cli.keyrings import Keyring
from voxcli.cli.remotes import Servers, query_parameters, secret
from voxcli.cli.run import run
from voxcli.cli.settings import Settings
from voxcli.pipeline import Limits, PipelineOptions
from voxcli.recognizers import REMOTES
from voxcli.recognizers.lifecycle import Lifecycle
from voxcli.sources import MicrophoneOptions, SourceOptions

_OF_SERVERS = (
    "diarize", "punctuate", "smart_format", "numerals", "redact", "keyterm", "endpointing", "utterance_end_ms",
)  # fmt: skip


def start(
    ctx: typer.Context,
    given: Mapping[str, Any],
    sources: tuple[str, ...],
    *,
    source_options: SourceOptions | None = None,
    microphone: MicrophoneOptions | None = None,
    limits: Limits | None = None,
    saved: Path | None = None,
) -> int:
    """Transcribe ``sources``, as the options ``given`` by their names want it. Raises VoxcliError."""
    environment: Environment = ctx.obj
    chosen = _format(_asked(ctx, given["json"], given["format"]), environment)
    shows_interim = chosen == "live" if given["interim"] is None else given["interim"]
    limits = limits or Limits()
    chunk = given["chunk_ms"] / 1000
    wished = wanted(ctx, given, environment)
    settings = Settings(
        sources=sources,
        # who waits for silence has to know of speech as it is said
        wanted=replace(wished, interim=shows_interim or limits.silence is not None),
        format=chosen,
        files=tuple(given["output"]),
        interim=shows_interim,
        timestamps=given["timestamps"],
        strict=given["strict"],
        source_options=source_options or SourceOptions(),
        microphone=microphone,
        saved=saved,
        pipeline=PipelineOptions(
            chunk=chunk, buffer=given["buffer_seconds"], drain_timeout=given["drain_timeout"], limits=limits
        ),
    )
    settings.wanted.remotes()  # what cannot be meant is said before anything is opened
    written = [path for path in (given["record_wire"], saved) if path is not None]
    if written:
        check_distinct([*written, *given["output"]], settings.sources)
    return run(settings, environment)


def wanted(ctx: typer.Context, given: Mapping[str, Any], environment: Environment) -> Wanted:
    """What the options ``given`` by their names say about recognition. Raises UsageError."""
    servers = _servers(given, environment)
    chain = parse_chain(given["backend"], servers)[: 1 if given["no_failover"] else None]
    if given["server"] is not None and _is_on_command_line(ctx, "server"):
        check_server_is_used(chain)
    if servers.parameters and all(element.name not in REMOTES for element in chain):
        names = ", ".join(dict.fromkeys(name for name, _ in servers.parameters))
        environment.say(f"{names}: asked of servers only, and there is none in --backend {given['backend']}")
    chunk_samples = samples(given["chunk_ms"] / 1000)
    return Wanted(
        chain=chain,
        models=parse_models(given["model"], chain),
        language=given["language"],
        chunk_samples=chunk_samples,
        interim=False,
        may_download=not given["no_download"],
        servers=servers,
        lifecycle=Lifecycle(
            retries=given["retries"],
            backoff=given["backoff_ms"] / 1000,
            keepalive=given["keepalive_s"],
            drain=given["drain_timeout"],
            chunk_samples=chunk_samples,
        ),
        warm_standby=given["warm_standby"],
    )


def _servers(given: Mapping[str, Any], environment: Environment) -> Servers:
    variables = environment.variables
    return Servers(
        url=given["server"],
        token=secret(given["server_token_file"], variables.get("VOXCLI_SERVER_TOKEN")),
        deepgram_url=variables.get("DEEPGRAM_BASE_URL") or None,
        deepgram_key=secret(given["api_key_file"], variables.get("DEEPGRAM_API_KEY")),
        parameters=query_parameters(given["param"], **{name: given[name] for name in _OF_SERVERS}),
        record=given["record_wire"],
        keyring=Keyring.of(environment),
        distrusted=environment.distrusted,
    )


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
