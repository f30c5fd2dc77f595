"""Damping of a status, so that one odd reading is no alarm and one good one no all-clear.

A pure function of results: it knows no clock. The shown status gets worse to the mildest of the last `fall`
results when all of them are worse than it, and better to the worst of the last `rise` results when all of
them are better. The first result counts at once. With rise = fall = 1 what is shown is the last result.
"""

from __future__ import annotations

from dataclasses import dataclass

from .model import Status


@dataclass(frozen=True, slots=True)
class Damped:
    """`shown` is the damped status, `recent` the last results, newest last, as many as still matter."""

    shown: Status
    recent: tuple[Status, ...]


def step(before: Damped | None, result: Status, *, rise: int, fall: int) -> Damped:
    """The next state after one more result; `before` is None for the first one. rise, fall >= 1."""
    if before is None:
        return Damped(result, (result,))
    recent = (*before.recent, result)[-max(rise, fall) :]
    if recent == before.recent:  # all are as this one, and so is what is shown
        return before
    shown = before.shown
    if len(recent) >= fall and min(recent[-fall:]) > shown:
        shown = min(recent[-fall:])
    elif len(recent) >= rise and max(recent[-rise:]) < shown:
        shown = max(recent[-rise:])
    return Damped(shown, recent)
