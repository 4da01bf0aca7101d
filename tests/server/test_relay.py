"""A server that asks another one: what clients ask goes on, and when it fails they notice a Notice and nothing else."""

from __future__ import annotations

import asyncio
from functools import partial
from urllib.parse import parse_qsl

import pytest

from oracle import Loss, Script, check, clocked_audio, words_of
from running_server import RunningServer, ServerEars, client, next_message, to_the_end
from scripted_faults import Abort
from scripted_handshakes import Refuse
from scripted_server import Behaviour, ScriptedServer
from streaming import QUICK, ClockedSource, remote, stream, unpaced
from voxcli.protocols import Asked
from voxcli.recognizers import Recognizer, open_remote
from voxcli.recognizers.endpoints import Place
from voxcli.recognizers.remote import RemoteRecognizer
from voxcli.server.supply import Relayed, Shared

V1 = "voxcli.v1"


def relayed(url: str, asked: Asked) -> Recognizer:
    """Deepgram, at that address, with the server's own key."""
    return RemoteRecognizer(open_remote("deepgram", Place(url, "s3cret"), asked), QUICK, chance=lambda: 0.5)


def relay(behind: ScriptedServer, *spare: Shared, **options: object) -> RunningServer:
    """A server before ``behind``."""
    return RunningServer(kinds=[Relayed("deepgram", partial(relayed, behind.url)), *spare], **options)


@pytest.fixture(autouse=True)
def _as_fast_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    unpaced(monkeypatch)


async def test_a_relay_loses_nothing_and_passes_on_what_was_asked() -> None:
    """The client's language, model and Deepgram's names; the key is the server's."""
    async with ScriptedServer("deepgram") as behind, relay(behind) as server:
        query = "language=ko&model=nova-2&keyterm=harbour&keyterm=boat"
        connection = await client(f"{server.url()}?{query}", V1)
        await connection.send(clocked_audio(6.0))
        await connection.send('{"type":"CloseStream"}')
        messages = await to_the_end(connection)
    assert check(words_of(messages), Script(), 6.0) == Loss()
    assert {message["backend"] for message in messages if message["type"] == "Results"} == {"deepgram"}
    (asked,) = behind.connections
    assert set(parse_qsl(query)) <= set(asked.parameters)
    assert asked.headers["authorization"] == "Token s3cret"


async def test_the_provider_fails_and_the_client_notices_a_notice() -> None:
    """Inside the session, at the first sample that no final covers; the failover is counted."""
    behaviours = [Behaviour(fault=Abort(after=3.0))]
    async with (
        ScriptedServer("deepgram", behaviours, then=Behaviour(fault=Refuse(503))) as behind,
        relay(behind, Shared(ServerEars())) as server,
    ):
        told = await stream(remote(server.url(), "server"), ClockedSource(12.0))
        assert await server.metric("voxcli_failovers_total") == 1.0
    told.assert_whole()
    assert "reconnected" not in told.notices, "the client's own connection was never cut"


async def test_a_client_of_v1_is_told_of_the_failover() -> None:
    """With the names of both and where it was."""
    async with (
        ScriptedServer("deepgram", then=Behaviour(fault=Refuse(503))) as behind,
        relay(behind, Shared(ServerEars())) as server,
    ):
        connection = await client(server.url(), V1)
        await connection.send(clocked_audio(3.0))
        notice = await next_message(connection, "Notice")
        while notice["code"] != "failover":
            notice = await next_message(connection, "Notice")
        assert (notice["from"], notice["to"]) == ("deepgram", "vosk")
        await connection.send('{"type":"CloseStream"}')
        messages = await to_the_end(connection)
    assert check(words_of(messages), Script(), 3.0) == Loss()


async def test_with_nobody_behind_the_client_is_told_so() -> None:
    """An Error and 1011; the provider's key stands in no message."""
    async with ScriptedServer("deepgram", then=Behaviour(fault=Refuse(401))) as behind, relay(behind) as server:
        connection = await client(server.url(), V1)
        await connection.send(clocked_audio(1.0))
        error = await next_message(connection, "Error")
        assert "s3cret" not in str(error)
        async with asyncio.timeout(5):
            await connection.wait_closed()
        assert connection.close_code == 1011


async def test_finalize_goes_through() -> None:
    """A wish of the client for a final becomes one of the server."""
    async with ScriptedServer("deepgram", then=Behaviour(final_every=30.0)) as behind, relay(behind) as server:
        connection = await client(server.url(), V1)
        await connection.send(clocked_audio(2.0))
        await connection.send('{"type":"Finalize"}')
        final = await next_message(connection, "Results")
        while not final["is_final"]:
            final = await next_message(connection, "Results")
        assert final["start"] + final["duration"] == pytest.approx(2.0, abs=0.1)
        await connection.close()
