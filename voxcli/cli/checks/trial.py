"""Has a recognizer of this machine hear the sample, and prints a JSON object: run in a process of its own.

Arguments: the recognizer, the name of its model, the model's folder. Seconds until it is ``loaded`` and until it has
``heard`` the text; or ``message`` and ``hint`` of what went wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from voxcli.cli.checks.sample import heard_by
from voxcli.errors import VoxcliError
from voxcli.recognizers import RecognizerOptions, open_recognizer


async def trial(name: str, model_name: str, folder: str) -> dict[str, object]:
    """Load and hear."""
    recognizer = open_recognizer(name, RecognizerOptions(Path(folder), model_name))
    began = time.monotonic()
    try:
        await recognizer.load()
        loaded = time.monotonic()
        heard = await heard_by(recognizer)
    except VoxcliError as error:
        return {"message": error.message, "hint": error.hint}
    finally:
        await recognizer.close()
    return {"loaded": loaded - began, "took": time.monotonic() - loaded, "heard": heard}


if __name__ == "__main__":
    output = os.dup(1)
    os.dup2(2, 1)  # what native libraries print is no part of the answer
    answer = json.dumps(asyncio.run(trial(*sys.argv[1:])))
    os.write(output, answer.encode())
