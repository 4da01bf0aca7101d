"""Makes the man pages, ``voxcli(1)`` and one a command, from the commands themselves and from docs/settings.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from voxcli import __version__
from voxcli.cli.app import COMMANDS, app, load

WEB = "https://github.com/voxcli/voxcli/tree/main/docs"
SETTINGS = Path(__file__).parent / "settings.md"
VARIABLES = re.compile(r"^\| (`[A-Z_][^|]*) \| ([^|]+) \|$", re.MULTILINE)

EXAMPLES = {
    "voxcli": [
        ("voxcli transcribe talk.mp3", "A recording: a live view in a terminal, plain text in a pipe."),
        ("voxcli listen", "The microphone, until Ctrl-C."),
        ("voxcli serve", "A server; open http://127.0.0.1:8000 in a browser."),
        ("voxcli models pull fr && voxcli transcribe -l fr entretien.ogg", "Another language."),
    ],
    "transcribe": [
        ("voxcli transcribe meeting.m4a -o meeting.txt", "Print the words, and write them to a file as they come."),
        ("voxcli transcribe lecture.webm -o lecture.srt -o lecture.vtt", "Subtitles of both kinds in one run."),
        ("arecord -q -f S16_LE -r 16000 | voxcli transcribe -", "Whatever can be piped."),
        ("voxcli transcribe --encoding mulaw --sample-rate 8000 - < call.ulaw", "Samples without a header."),
        ("voxcli transcribe --json talk.wav | jq -r 'select(.is_final).transcript'", "For a script."),
        ("voxcli transcribe --server wss://speech.example.org talk.wav", "A server, and this machine if it fails."),
    ],
    "listen": [
        ("voxcli listen -o notes.txt --timestamps", "Notes with times, in the terminal and in a file."),
        ("text=$(voxcli listen --once)", "One sentence, for a script."),
        ("voxcli listen --until-silence 2 --save-audio note.flac", "A note that ends by itself, with its sound."),
        ("PULSE_SOURCE=@DEFAULT_MONITOR@ voxcli listen", "What the computer plays."),
    ],
    "devices": [
        ("voxcli devices --test --device usb", "Does it hear me?"),
        ("voxcli devices --json | jq -r '.[] | select(.default).name'", "The name of the default one."),
    ],
    "serve": [
        ("voxcli serve", "For this machine only."),
        (
            "voxcli serve --host 0.0.0.0 --token-file tokens --tls-cert fullchain.pem --tls-key key.pem",
            "For others: who comes needs a token.",
        ),
        ("voxcli serve -b deepgram,local", "A relay to Deepgram that goes on by itself when Deepgram fails."),
    ],
    "doctor": [
        ("voxcli doctor --mic", "Is all well, and does it hear me?"),
        ("voxcli doctor --server wss://speech.example.org", "Is that server there, and does it understand?"),
        ("voxcli doctor --json | jq -r '.checks[] | select(.ok | not).hint'", "What is to be done."),
    ],
    "models": [
        ("voxcli models list --remote -l fr", "Which there are for French."),
        ("voxcli models pull fr", "Fetch the small one of them."),
        ("voxcli models verify", "Are those that are here whole?"),
    ],
    "config": [
        ("voxcli config show --profile calls", "Each setting, its value, and where that comes from."),
        ("voxcli config path", "Where the files of settings are."),
    ],
    "schema": [("voxcli schema > schema.json", "For a validator.")],
}  # fmt: skip
"""What a command is used for; one that is not here has what the last line of its ``--help`` says."""

STATUSES = [
    ("0", "All went well."),
    ("1", "Something else went wrong, or a check did not pass."),
    ("2", "The command line, a variable or a file of settings asks for something that cannot be."),
    ("3", "A source or a microphone cannot be used."),
    ("4", "A server does not accept the key or the token, or there is none to send."),
    ("5", "No recognizer of the chain could do the work."),
    ("6", "Audio was left untranscribed, and `--strict` was given."),
    ("130", "Ctrl-C; for `voxcli listen` that is 0."),
    ("143", "SIGTERM."),
]  # fmt: skip

FILES = [
    ("./voxcli.toml", "The settings of a folder; of a stranger's, some are told and some refused."),
    ("~/.config/voxcli/voxcli.toml", "Your own settings; elsewhere where `XDG_CONFIG_HOME` says."),
    ("~/.local/share/voxcli/models", "Models that were pulled; elsewhere where `VOXCLI_MODELS_DIR` says."),
    ("~/.cache/vosk, /usr/share/vosk", "Where models of Vosk are looked for, too."),
]  # fmt: skip


def pages() -> dict[str, str]:
    """File name -> the page, for every command."""
    found = {"voxcli.1": _page("voxcli", _overview())}
    for name in COMMANDS:
        found[f"voxcli-{name}.1"] = _page(f"voxcli-{name}", _command(name))
    return found


def _page(name: str, body: Iterator[str]) -> str:
    head = [
        r".\" Made from the program itself by docs/generate.py: change it there.",
        f'.TH {_code(name.upper())} 1 "" "voxcli {__version__}" "voxcli manual"',
        ".nh",  # names of variables would be broken, too
        ".ad l",
    ]
    return re.sub(r"(?<=\n)(\.S[HS] .*\n)\.PP\n", r"\1", "\n".join([*head, *body]) + "\n")


def _overview() -> Iterator[str]:
    """The page of the program."""
    program = get_command(app)
    yield from _begin("voxcli", program.help or "")
    yield from _synopsis("voxcli", program, "\\fICOMMAND\\fP [\\fIARGUMENTS\\fP]")
    yield ".SH DESCRIPTION"
    yield from _paragraphs(
        "Words come from recordings, pipes and microphones, on this machine or from a server that may come and go: "
        "when the network breaks, no word is lost and none comes twice.\n\n"
        "Results go to standard output, one a line and flushed as they come; everything else goes to standard error, "
        "and no escape code ever to a pipe."
    )
    yield ".SH COMMANDS"
    for name, (_, line) in COMMANDS.items():
        yield from _item(f"\\fBvoxcli\\-{name}\\fP(1)", line)
    yield from _options(program)
    yield from _statuses()
    yield ".SH ENVIRONMENT"
    yield from _item("\\fBVOXCLI_\\fP\\fIOPTION\\fP", "Sets an option: `--chunk-ms` is `VOXCLI_CHUNK_MS`.")
    for names, meaning in VARIABLES.findall(SETTINGS.read_text(encoding="utf-8")):
        yield from _item(_text(names), meaning[0].upper() + meaning[1:] + ".")
    yield from _files()
    yield from _examples("voxcli", program)
    yield from _see_also([f"voxcli-{name}" for name in COMMANDS])


def _command(name: str) -> Iterator[str]:
    """The page of a command."""
    command, called = load(name), f"voxcli {name}"
    inner = getattr(command, "commands", {})
    yield from _begin(f"voxcli-{name}", COMMANDS[name][1])
    if inner:
        yield ".SH SYNOPSIS"
        yield "\n.br\n".join(_usage(f"{called} {each}", inner[each]) for each in inner)
    else:
        yield from _synopsis(called, command)
    yield ".SH DESCRIPTION"
    yield from _paragraphs(command.help or "")
    yield from _arguments(command)
    if inner:
        yield ".SH COMMANDS"
    for each in inner:
        yield from _inner(each, inner[each])
    yield from _options(command)
    yield from _statuses()
    yield ".SH ENVIRONMENT"
    yield from _paragraphs("The variable that sets an option stands beside it; `voxcli`(1) has the others.")
    yield from _files()
    yield from _examples(name, command)
    yield from _see_also(["voxcli", *(f"voxcli-{other}" for other in COMMANDS if other != name)])


def _inner(name: str, command: Any) -> Iterator[str]:
    """One of the commands below a command, with what it takes beside the options that all of them take."""
    yield f".SS {_code(name)}"
    yield from _paragraphs(command.help or "")
    yield from _arguments(command)
    for option in _shown(command):
        if option.expose_value:
            yield from _option(option)


def _begin(name: str, line: str) -> Iterator[str]:
    yield ".SH NAME"
    yield f"{_code(name)} \\- {_text(line[0].lower() + line[1:].rstrip('.'))}"


def _synopsis(called: str, command: Any, rest: str = "") -> Iterator[str]:
    yield ".SH SYNOPSIS"
    yield f"{_usage(called, command)} {rest}".rstrip()


def _usage(called: str, command: Any) -> str:
    arguments = [_argument(each) for each in command.params if each.param_type_name == "argument"]
    return " ".join([f"\\fB{_code(called)}\\fP", "[\\fIOPTIONS\\fP]", *arguments])


def _argument(argument: Any) -> str:
    name = f"\\fI{_code(argument.metavar.strip('[]'))}\\fP"
    return (name if argument.required else f"[{name}]") + ("..." if argument.nargs == -1 else "")


def _arguments(command: Any) -> Iterator[str]:
    for argument in command.params:
        if argument.param_type_name == "argument" and argument.help:
            yield from _item(f"\\fI{_code(argument.metavar.strip('[]'))}\\fP", argument.help)


def _shown(command: Any) -> list[Any]:
    return [each for each in command.params if each.param_type_name == "option" and each.help and not each.hidden]


def _options(command: Any) -> Iterator[str]:
    """The options under the headings that ``--help`` has, those without one first."""
    yield ".SH OPTIONS"
    options = _shown(command)
    for panel in dict.fromkeys([None, *(option.rich_help_panel for option in options)]):
        if panel:
            yield f".SS {panel}"
        for option in options:
            if option.rich_help_panel == panel:
                yield from _option(option)
    yield from _item("\\fB\\-h\\fP, \\fB\\-\\-help\\fP", "Show what there is and exit.")


def _option(option: Any) -> Iterator[str]:
    names = sorted([*option.opts, *option.secondary_opts], key=lambda name: name.startswith("--"))
    takes = "" if option.is_flag or option.count else f" \\fI{_code(option.metavar)}\\fP"
    unset = option.default is None or option.default is False or option.default in ([], 0)
    more = [] if unset else [f"Default: `{option.default}`."]
    more += [_range(option)] if option.min is not None and not option.count else []
    more += [f"Variable: `{option.envvar}`."] if option.envvar else []
    yield from _item(", ".join(f"\\fB{_code(name)}\\fP" for name in names) + takes, " ".join([option.help, *more]))


def _range(option: Any) -> str:
    return f"At least {option.min}." if option.max is None else f"From {option.min} to {option.max}."


def _statuses() -> Iterator[str]:
    yield ".SH EXIT STATUS"
    for status, meaning in STATUSES:
        yield from _item(f"\\fB{status}\\fP", meaning)


def _files() -> Iterator[str]:
    yield ".SH FILES"
    for path, meaning in FILES:
        yield from _item(f"\\fI{_code(path)}\\fP", meaning)


def _examples(name: str, command: Any) -> Iterator[str]:
    said = (command.epilog or "").removeprefix("For example: ")
    yield ".SH EXAMPLES"
    for line, meaning in EXAMPLES.get(name, [(line, "") for line in said.split("; ") if line]):
        yield from _paragraphs(meaning)
        yield from [".PP", ".RS 4", ".EX", _code(line), ".EE", ".RE"]


def _see_also(names: list[str]) -> Iterator[str]:
    yield ".SH SEE ALSO"
    yield " ,\n".join(f".BR {_code(name)} (1)" for name in names).replace("(1) ,", "(1),")
    yield from [".PP", f".UR {WEB}", "The documentation", ".UE"]


def _item(tag: str, meaning: str) -> Iterator[str]:
    yield from [".TP", tag, _text(meaning)]


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in filter(None, text.split("\n\n")):
        yield from [".PP", _text(" ".join(paragraph.split()))]


def _text(text: str) -> str:
    """Prose, a sentence a line. What stands in backquotes is bold, and links lose their target."""
    text = re.sub(r"\[([^]]+)\]\([^)]*\)", r"\1", text).replace("\\", "\\e")
    text = re.sub(r"`([^`]+)`", lambda part: f"\\fB{_code(part[1])}\\fP", text)
    text = re.sub(r"(?<![\w\\])-{1,2}(\w[\w-]*)?", lambda option: option[0].replace("-", "\\-"), text)
    return re.sub(r"^(?=[.'])", r"\\&", re.sub(r"(?<=[.?!]) (?=[A-Z\\])", "\n", text), flags=re.MULTILINE)


def _code(text: str) -> str:
    """Something to type, every character as it is on a keyboard."""
    for character, escape in (
        ("\\", "\\e"),
        ("-", "\\-"),
        ("'", "\\(aq"),
        ("`", "\\(ga"),
        ("~", "\\(ti"),
        ("^", "\\(ha"),
    ):
        text = text.replace(character, escape)
    return re.sub(r"^(?=\.)", r"\\&", text)
