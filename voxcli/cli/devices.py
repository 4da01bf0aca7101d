"""``voxcli devices``: the microphones of this machine, and whether they hear anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from voxcli.cli import options
from voxcli.cli.environment import Environment
from voxcli.printable import printable

if TYPE_CHECKING:
    from voxcli.devices import Device

app = typer.Typer(add_completion=False)

METER_COLUMNS = 40
TEST_SECONDS = 5.0
QUIET_DB = -60.0
"""Below it nobody has spoken."""


@app.command(epilog="For example: voxcli devices --test --device usb; voxcli listen --device usb")
def devices(
    ctx: typer.Context,
    json: Annotated[bool, typer.Option("--json", help="One array of JSON.")] = False,
    test: Annotated[bool, typer.Option("--test", help="Listen for 5 s and show how loud it is.")] = False,
    device: options.Device = None,
) -> int:
    """List the microphones of this machine.

    The default one is marked with *. A line each: its number, its name, channels, and its own sample rate in Hz.
    Numbers may change when devices come and go; a part of the name is the safer way to say which is meant.
    """
    import asyncio

    from voxcli.cli.native import native_chatter_silenced

    environment: Environment = ctx.obj
    with native_chatter_silenced(environment):
        return asyncio.run(_test(environment, device) if test else _list(environment, json))


async def _list(environment: Environment, json: bool) -> int:
    from voxcli.errors import DevicesNone
    from voxcli.sources.capture import list_devices

    found = await list_devices()
    if json:
        from json import dumps

        environment.print(dumps([_entry(device) for device in found], ensure_ascii=False))
    elif not found:
        raise DevicesNone
    else:
        width = max(len(printable(device.name)) for device in found)
        for device in found:
            environment.print(_line(device, width))
    return 0


def _entry(device: Device) -> dict[str, object]:
    return {
        "id": device.id, "name": device.name, "channels": device.channels, "sample_rate": device.sample_rate,
        "default": device.default,
    }  # fmt: skip


def _line(device: Device, width: int) -> str:
    channels = "1 channel" if device.channels == 1 else f"{device.channels} channels"
    mark = "*" if device.default else " "
    return f"{mark} {device.id:>2}  {printable(device.name):<{width}}  {channels:<11}  {device.sample_rate} Hz"


async def _test(environment: Environment, wish: str | None) -> int:
    """The level as a bar that moves, or ten lines a second at most where nothing can be redrawn. Raises DeviceError."""
    from voxcli.sources import MicrophoneOptions, open_microphone

    source = open_microphone(MicrophoneOptions(wish, TEST_SECONDS))
    is_drawn = environment.is_terminal(environment.stderr) and not environment.quiet
    loudest = -90.0
    try:
        await source.open()
        environment.say(f"listening to {source.name} for {TEST_SECONDS:g} s: say something")
        async for _ in source.chunks():
            level = -90.0 if source.level is None else source.level
            loudest = max(loudest, level)
            if is_drawn:
                environment.stderr.write(f"\r{_meter(level)}")
                environment.stderr.flush()
    finally:
        await source.close()
        if is_drawn:
            environment.stderr.write("\r\x1b[K")
    heard = "it hears you" if loudest > QUIET_DB else "that is next to nothing: is it muted, or is it another one?"
    environment.print(f"{printable(source.name)}: {round(loudest)} dB at the loudest; {heard}")
    return 0 if loudest > QUIET_DB else 1


def _meter(level: float) -> str:
    filled = round(METER_COLUMNS * min(1.0, max(0.0, (level + 60) / 60)))
    return f"[{'#' * filled}{' ' * (METER_COLUMNS - filled)}] {level:4.0f} dB"
