"""``voxcli devices``: the microphones of this machine, and whether they hear anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from voxcli.audio import Chunk, seconds
from voxcli.cli import options
from voxcli.cli.environment import Environment
from voxcli.printable import printable

if TYPE_CHECKING:
    from voxcli.devices import Device

app = typer.Typer(add_completion=False)

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
    """The meter of the live view while it listens, and how loud it was. Raises DeviceError."""
    from voxcli.hearing import FLOOR_DB
    from voxcli.sources import MicrophoneOptions, open_microphone

    source = open_microphone(MicrophoneOptions(wish, TEST_SECONDS))
    loudest = FLOOR_DB
    try:
        await source.open()
        environment.say(f"listening to {source.name} for {TEST_SECONDS:g} s: say something")
        with _meter(environment, source.name) as show:
            async for given in source.chunks():
                if isinstance(given, Chunk) and source.level is not None:
                    loudest = max(loudest, source.level)
                    show(seconds(given.end), source.level)
    finally:
        await source.close()
    heard = "it hears you" if loudest > QUIET_DB else "that is next to nothing: is it muted, or is it another one?"
    environment.print(f"{printable(source.name)}: {round(loudest)} dB at the loudest; {heard}")
    return 0 if loudest > QUIET_DB else 1


@contextmanager
def _meter(environment: Environment, name: str) -> Iterator[Callable[[float, float], None]]:
    """What shows a time and a level on standard error, where something can be drawn there."""
    if environment.quiet or not environment.is_terminal(environment.stderr):
        yield lambda at, level: None
        return
    from voxcli.renderers import RendererOptions, Status
    from voxcli.renderers.live import StatusRenderer
    from voxcli.renderers.output import StatusOutput

    options = RendererOptions(color=environment.color_on(environment.stderr))
    drawn = StatusRenderer(StatusOutput(environment.stderr), options)
    try:
        yield lambda at, level: drawn.status(
            Status(heard=at, total=None, backend=printable(name), open_text="", is_live=True, level=level)
        )
    finally:
        drawn.close()
