"""Which microphone is meant: the devices of a machine without their doubles, found by number or by part of a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxcli.errors import DeviceAmbiguous, DeviceNotFound, DevicesNone

HOSTS = ("Windows WASAPI", "Windows DirectSound", "MME", "Windows WDM-KS")
"""Ways to one and the same device on Windows, the best first; elsewhere no device is listed twice."""

CUT_CHARACTERS = 31
"""MME cuts names off here."""


@dataclass(frozen=True, slots=True)
class Device:
    """Something that audio can be captured from."""

    id: int
    """The number that PortAudio knows it by; it may change when devices come and go."""
    name: str
    channels: int
    """At most."""
    sample_rate: int
    """The device's own, in Hz."""
    default: bool = False
    """Whether it is used where none is named."""
    host: str = ""
    """The part of the system that it is reached through."""


def without_doubles(devices: Sequence[Device]) -> list[Device]:
    """Each device once, through the best way to it; the default is the default whichever way it is marked."""
    kept: list[Device] = []
    for device in sorted(devices, key=_rank):
        if not any(_is_double(device, other) for other in kept):
            is_default = device.default or any(_is_double(other, device) and other.default for other in devices)
            kept.append(_marked(device, is_default))
    return sorted(kept, key=lambda device: device.id)


def found_again(devices: Sequence[Device], name: str) -> Device:
    """The device of exactly that name: one that is merely called like it is another. Raises DeviceNotFound."""
    same = [device for device in devices if device.name == name]
    if not same:
        raise DeviceNotFound(name, [device.name for device in devices])
    return same[0]


def chosen(devices: Sequence[Device], wish: str | None) -> Device:
    """The device that is wished for: a number, a name or a part of one; None is the default.

    Raises DevicesNone, DeviceNotFound, DeviceAmbiguous.
    """
    if not devices:
        raise DevicesNone
    if wish is None or wish.casefold() == "default":
        named = [device for device in devices if device.name.casefold() == "default"]
        return next((device for device in devices if device.default), named[0] if named else devices[0])
    found = _matching(devices, wish)
    if not found:
        raise DeviceNotFound(wish, [device.name for device in devices])
    if len(found) > 1:
        raise DeviceAmbiguous(wish, [f"{device.id} {device.name}" for device in found])
    return found[0]


def _matching(devices: Sequence[Device], wish: str) -> list[Device]:
    """The number, else the whole name, else all that have it in their name, whatever the case."""
    if wish.isdecimal():
        numbered = [device for device in devices if device.id == int(wish)]
        if numbered:
            return numbered
    folded = wish.casefold()
    same = [device for device in devices if device.name.casefold() == folded]
    return same or [device for device in devices if folded in device.name.casefold()]


def _rank(device: Device) -> tuple[int, int]:
    return (HOSTS.index(device.host) if device.host in HOSTS else -1, device.id)


def _is_double(device: Device, other: Device) -> bool:
    """Whether both are one device, reached in two ways that are known to show the same devices."""
    if device.host == other.host or device.host not in HOSTS or other.host not in HOSTS:
        return False
    shortest = min(len(device.name), len(other.name))
    return device.name == other.name or (
        shortest >= CUT_CHARACTERS and device.name[:CUT_CHARACTERS] == other.name[:CUT_CHARACTERS]
    )


def _marked(device: Device, is_default: bool) -> Device:
    return Device(device.id, device.name, device.channels, device.sample_rate, is_default, device.host)
