"""What programs cost while nothing happens: memory, CPU time, wakeups. Both implementations at the same time."""

import time

from .. import IMPLEMENTATIONS
from ..testbed import Testbed
from . import Lab

SETTLE_S = 3.0
SAMPLES = 4


def measure(lab: Lab, testbeds: dict[str, Testbed], seconds: float) -> None:
    """Looks at the programs that run in these testbeds for so long; figures are of each program for itself."""
    time.sleep(SETTLE_S)
    for _ in range(SAMPLES):
        before = {
            name: {kind: program.usage() for kind, program in testbed.running.items()}
            for name, testbed in testbeds.items()
        }
        begun = time.monotonic()
        time.sleep(seconds / SAMPLES)
        for name, testbed in testbeds.items():
            took = time.monotonic() - begun
            for kind, program in testbed.running.items():
                used = program.usage().since(before[name][kind])
                lab.figures.add("idle_cpu_percent", name, used.cpu_ns / 1e7 / took)
                lab.figures.add("idle_wakeups_per_s", name, used.wakeups / took)
            remember_memory(lab, testbed, "idle")
    for name in IMPLEMENTATIONS:
        lab.say(f"  {name}: {_words(lab, name)}")


def remember_memory(lab: Lab, testbed: Testbed, when: str) -> None:
    """The memory of each program, as a sample."""
    for program in testbed.running.values():
        found = program.memory()
        lab.figures.add(f"rss_{when}_mib", testbed.implementation, found.rss)
        lab.figures.add(f"rss_anon_{when}_mib", testbed.implementation, found.anon)


def _words(lab: Lab, name: str) -> str:
    cpu, wakeups, rss = (
        lab.figures.summary(figure, name) for figure in ("idle_cpu_percent", "idle_wakeups_per_s", "rss_idle_mib")
    )
    assert cpu and wakeups and rss
    return f"{cpu.median:.3f} % CPU, {wakeups.median:.2f} wakeups a second, at most {rss.most:.1f} MiB"
