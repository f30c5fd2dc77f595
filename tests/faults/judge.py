"""The comparison, always the same: what came out against the `--replay` of what Redis accepted.

In Redis each output comes exactly once, with the text that the replay of its own implementation writes, in its order.
In InfluxDB each point is there with all its values, tags and types; sent twice, it overwrites itself.
"""

import json
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.live.expected import Key, Point, key_of, point_of, same
from tests.live.extractor import environment, program

Json = dict[str, Any]


@dataclass(frozen=True)
class Replay:
    """The texts to be published, the patterns (applications only), and the counters."""

    texts: list[str]
    patterns: Json
    counters: Json

    def by_key(self) -> dict[Key, list[str]]:
        """The texts of each output; more than one when a clock was set back over it."""
        sorted_out: dict[Key, list[str]] = {}
        for text in self.texts:
            sorted_out.setdefault(key_of(json.loads(text)), []).append(text)
        return sorted_out


def replay(implementation: str, kind: str, events: Iterable[bytes], settings: dict[str, str]) -> Replay:
    """What the program makes of these events off-line."""
    words = [program(implementation, kind), "--replay", "-", "--stats"]
    text = b"".join(event + b"\n" for event in events)
    done = subprocess.run(words, input=text, capture_output=True, env=environment(**settings), timeout=120, check=True)
    texts = done.stdout.decode().splitlines()
    patterns = json.loads(texts.pop()) if kind == "app" else {}
    return Replay(texts, patterns, json.loads(done.stderr.decode().splitlines()[-1]))


@dataclass
class Outcome:
    """What came of one kind of events: numbers of outputs, and the keys of those that are not as they should be."""

    kind: str
    expected: int = 0
    published: int = 0
    lost: list[Key] = field(default_factory=list)
    doubled: list[Key] = field(default_factory=list)
    foreign: list[Key] = field(default_factory=list)  # in no replay
    wrong: list[Key] = field(default_factory=list)  # with other values
    disordered: bool = False
    listed_wrong: bool = False
    points: int = 0
    points_lost: list[Key] = field(default_factory=list)
    points_foreign: list[Key] = field(default_factory=list)
    points_wrong: list[Key] = field(default_factory=list)

    def as_json(self) -> Json:
        """For the report."""
        return asdict(self)


def outcome_of(
    kind: str,
    replays: dict[str, Replay],
    published: list[str],
    list_from: int | None,
    listed: list[str],
    stored: dict[Key, Point],
) -> Outcome:
    """Compares. `replays` by implementation; the list, oldest first, was begun with the output number `list_from`
    (None: unknown)."""
    texts = {one: made.by_key() for one, made in replays.items()}
    some = next(iter(texts.values()))
    found = Outcome(kind, expected=sum(map(len, some.values())), published=len(published), points=len(stored))
    rows = [json.loads(text) for text in published]
    keys = [key_of(row) for row in rows]
    required, came = Counter({key: len(made) for key, made in some.items()}), Counter(keys)
    found.lost = sorted((required - came).elements())
    found.doubled = sorted(key for key in (came - required).elements() if key in required)
    found.foreign = sorted(key for key in came if key not in required)
    for key, row, text in zip(keys, rows, published, strict=True):
        if key in required and text not in texts[row["implementation"]][key]:
            found.wrong.append(key)
    order = [key_of(json.loads(text)) for text in next(iter(replays.values())).texts]
    found.disordered = not (found.lost or found.doubled or found.foreign) and keys != order
    found.listed_wrong = list_from is not None and listed != published[list_from:][-1000:]
    _compare_points(found, texts, stored)
    return found


def _compare_points(found: Outcome, texts: dict[str, dict[Key, list[str]]], stored: dict[Key, Point]) -> None:
    some = next(iter(texts.values()))
    found.points_lost = sorted(key for key in some if key not in stored)
    found.points_foreign = sorted(key for key in stored if key not in some)
    for key, point in stored.items():
        if key not in some:
            continue
        whose = str(point.fields.get("implementation"))
        required = [point_of(found.kind, text, point.tags["host"])[1] for text in texts.get(whose, {}).get(key, [])]
        if not any(same(_plain(point), _plain(one)) for one in required):
            found.points_wrong.append(key)


def _plain(point: Point) -> object:
    return sorted(point.tags.items()), sorted(point.fields.items())


def wrongs(outcome: Outcome) -> list[str]:
    """What is not as it should be, in words; empty when all is."""
    reported = []
    for name in ("lost", "doubled", "foreign", "wrong", "points_lost", "points_foreign", "points_wrong"):
        if keys := getattr(outcome, name):
            reported.append(f"{outcome.kind}: {name} {len(keys)} of {outcome.expected}, as {keys[:5]}")
    if outcome.disordered:
        reported.append(f"{outcome.kind}: published in another order than the replay's")
    if outcome.listed_wrong:
        reported.append(f"{outcome.kind}: the list is not what was published")
    return reported


def capped(outcome: Outcome, replays: dict[str, Replay], dropped: int, in_doubt: set[int]) -> list[str]:
    """Points that went at the spool's cap: as many as were counted, one after the other. They are taken as settled.

    Of points that InfluxDB got without its answer coming through (at the times `in_doubt`) the spool has a copy. Those
    are the oldest that it has: they go first, and are counted, though the points are there.
    """
    keys = sorted(next(iter(replays.values())).by_key())
    lost, outcome.points_lost = outcome.points_lost, []
    there = [key for key in keys if key[0] in in_doubt and key not in lost and (not lost or key < lost[0])]
    most = len(lost) + len(there)
    least = most if lost else 0
    reported = []
    if not least <= dropped <= most:
        reported.append(
            f"{outcome.kind}: {len(lost)} points are not stored, {len(there)} are twice, {dropped} were counted"
        )
    if lost and keys[keys.index(lost[0]) :][: len(lost)] != lost:
        reported.append(f"{outcome.kind}: points between others that are stored went, and not the oldest")
    return reported
