"""Feeds events on an edge and takes down everything that comes out of its Redis meanwhile."""

import time
from typing import Any

from probes.resp import Redis

KINDS = ["keystroke", "mouse", "app"]
CHANNEL = "seclyzer:events"


def main(events: dict[str, list[str]], by: dict[str, str], expected: dict[str, int], seconds: float) -> dict[str, Any]:
    """Feed `events` (JSON texts by kind) and return what came out, by kind.

    `by` says for each kind whether it goes by `stream` or by `pubsub`. Everything of a kind is sent in one go, so that
    no pause between two events can make one late: the same events then give the same windows as a replay.
    Waits until `expected` messages of each kind came, at most `seconds`, and a little longer for what is too many.

    Returns {"published": texts heard as `consumer`, "listed": the list key's newest texts, newest first,
    "stats": the hash of each extractor}.
    """
    admin = Redis.user("admin")
    _wait_for_listeners(admin, len(KINDS))
    consumer = Redis.user("consumer")
    consumer.call("PSUBSCRIBE", "seclyzer:features:*")
    collector = Redis.user("collector")
    for kind in KINDS:
        answers = collector.pipeline([_command(by[kind], kind, text) for text in events[kind]])
        faults = {answer for answer in answers if isinstance(answer, str) and " " in answer}
        if faults:
            raise RuntimeError(f"{kind} by {by[kind]}: {faults}")
    published = _listen(consumer, expected, seconds)
    time.sleep(5.5)  # the statistics are written every 5 s
    return {
        "published": published,
        "listed": {kind: admin.call("LRANGE", f"seclyzer:features:{kind}", 0, 999) for kind in KINDS},
        "stats": {kind: _hash(admin, f"seclyzer:stats:{kind}") for kind in KINDS},
    }


def _command(way: str, kind: str, text: str) -> tuple[Any, ...]:
    if way == "pubsub":
        return ("PUBLISH", CHANNEL, text)
    return ("XADD", f"seclyzer:stream:{kind}", "*", "e", text)


def _wait_for_listeners(admin: Redis, number: int) -> None:
    until = time.monotonic() + 20
    while admin.call("PUBSUB", "NUMSUB", CHANNEL)[1] < number:
        if time.monotonic() > until:
            raise TimeoutError(f"fewer than {number} extractors listen on {CHANNEL}")
        time.sleep(0.2)


def _listen(consumer: Redis, expected: dict[str, int], seconds: float) -> dict[str, list[str]]:
    heard: dict[str, list[str]] = {kind: [] for kind in KINDS}
    until = time.monotonic() + seconds
    complete = False
    while time.monotonic() < until:
        consumer.socket.settimeout(max(0.01, until - time.monotonic()))
        try:
            _, _, channel, text = consumer.read()
        except TimeoutError:
            break
        kind = channel.rpartition(":")[2]
        heard[kind].append(text)
        if not complete and all(len(heard[kind]) >= expected[kind] for kind in KINDS):
            complete, until = True, time.monotonic() + 2
    return heard


def _hash(admin: Redis, key: str) -> dict[str, str]:
    flat = admin.call("HGETALL", key)
    return dict(zip(flat[::2], flat[1::2], strict=True))
