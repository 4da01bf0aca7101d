"""What files of settings say, given to a command wherever neither an option nor a variable decides.

The file in the folder where voxcli is started may be somebody else's work. So what it says of servers, files and the
network is told before it is done, and no key goes to an address that nobody else names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from voxcli.cli.environment import Environment
from voxcli.cli.settings_files import GLOBAL, WRITTEN, is_path, key_of, values
from voxcli.config import Value, shown
from voxcli.recognizers import RECOGNIZERS

if TYPE_CHECKING:
    import typer

_TOLD = (
    "server", "param", "server_token_file", "api_key_file", *WRITTEN,
    "host", "insecure", "allow_origin", "token_file", "tls_cert", "tls_key",
)  # fmt: skip
_OWN_BACKENDS = ("auto", "local", *RECOGNIZERS)


def apply(ctx: typer.Context, environment: Environment) -> None:
    """Have a command take what the files say for its defaults. Raises SettingsRefused, ProfileNotFound."""
    found = values(environment)
    defaults: dict[str, Any] = {}
    for parameter in ctx.command.params:
        key = key_of(parameter)
        if key in found and not (key in GLOBAL and _is_given_before(ctx, key)):
            defaults[parameter.name] = _default(key, found[key], environment)
    if defaults:
        ctx.default_map = defaults


def _is_given_before(ctx: typer.Context, name: str) -> bool:
    """Whether a global option stands before the name of the command, or has a variable."""
    parent = ctx.parent
    while parent is not None:
        if getattr(parent.get_parameter_source(name), "name", "") in ("COMMANDLINE", "ENVIRONMENT"):
            return True
        parent = parent.parent
    return False


def _default(key: str, value: Value, environment: Environment) -> object | Callable[[], object]:
    """A value, or what gives it when it is needed and tells of it then."""
    if value.is_of_project and _is_told(key, value.value):
        return partial(_told, key, value, environment)
    return value.value


def _is_told(key: str, value: object) -> bool:
    """Whether a setting is one with which the author of a folder could do harm."""
    if key == "backend":
        return any(part.strip() not in _OWN_BACKENDS for part in str(value).split(","))
    if key == "model":
        return isinstance(value, Sequence) and any(is_path(str(text)) for text in value)
    return key in _TOLD


def _told(key: str, value: Value, environment: Environment) -> object:
    environment.say(f"{value.origin} sets {key} = {text_of(value.value)}")
    if key in ("server", "backend"):
        addresses = [part.partition("=")[2] for part in str(value.value).split(",")]
        environment.distrusted.update(
            [str(value.value)] if key == "server" else filter(None, map(str.strip, addresses))
        )
    return value.value


def text_of(value: object) -> str:
    """A value in one line, without what is secret in it."""
    told = shown(value)
    if isinstance(told, bool):
        return str(told).lower()
    return ", ".join(map(str, told)) if isinstance(told, (list, tuple)) else str(told)
