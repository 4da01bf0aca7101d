"""Microphones without hardware: an ALSA card that hears a file (``fake_card.c``), and PulseAudio with a null sink.

with SoundCard(folder, recording) as card:
    voxcli("listen", home=home, **card.variables)
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

PLAY = ("pacat", "--playback", "--device=mic", "--rate=16000", "--channels=1", "--format=s16le")
"""What plays raw samples to the sink."""
SOURCE = Path(__file__).with_name("fake_card.c")


def built(folder: Path) -> Path:
    """The card, compiled for ALSA."""
    library = folder / "libasound_module_pcm_fakecard.so"
    command = ["gcc", "-shared", "-fPIC", "-DPIC", "-O1", "-Wall", "-o", library, SOURCE, "-lasound"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return library


class SoundCard:
    """``usbmic`` and ``default`` are one card at this rate; it hears linear16 samples of one channel, then silence."""

    def __init__(
        self, library: Path, folder: Path, heard: bytes, *, rate: int = 16_000, channels: int = 1, stuck: bool = False
    ) -> None:
        self.heard = np.frombuffer(heard, "<i2")
        self._away = folder / "away"
        file = folder / "heard.raw"
        file.write_bytes(np.repeat(self.heard, channels).tobytes())
        card = (
            f'type fakecard rate {rate} channels {channels} file "{file}" origin "{folder / "origin"}" '
            f'away "{self._away}" stuck {int(stuck)}'
        )
        settings = folder / "alsa.conf"
        settings.write_text(
            "</usr/share/alsa/alsa.conf>\n"
            f'pcm_type.fakecard {{ lib "{library}" }}\npcm.usbmic {{ {card} }}\npcm.!default {{ {card} }}\n'
        )
        self.variables = {"ALSA_CONFIG_PATH": str(settings)}

    def unplug(self) -> None:
        """It is gone."""
        self._away.touch()

    def plug_in(self) -> None:
        """It is back."""
        self._away.unlink()


@contextmanager
def sound_server(folder: Path) -> Iterator[dict[str, str]]:
    """PulseAudio of its own, whose one microphone hears what is played to the sink ``mic``: how to find it."""
    place = folder / "native"
    variables = {
        "PULSE_SERVER": f"unix:{place}", "PULSE_RUNTIME_PATH": str(folder), "PULSE_STATE_PATH": str(folder),
        "PULSE_COOKIE": str(folder / "cookie"), "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder),
    }  # fmt: skip
    modules = (
        f"module-native-protocol-unix auth-anonymous=1 socket={place}",
        "module-null-sink sink_name=mic rate=16000 channels=1 format=s16le",
    )
    options = ("-n", "-F", "/dev/null", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
               "--realtime=no", "--high-priority=no")  # fmt: skip
    loaded = [part for module in modules for part in ("-L", module)]
    environment = {**os.environ, **variables}
    server = subprocess.Popen(
        ["pulseaudio", *options, *loaded],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    awake: subprocess.Popen[bytes] | None = None
    try:
        _wait_for(place, server)
        subprocess.run(["pactl", "set-default-source", "mic.monitor"], env=environment, check=True, timeout=10)
        awake = subprocess.Popen(  # a sink that nobody plays to wakes every two seconds only
            [*PLAY, "--latency-msec=20", "/dev/zero"],
            env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        yield variables
    finally:
        for process in (awake, server):
            if process is not None:
                process.send_signal(signal.SIGKILL)
                process.wait(10)


def _wait_for(place: Path, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 10
    while not place.exists():
        assert server.poll() is None, "pulseaudio has ended"
        assert time.monotonic() < end, "pulseaudio does not come up"
        time.sleep(0.02)
