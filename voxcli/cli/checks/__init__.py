"""What ``voxcli doctor`` proves, a file an aspect. Each has a deadline, and none changes anything."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace

from voxcli.cli.environment import Environment
from voxcli.errors import VoxcliError

REINSTALL = "install voxcli anew in an environment of its own: python3 -m venv ENV && ENV/bin/pip install voxcli"
DEFECT_HINT = "that is a defect of voxcli: -vv shows where, and a report of it is welcome"


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found. One that is ``ok`` and has a hint is a warning."""

    name: str
    message: str
    hint: str | None = None
    ok: bool = True

    @property
    def state(self) -> str:
        """``ok``, ``warn`` or ``FAIL``."""
        if not self.ok:
            return "FAIL"
        return "ok" if self.hint is None else "warn"

    def entry(self) -> dict[str, object]:
        """As it stands in JSON; the hint is empty where there is nothing to be done."""
        return {"name": self.name, "ok": self.ok, "message": self.message, "hint": self.hint or ""}


def failed(name: str, error: VoxcliError) -> Check:
    """A check that an error ended; its sentence does not say the name again."""
    return Check(name, error.message.removeprefix(f"{name}: "), error.hint, ok=False)


async def guarded(
    name: str, work: Awaitable[Sequence[Check]], patience: float, environment: Environment, *, counts: bool = True
) -> list[Check]:
    """What a check found, or what became of it, within ``patience`` seconds: no check takes down the others.

    Unless it ``counts``, what fails is a warning; a defect of the program never is.
    """
    try:
        async with asyncio.timeout(patience):
            checks = list(await work)
    except VoxcliError as error:
        checks = [failed(name, error)]
    except TimeoutError:
        checks = [Check(name, f"came to no end within {patience:g} s", "voxcli -vv doctor says more", ok=False)]
    except ImportError as error:  # which the check of the libraries tells, too
        return [Check(name, f"cannot be tried: {error}", REINSTALL, ok=False)]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what this check has found
        if environment.verbosity >= 2:
            for line in "".join(traceback.format_exception(error)).splitlines():
                environment.complain(line)
        return [Check(name, f"failed itself: {type(error).__name__}: {error}", DEFECT_HINT, ok=False)]
    return checks if counts else [replace(check, ok=True) for check in checks]
