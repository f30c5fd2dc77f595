"""What a check reports: a status, entries with words, and the facts behind them. Values only, no I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol


class Status(IntEnum):
    """Ordered from good to bad, so that `max` is the worst."""

    PASS = 0
    WARN = 1
    FAIL = 2

    @property
    def word(self) -> str:
        """The word of health+json: pass, warn or fail."""
        return self.name.lower()

    @classmethod
    def rising(cls, value: float, warn: float, fail: float) -> Status:
        """Of a value that is worse the higher it is: from `warn` and from `fail` on."""
        return cls.FAIL if value >= fail else cls.WARN if value >= warn else cls.PASS

    @classmethod
    def falling(cls, value: float, warn: float, fail: float) -> Status:
        """Of a value that is worse the lower it is: below `warn` and below `fail`."""
        return cls.FAIL if value < fail else cls.WARN if value < warn else cls.PASS


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing seen in one reading, judged on its own.

    `measurement` is what was measured (`memory`), `component` on what (`seclyzer-app.service`), `kind` the
    componentType of health+json (component, datastore, system); `output` is a sentence, also for a pass.

    `figures` says that value and words may move with what a person does, as counts, sizes and times do; then whoever
    has no credential reads them once a minute only, or `plain`, the sentence without them, at any time.

    `finding` names what is wrong, an entry of `catalog`; empty: what the catalog has for the measurement. `since` is
    Unix s, when it is known better than by readings. `unread`: nothing was learnt of it, good or bad.
    """

    measurement: str
    component: str
    kind: str
    status: Status
    output: str
    value: float | int | str | bool | None = None
    unit: str | None = None
    figures: bool = True
    plain: str = ""
    finding: str = ""
    since: float = 0.0
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What one run of a check brought: its entries, and facts for the metrics and for other checks."""

    entries: tuple[Entry, ...]
    facts: Any = None


class Malformed(Exception):
    """A reading that no report can hold; the message names the part of it, without its value."""


def verified(reading: Reading) -> Reading:
    """The reading, if every answer can be made from it. Raises Malformed."""
    if not isinstance(reading, Reading) or not isinstance(reading.entries, tuple):
        raise Malformed("it is no reading")
    for entry in reading.entries:
        if not isinstance(entry, Entry) or not isinstance(entry.status, Status):
            raise Malformed("an entry has no status")
        texts = (entry.measurement, entry.component, entry.kind, entry.output, entry.plain, entry.unit or "")
        if not _encode(texts):
            raise Malformed("an entry has a text that is none")
        if not _is_json(entry.value):
            raise Malformed("an entry has a value that JSON cannot hold")
    return reading


def _encode(texts: Iterable[object]) -> bool:
    """Whether all are texts and can be sent: a lone surrogate cannot."""
    try:
        "".join(texts).encode()  # type: ignore[arg-type]  # what is no text is a TypeError
    except (TypeError, UnicodeEncodeError):
        return False
    return True


def _is_json(value: object) -> bool:
    if isinstance(value, str):
        return _encode((value,))
    if isinstance(value, int):
        return abs(value) < 2**64
    return value is None or (isinstance(value, float) and math.isfinite(value))


class Unreadable(Exception):
    """The thing could not be read; the message says why, in words for a person, without secrets.

    `plain` is the same without figures that move with what a person does. `finding` names what is wrong, if that is
    more than that it could not be read.
    """

    finding = ""
    unread = False

    def __init__(self, words: str, plain: str = "") -> None:
        super().__init__(words)
        self.plain = plain or words


class Unread(Unreadable):
    """There was no time to read it, or what it is read from is not known: nothing was learnt of it, good or bad."""

    unread = True


class Refused(Unreadable):
    """The agent itself may not look: of the thing nothing is known, good or bad."""

    finding = "agent-password"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a check runs, how long one run may take (s), and its hysteresis."""

    interval: float
    deadline: float
    rise: int
    fall: int


class Check(Protocol):
    """A check: reads, judges, and keeps at most its own history between readings."""

    @property
    def name(self) -> str:
        """Names the check in the report, the metrics, the log and the configuration."""
        ...

    @property
    def primary(self) -> Entry:
        """The entry that carries the failure when nothing was ever read; only its names matter."""
        ...

    @property
    def after(self) -> tuple[str, ...]:
        """Checks whose facts this one uses; its first run waits for theirs."""
        ...

    async def read(self) -> Reading:
        """One reading. Raises Unreadable; any other exception is a bug and is shown as one."""
        ...


class Facts(Protocol):
    """Facts of other checks, only while they are fresh."""

    def __call__(self, check: str) -> Any:
        """The facts of the check of this name, or None when there are none or they are too old."""
        ...
