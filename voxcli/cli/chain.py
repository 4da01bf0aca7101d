"""What ``--backend`` and ``--model`` say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from voxcli.errors import UsageError
from voxcli.recognizers import RECOGNIZERS, REMOTES

if TYPE_CHECKING:
    from voxcli.cli.remotes import Servers

LOCAL, AUTO = "local", "auto"
NAMES = (AUTO, LOCAL, *RECOGNIZERS, *REMOTES)
USES_SERVER = ("server", "vosk-server")
"""What ``--server`` is the address of."""


@dataclass(frozen=True, slots=True)
class Element:
    """One of a chain: a name from RECOGNIZERS or REMOTES, or ``local``; a server may have an address of its own."""

    name: str
    url: str | None = None


def parse_chain(text: str, servers: Servers) -> tuple[Element, ...]:
    """The elements of ``--backend``, each name once; ``auto`` is what the settings suggest. Raises UsageError."""
    parts = [part.strip() for part in text.split(",")]
    elements = [element for part in parts if part for element in _elements(part, servers)]
    if not elements:
        raise UsageError("--backend names no backend", f"there are {_known()}")
    return tuple({element.name: element for element in reversed(elements)}[name] for name in _names(elements))


def parse_models(values: Sequence[str], chain: Sequence[Element]) -> dict[str, str]:
    """Backend -> model, from the values of ``--model``. Raises UsageError."""
    parsed: dict[str, str] = {}
    for value in values:
        backend, equals, name = value.partition("=")
        if not equals or backend not in (LOCAL, *RECOGNIZERS, *REMOTES):
            backend, name = chain[0].name, value
        if not name:
            raise UsageError(f"--model {value} names no model", "--model NAME, --model PATH or --model BACKEND=NAME")
        parsed[backend] = name
    return parsed


def _elements(part: str, servers: Servers) -> list[Element]:
    name, equals, url = part.partition("=")
    if name not in NAMES:
        raise UsageError(f"there is no backend {name}", _meant(part))
    if not equals:
        return servers.suggested() if name == AUTO else [Element(name)]
    if name not in REMOTES:
        raise UsageError(f"the backend {name} takes no address", "name it alone")
    if not url:
        raise UsageError(f"--backend {part} names no address", f"--backend {name}=URL")
    return [Element(name, url)]


def _meant(part: str) -> str:
    """What somebody may have meant by a backend that there is not."""
    name, colon, url = part.partition(":")
    if colon and name in REMOTES:
        return f"an address comes after =, so {name}={url}"
    near = get_close_matches(part.partition("=")[0].lower(), NAMES, 1)
    return f"did you mean {near[0]}? There are {_known()}" if near else f"there are {_known()}"


def check_server_is_used(chain: Sequence[Element]) -> None:
    """``--server`` was given: raises UsageError where nothing in the chain asks it."""
    names = _names(chain)
    if any(element.name in USES_SERVER and element.url is None for element in chain):
        return
    only = next((name for name in names if name in REMOTES), None)
    raise UsageError(
        f"--server is not asked by --backend {','.join(names)}",
        f"--backend {only}=URL is where its address goes" if only else "add it: --backend server," + ",".join(names),
    )


def _names(elements: Sequence[Element]) -> list[str]:
    return list(dict.fromkeys(element.name for element in elements))


def _known() -> str:
    return ", ".join(NAMES)
