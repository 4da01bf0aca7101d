"""Makes the card of the tests, ``listen_card.py FOLDER``, in a room without anybody; prints the variables for it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import scripted  # noqa: F401 - finds the equipment

from sound_card import SoundCard, built

RATE = 16_000
NOISE = 33
"""Root mean square of its samples: -60 dB."""

folder = Path(sys.argv[1])
heard = np.random.default_rng(1).normal(0, NOISE, RATE * 120).astype("<i2").tobytes()
print(json.dumps(SoundCard(built(folder), folder, heard).variables))
