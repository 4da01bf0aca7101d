"""What was measured, kept as JSON for each family of rows, and results.md, which is made of all of them."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_HEADER = """\
# Results

Made by `{command}`; [README.md](README.md) says what each row is and how it is measured. Each figure is the median of
the ratios (for memory and latency: of the differences) between neighbouring runs, ours to the other's, with the least
and the greatest; `n` is how many pairs there were. A goal is met by the median: where the spread reaches beyond it, the
machine was too busy to tell. Beside it stand the medians themselves, ours first, which mean nothing on another machine.
Recovery and faults have no other: they are times and counts as they are.
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. ``met`` is None where there is no goal."""

    what: str
    against: str
    measure: str
    value: str
    absolute: str
    goal: str | None
    met: bool | None
    n: int


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one family, how they came about, and plain sentences about what is missing."""

    title: str
    command: str
    date: str
    machine: str
    moment: str
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()


def save(folder: Path, name: str, section: Section) -> None:
    """Keep what was measured, in place of what the family gave before."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(asdict(section), ensure_ascii=False, indent=1), encoding="utf-8")


def write(folder: Path, titles: Mapping[str, str], results: Path, command: str) -> None:
    """results.md in the order of ``titles`` (family -> title): what was kept, and what stands there of the others."""
    files = {name: folder / f"{name}.json" for name in titles}
    sections = {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.exists()}
    standing = _standing(results)
    machines = dict.fromkeys(standing.machines + [section["machine"] for section in sections.values()])
    parts = [_HEADER.format(command=command), *(f"On {machine}.\n" for machine in machines)]
    for name, title in titles.items():
        if name in sections:
            parts.append(_section(sections[name]))
        elif title in standing.sections:
            parts.append(standing.sections[title])
    results.write_text("\n".join(parts), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Standing:
    """What a results.md holds: the sections by their titles, and the machines that it names."""

    sections: dict[str, str]
    machines: list[str]


def _standing(results: Path) -> _Standing:
    text = results.read_text(encoding="utf-8") if results.exists() else ""
    head, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    by_title = {section.splitlines()[0].removeprefix("## "): section.rstrip("\n") + "\n" for section in sections}
    return _Standing(by_title, re.findall(r"^On (.+)\.$", head, re.MULTILINE))


def machine(versions: Mapping[str, str]) -> str:
    """One line about what it is measured on, without anything that names the machine."""
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{os.cpu_count()} cores of {_cpu_model()}, {system}; CPython {platform.python_version()}, {packages}"


def moment(voxcli: str, floor_mb: float) -> str:
    """What differs from one section to the next."""
    return f"{voxcli}; load {os.getloadavg()[0]:.1f} at the end; no peak RSS can be below {floor_mb:.0f} MB"


def _section(section: dict[str, Any]) -> str:
    lines = [
        f"## {section['title']}",
        "",
        f"`{section['command']}`, {section['date']}; {section['moment']}.",
        "",
    ]
    if section["rows"]:
        lines += [
            "| What | Against | Measure | Ratio, or difference | Goal | Met | Ours, the other's | n |",
            "|---|---|---|---|---|---|---|---|",
            *(_line(Row(**row)) for row in section["rows"]),
            "",
        ]
    missed = [row for row in (Row(**row) for row in section["rows"]) if row.met is False]
    lines += [f"Missed: {row.what}, {row.measure}: {row.value}; the goal is {row.goal}.\n" for row in missed]
    lines += [f"{remark}\n" for remark in section["remarks"]]
    return "\n".join(lines)


def _line(row: Row) -> str:
    met = {None: "", True: "yes", False: "**no**"}[row.met]
    cells = (row.what, row.against, row.measure, row.value, row.goal or "", met, row.absolute, str(row.n))
    return f"| {' | '.join(cells)} |"


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
