"""Two implementations or releases side by side: both read a Redis' live events, and what they make of them is compared.

A side is `python` or `rust` of this checkout, a folder with the three programs (in it or its `bin` or `venv/bin`, as
releases have them), or `running`: what the programs that run there publish. All but the last are shadows, which write
nothing to Redis, so any two can run beside whatever runs.
"""

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import yaml

from plugins.module_utils import comparison_report
from plugins.module_utils.comparison import Comparison, Cost, compare
from plugins.module_utils.comparison_picture import svg
from plugins.module_utils.kinds import PROGRAMS
from plugins.module_utils.processes import cpu_s, memory_mib

ROOT = Path(__file__).resolve().parent.parent
OWN = {"python": ROOT / "build/python/bin", "rust": ROOT / "build/rust"}
RUNNING = "running"
START_S = 60.0  # within this time a program listens
SETTLE_S = 2.0  # within this time what is due has been put out


class CompareError(Exception):
    """Why there is nothing to compare; a sentence for a person."""


@dataclass(frozen=True)
class Place:
    """Where events come from: words that configure a program of each kind, and questions to that Redis."""

    words: Mapping[str, list[str]]
    ask: Callable[..., list[str]]


@dataclass(frozen=True)
class Seen:
    """What a side made of one kind of events, since when it heard them and the `ts` of the last (Unix µs), the cost."""

    lines: list[str]
    since: int
    last_event: int
    cost: Cost | None


class Side(Protocol):
    """One of the two."""

    def begin(self) -> None:
        """Starts, and hears events when it returns; CompareError when it cannot."""

    def measure(self) -> None:
        """From now on what it takes is measured."""

    def finish(self) -> dict[str, Seen]:
        """Ends; what it made, by kind. CompareError when it did not last until now."""

    def close(self) -> None:
        """However it ended: nothing is left running."""


def folder_of(name: str, here: Path) -> Path:
    """The folder of a side's programs. CompareError when they are not there."""
    base = OWN[name] if name in OWN else here / name
    for folder in (base, base / "bin", base / "venv/bin"):
        if all(os.access(folder / program, os.X_OK) for program in PROGRAMS.values()):
            return folder
    advice = "type scripts/build" if name in OWN else "name python, rust, running, or a folder that holds them"
    raise CompareError(f"{name}: no {', '.join(PROGRAMS.values())} in {base}; {advice}")


class Shadows:
    """A program of each kind, with `--shadow`; what it prints stands in `out`."""

    def __init__(self, folder: Path, place: Place, out: Path) -> None:
        self._folder, self._place, self._out = folder, place, out
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._begun: dict[str, tuple[float, float]] = {}
        self._sockets = Path(tempfile.mkdtemp(prefix="compare-"))  # a socket's path must be short

    def begin(self) -> None:
        self._out.mkdir(parents=True, exist_ok=True)
        ready = {kind: self._start(kind, program) for kind, program in PROGRAMS.items()}
        deadline = time.monotonic() + START_S
        for kind, listener in ready.items():
            with listener:
                self._wait_ready(kind, listener, deadline)

    def _start(self, kind: str, program: str) -> socket.socket:
        """Starts one; on the socket it says that it listens."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(str(self._sockets / kind))
        words = [str(self._folder / program), *self._place.words[kind], "--shadow", "0", "--stats"]
        env = {**os.environ, "NOTIFY_SOCKET": str(self._sockets / kind)}
        with self._file(kind, "jsonl").open("wb") as out, self._file(kind, "log").open("wb") as log:
            self._running[kind] = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=log, env=env)
        return listener

    def _wait_ready(self, kind: str, listener: socket.socket, deadline: float) -> None:
        while not select.select([listener], [], [], 0.1)[0]:
            self._cpu(kind)
            if time.monotonic() > deadline:
                raise CompareError(f"{self._folder / PROGRAMS[kind]} does not reach Redis: {self._last_words(kind)}")

    def measure(self) -> None:
        self._begun = {kind: (time.monotonic(), self._cpu(kind)) for kind in self._running}

    def finish(self) -> dict[str, Seen]:
        costs = {kind: self._cost(kind) for kind in self._running}
        for process in self._running.values():
            process.send_signal(signal.SIGTERM)
        return {kind: self._seen(kind, process, costs[kind]) for kind, process in self._running.items()}

    def _seen(self, kind: str, process: subprocess.Popen[bytes], cost: Cost) -> Seen:
        status = process.wait(30)
        last = self._last_words(kind)
        if status:
            raise CompareError(f"{self._folder / PROGRAMS[kind]}: exit status {status}: {last}")
        stats = json.loads(last)
        lines = self._file(kind, "jsonl").read_text().split("\n")[:-1]  # a name may hold other ends of lines
        return Seen(lines, stats["listening_since"], stats["last_event_ts"], cost)

    def _cpu(self, kind: str) -> float:
        if self._running[kind].poll() is not None:
            raise CompareError(f"{self._folder / PROGRAMS[kind]} ended by itself: {self._last_words(kind)}")
        return cpu_s(self._running[kind].pid)

    def _last_words(self, kind: str) -> str:
        return self._file(kind, "log").read_text(errors="replace").strip().rpartition("\n")[2]

    def _cost(self, kind: str) -> Cost:
        at, cpu = self._begun[kind]
        used = self._cpu(kind) - cpu
        return Cost(used, time.monotonic() - at, memory_mib(self._running[kind].pid))

    def _file(self, kind: str, suffix: str) -> Path:
        return self._out / f"{kind}.{suffix}"

    def close(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()
        shutil.rmtree(self._sockets, ignore_errors=True)


class Running:
    """What runs there already: the list of its outputs, and the process that its stats name."""

    def __init__(self, place: Place) -> None:
        self._ask = place.ask
        self._stats: dict[str, dict[str, str]] = {}
        self._begun: dict[str, tuple[float, float]] = {}

    def begin(self) -> None:
        self._stats = {kind: self._stats_of(kind) for kind in PROGRAMS}
        missing = [kind for kind, stats in self._stats.items() if "pid" not in stats]
        if missing:
            raise CompareError(f"no extractor runs for {', '.join(missing)}")

    def measure(self) -> None:
        self._begun = {kind: (time.monotonic(), cpu_s(int(stats["pid"]))) for kind, stats in self._stats.items()}

    def finish(self) -> dict[str, Seen]:
        seen = {}
        for kind, before in self._stats.items():
            pid = int(before["pid"])
            after = self._stats_of(kind)
            if after.get("pid") != before["pid"]:
                raise CompareError(f"the extractor for {kind} was restarted meanwhile; compare again")
            at, cpu = self._begun[kind]
            cost = Cost(cpu_s(pid) - cpu, time.monotonic() - at, memory_mib(pid))
            newest_first = self._ask("LRANGE", f"seclyzer:features:{kind}", "0", "-1")
            seen[kind] = Seen(newest_first[::-1], int(before["started_at"]), int(after["last_event_ts"]), cost)
        return seen

    def _stats_of(self, kind: str) -> dict[str, str]:
        flat = self._ask("HGETALL", f"seclyzer:stats:{kind}")
        return dict(zip(flat[::2], flat[1::2], strict=False))

    def close(self) -> None:
        """It is not ours to end."""


def side_of(name: str, place: Place, here: Path, out: Path) -> Side:
    """By its name, as typed."""
    return Running(place) if name == RUNNING else Shadows(folder_of(name, here), place, out)


def windows_of(folder: Path, words: list[str], program: str) -> tuple[int, int, int]:
    """In µs: how long windows are, how long after its end one closes by later events, and when no event comes."""
    printed = subprocess.run([folder / program, *words, "--print-config"], capture_output=True, text=True, check=False)
    if printed.returncode:
        raise CompareError(printed.stderr.strip())
    config: dict[str, Any] = yaml.safe_load(printed.stdout)
    lateness, idle = (round(float(config[name]) * 1000) for name in ("lateness_ms", "idle_timeout_ms"))
    return round(float(config["window_seconds"]) * 1e6), lateness, lateness + idle


def run(names: tuple[str, str], place: Place, seconds: float, here: Path, out: Path) -> int:
    """Compares; prints the table, writes it, JSON and a picture into `out`. 0 when all that was compared is equal."""
    if names == (RUNNING, RUNNING):
        raise CompareError("one side has to be other than running")
    folders = [folder_of(name, here) for name in names if name != RUNNING]
    kind, program = next(iter(PROGRAMS.items()))
    window_us, by_events, by_time = windows_of(folders[0], place.words[kind], program)
    sides = [side_of(name, place, here, out / which) for name, which in zip(names, ("left", "right"), strict=True)]
    try:
        for side in sides:
            side.begin()
        for side in sides:
            side.measure()
        time.sleep(seconds)
        ended = time.time_ns() // 1000 - round(SETTLE_S * 1e6)
        left, right = (side.finish() for side in sides)
    finally:
        for side in sides:
            side.close()
    found, costs = [], {}
    for kind in PROGRAMS:
        since = max(left[kind].since, right[kind].since)
        # What both have closed by now: by the events that came later, or by the time that has passed.
        until = max(min(left[kind].last_event, right[kind].last_event) - by_events, ended - by_time)
        found.append(compare(kind, left[kind].lines, right[kind].lines, since, until, window_us))
        costs[kind] = left[kind].cost, right[kind].cost
    return report(names, found, costs, seconds, out)


def report(
    names: tuple[str, str],
    found: list[Comparison],
    costs: dict[str, tuple[Cost | None, Cost | None]],
    seconds: float,
    out: Path,
) -> int:
    """Prints and writes what was found; the exit status."""
    text = comparison_report.text(names, found, costs, seconds, ())
    print(text, end="")
    document = comparison_report.document(names, found, costs, seconds)
    (out / "compare.txt").write_text(text)
    (out / "compare.json").write_text(json.dumps(document, indent=1) + "\n")
    (out / "compare.svg").write_text(svg(names, found, costs, seconds))
    print(f"written: {out}/compare.txt, .json, .svg")
    return 0 if comparison_report.agree(found) else 1
