"""How an operator names whose data is meant, and what is reported afterwards. Pure: no host, no file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .selection import Selection, parse_time

DEFAULT_USER = "default"
NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class NoSense(ValueError):
    """What was typed cannot be meant; the message says what to type."""


def understood(user: str, host: str, since: str, until: str, now: int) -> Selection:
    """The selection that was typed; `now` is in µs. Raises NoSense."""
    if not user and not host:
        raise NoSense("it is not stated whose data is meant: add -e user=NAME, -e host=NAME, or both")
    for name, value in (("user", user), ("host", host)):
        if value and not NAME.fullmatch(value):
            raise NoSense(
                f"{name} is {value!r}; it has to be a name of at most 200 characters, without control characters"
            )
    if user == DEFAULT_USER and not host:
        raise NoSense(
            f"user={DEFAULT_USER} is everyone on a host without a configured owner; use -e host=NAME, "
            "and seclyzer_extractors_user_id gives a host its owner"
        )
    try:
        start, stop = (parse_time(text, name) if text else 0 for text, name in ((since, "since"), (until, "until")))
    except ValueError as error:
        raise NoSense(str(error)) from None
    if start and stop and start >= stop:
        raise NoSense(f"since={since} is not before until={until}, so nothing can be meant")
    if start >= now:
        raise NoSense(f"since={since} is still to come, so nothing can be meant")
    return Selection(user, host, start, stop)


@dataclass
class Report:
    """What was found and done: places by host, what is still open, and what else is to be known."""

    what: str
    at: str
    chosen: Mapping[str, str]
    checked_only: bool
    places: list[dict[str, Any]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, host: str, before: Mapping[str, int], after: Mapping[str, int], failed: str = "") -> None:
        """All places of a host; what is left there is open, by what failed or by itself."""
        if failed:
            self.open.append(f"{host}: {failed}")
        for place, count in before.items():
            self.places.append({"host": host, "place": place, "before": count, "after": after.get(place, 0)})
            if not (self.checked_only or failed) and self.what == "forget" and after.get(place, 0):
                self.open.append(f"{host}: {after[place]} {place} are left: run it again")

    @property
    def complete(self) -> bool:
        """Nothing is open."""
        return not self.open

    def document(self) -> dict[str, Any]:
        """As it is filed."""
        return {
            "what": self.what,
            "at": self.at,
            "chosen": dict(self.chosen),
            "check_mode": self.checked_only,
            "complete": self.complete,
            "places": self.places,
            "open": self.open,
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """For a person."""
        who = ", ".join(f"{name} {value}" for name, value in self.chosen.items() if value)
        width = max((len(place["host"]) for place in self.places), default=4)
        found = [place for place in self.places if place["before"] or place["after"]]
        heads = {"forget": ("there", "left"), "export": ("there", "")}[self.what]
        reported = [f"{self.what} {who}, {self.at}" + (", only looked at: check mode" if self.checked_only else "")]
        if found:
            reported.append(f"  {'host':{width}}  {heads[0]:>9}  {heads[1]:>9}  place")
        for place in found:
            left = place["after"] if heads[1] else ""
            reported.append(f"  {place['host']:{width}}  {place['before']:>9}  {left:>9}  {place['place']}")
        empty = sorted({place["host"] for place in self.places} - {place["host"] for place in found})
        if empty:
            reported.append(f"  nothing on {_named(empty)}")
        reported += [f"  note: {note}" for note in self.notes]
        reported += [f"  OPEN: {sentence}" for sentence in self.open]
        return reported


def _named(hosts: Sequence[str]) -> str:
    return ", ".join(hosts) if len(hosts) <= 8 else f"{len(hosts)} hosts"
