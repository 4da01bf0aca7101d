"""``voxcli listen``: from the command line to a microphone."""

from __future__ import annotations

import typer

from voxcli.cli import options

app = typer.Typer(add_completion=False)


@app.command(
    epilog="For example: voxcli listen -o notes.txt; text=$(voxcli listen --once); voxcli listen --until-silence 2"
)
def listen(
    ctx: typer.Context,
    device: options.Device = None,
    duration: options.Duration = None,
    until_silence: options.UntilSilence = None,
    once: options.Once = False,
    save_audio: options.SaveAudio = None,
    backend: options.Backend = "auto",
    no_failover: options.NoFailover = False,
    language: options.Language = "en",
    model: options.Models = [],  # noqa: B006
    no_download: options.NoDownload = False,
    server: options.Server = None,
    server_token_file: options.ServerTokenFile = None,
    api_key_file: options.ApiKeyFile = None,
    param: options.Parameters = [],  # noqa: B006
    diarize: options.Diarize = False,
    punctuate: options.Punctuate = False,
    smart_format: options.SmartFormat = False,
    numerals: options.Numerals = False,
    redact: options.Redact = [],  # noqa: B006
    keyterm: options.Keyterm = [],  # noqa: B006
    endpointing: options.Endpointing = None,
    utterance_end_ms: options.UtteranceEndMs = None,
    record_wire: options.RecordWire = None,
    format: options.Format = "auto",
    json: options.Json = False,
    output: options.OutputFiles = [],  # noqa: B006
    interim: options.Interim = None,
    timestamps: options.Timestamps = False,
    strict: options.Strict = False,
    chunk_ms: options.ChunkMs = 100,
    buffer_seconds: options.BufferSeconds = 120,
    drain_timeout: options.DrainTimeout = 10,
    warm_standby: options.WarmStandby = False,
    retries: options.RetryCount = 3,
    backoff_ms: options.BackoffMs = 100,
    keepalive_s: options.KeepaliveS = 30,
) -> int:
    """Turn what the microphone hears into words, as it is said.

    Results go to standard output, everything else to standard error. Ctrl-C ends it in good order: the last words come,
    and the exit code is 0.
    """
    from voxcli.cli.recognition import start
    from voxcli.pipeline import Limits
    from voxcli.sources import MICROPHONE, MicrophoneOptions

    given = dict(locals())
    return start(
        ctx,
        given,
        (MICROPHONE,),
        microphone=MicrophoneOptions(device, duration),
        limits=Limits(duration, until_silence, once),
        saved=save_audio,
    )
