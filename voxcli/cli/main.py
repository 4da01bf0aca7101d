"""All of the error handling: whatever ends a command becomes one line, one hint and an exit code."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import zip_longest

from typer.exceptions import Abort, Exit, TyperException
from typer.main import get_command

from voxcli.cli.app import app
from voxcli.cli.environment import Environment
from voxcli.errors import STANDARD_OUTPUT, OutputError, ReaderGone, SettingsRefused, UsageError, VoxcliError

INTERRUPTED = 130
JSON_FORMATS = ("jsonl", "deepgram")
TRUE_WORDS = ("1", "true", "t", "yes", "y", "on")


def main(arguments: Sequence[str], environment: Environment | None = None) -> int:
    """Run a command line and return its exit code. Nothing escapes but a defect of the program itself."""
    environment = environment or Environment.of_process()
    try:
        return _run(arguments, environment)
    except VoxcliError as error:
        if isinstance(error, UsageError) and not isinstance(error, SettingsRefused) and environment.settings:
            error.hint += "; voxcli config show says where each setting comes from"
        _report(error, arguments, environment)
        return error.exit_code
    except ReaderGone:
        return 0
    except (KeyboardInterrupt, Abort):
        return INTERRUPTED
    finally:
        environment.settle()


def _run(arguments: Sequence[str], environment: Environment) -> int:
    try:
        code = get_command(app).main(list(arguments), prog_name="voxcli", standalone_mode=False, obj=environment)
    except Exit as end:
        code = end.exit_code
    except TyperException as error:
        if not error.format_message():  # help was asked for by giving no command, and has been printed
            return UsageError.exit_code
        raise _usage_error(error) from error
    return code if isinstance(code, int) else 0


def _usage_error(error: TyperException) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "voxcli"
    message = " ".join(error.format_message().replace("Value error, ", "").split())
    return UsageError(message.rstrip("."), _hint(message) or f"{command} --help shows what it takes")


def _hint(message: str) -> str | None:
    """For the commonest slip: a recording where a command should be."""
    named = re.fullmatch(r"No such command '(.+?)'\..*", message)
    if named and os.path.exists(named[1]):  # noqa: PTH110 - which takes names of any length
        return f"voxcli transcribe {named[1]}"
    return None


def _report(error: VoxcliError, arguments: Sequence[str], environment: Environment) -> None:
    """One object on standard output where JSON was asked for; two plain lines on standard error always."""
    unwritable = isinstance(error, OutputError) and error.target == STANDARD_OUTPUT
    if not unwritable and wants_json(arguments, environment.variables, lambda: _format_of_files(environment)):
        from voxcli.events import Error
        from voxcli.renderers.jsonl import encode

        with suppress(OutputError, ReaderGone):  # the error itself is what has to be told
            environment.print(encode(Error(code=error.code, message=error.message, hint=error.hint)))
    environment.complain_of(error)


def _format_of_files(environment: Environment) -> str | None:
    """The format that files of settings ask for, also where a command line did not parse and they were not read."""
    from voxcli.cli.settings_files import values

    with suppress(VoxcliError):
        chosen = values(environment).get("format")
        return None if chosen is None else str(chosen.value)
    return None


def wants_json(
    arguments: Sequence[str], variables: Mapping[str, str], of_files: Callable[[], str | None] = lambda: None
) -> bool:
    """Whether a command line, which may not even parse, asks for JSON: ``--json``, or else its last ``--format``.

    After it variables are asked, and then files of settings.
    """
    if "--" in arguments:
        arguments = arguments[: arguments.index("--")]
    if "--json" in arguments:
        return True
    formats = [chosen for pair in zip_longest(arguments, arguments[1:], fillvalue="") if (chosen := _format(*pair))]
    if formats:
        return formats[-1] in JSON_FORMATS
    if variables.get("VOXCLI_JSON", "").lower() in TRUE_WORDS:
        return True
    return (variables.get("VOXCLI_FORMAT") or of_files()) in JSON_FORMATS


def _format(argument: str, following: str) -> str | None:
    """The format that an argument names, alone or with the one that follows: ``-f X``, ``-qfX``, ``--format=X``."""
    if argument.startswith("--"):
        name, equals, value = argument.partition("=")
        return (value if equals else following) if name == "--format" else None
    short = re.fullmatch(r"-[qvh]*f(.*)", argument)
    return (short[1] or following) if short else None
