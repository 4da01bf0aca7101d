"""What the server writes down: a line an event, as ``event key=value``; neither tokens nor anything that was said."""

from __future__ import annotations

import logging

LOGGER = logging.getLogger("voxcli.server")


def log(event: str, *, level: int = logging.INFO, **values: object) -> None:
    """An event with its values, such as ``connected session=1f2e client=127.0.0.1``."""
    if LOGGER.isEnabledFor(level):
        LOGGER.log(level, "%s", " ".join([event, *(f"{name}={_shown(value)}" for name, value in values.items())]))


def log_defect(event: str, **values: object) -> None:
    """The same, with the traceback of the exception that is being handled."""
    LOGGER.exception("%s", " ".join([event, *(f"{name}={_shown(value)}" for name, value in values.items())]))


def _shown(value: object) -> str:
    """A value that is one word stands as it is, another in quotes."""
    text = f"{value:.1f}" if isinstance(value, float) else str(value)
    is_plain = bool(text) and text.isprintable() and not any(mark in text for mark in ' "=')
    return text if is_plain else '"' + "".join(c if c.isprintable() and c != '"' else "?" for c in text) + '"'
