"""``voxcli schema``: the JSON Schema of every line that ``--json`` can print, made from the event classes."""

from __future__ import annotations

from typing import Any

import typer

from voxcli import __version__
from voxcli.cli.environment import Environment

app = typer.Typer(add_completion=False)


@app.command()
def schema(ctx: typer.Context) -> None:
    """Print the JSON Schema of every line that --json can print.

    Check a line with any JSON Schema validator (draft 2020-12); docs/jsonl.md explains the fields.
    """
    import json

    environment: Environment = ctx.obj
    environment.print(json.dumps(events_schema(), indent=2, ensure_ascii=False))


def events_schema() -> dict[str, Any]:
    """A schema with one alternative for each kind of event, told apart by ``type``."""
    from pydantic import TypeAdapter

    from voxcli import events

    lines = (events.Session, events.Results, events.Notice, events.Gap, events.Error, events.Summary)
    for cls in (*lines, events.Word, events.Latency):
        # The strings below the fields are the descriptions; pydantic reads its settings from the class.
        setattr(cls, "__pydantic_config__", {"use_attribute_docstrings": True})  # noqa: B010
    _, schemas = TypeAdapter.json_schemas([(cls, "validation", TypeAdapter(cls)) for cls in lines])
    definitions = {name: _as_printed(definition) for name, definition in schemas["$defs"].items()}
    for cls in lines:
        definitions[cls.__name__] = _tagged(cls.type, definitions[cls.__name__])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "voxcli events",
        "description": f"One line of JSON from voxcli {__version__}. Readers ignore unknown types and keys.",
        "oneOf": [{"$ref": f"#/$defs/{cls.__name__}"} for cls in lines],
        "$defs": definitions,
    }


def _tagged(tag: str, definition: dict[str, Any]) -> dict[str, Any]:
    """The definition of an event with the key that tells it apart, always there and first."""
    properties = {"type": {"const": tag}, **definition["properties"]}
    if "from_" in properties:
        properties["from"] = properties.pop("from_")
    return {**definition, "properties": properties, "required": ["type", *definition["required"]]}


def _as_printed(definition: dict[str, Any]) -> dict[str, Any]:
    """A definition without null: a key whose value may be None is left out of a line, every other is always there."""
    fields = definition["properties"]
    always = [key for key, field in fields.items() if {"type": "null"} not in field.get("anyOf", ())]
    return {**definition, "properties": {key: _not_null(field) for key, field in fields.items()}, "required": always}


def _not_null(field: dict[str, Any]) -> dict[str, Any]:
    field = {key: value for key, value in field.items() if key not in ("default", "title")}
    choices = [choice for choice in field.pop("anyOf", []) if choice != {"type": "null"}]
    return {**choices[0], **field} if choices else field
