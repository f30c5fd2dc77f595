"""What the extractors would do with each event of a file, for a producer's author; nothing of an event is repeated.

JSON lines on stdin, a JSON line for each on stdout: `line`, `type`, `verdict` and, where it says more, `why`. By the
default settings, or by configuration files: the argument is a JSON object of them, by kind.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType

from . import config, schema
from .core import Operator
from .event import MAX_TS, Event, Unusable, fault, parse
from .operators import make_operator
from .plausible import advice, earliest, latest
from .replay import EMPTY

VERDICTS = ("future", "ancient", "late", "dropped", "behind")
"""Counters that say what became of a valid event, the first that moved; none: it is accepted."""
WHY = {
    "late": "every window that could use it is closed: an event with a later ts came before it",
    "behind": "it came too late for a window that is closed; open ones use it",
    "dropped": "the buffer is full",
}
KEPT_S = 120
"""Seconds for which the stream keeps an event."""


def main() -> int:
    """The program."""
    files = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    for verdict in explain(sys.stdin.buffer, time.time_ns() // 1000, files):
        sys.stdout.write(json.dumps(verdict) + "\n")
    return 0


def explain(
    lines: Iterable[bytes], host_time: int, files: Mapping[str, str] = MappingProxyType({})
) -> Iterator[dict[str, object]]:
    """The verdicts, in order; `host_time` is the clock (µs) by which they are judged, `files` are settings by kind."""
    kinds = [kind.name for kind in schema.kinds()]
    operators = {kind: make_operator(kind, config.load(kind, {}, {}, files.get(kind))) for kind in kinds}
    for number, line in enumerate(lines, 1):
        if line not in EMPTY:
            yield {"line": number, **_verdict(line, operators, host_time)}


def _verdict(line: bytes, operators: dict[str, Operator[Event]], host_time: int) -> dict[str, object]:
    event = parse(line)
    if isinstance(event, Unusable):
        why = fault(line) or "its type is another system's"
        return {"type": "", "verdict": event.value, "why": why}
    kind = next(name for name, operator in operators.items() if operator.takes(event))
    operator = operators[kind]
    before = asdict(operator.counters)
    for _ in operator.messages([line], 0, host_time):
        pass
    after = asdict(operator.counters)
    verdict = next((name for name in VERDICTS if after[name] > before[name]), "accepted")
    return {"type": kind, "verdict": verdict, "why": _why(verdict, event.ts, host_time)}


def _why(verdict: str, ts: int, host_time: int) -> str:
    if verdict == "future":
        return f"its ts is {(ts - host_time) / 1e6:.0f} s ahead of this clock; at most {_s(latest(0))} are believed"
    if verdict == "ancient":
        return f"its ts is more than {-earliest(0) // 86_400_000_000} days ago; {advice(ts, host_time)}"
    age = (host_time - ts) / 1e6
    if verdict == "accepted" and KEPT_S < age < MAX_TS:
        return f"its ts is {age:.0f} s ago: an extractor that has taken later ones would count it as late"
    return WHY.get(verdict, "")


def _s(us: int) -> str:
    return f"{us / 1e6:g} s"
