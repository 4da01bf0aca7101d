"""Several renderers as one: those that must work, and any number of files that may fail.

A file that cannot be written any more is given up, said once, and the others go on, since nothing that was heard should
be lost for it. Any other failure is raised, and whoever failed is not told anything more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from voxcli.errors import OutputError, ReaderGone
from voxcli.events import Event, Gap, Results, Summary
from voxcli.renderers import Renderer, Status
from voxcli.renderers.output import FileOutput
from voxcli.transcript import Utterance


class Fanout:
    """``failed`` is called once for each file that is given up. Files are told first: what is shown has been saved.

    A file begins with the first result, or with a source that was heard to its end without any: until then there may
    turn out to be nothing to write, and what is in the file already is worth more.
    """

    def __init__(
        self,
        renderers: Sequence[Renderer],
        files: list[tuple[Renderer, FileOutput]],
        failed: Callable[[OutputError], None],
    ) -> None:
        self._renderers = list(renderers)
        self._files = files
        self._failed = failed
        self._has_begun = False
        self._held: list[Event] = []

    @property
    def shows_status(self) -> bool:
        return any(renderer.shows_status for renderer in self._renderers)

    def show(self, event: Event) -> None:
        self._held.append(event)
        if self._has_begun or _is_worth_a_file(event):
            self._begin()
        self._to_renderers(lambda renderer: renderer.show(event))

    def _begin(self) -> None:
        """Give the files what was held back for them."""
        if not self._has_begun:
            self._has_begun = True
            for entry in list(self._files):
                self._guarded(entry, entry[1].begin)
        held, self._held = self._held, []
        for event in held:
            self._to_files(partial(_show, event=event))

    def utterance(self, utterance: Utterance) -> None:
        self._begin()
        self._to_files(lambda renderer: renderer.utterance(utterance))
        self._to_renderers(lambda renderer: renderer.utterance(utterance))

    def status(self, status: Status) -> None:
        self._to_renderers(lambda renderer: renderer.status(status))

    def close(self) -> None:
        self._to_files(lambda renderer: renderer.close())
        for entry in list(self._files):
            self._guarded(entry, entry[1].close)
        self._to_renderers(lambda renderer: renderer.close())

    def _to_renderers(self, call: Callable[[Renderer], None]) -> None:
        for renderer in list(self._renderers):
            try:
                call(renderer)
            except (OutputError, ReaderGone):
                self._renderers.remove(renderer)
                raise

    def _to_files(self, call: Callable[[Renderer], None]) -> None:
        for entry in list(self._files):
            renderer, _ = entry
            self._guarded(entry, lambda renderer=renderer: call(renderer))  # type: ignore[misc]

    def _guarded(self, entry: tuple[Renderer, FileOutput], call: Callable[[], None]) -> None:
        try:
            call()
        except OutputError as error:
            self._files.remove(entry)
            self._failed(error)


def _show(renderer: Renderer, event: Event) -> None:
    renderer.show(event)


def _is_worth_a_file(event: Event) -> bool:
    if isinstance(event, Summary):
        return event.finals > 0 or event.stop_reason == "end_of_source"
    return isinstance(event, (Results, Gap))
