"""``voxcli serve``: from the command line to a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from voxcli.cli import options
from voxcli.cli.environment import Environment
from voxcli.cli.options import option

app = typer.Typer(add_completion=False)

NETWORK = "Network"
SESSIONS = "Sessions"

Backend = Annotated[
    str,
    option(
        "--backend", "-b", metavar="CHAIN", panel=options.RECOGNITION, autocompletion=options.chains,
        help="Recognizers, comma separated, tried in this order; NAME or NAME=URL: local, vosk, moonshine, deepgram, "
        "vosk-server, server. auto is deepgram,local with DEEPGRAM_API_KEY, else local.",
    ),
]  # fmt: skip
Host = Annotated[str, option("--host", metavar="ADDRESS", panel=NETWORK, help="Where to listen.")]
Port = Annotated[
    int, option("--port", metavar="PORT", min=0, max=65_535, panel=NETWORK, help="Where to listen; 0 takes a free one.")
]
TokenFile = Annotated[
    Path | None,
    option(
        "--token-file", metavar="FILE", panel=NETWORK, show_default=False,
        help="Tokens that clients may come with, one a line. Without it, and without VOXCLI_SERVE_TOKENS, none is "
        "asked for, and only this machine can connect.",
    ),
]  # fmt: skip
Insecure = Annotated[
    bool, option("--insecure", panel=NETWORK, help="Listen for other machines though no token is asked for.")
]
AllowOrigin = Annotated[
    list[str],
    option(
        "--allow-origin", metavar="ORIGIN", panel=NETWORK, show_default=False,
        help="A page that may connect beside the server's own, such as https://example.org. Repeatable.",
    ),
]  # fmt: skip
TlsCert = Annotated[
    Path | None,
    option("--tls-cert", metavar="FILE", panel=NETWORK, show_default=False, help="The certificate chain, in PEM."),
]
TlsKey = Annotated[
    Path | None, option("--tls-key", metavar="FILE", panel=NETWORK, show_default=False, help="Its key, in PEM.")
]
MaxSessions = Annotated[
    int | None,
    option(
        "--max-sessions", metavar="N", min=1, panel=SESSIONS, show_default=False,
        help="Sessions at once; further clients are refused. No limit unless set.",
    ),
]  # fmt: skip
MaxSessionsPerClient = Annotated[
    int | None,
    option(
        "--max-sessions-per-client", metavar="N", min=1, panel=SESSIONS, show_default=False,
        help="The same, of one address.",
    ),
]  # fmt: skip
GraceS = Annotated[
    float,
    option(
        "--grace-s", metavar="S", min=0, max=86_400, panel=SESSIONS,
        help="Seconds that the session of a client which has vanished is kept for it.",
    ),
]  # fmt: skip
IdleS = Annotated[
    float,
    option(
        "--idle-s", metavar="S", min=0.1, max=86_400, panel=SESSIONS,
        help="Seconds without a message after which a client of /ws/transcribe is closed.",
    ),
]  # fmt: skip


@app.command(epilog="For example: voxcli serve; voxcli transcribe --server ws://127.0.0.1:8000 talk.wav")
def serve(
    ctx: typer.Context,
    backend: Backend = "auto",
    language: options.Language = "en",
    model: options.Models = [],  # noqa: B006
    no_download: options.NoDownload = False,
    api_key_file: options.ApiKeyFile = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token_file: TokenFile = None,
    insecure: Insecure = False,
    allow_origin: AllowOrigin = [],  # noqa: B006
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    max_sessions: MaxSessions = None,
    max_sessions_per_client: MaxSessionsPerClient = None,
    grace_s: GraceS = 30,
    idle_s: IdleS = 60,
) -> int:
    """Transcribe for others: a page, WebSockets, Deepgram's contract.

    /ws/transcribe is for any client, voxcli's own included; /v1/listen is for what was written for Deepgram.
    """
    from voxcli.cli.serving import Serving, serve_until_signal

    environment: Environment = ctx.obj
    return serve_until_signal(
        Serving(
            backend=backend,
            language=language,
            models=tuple(model),
            may_download=not no_download,
            api_key_file=api_key_file,
            host=host,
            port=port,
            token_file=token_file,
            is_insecure=insecure,
            origins=tuple(allow_origin),
            tls_cert=tls_cert,
            tls_key=tls_key,
            max_sessions=max_sessions,
            max_sessions_per_client=max_sessions_per_client,
            grace=grace_s,
            idle=idle_s,
        ),
        environment,
    )
