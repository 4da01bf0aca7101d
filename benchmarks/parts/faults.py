"""Cuts at random, and what they cost, by the oracle: ``faults.py CASE CUTS SEED``; prints JSON.

Streams of clocked audio, with the short deadlines of tests/equipment/streaming.py, to a server in the same process that
ends every connection in a random way at a random place, until there were as many cuts as asked for.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from dataclasses import replace

import scripted

from oracle import RATE
from scripted_faults import Abort, AbortAfterFinal, AbortBeforeFinal, Close, Fault, Fin
from scripted_server import Behaviour, ScriptedServer, irregular
from streaming import QUICK, ClockedSource, chain, remote, stream
from voxcli.protocols import deepgram

MOST_AT_ONCE = 100
SECONDS_A_CUT = 6
SPEED = 60.0
KINDS = ("Abort", "Fin", "Close 1011", "Close 1012", "Close None", "AbortBeforeFinal", "AbortAfterFinal")


def fault(kind: str, chance: random.Random) -> Fault:
    """A fault of that kind, three to six seconds into a connection."""
    after = chance.uniform(3.0, 6.0)
    if kind.startswith("Close"):
        return Close(after, code={"1011": 1011, "1012": 1012}.get(kind.removeprefix("Close ")))
    return {"Abort": Abort, "Fin": Fin, "AbortBeforeFinal": AbortBeforeFinal, "AbortAfterFinal": AbortAfterFinal}[kind](
        after
    )


async def one(case: str, cuts: int, chance: random.Random) -> Counter[str]:
    """One stream with up to so many cuts."""
    dialect, backend, resumable = scripted.CASES[case]
    kinds = [chance.choice(KINDS) for _ in range(cuts)]
    behaviours = [
        Behaviour(
            fault=fault(kind, chance),
            final_every=irregular(chance.randrange(10**6), 0.3, 2.5),
            interim_every=chance.choice([0.0, 0.2, 0.5]),
            resumable=resumable,
        )
        for kind in kinds
    ]
    lifecycle = replace(QUICK, retries=10)
    seconds = float(SECONDS_A_CUT * cuts + 10)
    then = Behaviour(final_every=irregular(chance.randrange(10**6)), resumable=resumable)
    async with ScriptedServer(dialect, behaviours, then=then) as server:
        source = ClockedSource(seconds, speed=SPEED)
        told = await stream(chain(remote(server.url, backend, lifecycle), lifecycle=lifecycle), source, deadline=600)
        struck = [
            kind
            for kind, behaviour, record in zip(kinds, behaviours, server.connections, strict=False)
            if isinstance(behaviour.fault, Fault) and record.samples >= behaviour.fault.after * RATE
        ]
    loss = told.loss
    return Counter(
        {
            "cuts": len(struck),
            "connections": len(server.connections),
            "reconnects": told.summary.reconnects,
            "words": len(told.script.words(seconds)),
            "lost": len(loss.lost),
            "doubled": len(loss.doubled),
            "misplaced": len(loss.misplaced),
            "others": len(loss.out_of_order) + len(loss.invented),
            "failures": int(told.outcome.error is not None),
            "uncovered_ms": round(1_000 * max(0.0, seconds - told.summary.covered_seconds - 0.05)),
            **{f"kind {kind}": struck.count(kind) for kind in KINDS},
        }
    )


async def main(case: str, cuts: int, seed: int) -> None:
    """Streams until it is enough."""
    deepgram.DeepgramCodec.pace = 200.0  # what is sent is the same, only sooner
    chance = random.Random(f"{seed} {case}")  # noqa: S311
    total: Counter[str] = Counter()
    began = time.monotonic()
    while total["cuts"] < cuts:
        total += await one(case, min(MOST_AT_ONCE, cuts - total["cuts"]), chance)
    print(json.dumps(total | {"wall": time.monotonic() - began}))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
