"""Keys and tokens stay out of everything that is said, written or logged."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterable, Iterator
from urllib.parse import quote

HIDDEN = "***"


class Secrets(logging.Filter):
    """Replaces each secret in a text, in every dress that it may wear there.

    As a filter of log records it also drops those with a piece of a message: a library shortens them, perhaps in the
    middle of a key. Whoever logs messages hides the secrets first.
    """

    def __init__(self, secrets: Iterable[str | None]) -> None:
        super().__init__()
        dresses = {dress for secret in secrets if secret for dress in _dresses(secret)}
        self._secrets = sorted(dresses, key=len, reverse=True)

    def and_those_of(self, others: Iterable[Secrets]) -> Secrets:
        """These and all of the others."""
        union = Secrets([])
        dresses = {dress for secrets in (self, *others) for dress in secrets._secrets}
        union._secrets = sorted(dresses, key=len, reverse=True)
        return union

    def hidden(self, text: str) -> str:
        """The text with every secret as ``***``."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and any(type(argument).__name__ == "Frame" for argument in record.args):
            return False
        record.msg, record.args = self.hidden(record.getMessage()), ()
        record.exc_info = record.exc_text = None
        return True


def _dresses(secret: str) -> Iterator[str]:
    """A secret as it is, in JSON, in an address, and as the whole of a Basic credential."""
    yield secret
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield quote(secret, safe="")
    yield base64.b64encode(secret.encode()).decode()
