"""Keys from the keyring of the system, where that extra is installed; ``keyring set voxcli deepgram`` stores one.

A keyring may ask its user for a password, wait for a service that never answers, or fail in any way: whatever it does,
it is given only so much time, and a keyring that gives no key is no more than no key.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from threading import Thread

from voxcli.cli.environment import Environment

SERVICE = "voxcli"
PATIENCE_SECONDS = 10.0
"""Where a key is needed: somebody may have to type a password first."""

SHORT_PATIENCE_SECONDS = 3.0
"""Where a key would only be welcome."""


class Keyring:
    """Each key is looked up at most once, and not before it is asked for. ``say`` is told why there is none."""

    def __init__(self, say: Callable[[str], object] = lambda _: None) -> None:
        self._say = say
        self._keys: dict[str, str | None] = {}

    @classmethod
    def of(cls, environment: Environment) -> Keyring:
        """One that tells under ``-v`` why there is no key."""
        return cls(environment.say) if environment.verbosity else cls()

    def key(self, user: str, patience: float = PATIENCE_SECONDS) -> str | None:
        """The key that is stored for ``voxcli`` and a name; None where there is none, for whatever reason."""
        if user not in self._keys:
            self._keys[user] = self._looked_up(user, patience)
        return self._keys[user]

    def _looked_up(self, user: str, patience: float) -> str | None:
        if find_spec("keyring") is None:
            return None
        found: list[str | None] = []
        failures: list[str] = []
        looking = Thread(target=_look_up, args=(user, found.append, failures.append), daemon=True)
        looking.start()
        looking.join(patience)
        key = (found[0] or "").strip() if found else ""
        if not key:
            reason = failures[0] if failures else f"no answer within {patience:g} s" if not found else "none is stored"
            self._say(f"no key {user} from the keyring: {reason}")
        return key or None


def _look_up(user: str, found: Callable[[str | None], object], failed: Callable[[str], object]) -> None:
    try:
        import keyring

        found(keyring.get_password(SERVICE, user))
    except Exception as error:  # noqa: BLE001 - each of many backends fails in ways of its own
        first_sentence = " ".join(str(error).split()).partition(". ")[0]
        failed(first_sentence or type(error).__name__)
