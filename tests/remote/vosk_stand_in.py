"""A server that speaks vosk-server's wire, with the real Vosk behind it, and drops connections when it is told to.

``python tests/remote/vosk_stand_in.py --model FOLDER`` prints ``PORT n`` and serves until it is killed. What it does is
what asr_server.py of alphacep's vosk-server does; that one is no package to install.
``--drop-after 3.3 --drops 5``: RST after 3.3 seconds of audio on each of the first five connections.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import struct
import sys
from contextlib import suppress
from typing import Any

import vosk
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

BYTES_PER_SECOND = 32_000


class StandIn:
    """``drops`` connections are still to be aborted, each after so many seconds of its audio.

    ``phrases``: a JSON list of all that can be heard; Vosk then says the same wherever a recognizer begins.
    """

    def __init__(self, model: vosk.Model, phrases: str, drop_after: float, drops: int) -> None:
        self._model = model
        self._phrases = [json.dumps(json.loads(phrases), ensure_ascii=False)] if phrases else []
        self._drop_after = drop_after
        self._drops = drops

    async def handle(self, connection: ServerConnection) -> None:
        """One connection: one recognizer."""
        with suppress(ConnectionClosed):
            await self._recognize(connection)

    async def _recognize(self, connection: ServerConnection) -> None:
        rate, words, heard, recognizer = 8_000.0, False, 0, None
        is_doomed, self._drops = self._drops > 0, self._drops - 1
        async for message in connection:
            if isinstance(message, str) and "config" in message:
                config = json.loads(message)["config"]
                rate, words = float(config.get("sample_rate", rate)), bool(config.get("words", words))
                continue
            if recognizer is None:
                recognizer = vosk.KaldiRecognizer(self._model, rate, *self._phrases)
                recognizer.SetWords(words)
            heard += len(message) if isinstance(message, bytes) else 0
            if is_doomed and heard >= self._drop_after * BYTES_PER_SECOND:
                _abort(connection)
                return
            await connection.send(await asyncio.to_thread(_answer, recognizer, message))
            if message == '{"eof" : 1}':
                return


def _answer(recognizer: Any, message: str | bytes) -> str:
    if message in ('{"eof" : 1}', '{"reset" : 1}'):
        return str(recognizer.FinalResult())
    if recognizer.AcceptWaveform(message):
        return str(recognizer.Result())
    return str(recognizer.PartialResult())


def _abort(connection: ServerConnection) -> None:
    """TCP RST."""
    raw = connection.transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.transport.abort()


async def _serve(arguments: argparse.Namespace) -> None:
    vosk.SetLogLevel(-1)
    stand_in = StandIn(vosk.Model(arguments.model), arguments.phrases, arguments.drop_after, arguments.drops)
    async with serve(stand_in.handle, "127.0.0.1", arguments.port, compression=None) as server:
        sys.stdout.write(f"PORT {next(iter(server.sockets)).getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--phrases", default="")
    parser.add_argument("--drop-after", type=float, default=0.0)
    parser.add_argument("--drops", type=int, default=0)
    parser.add_argument("--port", type=int, default=0)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
