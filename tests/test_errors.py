"""The whole tree of errors: what each says, and with which code the program ends."""

import inspect

import pytest

from voxcli import errors
from voxcli.errors import (
    AuthenticationFailed,
    BackendError,
    BackendMisunderstood,
    BackendNeedsExtra,
    BackendRefused,
    BackendSilent,
    BackendUnreachable,
    DeviceAmbiguous,
    DeviceError,
    DeviceLost,
    DeviceNeedsLibrary,
    DeviceNotFound,
    DevicesNone,
    DownloadFailed,
    DrainTimeout,
    EveryBackendFailed,
    ModelBroken,
    ModelNotFound,
    NothingSaid,
    OutputError,
    ProfileNotFound,
    ServerNeedsExtra,
    SettingsRefused,
    SourceEmpty,
    SourceError,
    SourceNeedsExtra,
    SourceNotAudio,
    SourceNotFound,
    SourceTruncated,
    SourceUnreadable,
    UsageError,
    VoxcliError,
    first_error,
)

TABLE = [
    (VoxcliError("it broke", "mend it"), "runtime", 1, "it broke"),
    (UsageError("--x is unknown", "see --help"), "usage", 2, "--x is unknown"),
    (SettingsRefused("/v.toml", "line 3: odd", "mend it"), "settings", 2, "/v.toml: line 3: odd"),
    (ProfileNotFound("home", ["work"]), "profile_not_found", 2, "there is no profile home"),
    (SourceError("no sound", "louder"), "source", 3, "no sound"),
    (SourceNotFound("a.wav"), "source_not_found", 3, "a.wav: no such file"),
    (SourceUnreadable("a", "is a folder"), "source_unreadable", 3, "a: is a folder"),
    (SourceEmpty("a.wav"), "source_empty", 3, "a.wav: is empty: there is no audio in it"),
    (SourceNotAudio("a.pdf", "is a PDF", "convert it"), "source_not_audio", 3, "a.pdf: is a PDF"),
    (
        SourceTruncated("a.wav", 1.25),
        "source_truncated",
        3,
        "a.wav: the audio breaks off after 1.2 s; what was there has been transcribed",
    ),
    (ServerNeedsExtra("fastapi"), "server_needs_extra", 1, "voxcli serve needs fastapi, which is not installed"),
    (SourceNeedsExtra("a.m4a", "m4a", "media"), "source_needs_extra", 3, "a.m4a: m4a needs the extra 'media'"),
    (DeviceError("no", "yes"), "device", 3, "no"),
    (
        DeviceNeedsLibrary("install it"),
        "device_needs_library",
        3,
        "PortAudio, which captures from microphones, is not installed",
    ),
    (DevicesNone(), "device_none", 3, "there is no microphone"),
    (DeviceNotFound("usb", ["pulse"]), "device_not_found", 3, "there is no microphone usb"),
    (DeviceAmbiguous("usb", ["1 usb a", "2 usb b"]), "device_ambiguous", 3, "usb may be any of 2 microphones"),
    (
        DeviceLost("usb", 15.0),
        "device_lost",
        3,
        "the microphone usb went away and did not come back within 15 s",
    ),
    (NothingSaid(), "nothing_said", 1, "nothing was said"),
    (BackendError("no", "yes"), "backend", 5, "no"),
    (BackendNeedsExtra("moonshine", "moonshine"), "backend_needs_extra", 5, "the backend moonshine is not installed"),
    (ModelNotFound("none", "pull it"), "model_not_found", 5, "none"),
    (ModelBroken("/m", "half"), "model_broken", 5, "the speech model at /m cannot be used: half"),
    (DownloadFailed("404", "later"), "download_failed", 5, "404"),
    (
        BackendUnreachable("server", "connection refused", 4),
        "backend_unreachable",
        5,
        "server: connection refused (tried 4 times)",
    ),
    (BackendUnreachable("server", "gone", 1), "backend_unreachable", 5, "server: gone (tried once)"),
    (BackendRefused("server", "closed with 1008", "ask it why"), "backend_refused", 5, "server: closed with 1008"),
    (BackendSilent("server", 10), "backend_silent", 5, "server: nothing came for 10 s for the last audio"),
    (
        BackendMisunderstood("server", "start is missing"),
        "backend_misunderstood",
        5,
        "server: sends what cannot be understood (start is missing)",
    ),
    (AuthenticationFailed("deepgram", "no key", "give one"), "authentication", 4, "deepgram: no key"),
    (
        EveryBackendFailed([BackendError("a is down", "mend it"), BackendError("b is not here", "mend it")]),
        "every_backend_failed",
        5,
        "every backend failed: a is down; b is not here",
    ),
    (OutputError("a.txt", "disk full"), "output", 1, "a.txt: cannot write: disk full"),
    (
        DrainTimeout(10),
        "drain_timeout",
        1,
        "the last words were not confirmed within 10 s; some may be missing",
    ),
]


@pytest.mark.parametrize(("error", "code", "exit_code", "message"), TABLE, ids=lambda value: str(value)[:20])
def test_each_error_has_one_sentence_and_one_exit_code(
    error: VoxcliError, code: str, exit_code: int, message: str
) -> None:
    assert (error.code, error.exit_code, error.message, str(error)) == (code, exit_code, message, message)
    assert error.hint
    assert "\n" not in error.message + error.hint


def test_the_table_is_whole() -> None:
    classes = {cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, VoxcliError)}
    assert {type(error) for error, *_ in TABLE} == classes


def test_the_docstring_draws_the_tree() -> None:
    drawn = [line.split() for line in (errors.__doc__ or "").splitlines()]
    rows = {(words[-3], words[-2], words[-1]) for words in drawn if words and words[-1].isdigit()}
    assert rows == {(type(error).__name__, error.code, str(error.exit_code)) for error, *_ in TABLE[1:]}


def test_the_error_that_ended_a_group_is_the_first_that_did_not_follow_from_another() -> None:
    refused, broken = BackendRefused("server", "no", "yes"), BackendError("it broke", "mend it")
    group = ExceptionGroup("all", [ExceptionGroup("some", [refused]), broken])
    assert first_error(group) is refused
    assert first_error(group, after=BackendRefused) is broken
    assert first_error(ExceptionGroup("one", [refused]), after=BackendRefused) is refused


def test_what_may_pass_is_tried_again_later() -> None:
    passing = {BackendUnreachable, BackendSilent, DownloadFailed}
    kinds = {type(error) for error, _, _, _ in TABLE if isinstance(error, BackendError)}
    assert {kind for kind in kinds if not kind.is_permanent} == passing
