"""What a soak says: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import tools
from .outcome import Outcome
from .verdict import CLASSES

HEAD = """# Bad input: the fuzz report

Written by `make soak` (`python -m tests.fuzz.soak`); the short form of the first two parts is the suite `fuzz` of
`make test`. What is in it:

* Messages (valid, odd, broken, mutated, put together from tokens, cut and joined, as long as allowed) go through the
  three programs of both implementations. [The contract](contract.md)'s third transcription,
  `tests/parity/naive_parse.py`, sorts them first; each class goes through all six programs by itself, so that two
  errors cannot make up for each other. What comes out of the valid ones is compared with the oracle's output, value
  by value.
* The same messages go once more, all in one row, through six programs that do not end; memory is `VmRSS`.
* libFuzzer, led by coverage, runs every target of `extractors/rust/fuzz` (cargo-fuzz, with AddressSanitizer) and of
  `tests/fuzz/python_targets.py` (atheris). The inputs it found for the parsers go through all programs as well.
* JSON's oddities have names in `tests/fuzz/oddities.py`; `tests/fuzz/test_names.py` writes names to a real InfluxDB.
"""


def table(head: Iterable[str], rows: Iterable[Iterable[Any]]) -> list[str]:
    """A table in Markdown; numbers have their thousands apart."""
    names = list(head)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    for row in rows:
        cells = [f"{cell:,}".replace(",", " ") if isinstance(cell, int) else str(cell) for cell in row]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]


def tree() -> str:
    """Which tree the programs were built from, as far as git can tell."""
    words = ["git", "describe", "--always", "--dirty=, with changes", "--exclude=*"]
    try:
        return subprocess.run(words, cwd=tools.ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def markdown(done: Outcome) -> str:
    faults = done.faults()
    lines = [HEAD, f"Commit {tree()}; seed `{done.seed}`; {done.took:.0f} s on {platform.machine()} with"]
    lines += [f"{os.cpu_count()} cores; Python {platform.python_version()}."]
    messages = done.result.report.messages if done.result else 0
    again = f"python -m tests.fuzz.soak --seed {done.seed} --messages {messages} --seconds {done.seconds}"
    lines += [f"Again: `{again}`. Faults: **{len(faults)}**.", ""]
    lines += [f"* {fault.splitlines()[0][:300]}" for fault in faults] + [""] * bool(faults)
    if done.result is not None:
        lines += of_messages(done)
        lines += of_memory(done)
    lines += ["## Settings", ""]
    tried, refused, differ = done.settings.tried, done.settings.refused, len(done.settings.differences)
    lines += [f"{tried} random settings through both command lines; {refused} refused; {differ} differences.", ""]
    lines += of_engines(done)
    return "\n".join(lines)


def of_messages(done: Outcome) -> list[str]:
    assert done.result is not None
    report = done.result.report
    lines = ["## Messages", ""]
    lines += table(["class", "messages"], [(name, report.classes[name]) for name in CLASSES])
    lines += table(["program", "messages"], sorted(report.through.items()))
    rows = ", ".join(f"{kind} {count}" for kind, count in report.rows.items())
    lines += [f"Longest message {report.longest} bytes. Outputs compared: {rows}; {report.values} values."]
    return [*lines, f"Differences: **{len(report.differences)}**.", ""]


def of_memory(done: Outcome) -> list[str]:
    assert done.result is not None
    head = [
        "implementation",
        "program",
        "RSS after the first batch, KiB",
        "half way",
        "at the end",
        "events",
        "malformed",
    ]
    rows = [
        (
            one.implementation,
            one.program,
            one.start,
            one.half,
            one.end,
            one.counters["events"],
            one.counters["malformed"],
        )
        for one in done.result.memory
    ]
    lines = ["## Programs that do not end", "", *table(head, rows)]
    return [*lines, f"Counted otherwise than the oracle: **{len(done.result.wrong)}**.", ""]


def of_engines(done: Outcome) -> list[str]:
    head = ["engine", "target", "executions", "s", "inputs kept", "KiB, warm", "KiB, at the end", "crashes"]
    rows = [
        (one.engine, one.target, one.executions, one.seconds, one.inputs, *one.memory, len(one.crashes))
        for one in done.fuzzed
    ]
    lines = [
        "## Targets",
        "",
        f"cargo-fuzz {tools.CARGO_FUZZ} on {tools.NIGHTLY}; atheris as in tests/fuzz/requirements.txt.",
    ]
    lines += ["Memory is that of the fuzzing process, with the engine's corpus and tables.", "", *table(head, rows)]
    found = done.found
    lines += [f"Of the parsers' inputs {found.messages} went through all programs: {dict(found.classes)},"]
    return [*lines, f"differences **{len(found.differences)}**.", ""]


def write_json(path: Path, done: Outcome) -> None:
    """All figures."""
    result = done.result
    document: dict[str, Any] = {
        "commit": tree(),
        "seed": done.seed,
        "seconds": round(done.took, 1),
        "faults": done.faults(),
        "messages": None,
        "memory": [one.__dict__ for one in result.memory] if result else [],
        "settings": done.settings.__dict__,
        "targets": [one.__dict__ for one in done.fuzzed],
        "found": {"messages": done.found.messages, "classes": done.found.classes},
    }
    if result is not None:
        report = result.report
        document["messages"] = {
            "count": report.messages,
            "classes": report.classes,
            "through": report.through,
            "rows": report.rows,
            "values": report.values,
            "differences": [one.as_dict() for one in report.differences],
        }
    path.write_text(json.dumps(document, indent=1) + "\n")
