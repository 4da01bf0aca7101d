"""A chain of recognizers at load: the next takes over, and it is said."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

import pytest

from voxcli.audio import Chunk
from voxcli.errors import BackendError, ModelBroken
from voxcli.events import Notice, Results
from voxcli.recognizers.failover import FailoverRecognizer


@dataclass
class Named:
    """A recognizer that says its own name, unless it cannot be loaded."""

    name: str
    failing: BackendError | None = None
    closed: bool = False
    model: str = "model"

    async def load(self) -> None:
        if self.failing is not None:
            raise self.failing

    async def recognize(self, chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Results | Notice]:
        async for chunk in chunks:
            yield Results(
                transcript=self.name, is_final=True, speech_final=True, start=chunk.start, duration=1, backend=self.name
            )

    async def close(self) -> None:
        self.closed = True


async def one_chunk() -> AsyncGenerator[Chunk]:
    yield Chunk(0, b"\0\0")


BROKEN = ModelBroken("/m", "half of it is missing")


async def test_the_first_that_loads_does_the_work() -> None:
    chain = FailoverRecognizer(Named("a"), [lambda: Named("b")])
    assert [event.backend for event in [event async for event in chain.recognize(one_chunk())]] == ["a"]


async def test_the_next_takes_over_and_it_is_said() -> None:
    first = Named("a", failing=BROKEN)
    chain = FailoverRecognizer(first, [lambda: Named("b")])
    notice, result = [event async for event in chain.recognize(one_chunk())]
    assert isinstance(notice, Notice)
    assert (notice.code, notice.from_, notice.to) == ("failover", "a", "b")
    assert notice.message == "the speech model at /m cannot be used: half of it is missing; b takes over"
    assert isinstance(result, Results)
    assert (result.backend, chain.name, first.closed) == ("b", "b", True)


async def test_one_that_cannot_be_opened_is_passed_over() -> None:
    def unopened() -> Named:
        raise BackendError("not here", "install it")

    chain = FailoverRecognizer(Named("a", failing=BROKEN), [unopened, lambda: Named("c")])
    await chain.load()
    assert (chain.name, chain.model) == ("c", "model")


async def test_it_is_said_once() -> None:
    chain = FailoverRecognizer(Named("a", failing=BROKEN), [lambda: Named("b")])
    assert len([event async for event in chain.recognize(one_chunk())]) == 2
    assert len([event async for event in chain.recognize(one_chunk())]) == 1


async def test_the_last_error_is_the_first_that_mattered() -> None:
    chain = FailoverRecognizer(Named("a", failing=BROKEN), [])
    with pytest.raises(ModelBroken):
        await chain.load()
    await chain.close()
