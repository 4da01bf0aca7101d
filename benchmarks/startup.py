"""How soon the program answers, against the bare interpreter, the plainest Typer app of as many options, and loops."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.pairs import Command, Comparison, Goal, Peer, compare, run
from benchmarks.place import Place
from benchmarks.report import Row

TITLE = "Start-up"
SHORT_SECONDS = 2
VERSION = (Goal("wall", 1.30), Goal("CPU", 1.30))
HELP = (Goal("wall", 1.10), Goal("CPU", 1.10))
SHORT = (Goal("wall"), Goal("CPU"))


def rows(place: Place) -> Iterator[Row]:
    """All in the same environment, with their bytecode cached, which the round that is not measured sees to."""
    bare = Command("python -c pass", (place.python, "-c", "pass"), place.variables)
    comparisons = (
        Comparison("voxcli --version", place.voxcli("--version"), (Peer(bare, VERSION),)),
        Comparison("voxcli --help", place.voxcli("--help"), (Peer(_app(place, "--help"), HELP),)),
        Comparison(
            "voxcli transcribe --help",
            place.voxcli("transcribe", "--help"),
            (Peer(_app(place, "transcribe", "--help"), HELP),),
        ),
    )
    for comparison in comparisons:
        yield from compare(comparison, place.short_rounds)
    yield from _short(place)


def _short(place: Place) -> Iterator[Row]:
    """A recording so short that it is mostly start-up: loading libraries and the model."""
    for backend, model, sound in (
        ("vosk", place.vosk_model, "korean.wav"),
        ("moonshine", place.moonshine_model, "english.wav"),
    ):
        wav = place.audio(sound, SHORT_SECONDS)
        ours = place.voxcli("transcribe", "--json", "-b", backend, "-m", model, wav)
        bare = place.part("bare loop", f"bare_{backend}.py", model, wav)
        what = f"voxcli transcribe -b {backend}, {SHORT_SECONDS} s"
        yield from compare(Comparison(what, ours, (Peer(bare, SHORT),)), place.rounds)


def remarks(place: Place) -> tuple[str, ...]:
    """How alike the two apps are."""
    lengths = []
    for arguments in (("--help",), ("transcribe", "--help")):
        ours, theirs = run(place.voxcli(*arguments)), run(_app(place, *arguments))
        lengths.append(f"{_lines(ours.output)} and {_lines(theirs.output)} for {' '.join(arguments)}")
    return (f"Lines of help, voxcli's and the bare app's: {'; '.join(lengths)}.",)


def _app(place: Place, *arguments: str) -> Command:
    """The bare app lies among the installed packages, so that its bytecode is cached as ours is."""
    start = "import sys; from bare_app import app; sys.exit(app())"
    return Command("bare Typer app", (place.python, "-c", start, *arguments), place.variables)


def _lines(text: str) -> int:
    return len(text.splitlines())
