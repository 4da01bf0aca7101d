"""A microphone as a source: captured from the moment it is opened, found again when it goes away.

Its clock goes on while nothing can be captured: such a span is a Gap, and silence stands in for it, so that every time
after it is right. How long it was is measured on the monotonic clock; all else is a count of samples.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from statistics import median

import numpy as np

from voxcli.audio import SAMPLE_BYTES, Chunk, samples, seconds
from voxcli.errors import DeviceError, DeviceLost
from voxcli.events import Gap, GapReason, Notice
from voxcli.hearing import Hearing, decibels
from voxcli.sources import MICROPHONE, MicrophoneOptions
from voxcli.sources.capture import Capture, Record
from voxcli.sources.convert import Converter, as_float

SILENT_SECONDS = 2.0
"""Without a block from a device that has given some: it is gone."""
FIRST_SECONDS = 6.0
"""For the first block; a sound server that slept may take two."""
AWAY_SECONDS = 15.0
"""For a device to come back."""
LEAST_PATIENCE_SECONDS = 1.0
"""For the sound system to answer a look whether it is back."""
SEARCH_SECONDS = 0.5
"""Between two looks whether it is back."""
LEAST_GAP_SECONDS = 0.02
"""What is missing must be more than this, since no block comes exactly on time."""

REMEMBERED = 100
"""Blocks by which it is known when the next is due."""


class Microphone:
    """Audio as it is said. Besides chunks it gives the gaps between them, and notices."""

    live = True

    def __init__(self, options: MicrophoneOptions) -> None:
        self.name = options.device or MICROPHONE
        self.remarks: list[str] = []
        self.level: float | None = None
        self.is_at_its_end = False
        self._options = options
        self._limit = None if options.duration is None else samples(options.duration)
        self._capture: Capture | None = None
        self._converter: Converter | None = None
        self._hearing = Hearing()
        self._given = 0
        self._ended_at: float | None = None
        self._timing = Timing()
        self._stopped = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def seconds(self) -> float | None:
        return self._options.duration

    async def open(self) -> None:
        """Capture from now on. Raises DeviceError."""
        self._loop = asyncio.get_running_loop()
        self._adopt(await Capture.open(self._options.device))
        assert self._capture is not None  # noqa: S101 - it was just adopted
        self.name = self._capture.device.name

    async def chunks(self) -> AsyncGenerator[Chunk | Gap | Notice]:
        while True:
            while not self.is_at_its_end and (record := await self._next_record()) is not None:
                for event in self._taken(record):
                    yield event
            for chunk in self._rest():
                yield chunk
            if self._stopped.is_set() or self.is_at_its_end:
                return
            yield self._notice("device_lost", f"the microphone {self.name} is gone; waiting for it to come back")
            self.level = None
            await self._search()
            if self._capture is None:
                for event in self._rest_of_the_time():
                    yield event
                return
            yield self._notice("device_back", f"the microphone {self.name} is back")

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        self._stopped.set()
        if self._capture is not None:
            self._capture.finish()

    async def close(self) -> None:
        if self._capture is not None:
            capture, self._capture = self._capture, None
            await capture.close()

    # One device

    def _adopt(self, capture: Capture) -> None:
        self._capture = capture
        self._converter = Converter(capture.sample_rate)
        self._timing = Timing()

    async def _next_record(self) -> Record | None:
        """The next block; None when the device gives no more, for whatever reason."""
        assert self._capture is not None  # noqa: S101 - there is one wherever this is called
        try:
            async with asyncio.timeout(SILENT_SECONDS if self._timing.has_begun else FIRST_SECONDS):
                return await self._capture.read()
        except TimeoutError:
            return None

    def _taken(self, record: Record) -> Iterator[Chunk | Gap | Notice]:
        """What a block gives, the gap before it first."""
        capture = self._capture
        assert capture is not None  # noqa: S101 - the block came from it
        block = np.frombuffer(record.data, "<i2").reshape(-1, capture.channels)
        length = len(block) / capture.sample_rate
        missing = self._missing(record, length)
        if missing > LEAST_GAP_SECONDS:
            yield from self._gap(missing, "overrun" if self._timing.has_begun else "device_lost")
        if record.has_overrun or record.lost:
            yield from self._hearing.overrun(seconds(self._given))
        self._timing.note(record.at, length + (missing if self._timing.has_begun else 0.0))
        self._ended_at = self._timing.due
        yield from self._heard(block, length)

    def _missing(self, record: Record, length: float) -> float:
        """Seconds that lie between the block before and this one."""
        assert self._capture is not None  # noqa: S101 - the block came from it
        if not self._timing.has_begun:
            return 0.0 if self._ended_at is None else record.at - length - self._ended_at
        if record.lost:
            return record.lost / self._capture.sample_rate
        return self._timing.late(record.at, length) if record.has_overrun else 0.0

    def _heard(self, block: np.ndarray, length: float) -> Iterator[Chunk | Gap | Notice]:
        assert self._converter is not None  # noqa: S101 - it came with the device
        levels = np.abs(block.astype(np.int32))
        peak, clipped = int(levels.max(initial=0)), float(np.mean(levels >= 32_766)) * length
        self.level = decibels(float(np.sqrt(np.mean(np.square(block, dtype=np.float64)))) / 32_768)
        yield from self._hearing.note(seconds(self._given), length, peak, clipped)
        yield from self._given_out(self._converter.convert(as_float(block)))

    def _rest(self) -> Iterator[Chunk]:
        """What the resampler still holds of a device."""
        converter, self._converter = self._converter, None
        if converter is not None:
            yield from self._given_out(converter.flush())

    def _gap(self, missing: float, reason: GapReason) -> Iterator[Chunk | Gap]:
        if reason == "overrun":
            yield from self._rest()
            assert self._capture is not None  # noqa: S101 - it goes on
            self._converter = Converter(self._capture.sample_rate)
        start, length = self._given, samples(missing)
        if self._limit is not None:
            length = min(length, self._limit - start)
        self._given += length
        self.is_at_its_end = self._given == self._limit
        if length > 0:
            yield Gap(start=seconds(start), end=seconds(self._given), reason=reason)

    def _given_out(self, data: bytes) -> Iterator[Chunk]:
        if self._limit is not None:
            data = data[: (self._limit - self._given) * SAMPLE_BYTES]
        if data:
            chunk = Chunk(self._given, data)
            self._given = chunk.end
            yield chunk
        self.is_at_its_end = self._given == self._limit

    # A device that is gone

    async def _search(self) -> None:
        """Wait until it is back, or nobody waits any more. Raises DeviceLost."""
        await self.close()
        left = AWAY_SECONDS
        if self._limit is not None:
            left = min(left, seconds(self._limit - self._given))
        gone_at = time.monotonic() if self._ended_at is None else self._ended_at
        away = 0.0
        while not self._stopped.is_set():
            try:
                name = None if self._options.device is None else self.name
                self._adopt(await Capture.open_again(name, max(LEAST_PATIENCE_SECONDS, left - away)))
            except DeviceError:
                pass  # it is not back yet
            else:
                if self._stopped.is_set():
                    self._finish()  # which found no device to end
                return
            away = time.monotonic() - gone_at
            if away >= AWAY_SECONDS:
                raise DeviceLost(self.name, AWAY_SECONDS)
            if away >= left:
                return
            await self._pause(min(SEARCH_SECONDS, left - away))

    def _rest_of_the_time(self) -> Iterator[Chunk | Gap]:
        """A gap to the end that was wanted, since the device did not come back before it."""
        if self._limit is not None and not self._stopped.is_set():
            yield from self._gap(seconds(self._limit - self._given), "device_lost")

    async def _pause(self, duration: float) -> None:
        try:
            async with asyncio.timeout(duration):
                await self._stopped.wait()
        except TimeoutError:
            pass

    def _notice(self, code: str, message: str) -> Notice:
        return Notice(code=code, at=seconds(self._given), message=message)  # type: ignore[arg-type]


class Timing:
    """When blocks of a device come: each is due when the one before was, and as much later as it is long."""

    def __init__(self) -> None:
        self.has_begun = False
        self._length = 0.0
        self._delays: list[float] = []

    def note(self, at: float, length: float) -> None:
        """A block has come; ``length`` counts what is missing before it, too."""
        self.has_begun = True
        self._length += length
        self._delays = [*self._delays[1 - REMEMBERED :], at - self._length]

    @property
    def due(self) -> float:
        """When the newest block was complete, by all that came: one alone may come late, or too soon."""
        return self._length + median(self._delays)

    def late(self, at: float, length: float) -> float:
        """How much later than it was due a block comes: audio was lost for so long."""
        return max(0.0, at - length - self.due)
