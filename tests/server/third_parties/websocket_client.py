"""The package websocket-client, which knows nothing of either wire: ``websocket_client.py URL WAV``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import websocket

url, path = sys.argv[1:]
recording = Path(path).read_bytes()
socket = websocket.create_connection(url, timeout=30)
for at in range(44, len(recording), 6_400):
    socket.send_binary(recording[at : at + 6_400])
for kind in ("KeepAlive", "Finalize", "CloseStream"):
    socket.send(json.dumps({"type": kind}))
messages = []
while True:
    opcode, data = socket.recv_data()
    if opcode == websocket.ABNF.OPCODE_CLOSE:
        break
    messages.append(json.loads(data))
print(json.dumps({"messages": messages, "code": int.from_bytes(data[:2], "big")}))
