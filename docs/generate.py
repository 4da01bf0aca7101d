"""Writes what the documentation says after the code: options, JSON fields, errors, the man pages, the picture.

``python docs/generate.py`` shows what is out of date and fails; ``--write`` brings it up to date. A part of a document
stands between ``<!-- generated: NAME ARGUMENT -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import manual
import picture
from voxcli import errors
from voxcli.cli.app import load
from voxcli.cli.schema import events_schema

ROOT = Path(__file__).parent.parent
MANUAL = ROOT / "docs" / "man"
PART = re.compile(r"(<!-- generated: (\w+) ?(\w*) -->\n).*?(<!-- end -->)", re.DOTALL)


def options(command: str) -> Iterator[str]:
    """A table of a command's options, the variable that sets each, and its default."""
    yield "| Option | Variable | Default | What it does |"
    yield "|---|---|---|---|"
    for parameter in load(command).params:
        if parameter.param_type_name == "option" and parameter.help:
            names = ", ".join(f"`{name}`" for name in [*parameter.opts, *parameter.secondary_opts])
            yield f"| {names} | {_variable(parameter)} | {_default(parameter)} | {parameter.help} |"


def _variable(parameter: Any) -> str:
    return f"`{parameter.envvar}`" if parameter.envvar else ""


def _default(parameter: Any) -> str:
    unset = parameter.default is None or parameter.default is False or parameter.default in ([], 0)
    return "" if unset else f"`{parameter.default}`"


def fields(event: str) -> Iterator[str]:
    """A table of the keys of an event; those in bold are always there."""
    definition = events_schema()["$defs"][event]
    yield definition["description"] + "\n"
    yield "| Key | Kind | Meaning |"
    yield "|---|---|---|"
    for key, field in definition["properties"].items():
        if key == "type":
            yield f'| **type** | string | `"{event}"` |'
            continue
        name = f"**{key}**" if key in definition["required"] else key
        yield f"| {name} | {_kind(field)} | {field['description']} |"


def _kind(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if field.get("type") == "array":
        return f"list of {_kind(field['items'])}"
    return str(field["type"])


def exits(_: str) -> Iterator[str]:
    """A table of the errors, in the order in which they are declared."""
    yield "| Error | Exit code | Meaning |"
    yield "|---|---|---|"
    for _, error in sorted(inspect.getmembers(errors, _is_error), key=lambda item: inspect.getsourcelines(item[1])[1]):
        meaning = " ".join((inspect.getdoc(error) or "").splitlines()[0].split())
        yield f"| `{error.code}` | {error.exit_code} | {meaning} |"


def _is_error(member: object) -> bool:
    return inspect.isclass(member) and issubclass(member, errors.VoxcliError)


GENERATORS: dict[str, Callable[[str], Iterator[str]]] = {"options": options, "fields": fields, "exits": exits}


def generated(text: str) -> str:
    """A document with its generated parts as they should be."""
    return PART.sub(lambda part: part[1] + "\n".join(GENERATORS[part[2]](part[3])) + "\n" + part[4], text)


def files() -> Iterator[tuple[Path, str]]:
    """Every file of which something is generated, and what should be in it."""
    for document in sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")]):
        yield document, generated(document.read_text(encoding="utf-8"))
    for name, page in manual.pages().items():
        yield MANUAL / name, page
    yield ROOT / "docs" / "live.svg", picture.drawn()


def main(write: bool) -> int:
    """Check every file, or write it; 1 if one was out of date and stays so."""
    wanted = dict(files())
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    left = [path for path in MANUAL.glob("*") if path not in wanted]
    for path in stale if write else []:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    for path in left if write else []:
        path.unlink()
    for path in [] if write else [*stale, *left]:
        sys.stderr.write(f"{path.relative_to(ROOT)} is out of date: python docs/generate.py --write\n")
    return 1 if (stale or left) and not write else 0


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv))
