"""Keys and tokens stay out of everything that is said, written or logged."""

from __future__ import annotations

import logging
from collections.abc import Iterable

HIDDEN = "***"


class Secrets(logging.Filter):
    """Replaces each secret in a text, also as a filter of log records: libraries log the headers that they send."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        super().__init__()
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def hidden(self, text: str) -> str:
        """The text with every secret as ``***``."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self.hidden(record.getMessage()), ()
        record.exc_info = record.exc_text = None
        return True
