import subprocess
import sys

SLOW = "numpy soundfile soxr av asyncio"
PASSED_THROUGH = """
import asyncio, sys
from voxcli.sources import SourceOptions, open_source
async def main():
    source = open_source("-", SourceOptions())
    await source.open()
    assert [chunk async for chunk in source.chunks()]
    await source.close()
asyncio.run(main())
"""


def loaded_after(script: str, wanted: str, stdin: bytes = b"") -> str:
    report = f"import sys; print(*[name for name in '{wanted}'.split() if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{script}\n{report}"], input=stdin, capture_output=True, check=True, timeout=30
    )
    return done.stdout.decode().strip()


def test_importing_the_sources_loads_nothing_slow() -> None:
    assert loaded_after("import voxcli.sources", SLOW) == ""


def test_sound_that_is_right_already_needs_no_numpy() -> None:
    header = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0data\0\0\0\0"
    assert loaded_after(PASSED_THROUGH, "numpy soundfile soxr av", header + bytes(320)) == ""
