"""The site of the documentation: how links are rewritten for it, and what is found to be wrong with it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "docs"))
import web


@pytest.mark.parametrize(
    ("path", "link", "moved"),
    [
        ("README.md", "[keys](docs/settings.md#the-keyring)", "[keys](settings.md#the-keyring)"),
        ("README.md", "[docs/settings.md](docs/settings.md)", "[Settings](settings.md)"),
        ("docs/pipes.md", "[settings.md](settings.md#files)", "[Settings](settings.md#files)"),
        ("docs/pipes.md", "[a](#b) [c](https://d.example/e.md)", "[a](#b) [c](https://d.example/e.md)"),
        ("docs/pipes.md", "[x](../LICENSE)", f"[x]({web.REPOSITORY}LICENSE)"),
        ("benchmarks/results.md", "[how](README.md)", f"[how]({web.REPOSITORY}benchmarks/README.md)"),
        ("README.md", "![The live view](docs/live.svg)", "![The live view](live.svg)"),
    ],
)
def test_a_link_in_the_site(path: str, link: str, moved: str) -> None:
    assert web.for_the_site(link, path, {"settings.md": "Settings"}) == moved


def test_what_is_wrong_with_a_site_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "SITE", tmp_path)
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / "index.html").write_text(
        '<a href="a.html#here">1</a> <a href="a.html#there">2</a> <a href="b.html">3</a> <a href="https://x.example">4</a>'
        '<script src="https://cdn.example/x.js"></script> <img src="c.png">'
    )
    (tmp_path / "html" / "a.html").write_text('<p id="here"> <a href=".">up</a>')
    (tmp_path / "html" / "lost.html").write_text("")
    assert sorted(web.faults()) == [
        "index.html links to a.html#there",
        "index.html links to b.html",
        "index.html links to c.png",
        "index.html loads https://cdn.example/x.js",
        "nothing links to lost.html",
    ]
