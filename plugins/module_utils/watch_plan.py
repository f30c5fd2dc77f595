"""A watch of a host: for how long it is sampled, where its samples are kept, and within which bounds."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import files
from .layout import Layout, Refused

UNIT = "seclyzer-watch.service"
SHORTEST_S, LONGEST_S = 30, 7 * 86400
SAMPLES = 1440
"""So many samples are taken of any watch, as far as the bounds of EVERY_S let them: of a day, one a minute."""
EVERY_S = (5, 300)
LINES = 3 * SAMPLES
"""Lines at most; a sampler that is started again and again writes a line at each start."""
LINE_BYTES = 4096
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Sample = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is watched: a job's name, its begin (Unix s), its length and the seconds between two samples."""

    job: str
    began: float
    seconds: int
    every: int

    @property
    def until(self) -> float:
        """When it ends, Unix s."""
        return self.began + self.seconds


def seconds_of(text: str) -> int:
    """The seconds of a time such as `24h`. Raises Refused for anything else, and out of bounds."""
    found = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not found:
        raise Refused(f"watch is {text!r}; it has to be a time such as 24h or 10m, or one of report and stop")
    seconds = int(found[1]) * UNITS[found[2]]
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise Refused(f"watch is {text}; it has to be from {SHORTEST_S}s to {LONGEST_S // 86400}d")
    return seconds


def every_of(seconds: int) -> int:
    """The seconds between two samples of a watch of this length."""
    return min(max(round(seconds / SAMPLES), EVERY_S[0]), EVERY_S[1])


def folder_of(layout: Layout) -> Path:
    """Where the last watch of a host is."""
    return layout.state / "watch"


def load(layout: Layout) -> Plan | None:
    """The last watch of a host; None without one. Raises Refused when its plan cannot be read."""
    text = files.read_own(folder_of(layout) / "plan.json")
    try:
        return None if text is None else Plan(**json.loads(text))
    except (ValueError, TypeError):
        raise Refused(f"{folder_of(layout)}/plan.json is damaged; -e watch=stop takes the watch away") from None


def save(layout: Layout, plan: Plan) -> None:
    """Writes it, for root alone."""
    files.write(folder_of(layout) / "plan.json", json.dumps(asdict(plan)), 0o600)


def append(layout: Layout, sample: Sample) -> None:
    """A line more, written at once, so that a process that is killed leaves whole lines. Raises OSError."""
    line = json.dumps(sample, ensure_ascii=False, separators=(",", ":")).encode()
    if len(line) >= LINE_BYTES:
        line = json.dumps({"t": sample["t"], "boot": sample["boot"], "blind": "the sample is too long"}).encode()
    with open(folder_of(layout) / "samples.jsonl", "ab", buffering=0) as stream:
        stream.write(line + b"\n")


def mend(layout: Layout) -> None:
    """Ends a line that a power cut tore, so that the next one is whole. Raises OSError."""
    with open(folder_of(layout) / "samples.jsonl", "ab+", buffering=0) as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                stream.write(b"\n")


def samples(layout: Layout) -> Iterator[Sample]:
    """Every whole line, in the order of writing; one that a power cut tore is passed over."""
    try:
        with open(folder_of(layout) / "samples.jsonl", "rb") as stream:
            for line in stream:
                try:
                    value = json.loads(line)
                except ValueError:
                    continue
                if isinstance(value, dict) and isinstance(value.get("t"), int | float):
                    yield value
    except FileNotFoundError:
        return
