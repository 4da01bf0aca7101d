"""The Typer app: a table of commands, each imported only when it is used, and the options that all of them take."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from voxcli import __version__
from voxcli.cli.environment import Environment
from voxcli.errors import UsageError

COMMANDS = {
    "transcribe": ("voxcli.cli.transcribe", "Turn recordings, or audio from a pipe, into words."),
    "listen": ("voxcli.cli.listen", "Turn what the microphone hears into words, as it is said."),
    "devices": ("voxcli.cli.devices", "List the microphones of this machine."),
    "serve": (
        "voxcli.cli.serve",
        "Transcribe for others: a page, WebSockets, Deepgram's contract.",
    ),
    "doctor": ("voxcli.cli.doctor", "Prove that transcribing works here, with the settings as they are."),
    "models": (
        "voxcli.cli.models",
        "Speech models: list, pull, verify and remove those that transcribe on this machine.",
    ),
    "config": ("voxcli.cli.config", "Settings: which files they come from, and what each of them is."),
    "schema": ("voxcli.cli.schema", "Print the JSON Schema of every line that --json can print."),
}
"""Name -> module with an ``app``, and the line that ``voxcli --help`` shows for it."""

WITHOUT_SETTINGS = ("config", "schema")
"""What goes on working where a file of settings is broken."""

TELLS_OF_SETTINGS = ("doctor",)
"""What reads them, and goes on where they are broken, to tell that beside all else."""


class LazyGroup(TyperGroup):
    """Knows its commands by name and one line of help; a command's module is imported when the command is used."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._lines = {name: TyperCommand(name, help=line) for name, (_, line) in COMMANDS.items()}
        self._loaded: dict[str, Any] = {}
        self.commands = dict(self._lines)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS and cmd_name not in self._loaded:
            self._loaded[cmd_name] = load(cmd_name)
        return self._loaded.get(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        loaded, self._loaded = self._loaded, dict(self._lines)
        try:
            super().format_help(ctx, formatter)
        finally:
            self._loaded = loaded


def load(name: str) -> Any:
    """The command of that name, its module imported."""
    command = get_command(import_module(COMMANDS[name][0]).app)
    command.name = name
    return _with_global_options(command)


def _with_global_options(command: Any) -> Any:
    """The command, taking the global options too, so that they may stand before or after its name.

    Their variables are read before the name only: an option wins over them wherever it stands. Files of settings are
    read where the command itself begins, once it is known which profile is wanted.
    """
    parameters = get_command(_template).params
    for parameter in parameters:
        parameter.envvar = None
    command.params.extend(parameters)
    for inner in getattr(command, "commands", {}).values():
        _with_global_options(inner)
    return command


def _set_quiet(ctx: typer.Context, value: bool) -> None:
    if value:
        _environment(ctx).quiet = True


def _set_verbosity(ctx: typer.Context, value: int) -> None:
    _environment(ctx).verbosity += value


def _set_color(ctx: typer.Context, value: str | None) -> None:
    if value is not None:
        _environment(ctx).color = value


def _set_profile(ctx: typer.Context, value: str | None) -> None:
    if ctx.resilient_parsing:
        return
    environment = _environment(ctx)
    if value is not None:
        environment.profile = value
    if not isinstance(ctx.command, TyperGroup) and _reads_settings(ctx):
        _apply_settings(ctx, environment)


def _apply_settings(ctx: typer.Context, environment: Environment) -> None:
    from voxcli.cli.settings_defaults import apply

    try:
        apply(ctx, environment)
    except UsageError as error:
        if ctx.info_name not in TELLS_OF_SETTINGS:
            raise
        environment.refused, environment.settings = error, {}


def _reads_settings(ctx: typer.Context) -> bool:
    return not set(ctx.command_path.split()) & set(WITHOUT_SETTINGS)


def _print_version(ctx: typer.Context, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        _environment(ctx).print(f"voxcli {__version__}")
        raise typer.Exit


def _environment(ctx: typer.Context) -> Environment:
    environment: Environment = ctx.obj if isinstance(ctx.obj, Environment) else Environment.of_process()
    return environment


_GENERAL = "General"

Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="No status and no notices; errors still.", callback=_set_quiet, expose_value=False,
        envvar="VOXCLI_QUIET", show_envvar=False, rich_help_panel=_GENERAL,
    ),
]  # fmt: skip
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose", "-v", count=True, help="Say more on standard error; twice for the native libraries' own words.",
        callback=_set_verbosity, expose_value=False, show_default=False, envvar="VOXCLI_VERBOSE", show_envvar=False,
        rich_help_panel=_GENERAL,
    ),
]  # fmt: skip
Color = Annotated[
    Literal["auto", "always", "never"] | None,
    typer.Option(
        "--color", metavar="auto|always|never", help="Colours: auto is for terminals only.", callback=_set_color,
        expose_value=False, envvar="VOXCLI_COLOR", show_envvar=False, rich_help_panel=_GENERAL,
    ),
]  # fmt: skip
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="NAME", help="Take the settings of this profile in voxcli.toml before all others there.",
        callback=_set_profile, expose_value=False, is_eager=True, envvar="VOXCLI_PROFILE", show_envvar=False,
        rich_help_panel=_GENERAL,
    ),
]  # fmt: skip
Version = Annotated[
    bool,
    typer.Option(
        "--version", help="Print the version and exit.", callback=_print_version, expose_value=False, is_eager=True
    ),
]

_template = typer.Typer(add_completion=False)


@_template.command()
def _global_options(quiet: Quiet = False, verbose: Verbose = 0, color: Color = None, profile: Profile = None) -> None:
    """Never run: the options that every command takes."""


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


@app.callback(epilog="Start with: voxcli transcribe FILE")
def voxcli(
    quiet: Quiet = False,
    verbose: Verbose = 0,
    color: Color = None,
    profile: Profile = None,
    version: Version = False,
) -> None:
    """Streaming transcription in the terminal: microphones, recordings and pipes in, words out."""
