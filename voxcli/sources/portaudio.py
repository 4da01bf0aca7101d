"""The door to PortAudio, in a process of its own: ``list``, ``capture [DEVICE]`` or ``recapture NAME`` is its argument.

A device that is unplugged may leave PortAudio in a call that never returns, spinning and writing to standard error
without end; a device that appears later is seen only by a fresh PortAudio; and a busy interpreter captures late. So
whoever captures is a process that can be killed and started anew. It writes a line of JSON, and then records: a header
(``HEADER``: seconds on the monotonic clock when a block was complete, frames that were lost before it, whether the
system lost some itself, bytes) and that many bytes of linear16. It ends when its standard input does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import struct
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from queue import SimpleQueue
from typing import Any

from voxcli.audio import SAMPLE_BYTES
from voxcli.devices import Device, chosen, found_again, without_doubles
from voxcli.errors import DeviceError, DeviceNeedsLibrary

HEADER = struct.Struct("<dI?I")
BLOCKS_A_SECOND = 10
KEPT_SECONDS = 120
"""Kept for a reader that is held up."""
MOST_LATE_SECONDS = 2.0
"""Of a block, from when it was complete until it is given; more than that is no time that could be true."""
FLUSH_SECONDS = 0.5
"""For a device to give out what it has, at the end."""
USUAL_RATES = (48_000, 44_100, 16_000)
MOST_MIXED = 2
"""Of a device with more channels, which are not one microphone's, only the first is taken."""

_INSTALL = {
    "linux": "install it: apt install libportaudio2, or dnf install portaudio",
    "darwin": "brew install portaudio",
}


def devices(library: Any) -> list[Device]:
    """What can be captured from, each once."""
    default = library.default.device[0]
    hosts = library.query_hostapis()
    found = [
        Device(
            id=number,
            name=str(entry["name"]),
            channels=int(entry["max_input_channels"]),
            sample_rate=round(entry["default_samplerate"]),
            default=number == default,
            host=str(hosts[entry["hostapi"]]["name"]),
        )
        for number, entry in enumerate(library.query_devices())
        if entry["max_input_channels"] > 0
    ]
    return without_doubles(found)


class Capture:
    """What the device gives, from PortAudio's thread to the standard output of this process."""

    def __init__(self) -> None:
        self.queue: SimpleQueue[bytes | None] = SimpleQueue()
        self.most_bytes = 0
        self.stream: Any = None
        self._waiting_bytes = 0
        self._lost = 0

    def take(self, data: Any, frames: int, times: Any, status: Any) -> None:
        """A block, in PortAudio's own thread, which must not wait."""
        if self._waiting_bytes > self.most_bytes:
            self._lost += frames
            return
        block = bytes(data)
        lost, self._lost = self._lost, 0
        self._waiting_bytes += len(block)
        complete_at = time.monotonic() - self._lateness(frames, times)
        self.queue.put(HEADER.pack(complete_at, lost, bool(status.input_overflow), len(block)) + block)

    def _lateness(self, frames: int, times: Any) -> float:
        """Seconds since the block was complete, where the device knows when its first sample was heard."""
        if self.stream is None or not times.inputBufferAdcTime:
            return 0.0
        lateness = self.stream.time - times.inputBufferAdcTime - frames / self.stream.samplerate
        return float(lateness) if 0 < lateness < MOST_LATE_SECONDS else 0.0

    def end(self) -> None:
        """Nothing more comes: the device is gone, or nobody wants it."""
        self.queue.put(None)

    def write(self) -> None:
        """Hand it on until it ends, or until nobody reads."""
        with contextlib.suppress(OSError):
            while (record := self.queue.get()) is not None:
                _write(record)
                self._waiting_bytes -= len(record) - HEADER.size


def capture(library: Any, device: Device) -> None:
    """Capture until standard input ends or the device does. Raises DeviceError."""
    work = Capture()
    stream = _open(library, device, work)
    _say({"device": asdict(device), "sample_rate": round(stream.samplerate), "channels": stream.channels})
    threading.Thread(target=_stop_when_asked, args=(stream, work), daemon=True).start()
    work.write()


def _open(library: Any, device: Device, work: Capture) -> Any:
    """The device at its own rate and channels, or else as it can be had."""
    few = device.channels if device.channels <= MOST_MIXED else 1
    wishes = [(device.sample_rate, few), (device.sample_rate, device.channels), (device.sample_rate, 1)]
    wishes += [(rate, channels) for rate in USUAL_RATES for channels in (few, device.channels)]
    reasons = []
    for rate, channels in dict.fromkeys(wishes):
        work.most_bytes = KEPT_SECONDS * rate * channels * SAMPLE_BYTES
        stream = None
        try:
            stream = library.RawInputStream(
                device=device.id, samplerate=rate, channels=channels, dtype="int16", blocksize=rate // BLOCKS_A_SECOND,
                callback=work.take, finished_callback=work.end,
            )  # fmt: skip
            work.stream = stream
            stream.start()
        except library.PortAudioError as error:
            reasons.append(str(error.args[0] if error.args else error))
            if stream is not None:
                stream.close()
            continue
        return stream
    raise DeviceError(
        f"the microphone {device.name} cannot be opened: {reasons[0]}",
        "is another program using it? voxcli devices lists the others, --device takes one of them",
    )


def _stop_when_asked(stream: Any, work: Capture) -> None:
    """Standard input ends when whoever listens has enough, or is no more."""
    sys.stdin.buffer.read()
    stopping = threading.Thread(target=stream.stop, daemon=True)
    stopping.start()
    stopping.join(FLUSH_SECONDS)
    work.end()


def _say(message: object) -> None:
    _write(json.dumps(message).encode() + b"\n")


def _write(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(1, view) :]


def _do(library: Any, work: str, wish: str | None = None) -> None:
    found = devices(library)
    if work == "list":
        _say({"devices": [asdict(device) for device in found]})
    elif work == "recapture" and wish is not None:
        capture(library, found_again(found, wish))
    else:
        capture(library, chosen(found, wish))


def run(arguments: Sequence[str]) -> None:
    """What the command line asks for; an error is the line that is written."""
    try:
        try:
            import sounddevice as library
        except OSError as error:
            raise DeviceNeedsLibrary(_INSTALL.get(sys.platform, "install it")) from error
        _do(library, *arguments)
    except DeviceError as error:
        _say({"error": error.code, "message": error.message, "hint": error.hint})


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process says when it ends
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(1, os.O_BINARY)
    try:
        run(sys.argv[1:])
    finally:
        os._exit(0)  # PortAudio's own farewell may never end
