"""The event generator: a made-up person's events as JSON lines of the contract."""

import heapq
import json
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import TextIO

from lab.person.apps import focuses
from lab.person.event import Event
from lab.person.keyboard import keystrokes
from lab.person.mouse import movements

STREAMS: dict[str, Callable[[int], Iterator[Event]]] = {
    "keystroke": keystrokes,
    "mouse": movements,
    "app": focuses,
}
START_US = 1_700_000_000_000_000


def events(seed: int, seconds: float, types: Sequence[str] = tuple(STREAMS), rate: float = 1.0) -> Iterator[Event]:
    """Events of these types in the order of time.

    `rate` is how many times faster than a person they come; with 0 seconds there is no end.
    """
    merged = heapq.merge(*(STREAMS[name](seed) for name in types))
    faster = (Event(event.at / rate, event.order, event.fields) for event in merged)
    return takewhile(lambda event: not seconds or event.at < seconds, faster)


def line(event: Event, start_us: int, dev_mode: bool = True) -> str:
    """One event as a line of JSON."""
    fields = dict(event.fields)
    whole = {"type": fields.pop("type"), "ts": start_us + round(event.at * 1e6), **fields}
    if dev_mode:
        whole["dev_mode"] = True
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n"


def write(made: Iterator[Event], out: TextIO, start_us: int, dev_mode: bool = True) -> None:
    """Write all at once."""
    for event in made:
        out.write(line(event, start_us, dev_mode))


def write_live(made: Iterator[Event], out: TextIO, dev_mode: bool = True) -> None:
    """Write each event when it is due, stamped with the real time."""
    start = time.time()
    for event in made:
        wait = start + event.at - time.time()
        if wait > 0:
            out.flush()
            time.sleep(wait)
        out.write(line(event, int(start * 1e6), dev_mode))
    out.flush()
