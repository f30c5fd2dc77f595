"""Every pattern of `extractors/rust/cold.ld` matches something that is linked: names change, and then memory grows."""

import json
import platform
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "extractors" / "rust" / "cold.ld"
# What the linker wrote beside the programs when scripts/build made them.
LINKED = ROOT / "build" / "rust-target" / f"{platform.machine()}-unknown-linux-gnu" / "release"
PROGRAMS = [kind["program"] for kind in json.loads((ROOT / "extractors/schema/kinds.json").read_text())["kinds"]]
SECTION = re.compile(r"(\S+):\((\.text[^)\s]*)\)$")

Sections = set[tuple[str, str]]


def patterns(script: str) -> list[tuple[str, str]]:
    """Of files and of their sections; where several sections stand in one place, each by itself."""
    script = re.sub(r"/\*.*?\*/", "", script, flags=re.DOTALL)
    placed = re.findall(r"(\S+)\((\.text[^)]*)\)", script)
    return [(file, section) for file, sections in placed for section in sections.split()]


def linked(text: str) -> Sections:
    """The sections of code in a linker's map, with their files: `archive.a(member.o)` or `file.o`."""
    return {(found[1], found[2]) for line in text.splitlines() if (found := SECTION.search(line))}


def unmatched(script: str, sections: Sections) -> list[str]:
    """The patterns for which there is no section. `archive:member` names both; else a name is of either."""

    def matches(file: str, section: str) -> bool:
        archive_and_member = file.replace(":", "(")
        return any(fnmatchcase(name, section) and fnmatchcase(path, archive_and_member) for path, name in sections)

    return [f"{file}({section})" for file, section in patterns(script) if not matches(file, section)]


def test_every_pattern_matches_what_is_linked() -> None:
    maps = [LINKED / f"{program}.map" for program in PROGRAMS]
    if missing := [path.name for path in maps if not path.exists()]:
        pytest.fail(f"{', '.join(missing)} missing in {LINKED}: scripts/build links the programs")
    sections = set[tuple[str, str]]().union(*(linked(path.read_text()) for path in maps))
    assert len(sections) > 1000
    assert unmatched(SCRIPT.read_text(), sections) == []


def test_a_pattern_that_a_new_name_left_behind_is_found() -> None:
    sections = linked(
        " 1 1 20 1         /deps/out.o:(.text._ZN5crate6values6Reader7refused17hE)\n"
        " 1 1 20 1         /lib/libgcc_eh.a(unwind.o):(.text)\n"
        " 1 1 20 1         /lib/libgcc_eh.a(unwind.o):(.text.unlikely)\n"
        " 1 1 20 1         /deps/out.o:(.rodata.x)\n"
    )
    script = (
        "/* (.text.*of a comment*) */ *(.text.*6values6Reader* .text.*6reader6Reader*)\n*libgcc_eh.a:*(.text .text.*)"
    )
    assert unmatched(script, sections) == ["*(.text.*6reader6Reader*)"]
