"""A recognizer of this machine, proved by a few words: its model is found, loaded and made to hear them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from voxcli.cli.backends import Backends, Wanted, is_english
from voxcli.cli.checks import Check
from voxcli.cli.checks.children import Crashed, answer_of
from voxcli.cli.checks.sample import is_right
from voxcli.cli.environment import Environment
from voxcli.errors import BackendError, ModelBroken
from voxcli.models import Model

PATIENCE_SECONDS = 120.0
"""A big model of Vosk's takes a minute to load."""


class Locals:
    """The recognizers of a chain that are on this machine, each tried once. Nothing is fetched for it."""

    def __init__(self, wanted: Wanted, environment: Environment) -> None:
        self.needs_model = False
        self.works = False
        """Whether one of them does."""
        self._wanted = wanted
        self._backends = Backends(replace(wanted, may_download=False), environment, lambda: False)
        self._tried: set[str] = set()

    async def check(self, name: str, *, has_others: bool) -> list[Check]:
        """One by its name in the chain; ``has_others``: something else of the chain can do its work.

        Raises BackendError for a model that is named and cannot be had.
        """
        name = (await asyncio.to_thread(self._backends.resolved, name))[0]
        if name in self._tried:
            return []
        self._tried.add(name)
        try:
            model = await asyncio.to_thread(self._backends.model, name)
        except BackendError as error:
            if not await asyncio.to_thread(self._can_be_fetched, name):
                raise
            self.needs_model = True
            return [self._missing(name, error, is_needed=not has_others)]
        check = await self._tried_out(model)
        self.works = self.works or check.ok
        return [check]

    def _can_be_fetched(self, name: str) -> bool:
        """Whether nothing is wrong but that there is no model of the language yet."""
        return name == "vosk" and name not in self._wanted.models and self._backends.find(name) is None

    def _missing(self, name: str, error: BackendError, *, is_needed: bool) -> Check:
        first = "; it would be fetched first" if self._wanted.may_download else ""
        return Check(name, error.message + first, error.hint, ok=not is_needed)

    async def _tried_out(self, model: Model) -> Check:
        try:
            answer = await answer_of(
                "voxcli.cli.checks.trial", model.backend, model.name, str(model.path), patience=PATIENCE_SECONDS
            )
        except Crashed as crashed:
            raise ModelBroken(str(model.path), str(crashed)) from crashed
        if "message" in answer:
            return Check(model.backend, answer["message"], answer["hint"], ok=False)
        return self._heard(model, answer)

    def _heard(self, model: Model, answer: Mapping[str, Any]) -> Check:
        told = f"{model.name} {_place(model)} loaded in {answer['loaded']:.1f} s"
        took, heard = f"{answer['took']:.1f} s", answer["heard"]
        if not is_english(model.language or self._wanted.language):
            return Check(model.backend, f"{told}, ran over the English sample in {took}; its words prove nothing")
        if is_right(heard):
            return Check(model.backend, f"{told}, heard the sample right in {took}")
        hint = f"voxcli models verify {model.name} says whether the model is whole; is it one for this language?"
        return Check(model.backend, f"{told}, heard the sample wrong: {heard or 'nothing'}", hint, ok=False)


def _place(model: Model) -> str:
    return "in its package" if model.origin == "package" else f"in {model.path}"
