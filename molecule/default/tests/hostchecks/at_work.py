"""A person who works on an edge during a rollout: what was typed, what should have come of it, and what did."""

import base64
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hostchecks.features import KINDS, Window, differences, replay
from hostchecks.host import Host, packed, run_beside, run_on
from hostchecks.polling import poll
from hostchecks.systemd import EXTRACTORS, wait_until_active

FOLDER = "/root/person-at-work"
UNIT = "person-at-work.service"
RATES = {"mouse": 250, "keystroke": 60, "app": 2}
"""Events a second: of a few persons, so that a busy machine with two edges keeps up."""
LONGEST = 120.0
"""Seconds that outputs may take on a slow machine; a window of 30 s comes each 5 s."""
Key = tuple[int, str, str]


@dataclass(frozen=True)
class Account:
    """One kind of events: the outputs that a replay makes of what Redis accepted, and how what was heard differs."""

    events: int
    expected: list[Key]
    published: list[Key]
    lost: list[Key]
    doubled: list[Key]
    foreign: list[Key]
    wrong: list[str]
    by: set[str] = field(default_factory=set)

    @property
    def faults(self) -> dict[str, int]:
        """How many outputs were lost, came twice, are in no replay, or have other values."""
        return {name: len(getattr(self, name)) for name in ("lost", "doubled", "foreign", "wrong")}


NO_FAULTS = {"lost": 0, "doubled": 0, "foreign": 0, "wrong": 0}


class Work:
    """The work of a person on an edge, until `account`."""

    def __init__(self, edge: Host) -> None:
        self.edge = edge

    def outputs(self) -> dict[str, int]:
        """How many outputs of each kind were heard so far."""
        lines = self.edge.check_output("cut -d ' ' -f 1 %s | sort | uniq -c", f"{FOLDER}/heard").splitlines()
        heard = {kind: int(number) for number, kind in (line.split() for line in lines)}
        return {kind: heard.get(kind, 0) for kind in KINDS}

    def goes_on(self, more: int = 2) -> None:
        """Waits for so many more outputs of each kind."""
        before = self.outputs()

        def grown(now: dict[str, int]) -> bool:
            return all(now[kind] >= before[kind] + more for kind in KINDS)

        after = poll(self.outputs, grown, LONGEST, 1)
        assert grown(after), f"{before} became {after} within {LONGEST:.0f} s"

    def account(self) -> dict[str, Account]:
        """Ends the work, and compares by kind what came out with what should have."""
        self.edge.check_output("touch %s", f"{FOLDER}/stop")
        stopped = poll(lambda: self.edge.run("test -e %s", f"{FOLDER}/stopped").rc == 0, bool, 30)
        assert stopped, self.edge.run("journalctl --no-pager -n 20 -u %s", UNIT).stdout
        fed = _lines(self.edge, "fed")
        expected = {kind: replay("rust", kind, fed[kind]) for kind in KINDS}

        def complete(now: dict[str, int]) -> bool:
            return all(now[kind] >= len(expected[kind]) for kind in KINDS)

        poll(self.outputs, complete, LONGEST, 1)
        heard = _lines(self.edge, "heard")
        return {
            kind: _compare(len(fed[kind]), expected[kind], [json.loads(text) for text in heard[kind]]) for kind in KINDS
        }


@contextmanager
def at_work(edge: Host, seed: int = 7, rates: dict[str, int] | None = None) -> Iterator[Work]:
    """A person works on the edge meanwhile. The extractors begin without memory, so that a replay tells what comes."""
    units = list(EXTRACTORS.values())
    _end(edge)
    edge.check_output(f"systemctl stop {' '.join(units)}")
    run_on(edge, "forget", "resp")
    edge.check_output(f"systemctl start {' '.join(units)}")
    wait_until_active(edge, units)
    pack = packed("person", "resp", "made_up", folder=FOLDER, seed=seed, rates=rates or RATES)
    run_beside(edge, UNIT, FOLDER, pack)
    try:
        work = Work(edge)
        assert poll(lambda: edge.run("test -e %s", f"{FOLDER}/fed").rc == 0, bool, 30), edge.run(
            "journalctl --no-pager -n 20 -u %s", UNIT
        ).stdout
        yield work
    finally:
        _end(edge)


def _end(edge: Host) -> None:
    edge.run("systemctl stop %s; systemctl reset-failed %s; rm -rf %s", UNIT, UNIT, FOLDER)


def _lines(edge: Host, file: str) -> dict[str, list[str]]:
    """The messages of a record by kind, in order. What came after the last whole line is not there yet."""
    command = "import base64,sys,zlib; print(base64.b64encode(zlib.compress(open(sys.argv[1],'rb').read())).decode())"
    text = edge.check_output("python3 -c %s %s", command, f"{FOLDER}/{file}")
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for line in zlib.decompress(base64.b64decode(text)).decode().split("\n")[:-1]:
        kind, _, message = line.partition(" ")
        found[kind].append(message)
    return found


def _key(window: Window) -> Key:
    return window["ts"], window.get("from_app", ""), window.get("to_app", "")


def _compare(events: int, expected: list[Window], published: list[Window]) -> Account:
    required, came = Counter(map(_key, expected)), Counter(map(_key, published))
    by_key: dict[Key, list[Window]] = {}
    for window in expected:
        by_key.setdefault(_key(window), []).append(window)
    wrong: list[str] = []
    for window in published:
        found: list[Any] = [differences(window, one) for one in by_key.get(_key(window), [])]
        if found and all(found):
            wrong.append(f"{_key(window)}: {'; '.join(found[0][:3])}")
    return Account(
        events=events,
        expected=[_key(window) for window in expected],
        published=[_key(window) for window in published],
        lost=sorted((required - came).elements()),
        doubled=sorted(key for key in (came - required).elements() if key in required),
        foreign=sorted(key for key in came if key not in required),
        wrong=wrong,
        by={window["implementation"] for window in published},
    )
