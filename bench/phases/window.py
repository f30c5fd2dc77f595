"""CPU time of one full keystroke window, 600 keys, as the difference of two replays of the same events.

Both replays parse the same events and slide the same windows. In one of them the least number of events is so high that
no window is emitted. So the difference is what emitting costs: computing the features and writing the line.
"""

import resource
import subprocess
import time
from pathlib import Path

from .. import IMPLEMENTATIONS, BenchError, load
from ..program import program_of
from . import Lab

KEYS = 600
NEVER = "1000000"


def measure(lab: Lab, repeats: int, windows: dict[str, int]) -> None:
    """`windows`: how many each implementation computes in one replay."""
    for name in IMPLEMENTATIONS:
        program = program_of(lab.programs[name], "keystroke")
        end = load.last_end(time.time_ns() // 1000)
        text = b"".join(text + b"\n" for text in load.typing(windows[name], KEYS, end))
        for _ in range(repeats):
            emitted, with_them = _replay(program, text)
            none, without = _replay(program, text, "--min-events", NEVER)
            if none or emitted < windows[name]:
                raise BenchError(f"{program} emitted {emitted} and {none} windows of {windows[name]}")
            lab.figures.add("window_cpu_us", name, (with_them - without) / 1000 / emitted)
        found = lab.figures.summary("window_cpu_us", name)
        assert found is not None
        lab.say(f"  {name}: {found.median:.1f} µs ({found.least:.1f} to {found.most:.1f})")


def _replay(program: Path, text: bytes, *flags: str) -> tuple[int, int]:
    """Lines that came out, and the CPU time it took, ns."""
    process = subprocess.Popen(
        [str(program), "--replay", "-", *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin"},
    )
    before = _children_ns()
    out, _ = process.communicate(text)
    used = _children_ns() - before
    if process.returncode != 0:
        raise BenchError(f"{program} --replay ended with {process.returncode}")
    return out.count(b"\n"), used


def _children_ns() -> int:
    """CPU time of all children that have ended."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((found.ru_utime + found.ru_stime) * 1e9)
