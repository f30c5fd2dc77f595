"""The implementations as functions from (settings, input) to output.

The Rust programs are expected in `build/rust`, the Python ones in `build/python/bin` (`make build`); other places
are named by PARITY_RUST_BIN and PARITY_PYTHON_BIN.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .settings import Settings, seconds

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "extractors" / "python"))  # for `python -m tests.parity.…`, outside of pytest

from seclyzer_extractors import config  # noqa: E402
from seclyzer_extractors.replay import replay  # noqa: E402

RUST = Path(os.environ.get("PARITY_RUST_BIN", ROOT / "build" / "rust"))
PYTHON = Path(os.environ.get("PARITY_PYTHON_BIN", ROOT / "build" / "python" / "bin"))
VERSION = (ROOT / "VERSION").read_text().strip()
PATIENCE_S = 120

Json = dict[str, Any]


class BadOutput(Exception):
    """A program failed, or wrote what is not strict JSON."""


@dataclass(frozen=True)
class Output:
    """What a replay wrote: the rows on stdout and the counters."""

    rows: list[Json]
    counters: Json


def unique(pairs: list[tuple[str, Any]]) -> Json:
    if len({key for key, _ in pairs}) != len(pairs):
        raise BadOutput(f"a key stands twice: {[key for key, _ in pairs]}")
    return dict(pairs)


def refuse(constant: str) -> float:
    raise BadOutput(f"{constant} in the output")


def strict(text: str) -> Json:
    """One JSON object, without NaN, infinity or a key given twice."""
    try:
        value = json.loads(text, object_pairs_hook=unique, parse_constant=refuse)
    except ValueError as error:
        raise BadOutput(f"no JSON: {text[:200]!r}") from error
    if not isinstance(value, dict):
        raise BadOutput(f"no object: {text[:200]!r}")
    return value


def rows_of(text: str) -> list[Json]:
    if text and not text.endswith("\n"):
        raise BadOutput("the last line does not end")
    return [strict(line) for line in text.split("\n")[:-1]]


def python_in_process(settings: Settings, raw: bytes) -> Output:
    """The Python extractor without a process of its own."""
    flags: dict[str, object] = {
        "window_seconds": seconds(settings.window_ms),
        "update_interval": seconds(settings.interval_ms),
        "lateness_ms": settings.lateness_ms,
        "min_events": settings.min_events,
        "buffer_events": settings.buffer_events,
    }
    if settings.dev_mode:
        flags["dev_mode"] = True
    out = io.StringIO()
    try:
        counters = replay(settings.kind, config.load(settings.kind, flags, {}, None), io.BytesIO(raw), out)
    except (ArithmeticError, LookupError, TypeError, ValueError, config.ConfigError) as error:
        raise BadOutput(f"{type(error).__name__}: {error}") from error
    return Output(rows_of(out.getvalue()), dict(counters.as_dict()))


def environment() -> dict[str, str]:
    """Nothing in it that configures a program."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}


def command(folder: Path, settings: Settings, raw: bytes, path: str = "-") -> Output:
    """A program's `--replay` and `--stats`, its input on stdin or in a file."""
    words = [str(folder / settings.program), "--replay", path, "--stats", *settings.arguments()]
    stdin = raw if path == "-" else b""
    done = subprocess.run(words, input=stdin, capture_output=True, env=environment(), timeout=PATIENCE_S, check=False)
    reported = done.stderr.decode("utf-8").strip().split("\n")
    if done.returncode != 0:
        raise BadOutput(f"exit {done.returncode}: {reported[-1]}")
    return Output(rows_of(done.stdout.decode("utf-8")), strict(reported[-1]))


def rust_program(settings: Settings, raw: bytes) -> Output:
    return command(RUST, settings, raw)


def python_program(settings: Settings, raw: bytes) -> Output:
    return command(PYTHON, settings, raw)


def missing() -> list[str]:
    """The programs that are not there yet."""
    programs = ("keystroke_extractor", "mouse_extractor", "app_tracker")
    return [str(folder / name) for folder in (RUST, PYTHON) for name in programs if not (folder / name).exists()]
