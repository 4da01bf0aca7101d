"""What --backend, --model, --param and key files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from voxcli.cli.chain import Element, check_server_is_used, parse_chain, parse_models
from voxcli.cli.remotes import Servers, query_parameters, secret
from voxcli.errors import AuthenticationFailed, UsageError
from voxcli.recognizers.addresses import shown, websocket_url

NOTHING = Servers()
SERVER = Servers(url="ws://here")
DEEPGRAM = Servers(deepgram_key="k")


@pytest.mark.parametrize(
    ("text", "servers", "names"),
    [
        ("auto", NOTHING, ["local"]),
        ("auto", SERVER, ["server", "local"]),
        ("auto", DEEPGRAM, ["deepgram", "local"]),
        ("auto", Servers(url="ws://here", deepgram_key="k"), ["server", "local"]),
        ("vosk, moonshine,,vosk", NOTHING, ["vosk", "moonshine"]),
        ("server,auto", SERVER, ["server", "local"]),
        ("deepgram,vosk-server,local", NOTHING, ["deepgram", "vosk-server", "local"]),
    ],
)
def test_a_chain(text: str, servers: Servers, names: list[str]) -> None:
    assert [element.name for element in parse_chain(text, servers)] == names


def test_an_address_of_its_own() -> None:
    assert parse_chain("server=wss://a/b?c=d,vosk-server=ws://e", NOTHING) == (
        Element("server", "wss://a/b?c=d"),
        Element("vosk-server", "ws://e"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--backend names no backend"),
        (" , ", "--backend names no backend"),
        ("whisper", "there is no backend whisper"),
        ("whisper=ws://a", "there is no backend whisper"),
        ("vosk=ws://a", "the backend vosk takes no address"),
        ("auto=ws://a", "the backend auto takes no address"),
        ("server=", "--backend server= names no address"),
    ],
)
def test_what_is_no_chain(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        parse_chain(text, SERVER)


def test_models() -> None:
    chain = parse_chain("deepgram,vosk", NOTHING)
    assert parse_models(["nova-2", "vosk=small=1", "server=big"], chain) == {
        "deepgram": "nova-2",
        "vosk": "small=1",
        "server": "big",
    }
    with pytest.raises(UsageError, match="names no model"):
        parse_models(["vosk="], chain)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("ws://a", "ws://a/ws/transcribe"),
        ("http://a:80/", "ws://a:80/ws/transcribe"),
        ("https://a/b?c=d", "wss://a/b?c=d"),
        ("wss://user:pass@a", "wss://user:pass@a/ws/transcribe"),
        ("ws://[::1]:8000", "ws://[::1]:8000/ws/transcribe"),
    ],
)
def test_addresses(address: str, url: str) -> None:
    assert websocket_url(address, path="/ws/transcribe") == url


@pytest.mark.parametrize("address", ["", "a", "localhost:8000", "ftp://a", "ws://", "ws://a:b", "ws://[::1"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(UsageError, match="is no address of a server"):
        websocket_url(address)


def test_a_password_in_an_address_is_not_shown() -> None:
    assert shown("wss://user:pass@a:1/b?token=c#d") == "wss://a:1/b"
    with pytest.raises(UsageError) as caught:
        websocket_url("ftp://user:pass@a")
    assert "pass" not in caught.value.message


def remote(element: Element, servers: Servers, *others: Element) -> str:
    return servers.remote(element, language="en", model=None, others=[element, *others]).target.url.partition("?")[0]


def test_where_servers_are() -> None:
    assert remote(Element("server"), SERVER) == "ws://here/ws/transcribe"
    assert remote(Element("server", "http://there/x"), SERVER) == "ws://there/x"
    assert remote(Element("vosk-server"), NOTHING) == "ws://127.0.0.1:2700"
    assert remote(Element("vosk-server"), SERVER) == "ws://here"
    assert remote(Element("vosk-server"), SERVER, Element("server")) == "ws://127.0.0.1:2700"
    assert remote(Element("deepgram"), DEEPGRAM) == "wss://api.deepgram.com/v1/listen"
    assert remote(Element("deepgram"), Servers(deepgram_url="http://mine/base/")) == "ws://mine/base/v1/listen"
    assert remote(Element("deepgram", "ws://mine/v1/listen"), NOTHING) == "ws://mine/v1/listen"


def test_what_is_missing_for_a_server() -> None:
    with pytest.raises(UsageError, match="the backend server needs an address"):
        remote(Element("server"), NOTHING)
    with pytest.raises(AuthenticationFailed, match="there is no key to send"):
        remote(Element("deepgram"), NOTHING)


def test_parameters() -> None:
    assert query_parameters(
        ["filler_words=true", "tag=a=b"],
        redact=["pci", "ssn"],
        keyterm=["voxcli"],
        endpointing="300",
        utterance_end_ms=1_000,
        diarize=True,
        numerals=False,
    ) == (
        ("diarize", "true"),
        ("redact", "pci"),
        ("redact", "ssn"),
        ("keyterm", "voxcli"),
        ("endpointing", "300"),
        ("utterance_end_ms", "1000"),
        ("filler_words", "true"),
        ("tag", "a=b"),
    )


@pytest.mark.parametrize(("given", "endpointing"), [(["x"], None), (["=x"], None), ([], "soon"), ([], "-1")])
def test_what_is_no_parameter(given: list[str], endpointing: str | None) -> None:
    with pytest.raises(UsageError):
        query_parameters(given, redact=[], keyterm=[], endpointing=endpointing, utterance_end_ms=None)


def test_a_key_from_a_variable_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("  k3y\n")
    file.chmod(0o600)
    assert secret(None, " abc ") == "abc"
    assert secret(None, "") is None
    assert secret(file, "abc") == "k3y"


@pytest.mark.parametrize(
    ("content", "mode", "message"),
    [
        (b"k3y", 0o640, "others can read it"),
        (b"k3y", 0o604, "others can read it"),
        (b"", 0o600, "is not one key"),
        (b"two words", 0o600, "is not one key"),
        ("ключ".encode(), 0o600, "is not one key"),
        (b"\xff\xfe", 0o600, "it is not text"),
    ],
)
def test_what_is_no_key_file(tmp_path: Path, content: bytes, mode: int, message: str) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(UsageError, match=message):
        secret(file, None)


@pytest.mark.parametrize("key", ["two words", "ключ", "a\r\nX-Evil: 1", "a\x1b[31m"])
def test_what_is_no_key_in_a_variable(key: str) -> None:
    with pytest.raises(UsageError, match="is not one key") as caught:
        secret(None, key)
    assert key not in caught.value.message


def test_a_key_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        secret(tmp_path / "key", None)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("deepgam", "did you mean deepgram?"),
        ("moonshin,vosk", "did you mean moonshine?"),
        ("deepgram:ws://a", "an address comes after =, so deepgram=ws://a"),
        ("whisper", "there are auto, local, "),
    ],
)
def test_what_may_have_been_meant(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_chain(text, SERVER)
    assert caught.value.hint.startswith(hint)


def test_an_address_without_its_scheme_is_nearly_one() -> None:
    with pytest.raises(UsageError) as caught:
        websocket_url("localhost:8000/ws")
    assert caught.value.hint == "did you mean ws://localhost:8000/ws, or wss://localhost:8000/ws?"


@pytest.mark.parametrize(
    ("backend", "hint"),
    [
        ("deepgram", "--backend deepgram=URL is where its address goes"),
        ("vosk,moonshine", "add it: --backend server,vosk,moonshine"),
        ("server=ws://a,vosk", "--backend server=URL is where its address goes"),
    ],
)
def test_an_address_that_nobody_asks_is_refused(backend: str, hint: str) -> None:
    with pytest.raises(UsageError, match="--server is not asked by") as caught:
        check_server_is_used(parse_chain(backend, SERVER))
    assert caught.value.hint == hint


@pytest.mark.parametrize("backend", ["auto", "server,local", "vosk-server", "deepgram,server"])
def test_an_address_that_somebody_asks_is_fine(backend: str) -> None:
    check_server_is_used(parse_chain(backend, SERVER))


@pytest.mark.parametrize("text", ["DEEPGRAM_API_KEY=abc", "export KEY=abc"])
def test_a_key_file_holds_the_key_and_nothing_else(tmp_path: Path, text: str) -> None:
    file = tmp_path / "key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(UsageError) as caught:
        secret(file, None)
    assert "abc" not in caught.value.message
    file.write_text("c2VjcmV0a2V5==")
    assert secret(file, None) == "c2VjcmV0a2V5=="
