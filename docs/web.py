"""Makes a web site of the documentation, in site/html: ``python docs/web.py``. Fails where a link leads nowhere.

The pages are those that the repository shows, so links are written for the repository; what lies outside of the site is
linked to there.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parent.parent
SITE = ROOT / "site"
REPOSITORY = "https://github.com/voxcli/voxcli/blob/main/"
ELSEWHERE = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "benchmarks/results.md": "results.md"}
"""Documents outside of docs/ that are pages, too."""

LINK = re.compile(r"\[([^]]*)\]\((?![a-z]+:|#)([^)#]+)(#[^)]*)?\)")
LOADED = {"link": "href", "script": "src", "img": "src", "source": "src", "iframe": "src"}
"""What a browser fetches without being asked."""


def pages() -> dict[str, str]:
    """Path in the repository -> name in the site."""
    return ELSEWHERE | {f"docs/{path.name}": path.name for path in sorted((ROOT / "docs").glob("*.md"))}


def assemble() -> None:
    """Lay out the pages for the generator."""
    shutil.rmtree(SITE, ignore_errors=True)
    folder = SITE / "pages"
    folder.mkdir(parents=True)
    settings = ROOT / "docs" / "zensical.toml"
    shutil.copy(settings, SITE)
    for name in ("live.svg", "web.css"):
        shutil.copy(ROOT / "docs" / name, folder)
    titles = dict(_titles(tomllib.loads(settings.read_text(encoding="utf-8"))["project"]["nav"]))
    for path, name in pages().items():
        text = (ROOT / path).read_text(encoding="utf-8")
        (folder / name).write_text(for_the_site(text, path, titles), encoding="utf-8")


def for_the_site(text: str, path: str, titles: dict[str, str]) -> str:
    """A document with its links as they have to be there."""
    return LINK.sub(partial(_moved, path=path, titles=titles), text)


def _moved(link: re.Match[str], path: str, titles: dict[str, str]) -> str:
    """A link of a document as it has to be in the site; where it shows a file's name, it shows the page's title."""
    text, target, anchor = link[1], posixpath.normpath(posixpath.join(posixpath.dirname(path), link[2])), link[3] or ""
    place = (pages() | {"docs/live.svg": "live.svg"}).get(target, REPOSITORY + target)
    if text in (link[2], target) and place in titles:
        text = titles[place]
    return f"[{text}]({place}{anchor})"


def _titles(nav: list[dict[str, str | list[dict[str, str]]]]) -> Iterator[tuple[str, str]]:
    """Name in the site -> what the navigation calls it."""
    for title, entry in (item for each in nav for item in each.items()):
        if isinstance(entry, str):
            yield entry, title
        else:
            yield from _titles(entry)


class Page(HTMLParser):
    """What a page links to, what it loads, and what can be linked to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take note of it."""
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in LOADED and given.get("rel") != "canonical":
            self.loads.append(given.get(LOADED[tag], ""))

    def has(self, fragment: str) -> bool:
        """Whether something can be linked to."""
        return unquote(fragment) in self.anchors


def faults() -> Iterator[str]:
    """Links of the finished site that lead nowhere, pages that nothing leads to, and what is loaded from elsewhere."""
    html = SITE / "html"
    read = {path.resolve(): Page(path) for path in html.rglob("*.html") if path.name != "404.html"}
    linked = {(html / "index.html").resolve()}
    for path, page in read.items():
        yield from (f"{path.name} loads {load}" for load in page.loads if urlsplit(load).netloc)
        for link in {*page.links, *page.loads}:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            linked.add(target)
            if not target.exists() or (parts.fragment and target in read and not read[target].has(parts.fragment)):
                yield f"{path.name} links to {link}"
    yield from (f"nothing links to {path.name}" for path in read.keys() - linked)


def main() -> int:
    """Make the site and look it over; 1 if something is wrong with it."""
    assemble()
    made = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", SITE / "zensical.toml"], check=False
    )
    found = [] if made.returncode else sorted(faults())
    sys.stderr.writelines(f"{fault}\n" for fault in found)
    return 1 if made.returncode or found else 0


if __name__ == "__main__":
    sys.exit(main())
