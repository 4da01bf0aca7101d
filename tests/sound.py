"""What the tests of the sources share: sound to write, files to write it to, and a way to read a source to its end."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from voxcli.errors import VoxcliError
from voxcli.sources import Source, SourceOptions, open_source


@dataclass
class Heard:
    """What came out of a source, and how it ended."""

    audio: bytes = b""
    sizes: list[int] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    seconds: float | None = None
    error: VoxcliError | None = None

    @property
    def samples(self) -> Any:
        return np.frombuffer(self.audio, "<i2").astype(int)


def tone(seconds: float, rate: int = 16_000, channels: int = 1, hertz: float = 440.0) -> Any:
    """A tone with a little noise, different in each channel, as float64 of shape (samples, channels)."""
    at = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(7).normal(0, 0.01, (len(at), channels))
    return 0.4 * np.sin(2 * np.pi * hertz * at)[:, None] * (np.arange(channels) + 1) / channels + noise


def container(samples: Any, rate: int, kind: str, subtype: str | None = None) -> bytes:
    """The samples as a file of a kind that soundfile can write."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, samples.shape[1], subtype, format=kind) as writer:
        for start in range(0, len(samples), rate):
            writer.write(samples[start : start + rate])
    return file.getvalue()


def media(
    path: Path, *tracks: Any, rate: int = 48_000, codec: str = "aac", video: bool = False, **options: str
) -> Path:
    """A file with the given audio tracks (each of shape (samples, 1)) and perhaps a picture; written by PyAV."""
    with av.open(str(path), "w", options=options) as file:
        streams: list[Any] = [file.add_stream(codec, rate=rate, layout="mono") for _ in tracks]
        for stream in streams:
            stream.bit_rate = 64_000
        picture: Any = file.add_stream("mpeg4", rate=5, width=64, height=48, pix_fmt="yuv420p") if video else None
        for _ in range(5 if video else 0):
            file.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), "rgb24")))
        if video:
            file.mux(picture.encode(None))
        for stream, samples in zip(streams, tracks, strict=True):
            for start in range(0, len(samples), 960):
                block = samples[start : start + 960].T.astype(np.float32).copy()
                frame = av.AudioFrame.from_ndarray(block, "fltp", "mono")
                frame.sample_rate, frame.pts = rate, start
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    return path


async def hear(spec: str | Path, options: SourceOptions | None = None, *, stdin_fd: int = 0) -> Heard:
    """Reads a source to its end."""
    return await drain(open_source(str(spec), options or SourceOptions(), stdin_fd=stdin_fd))


async def drain(source: Source) -> Heard:
    heard = Heard()
    try:
        await source.open()
        heard.seconds = source.seconds
        async for chunk in source.chunks():
            assert chunk.start * 2 == len(heard.audio)
            heard.audio += chunk.data
            heard.sizes.append(chunk.samples)
    except VoxcliError as error:
        heard.error = error
    finally:
        heard.remarks = source.remarks
        await source.close()
    return heard


async def hear_pipe(parts: bytes | Iterable[bytes], options: SourceOptions | None = None) -> Heard:
    """Reads what another thread writes into a pipe."""
    with piped([parts] if isinstance(parts, bytes) else parts) as fd:
        return await hear("-", options, stdin_fd=fd)


@contextmanager
def piped(parts: Iterable[bytes]) -> Iterator[int]:
    """The reading end of a pipe that a thread fills and closes."""
    read_end, write_end = os.pipe()
    thread = threading.Thread(target=_fill, args=(write_end, parts))
    thread.start()
    try:
        yield read_end
    finally:
        os.close(read_end)
        thread.join()


def _fill(fd: int, parts: Iterable[bytes]) -> None:
    with open(fd, "wb", buffering=0) as pipe:
        try:
            for part in parts:
                written = 0
                while written < len(part):
                    written += pipe.write(part[written:]) or 0
        except BrokenPipeError:
            return  # the reader has had enough
