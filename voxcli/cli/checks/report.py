"""How checks are told: a line each as soon as it ends, or one object of JSON at the end."""

from __future__ import annotations

import shutil
from textwrap import TextWrapper

import typer

from voxcli.cli.checks import Check
from voxcli.cli.environment import Environment
from voxcli.printable import printable

NAME_WIDTH = 11
STATE_WIDTH = 4
GAP = "  "
LEAST_COLUMNS = 50
COLORS = {"ok": "green", "warn": "yellow", "FAIL": "red"}


class Report:
    """Of all that was checked. ``as_json``: nothing is printed before the end."""

    def __init__(self, environment: Environment, *, as_json: bool) -> None:
        self._environment = environment
        self._as_json = as_json
        self._checks: list[Check] = []

    @property
    def ok(self) -> bool:
        """Whether nothing has failed."""
        return all(check.ok for check in self._checks)

    @property
    def exit_code(self) -> int:
        """Of the command."""
        return 0 if self.ok else 1

    def add(self, check: Check) -> None:
        """A check has ended."""
        self._checks.append(check)
        if not self._as_json:
            for line in self._lines(check):
                self._environment.print(line)

    def end(self) -> None:
        """All have."""
        if not self._as_json:
            self._environment.say(self._sum())
            return
        from json import dumps

        told = {"ok": self.ok, "checks": [check.entry() for check in self._checks]}
        self._environment.print(dumps(told, ensure_ascii=False))

    def _sum(self) -> str:
        failures = sum(not check.ok for check in self._checks)
        warnings = sum(check.state == "warn" for check in self._checks)
        noted = f"; {warnings} {'warning' if warnings == 1 else 'warnings'}" if warnings else ""
        if failures:
            return f"{failures} of {len(self._checks)} checks failed{noted}"
        return f"what is configured works{noted}"

    def _lines(self, check: Check) -> list[str]:
        """On a terminal wrapped to its width; elsewhere the check is a line, and its hint another."""
        indent = GAP.join((" " * STATE_WIDTH, " " * NAME_WIDTH, ""))
        state = f"{check.state:<{STATE_WIDTH}}"
        begin = GAP.join((state, f"{check.name:<{NAME_WIDTH}}", ""))
        lines = self._wrapped(check.message, begin, indent)
        if self._environment.color_on(self._environment.stdout):
            lines[0] = (
                typer.style(check.state, fg=COLORS[check.state], bold=not check.ok) + lines[0][len(check.state) :]
            )
        if check.hint is not None:
            lines += self._wrapped(check.hint, f"{' ' * STATE_WIDTH}{GAP}hint: ", " " * (STATE_WIDTH + 8))
        return lines

    def _wrapped(self, text: str, begin: str, indent: str) -> list[str]:
        safe = printable(text)
        if not self._environment.is_terminal(self._environment.stdout):
            return [begin + safe]
        columns = max(shutil.get_terminal_size().columns, LEAST_COLUMNS)
        wrapper = TextWrapper(
            columns, initial_indent=begin, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        )
        return wrapper.wrap(safe) or [begin]
