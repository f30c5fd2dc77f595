"""Under the load as it comes: how long from a window's closing to its arrival, and what CPU time the programs take.

A window closes when the event that moves stream time past `end + lateness` is accepted by Redis, or when real time has
counted that far, whichever the extractor acted upon. The first is taken as the instant at which the feeder sends it.
An output that arrived before that, or so soon after that no path through Redis and an extractor is as fast, was closed
by time: it counts from `end + lateness`, though real time counts only from when the extractor has seen an event.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

from .. import IMPLEMENTATIONS, BenchError
from ..listener import Heard, Listener
from ..load import INTERVAL, LATENESS
from ..testbed import Testbed
from . import Lab
from .idle import remember_memory

ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path.insert(0, sys.argv[1]); from bench.feeder import main; main()"
BEHIND_US = {"rust": 0, "python": INTERVAL // 2}
"""So that the two never close a window at the same time, and neither waits for the other."""
SPARE_S = 2.0
WORK_PACE = 0.05
FASTEST_US = 100
SAMPLES = 4


class Feeding:
    """The feeder's process for one testbed."""

    def __init__(self, testbed: Testbed, seconds: float, pace: float) -> None:
        words = [sys.executable, "-IB", "-c", START, str(ROOT)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        order = {"socket": str(testbed.redis.socket), "seconds": seconds, "pace": pace}
        self._write(json.dumps({**order, "behind_us": BEHIND_US[testbed.implementation]}))
        self._read()

    def go(self) -> None:
        """From now on events come."""
        self._write("go")

    def finish(self) -> dict[str, Any]:
        """What it reported, when all have been added."""
        message = json.loads(self._read())
        self._process.wait(10)
        return dict(message)

    def kill(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()

    def _write(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _read(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise BenchError("the feeder ended early; what is wrong stands above")
        return line


def measure(lab: Lab, seconds: float) -> None:
    """The load, to both implementations at the same time, each in its own Redis."""
    with lab.testbed("rust") as rust, lab.testbed("python") as python:
        testbeds = {"rust": rust, "python": python}
        listeners = {name: Listener(testbed.redis) for name, testbed in testbeds.items()}
        summaries = _feed(lab, testbeds, seconds, 1.0, "load")
        for name, listener in listeners.items():
            _latencies(lab, name, listener, summaries[name]["moved"])
            listener.close()


def measure_work(lab: Lab, seconds: float) -> None:
    """A twentieth of the load: 50 events a second, as a person at work makes them."""
    with lab.testbed("rust") as rust, lab.testbed("python") as python:
        _feed(lab, {"rust": rust, "python": python}, seconds, WORK_PACE, "work")
    for name in IMPLEMENTATIONS:
        found = lab.figures.summary("work_cpu_percent", name)
        assert found is not None
        lab.say(f"  {name}: {found.median:.2f} % CPU, all three programs")


def _feed(lab: Lab, testbeds: dict[str, Testbed], seconds: float, pace: float, when: str) -> dict[str, dict[str, Any]]:
    """Feeds all testbeds, takes samples meanwhile, and stops the programs; what the feeders reported."""
    feeders = {name: Feeding(testbed, seconds, pace) for name, testbed in testbeds.items()}
    try:
        for testbed in testbeds.values():
            testbed.start()
            testbed.wait_ready()
        time.sleep(SPARE_S)
        for feeder in feeders.values():
            feeder.go()
        for _ in range(SAMPLES):
            _sample(lab, testbeds, seconds / SAMPLES, when)
        summaries = {name: feeder.finish() for name, feeder in feeders.items()}
    finally:
        for feeder in feeders.values():
            feeder.kill()
    time.sleep(SPARE_S / 2)
    for name, testbed in testbeds.items():
        testbed.stop()
        testbed.assert_lossless(summaries[name]["added"])
    return summaries


def _sample(lab: Lab, testbeds: dict[str, Testbed], seconds: float, when: str) -> None:
    """CPU time of all three programs over this time, as a share of one core, and their memory at its end."""
    before = {name: [program.usage() for program in testbed.running.values()] for name, testbed in testbeds.items()}
    begun = time.monotonic()
    time.sleep(seconds)
    for name, testbed in testbeds.items():
        used = [p.usage().since(earlier) for p, earlier in zip(testbed.running.values(), before[name], strict=True)]
        took = time.monotonic() - begun
        lab.figures.add(f"{when}_cpu_percent", name, sum(usage.cpu_ns for usage in used) / 1e7 / took)
        remember_memory(lab, testbed, when)


def _latencies(lab: Lab, name: str, listener: Listener, moved: dict[str, list[list[int]]]) -> None:
    for kind in ("keystroke", "mouse"):
        heard = {output.ts: output for output in listener.outputs(kind)}
        found = [latency_us(heard[end], sent, BEHIND_US[name]) / 1000 for end, sent in moved[kind] if end in heard]
        if not found:
            raise BenchError(f"{name}: no {kind} window closed under the load; let it run for 10 s or longer")
        lab.figures.add("closed_to_published_ms", name, *found)
        lab.figures.add(f"closed_to_published_{kind}_ms", name, *found)
        lab.say(f"  {name}: {len(found)} {kind} windows, {median(found):.2f} ms, at most {max(found):.2f} ms")


def latency_us(output: Heard, mover_sent: int, behind: int) -> int:
    """From the closing of the output's window to its arrival, µs; see above."""
    if output.wall_us >= mover_sent + FASTEST_US:
        return output.wall_us - mover_sent
    return output.wall_us - (output.ts + LATENESS + behind)
