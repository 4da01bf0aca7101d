"""SubRip and WebVTT: each cue is written whole, as soon as it is certain, so the file is valid at any moment.

Results that may still change, notices and errors are not written; standard error has the latter two.
"""

from __future__ import annotations

from collections.abc import Iterable

from voxcli.events import Event
from voxcli.renderers import Output, RendererOptions, Status
from voxcli.subtitles import Cue, Subtitles
from voxcli.transcript import Utterance
from voxcli.typesetting import label

_SRT_LITERAL = str.maketrans("<>{}\\", "‹›()∖")
"""SubRip has markup (``<i>``, ``{\\an8}``, ``\\N``) but no way to write its characters as such, so others that look the
same stand for them."""

_VTT_LITERAL = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class SubtitleRenderer:
    """What both formats have in common."""

    shows_status = False

    def __init__(self, output: Output, options: RendererOptions) -> None:
        self._output = output
        self._subtitles = Subtitles()

    def show(self, event: Event) -> None:
        self._write(self._subtitles.add(event))

    def utterance(self, utterance: Utterance) -> None:
        self._write(self._subtitles.end_utterance())

    def status(self, status: Status) -> None:
        """Subtitles show results only."""

    def close(self) -> None:
        self._write(self._subtitles.finish())

    def _write(self, cues: Iterable[Cue]) -> None:
        for cue in cues:
            self._output.line(self._block(cue))

    def _block(self, cue: Cue) -> str:
        """A cue as it stands in the file, up to the empty line behind it."""
        raise NotImplementedError


class SrtRenderer(SubtitleRenderer):
    """SubRip: numbered cues, the speaker before the first line."""

    def __init__(self, output: Output, options: RendererOptions) -> None:
        super().__init__(output, options)
        self._number = 0

    def _block(self, cue: Cue) -> str:
        self._number += 1
        text = label(cue.speaker) + "\n".join(cue.lines)
        return (
            f"{self._number}\n{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}\n{text.translate(_SRT_LITERAL)}\n"
        )


class VttRenderer(SubtitleRenderer):
    """WebVTT: its header as soon as there is a file, the speaker as a voice."""

    def __init__(self, output: Output, options: RendererOptions) -> None:
        super().__init__(output, options)
        output.line("WEBVTT\n")

    def _block(self, cue: Cue) -> str:
        voice = "" if cue.speaker is None else f"<v Speaker {cue.speaker}>"
        text = voice + "\n".join(cue.lines).translate(_VTT_LITERAL)
        return f"{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n{text}\n"


def _time(milliseconds: int, point: str) -> str:
    """``hh:mm:ss``, the point and three digits."""
    seconds, rest = divmod(milliseconds, 1_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{point}{rest:03}"
