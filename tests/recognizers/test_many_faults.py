"""A hundred random faults in one stream. The seed is in the message of a failure: VOXCLI_TEST_SEED repeats it."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from scripted_faults import (
    Abort,
    AbortAfterFinal,
    AbortBeforeFinal,
    Close,
    Fault,
    Fin,
    malformed_json,
    unknown_type,
)
from scripted_handshakes import AcceptThenClose, GarbageHttp, HandshakeFault, Refuse, WrongAcceptKey
from scripted_server import Behaviour, ScriptedServer, irregular
from streaming import BACKENDS, QUICK, ClockedSource, LocalEars, chain, remote, stream
from voxcli.protocols import deepgram

if TYPE_CHECKING:
    from scripted_conversation import Conversation

FAULTS = 100
SECONDS = 450.0

SEEDS = [int(os.environ["VOXCLI_TEST_SEED"])] if os.environ.get("VOXCLI_TEST_SEED") else [1, 20_261_125]


@dataclass(frozen=True)
class NonsenseThenAbort(AbortAfterFinal):
    """A message that cannot be understood, another final, and RST."""

    message: str | bytes = ""

    async def strike(self, conversation: Conversation) -> None:
        await conversation.send_raw(self.message)


def random_fault(chance: random.Random) -> Fault | HandshakeFault:
    """Anything that a connection can die of, or survive, within a few seconds of audio."""
    if chance.random() < 0.15:
        return chance.choice([AcceptThenClose(), GarbageHttp(), WrongAcceptKey(), Refuse(503), Refuse(502)])
    after = chance.uniform(4.0, 7.0)
    code = chance.choice([1000, 1001, None, 1011, 1012, 4408])
    return chance.choice(
        [
            Abort(after),
            Fin(after),
            AbortBeforeFinal(after),
            AbortAfterFinal(after),
            Close(after, code=code),
            NonsenseThenAbort(after, malformed_json().message),
            NonsenseThenAbort(after, unknown_type().message),
        ]
    )


def random_behaviour(chance: random.Random) -> Behaviour:
    """Finals end anywhere, in the middle of words too; sessions are kept or forgotten."""
    return Behaviour(
        fault=random_fault(chance),
        final_every=irregular(chance.randrange(10**6), 0.3, 2.5),
        interim_every=chance.choice([0.0, 0.2, 0.5]),
        resumable=chance.random() < 0.5,
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dialect", ["voxcli", "deepgram", "vosk"])
async def test_a_hundred_random_faults_lose_nothing_and_double_nothing(
    dialect: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deepgram.DeepgramCodec, "pace", 200.0)
    chance = random.Random(seed)
    behaviours = [random_behaviour(chance) for _ in range(FAULTS)]
    if dialect == "vosk":  # its language has no message that means nothing
        behaviours = [
            replace(behaviour, fault=Abort(5.0)) if "Nonsense" in repr(behaviour.fault) else behaviour
            for behaviour in behaviours
        ]
    lifecycle = replace(QUICK, retries=10)
    async with ScriptedServer(dialect, behaviours, then=Behaviour(final_every=irregular(seed))) as server:
        recognizer = chain(remote(server.url, BACKENDS[dialect], lifecycle), lifecycle=lifecycle)
        told = await stream(recognizer, ClockedSource(SECONDS, speed=60.0))
        connections = len(server.connections)
    try:
        told.assert_whole()
    except AssertionError as error:
        raise AssertionError(f"VOXCLI_TEST_SEED={seed}, {dialect}: {error}") from error
    assert connections > FAULTS * 0.9, connections
    ends = [final.end for final in told.finals]
    assert ends == sorted(ends)


@pytest.mark.slow
async def test_a_hundred_faults_of_a_server_that_comes_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same with a local recognizer behind it, to which every run of failures leads."""
    monkeypatch.setattr(deepgram.DeepgramCodec, "pace", 200.0)
    seed = SEEDS[0]
    chance = random.Random(seed)
    behaviours = [
        replace(random_behaviour(chance), fault=chance.choice([Refuse(503), AcceptThenClose(), Abort(2.7), Abort(4.2)]))
        for _ in range(FAULTS)
    ]
    lifecycle = replace(QUICK, retries=1, dwell=0.01, most_dwell=0.02)
    local = LocalEars(final_every=0.5, pause=0.002)
    async with ScriptedServer("voxcli", behaviours, then=Behaviour()) as server:
        told = await stream(chain(remote(server.url, "server", lifecycle), local, lifecycle=lifecycle), 200.0)
    try:
        told.assert_whole()
    except AssertionError as error:
        raise AssertionError(f"VOXCLI_TEST_SEED={seed}: {error}") from error
    assert told.notices.count("failover") >= 3
    assert told.notices.count("failback") >= 2
