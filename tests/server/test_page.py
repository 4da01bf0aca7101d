"""The page in a real browser with a microphone that plays a file: what is heard, seen, kept and said about trouble."""

from __future__ import annotations

import asyncio
import functools
import json
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
import soundfile
from axe_playwright_python.async_playwright import Axe
from axe_playwright_python.base import AxeResults
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from oracle import Loss, Script, check_names, clocked_audio
from page_server import PREFIX, PageServer, Words
from running_server import RunningServer, ServerEars
from scripted_faults import Abort, SayError
from scripted_handshakes import Refuse
from scripted_session import Behaviour, irregular
from support import SAMPLES, voxcli

pytestmark = [pytest.mark.system, pytest.mark.slow]

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "javascript.md"
CHROMIUM = "/usr/bin/chromium"
FAKE_DEVICE = "--use-fake-device-for-media-stream"
FAKE_UI = "--use-fake-ui-for-media-stream"
TEXT = "the boats come back to the harbour before the evening and somebody begins to sing"
TOKEN = "s3cret"  # noqa: S105
TALK = Words(text=TEXT, word_every=0.3, word_length=0.25)
PATIENCE = 15_000
LINE = 42


@asynccontextmanager
async def browser(*arguments: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(arguments))
        yield launched
        await launched.close()


class Visit:
    """The page as somebody sees it. ``complaints`` is what the browser has written to its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(f"pageerror {error}"))
        page.set_default_timeout(PATIENCE)

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type} {message.text}")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    async def in_state(self, *states: str) -> None:
        wanted = ", ".join(f"body[data-state={state}]" for state in states)
        await self.page.wait_for_selector(wanted, timeout=PATIENCE)

    async def problem(self, title: str) -> str:
        """The cure that stands under that title."""
        alert = self.page.get_by_role("alert")
        await expect(alert.get_by_role("heading")).to_have_text(title, timeout=PATIENCE)
        return await alert.locator("p").inner_text()

    async def finals(self) -> list[str]:
        return await self.page.locator("#finals p").all_inner_texts()

    async def names(self) -> list[str]:
        return " ".join(await self.finals()).split()

    async def open_file(self, path: Path) -> None:
        await self.page.locator("input[type=file]").set_input_files(path)

    async def saved(self, name: str) -> str:
        """What a button saves."""
        async with self.page.expect_download() as waiting:
            await self.button(name).click()
        download = await waiting.value
        return Path(await download.path()).read_text(encoding="utf-8")


@asynccontextmanager
async def visit(
    server: PageServer | RealServer, *arguments: str, path: str = "", **context: Any
) -> AsyncIterator[Visit]:
    """The one place where a page meets its server: ``server.page`` can be any that speaks ``/ws/transcribe``."""
    async with browser(*arguments) as launched:
        opened = await launched.new_context(**context)
        seen = Visit(await opened.new_page())
        await seen.page.goto(server.page + path)
        yield seen


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Flags for a microphone that hears a tone of 1 kHz for twenty seconds, and for a browser that lets it in."""
    path = tmp_path_factory.mktemp("microphone") / "tone.wav"
    times = np.arange(20 * 48_000) / 48_000
    soundfile.write(path, 0.5 * np.sin(2 * np.pi * 1_000 * times), 48_000, subtype="PCM_16")
    return [FAKE_DEVICE, FAKE_UI, f"--use-file-for-fake-audio-capture={path}%noloop"]


def clocked_file(path: Path, seconds: float) -> Path:
    """A recording in which each sample says where it stands."""
    soundfile.write(path, np.frombuffer(clocked_audio(seconds), "<i2"), 16_000, subtype="PCM_16")
    return path


def talking(**options: Any) -> PageServer:
    return PageServer(script=TALK, then=Behaviour(final_every=1.5, interim_every=0.3), **options)


async def test_what_is_said_is_written_while_it_is_said(microphone: list[str]) -> None:
    async with talking() as server, visit(server, *microphone) as seen:
        await expect(seen.page.get_by_text("Speak, and read along.")).to_be_visible()
        await seen.button("Start").click()
        await seen.in_state("open")
        await expect(seen.page.locator("#interim")).not_to_be_empty()
        await expect(seen.page.locator("#finals")).to_contain_text("the boats come back to")
        await expect(seen.page.get_by_text("Speak, and read along.")).to_be_hidden()
        assert int(await seen.page.get_by_role("meter").get_attribute("aria-valuenow") or 0) > 30
        await expect(seen.page.get_by_role("timer")).not_to_have_text("0:00")
        await seen.button("Stop").click()
        await seen.in_state("closed")
        names = await seen.names()
        (stream,) = server.streams
    spoken = TEXT.split()
    assert names == [spoken[number % len(spoken)] for number in range(len(names))]
    assert len(names) == len(server.script.words(stream.samples / 16_000))
    assert stream.texts == ['{"type":"CloseStream"}']
    assert seen.complaints == []


async def test_what_is_heard_is_what_the_microphone_gave(microphone: list[str]) -> None:
    """A pure tone stays one: at its pitch, as loud as it was, without a click at the border of a block."""
    async with talking() as server, visit(server, *microphone) as seen:
        await assert_tone(seen, server)


async def test_the_same_where_the_browser_has_its_own_rate(microphone: list[str]) -> None:
    async with talking() as server, visit(server, *microphone) as seen:
        await seen.page.add_init_script(
            """
            const Original = AudioContext;
            globalThis.AudioContext = class extends Original {
              constructor(options = {}) {
                super(options.sampleRate === 16000 ? { ...options, sampleRate: 44100 } : { sampleRate: 44100 });
                if (options.sampleRate === 16000) throw new DOMException("not at this rate", "NotSupportedError");
              }
            };
            """
        )
        await seen.page.reload()
        await assert_tone(seen, server)


async def assert_tone(seen: Visit, server: PageServer) -> None:
    await seen.button("Start").click()
    await asyncio.sleep(4.0)
    await seen.button("Stop").click()
    await seen.in_state("closed")
    (stream,) = server.streams
    heard = np.frombuffer(bytes(stream.ears._fed), "<i2").astype(float) / 32_768
    assert 3.0 < len(heard) / 16_000 < 6.0
    middle = heard[8_000:40_000]
    times = np.arange(len(middle)) / 16_000
    basis = np.stack([np.sin(2 * np.pi * 1_000 * times), np.cos(2 * np.pi * 1_000 * times)], axis=1)
    weights, *_ = np.linalg.lstsq(basis, middle, rcond=None)
    assert np.hypot(*weights) == pytest.approx(0.5, rel=0.05)
    assert np.abs(middle - basis @ weights).max() < 0.02


@pytest.mark.parametrize("resumable", [True, False])
async def test_a_recording_is_whole_however_often_the_line_breaks(tmp_path: Path, resumable: bool) -> None:
    behaviours = [
        Behaviour(fault=Abort(4.0 + number % 3), resumable=resumable, final_every=irregular(number, 0.3, 2.5))
        for number in range(8)
    ]
    server = PageServer(behaviours, has_places=True, then=Behaviour())
    recording = clocked_file(tmp_path / "clock.wav", 60.0)
    async with server, visit(server) as seen:
        await seen.open_file(recording)
        await seen.in_state("closed")
        names = await seen.names()
        assert len(server.streams) == 9
        await expect(seen.page.get_by_role("timer")).to_have_text("1:00 / 1:00")
    assert check_names(names, Script(), 60.0) == Loss()


async def test_a_microphone_is_not_cut_by_a_server_that_goes_and_comes_back(microphone: list[str]) -> None:
    async with talking() as server, visit(server, *microphone) as seen:
        await seen.button("Start").click()
        await expect(seen.page.locator("#finals p")).to_have_count(2, timeout=PATIENCE)
        server.down()
        await seen.in_state("reconnecting")
        assert "keeps what you say" in await seen.problem("The server cannot be reached")
        await server.up()
        await seen.in_state("open")
        await expect(seen.page.get_by_role("alert")).to_be_empty()
        await seen.button("Stop").click()
        await seen.in_state("closed")
        names = await seen.names()
    spoken = TEXT.split()
    assert names == [spoken[number % len(spoken)] for number in range(len(names))]
    assert len(names) > 10


async def test_the_transcript_stands_once_and_only_finals_are_announced(microphone: list[str]) -> None:
    async with talking() as server, visit(server, *microphone) as seen:
        await seen.button("Start").click()
        await expect(seen.page.locator("#finals p")).to_have_count(1, timeout=PATIENCE)
        await seen.button("Stop").click()
        await seen.in_state("closed")
        finals = " ".join(await seen.finals())
        shown = await seen.page.evaluate("document.body.textContent.replace(/\\s+/g, ' ')")
        live = await seen.page.locator("[aria-live]").all()
        assert [await region.get_attribute("id") for region in live] == ["finals"]
        assert await seen.page.locator("[aria-live] #interim").count() == 0
    assert shown.count(finals) == 1


@pytest.fixture
def schema(home: Path) -> Any:
    """Of the lines that the program prints."""
    return json.loads(voxcli("schema", home=home).stdout)


async def test_what_was_said_can_be_copied_and_saved(tmp_path: Path, schema: Any) -> None:
    server = PageServer(has_places=True, then=Behaviour(final_every=3.3))
    recording = clocked_file(tmp_path / "clock.wav", 20.0)
    async with server, visit(server, permissions=["clipboard-read", "clipboard-write"]) as seen:
        await expect(seen.button("Copy")).to_be_hidden()
        await seen.open_file(recording)
        await seen.in_state("closed")
        text = await seen.saved("Save as Text")
        lines = [json.loads(line) for line in (await seen.saved("Save as JSONL")).splitlines()]
        subtitles = await seen.saved("Save as SRT subtitles")
        await seen.button("Copy").click()
        await expect(seen.button("Copied")).to_be_visible()
        copied = await seen.page.evaluate("navigator.clipboard.readText()")
        await seen.button("Clear").click()
        assert await seen.finals() == []
        await expect(seen.button("Save as Text")).to_be_hidden()
    assert copied == text
    assert check_names(text.split(), Script(), 20.0) == Loss()
    assert [line["type"] for line in (lines[0], lines[-1])] == ["Session", "Summary"]
    for line in lines:
        jsonschema.validate(line, schema)
    assert lines[-1]["covered_seconds"] == 20.0
    assert_subtitles(subtitles, text.split())


def assert_subtitles(subtitles: str, words: list[str]) -> None:
    blocks = [block.split("\n") for block in subtitles.strip().split("\n\n")]
    assert [block[0] for block in blocks] == [str(number + 1) for number in range(len(blocks))]
    times = [moment for block in blocks for moment in block[1].split(" --> ")]
    assert times == sorted(times)
    assert all(len(block) <= 4 and max(map(len, block[2:])) <= LINE for block in blocks)
    assert " ".join(line for block in blocks for line in block[2:]).split() == words


async def test_a_recording_can_be_dropped_anywhere(tmp_path: Path) -> None:
    server = PageServer(has_places=True, then=Behaviour())
    data = list(clocked_file(tmp_path / "clock.wav", 3.0).read_bytes())
    async with server, visit(server) as seen:
        transfer = await seen.page.evaluate_handle(
            """(bytes) => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([new Uint8Array(bytes)], "clock.wav", { type: "audio/wav" }));
              return transfer;
            }""",
            data,
        )
        await seen.page.dispatch_event("main", "dragover", {"dataTransfer": transfer})
        await expect(seen.page.get_by_text("Drop it, and it is transcribed.")).to_be_visible()
        await seen.page.dispatch_event("main", "drop", {"dataTransfer": transfer})
        await seen.in_state("closed")
        assert check_names(await seen.names(), Script(), 3.0) == Loss()


@pytest.mark.parametrize("name", ["kitchen.mp3", "garden.flac", "letter.ogg", "meeting.m4a", "lecture.webm"])
async def test_recordings_of_all_kinds_are_taken_whole(name: str) -> None:
    seconds = {"kitchen.mp3": 8.8, "garden.flac": 7.2, "letter.ogg": 147.4, "meeting.m4a": 7.6, "lecture.webm": 8.4}[
        name
    ]
    async with talking() as server, visit(server) as seen:
        await seen.open_file(SAMPLES / name)
        await seen.in_state("closed")
        assert server.streams[0].samples / 16_000 == pytest.approx(seconds, abs=0.15)


async def test_it_works_below_a_path(microphone: list[str]) -> None:
    async with talking() as server, visit(server, *microphone, path=f"{PREFIX[1:]}/") as seen:
        await seen.button("Start").click()
        await seen.in_state("open")
        assert server.streams[0].path == f"{PREFIX}/ws/transcribe"
        assert seen.complaints == []


async def test_a_keyboard_is_enough(microphone: list[str]) -> None:
    async with talking() as server, visit(server, *microphone) as seen:
        reached = []
        for _ in range(8):
            await seen.page.keyboard.press("Tab")
            reached.append(await seen.page.evaluate("document.activeElement.textContent.trim()"))
        assert {"Settings", "Start", "Open a recording…"} <= set(reached)
        await seen.button("Start").focus()
        await seen.page.keyboard.press("Enter")
        await seen.in_state("open")
        assert await seen.page.evaluate("document.activeElement.textContent.trim()") == "Stop"
        await seen.page.keyboard.press("Space")
        await seen.in_state("closed")
        assert await seen.page.evaluate("document.activeElement.textContent.trim()") == "Start"
        async with seen.page.expect_file_chooser():
            await seen.button("Open a recording…").focus()
            await seen.page.keyboard.press("Enter")


# Trouble, in plain words


async def test_an_address_that_is_not_secure_is_explained() -> None:
    flags = ["--host-resolver-rules=MAP mic.test 127.0.0.1"]
    async with talking() as server, browser(*flags) as launched:
        seen = Visit(await launched.new_page())
        await seen.page.goto(f"http://mic.test:{server.port}/")
        await seen.button("Start").click()
        assert "https://" in await seen.problem("This page may not use a microphone")
        await seen.in_state("idle")
        await seen.open_file(SAMPLES / "harbour.wav")
        await seen.in_state("closed")


async def test_no_microphone_is_explained() -> None:
    async with talking() as server, visit(server) as seen:
        await seen.button("Start").click()
        assert "Plug one in" in await seen.problem("No microphone was found")
        await expect(seen.button("Start")).to_be_visible()
        assert server.streams == []


async def test_a_microphone_that_is_not_allowed_is_explained() -> None:
    async with talking() as server, visit(server, FAKE_DEVICE) as seen:
        await seen.button("Start").click()
        assert "Allow" in await seen.problem("The microphone is not allowed")


async def test_nobody_has_to_answer_the_browser(microphone: list[str]) -> None:
    """It can be stopped while it still asks, and lets go of a microphone that comes too late."""
    async with talking() as server, visit(server, *microphone) as seen:
        await seen.page.add_init_script(
            """
            const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            navigator.mediaDevices.getUserMedia = async (wish) => {
              await new Promise((resolve) => { globalThis.answer = resolve; });
              return globalThis.media = await ask(wish);
            };
            """
        )
        await seen.page.reload()
        await seen.button("Start").click()
        await seen.button("Stop").click()
        await expect(seen.button("Start")).to_be_visible()
        await seen.page.evaluate("answer()")
        await seen.page.wait_for_function("() => globalThis.media?.getTracks()[0].readyState === 'ended'")
        await seen.in_state("idle")
        assert server.streams == []


async def test_a_muted_microphone_is_noticed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "nothing.wav", np.zeros(48_000 * 8), 48_000, subtype="PCM_16")
    flags = [FAKE_DEVICE, FAKE_UI, f"--use-file-for-fake-audio-capture={tmp_path / 'nothing.wav'}"]
    async with talking() as server, visit(server, *flags) as seen:
        await seen.button("Start").click()
        assert "muted" in await seen.problem("Nothing but silence comes from the microphone")
        await seen.in_state("open")


async def test_a_microphone_that_goes_away_loses_nothing_of_what_it_heard(microphone: list[str]) -> None:
    async with talking() as server, visit(server, *microphone) as seen:
        await seen.page.add_init_script(
            """
            const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
            navigator.mediaDevices.getUserMedia = async (wish) => globalThis.media = await ask(wish);
            """
        )
        await seen.page.reload()
        await seen.button("Start").click()
        await expect(seen.page.locator("#finals p")).to_have_count(1, timeout=PATIENCE)
        await seen.page.evaluate("media.getAudioTracks()[0].dispatchEvent(new Event('ended'))")
        assert "plug it in" in await seen.problem("The microphone is gone")
        await seen.in_state("closed")
        assert len(await seen.names()) == len(server.script.words(server.streams[0].samples / 16_000))


async def test_a_server_that_is_not_there_is_explained(microphone: list[str]) -> None:
    async with talking() as server, visit(server, *microphone) as seen:
        server.down()
        await seen.button("Start").click()
        assert "whether the server is running" in await seen.problem("The server cannot be reached")
        await expect(seen.button("Start")).to_be_visible()
        await server.up()
        await seen.button("Start").click()
        await seen.in_state("open")


async def test_what_a_server_takes_with_it_is_told(microphone: list[str]) -> None:
    async with talking() as server, visit(server, *microphone) as seen:
        await seen.button("Start").click()
        await expect(seen.page.locator("#interim")).not_to_be_empty()
        server.down()
        await seen.problem("The server cannot be reached")
        interim = await seen.page.locator("#interim").inner_text()
        await seen.button("Stop").click()
        await seen.in_state("finishing", "reconnecting")
        await seen.button("Stop").click()
        alert = seen.page.get_by_role("alert")
        await expect(alert).to_contain_text("seconds were not transcribed")
        await expect(seen.button("Start")).to_be_visible()
        assert (await seen.finals())[-1] == interim


async def test_a_server_that_is_full_is_explained(microphone: list[str]) -> None:
    async with talking(behaviours=[Behaviour(fault=Refuse(503))] * 6) as server, visit(server, *microphone) as seen:
        server.is_ready = False
        await seen.button("Start").click()
        await seen.problem("The server is full or about to end")
        await seen.in_state("open")
        await expect(seen.page.get_by_role("alert")).to_be_empty()


async def test_a_token_is_asked_for_and_stays_out_of_addresses(microphone: list[str]) -> None:
    async with talking(token=TOKEN) as server, visit(server, *microphone) as seen:
        await seen.button("Start").click()
        assert "Enter the one" in await seen.problem("The server wants a token")
        await seen.in_state("failed")
        await seen.button("Enter a token").click()
        await expect(seen.page.get_by_label("Token")).to_be_focused()
        await seen.page.keyboard.type(TOKEN)
        await seen.page.keyboard.press("Enter")
        await seen.page.keyboard.press("Escape")
        await seen.button("Start").click()
        await seen.in_state("open")
        assert server.streams[-1].offered == ["voxcli.v1", "token", TOKEN]
        await seen.page.reload()
        await expect(seen.page.get_by_label("Token")).to_have_value(TOKEN)
        assert await seen.page.evaluate("localStorage.length") == 0
    assert TOKEN not in "".join(request.path for request in server.requests)


async def test_a_recording_that_cannot_be_decoded_is_explained(tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("no audio at all", encoding="utf-8")
    async with talking() as server, visit(server) as seen:
        await seen.open_file(tmp_path / "notes.wav")
        assert "ffmpeg" in await seen.problem("notes.wav cannot be decoded")
        await seen.in_state("idle")


async def test_what_the_server_complains_of_is_shown(microphone: list[str]) -> None:
    fault = SayError(1.0, "expected linear16, got opus", code=4400)
    async with talking(behaviours=[Behaviour(fault=fault)]) as server, visit(server, *microphone) as seen:
        await seen.button("Start").click()
        await seen.in_state("failed")
        assert "Expected linear16, got opus." in await seen.page.get_by_role("alert").inner_text()
        await asyncio.sleep(0.5)
        assert len(server.streams) == 1


async def test_markup_in_a_transcript_is_text(tmp_path: Path) -> None:
    words = Words(text="<img src=x onerror=alert(1)> <b>bold</b> &amp;", word_every=0.3, word_length=0.25)
    async with PageServer(script=words, then=Behaviour()) as server, visit(server) as seen:
        await seen.open_file(SAMPLES / "harbour.wav")
        await seen.in_state("closed")
        assert "<b>bold</b>" in " ".join(await seen.finals())
        assert await seen.page.locator("#finals img, #finals b").count() == 0
    assert seen.complaints == []


# The real server


@dataclass
class RealServer:
    """Where ``visit`` finds it."""

    running: RunningServer

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.running.port}/"


async def test_the_real_server_serves_it_and_it_serves_the_real_server(tmp_path: Path) -> None:
    """Under the server's own policy, and with a token."""
    recording = clocked_file(tmp_path / "clock.wav", 30.0)
    running = RunningServer(ServerEars(pause=0.02), tokens=(TOKEN,))
    async with running, visit(RealServer(running)) as seen:
        await seen.open_file(recording)
        await seen.problem("The server wants a token")
        seen.complaints.clear()
        await seen.button("Enter a token").click()
        await seen.page.keyboard.type(TOKEN)
        await seen.open_file(recording)
        await seen.in_state("closed")
        assert check_names(await seen.names(), Script(), 30.0) == Loss()
        assert seen.complaints == []


async def test_the_page_of_the_documentation_works_on_another_origin(microphone: list[str], tmp_path: Path) -> None:
    (page,) = re.findall(r"```html\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    folder = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), folder) as other:
        threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        origin = f"http://localhost:{other.server_port}"
        async with RunningServer(origins=(origin,)) as running, browser(*microphone) as launched:
            (tmp_path / "index.html").write_text(page.replace("localhost:8000", f"localhost:{running.port}"), "utf-8")
            seen = Visit(await launched.new_page())
            await seen.page.goto(origin)
            await seen.button("Listen").click()
            await running.metric_becomes("voxcli_connections", 1)
            async with asyncio.timeout(10):
                while await running.metric("voxcli_audio_seconds_total") < 2:
                    await asyncio.sleep(0.1)
            assert [text for text in seen.complaints if "favicon" not in text and "404" not in text] == []
        other.shutdown()


# Looks


async def problems_of(seen: Visit) -> AxeResults:
    """axe judges everything that it can judge. It is run from the test, past the page's own policy."""
    return await Axe().run(seen.page)


def assert_accessible(results: AxeResults) -> None:
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_everybody_can_use_it(microphone: list[str], scheme: str, width: int) -> None:
    size: dict[str, Any] = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme}
    async with talking() as server, visit(server, *microphone, bypass_csp=True, **size) as seen:
        assert_accessible(await problems_of(seen))
        await seen.page.get_by_text("Settings", exact=True).click()
        assert_accessible(await problems_of(seen))
        await seen.page.keyboard.press("Escape")
        await seen.button("Start").click()
        await expect(seen.page.locator("#finals p")).to_have_count(2, timeout=PATIENCE)
        await expect(seen.page.locator("#interim")).not_to_be_empty()
        assert_accessible(await problems_of(seen))
        assert await fits(seen)
        server.down()
        await seen.problem("The server cannot be reached")
        assert_accessible(await problems_of(seen))
        assert await fits(seen)


async def fits(seen: Visit) -> bool:
    """Whether nothing has to be scrolled sideways."""
    return bool(await seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


async def test_little_moves_for_those_who_want_that(microphone: list[str]) -> None:
    async with talking() as server, visit(server, *microphone, reduced_motion="reduce") as seen:
        await seen.button("Start").click()
        await seen.in_state("open")
        await expect(seen.page.locator("#finals p")).to_have_count(1, timeout=PATIENCE)
        assert await seen.page.evaluate("document.getAnimations().length") == 0
        assert int(await seen.page.get_by_role("meter").get_attribute("aria-valuenow") or 0) > 30


async def test_nothing_comes_from_elsewhere_and_nothing_is_inline(microphone: list[str]) -> None:
    async with talking() as server:
        asked: list[str] = []
        async with browser(*microphone) as launched:
            seen = Visit(await launched.new_page())
            seen.page.on("request", lambda request: asked.append(request.url))
            await seen.page.goto(server.page)
            await seen.button("Start").click()
            await seen.in_state("open")
            assert await seen.page.locator("[style], style, script:not([src])").count() == 0
        assert asked
        assert all(re.match(rf"(http|ws)://127\.0\.0\.1:{server.port}/", url) for url in asked), asked
        assert seen.complaints == []
