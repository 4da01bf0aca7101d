"""Which microphone is meant, and which ones are one and the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxcli.devices import HOSTS, Device, chosen, found_again, without_doubles
from voxcli.errors import DeviceAmbiguous, DeviceNotFound, DevicesNone

LONG = "Microphone Array (Intel® Smart Sound Technology)"
WINDOWS = [
    Device(0, LONG[:31], 2, 44_100, default=True, host="MME"),
    Device(1, LONG, 2, 44_100, host="Windows DirectSound"),
    Device(2, LONG, 2, 48_000, host="Windows WASAPI"),
    Device(3, "Line In", 2, 48_000, host="Windows WDM-KS"),
    Device(4, "Line", 2, 48_000, host="MME"),
]
LINUX = [
    Device(0, "USB Audio: - (hw:1,0)", 1, 48_000, host="ALSA"),
    Device(3, "USB Audio: - (hw:2,0)", 1, 48_000, host="ALSA"),
    Device(5, "pulse", 32, 44_100, host="ALSA"),
    Device(6, "default", 32, 44_100, default=True, host="ALSA"),
]


def test_a_device_that_is_reached_in_several_ways_is_listed_once() -> None:
    """Through the best of them, and it stays the default; names that merely begin alike are others."""
    assert without_doubles(WINDOWS) == [replace(WINDOWS[2], default=True), WINDOWS[3], WINDOWS[4]]


def test_where_nothing_is_listed_twice_all_is_kept() -> None:
    twins = [replace(LINUX[0], id=9), *LINUX]
    assert without_doubles(twins) == [*LINUX, replace(LINUX[0], id=9)]


@given(st.lists(st.builds(Device, st.integers(0, 50), st.sampled_from(["a", "b", "x" * 40]), st.just(1), st.just(8_000),
                          host=st.sampled_from([*HOSTS, "ALSA"])), unique_by=lambda device: device.id))  # fmt: skip
def test_no_device_is_lost(devices: list[Device]) -> None:
    kept = without_doubles(devices)
    assert {device.name for device in kept} == {device.name for device in devices}
    assert [device.id for device in kept] == sorted(device.id for device in kept)


@pytest.mark.parametrize(
    ("wish", "number"), [(None, 6), ("default", 6), ("DEFAULT", 6), ("3", 3), ("pulse", 5), ("hw:1", 0), ("puls", 5)]
)
def test_what_is_wished_for(wish: str | None, number: int) -> None:
    assert chosen(LINUX, wish).id == number


def test_without_a_default_it_is_the_one_of_that_name_or_the_first() -> None:
    unmarked = [replace(device, default=False) for device in LINUX]
    assert chosen(unmarked, None).name == "default"
    assert chosen(unmarked[:2], None).id == 0


def test_a_number_that_is_no_device_may_be_a_part_of_a_name() -> None:
    assert chosen([Device(0, "Scarlett 18i20", 2, 48_000)], "18").id == 0


def test_a_whole_name_wins_over_a_part_of_one() -> None:
    devices = [Device(0, "USB 2", 1, 8_000), Device(1, "USB", 1, 8_000)]
    assert chosen(devices, "usb").id == 1


def test_what_cannot_be_found() -> None:
    with pytest.raises(DevicesNone):
        chosen([], None)
    with pytest.raises(DeviceNotFound, match="there is no microphone headset") as missing:
        chosen(LINUX, "headset")
    assert "pulse, default" in missing.value.hint
    with pytest.raises(DeviceAmbiguous, match="usb may be any of 2 microphones") as several:
        chosen(LINUX, "usb")
    assert several.value.hint.endswith("0 USB Audio: - (hw:1,0), 3 USB Audio: - (hw:2,0)")


def test_a_device_is_found_again_by_its_whole_name_only() -> None:
    assert found_again(LINUX, "pulse").id == 5
    with pytest.raises(DeviceNotFound):
        found_again(LINUX, "puls")
