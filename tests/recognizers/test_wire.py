"""A record of the wire, and its play as a server: a report of a fault becomes a test."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path

import pytest

from recorded_server import RecordedServer
from scripted_faults import Abort, Close
from scripted_server import Behaviour, ScriptedServer
from streaming import BACKENDS, chain, remote, stream
from voxcli.errors import OutputError
from voxcli.protocols import deepgram
from voxcli.recognizers.secrets import Secrets
from voxcli.recognizers.wire import Handshake, WireLog


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepgram.DeepgramCodec, "pace", 60.0)


@pytest.mark.parametrize("fault", [None, Abort(after=5.3), Close(after=5.3, code=1012)], ids=repr)
@pytest.mark.parametrize("dialect", ["deepgram", "voxcli", "vosk"])
async def test_a_record_played_back_gives_the_same_results(dialect: str, fault: Abort | None, tmp_path: Path) -> None:
    record = tmp_path / "wire.jsonl"
    async with ScriptedServer(dialect, [Behaviour(fault=fault)]) as server:
        log = WireLog(record, Secrets(["s3cret"]))
        told = await stream(chain(remote(server.url, BACKENDS[dialect], log=log)), 12.0)
        log.close()
    told.assert_whole()
    async with RecordedServer(record) as played:
        again = await stream(chain(remote(played.url, BACKENDS[dialect])), 12.0)
        assert played.opened == len(played.connections) == (1 if fault is None else 2)
    again.assert_whole()
    assert [(final.transcript, final.start) for final in again.finals] == [
        (final.transcript, final.start) for final in told.finals
    ]


async def test_no_key_and_no_audio_is_in_it(tmp_path: Path) -> None:
    record = tmp_path / "wire.jsonl"
    async with ScriptedServer(
        "deepgram", [Behaviour(fault=Close(code=1011, reason="the key s3cret is tired"))]
    ) as server:
        log = WireLog(record, Secrets(["s3cret"]))
        await stream(chain(remote(server.url, "deepgram", log=log)), 2.0)
        log.close()
    text = record.read_text()
    assert "s3cret" not in text
    assert "the key *** is tired" in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["event"] for line in lines} == {"open", "audio", "sent", "received", "closed"}
    assert max(line["bytes"] for line in lines if line["event"] == "audio") == 64_000
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)
    assert len(text) < 40_000


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")
def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    WireLog(tmp_path / "wire.jsonl", Secrets([])).close()
    assert stat.S_IMODE((tmp_path / "wire.jsonl").stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file"):
        WireLog(tmp_path / "nowhere" / "wire.jsonl", Secrets([]))


@pytest.mark.skipif(sys.platform != "linux", reason="there is no full device")
async def test_a_record_that_cannot_go_on_costs_no_word() -> None:
    failed: list[OutputError] = []
    async with ScriptedServer("voxcli") as server:
        log = WireLog(Path("/dev/full"), Secrets([]), failed.append)
        told = await stream(chain(remote(server.url, "server", log=log)), 5.0)
        log.close()
    told.assert_whole()
    assert [error.message for error in failed] == ["/dev/full: cannot write: No space left on device"]


def test_a_binary_message_is_kept_in_text(tmp_path: Path) -> None:
    log = WireLog(tmp_path / "wire.jsonl", Secrets([]), clock=lambda: 1.0)
    log.opened(Handshake("ws://there", None))
    log.received(b"\0\xff")
    log.close()
    assert json.loads((tmp_path / "wire.jsonl").read_text().splitlines()[1]) == {
        "t": 0.0, "connection": 1, "event": "received", "base64": "AP8=",
    }  # fmt: skip
