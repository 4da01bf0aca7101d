import os
from pathlib import Path

import pytest

from support import model_without_dither

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"  # nobody's own keys are asked for by tests


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def steady_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Vosk model (Korean) that hears the same in every run."""
    return model_without_dither(tmp_path_factory.mktemp("models") / "vosk-model-small-ko-steady")
