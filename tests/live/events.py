"""Events of the lab's made-up person, under names that would be found in a log, and their ways into Redis."""

import heapq
import json
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import takewhile

import redis

from lab.generate import STREAMS
from lab.person.event import Event

SECRET = "SECRETx"
CHANNEL = "seclyzer:events"
RATES = {"keystroke": 1.3, "mouse": 1.0, "app": 10.0}  # applications change too seldom for a short test
LONGEST_PAUSE_S = 1.2
KEEP_MS = 120_000

Events = dict[str, list[bytes]]  # by kind, in the order in which they were sent


def stream_of(kind: str) -> str:
    """The key of the stream of one kind."""
    return f"seclyzer:stream:{kind}"


def person(seed: int, *kinds: str) -> Iterator[Event]:
    """What a person does without end, never resting for long, in the order of time."""
    return heapq.merge(*(_restless(STREAMS[kind](seed), RATES[kind]) for kind in kinds or STREAMS))


def _restless(events: Iterable[Event], rate: float) -> Iterator[Event]:
    shift = last = 0.0
    for event in events:
        at = event.at / rate
        shift += max(0.0, at - last - LONGEST_PAUSE_S)
        last = max(last, at)
        yield Event(at - shift, event.order, event.fields)


def message(event: Event, ts: int, dev_mode: bool) -> tuple[str, bytes]:
    """The kind, and the JSON with names that occur nowhere else; `KeyA` becomes `KeyASECRETx`."""
    fields = dict(event.fields)
    for name in ("key", "app_name", "window_class"):
        if name in fields:
            fields[name] = f"{fields[name]}{SECRET}"
    whole = {**fields, "ts": ts} | ({"dev_mode": True} if dev_mode else {})
    return str(fields["type"]), json.dumps(whole, ensure_ascii=False).encode()


def recent(seed: int, seconds: float, dev_mode: bool, end_us: int | None = None) -> list[tuple[str, bytes]]:
    """The last `seconds` of a person's work, which ended just now or at `end_us`."""
    done = list(takewhile(lambda event: event.at < seconds, person(seed)))
    start = (end_us or time.time_ns() // 1000) - round(done[-1].at * 1e6)
    return [message(event, start + round(event.at * 1e6), dev_mode) for event in done]


def by_kind(messages: Iterable[tuple[str, bytes]]) -> Events:
    """The messages of each kind."""
    sorted_out: Events = {kind: [] for kind in STREAMS}
    for kind, text in messages:
        sorted_out[kind].append(text)
    return sorted_out


def add(client: redis.Redis, messages: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Into the streams, in one go, which no reader comes between; the id of the last entry of each kind."""
    pipeline = client.pipeline(transaction=True)
    kinds = []
    for kind, text in messages:
        kinds.append(kind)
        pipeline.xadd(stream_of(kind), {"e": text}, minid=time.time_ns() // 1_000_000 - KEEP_MS)
    return dict(zip(kinds, pipeline.execute(), strict=True))


def publish(client: redis.Redis, messages: Iterable[tuple[str, bytes]]) -> None:
    """On the channel of all kinds, in one go."""
    pipeline = client.pipeline(transaction=False)
    for _, text in messages:
        pipeline.publish(CHANNEL, text)
    assert set(pipeline.execute()) == {len(STREAMS)}, "an extractor does not listen"


class Worker(threading.Thread):
    """A person working now: each event is stamped and added to its stream when it happens."""

    def __init__(self, client: redis.Redis, seed: int) -> None:
        super().__init__(daemon=True)
        self.sent: Events = {kind: [] for kind in STREAMS}
        self._client = client
        self._events = person(seed)
        self._enough = threading.Event()
        self._fault: Exception | None = None

    def run(self) -> None:
        """Works until it is stopped."""
        start = time.monotonic()
        try:
            for event in self._events:
                if self._enough.wait(max(0.0, start + event.at - time.monotonic())):
                    return
                kind, text = message(event, time.time_ns() // 1000, dev_mode=False)
                add(self._client, [(kind, text)])
                self.sent[kind].append(text)
        except redis.RedisError as error:
            self._fault = error

    def go_home(self) -> Events:
        """Ends the work; all that was sent."""
        self._enough.set()
        self.join()
        if self._fault is not None:
            raise self._fault
        return self.sent
