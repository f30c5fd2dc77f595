"""Events a second out of a stream without loss, beside the reader that only reads the same stream."""

import time

from .. import IMPLEMENTATIONS, load
from ..fill import add
from ..listener import Listener
from ..reader import read
from ..testbed import Testbed
from . import Lab

RUNS = {"rust": 3, "python": 1}  # through the same stream; each time all is done again
# The whole stream lies there when a program starts; by its default limit an extractor would trim what comes next.
UNTRIMMED = {"SECLYZER_STREAM_BYTES": str(1 << 30)}


def measure(lab: Lab, repeats: int, counts: dict[str, int]) -> None:
    """`counts`: how many events of each kind lie in the stream."""
    for kind in counts:
        for _ in range(repeats):
            _compare(lab, kind, counts[kind])
    for name in IMPLEMENTATIONS:
        lab.say(f"  {name}: " + ", ".join(_words(lab, name, kind) for kind in counts))


def _words(lab: Lab, name: str, kind: str) -> str:
    found = lab.figures.summary(f"events_per_s_{kind}", name)
    return f"{found.median:,.0f} {kind} events/s" if found else ""


def _compare(lab: Lab, kind: str, count: int) -> None:
    """One repeat: the same events for all, in a Redis each, at most seconds old."""
    for name in IMPLEMENTATIONS:
        with lab.testbed(name) as testbed:
            end = load.last_end(time.time_ns() // 1000)
            texts = list(load.events(kind, count, load.closing(end)))
            client = testbed.redis.client()
            ids = add(client, kind, texts)
            sizes = [len(text) for text in texts]
            for _ in range(RUNS[name]):
                _run(lab, testbed, kind, end, ids, sizes)
            client.close()


def _run(lab: Lab, testbed: Testbed, kind: str, end: int, ids: list[bytes], sizes: list[int]) -> None:
    """The program between two runs of the reader: the machine's own speed changes from second to second."""
    name, add_figure = testbed.implementation, lab.figures.add
    testbed.forget()
    ceiling = read(testbed, kind, ids, sizes, ahead=4)
    before = read(testbed, kind, ids, sizes)
    rate, cpu_rate = _extract(testbed, kind, len(ids), end)
    after = read(testbed, kind, ids, sizes)
    reader = (before.rate + after.rate) / 2
    add_figure(f"events_per_s_{kind}", name, rate)
    add_figure(f"events_per_cpu_s_{kind}", name, cpu_rate)
    add_figure(f"share_of_reader_{kind}", name, rate / reader)
    add_figure(f"reader_per_s_{kind}", name, reader)
    add_figure(f"reader_redis_busy_{kind}", name, 100 * (before.redis_busy + after.redis_busy) / 2)
    add_figure(f"redis_ceiling_per_s_{kind}", name, ceiling.rate)
    add_figure(f"redis_ceiling_busy_{kind}", name, 100 * ceiling.redis_busy)


def _extract(testbed: Testbed, kind: str, count: int, end: int) -> tuple[float, float]:
    """Events a second of wall time, and of the program's own CPU time, from READY to the last window's arrival."""
    listener = Listener(testbed.redis)
    program = testbed.start([kind], **UNTRIMMED)[kind]
    ready = program.started + program.wait_ready()
    before = program.usage()
    last = listener.wait(kind, end, f"{testbed.implementation}'s {kind} window at the end of the stream")
    used = program.usage().since(before)
    testbed.stop()
    listener.close()
    testbed.assert_lossless({kind: count})
    return count / ((last.mono_ns - ready) / 1e9), count / (used.cpu_ns / 1e9)
