"""Every error that voxcli can end with: one sentence, one hint, one exit code.

An error carries the values it is about and builds its sentence from them. Foreign exceptions become one of these at
the place where the foreign library is called, with ``raise ... from``.

    VoxcliError                 code              exit
    |- UsageError               usage             2
    |  |- SettingsRefused       settings          2
    |  `- ProfileNotFound       profile_not_found 2
    |- ServerNeedsExtra         server_needs_extra 1
    |- SourceError              source            3
    |  |- SourceNotFound        source_not_found  3
    |  |- SourceUnreadable      source_unreadable 3
    |  |- SourceEmpty           source_empty      3
    |  |- SourceNotAudio        source_not_audio  3
    |  |- SourceTruncated       source_truncated  3
    |  |- SourceNeedsExtra      source_needs_extra 3
    |  `- DeviceError            device            3
    |     |- DeviceNeedsLibrary  device_needs_library 3
    |     |- DevicesNone         device_none       3
    |     |- DeviceNotFound      device_not_found  3
    |     |- DeviceAmbiguous     device_ambiguous  3
    |     `- DeviceLost          device_lost       3
    |- BackendError             backend           5
    |  |- BackendNeedsExtra     backend_needs_extra 5
    |  |- ModelNotFound         model_not_found   5
    |  |- ModelBroken           model_broken      5
    |  |- DownloadFailed        download_failed   5
    |  |- BackendUnreachable    backend_unreachable 5
    |  |- BackendRefused        backend_refused   5
    |  |- BackendSilent         backend_silent    5
    |  |- BackendMisunderstood  backend_misunderstood 5
    |  |- AuthenticationFailed  authentication    4
    |  `- EveryBackendFailed    every_backend_failed 5
    |- NothingSaid              nothing_said      1
    |- DrainTimeout             drain_timeout     1
    `- OutputError              output            1
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

STANDARD_OUTPUT = "standard output"


def _install(extra: str) -> str:
    return f"pip install 'voxcli[{extra}]', or '.[{extra}]' from a clone"


class VoxcliError(Exception):
    """The root of the tree: something went wrong that a person can be told about.

    ``message`` is one sentence without a full stop, ``hint`` one line that says what to do next.
    """

    code: ClassVar[str] = "runtime"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(VoxcliError):
    """The command line or a setting asks for something that cannot be."""

    code = "usage"
    exit_code = 2


class SettingsRefused(UsageError):
    """A file of settings cannot be read, or says what cannot be meant."""

    code = "settings"

    def __init__(self, file: str, reason: str, hint: str) -> None:
        super().__init__(f"{file}: {reason}", hint)


class ProfileNotFound(UsageError):
    """No file of settings has a profile of that name."""

    code = "profile_not_found"

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__(
            f"there is no profile {name}",
            f"there are {', '.join(names)}" if names else f"[profile.{name}] in voxcli.toml makes one",
        )


class ServerNeedsExtra(VoxcliError):
    """The server is part of voxcli, but a library that it stands on is not installed."""

    code = "server_needs_extra"

    def __init__(self, library: str) -> None:
        super().__init__(f"voxcli serve needs {library}, which is not installed", _install("server"))


class SourceError(VoxcliError):
    """Audio could not be read from where it was to come from."""

    code = "source"
    exit_code = 3


class SourceNotFound(SourceError):
    """There is no file of that name."""

    code = "source_not_found"

    def __init__(self, source: str) -> None:
        is_address = "://" in source
        super().__init__(
            f"{source}: no such file",
            "addresses are not fetched: curl ADDRESS | voxcli transcribe -"
            if is_address
            else "check the path; use - for standard input",
        )


class SourceUnreadable(SourceError):
    """It is there, but cannot be opened or read."""

    code = "source_unreadable"

    def __init__(self, source: str, reason: str, hint: str = "check that the file can be opened and read") -> None:
        super().__init__(f"{source}: {reason}", hint)


class SourceEmpty(SourceError):
    """It is there, but holds no audio at all."""

    code = "source_empty"

    def __init__(self, source: str, reason: str = "is empty: there is no audio in it") -> None:
        super().__init__(f"{source}: {reason}", "check that what made it has finished and has written sound")


class SourceNotAudio(SourceError):
    """It is there, but is not audio that can be decoded."""

    code = "source_not_audio"

    def __init__(self, source: str, reason: str, hint: str) -> None:
        super().__init__(f"{source}: {reason}", hint)


class SourceTruncated(SourceError):
    """The audio ends before its own header says; all that was there has been given out first."""

    code = "source_truncated"

    def __init__(self, source: str, seconds: float, reason: str = "the audio breaks off") -> None:
        super().__init__(
            f"{source}: {reason} after {seconds:.1f} s; what was there has been transcribed",
            "copy or download the file again to get the rest",
        )
        self.seconds = seconds


class SourceNeedsExtra(SourceError):
    """It could be decoded, by a library that is not installed."""

    code = "source_needs_extra"

    def __init__(self, source: str, what: str, extra: str) -> None:
        super().__init__(f"{source}: {what} needs the extra '{extra}'", _install(extra))


class DeviceError(SourceError):
    """A microphone cannot be used."""

    code = "device"


class DeviceNeedsLibrary(DeviceError):
    """The library that knows the devices is not on this machine."""

    code = "device_needs_library"

    def __init__(self, package: str) -> None:
        super().__init__(
            "PortAudio, which captures from microphones, is not installed",
            f"{package}; files and pipes are transcribed without it",
        )


class DevicesNone(DeviceError):
    """There is no microphone at all."""

    code = "device_none"

    def __init__(self) -> None:
        super().__init__("there is no microphone", "connect one, or start the sound server; voxcli devices lists them")


class DeviceNotFound(DeviceError):
    """There is no microphone of that name or number."""

    code = "device_not_found"

    def __init__(self, wish: str, names: Sequence[str]) -> None:
        super().__init__(f"there is no microphone {wish}", f"voxcli devices lists them: {', '.join(names)}")


class DeviceAmbiguous(DeviceError):
    """More than one microphone could be meant."""

    code = "device_ambiguous"

    def __init__(self, wish: str, found: Sequence[str]) -> None:
        super().__init__(
            f"{wish} may be any of {len(found)} microphones", f"name one by its number: {', '.join(found)}"
        )


class DeviceLost(DeviceError):
    """A microphone went away and did not come back."""

    code = "device_lost"

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(
            f"the microphone {name} went away and did not come back within {seconds:g} s",
            "what was said before has been transcribed; connect it and start again",
        )


class BackendError(VoxcliError):
    """No recognizer of the chain could do the work.

    ``is_permanent``: whether it would be in vain to ask this recognizer again later.
    """

    code = "backend"
    exit_code = 5
    is_permanent: ClassVar[bool] = True


class BackendNeedsExtra(BackendError):
    """The recognizer is part of voxcli, but its library is not installed."""

    code = "backend_needs_extra"

    def __init__(self, backend: str, extra: str) -> None:
        super().__init__(f"the backend {backend} is not installed", _install(extra))


class ModelNotFound(BackendError):
    """There is no speech model of that name or language on this machine."""

    code = "model_not_found"


class ModelBroken(BackendError):
    """A speech model is there, but the recognizer cannot load it."""

    code = "model_broken"

    def __init__(self, path: str, reason: str, hint: str = "voxcli models verify shows what is wrong with it") -> None:
        super().__init__(f"the speech model at {path} cannot be used: {reason}", hint)


class DownloadFailed(BackendError):
    """A speech model could not be fetched."""

    code = "download_failed"
    is_permanent = False


class BackendUnreachable(BackendError):
    """A server could not be reached, or not be kept; it may be there again later."""

    code = "backend_unreachable"
    is_permanent = False

    def __init__(self, backend: str, reason: str, attempts: int) -> None:
        times = "once" if attempts == 1 else f"{attempts} times"
        super().__init__(
            f"{backend}: {reason} (tried {times})",
            "check the address and the network; --retries tries longer, and a chain such as --backend "
            f"{backend},local goes on without it",
        )


class BackendRefused(BackendError):
    """A server refuses what it is asked for, and would do so again. The hint says what it named as the reason."""

    code = "backend_refused"

    def __init__(self, backend: str, reason: str, hint: str) -> None:
        super().__init__(f"{backend}: {reason}", hint)


class BackendSilent(BackendError):
    """A server has all of the audio, but did not answer for the end of it."""

    code = "backend_silent"
    is_permanent = False

    def __init__(self, backend: str, waited: float) -> None:
        super().__init__(
            f"{backend}: nothing came for {waited:g} s for the last audio", "give it longer with --drain-timeout"
        )


class BackendMisunderstood(BackendError):
    """A server sends messages that cannot be understood. They are passed over, and the work goes on."""

    code = "backend_misunderstood"

    def __init__(self, backend: str, reason: str) -> None:
        super().__init__(
            f"{backend}: sends what cannot be understood ({reason})",
            "check that it is a server of that kind; --record-wire FILE keeps what it sends",
        )


class AuthenticationFailed(BackendError):
    """A server does not accept the key or the token, or there is none to send."""

    code = "authentication"
    exit_code = 4

    def __init__(self, backend: str, reason: str, hint: str) -> None:
        super().__init__(f"{backend}: {reason}", hint)


class EveryBackendFailed(BackendError):
    """Each recognizer of a chain has failed, for reasons of its own."""

    code = "every_backend_failed"

    def __init__(self, errors: Sequence[BackendError]) -> None:
        super().__init__(
            "every backend failed: " + "; ".join(error.message for error in errors),
            " / ".join(dict.fromkeys(error.hint for error in errors)),
        )


class OutputError(VoxcliError):
    """Results could not be written. ``target`` is the file's name, or STANDARD_OUTPUT."""

    code = "output"

    def __init__(self, target: str, reason: str) -> None:
        full = "space" in reason or "large" in reason or "quota" in reason
        self.target = target
        super().__init__(
            f"{target}: cannot write: {reason}",
            "free some space or choose another place" if full else "choose another place",
        )


class ReaderGone(Exception):
    """Whoever read the results has closed the pipe. No failure: the program ends quietly."""


class NothingSaid(VoxcliError):
    """``--once`` waited for an utterance and there was none."""

    code = "nothing_said"

    def __init__(self) -> None:
        super().__init__("nothing was said", "is it the right microphone? voxcli devices --test shows what it hears")


class DrainTimeout(VoxcliError):
    """After a wish to stop, the recognizer did not come to an end in time."""

    code = "drain_timeout"

    def __init__(self, timeout: float) -> None:
        super().__init__(
            f"the last words were not confirmed within {timeout:g} s; some may be missing",
            "give them longer with --drain-timeout",
        )


def first_error(failures: ExceptionGroup[Exception], *, after: type[Exception] | None = None) -> Exception:
    """What ended a group of tasks: its first error, one of the kind ``after`` only where there is no other."""
    errors = _leaves(failures)
    return next((error for error in errors if after is None or not isinstance(error, after)), errors[0])


def _leaves(error: Exception) -> list[Exception]:
    if isinstance(error, ExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]
