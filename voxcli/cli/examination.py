"""All checks of ``voxcli doctor``, one after the other, over what the settings name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from voxcli.cli.backends import Wanted
from voxcli.cli.chain import Element
from voxcli.cli.checks import Check, failed, guarded, machine
from voxcli.cli.checks import settings as of_settings
from voxcli.cli.checks.local import Locals
from voxcli.cli.environment import Environment
from voxcli.errors import VoxcliError
from voxcli.models import Places
from voxcli.recognizers import REMOTES

USUAL_SECONDS = 20.0
MICROPHONE_SECONDS = 12.0
SERVER_SECONDS = 30.0
"""With the ten that a keyring may take."""
LOCAL_SECONDS = 130.0


class Examination:
    """``given``: options by their names. ``wanted``: what they ask for, or why that cannot be meant.

    ``tell`` is given each check as it ends.
    """

    def __init__(
        self,
        environment: Environment,
        given: Mapping[str, Any],
        wanted: Wanted | VoxcliError,
        tell: Callable[[Check], object],
    ) -> None:
        self._environment = environment
        self._given = given
        self._wanted = wanted
        self._tell = tell
        self._skews: list[tuple[str, float]] = []
        self._needs_model = False

    async def run(self) -> None:
        """Every check, whatever became of those before it."""
        await self._do("voxcli", machine.program())
        await self._do("libraries", machine.libraries())
        await self._do("settings", of_settings.settings(self._environment))
        await self._microphone()
        if isinstance(self._wanted, VoxcliError):
            self._tell(failed("backend", self._wanted))
        else:
            await self._chain(self._wanted)
        await self._do("clock", machine.clock(self._skews))
        places = Places.of(self._environment.variables)
        await self._do("disk", machine.disk(places, needs_model=self._needs_model))

    async def _microphone(self) -> None:
        """It fails where somebody has asked for it: else files and pipes may be all that is wanted."""
        is_asked = self._given["mic"] or self._given["device"] is not None
        await self._do("microphone", self._listen(), MICROPHONE_SECONDS, counts=is_asked)

    async def _chain(self, wanted: Wanted) -> None:
        await self._do("keys", of_settings.keys(self._given, wanted, self._environment))
        own, has_worked = Locals(wanted, self._environment), False
        for place, element in enumerate(wanted.chain, 1):
            if element.name in REMOTES:
                found = await self._do(element.name, self._server(element, wanted), SERVER_SECONDS)
                has_worked = has_worked or all(check.ok for check in found)
            else:
                has_others = has_worked or place < len(wanted.chain)
                await self._do(element.name, own.check(element.name, has_others=has_others), LOCAL_SECONDS)
                has_worked = has_worked or own.works
        self._needs_model = own.needs_model

    # What needs libraries that may be broken is imported where it is tried.

    async def _listen(self) -> Sequence[Check]:
        from voxcli.cli.checks.microphone import microphone

        return await microphone(self._given["device"])

    async def _server(self, element: Element, wanted: Wanted) -> Sequence[Check]:
        from voxcli.cli.checks.server import visit

        visited = await visit(element, wanted, self._environment)
        if visited.skew is not None:
            self._skews.append((visited.url, visited.skew))
        return visited.checks

    async def _do(
        self, name: str, work: Awaitable[Sequence[Check]], patience: float = USUAL_SECONDS, *, counts: bool = True
    ) -> Sequence[Check]:
        found = await guarded(name, work, patience, self._environment, counts=counts)
        for check in found:
            self._tell(check)
        return found
