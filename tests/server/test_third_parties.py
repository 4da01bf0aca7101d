"""Clients that nobody here wrote, against the program as it is installed: another address, and nothing else.

Their packages come from their registries, into folders of their own.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import venv
from pathlib import Path
from typing import Any

import pytest

from served import Served
from support import SAMPLES, transcript_of, words

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

HERE = Path(__file__).parent / "third_parties"
SAMPLE = SAMPLES / "harbour.wav"
SPOKEN = words(transcript_of("harbour.wav"))
TOKEN = "t0ken-of-the-tests"  # noqa: S105
PYTHON_PACKAGES = ("deepgram-sdk>=7,<8", "websocket-client>=1.8")
NODE_PACKAGES = ("@deepgram/sdk@5", "wscat@6")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has the packages."""
    folder = tmp_path_factory.mktemp("python")
    venv.create(folder, with_pip=True, symlinks=True)
    interpreter = folder / "bin" / "python"
    subprocess.run(
        [interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PYTHON_PACKAGES],
        check=True, timeout=200,
    )  # fmt: skip
    return interpreter


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which Node.js finds the packages."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "package.json").write_text('{"private": true}')
    npm = shutil.which("npm")
    assert npm is not None, "this test needs npm"
    subprocess.run(
        [npm, "install", "--silent", "--no-audit", "--no-fund", *NODE_PACKAGES], cwd=folder, check=True, timeout=200
    )
    return folder


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """A file with the token."""
    file = tmp_path / "tokens"
    file.write_text(f"# of the tests\n{TOKEN}\n")
    file.chmod(0o600)
    return file


async def told(*command: object, folder: Path | None = None) -> dict[str, Any]:
    """What a client prints, as JSON."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(120):
            output, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, complaints.decode()[-3_000:]
    message: dict[str, Any] = json.loads(output)
    return message


def said_by(messages: list[dict[str, Any]]) -> list[str]:
    """The words of all finals of Deepgram's wire."""
    finals = [message for message in messages if message["type"] == "Results" and message["is_final"]]
    return words(" ".join(final["channel"]["alternatives"][0]["transcript"] for final in finals))


def assert_streamed_and_posted(
    answer: dict[str, Any], results: str, metadata: str, *, seconds: float = 8.335, spoken: list[str] = SPOKEN
) -> None:
    """Typed messages with all words, an answer to Finalize, the receipt, one clean end, and the recording posted."""
    messages = [message for _, message in answer["messages"]]
    kinds = [kind for kind, _ in answer["messages"]]
    assert set(kinds) == {results, metadata}
    assert kinds.count(metadata) == 1
    assert kinds[-1] == metadata
    assert said_by(messages) == spoken
    assert any(message.get("from_finalize") for message in messages)
    assert messages[-1]["duration"] == pytest.approx(seconds, abs=0.001)
    assert answer["ends"] == ["close"]
    posted = answer["posted"]
    assert words(posted["results"]["channels"][0]["alternatives"][0]["transcript"]) == spoken
    assert posted["metadata"]["duration"] == pytest.approx(seconds, abs=0.001)


@pytest.mark.parametrize("script", ["deepgram_sync.py", "deepgram_async.py"])
async def test_deepgrams_python_sdk(home: Path, python: Path, tokens: Path, script: str) -> None:
    """It sends its key as ``Authorization: Token``; the server takes it for its token."""
    async with Served("--token-file", tokens, home=home) as server:
        answer = await told(python, HERE / script, server.port, TOKEN, SAMPLE)
    assert_streamed_and_posted(answer, "ListenV1Results", "ListenV1Metadata")


async def test_deepgrams_javascript_sdk(home: Path, node: Path, tokens: Path) -> None:
    """It would connect again after any close but 1000."""
    shutil.copy(HERE / "deepgram.mjs", node)
    async with Served("--token-file", tokens, home=home) as server:
        answer = await told("node", "deepgram.mjs", server.port, TOKEN, SAMPLE, folder=node)
    assert_streamed_and_posted(answer, "Results", "Metadata")
    assert answer["code"] == 1000


async def test_words_with_times(home: Path, python: Path, steady_model: Path) -> None:
    """Of a recognizer that has them: typed, in their order, each within the final that it belongs to."""
    recording = SAMPLES / "greeting-ko.wav"
    async with Served("-b", "vosk", "-l", "ko", "-m", steady_model, home=home) as server:
        answer = await told(python, HERE / "deepgram_sync.py", server.port, TOKEN, recording)
    messages = [message for _, message in answer["messages"]]
    finals = [message for message in messages if message["type"] == "Results" and message["is_final"]]
    heard = [word for final in finals for word in final["channel"]["alternatives"][0]["words"]]
    assert len(heard) >= 2
    assert all(0 <= word["confidence"] <= 1 and word["start"] < word["end"] for word in heard)
    assert [word["start"] for word in heard] == sorted(word["start"] for word in heard)
    assert heard == [
        word
        for final in finals
        for word in final["channel"]["alternatives"][0]["words"]
        if final["start"] <= word["end"] <= final["start"] + final["duration"] + 0.1
    ]
    assert said_by(messages) == words(" ".join(word["word"] for word in heard))
    ends = [final["start"] + final["duration"] for final in finals]
    assert [final["start"] for final in finals] == pytest.approx([0.0, *ends[:-1]])
    assert finals[0]["metadata"]["model_info"]["arch"] == "vosk"
    posted = answer["posted"]["results"]["channels"][0]["alternatives"][0]
    assert [word["word"] for word in posted["words"]] == posted["transcript"].split()


@pytest.mark.parametrize("client", ["deepgram_sync.py", "deepgram_async.py", "deepgram.mjs"])
async def test_a_wrong_key_is_refused(home: Path, python: Path, node: Path, tokens: Path, client: str) -> None:
    """Before the upgrade, and nothing of the sample is heard."""
    is_python = client.endswith(".py")
    shutil.copy(HERE / client, node)
    async with Served("--token-file", tokens, home=home) as server:
        process = await asyncio.create_subprocess_exec(
            python if is_python else "node", client, str(server.port), "wr0ng", SAMPLE, cwd=node,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(60):
                output, complaints = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode != 0
        assert not output
        assert b"401" in complaints
        assert "refused status=401 reason=token path=/v1/listen" in server.complaints
        assert "connected session=" not in server.complaints


async def test_a_websocket_library_of_its_own(home: Path, python: Path) -> None:
    """On both wires; the plain one has neither types nor a receipt."""
    async with Served(home=home) as server:
        listen = server.url("/v1/listen?encoding=linear16&sample_rate=16000&interim_results=true")
        deepgrams = await told(python, HERE / "websocket_client.py", listen, SAMPLE)
        plain = await told(python, HERE / "websocket_client.py", server.url(), SAMPLE)
    assert said_by(deepgrams["messages"]) == SPOKEN
    assert deepgrams["messages"][-1]["type"] == "Metadata"
    finals = [message["transcript"] for message in plain["messages"] if message["is_final"]]
    assert words(" ".join(finals)) == SPOKEN
    assert not any("type" in message for message in plain["messages"])
    assert (deepgrams["code"], plain["code"]) == (1000, 1000)


async def test_wscat(home: Path, node: Path) -> None:
    """It sends text alone: the three messages, of which the last ends the stream."""
    async with Served(home=home) as server:
        texts = [
            part for kind in ("KeepAlive", "Finalize", "CloseStream") for part in ("-x", json.dumps({"type": kind}))
        ]
        url = server.url("/v1/listen?encoding=linear16&sample_rate=16000")
        process = await asyncio.create_subprocess_exec(
            node / "node_modules" / ".bin" / "wscat", "-c", url, "-w", "3", *texts,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert process.stdout is not None
        output = b""
        async with asyncio.timeout(60):
            while b'"Metadata"' not in output:
                piece = await process.stdout.read(4_096)
                assert piece, output
                output += piece
        process.kill()
        await process.wait()
    assert b'"from_finalize":true' in output
