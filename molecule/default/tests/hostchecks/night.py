"""A break on a host that works: after how many seconds it is seen, in which words, and when it is over."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from hostchecks.at_work import at_work
from hostchecks.host import Host, name, run_on
from hostchecks.lab import ROOT, hosts
from hostchecks.night_page import page
from hostchecks.pages import about, leave
from hostchecks.polling import poll

REPORT = ROOT / "build" / "night"
"""Where the rows of the table are left."""
LONGEST = 420.0
"""Seconds for which a sign is waited for: a certificate is looked at every five minutes."""
OVER = 200.0
"""Seconds for which the end is waited for: less than those for which a past fault is shown."""
STEP = 0.5
RATES = {"mouse": 30, "keystroke": 8, "app": 1}
"""Events a second of a person."""
Act = Callable[[], object]


def host(which: str) -> Host:
    """A host by its name in the inventory."""
    return next(one for group in ("seclyzer_edge", "seclyzer_store") for one in hosts(group) if name(one) == which)


def sh(which: str, command: str) -> Act:
    """A command as root there."""
    return lambda: host(which).check_output(command)


def nothing() -> None:
    """Nothing has to be done."""


@dataclass(frozen=True)
class Look:
    """Who has to see a break, as which finding, with which words; part of what `doctor` says and has people type."""

    host: str
    finding: str
    words: str
    types: str
    subject: str = ""


@dataclass(frozen=True)
class Break:
    """How it is made and mended, and who has to see it. `prepare` and `restore` are no part of what is measured.

    `person`: whether a person works meanwhile on the edges that look. `agent`: whether the agent can see it; else only
    `doctor`. `causes`: how many things `doctor` may say are wrong.
    """

    begin: Act
    end: Act
    looks: tuple[Look, ...]
    prepare: Act = nothing
    restore: Act = nothing
    person: bool = True
    agent: bool = True
    causes: int = 1


@dataclass
class Row:
    """What one host showed of a break. Seconds from the break, or for `over` and `well` from the mend; None: never.
    `load`: the machine's before the break.
    """

    fault: str
    host: str
    finding: str
    first_s: float | None = None
    first: str = ""
    named_s: float | None = None
    status: str = ""
    health: list[dict[str, Any]] = field(default_factory=list)
    page: list[dict[str, Any]] = field(default_factory=list)
    doctor: str = ""
    doctor_causes: int = -1
    over_s: float | None = None
    well_s: float | None = None
    after: list[dict[str, Any]] = field(default_factory=list)
    load: float = field(default_factory=lambda: os.getloadavg()[0])


def measure(title: str, fault: Break) -> list[Row]:
    """Breaks, looks, mends and looks again; the hosts that are looked at are well before."""
    lookers = [host(which) for which in dict.fromkeys(look.host for look in fault.looks)]
    edges = {name(edge) for edge in hosts("seclyzer_edge")}
    with ExitStack() as stack:
        fault.prepare()
        stack.callback(fault.restore)
        if fault.person:
            stack.enter_context(people([one for one in lookers if name(one) in edges]))
        for one in lookers:
            wait_well(one)
        mended = stack.enter_context(_broken(fault))
        began = time.monotonic()
        rows = [_seen(title, fault, look, began) for look in fault.looks]
        mended()
        at = time.monotonic()
        for row, look in zip(rows, fault.looks, strict=True):
            _over(row, look, at)
    _write(title, rows)
    return rows


@contextmanager
def _broken(fault: Break) -> Iterator[Act]:
    """The break is there until what is yielded was called, or this is left."""
    left = [fault.end]

    def mend() -> None:
        while left:
            left.pop()()

    fault.begin()
    try:
        yield mend
    finally:
        mend()


@contextmanager
def people(edges: Sequence[Host]) -> Iterator[None]:
    """A person works on each of these edges, and what they do is read."""
    with ExitStack() as stack:
        for edge in edges:
            stack.enter_context(at_work(edge, rates=RATES))
        for edge in edges:
            _read(edge)
        yield


def _read(edge: Host) -> None:
    """Waits until all extractors have read events of now."""

    def old() -> list[str]:
        found: dict[str, dict[str, str]] = run_on(edge, "stats", "resp")
        return [kind for kind, of in found.items() if int(of.get("last_event_ts") or 0) / 1e6 < began]

    began = time.time()
    assert poll(old, lambda kinds: kinds == [], 90, STEP) == []


def wait_well(one: Host) -> None:
    """Nothing is wrong there, by its agent."""
    found = poll(lambda: findings(one), lambda seen: seen == [], LONGEST, STEP)
    assert found == [], (name(one), found)


def findings(one: Host) -> list[dict[str, Any]] | None:
    """What the agent reports; None while it does not answer, or has not looked at everything."""
    answers = run_on(one, "ask", paths=["/readyz", "/healthz"], reader=True, timeout=2.0)
    if answers["/readyz"]["status"] != 200 or not answers["/healthz"]["status"]:
        return None
    found: list[dict[str, Any]] = json.loads(answers["/healthz"]["body"])["findings"]
    return found


def doctor(one: Host) -> str:
    """What `sudo seclyzer doctor` prints."""
    return one.run("seclyzer doctor").stdout


def _is(look: Look, one: dict[str, Any]) -> bool:
    return one["id"] == look.finding and look.subject in ("", one["componentId"])


def _names(look: Look, one: dict[str, Any]) -> bool:
    """Whether it is the finding with its cause: a crash loop begins as a unit that was restarted once."""
    return _is(look, one) and look.words in one["output"]


def _seen(title: str, fault: Break, look: Look, began: float) -> Row:
    row, one = Row(title, look.host, look.finding), host(look.host)
    if not fault.agent:
        row.doctor = poll(lambda: doctor(one), lambda text: f"  {look.finding}" in text, LONGEST, STEP)
        row.named_s = time.monotonic() - began
    else:
        _by_health(row, look, one, began)
        row.page = json.loads(run_on(one, "ask", paths=["/overview"], reader=True)["/overview"]["body"])["findings"]
        row.doctor = doctor(one)
    counted = re.search(r"(\d+) things? (?:is|are) wrong", row.doctor)
    row.doctor_causes = int(counted[1]) if counted else 0
    return row


def _by_health(row: Row, look: Look, one: Host, began: float) -> None:
    first: list[tuple[float, str]] = []

    def read() -> list[dict[str, Any]]:
        found = findings(one) or []
        if found and not first:
            first.append((time.monotonic() - began, f"{found[0]['status']} {found[0]['id']}: {found[0]['output']}"))
        return found

    row.health = poll(read, lambda found: any(_names(look, each) for each in found), LONGEST, STEP)
    if first:
        row.first_s, row.first = first[0]
    for each in row.health:
        if _names(look, each):
            row.named_s, row.status = time.monotonic() - began, each["status"]


def _over(row: Row, look: Look, at: float) -> None:
    one = host(look.host)
    gone = poll(lambda: findings(one), lambda f: f is not None and not any(_is(look, e) for e in f), OVER, STEP)
    if gone is not None and not any(_is(look, each) for each in gone):
        row.over_s = time.monotonic() - at
    left = max(1.0, OVER - (time.monotonic() - at))
    after = poll(lambda: findings(one), lambda found: found == [], left, STEP)
    row.after = after or []
    if after == []:
        row.well_s = time.monotonic() - at


def _write(title: str, rows: list[Row]) -> None:
    """Leaves what was seen, and all that was seen so far as a page."""
    every = leave(REPORT, title, [asdict(row) for row in rows])
    (REPORT / "night.md").write_text(page(every, about()))
