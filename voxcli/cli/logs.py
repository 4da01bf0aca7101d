"""The words of the network library, for those who asked for them."""

from __future__ import annotations

import logging

from voxcli.cli.environment import Environment

LIBRARIES = 2
"""How often ``-v`` must be given for the libraries' own words."""


class Said(logging.Handler):
    """Log records as lines on standard error. Whoever logs has hidden the keys already."""

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self._environment = environment

    def emit(self, record: logging.LogRecord) -> None:
        self._environment.complain(record.getMessage())


def show_libraries(environment: Environment) -> None:
    """From now on show what goes over the wire, as the network library logs it."""
    logger = logging.getLogger("voxcli.wire")
    logger.setLevel(logging.DEBUG)
    logger.handlers[:] = [Said(environment)]
    logger.propagate = False
