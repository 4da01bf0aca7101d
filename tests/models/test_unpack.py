"""What an archive may not do."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub import zip_of
from voxcli.models import unpack as unpacking
from voxcli.models.trouble import Fatal
from voxcli.models.unpack import limit_bytes, relative, unpack


def unpacked(tmp_path: Path, body: bytes, most_bytes: int = 1000) -> list[str]:
    archive = tmp_path / "a.zip"
    archive.write_bytes(body)
    bench = tmp_path / "bench"
    bench.mkdir()
    return sorted(unpack(archive, bench, top="m", most_bytes=most_bytes, check=lambda: None))


def test_files_and_folders(tmp_path: Path) -> None:
    assert unpacked(tmp_path, zip_of({"m/": b"", "m/a": b"1", "m/b/": b"", "m/b/c": b"22"})) == ["a", "b/c"]
    assert (tmp_path / "bench" / "m" / "b" / "c").read_bytes() == b"22"


@pytest.mark.parametrize(
    "entry",
    [
        *("/etc/x", "m/../../x", "../x", "m/./x", "m//x", "c:/x", "m/c:x", "m\\..\\x", "\\\\host\\x"),
        *("n/x", "m", "x", "m/a\x00b", "m/\x1b[2J"),
    ],
)
def test_an_entry_that_would_be_elsewhere(tmp_path: Path, entry: str) -> None:
    with pytest.raises(Fatal):
        relative(entry, "m")
    if "\x00" not in entry:
        with pytest.raises(Fatal):
            unpacked(tmp_path, zip_of({"m/ok": b"1", entry: b"1"}))
        assert list((tmp_path / "bench").iterdir()) == []


@given(st.lists(st.sampled_from(["m", "..", ".", "", "a", "/", "\\", "c:", "n\x00"]), max_size=6).map("/".join))
@example("m/")
def test_whatever_is_let_through_stays_inside(entry: str) -> None:
    try:
        path = PurePosixPath("m") / relative(entry, "m")
    except Fatal:
        return
    assert path.parts[0] == "m"
    assert ".." not in path.parts
    assert not path.is_absolute()
    assert str(path) == entry.rstrip("/")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_links_and_devices(tmp_path: Path, kind: int) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as zipped:
        info = zipfile.ZipInfo("m/link")
        info.external_attr = (kind | 0o644) << 16
        zipped.writestr(info, "/etc/passwd")
    with pytest.raises(Fatal, match="a link or a device"):
        unpacked(tmp_path, body.getvalue())


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_entries_in_one_place(tmp_path: Path) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as zipped:
        zipped.writestr("m/a", "1")
        zipped.writestr("m/a", "2")
    with pytest.raises(Fatal, match="two entries"):
        unpacked(tmp_path, body.getvalue())


def test_a_file_where_a_folder_must_be(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="two entries"):
        unpacked(tmp_path, zip_of({"m/a": b"1", "m/a/b": b"1"}))


def test_a_flood_is_stopped_while_it_is_written(tmp_path: Path) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("m/a", bytes(600))
        zipped.writestr("m/b", bytes(600))
    with pytest.raises(Fatal, match="more than a model"):
        unpacked(tmp_path, body.getvalue())


def test_too_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MOST_ENTRIES", 2)
    with pytest.raises(Fatal, match="3 entries"):
        unpacked(tmp_path, zip_of({f"m/{number}": b"" for number in range(3)}))


def test_damage(tmp_path: Path) -> None:
    good = zip_of({"m/a": b"1" * 100})
    with pytest.raises(Fatal, match="damaged"):
        unpacked(tmp_path, good.replace(b"1" * 100, b"1" * 99 + b"2"))


@pytest.mark.parametrize("body", [b"", b"no zip", zip_of({"m/a": b"1" * 100})[:-30]])
def test_no_archive(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(Fatal, match="damaged"):
        unpacked(tmp_path, body)


def test_an_archive_with_a_password(tmp_path: Path) -> None:
    body = bytearray(zip_of({"m/a": b"1"}))
    body[6] |= 1  # the flag of encryption, in the entry and in the directory
    body[body.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(Fatal, match="cannot be read"):
        unpacked(tmp_path, bytes(body))


def test_an_archive_packed_in_an_unusual_way(tmp_path: Path) -> None:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_LZMA) as zipped:
        zipped.writestr("m/a", "1")
    with pytest.raises(Fatal, match="unusual way"):
        unpacked(tmp_path, body.getvalue())


def test_how_much_is_allowed() -> None:
    assert limit_bytes(1) == 64 << 20
    assert limit_bytes(40 << 20) == 800 << 20
    assert limit_bytes(1 << 40) == 20 << 30
