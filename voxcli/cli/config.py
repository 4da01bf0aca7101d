"""``voxcli config``: where settings come from, and what they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from voxcli.cli.environment import Environment
from voxcli.config import Value, merged, shown
from voxcli.printable import printable

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Settings: which files they come from, and what each of them is."
)

_SECRET = ("DEEPGRAM_API_KEY", "VOXCLI_SERVER_TOKEN", "VOXCLI_SERVE_TOKENS")
_OTHERS = ("DEEPGRAM_BASE_URL", "VOSK_MODEL_PATH", "VOXCLI_MODELS_DIR", "VOXCLI_MODELS_URL")
DEFAULT = "default"


@app.command()
def path(ctx: typer.Context) -> None:
    """Print where the files of settings are, the stronger first.

    A line each, separated by tabs: project or user, the path, and whether it is read.
    """
    from voxcli.cli.settings_files import places

    environment: Environment = ctx.obj
    for place in places():
        kind = "project" if place.is_project else "user"
        environment.print("\t".join(map(printable, (kind, str(place.path), place.state()))))


@app.command()
def show(
    ctx: typer.Context, json: Annotated[bool, typer.Option("--json", help="One array of JSON instead.")] = False
) -> None:
    """Print every setting: its name, its value, and where that comes from.

    A table on a terminal; elsewhere a line each, separated by tabs, - for what is not set.
    """
    environment: Environment = ctx.obj
    rows = _rows(ctx, environment)
    if json:
        _print_json(environment, rows)
    elif environment.is_terminal(environment.stdout):
        _print_table(environment, rows)
    else:
        for name, value in rows.items():
            environment.print("\t".join(_cells(name, value)))


def _rows(ctx: typer.Context, environment: Environment) -> dict[str, Value]:
    """Every setting, as a command would take it. Raises SettingsRefused, ProfileNotFound."""
    from voxcli.cli.settings_files import options, values

    found = list(options())
    of_environment = {key: value for _, key, option in found if (value := _of_environment(ctx, option))}
    usual = {"color": Value("auto", DEFAULT), "profile": Value(None, DEFAULT)}
    layers = (dict(_of_globals(ctx, environment)), of_environment, values(environment), usual, _defaults(found))
    rows = merged(layers)
    order = dict.fromkeys([*(key for _, key, _ in found), *rows])
    return {key: rows[key] for key in order} | dict(_variables(environment))


def _defaults(options: list[tuple[str, str, Any]]) -> dict[str, Value]:
    """The defaults; of an option whose default is not everywhere the same, that of each command."""
    of_commands: dict[str, dict[str, Any]] = {}
    for command, key, option in options:
        of_commands.setdefault(key, {})[command] = option.default
    return {
        key: Value(next(iter(each.values())), DEFAULT)
        if all(value == next(iter(each.values())) for value in each.values())
        else Value([f"{value} ({command})" for command, value in each.items()], DEFAULT)
        for key, each in of_commands.items()
    }


def _of_environment(ctx: typer.Context, option: Any) -> Value | None:
    text = option.value_from_envvar(ctx) if option.envvar else None
    if text is None:
        return None
    with suppress(typer.BadParameter):  # which the command will tell
        text = option.process_value(ctx, text)
    return Value(text, f"environment {option.envvar}")


def _of_globals(ctx: typer.Context, environment: Environment) -> Iterator[tuple[str, Value]]:
    given = {
        "quiet": environment.quiet,
        "verbose": environment.verbosity,
        "color": environment.color,
        "profile": environment.profile,
    }
    for name, value in given.items():
        origin = _origin(ctx, name)
        if origin:
            yield name, Value(value, origin)


def _origin(ctx: typer.Context, name: str) -> str | None:
    at: Any = ctx
    sources = []
    while at is not None:
        sources.append(getattr(at.get_parameter_source(name), "name", ""))
        at = at.parent
    if "COMMANDLINE" in sources:
        return f"option --{name}"
    return f"environment VOXCLI_{name.upper()}" if "ENVIRONMENT" in sources else None


def _variables(environment: Environment) -> Iterator[tuple[str, Value]]:
    """What has a variable and no option. Keys are never told."""
    for name in (*_OTHERS, *_SECRET):
        if text := environment.variables.get(name):
            yield name, Value("set" if name in _SECRET else text, f"environment {name}")


def _plain(value: object) -> Any:
    """A value as JSON can have it, without what is secret in it."""
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    return shown(str(value) if isinstance(value, Path) else value)


def _cells(name: str, value: Value) -> tuple[str, str, str]:
    from voxcli.cli.settings_defaults import text_of

    plain = _plain(value.value)
    text = "-" if plain is None or plain == [] else text_of(plain)
    return printable(name), printable(text), printable(value.origin)


def _print_json(environment: Environment, rows: dict[str, Value]) -> None:
    from json import dumps

    told = [(name, _plain(value.value), value.origin) for name, value in rows.items()]
    objects = [
        {"name": name, "origin": origin} if plain is None else {"name": name, "value": plain, "origin": origin}
        for name, plain, origin in told
    ]
    environment.print(dumps(objects, ensure_ascii=False))


def _print_table(environment: Environment, rows: dict[str, Value]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for column in ("name", "value", "origin"):
        table.add_column(column, no_wrap=True)
    for name, value in rows.items():
        style = "dim" if value.origin == DEFAULT else ""
        table.add_row(*(Text(cell, style) for cell in _cells(name, value)))
    # As wide as the table needs to be: a path that the terminal wraps can still be copied.
    color = environment.color_on(environment.stdout)
    Console(file=environment.stdout, width=1_000, force_terminal=color, highlight=False).print(table)
