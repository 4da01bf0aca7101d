"""Settings: which files and variables decide, whether they can be meant, and where keys come from."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from voxcli.cli.backends import Wanted
from voxcli.cli.checks import Check
from voxcli.cli.environment import Environment
from voxcli.cli.settings_files import MISSING, READ, options, places

NAME = "settings"
PREFIX = "VOXCLI_"
OTHERS = (
    "DEEPGRAM_API_KEY", "DEEPGRAM_BASE_URL", "VOSK_MODEL_PATH", "VOXCLI_SERVER_TOKEN", "VOXCLI_SERVE_TOKENS",
    "VOXCLI_MODELS_DIR", "VOXCLI_MODELS_URL", "VOXCLI_PROFILE", "VOXCLI_QUIET", "VOXCLI_VERBOSE", "VOXCLI_COLOR",
)  # fmt: skip
"""Variables that are no option of a command."""

KEYS = {
    "server": ("server_token_file", "VOXCLI_SERVER_TOKEN"),
    "deepgram": ("api_key_file", "DEEPGRAM_API_KEY"),
}
"""Backend -> the option that names a file with its key, and the variable that holds it."""


async def settings(environment: Environment) -> list[Check]:
    """The files that were read and the variables that are set, by their names."""
    known = {option.envvar for _, _, option in options() if option.envvar} | set(OTHERS)
    return [_deciding(environment, known), *_passed_over(), *_slips(environment.variables, known)]


def _deciding(environment: Environment, known: set[str]) -> Check:
    refused = environment.refused
    if refused is not None:
        return Check(NAME, f"{refused.message}; the rest is looked at without files", refused.hint, ok=False)
    files = [str(place.path) for place in places() if place.state() == READ]
    profile = [] if environment.profile is None else [f"profile {environment.profile}"]
    variables = [name for name in sorted(environment.variables) if name in known and environment.variables[name]]
    return Check(NAME, ", ".join([*files, *profile, *variables]) or "all as they come: no file, no variable")


def _passed_over() -> list[Check]:
    """Files that are there and not read."""
    states = {place.path: place.state() for place in places()}
    return [
        Check(NAME, f"{path}: {state}", "chown it, or move it away")
        for path, state in states.items()
        if state not in (READ, MISSING)
    ]


def _slips(variables: Mapping[str, str], known: set[str]) -> list[Check]:
    """Variables that look like settings and are none."""
    slips = []
    for name in sorted(variables):
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, sorted(known), 1)
            hint = f"did you mean {near[0]}?" if near else "voxcli config show lists all settings"
            slips.append(Check(NAME, f"{name} in the environment sets nothing", hint))
    return slips


async def keys(given: Mapping[str, Any], wanted: Wanted, environment: Environment) -> list[Check]:
    """Where the keys come from that are there, for the backends that are used or not; never a key itself."""
    origins = {name: _origin(given[option], variable, environment) for name, (option, variable) in KEYS.items()}
    for name in {element.name for element in wanted.chain} & set(KEYS):
        if origins[name] is None:
            stored = await asyncio.to_thread(wanted.servers.keyring.key, name)
            origins[name] = "from the keyring" if stored else None
    told = [f"for {name} {origin}" for name, origin in origins.items() if origin]
    return [Check("keys", ", ".join(told))] if told else []


def _origin(file: object, variable: str, environment: Environment) -> str | None:
    if file is not None:
        return f"from the file {file}"
    return f"from {variable}" if environment.variables.get(variable, "").strip() else None
