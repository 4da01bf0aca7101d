"""A session: one client's audio on its way through recognizers, whether or not the client is connected just now."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from voxcli.errors import BackendError, VoxcliError, first_error
from voxcli.protocols.voxcli_server import SESSION_NAME_BYTES
from voxcli.server.intake import Intake, NotAudio
from voxcli.server.logs import log_defect
from voxcli.server.outbox import Outbox
from voxcli.server.stream import AudioStream

if TYPE_CHECKING:
    from voxcli.server.conversation import Conversation


class Session:
    """``error`` is why it could not go on, ``not_audio`` why what came could not be decoded."""

    def __init__(self, client: str, streams: Sequence[AudioStream], intake: Intake, outbox: Outbox) -> None:
        self.name = secrets.token_hex(SESSION_NAME_BYTES)
        self.client = client
        self.streams = streams
        self.intake = intake
        self.outbox = outbox
        self.owner: Conversation | None = None
        self.is_over = False
        self.error: VoxcliError | None = None
        self.not_audio: str | None = None
        self.work: asyncio.Task[None] | None = None
        self._has_ended = False

    @property
    def short_name(self) -> str:
        """What a log may say of the name: not enough to join the session."""
        return self.name[:8]

    @property
    def samples(self) -> int:
        """How much audio has come, at 16 kHz, of the channel that has most."""
        return max(stream.feed.head for stream in self.streams)

    @property
    def waiting(self) -> int:
        """Samples that have come and that no recognizer was given yet."""
        return sum(stream.feed.head - stream.feed.position for stream in self.streams)

    @property
    def has_ended(self) -> bool:
        """Whether the client has said that no more comes."""
        return self._has_ended

    async def end(self) -> None:
        """No more audio comes. Raises NotAudio."""
        self._has_ended = True
        await self.intake.end()

    def ask_for_final(self, channel: int | None = None) -> None:
        """A final over all that has come."""
        for number, stream in enumerate(self.streams):
            if channel is None or channel == number:
                stream.feed.ask_for_final()

    async def settled(self) -> None:
        """Until finals cover all that has come."""
        self.ask_for_final()
        for stream in self.streams:
            await stream.covered()

    async def run(self) -> None:
        """Recognize until the audio ends. What goes wrong is kept, for whoever speaks with the client."""
        try:
            await self._run()
        except NotAudio as error:
            self.not_audio = str(error)
        except BackendError as error:
            self.error = error
        except Exception:  # noqa: BLE001 - one session's defect must not take the others with it; it is logged
            log_defect("defect", session=self.short_name)
            self.error = VoxcliError("the server has failed", "try it again")
        finally:
            self.is_over = True
            self.intake.close()
            self.outbox.wake()

    async def _run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.intake.run())
                for stream in self.streams:
                    group.create_task(stream.run())
        except ExceptionGroup as failures:
            error = first_error(failures)
            raise error from error.__cause__
        finally:
            for stream in self.streams:
                await stream.recognizer.close()
