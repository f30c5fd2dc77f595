"""An hour of a person's work, fed as fast as it is taken: what the programs hold on the way, and whether that grows."""

import time
from itertools import groupby

from lab.generate import STREAMS, events, line

from .. import IMPLEMENTATIONS, KINDS
from ..fill import add
from ..phases import Lab
from ..phases.idle import measure as measure_idle
from ..phases.idle import remember_memory
from ..testbed import Testbed

PARTS = 6
SEED = 1
QUIET_NS, QUIET_S = 5_000_000, 0.4
STORED_S = 1.5  # within this time points go out


def measure(lab: Lab, hour_s: float, idle_s: float) -> None:
    """Idle from the start, then the hour in parts, then idle again; growth is from the first part to the last."""
    parts = _parts(hour_s)
    with lab.testbed("rust") as rust, lab.testbed("python") as python:
        testbeds = {"rust": rust, "python": python}
        for testbed in testbeds.values():
            testbed.start()
            testbed.wait_ready()
        time.sleep(STORED_S)
        for testbed in testbeds.values():
            remember_memory(lab, testbed, "idle")
        for number, part in enumerate(parts):
            _feed(lab, testbeds, part, number)
        measure_idle(lab, testbeds, idle_s)
        totals = {kind: sum(len(part[kind]) for part in parts) for kind in KINDS}
        for testbed in testbeds.values():
            testbed.stop()
            testbed.assert_lossless(totals)
    for name in IMPLEMENTATIONS:
        rss, growth = (lab.figures.summary(figure, name) for figure in ("rss_hour_mib", "rss_growth_mib"))
        assert rss and growth
        lab.say(
            f"  {name}: {sum(totals.values())} events, at most {rss.most:.1f} MiB, grown by at most {growth.most:.2f}"
        )


def _feed(lab: Lab, testbeds: dict[str, Testbed], part: dict[str, list[bytes]], number: int) -> None:
    """One part into every testbed; then memory, once all is computed and stored."""
    for testbed in testbeds.values():
        client = testbed.redis.client()
        for kind in KINDS:
            add(client, kind, part[kind])
        client.close()
    for testbed in testbeds.values():
        _wait_quiet(testbed)
    time.sleep(STORED_S)
    for name, testbed in testbeds.items():
        remember_memory(lab, testbed, "hour")
        first = lab.figures.samples["rss_hour_mib"][name][: len(KINDS)]
        if number == len(range(PARTS)) - 1:
            now = lab.figures.samples["rss_hour_mib"][name][-len(KINDS) :]
            lab.figures.add("rss_growth_mib", name, *(b - a for a, b in zip(first, now, strict=True)))


def _wait_quiet(testbed: Testbed) -> None:
    """Until none of the programs works any more."""
    busy = True
    while busy:
        before = [program.usage().cpu_ns for program in testbed.running.values()]
        time.sleep(QUIET_S)
        after = [program.usage().cpu_ns for program in testbed.running.values()]
        busy = any(b - a > QUIET_NS for a, b in zip(before, after, strict=True))


def _parts(hour_s: float) -> list[dict[str, list[bytes]]]:
    """The messages of each part by kind; the work ended just now."""
    start = time.time_ns() // 1000 - round(hour_s * 1e6)
    made = [(int(event.at / hour_s * PARTS), event) for event in events(SEED, hour_s, tuple(STREAMS))]
    parts = []
    for _, part in groupby(made, key=lambda pair: pair[0]):
        by_kind: dict[str, list[bytes]] = {kind: [] for kind in KINDS}
        for _, event in part:
            by_kind[str(event.fields["type"])].append(line(event, start).encode())
        parts.append(by_kind)
    return parts
