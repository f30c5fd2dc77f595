"""What the settings of the extractors change: replays of a person's ten minutes, with one setting moved at a time.

`python -m bench.dev.tuning --write` writes the table of docs/tuning.md. Every figure is set against the same program
with the defaults in the same run, so that the machine's speed drops out.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tuning.md"
MARK = "<!-- measured: python -m bench.dev.tuning --write -->"
PROGRAMS = {"rust": ROOT / "build/rust", "python": ROOT / "build/python/bin"}
KINDS = {"keystroke": "keystroke_extractor", "mouse": "mouse_extractor"}
SETTINGS: dict[str, Sequence[tuple[str, str]]] = {
    "defaults": (),
    "window 10 s": (("WINDOW_SECONDS", "10"),),
    "window 60 s": (("WINDOW_SECONDS", "60"),),
    "interval 1 s": (("UPDATE_INTERVAL", "1"),),
    "interval 15 s": (("UPDATE_INTERVAL", "15"),),
    "lateness 2000 ms": (("SECLYZER_LATENESS_MS", "2000"),),
    "buffer of 500 events": (("SECLYZER_BUFFER_EVENTS", "500"),),
    "minimum of 100 events": (("SECLYZER_MIN_EVENTS", "100"),),
}
REPEATS = 3


@dataclass(frozen=True)
class Cost:
    """A replay: CPU time in seconds, windows put out, events that found no room."""

    cpu: float
    windows: int
    dropped: int


def replay(implementation: str, kind: str, settings: Sequence[tuple[str, str]], events: Path) -> Cost:
    """One replay of a file by a program of its own."""
    words = [str(PROGRAMS[implementation] / KINDS[kind]), "--replay", str(events), "--stats"]
    with tempfile.TemporaryFile() as stats:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=stats, env={**os.environ, **dict(settings)})
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        stats.seek(0)
        text = stats.read().decode()
    if process.returncode:
        raise SystemExit(f"tuning: {' '.join(words)} ended with {process.returncode}:\n{text}")
    counters = json.loads(text.splitlines()[-1])
    return Cost(used.ru_utime + used.ru_stime, counters["windows"], counters["dropped"])


def best(implementation: str, kind: str, settings: Sequence[tuple[str, str]], events: Path) -> Cost:
    """The one of some replays that took the least CPU time: other work on the machine only adds to it."""
    return min((replay(implementation, kind, settings, events) for _ in range(REPEATS)), key=lambda cost: cost.cpu)


def made(folder: Path, seconds: int) -> Path:
    """A made-up person's events of so many seconds."""
    file = folder / "events.jsonl"
    with file.open("wb") as out:
        generate = [sys.executable, "-m", "lab", "generate", "--seed", "1", "--seconds", str(seconds)]
        subprocess.run(generate, cwd=ROOT, stdout=out, check=True)
    return file


def rows(seconds: int) -> list[str]:
    """The table, a row for each setting and kind: ratios to the defaults, Rust's and Python's."""
    lines = [
        "| setting | events | windows out | CPU time, Rust | CPU time, Python | dropped |",
        "|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        events = made(Path(folder), seconds)
        for kind in KINDS:
            base = {name: best(name, kind, (), events) for name in PROGRAMS}
            for setting, values in SETTINGS.items():
                costs = {name: best(name, kind, values, events) if values else base[name] for name in PROGRAMS}
                cpu = [f"{costs[name].cpu / base[name].cpu:.2f}" for name in PROGRAMS]
                windows = {cost.windows for cost in costs.values()}
                dropped = {cost.dropped for cost in costs.values()}
                if len(windows) > 1 or len(dropped) > 1:
                    raise SystemExit(f"tuning: {setting}, {kind}: the implementations differ: {costs}")
                counts = [str(*windows), *cpu, str(*dropped)]
                lines.append(f"| {setting} | {kind} | " + " | ".join(counts) + " |")
    return lines


def main() -> int:
    """Prints the table, or writes it into its page."""
    parser = argparse.ArgumentParser(prog="python -m bench.dev.tuning", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600, help="how long the made-up person works")
    parser.add_argument("--write", action="store_true", help="write it into docs/tuning.md")
    options = parser.parse_args()
    table = "\n".join(rows(options.seconds))
    print(table)
    if options.write:
        text = PAGE.read_text()
        PAGE.write_text(re.sub(rf"{re.escape(MARK)}\n\n(?:\|.*\n)*", lambda _: f"{MARK}\n\n{table}\n", text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
