"""A publisher on the loopback interface, and places in a temporary folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import ENGLISH, KOREAN, Hub, serving, tiny_zip
from voxcli.models import Places


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A publisher with a small model of English and one of Korean."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as hub:
        hub.offer(KOREAN, tiny_zip(KOREAN), "ko")
        hub.offer(ENGLISH, tiny_zip(ENGLISH), "en-us")
        yield hub


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Places of which none exists yet."""
    return Places(
        None, tmp_path / "own", tmp_path / "cache", tmp_path / "system", (tmp_path / "site",), "http://127.0.0.1:9"
    )


@pytest.fixture
def remote(places: Places, hub: Hub) -> Places:
    """The same places, with the publisher."""
    return Places(places.named, places.own, places.cache, places.system, places.packages, hub.url)
