"""Lets the parts use the servers and the audio of tests/equipment: import it before them."""

from __future__ import annotations

import sys
from pathlib import Path

EQUIPMENT = Path(__file__).parents[2] / "tests" / "equipment"
sys.path.append(str(EQUIPMENT))

CASES = {
    "voxcli.v1, joined again": ("voxcli", "server", True),
    "voxcli.v1, forgotten": ("voxcli", "server", False),
    "Deepgram": ("deepgram", "deepgram", False),
    "vosk-server": ("vosk", "vosk-server", False),
}
"""Name of a case -> dialect of the scripted server, backend that speaks it, whether sessions can be joined again."""
