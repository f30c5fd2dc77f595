"""What the soak needs beside the project's own tools: a nightly compiler, cargo-fuzz and atheris, pinned, in build/.

Whatever cannot be had ends the soak with a sentence that says what and why; nothing is left out in silence.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "fuzz"
NIGHTLY = "nightly-2026-05-20"
CARGO_FUZZ = "0.13.2"
TARGET = BUILD / "target"
CRATE = ROOT / "extractors" / "rust" / "fuzz"
VENV = BUILD / "venv"
NOTE = "fuzz-note "  # begins a line of JSON that atheris_run says on stderr


class Missing(Exception):
    """A tool cannot be had; the message names it, and gives its output."""


def _done(what: str, words: list[str], **variables: str) -> str:
    try:
        done = subprocess.run(
            words, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise Missing(f"{what}: there is no `{words[0]}` on this machine") from None
    if done.returncode != 0:
        reported = (done.stderr or done.stdout).strip().splitlines()[-8:]
        raise Missing(f"{what}: `{' '.join(words)}` ended with {done.returncode}:\n  " + "\n  ".join(reported))
    return done.stdout


def nightly() -> None:
    """The compiler that cargo-fuzz needs."""
    if NIGHTLY not in _done("the Rust toolchains cannot be listed", ["rustup", "toolchain", "list"]):
        words = ["rustup", "toolchain", "install", NIGHTLY, "--profile", "minimal", "--no-self-update"]
        _done("the nightly compiler cannot be installed", words)


def cargo_fuzz() -> Path:
    """The program, in build/tools."""
    program = ROOT / "build" / "tools" / "bin" / "cargo-fuzz"
    if not program.exists() or CARGO_FUZZ not in _done("cargo-fuzz does not run", [str(program), "--version"]):
        words = ["cargo", "install", "cargo-fuzz", "--locked", "--version", CARGO_FUZZ]
        words += ["--root", str(program.parents[1])]
        _done("cargo-fuzz cannot be installed", words, CARGO_TARGET_DIR=str(BUILD / "cargo-fuzz"))
    return program


def rust_targets(expected: list[str]) -> dict[str, Path]:
    """The programs that fuzz the Rust implementation, built from this tree, by target."""
    nightly()
    words = [str(cargo_fuzz()), "build", "--fuzz-dir", str(CRATE), "--target-dir", str(TARGET)]
    _done("the fuzz targets cannot be built", words, RUSTUP_TOOLCHAIN=NIGHTLY)
    folders = list(TARGET.glob("*/release"))
    found = {name: folder / name for name in expected for folder in folders if (folder / name).exists()}
    if set(found) != set(expected):
        raise Missing(f"the fuzz targets {sorted(set(expected) - set(found))} were not built")
    return found


def atheris() -> Path:
    """The Python of an environment with atheris and what the extractors need."""
    uv, python = str(ROOT / ".venv" / "bin" / "uv"), VENV / "bin" / "python"
    if not python.exists():
        _done("no environment for atheris", [uv, "venv", "--quiet", "--python", sys.executable, str(VENV)])
    locks = ["extractors/python/requirements.lock", "tests/fuzz/requirements.txt"]
    words = [uv, "pip", "install", "--quiet", "--python", str(python), "--require-hashes"]
    _done("atheris cannot be installed", words + [word for lock in locks for word in ("--requirements", lock)])
    _done("atheris does not run", [str(python), "-c", "import atheris"])
    return python
