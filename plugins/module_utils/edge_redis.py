"""What an edge's Redis holds of a person: events, features, and the time of the last activity."""

from __future__ import annotations

import json
from collections.abc import Iterator

from . import edge_state
from .kinds import KINDS
from .resp import Redis, RedisError
from .selection import Selection

GONE = "\x00gone\x00"  # what no feature is, which are JSON
PAGE = 500


def count(redis: Redis, chosen: Selection) -> dict[str, int]:
    """How many of each: events, features, applications in state and patterns, and hashes with a time of activity."""
    found: dict[str, int] = {}
    for kind in KINDS:
        found[f"events of {kind} in Redis"] = (
            int(str(redis.call("XLEN", f"seclyzer:stream:{kind}")))
            if chosen.whole
            else sum(1 for _ in _events(redis, kind, chosen))
        )
        found[f"features of {kind} in Redis"] = sum(1 for _ in _features(redis, kind, chosen))
    state = _get(redis, edge_state.STATE_KEY)
    found["application state in Redis"] = edge_state.count(state, chosen) if state is not None else 0
    patterns = _get(redis, edge_state.PATTERNS_KEY)
    found["application patterns in Redis"] = edge_state.count_patterns(patterns) if patterns is not None else 0
    if chosen.whole:
        found["times of last use in Redis"] = int(str(redis.call("EXISTS", *_hashes())))
    return found


def drop(redis: Redis, chosen: Selection) -> None:
    """Take out what is selected. The extractors are stopped; producers may go on, and what they add then is new."""
    for kind in KINDS:
        stream, features = f"seclyzer:stream:{kind}", f"seclyzer:features:{kind}"
        if chosen.whole:
            # Not DEL: a stream that forgets its last id would look made anew to whoever reads it.
            redis.call("XTRIM", stream, "MAXLEN", "0")
            redis.call("DEL", features)
            continue
        ids = [name for name, _ in _events(redis, kind, chosen)]
        for at in range(0, len(ids), PAGE):
            redis.call("XDEL", stream, *ids[at : at + PAGE])
        for index, _ in list(_features(redis, kind, chosen)):
            redis.call("LSET", features, str(index), GONE)
        redis.call("LREM", features, "0", GONE)
    state = _get(redis, edge_state.STATE_KEY)
    left = edge_state.without(state, chosen) if state is not None else None
    if left is not None:
        redis.call("SET", edge_state.STATE_KEY, left)
    else:
        redis.call("DEL", edge_state.STATE_KEY)
    redis.call("DEL", edge_state.PATTERNS_KEY)
    if chosen.whole:
        redis.call("DEL", *_hashes())


def features(redis: Redis, kind: str, chosen: Selection) -> Iterator[str]:
    """The features' JSON, newest first."""
    return (text for _, text in _features(redis, kind, chosen))


def texts(redis: Redis) -> dict[str, str]:
    """State and patterns of the application tracker, those that are there."""
    keys = (edge_state.STATE_KEY, edge_state.PATTERNS_KEY)
    return {key: text for key in keys if (text := _get(redis, key)) is not None}


def _events(redis: Redis, kind: str, chosen: Selection) -> Iterator[tuple[str, int]]:
    """Id and time (µs) of the entries that are meant. What is in them is only looked at for its time."""
    after = "-"
    while page := _page(redis, f"seclyzer:stream:{kind}", after):
        for name, ts in page:
            if chosen.holds(ts):
                yield name, ts
        after = f"({page[-1][0]}"


def _page(redis: Redis, stream: str, after: str) -> list[tuple[str, int]]:
    entries = redis.call("XRANGE", stream, after, "+", "COUNT", str(PAGE))
    found = []
    for entry in entries if isinstance(entries, list) else []:
        assert isinstance(entry, list)
        name, fields = str(entry[0]), entry[1]
        event = fields[1] if isinstance(fields, list) and len(fields) > 1 else ""
        ts = _ts(str(event))
        found.append((name, ts if ts is not None else int(name.partition("-")[0]) * 1000))
    return found


def _features(redis: Redis, kind: str, chosen: Selection) -> Iterator[tuple[int, str]]:
    for index, text in enumerate(redis.texts("LRANGE", f"seclyzer:features:{kind}", "0", "-1")):
        if chosen.holds(_ts(text)):
            yield index, text


def _ts(text: str) -> int | None:
    try:
        ts = json.loads(text)["ts"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return ts if isinstance(ts, int) else None


def _get(redis: Redis, key: str) -> str | None:
    try:
        text = redis.call("GET", key)
    except RedisError:  # of another type: none of the tracker's
        return None
    return None if text is None else str(text)


def _hashes() -> list[str]:
    return [f"seclyzer:{what}:{kind}" for what in ("cursor", "stats") for kind in KINDS]
