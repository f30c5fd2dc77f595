"""Which clocks of a fleet are wrong, judged by all of them together.

A look at a host brackets its clock: what it showed, between two moments of the controller's. So a slow connection
widens what is known, and accuses no host. The controller's clock is one of them, and is believed unless most others
agree on another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

PERMITTED = 5.0
"""Seconds. What an event may be ahead of its host's clock (docs/contract.md), and so two clocks may differ."""

UNITS = ((86400, "days"), (3600, "h"), (60, "min"))


@dataclass(frozen=True)
class Look:
    """What a host's clock showed, and the controller's when it was asked and when it had answered; Unix s."""

    asked: float
    showed: float
    answered: float

    @property
    def least(self) -> float:
        """By how much the host's clock is ahead at least."""
        return self.showed - self.answered

    @property
    def most(self) -> float:
        """By how much it is ahead at most."""
        return self.showed - self.asked

    def beyond(self, right: float) -> float:
        """By how much it is ahead of what is right at least, negative when behind; 0 when it may be right."""
        if self.least > right + PERMITTED:
            return self.least - right
        return self.most - right if self.most < right - PERMITTED else 0.0


HERE = Look(0.0, 0.0, 0.0)
"""The controller's own clock."""


def right(looks: Iterable[Look]) -> float:
    """By how much a right clock is ahead of the controller's: 0, unless more than half of all agree on another."""
    all_looks = [HERE, *looks]
    moments = sorted({edge for look in all_looks for edge in (look.least, look.most)}, key=abs)
    agree = {moment: sum(look.beyond(moment) == 0.0 for look in all_looks) for moment in moments}
    best = max(moments, key=lambda moment: agree[moment])
    return best if agree[best] * 2 > len(all_looks) and HERE.beyond(best) else 0.0


def faults(looks: Mapping[str, Look]) -> tuple[dict[str, str], str]:
    """What is wrong with the clocks of hosts, a sentence each, and with the controller's own, empty when nothing is."""
    true = right(looks.values())
    wrong: dict[str, str] = {}
    for host, look in looks.items():
        if off := look.beyond(true):
            than = "this controller's" if not true else "those of most hosts"
            wrong[host] = (
                f"its clock is {amount(off)} than {than}: {shown(look.showed)} there, when it was "
                f"{shown(look.answered + true)}; `timedatectl set-ntp true` there sets it, or `date -s`"
            )
    if not true:
        return wrong, ""
    return wrong, (
        f"this controller's clock is {amount(-true)} than those of most hosts: `timedatectl set-ntp true` here sets it"
    )


def amount(seconds: float) -> str:
    """How far a clock is off, for people."""
    size = abs(seconds)
    unit, word = next((one for one in UNITS if size >= 2 * one[0]), (1, "s"))
    return f"{size / unit:.0f} {word} {'later' if seconds > 0 else 'earlier'}"


def shown(moment: float) -> str:
    """A moment as it is written in reports."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")
