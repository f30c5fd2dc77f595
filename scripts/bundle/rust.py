"""The Rust programs, and whether they would run on every host the bundle serves."""

import platform
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from scripts.bundle import BundleError
from scripts.bundle.say import run
from scripts.bundle.targets import GLIBC, PROGRAMS, Architecture

SYMBOL = re.compile(rb"\0GLIBC_(\d+)\.(\d+)(?:\.\d+)?\0")

RELR = b"\0GLIBC_ABI_DT_RELR\0"
"""What programs with packed relocations ask for: glibc has it from 2.36 on."""


def programs(folder: Path) -> list[Path]:
    """The built programs; refuses when one is missing."""
    found = [folder / name for name in PROGRAMS]
    if missing := [path.name for path in found if not path.is_file()]:
        with_it = "make bundle-aarch64" if folder.name.endswith("-aarch64") else "make build"
        raise BundleError(f"{folder} has no {', '.join(missing)}; `{with_it}` builds them")
    return found


def copy(built: list[Path], into: Path, architecture: Architecture) -> str:
    """Copies the programs into `bin/`; returns the newest glibc any of them needs."""
    into.mkdir(parents=True)
    newest = (0, 0)
    for path in built:
        newest = max(newest, _required_glibc(path, architecture))
        shutil.copyfile(path, into / path.name)
        (into / path.name).chmod(0o755)
    return f"{newest[0]}.{newest[1]}"


def ask_versions(programs: Path, architecture: Architecture, version: str) -> None:
    """Each program reports the version of the release, or a host would refuse it."""
    for program in sorted(programs.iterdir()):
        reported = run([*_runner(architecture), program, "--version"]).split()
        if reported[1:2] != [version]:
            raise BundleError(
                f"{program.name} reports version {' '.join(reported[1:2])}, and VERSION is {version}: VERSION and "
                "extractors/rust/Cargo.toml name the same version, and `make build` builds with it"
            )


def prove(programs: Path, vectors: Path, architecture: Architecture) -> None:
    """Replays the golden vectors with programs that this machine runs only in qemu."""
    runner = _runner(architecture)
    with tempfile.TemporaryDirectory() as name:
        for program in programs.iterdir():
            wrapper = Path(name) / program.name
            command = shlex.join([*runner, str(program)])
            wrapper.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
            wrapper.chmod(0o755)
        run([sys.executable, vectors / "check.py", "--bin", name, "--implementation", "rust"])


def _runner(architecture: Architecture) -> list[str]:
    """What runs a program of that architecture here: nothing for this machine's own, else qemu."""
    if architecture.name == platform.machine():
        return []
    qemu = shutil.which(f"qemu-{architecture.name}")
    if qemu is None:
        raise BundleError(
            f"qemu-{architecture.name} is missing, by which the programs prove what they compute; install qemu-user"
        )
    return [qemu, "-L", f"/usr/{architecture.name}-linux-gnu"]


def _required_glibc(path: Path, architecture: Architecture) -> tuple[int, int]:
    """The newest glibc a program asks for; refuses one that some host does not have."""
    data = path.read_bytes()
    if data[:4] != b"\x7fELF" or int.from_bytes(data[18:20], "little") != architecture.elf:
        raise BundleError(f"{path} is no program for {architecture.name}")
    # Names of versions stand between zeros; two in a row share one, so look with overlap.
    versions = [(int(m[1]), int(m[2])) for m in re.finditer(rb"(?=" + SYMBOL.pattern + rb")", data)]
    if RELR in data:
        versions.append((2, 36))
    newest = max(versions, default=(0, 0))
    if newest > GLIBC:
        needed, oldest = (".".join(map(str, version)) for version in (newest, GLIBC))
        raise BundleError(f"{path} needs glibc {needed}, the oldest host has {oldest}: build it on Debian 12")
    return newest
