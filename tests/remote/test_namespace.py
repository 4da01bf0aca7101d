"""Networks that lose, refuse and kill, made with the system's own means in a namespace that nobody else is in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.system
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_network_that_fails_costs_nothing() -> None:
    """As root, with iproute2 and iptables: where those are missing this fails, so that it is known.

    Only a machine that forbids namespaces is let off; the same faults come through a proxy in test_breaking.py.
    """
    if subprocess.run(["unshare", "-n", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine forbids network namespaces")
    tests = f"'{sys.executable}' -m pytest -q -p no:cacheprovider --tb=short '{HERE / 'in_a_namespace.py'}'"
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", f"ip link set lo up && exec {tests}"],
        cwd=HERE.parent.parent,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
