"""voxcli models: the speech models on this machine and at their publisher."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from voxcli import models
from voxcli.cli.environment import Environment
from voxcli.cli.pulling import told
from voxcli.models import Model, Places
from voxcli.printable import printable

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Speech models: list, pull, verify and remove those that transcribe on this machine.",
)

_Wanted = Annotated[str, typer.Argument(metavar="LANG|NAME", help="A language (en, ko, en-us) or a model's name.")]
_INSTALLED = ("name", "language", "backend", "size", "path")
_PUBLISHED = ("name", "language", "backend", "size", "kind")


@app.command("list")
def list_models(
    ctx: typer.Context,
    remote: Annotated[bool, typer.Option("--remote", help="Those that can be pulled, instead.")] = False,
    language: Annotated[
        str | None, typer.Option("-l", "--language", metavar="LANG", help="Only those of a language.")
    ] = None,
) -> None:
    """List the models on this machine, in the order in which they are preferred.

    A table on a terminal; elsewhere a line each, separated by tabs: name, language, backend, size in bytes, path.
    """
    env: Environment = ctx.obj
    places = Places.of(env.variables)
    if remote:
        none = f"the publisher has no model for the language {language}; list --remote without -l shows them all"
        _show(env, _PUBLISHED, _published_rows(places, language), none)
    else:
        _show(env, _INSTALLED, _installed_rows(places, language), _nothing_here(language))


@app.command()
def pull(ctx: typer.Context, wanted: _Wanted) -> None:
    """Fetch a model into voxcli's own folder: the small one of a language, or one by its name.

    A download that breaks off goes on where it stopped when the command is run again. Prints the model's folder.
    """
    env: Environment = ctx.obj
    places = Places.of(env.variables)
    model = models.pulled(places, wanted)
    if model is not None:
        env.say(f"{model.name} is there already")
    else:
        with told(env) as (say, progress):
            model = models.pull(places, wanted, say=say, progress=progress)
    env.print(str(model.path))


@app.command()
def verify(
    ctx: typer.Context,
    wanted: Annotated[
        str | None, typer.Argument(metavar="[NAME|PATH|LANG]", help="Which model; all of them when none is named.")
    ] = None,
    no_load: Annotated[bool, typer.Option("--no-load", help="Look at the files only; do not load the model.")] = False,
) -> None:
    """Check that models are whole and that their recognizer loads them.

    Prints `ok NAME`, or a line for each problem. Exit code 1 when there is any.
    """
    env: Environment = ctx.obj
    suspects = _suspects(Places.of(env.variables), wanted)
    if not suspects:
        env.say(_nothing_here(None))
    reports = [_report(env, model, load=not no_load) for model in suspects]
    if not all(reports):
        raise typer.Exit(1)


@app.command()
def path(ctx: typer.Context, wanted: _Wanted) -> None:
    """Print the folder of a model."""
    env: Environment = ctx.obj
    found = str(models.look_up(Places.of(env.variables), wanted).path)
    env.print(printable(found) if env.is_terminal(env.stdout) else found)


@app.command()
def rm(ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="The model's name.")]) -> None:
    """Remove a model from voxcli's own folder, at once and without asking."""
    env: Environment = ctx.obj
    for removed in models.remove(Places.of(env.variables), name):
        env.say(f"removed {removed}")


def _nothing_here(language: str | None) -> str:
    what = f"no speech model for the language {language} here" if language else "no speech model here"
    return f"{what}; voxcli models pull {language or 'en'} fetches one"


def _installed_rows(places: Places, language: str | None) -> list[tuple[str, ...]]:
    there = models.installed(places)
    fitting = [model for model in there if language is None or models.fits(language, model.language)]
    return [
        (model.name, model.language or "-", model.backend, str(models.size_bytes(model)), str(model.path))
        for model in fitting
    ]


def _published_rows(places: Places, language: str | None) -> list[tuple[str, ...]]:
    entries = models.published(places)
    return [
        (entry.name, entry.language, "vosk", str(entry.size_bytes), entry.kind + " (obsolete)" * entry.obsolete)
        for entry in entries
        if language is None or models.fits(language, entry.language)
    ]


def _show(env: Environment, columns: Sequence[str], rows: list[tuple[str, ...]], none: str) -> None:
    safe = [tuple(printable(cell) for cell in row) for row in rows]
    if not rows:
        env.say(none)
    elif env.is_terminal(env.stdout):
        _show_table(env, columns, safe)
    else:
        for row in safe:
            env.print("\t".join(row))


def _show_table(env: Environment, columns: Sequence[str], rows: list[tuple[str, ...]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column == "size" else "left"
        table.add_column(column, justify=justify, no_wrap=True)
    size = columns.index("size")
    for row in rows:
        table.add_row(*map(Text, (*row[:size], models.mebibytes(int(row[size])), *row[size + 1 :])))
    # As wide as the table needs to be: a path that the terminal wraps can still be copied.
    Console(file=env.stdout, width=1_000, force_terminal=env.color_on(env.stdout), highlight=False).print(table)


def _suspects(places: Places, wanted: str | None) -> list[Model]:
    if wanted is None:
        return [*models.installed(places), *models.damaged(places)]
    if models.is_path(wanted) and os.path.isdir(wanted):  # noqa: PTH112 - which takes names of any length
        return [models.at(Path(wanted))]
    named = [model for model in models.damaged(places) if model.name == wanted]
    return named or [models.look_up(places, wanted)]


def _report(env: Environment, model: Model, *, load: bool) -> bool:
    problems = models.verify(model)
    if load and not problems:
        problems = models.load_problems(model)
    for problem in problems:
        env.print(printable(f"{model.name}: {problem}"))
    if not problems:
        env.print(printable(f"ok {model.name}"))
    return not problems
