"""How the fetching of a speech model shows on standard error: a bar on a terminal, the sentences alone elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from voxcli.cli.environment import Environment
from voxcli.printable import printable


@contextmanager
def told(environment: Environment) -> Iterator[tuple[Callable[[str], object], Callable[[int, int], object]]]:
    """Two functions for ``models.pull``: ``say(sentence)`` and ``progress(done_bytes, total_bytes)``."""
    if environment.quiet or not environment.is_terminal(environment.stderr):
        yield environment.say, lambda done_bytes, total_bytes: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    stream = environment.stderr
    console = Console(file=stream, no_color=not environment.color_on(stream), highlight=False)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        console.show_cursor(True)  # a process that is killed could not give it back
        task = bar.add_task("", total=None)
        yield (
            lambda sentence: console.print(printable(sentence), markup=False),
            lambda done_bytes, total_bytes: bar.update(task, completed=done_bytes, total=total_bytes),
        )
