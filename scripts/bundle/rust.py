"""The Rust programs, and whether they would run on every host the bundle serves."""

import re
import shutil
from pathlib import Path

from scripts.bundle import BundleError
from scripts.bundle.targets import ARCHITECTURE, ELF_MACHINE, GLIBC, PROGRAMS

SYMBOL = re.compile(rb"\0GLIBC_(\d+)\.(\d+)(?:\.\d+)?\0")

RELR = b"\0GLIBC_ABI_DT_RELR\0"
"""What programs with packed relocations ask for: glibc has it from 2.36 on."""


def programs(folder: Path) -> list[Path]:
    """The built programs; refuses when one is missing."""
    found = [folder / name for name in PROGRAMS]
    if missing := [path.name for path in found if not path.is_file()]:
        raise BundleError(f"{folder} has no {', '.join(missing)}; `make build` builds them")
    return found


def copy(built: list[Path], into: Path) -> str:
    """Copies the programs into `bin/`; returns the newest glibc any of them needs."""
    into.mkdir(parents=True)
    newest = (0, 0)
    for path in built:
        newest = max(newest, _required_glibc(path))
        shutil.copyfile(path, into / path.name)
        (into / path.name).chmod(0o755)
    return f"{newest[0]}.{newest[1]}"


def _required_glibc(path: Path) -> tuple[int, int]:
    """The newest glibc a program asks for; refuses one that some host does not have."""
    data = path.read_bytes()
    if data[:4] != b"\x7fELF" or int.from_bytes(data[18:20], "little") != ELF_MACHINE:
        raise BundleError(f"{path} is no program for {ARCHITECTURE}")
    # Names of versions stand between zeros; two in a row share one, so look with overlap.
    versions = [(int(m[1]), int(m[2])) for m in re.finditer(rb"(?=" + SYMBOL.pattern + rb")", data)]
    if RELR in data:
        versions.append((2, 36))
    newest = max(versions, default=(0, 0))
    if newest > GLIBC:
        needed, oldest = (".".join(map(str, version)) for version in (newest, GLIBC))
        raise BundleError(f"{path} needs glibc {needed}, the oldest host has {oldest}: build it on Debian 12")
    return newest
