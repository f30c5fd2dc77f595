#!/usr/bin/env python3
"""Replays the golden vectors of this folder through the programs in a folder, and compares.

    python3 check.py --bin DIR [--implementation rust|python] [NAME …]

One line a vector; exit 0 when all agree, 1 when one does not, 2 when there was nothing to check.
Needs Python 3.11 or later and nothing else. README.md describes the format of the vectors.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RELATIVE, ABSOLUTE = 1e-9, 1e-12
PATIENCE_S = 60


def vectors(folder: Path = HERE) -> list[str]:
    """The names of all vectors, in order."""
    return sorted(path.name.removesuffix(".features.json") for path in folder.glob("*.features.json"))


def load(name: str, folder: Path = HERE) -> dict[str, Any]:
    """What is expected of a vector: program, arguments, rows, counters, and keys or None."""
    expected: dict[str, Any] = json.loads((folder / f"{name}.features.json").read_text(encoding="utf-8"))
    return expected


def events(name: str, folder: Path = HERE) -> Path:
    """The input of a vector."""
    return folder / f"{name}.events.jsonl"


def close(value: float, chosen: float, within: float | None = None) -> bool:
    """Equal to 1e-9 relative or 1e-12 absolute, or `within` that of what the vector gives rounded."""
    if within is not None:
        return abs(value - chosen) <= within
    return math.isclose(value, chosen, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def exactly(text: str) -> float | None:
    """A hand-written number or fraction ("600/7", "0.35/3") as float64; None when it is ordinary text."""
    above, _, below = text.partition("/")
    try:
        return float(Fraction(above) / Fraction(below or "1"))
    except (ValueError, ZeroDivisionError):
        return None


def differences(where: str, chosen: Any, got: Any) -> Iterator[str]:
    """What is wrong at one place of the output; nothing when it is as the vector says."""
    reported = f"{where}: {chosen!r} expected, {got!r} found"
    if isinstance(chosen, dict) and set(chosen) == {"about", "within"}:
        if not (is_number(got) and close(got, chosen["about"], chosen["within"])):
            yield reported
    elif isinstance(chosen, dict):
        if not isinstance(got, dict) or set(got) != set(chosen):
            yield reported
            return
        for key in chosen:
            yield from differences(f"{where}.{key}", chosen[key], got[key])
    elif isinstance(chosen, list):
        if not isinstance(got, list) or len(got) != len(chosen):
            yield reported
            return
        for place, (one, other) in enumerate(zip(chosen, got)):  # noqa: B905  lengths are equal
            yield from differences(f"{where}[{place}]", one, other)
    elif isinstance(chosen, str) and (number := exactly(chosen)) is not None:
        if not (is_number(got) and close(got, number)):
            yield reported
    elif type(got) is not type(chosen) or got != chosen:
        yield reported


def compare(expected: dict[str, Any], rows: Sequence[dict[str, Any]], counters: dict[str, Any]) -> list[str]:
    """Everything in which rows and counters are not as expected."""
    wrong = [line for key, value in expected["counters"].items() for line in differences(key, value, counters.get(key))]
    if len(rows) != len(expected["rows"]):
        return [*wrong, f"{len(expected['rows'])} rows expected, {len(rows)} found"]
    for number, (chosen, got) in enumerate(zip(expected["rows"], rows)):  # noqa: B905
        where = f"row {number}"
        if "keys" in expected and chosen["type"] != "app_patterns" and list(got) != expected["keys"]:
            wrong.append(f"{where}: the keys are not those of the contract, in its order")
        for key, value in chosen.items():
            wrong += differences(f"{where} {key}", value, got.get(key))
    return wrong


def environment() -> dict[str, str]:
    """The environment without anything that configures the programs."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def replay(command: list[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows and counters of a program; RuntimeError when it fails or writes no JSON."""
    done = subprocess.run(command, capture_output=True, env=environment(), timeout=PATIENCE_S, check=False)
    reported = done.stderr.decode("utf-8", "replace").strip().splitlines()
    if done.returncode != 0:
        raise RuntimeError(f"exit {done.returncode}: {reported[-1] if reported else 'nothing on stderr'}")
    try:
        rows = [json.loads(line) for line in done.stdout.decode("utf-8").split("\n") if line]
        counters = json.loads(reported[-1]) if reported else {}
    except ValueError as error:
        raise RuntimeError(f"the output is no JSON: {error}") from error
    return rows, counters


def check(name: str, programs: Path, implementation: str | None) -> list[str]:
    """Runs one vector; what is wrong, or nothing."""
    expected = load(name)
    program = programs / expected["program"]
    command = [str(program), "--replay", str(events(name)), "--stats", *expected["arguments"]]
    try:
        rows, counters = replay(command)
    except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
        return [str(error)]
    wrong = compare(expected, rows, counters)
    for number, row in enumerate([counters, *rows]):
        if implementation and row.get("implementation") != implementation:
            where = f"row {number - 1}" if number else "counters"
            wrong.append(f"{where}: implementation {row.get('implementation')!r}, not {implementation!r}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Replay the golden vectors and compare.")
    parser.add_argument("--bin", type=Path, required=True, help="the folder that holds the three programs")
    parser.add_argument("--implementation", choices=["python", "rust"], help="what the programs must say they are")
    parser.add_argument("names", nargs="*", metavar="NAME", help="vectors to check; all by default")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(vectors()))
    if unknown:
        parser.error(f"no such vector: {', '.join(unknown)}; there are {', '.join(vectors())}")
    names = options.names or vectors()
    failed = 0
    for name in names:
        began = time.monotonic()
        wrong = check(name, options.bin, options.implementation)
        failed += bool(wrong)
        print(f"{'FAILED' if wrong else 'ok':6}  {name}  ({(time.monotonic() - began) * 1000:.0f} ms)")
        for line in wrong[:8]:
            print(f"        {line}")
    print(f"{len(names) - failed} of {len(names)} vectors agree")
    if not names:
        return 2
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
