"""Files of settings and the keyring, as the commands take them."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from cli.test_startup import modules_after
from remote.programs import Program, ran
from scripted_server import ScriptedServer
from support import SAMPLES, environment, voxcli
from voxcli.cli.environment import Environment
from voxcli.cli.keyrings import Keyring
from voxcli.cli.main import main

EQUIPMENT = Path(__file__).parent.parent / "equipment"
KEY = "k3y-0123456789abcdef"


class Place:
    """A home with a folder to work in, for command lines in this process."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = home / "work" / "voxcli.toml"
        self.user = home / ".config" / "voxcli" / "voxcli.toml"
        self.monkeypatch = monkeypatch
        for file in (self.project, self.user):
            file.parent.mkdir(parents=True)
        monkeypatch.chdir(self.project.parent)
        monkeypatch.setenv("HOME", str(home))
        for name in [name for name in os.environ if name.startswith(("VOXCLI_", "XDG_", "DEEPGRAM_"))]:
            monkeypatch.delenv(name)

    def run(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)
        out, err = io.StringIO(), io.StringIO()
        code = main(arguments, Environment(stdout=out, stderr=err))
        return code, out.getvalue(), err.getvalue()

    def shown(self, *arguments: str) -> dict[str, tuple[object, str]]:
        """What ``config show --json`` says: name -> value and origin."""
        code, out, err = self.run("config", "show", "--json", *arguments)
        assert (code, err) == (0, "")
        return {each["name"]: (each.get("value"), each["origin"]) for each in json.loads(out)}

    def refused(self, text: str | bytes, *arguments: str) -> tuple[str, str]:
        """The sentence and the hint about a file in the folder, which they name."""
        self.project.write_bytes(text if isinstance(text, bytes) else text.encode())
        code, out, err = self.run(*(arguments or ("transcribe", "a.wav")))
        said, hint = err.splitlines()
        assert (code, out) == (2, "")
        assert said.startswith(f"voxcli: {self.project}")
        return said.removeprefix(f"voxcli: {self.project}"), hint


@pytest.fixture
def place(home: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(home, monkeypatch)


LEVELS = ("option", "environment", "profile", "project", "user", "default")


@pytest.mark.parametrize(("stronger", "weaker"), list(combinations(LEVELS, 2)))
def test_the_stronger_of_two_levels_decides(place: Place, stronger: str, weaker: str) -> None:
    """A language that is none is told by the command that was to use it: so the command itself says who won."""
    setting = {level: f'language = "{level}!"\n' if level in (stronger, weaker) else "" for level in LEVELS}
    place.project.write_text(setting["project"])
    place.user.write_text(f"{setting['user']}[profile.x]\n{setting['profile']}")
    arguments = ["transcribe", "-b", "vosk", "--profile", "x", "a.wav"]
    if setting["environment"]:
        place.monkeypatch.setenv("VOXCLI_LANGUAGE", "environment!")
    if setting["option"]:
        arguments += ["--language", "option!"]
    assert f"{stronger}! is no code of a language" in place.run(*arguments)[2]


@pytest.mark.parametrize("arguments", [["--profile", "x", "config", "show"], ["config", "show", "--profile", "x"]])
def test_show_says_what_each_setting_is_and_where_it_comes_from(place: Place, arguments: list[str]) -> None:
    place.project.write_text('chunk_ms = 50\noutput = "a.txt"\n[profile.x]\nretries = 5\n')
    place.user.write_text(
        'chunk_ms = 60\ntls_key = "key.pem"\nmax_sessions = 3\njson = true\nserver = "ws://u:pw@host"\n'
    )
    variables = {"VOXCLI_TIMESTAMPS": "1", "DEEPGRAM_API_KEY": KEY, "VOXCLI_SERVE_TOKENS": "t0k t1k"}
    code, out, _ = place.run(*arguments, **variables)
    assert code == 0
    rows = {name: (value, origin) for name, value, origin in (line.split("\t") for line in out.splitlines())}
    expected = {
        "language": ("en", "default"),
        "server_token_file": ("-", "default"),
        "chunk_ms": ("50", str(place.project)),
        "output": (str(place.project.parent / "a.txt"), str(place.project)),
        "retries": ("5", f"{place.project} [profile.x]"),
        "tls_key": (str(place.user.parent / "key.pem"), str(place.user)),
        "max_sessions": ("3", str(place.user)),
        "format": ("jsonl", str(place.user)),
        "server": ("ws://***@host", str(place.user)),
        "timestamps": ("true", "environment VOXCLI_TIMESTAMPS"),
        "profile": ("x", "option --profile"),
        "DEEPGRAM_API_KEY": ("set", "environment DEEPGRAM_API_KEY"),
        "VOXCLI_SERVE_TOKENS": ("set", "environment VOXCLI_SERVE_TOKENS"),
    }
    assert {name: rows[name] for name in expected} == expected
    assert KEY not in out
    assert "t0k" not in out


def test_shown_as_json_values_keep_their_kinds(place: Place) -> None:
    place.user.write_text('strict = true\nkeyterm = "Ada"\nencoding = "mulaw"\ncolor = "never"')
    place.monkeypatch.setenv("VOXCLI_RETRIES", "none")
    shown = place.shown("-v")
    assert shown["strict"] == (True, str(place.user))
    assert shown["keyterm"] == (["Ada"], str(place.user))
    assert shown["encoding"] == ("mulaw", str(place.user))
    assert shown["color"] == ("never", str(place.user))
    assert shown["chunk_ms"] == (100, "default")
    assert shown["server"] == (None, "default")
    assert shown["verbose"] == (1, "option --verbose")
    assert shown["retries"] == ("none", "environment VOXCLI_RETRIES")


def test_path_says_which_files_are_read(place: Place) -> None:
    place.project.write_text("not TOML")
    code, out, _ = place.run("config", "path")
    assert code == 0
    assert out.splitlines() == [f"project\t{place.project}\tread", f"user\t{place.user}\tnot there"]


def test_the_users_own_file_is_read_once_in_its_own_folder(place: Place) -> None:
    place.user.write_text("strict = true")
    place.monkeypatch.chdir(place.user.parent)
    assert place.run("config", "path")[1] == f"user\t{place.user}\tread\n"


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        ("strict = true\nchunk_ms 5", ": line 2: expected '=' after a key", "https://toml.io"),
        ('a = """', ": line 1: ", "https://toml.io"),
        ("langage = 'ko'", ": langage: there is no such setting", "did you mean language?"),
        ("max_session = 1", ": max_session: there is no such setting", "did you mean max_sessions?"),
        ("chunk_ms = 5", ": chunk_ms: expected a whole number from 20 to 1000, got 5", "chunk_ms = 20"),
        ("retries = '3'", ': retries: expected a whole number from 0 to 100, got "3"', "retries = 0"),
        ("format = 'xml'", ": format: expected one of auto, live, text, jsonl", 'format = "auto"'),
        ("interim = 'no'", ': interim: expected true or false, got "no"', "interim = true"),
        ("drain_timeout = inf", ": drain_timeout: expected a number from 0 to 86400, got a number that", "= 0"),
        (f"api_key = '{KEY}'", ": api_key: keys do not belong in a settings file", "DEEPGRAM_API_KEY"),
        ("[profile.x]\nserver_token = 'a'", ": [profile.x] server_token: keys do not", "api_key_file"),
        ("output = '../a.txt'", ": output: ../a.txt is not in the folder of this file", "command line"),
        ("record_wire = '~/wire'", ": record_wire: ~/wire is not in the folder of this file", "command line"),
        (b"language = '\xff'", ": is not text in utf-8", "config path"),
        (b"#" * 65_537, ": is larger than 64 KiB", "config path"),
        ("retries = " + "9" * 5_000, ": is no file of settings", "config path"),
        ("a = " + "[" * 20_000, ": is no file of settings", "config path"),
    ],
)
def test_what_a_file_cannot_mean_is_refused_with_its_name(
    place: Place, content: str | bytes, message: str, hint: str
) -> None:
    said, hinted = place.refused(content)
    assert said.startswith(message)
    assert hint in hinted
    assert KEY not in said + hinted


def test_a_pipe_instead_of_a_file_is_not_waited_for(place: Place) -> None:
    os.mkfifo(place.project)
    code, _, err = place.run("transcribe", "a.wav")
    assert code == 2
    assert f"{place.project}: is no regular file" in err


def test_a_profile_that_is_nowhere_is_refused(place: Place) -> None:
    place.user.write_text("[profile.work]\n[profile.call]")
    code, _, err = place.run("transcribe", "--profile", "wrk", "a.wav")
    assert (code, err) == (2, "voxcli: there is no profile wrk\n  hint: there are work, call\n")


def test_a_broken_file_breaks_only_what_it_is_for(place: Place) -> None:
    place.project.write_text("=")
    for arguments in (["schema"], ["config", "path"], ["transcribe", "--help"], ["--help"]):
        assert place.run(*arguments)[0] == 0
    for arguments in (["config", "show"], ["models", "list"], ["serve"]):
        assert place.run(*arguments)[0] == 2


def test_settings_are_given_to_the_commands_that_have_them(place: Place) -> None:
    place.user.write_text('host = "203.0.113.1"\nlanguage = "user!"\nremote = true')
    assert "remote: there is no such setting" in place.run("models", "list")[2]
    place.user.write_text('host = "203.0.113.1"\nlanguage = "user!"')
    assert place.run("models", "list")[0] == 0  # its --language is no setting
    assert "user! is no code" in place.run("transcribe", "-b", "vosk", "a.wav")[2]
    assert "--host 203.0.113.1" in place.run("serve")[2]


def test_paths_are_those_of_the_folder_of_the_file(place: Place) -> None:
    place.user.write_text('api_key_file = "keys/a"\nmodel = ["vosk=./models/x", "moonshine=tiny"]\noutput = "~/b.txt"')
    shown = place.shown()
    assert shown["api_key_file"][0] == str(place.user.parent / "keys" / "a")
    assert shown["output"][0] == [str(Path.home() / "b.txt")]
    assert shown["model"][0] == [f"vosk={place.user.parent / 'models' / 'x'}", "moonshine=tiny"]
    code, _, err = place.run("transcribe", "a.wav")
    assert code == 2
    assert f"{place.user.parent / 'keys' / 'a'}: no such file" in err
    assert "voxcli config show says where" in err


def test_an_error_is_json_where_a_file_says_so(place: Place) -> None:
    place.user.write_text("json = true\n[profile.plain]\nformat = 'text'")
    for arguments in (["transcribe", "--bakend", "x"], ["transcribe", "-b", "x", "a.wav"]):
        assert json.loads(place.run(*arguments)[1])["code"] == "usage"
        assert place.run(*arguments, "-f", "text")[1] == ""
        assert place.run("--profile", "plain", *arguments)[1] == ""
    assert place.run("transcribe", "-b", "x", "a.wav", VOXCLI_FORMAT="text")[1] == ""


def test_an_option_before_the_command_wins_over_a_file(place: Place) -> None:
    place.user.write_text("verbose = 1\ncolor = 'always'")

    def with_global(*arguments: str) -> tuple[str, int]:
        told = Environment(stdout=io.StringIO(), stderr=io.StringIO())
        main([*arguments, "transcribe", "-b", "x", "a.wav"], told)
        return told.color, told.verbosity

    assert with_global() == ("always", 1)
    assert with_global("--color", "never", "-vv") == ("never", 2)
    place.monkeypatch.setenv("VOXCLI_COLOR", "never")
    assert with_global() == ("never", 1)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ('server = "ws://u:pw@127.0.0.1:1"', "server = ws://***@127.0.0.1:1"),
        ('backend = "deepgram=ws://127.0.0.1:1"', "backend = deepgram=ws://127.0.0.1:1"),
        ('model = "./model"', "model = {}/model"),
        ('output = "a.txt"', "output = {}/a.txt"),
        ('param = ["callback=http://a", "token=x"]', "param = callback=http://a, token=***"),
        ('backend = "vosk,local"', None),
        ('model = "tiny"', None),
        ("retries = 2", None),
    ],
)
def test_what_a_folder_could_do_harm_with_is_told(place: Place, setting: str, told: str | None) -> None:
    place.project.write_text(f"{setting}\nquiet = true\n")
    err = place.run("transcribe", "-l", "none!", "a.wav")[2]
    first = err.splitlines()[0]
    if told is None:
        assert first.startswith("voxcli: ")
    else:
        assert first == f"{place.project} sets {told.format(place.project.parent)}"
    place.project.rename(place.user)
    assert " sets " not in place.run("transcribe", "-l", "none!", "a.wav")[2]


def test_what_an_option_says_instead_is_not_told(place: Place) -> None:
    place.project.write_text('server = "ws://127.0.0.1:1"')
    assert " sets " not in place.run("transcribe", "--server", "ws://127.0.0.1:2", "-l", "none!", "a.wav")[2]


@pytest.mark.parametrize(
    "setting",
    ['server = "ws://127.0.0.1:1"', 'backend = "local, server=ws://127.0.0.1:1"', 'backend = "deepgram=ws://a"'],
)
def test_no_key_goes_to_an_address_of_the_folder(place: Place, setting: str) -> None:
    place.project.write_text(setting)
    code, _, err = place.run("transcribe", "a.wav", VOXCLI_SERVER_TOKEN=KEY, DEEPGRAM_API_KEY=KEY)
    assert code == 2
    assert "no key is sent to an address that only voxcli.toml in this folder names" in err
    assert KEY not in err


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give files away")
def test_a_file_that_belongs_to_somebody_else_is_not_read(place: Place) -> None:
    place.project.write_text('language = "theirs!"')
    os.chown(place.project, 12_345, 12_345)
    assert place.run("config", "path")[1].splitlines()[0].endswith("belongs to somebody else, so it is not read")
    err = place.run("transcribe", "-b", "vosk", "-l", "mine!", "a.wav")[2]
    assert err.splitlines()[0] == f"{place.project}: belongs to somebody else, so it is not read"
    assert "mine! is no code" in err


@pytest.mark.parametrize("arguments", [["--help"], ["transcribe", "--help"], ["schema"]])
def test_without_a_file_nothing_is_loaded_for_one(home: Path, arguments: list[str]) -> None:
    assert not {"tomllib", "platformdirs", "voxcli.config", "keyring"} & modules_after(home, *arguments)


@pytest.mark.slow
async def test_the_users_file_is_enough_for_a_server_with_a_token(home: Path) -> None:
    folder = home / ".config" / "voxcli"
    folder.mkdir(parents=True)
    (folder / "token").write_text(KEY)
    (folder / "token").chmod(0o600)
    async with ScriptedServer("voxcli") as server:
        (folder / "voxcli.toml").write_text(f'[profile.far]\nserver = "{server.url}"\nserver_token_file = "token"\n')
        program = await ran("--profile", "far", home=home, audio=2.0)
        program.assert_whole(2.0)
        assert server.connections[0].headers["authorization"] == f"Bearer {KEY}"


async def test_the_server_of_a_folder_is_told_before_audio_goes_there(home: Path) -> None:
    async with ScriptedServer("voxcli") as server:
        (home / "voxcli.toml").write_text(f'server = "{server.url}"\nquiet = true')
        program = await ran(home=home, audio=1.0)
        assert program.complaints.splitlines()[0] == f"{home}/voxcli.toml sets server = {server.url}"
        assert program.of_type("Session")[0]["backends"][0] == "server"


def stand_in(home: Path, kind: str = "FileKeyring", **keys: str) -> dict[str, str]:
    """Variables that make a keyring of a file the user's."""
    file = home / "keyring.json"
    file.write_text(json.dumps({f"voxcli {name}": key for name, key in keys.items()}))
    return {
        "PYTHON_KEYRING_BACKEND": f"keyring_stand_in.{kind}",
        "PYTHONPATH": str(EQUIPMENT),
        "KEYRING_STAND_IN": str(file),
    }


def asked_of(home: Path) -> list[str]:
    file = home / "keyring.asked"
    return file.read_text().splitlines() if file.exists() else []


async def test_the_keyring_gives_the_key_that_nothing_else_gives(home: Path) -> None:
    """``keyring set`` is what the documentation names for storing one; ``auto`` takes Deepgram then."""
    variables = stand_in(home)
    command = [sys.executable, "-m", "keyring", "set", "voxcli", "deepgram"]
    await asyncio.to_thread(subprocess.run, command, input=KEY.encode(), env=environment(home, **variables), check=True)
    async with ScriptedServer("deepgram") as server:
        variables["DEEPGRAM_BASE_URL"] = server.address
        program = await ran("--no-failover", home=home, audio=1.0, **variables)
        assert server.connections[0].headers["authorization"] == f"Token {KEY}"
    assert asked_of(home) == ["voxcli deepgram"]
    assert KEY not in program.complaints + program.output.decode()


@pytest.mark.slow
async def test_the_keyring_is_asked_only_where_it_is_needed(home: Path) -> None:
    variables = stand_in(home, deepgram="wrong-key-1234", server=KEY)
    async with ScriptedServer("deepgram") as server:
        chain = f"deepgram={server.address}"
        await ran("-b", chain, home=home, audio=1.0, **variables, DEEPGRAM_API_KEY=KEY)
        assert server.connections[0].headers["authorization"] == f"Token {KEY}"
        assert voxcli("transcribe", "-b", "local", SAMPLES / "harbour.wav", home=home, **variables).returncode == 0
        assert asked_of(home) == []
    async with ScriptedServer("voxcli") as server:
        (home / "voxcli.toml").write_text(f'server = "{server.url}"')
        await ran(home=home, audio=1.0, **variables)
        assert "authorization" not in server.connections[0].headers
        assert asked_of(home) == []
        await ran("--server", server.url, home=home, audio=1.0, **variables)
        assert server.connections[1].headers["authorization"] == f"Bearer {KEY}"
    assert asked_of(home) == ["voxcli server"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("LockedKeyring", "the collection is locked"),
        ("NoSuchKeyring", "no attribute 'NoSuchKeyring'"),
        pytest.param("DeafKeyring", "no answer within 3 s", marks=pytest.mark.slow),
    ],
)
async def test_a_keyring_that_gives_nothing_is_no_key(home: Path, kind: str, reason: str) -> None:
    async with Program("-v", "-l", "none!", home=home, audio=1.0, **stand_in(home, kind)) as program:
        assert await program.end() == 2
    assert reason in program.complaints.splitlines()[0]
    assert program.complaints.startswith("no key deepgram from the keyring: ")


def test_without_the_extra_nothing_is_looked_up_or_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)  # which is how Python says that it is not there
    told: list[str] = []
    assert Keyring(told.append).key("deepgram") is None
    assert told == []
