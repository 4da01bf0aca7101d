"""The servers that voxcli knows how to speak with: where each lives, what it is asked, and how it is given a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from voxcli.errors import AuthenticationFailed
from voxcli.protocols import Asked, Codec, deepgram, vosk_server, voxcli
from voxcli.recognizers.addresses import credentials, secret_values, websocket_url, with_parameters
from voxcli.recognizers.connection import Target
from voxcli.recognizers.remote import Remote
from voxcli.recognizers.secrets import Secrets

DEEPGRAM_URL = "wss://api.deepgram.com"
SERVER_PATH = "/ws/transcribe"
DEEPGRAM_PATH = "/v1/listen"


@dataclass(frozen=True, slots=True)
class Place:
    """An address as it was given, and a key or token for it."""

    url: str
    key: str | None = None


def server(place: Place, asked: Asked) -> Remote:
    """The server that voxcli brings, or any that speaks as it does."""
    url = websocket_url(place.url, path=SERVER_PATH)
    return _remote(
        "server",
        place,
        with_parameters(url, voxcli.query(asked)),
        asked.model or "",
        voxcli.VoxcliCodec,
        scheme="Bearer",
        login_hint=_login_hint(place, "token", "VOXCLI_SERVER_TOKEN, --server-token-file or the keyring"),
    )


def deepgram_api(place: Place, asked: Asked) -> Remote:
    """Deepgram, or what is compatible with it. Raises AuthenticationFailed without a key for Deepgram itself."""
    url = websocket_url(place.url)
    login_hint = _login_hint(place, "key", "DEEPGRAM_API_KEY, --api-key-file or the keyring")
    if not place.key and f".{urlsplit(url).hostname}".endswith(".deepgram.com"):
        raise AuthenticationFailed("deepgram", "there is no key to send", login_hint)
    parts = urlsplit(url)
    base = parts.path.rstrip("/").removesuffix(DEEPGRAM_PATH).removesuffix("/v1")
    url = urlunsplit(parts._replace(path=base + DEEPGRAM_PATH))
    query = deepgram.query(asked)
    model = dict(query).get("model", "")
    return _remote(
        "deepgram",
        place,
        with_parameters(url, query),
        model,
        deepgram.DeepgramCodec,
        scheme="Token",
        login_hint=login_hint,
    )


def vosk_websocket(place: Place, asked: Asked) -> Remote:
    """A vosk-server of alphacep's kind: any path, no key."""
    url = websocket_url(place.url)
    return _remote(
        "vosk-server",
        place,
        with_parameters(url, vosk_server.query(asked)),
        "",
        vosk_server.VoskServerCodec,
        scheme="Bearer",
        login_hint="vosk-server itself asks for nothing: what stands before it refuses",
    )


def _login_hint(place: Place, what: str, origins: str) -> str:
    return f"check the {what} in {origins}" if place.key else f"give a {what} with {origins}"


def _remote(
    name: str,
    place: Place,
    url: str,
    model: str,
    new_codec: Callable[[], Codec],
    *,
    scheme: str,
    login_hint: str,
) -> Remote:
    headers = {"Authorization": f"{scheme} {place.key}"} if place.key else {}
    secrets = Secrets([place.key, *credentials(url), *secret_values(url)])
    return Remote(name, model, Target(name, url, headers, secrets), new_codec, login_hint)
