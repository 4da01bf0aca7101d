from pathlib import Path

import pytest

from sound_card import built


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The card that is none, compiled."""
    return built(tmp_path_factory.mktemp("card"))
