"""Replays recordings of real people through both implementations and compares, value by value.

    python -m tests.parity.recordings DIR [--oracle N] [--each]

DIR holds the recordings (`keystrokes_free_text.csv.gz`, `keystrokes_cmu_half.csv.gz`, `mouse_sapimouse.csv.gz`;
those that are there are used). Each person's sessions become one file of events in `build/recordings`, ten minutes
between sessions. Every N-th file (5 by default, 1 is all, 0 none) is held against the oracle as well. Exit 1 when
anything differs.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import compare, implementations, naive
from .compare import Tally
from .implementations import ROOT, BadOutput, Json, Output
from .settings import Settings

FOLDER = ROOT / "build" / "recordings"
START = 1_700_000_000_000_000
PAUSE = 600_000_000
BETWEEN_REPETITIONS = 2_000_000

Record = dict[str, str]
Session = list[tuple[int, Json]]  # (µs, the event without its ts), in any order
Persons = Iterator[tuple[str, list[Session]]]


def rows(path: Path) -> Iterator[Record]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def grouped(path: Path, person: str, session: str) -> Iterator[tuple[str, list[list[Record]]]]:
    """The records of each person, session by session, in the order of the file."""
    people: dict[str, dict[str, list[Record]]] = {}
    for row in rows(path):
        people.setdefault(row[person], {}).setdefault(row[session], []).append(row)
    for name, sessions in people.items():
        yield name, list(sessions.values())


def key_name(recorded: str) -> str:
    """The name a collector would send: `KeyA`, `Digit5`, `Space`, `CloseBracket`."""
    if len(recorded) == 1:
        return ("Key" if recorded.isalpha() else "Digit") + recorded.upper()
    return "".join(part.capitalize() for part in recorded.replace(".", "_").split("_"))


def key(at: int, name: str, event: str) -> tuple[int, Json]:
    return at, {"type": "keystroke", "key": key_name(name), "event": event}


def free_text(path: Path) -> Persons:
    for person, sessions in grouped(path, "user", "session"):
        made = []
        for session in sessions:
            events: Session = []
            for row in session:
                events.append(key(int(row["press_ms"]) * 1000, row["key"], "press"))
                events.append(key(int(row["release_ms"]) * 1000, row["key"], "release"))
            made.append(events)
        yield person, made


def microseconds(seconds: str) -> int:
    return round(float(seconds) * 1e6)


def password(path: Path) -> Persons:
    for person, sessions in grouped(path, "subject", "sessionIndex"):
        made = []
        for session in sessions:
            events: Session = []
            at = 0
            for row in session:
                held = [(name.removeprefix("H."), text) for name, text in row.items() if name.startswith("H.")]
                steps = [microseconds(text) for name, text in row.items() if name.startswith("DD.")]
                for (name, text), step in zip(held, [*steps, BETWEEN_REPETITIONS], strict=True):
                    events += [key(at, name, "press"), key(at + microseconds(text), name, "release")]
                    at += step
            made.append(events)
        yield person, made


def mouse(path: Path) -> Persons:
    states = {"Move": "move", "Drag": "move", "Pressed": "press", "Released": "release"}
    for person, sessions in grouped(path, "user", "session"):
        made = []
        for session in sessions:
            events: Session = []
            for row in session:
                event: Json = {"type": "mouse", "event": states[row["state"]]}
                if event["event"] == "move":
                    event |= {"x": float(row["x"]), "y": float(row["y"])}
                else:
                    event["button"] = row["button"]
                events.append((int(row["ts_ms"]) * 1000, event))
            made.append(events)
        yield person, made


SETS: dict[str, tuple[str, Callable[[Path], Persons]]] = {
    "keystrokes_free_text": ("keystroke", free_text),
    "keystrokes_cmu_half": ("keystroke", password),
    "mouse_sapimouse": ("mouse", mouse),
}


def written(path: Path, sessions: list[Session]) -> int:
    """Writes one person's sessions one after the other as JSON lines; gives the number of events."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begins, count = START, 0
    with path.open("w", encoding="utf-8") as out:
        for session in sessions:
            ordered = sorted(session, key=lambda timed: timed[0])
            first = ordered[0][0]
            for at, event in ordered:
                out.write(json.dumps({**event, "ts": begins + at - first}) + "\n")
            begins += ordered[-1][0] - first + PAUSE
            count += len(ordered)
    return count


@dataclass
class Line:
    """One line of the table."""

    name: str
    events: int = 0
    windows: int = 0
    tally: Tally = field(default_factory=Tally)
    against_oracle: int = 0  # values that were also compared with the oracle's
    mismatches: int = 0

    HEAD = ("recording", "events", "windows", "values", "numbers", "bit-equal", "max rel.", "by oracle", "mismatches")

    def cells(self) -> tuple[str, ...]:
        tally = self.tally
        numbers = (tally.values, tally.numbers, tally.share, f"{tally.worst:.1e}", self.against_oracle, self.mismatches)
        return (self.name, str(self.events), str(self.windows), *map(str, numbers))

    def add(self, other: Line) -> None:
        self.events += other.events
        self.windows += other.windows
        self.tally.add(other.tally)
        self.against_oracle += other.against_oracle
        self.mismatches += other.mismatches


def shape(first: Any, second: Any) -> Any:
    """What the oracle would say of a value's type: a float when either side wrote one."""
    if isinstance(first, dict) and isinstance(second, dict) and set(first) == set(second):
        return {name: shape(first[name], second[name]) for name in first}
    if isinstance(first, bool) or isinstance(second, bool):
        return first
    if isinstance(first, int | float) and isinstance(second, int | float):
        return float(first) if isinstance(first, float) or isinstance(second, float) else first
    return first


def compared(name: str, kind: str, path: Path, with_oracle: bool) -> tuple[Line, list[str]]:
    """Replays one file through both implementations, and the oracle if asked."""
    settings, raw = Settings(kind), path.read_bytes()
    line = Line(name, events=len(naive.messages(raw)))
    python = implementations.python_in_process(settings, raw)
    rust = implementations.command(implementations.RUST, settings, raw, str(path))
    line.windows = len(python.rows)
    if len(python.rows) != len(rust.rows):
        return line, [f"{len(python.rows)} windows in Python, {len(rust.rows)} in Rust"]
    oracle = naive.run(settings, raw) if with_oracle else None
    wrong: list[str] = []
    outputs: tuple[tuple[str, Output], ...] = (("python", python), ("rust", rust))
    for implementation, output in outputs if oracle else ():
        assert oracle is not None
        tally = Tally()
        wrong += compare.against_oracle(oracle, output, implementation, tally)
        line.against_oracle += tally.values
    differing = set(compare.TAIL)
    plain = [[{k: v for k, v in row.items() if k not in differing} for row in output.rows] for _, output in outputs]
    shapes = [shape(first, second) for first, second in zip(*plain, strict=True)]
    wrong += compare.against_each_other(naive.Result(shapes, {}), python, rust, line.tally)
    return line, wrong


def printed(lines: list[Line]) -> None:
    cells = [Line.HEAD, *(line.cells() for line in lines)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(Line.HEAD))]
    for row in cells:
        first, *rest = (text.ljust(w) if i == 0 else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths)))  # noqa: B905
        print("  ".join([first, *rest]))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parity.recordings")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--oracle", type=int, default=5, metavar="N", help="every N-th file against the oracle too")
    parser.add_argument("--each", action="store_true", help="a line for each person")
    options = parser.parse_args()
    present = [name for name in SETS if (options.folder / f"{name}.csv.gz").exists()]
    if not present:
        parser.error(f"none of {', '.join(f'{name}.csv.gz' for name in SETS)} in {options.folder}")
    table: list[Line] = []
    for name in present:
        kind, convert = SETS[name]
        total = Line(name)
        for number, (person, sessions) in enumerate(convert(options.folder / f"{name}.csv.gz")):
            path = FOLDER / name / f"{person}.events.jsonl"
            written(path, sessions)
            try:
                with_oracle = options.oracle > 0 and number % options.oracle == 0
                line, wrong = compared(f"  {person}", kind, path, with_oracle)
            except BadOutput as error:
                line, wrong = Line(f"  {person}"), [str(error)]
            line.mismatches = len(wrong)
            for text in wrong[:3]:
                print(f"{path}: {text}", file=sys.stderr)
            total.add(line)
            table += [line] if options.each else []
        table.append(total)
    printed(table)
    return 1 if any(line.mismatches for line in table) else 0


if __name__ == "__main__":
    sys.exit(main())
