"""Writes the parts of the documentation that say what the code says: options, JSON fields, errors and exit codes.

``python docs/generate.py`` shows what is out of date and fails; ``--write`` brings it up to date. A part stands between
``<!-- generated: NAME ARGUMENT -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from voxcli import errors
from voxcli.cli.app import load
from voxcli.cli.schema import events_schema

ROOT = Path(__file__).parent.parent
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


def main(write: bool) -> int:
    """Check every document, or write it; 1 if one was out of date and stays so."""
    stale = 0
    for document in sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")]):
        text = document.read_text(encoding="utf-8")
        wanted = generated(text)
        if wanted != text and write:
            document.write_text(wanted, encoding="utf-8")
        elif wanted != text:
            stale = 1
            sys.stderr.write(f"{document.relative_to(ROOT)} is out of date: python docs/generate.py --write\n")
    return stale


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv))
