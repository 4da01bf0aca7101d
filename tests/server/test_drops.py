"""Our client and our server over a network that breaks: with the server at hand, not even a seam is left."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace

import pytest

from chaos import ChaosProxy
from running_server import RunningServer, ServerEars
from streaming import QUICK, ClockedSource, Told, remote, stream
from voxcli.events import Results

PATIENT = replace(QUICK, backoff=0.1, retries=6)


def said(told: Told) -> list[tuple[object, ...]]:
    """All that finals say, to the letter."""
    return [(final.transcript, final.start, final.duration, final.words, final.speech_final) for final in told.finals]


async def cut_often(proxy: ChaosProxy, times: int, seed: int) -> int:
    """Reset, cut or half-close what is open, at random moments; how often that was."""
    chance, done = random.Random(seed), 0
    while done < times:
        await asyncio.sleep(chance.uniform(0.06, 0.18))
        if not proxy.links:
            continue
        done += 1
        chance.choice([proxy.reset, proxy.cut, lambda: proxy.half_close("up"), lambda: proxy.half_close("down")])()
    return done


@pytest.mark.parametrize(
    ("cuts", "seed"), [(12, 1), *(pytest.param(50, seed, marks=pytest.mark.slow) for seed in (2, 3, 4))]
)
async def test_cuts_change_nothing_at_all(cuts: int, seed: int) -> None:
    """Words, times, spans and endpoints are those of a run without a cut, since the recognizer was kept."""
    seconds = 4.0 * cuts
    source = ClockedSource(seconds, speed=12.0)
    async with RunningServer(ServerEars(final_every=0.7)) as server:
        untroubled = await stream(remote(server.url(), "server"), ClockedSource(seconds))
        async with ChaosProxy(server.port) as proxy, asyncio.TaskGroup() as group:
            cutting = group.create_task(cut_often(proxy, cuts, seed))
            told = await stream(remote(proxy.url("/ws/transcribe"), "server"), source)
            done = cutting.done()
            cutting.cancel()
        assert told.outcome.error is None, told.outcome.error
        assert done, "the stream was over before all cuts"
        assert await server.metric("voxcli_resumed_total") >= cuts / 2
    untroubled.assert_whole()
    told.assert_whole()
    assert said(told) == said(untroubled)


@pytest.mark.slow
async def test_a_restart_of_the_server_costs_a_replay_and_no_word() -> None:
    """The session is gone with the process, so the client begins another and replays a second."""
    async with RunningServer(ServerEars()) as first:
        port = first.port
        source = ClockedSource(20.0, speed=5.0)
        async with asyncio.TaskGroup() as group:
            streaming = group.create_task(stream(remote(first.url(), "server", PATIENT), source))
            await first.metric_becomes("voxcli_sessions", 1.0)
            await asyncio.sleep(0.7)
            first.server.begin_to_end()
            await first.ended()
            async with RunningServer(ServerEars(), port=port):
                told = await streaming
    told.assert_whole()
    assert "reconnected" in told.notices
    assert "failover" not in told.notices


async def test_a_server_that_is_black_for_longer_than_the_grace_costs_a_replay_and_no_word() -> None:
    """The old session has been given up; the new one begins a second before what was not covered."""
    async with RunningServer(ServerEars(), grace=0.1) as server, ChaosProxy(server.port) as proxy:
        source = ClockedSource(12.0, speed=8.0)
        async with asyncio.TaskGroup() as group:
            streaming = group.create_task(stream(remote(proxy.url("/ws/transcribe"), "server", PATIENT), source))
            await server.metric_becomes("voxcli_sessions", 1.0)
            await asyncio.sleep(0.6)
            proxy.refuse()
            proxy.reset()
            await server.metric_becomes("voxcli_sessions", 0.0)
            proxy.accept_again()
            told = await streaming
    told.assert_whole()


@pytest.mark.slow
async def test_a_stuck_connection_is_resumed_over_another() -> None:
    """The server still believes in the old one, which nobody has closed; the new one takes the session over."""
    async with RunningServer(ServerEars()) as server, ChaosProxy(server.port) as proxy:
        source = ClockedSource(40.0, speed=10.0)
        async with asyncio.TaskGroup() as group:
            streaming = group.create_task(stream(remote(proxy.url("/ws/transcribe"), "server"), source))
            await server.metric_becomes("voxcli_sessions", 1.0)
            await asyncio.sleep(0.5)
            for link in proxy.links:
                link.black_hole(True)
            told = await streaming
        assert await server.metric("voxcli_resumed_total") == 1.0
    told.assert_whole()


@pytest.mark.slow
async def test_a_slow_recognizer_slows_the_client_down() -> None:
    """Audio waits where it is; memory does not grow, nothing is refused."""
    async with RunningServer(ServerEars(pause=0.002)) as server:
        most = 0.0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, await server.metric("voxcli_queue_seconds"))
                await asyncio.sleep(0.02)

        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch())
            told = await stream(remote(server.url(), "server"), 120.0)
            watching.cancel()
    told.assert_whole()
    assert most <= 3.1


async def test_two_clients_do_not_hear_each_other() -> None:
    """Many at once, each with audio of its own."""
    async with RunningServer(ServerEars()) as server:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(stream(remote(server.url(), "server"), ClockedSource(8.0 + number, speed=20.0)))
                for number in range(12)
            ]
        for task in tasks:
            task.result().assert_whole()
        assert all(isinstance(event, Results) for event in tasks[0].result().finals)
        await server.metric_becomes("voxcli_sessions", 0.0)
