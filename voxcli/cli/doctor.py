"""``voxcli doctor``: proves that what the settings name works, and says what to do where it does not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from voxcli.cli import options
from voxcli.cli.environment import Environment
from voxcli.errors import VoxcliError

if TYPE_CHECKING:
    from voxcli.cli.backends import Wanted
    from voxcli.cli.checks.report import Report

app = typer.Typer(add_completion=False)

_AS_IT_COMES = {
    "record_wire": None, "chunk_ms": 100, "warm_standby": False, "retries": 0, "backoff_ms": 100, "keepalive_s": 30,
    "drain_timeout": 10,
}  # fmt: skip
"""Options of a run that are no matter here."""


@app.command(epilog="For example: voxcli doctor --mic; voxcli doctor --server wss://speech.example.org")
def doctor(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One object of JSON, at the end.")] = False,
    mic: Annotated[bool, typer.Option("--mic", help="Fail without a microphone that hears something.")] = False,
    device: options.Device = None,
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
) -> int:
    """Prove that transcribing works here, with the settings as they are.

    A second of the microphone is captured; each recognizer that would be used
    hears a few words that voxcli brings, on this machine or on a server.
    Nothing is fetched, written or changed.
    Exit code 1 when something that is configured does not work.
    """
    import asyncio

    from voxcli.cli.checks.report import Report
    from voxcli.cli.logs import LIBRARIES, show_libraries
    from voxcli.cli.native import native_chatter_silenced

    given = dict(locals())
    environment: Environment = ctx.obj
    report = Report(environment, as_json=json)
    with native_chatter_silenced(environment):
        if environment.verbosity >= LIBRARIES:
            show_libraries(environment)
        asyncio.run(_examine(ctx, given, report))
    return report.exit_code


async def _examine(ctx: typer.Context, given: Mapping[str, Any], report: Report) -> None:
    import asyncio

    from voxcli.cli.checks.threads import Threads
    from voxcli.cli.examination import Examination

    environment: Environment = ctx.obj
    threads = Threads()
    asyncio.get_running_loop().set_default_executor(threads)
    wanted = await asyncio.to_thread(_wanted, ctx, given, environment)
    await Examination(environment, given, wanted, report.add).run()
    report.end()
    if threads.are_busy:
        environment.settle()
        os._exit(report.exit_code)


def _wanted(ctx: typer.Context, given: Mapping[str, Any], environment: Environment) -> Wanted | VoxcliError:
    """What the options ask for, or why that cannot be meant."""
    from voxcli.cli.recognition import wanted

    try:
        return wanted(ctx, {**given, **_AS_IT_COMES}, environment)
    except VoxcliError as error:
        return error
