"""A start with 120 s of the load in the streams, until the last output that is due has arrived."""

import time

from .. import IMPLEMENTATIONS, KINDS
from ..fill import add
from ..listener import Listener
from ..load import INTERVAL, LATENESS, RATES, closing, events, last_end
from ..reader import read
from ..testbed import Testbed
from . import Lab

SECONDS = 120


def measure(lab: Lab, repeats: dict[str, int], seconds: int = SECONDS) -> None:
    """`seconds` of the load; all three programs start at once, as after a reboot or a switch."""
    for name in IMPLEMENTATIONS:
        for _ in range(repeats[name]):
            with lab.testbed(name) as testbed:
                _once(lab, testbed, seconds)
        found, share = (lab.figures.summary(figure, name) for figure in ("catch_up_ms", "catch_up_times_reader"))
        assert found and share
        lab.say(
            f"  {name}: {found.median:.0f} ms ({found.least:.0f} to {found.most:.0f}), {share.median:.1f} x reading"
        )


def _once(lab: Lab, testbed: Testbed, seconds: int) -> None:
    end = last_end(time.time_ns() // 1000)
    client = testbed.redis.client()
    counts = {kind: RATES[kind] * seconds for kind in KINDS}
    reading = 0.0
    for kind in KINDS:
        texts = list(events(kind, counts[kind], closing(end)))
        ids = add(client, kind, texts)
        reading += min(read(testbed, kind, ids, [len(text) for text in texts]).seconds for _ in range(2))
    client.close()
    listener = Listener(testbed.redis)
    # The last focus that can be taken by then, less one period: whether an event is a transition depends on the app.
    due = {"keystroke": end, "mouse": end, "app": closing(end) - LATENESS - INTERVAL // RATES["app"]}
    programs = testbed.start()
    began = min(program.started for program in programs.values())
    testbed.wait_ready()
    arrived = [listener.wait(kind, due[kind], f"{testbed.implementation}'s last {kind} output") for kind in KINDS]
    cpu_ns = sum(program.usage().cpu_ns for program in programs.values())
    took_ms = (max(heard.mono_ns for heard in arrived) - began) / 1e6
    testbed.stop()
    listener.close()
    testbed.assert_lossless(counts)
    lab.figures.add("catch_up_ms", testbed.implementation, took_ms)
    lab.figures.add("catch_up_cpu_ms", testbed.implementation, cpu_ns / 1e6)
    lab.figures.add("catch_up_times_reader", testbed.implementation, took_ms / 1000 / reading)
