"""The picture in the README, docs/live.svg: what the live view of ``voxcli listen`` really prints, in colours."""

from __future__ import annotations

import io

from rich.console import Console
from rich.text import Text

from voxcli.renderers import RendererOptions, Status
from voxcli.renderers.live import LiveRenderer
from voxcli.renderers.output import StreamOutput
from voxcli.transcript import Utterance

COLUMNS = 84
SAID = [
    (4.2, "Nobody was awake when the boats came home."),
    (8.0, "Before the clock struck ten, every fish had been sold."),
    (13.4, "The train to the coast leaves from platform seven."),
]
SAYING = "Please keep your ticket until the"
FRAME = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="voxcli listen">
<style>.{unique_id}-matrix {{ font: {char_height}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
line-height: {line_height}px }} {styles}</style>
<defs>{lines}</defs>
<rect width="{width}" height="{height}" rx="8" fill="#16181d"/>
<circle cx="22" cy="20" r="6" fill="#ff5f57"/><circle cx="42" cy="20" r="6" fill="#febc2e"/>
<circle cx="62" cy="20" r="6" fill="#28c840"/>
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


class View(LiveRenderer):
    """The live view, its lines given out instead of drawn."""

    def drawn(self, status: Status) -> list[str]:
        """What stands below the scrollback."""
        self._status = status
        return self._frame()


def drawn() -> str:
    """The picture."""
    paper = io.StringIO()
    view = View(StreamOutput(paper), RendererOptions(interim=True, timestamps=True, color=True))
    view.region.columns = lambda: COLUMNS  # type: ignore[method-assign]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text("$ voxcli listen --timestamps", style="bold"))
    console.print("listening to USB Microphone; Ctrl-C ends")
    for start, text in SAID:
        paper.truncate(0)
        view.utterance(Utterance(text=text, start=start, end=start + 3, backend="moonshine"))
        console.print(Text.from_ansi(paper.getvalue().split("\x1b8")[1].split("\n")[0]))
    status = Status(
        heard=19.3, total=None, backend="moonshine", open_text=SAYING, behind=0.3, is_live=True, level=-17.0
    )
    for line in view.drawn(status):
        console.print(Text.from_ansi(line))
    return console.export_svg(title="voxcli listen", code_format=FRAME)
