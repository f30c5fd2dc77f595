"""From exec to READY: how long it takes, and the CPU time it costs."""

from .. import IMPLEMENTATIONS, KINDS
from . import Lab


def measure(lab: Lab, repeats: dict[str, int]) -> None:
    """`repeats`: how often each implementation's programs are started, one at a time, after one start that warms up."""
    for name in IMPLEMENTATIONS:
        with lab.testbed(name) as testbed:
            for kind in KINDS:
                for i in range(repeats[name] + 1):
                    program = testbed.start([kind])[kind]
                    wall_ns = program.wait_ready()
                    cpu_ns = program.usage().cpu_ns
                    program.kill()
                    if i:
                        lab.figures.add("start_ms", name, wall_ns / 1e6)
                        lab.figures.add("start_cpu_ms", name, cpu_ns / 1e6)
            testbed.running.clear()
        found = lab.figures.summary("start_ms", name)
        assert found is not None
        lab.say(f"  {name}: ready after {found.median:.1f} ms ({found.least:.1f} to {found.most:.1f})")
