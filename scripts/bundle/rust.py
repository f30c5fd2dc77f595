"""The Rust programs, and whether they would run on every host the bundle serves."""

import platform
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from scripts.bundle import BundleError
from scripts.bundle.say import run
from scripts.bundle.targets import PROGRAMS, Architecture

ET_DYN = 3
"""The kind of a program that can be loaded anywhere."""
PT_INTERP = 3
"""The part of a program that names who loads it and its libraries."""


def programs(folder: Path) -> list[Path]:
    """The built programs; refuses when one is missing."""
    found = [folder / name for name in PROGRAMS]
    if missing := [path.name for path in found if not path.is_file()]:
        with_it = "make bundle-aarch64" if folder.name.endswith("-aarch64") else "make build"
        raise BundleError(f"{folder} has no {', '.join(missing)}; `{with_it}` builds them")
    return found


def copy(built: list[Path], into: Path, architecture: Architecture) -> None:
    """Copies the programs into `bin/`; refuses one that some host could not run."""
    into.mkdir(parents=True)
    for path in built:
        _runs_everywhere(path, architecture)
        shutil.copyfile(path, into / path.name)
        (into / path.name).chmod(0o755)


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
    return [qemu]


def _runs_everywhere(path: Path, architecture: Architecture) -> None:
    """Refuses a program of another machine, at fixed addresses, or with the host's C library: that may be older."""
    data = path.read_bytes()
    if data[:4] != b"\x7fELF" or int.from_bytes(data[18:20], "little") != architecture.elf:
        raise BundleError(f"{path} is no program for {architecture.name}")
    if int.from_bytes(data[16:18], "little") != ET_DYN:
        raise BundleError(f"{path} has fixed addresses, which an attacker knows: `scripts/build` links it without")
    table, size, count = (int.from_bytes(data[at : at + width], "little") for at, width in ((32, 8), (54, 2), (56, 2)))
    parts = [int.from_bytes(data[at : at + 4], "little") for at in range(table, table + size * count, size)]
    if PT_INTERP in parts:
        raise BundleError(f"{path} needs the host's C library, which may be an older one: `make build` builds it whole")
