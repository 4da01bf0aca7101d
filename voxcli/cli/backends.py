"""From ``--backend`` and ``--model`` to a recognizer: which one, with which speech model, fetched if need be."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from voxcli import models
from voxcli.cli.chain import LOCAL, Element
from voxcli.cli.environment import Environment
from voxcli.cli.pulling import told
from voxcli.cli.remotes import Servers
from voxcli.errors import BackendError, BackendNeedsExtra, DownloadFailed, ModelNotFound, UsageError
from voxcli.models import Model, Places
from voxcli.recognizers import REMOTES, Recognizer, RecognizerOptions, open_recognizer
from voxcli.recognizers.addresses import shown
from voxcli.recognizers.failover import FailoverRecognizer, Link
from voxcli.recognizers.lifecycle import Lifecycle

if TYPE_CHECKING:
    from voxcli.recognizers.remote import Remote
    from voxcli.recognizers.wire import Wire

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*|multi")  # the shape of a BCP 47 tag, or Deepgram's own


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command line says about recognition. Raises UsageError for what is no language."""

    chain: tuple[Element, ...]
    models: dict[str, str]
    """Name in the chain -> name or path of its speech model."""
    language: str
    chunk_samples: int
    interim: bool
    may_download: bool
    servers: Servers
    lifecycle: Lifecycle
    warm_standby: bool = False

    def __post_init__(self) -> None:
        if not _LANGUAGE.fullmatch(self.language):
            raise UsageError(
                f"{self.language or 'nothing'} is no code of a language", "use one such as en, en-us or ko"
            )

    def remotes(self) -> dict[str, Remote]:
        """The servers of the chain by name. Raises UsageError, AuthenticationFailed for one that cannot be meant."""
        return {
            element.name: self.servers.remote(
                element, language=self.language, model=self.models.get(element.name), others=self.chain
            )
            for element in self.chain
            if element.name in REMOTES
        }


@dataclass(frozen=True, slots=True)
class Opened:
    """A recognizer and what to say of it."""

    recognizer: Recognizer
    names: tuple[str, ...]
    reason: str | None


class Backends:
    """Opens what is ``wanted``. ``cancelled`` is asked now and then while a model is fetched."""

    def __init__(
        self, wanted: Wanted, environment: Environment, cancelled: Callable[[], bool], record: Wire | None = None
    ) -> None:
        self._wanted = wanted
        self._record = record
        self._models = dict(wanted.models)
        self._environment = environment
        self._places = Places.of(environment.variables)
        self._cancelled = cancelled

    def open(self) -> Opened:
        """The first of the chain that can be opened, with the rest behind it. Blocks.

        Raises BackendError.
        """
        chain, remotes = list(self._wanted.chain), self._wanted.remotes()
        while True:
            element = chain[0]
            try:
                name, reason = self.resolved(element.name)
                first = self._open(name, remotes)
                break
            except BackendError as error:
                if len(chain) == 1 or self._cancelled():
                    raise
                self._environment.say(f"{element.name} cannot be used: {error.message}; trying {chain[1].name}")
                del chain[0]
        links = {name: Link(name, partial(self._open, name, remotes), first)}
        for later in chain[1:]:
            later_name = self.resolved(later.name)[0]
            links.setdefault(later_name, Link(later_name, partial(self._open, later_name, remotes)))
        if list(links) == [name] and name not in remotes:
            return Opened(first, (name,), reason)
        relay = FailoverRecognizer(list(links.values()), self._wanted.lifecycle, warm=self._wanted.warm_standby)
        return Opened(relay, tuple(links), reason)

    def local(self, name: str) -> tuple[str, RecognizerOptions]:
        """The recognizer on this machine that a name stands for, with its model. Blocks. Raises BackendError."""
        name = self.resolved(name)[0]
        return name, self._options(name)

    def resolved(self, name: str) -> tuple[str, str | None]:
        """The recognizer that a name stands for, and why where the program chose it.

        Raises BackendError for a model that is named by a path that leads nowhere.
        """
        if name != LOCAL:
            return name, None
        if named := self._models.get(LOCAL):
            model = models.find(self._places, language=self._wanted.language, name=named, backend=None)
            backend = "vosk" if model is None else model.backend
            self._models[backend] = named
            return backend, f"the model {named} is one of its"
        return choose_local(
            self._wanted.language, vosk=self.find("vosk") is not None, moonshine=self.find("moonshine") is not None
        )

    def _open(self, name: str, remotes: Mapping[str, Remote]) -> Recognizer:
        wanted = self._wanted
        if name in remotes:
            self._environment.say(f"sending audio to {shown(remotes[name].target.url)} ({name})")
            from voxcli.recognizers.remote import RemoteRecognizer

            return RemoteRecognizer(remotes[name], wanted.lifecycle, self._record)
        return open_recognizer(name, self._options(name))

    def _options(self, name: str) -> RecognizerOptions:
        model = self.model(name)
        return RecognizerOptions(model.path, model.name, self._wanted.chunk_samples, self._wanted.interim)

    def model(self, name: str) -> Model:
        """The model for a recognizer, fetched if need be. Blocks. Raises BackendError."""
        if model := self.find(name):
            if model.backend != name:
                raise BackendError(f"{model.name} is a model for {model.backend}", f"--backend {model.backend}")
            return model
        named = self._models.get(name)
        if name == "moonshine":
            raise self._no_moonshine() if named is None else models.not_found(self._places, named, named=True)
        wanted = named or self._wanted.language
        try:
            return self._fetch(wanted)
        except (ModelNotFound, DownloadFailed) as error:
            raise self._with_easier_way(error) from error

    def _fetch(self, wanted: str) -> Model:
        named = wanted != self._wanted.language
        if not self._wanted.may_download:
            raise models.not_found(self._places, wanted, named=named)
        self._environment.say(f"no Vosk model for {wanted} is here; asking {self._places.publisher_url} for one")
        with told(self._environment) as (say, progress):
            return models.pull(self._places, wanted, named=named, say=say, progress=progress, cancelled=self._cancelled)

    def _with_easier_way(self, error: BackendError) -> BackendError:
        """For English, which needs no download where Moonshine is installed."""
        if is_english(self._wanted.language) and Element(LOCAL) in self._wanted.chain and not self.find("moonshine"):
            error.hint = f"{BackendNeedsExtra('moonshine', 'moonshine').hint} brings an English model; or {error.hint}"
        return error

    def find(self, name: str) -> Model | None:
        """The model for a recognizer, if it is here. Raises BackendError where a path leads nowhere."""
        return models.find(self._places, language=self._wanted.language, name=self._models.get(name), backend=name)

    def _no_moonshine(self) -> BackendError:
        if not is_english(self._wanted.language):
            return BackendError(
                f"moonshine knows English only, not {self._wanted.language}",
                f"--backend vosk --language {self._wanted.language}",
            )
        return BackendNeedsExtra("moonshine", "moonshine")


def choose_local(language: str, *, vosk: bool, moonshine: bool) -> tuple[str, str]:
    """Which recognizer ``local`` is, given whose models are here for the language, and why."""
    if vosk:
        return "vosk", f"a Vosk model for {language} is installed"
    if moonshine and is_english(language):
        return "moonshine", f"no Vosk model for {language} is installed"
    return "vosk", f"no other speech model for {language} is installed"


def is_english(language: str) -> bool:
    """Whether a language tag is some English: ``en``, ``en-us``, ``EN_GB``."""
    return language.lower().replace("_", "-").split("-")[0] == "en"
