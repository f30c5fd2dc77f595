"""The report of a soak: what was tried, expected and found, in Markdown."""

import os
import platform
from collections import Counter
from collections.abc import Iterable
from typing import Any

from .campaign import Result, again
from .catalogue import FAULTS
from .kills import PLACES

NOT_TRIED = """\
* The clock is set for Redis, the feeder and the extractors by a library that is loaded first (`tests/faults/clock.c`),
  not by setting the machine's; influxd keeps the right time. A suspended machine is SIGSTOP and SIGCONT. The Rust
  programs of a release have their C library within and load nothing first: for these faults they are linked without.
* Connections are cut, held and half-opened by a proxy on a unix socket and on the loopback, without TLS.
* InfluxDB itself answers 204 and 404, is killed and frozen; its gateway answers 400, 401, 429 and 503, is restarted,
  reloaded and killed. 403, 413, 422, half answers and silence are the proxy's before both, which hands on the rest. How
  a full disk meets each system call of the spool, and what a power cut leaves, is in the spool's own tests; here it
  is a small tmpfs, a read-only mount and a limit on a file's size.
* A Redis that is emptied at the moment when an extractor is killed: its open windows are in neither, and the tracker's
  file is up to a minute old. A kill within the two minutes after the clock was set back, while the stream still holds
  what was before.
* A Redis that stops for less than two seconds: what waits in its socket may then be late for a window, by the rules.
* An outage longer than the stream keeps (120 s) but for the trimmed gap.
"""

LOST = ("lost", "foreign", "wrong")


def sums(results: Iterable[Result]) -> Counter[str]:
    """Numbers over all kinds of events: outputs and points expected, found, lost and doubled; events fed."""
    total: Counter[str] = Counter()
    for result in results:
        total["runs"] += 1
        total["events"] += result.load.get("accepted", 0)
        total["wrong"] += bool(result.wrongs)
        for outcome in result.outcomes.values():
            for name in ("expected", "published", "points"):
                total[name] += outcome[name]
            total["lost"] += sum(len(outcome[name]) for name in LOST)
            total["doubled"] += len(outcome["doubled"])
            total["points lost"] += sum(len(outcome[f"points_{name}"]) for name in LOST)
    return total


def lossless(result: Result) -> bool:
    """Whether nothing at all may be lost."""
    return not FAULTS[result.fault].loses


def table(head: list[str], rows: Iterable[Iterable[object]]) -> list[str]:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *([str(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def group(results: list[Result]) -> list[tuple[str, str, list[Result]]]:
    """The runs of each fault and implementation."""
    pairs = [(fault, whose) for fault in FAULTS for whose in ("python", "rust")]
    grouped = [(*pair, [one for one in results if (one.fault, one.implementation) == pair]) for pair in pairs]
    return [one for one in grouped if one[2]]


def what_was_found(results: list[Result]) -> list[str]:
    """A line for each fault and implementation."""
    names = ("runs", "events", "expected", "published", "lost", "doubled", "points", "points lost")
    rows = []
    for fault, whose, runs in group([one for one in results if lossless(one)]):
        total = sums(runs)
        rows.append([f"{fault}{' †' if FAULTS[fault].caps else ''}", whose, *(total[name] for name in names)])
    head = ["fault", "implementation", "runs", "events fed", "outputs expected", "published", "lost", "doubled"]
    return table([*head, "points stored", "points lost"], rows)


def kills(results: list[Result]) -> list[str]:
    """Where kill -9 hit."""
    rows = []
    for name in ("kills", "mode switches"):
        for whose in ("python", "rust"):
            hits: Counter[str] = Counter()
            for one in results:
                if (one.fault, one.implementation) == (name, whose):
                    hits.update(one.notes.get("kills", {}))
            rows.append([name, whose, hits.total(), *(hits[place] for place in PLACES)])
    return table(["", "implementation" if rows else "", "in all", *PLACES], rows)


def what_may_go(results: list[Result]) -> list[str]:
    """Where something has to be lost: how much."""
    rows = []
    for one in results:
        total = sums([one])
        if FAULTS[one.fault].loses:
            events = one.notes.get("events lost", "")
            rows.append([one.fault, one.implementation, one.seed, events, total["lost"], total["doubled"]])
    return table(["fault", "implementation", "seed", "events lost", "outputs lost or changed", "doubled"], rows)


def at_the_cap(results: list[Result]) -> list[str]:
    """What went at the spool's cap."""
    capped = [one for one in results if FAULTS[one.fault].caps]
    rows = [[one.implementation, one.seed, one.notes.get("dropped at the cap", "")] for one in capped]
    return table(["implementation", "seed", "points that are not stored, as counted in `points_dropped`"], rows)


def what_was_wrong(result: Result) -> str:
    """A line with the way to run it again."""
    reported = [*result.wrongs, result.notes.get("invalid", "")]
    return f"* `{again(result.fault, result.implementation, result.seed)}`: {'; '.join(filter(None, reported))}"


def markdown(results: list[Result], about: dict[str, Any]) -> str:
    """The whole report. `about` says how it was made."""
    total = sums(one for one in results if lossless(one))
    faults = len({one.fault for one in results if lossless(one)})
    bad = [one for one in results if one.wrongs or "invalid" in one.notes]
    versions = sorted({stats.get("version", "?") for one in results for stats in one.stats.values()})
    lines = [
        "# The fault campaign",
        "",
        f"Made by `{about['command']}` in {about['seconds'] / 60:.0f} minutes on {os.cpu_count()} cores "
        f"({platform.machine()}), version {', '.join(versions)} {about.get('commit', '')}, "
        "against a real redis-server and a real influxd. "
        "Seeds are those of the runs: first seed "
        f"{about['seed']}, one more each round. Load: 1000 events a second (850 mouse, 145 keystroke, 5 app). Windows "
        "of 3 s each second. What came out in Redis and what InfluxDB holds was compared, output by output and value "
        "by value, with the replay of the events that Redis accepted.",
        "",
        f"**{total['runs']} runs of {faults} faults where nothing may be lost: {total['expected']} outputs expected, "
        f"{total['published']} published, {total['lost']} lost, {total['doubled']} doubled; {total['points lost']} "
        f"points lost in InfluxDB; {len(bad)} runs with something wrong.**",
        "",
        "## What was expected and found",
        "",
        "An output is a window or a transition. “Lost” counts those with other values, and those that no replay has.",
        "",
        *what_was_found(results),
        "",
        "† The spool was made to overflow: of the points that are not stored, each was counted as dropped; see below.",
        "",
        "## Kills by where they hit",
        "",
        "Most are at random moments; some wait for theirs: EXEC held back, EXEC done and its answer held back, a write "
        "to InfluxDB half sent or not yet answered, a segment of the spool that has just grown.",
        "",
        *kills(results),
        "",
        "## Where something has to be lost",
        "",
        "Events that Redis forgot before anybody had read them, or a state that was damaged; nothing may come twice.",
        "",
        *what_may_go(results),
        "",
        "Past the cap of the spool (1 MiB here):",
        "",
        *at_the_cap(results),
        "",
        "## What was wrong",
        "",
        *(
            [f"* `{again(one.fault, one.implementation, one.seed)}`: {'; '.join(one.wrongs)}" for one in bad]
            or ["Nothing."]
        ),
        *about.get("more", []),
        "",
        "## What is not tried",
        "",
        *NOT_TRIED.splitlines(),
        "",
        "## To repeat it",
        "",
        f"`make soak` for half an hour, or `{about['command']}`. One fault: `{again('kills', 'rust', about['seed'])}`.",
        "",
    ]
    return "\n".join(lines)
