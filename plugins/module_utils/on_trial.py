"""A switch on trial: what stands now is written down and the judge is started first, so that the host decides in the
end, whatever ends this.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from . import deployments, judge_unit, mends, switching, systemd, trials
from .before import Before
from .layout import Layout, Refused
from .switching import Done
from .trials import Trial


@dataclass(frozen=True)
class Terms:
    """Seconds: of soak (0: no trial), for all of it, and until the first look finds all well."""

    soak: float = 0.0
    seconds: float = 240.0
    patience: float = 60.0


def switch(
    layout: Layout,
    n: int,
    by: str,
    what: str,
    run: str,
    before: Before,
    terms: Terms,
    keep: int,
) -> tuple[Done, Trial | None]:
    """Goes to deployment `n`, on trial when it is another one than runs; the trial that has begun.

    What fails once the trial has begun is reported by the trial: the host returns by itself.
    """
    current = deployments.current(layout)
    if not terms.soak or n == current or not judge_unit.can_judge(layout, current, n):
        return switching.switch(layout, n, by, what, run), None
    planned = switching.plan(layout, n)
    now = time.time()
    trial = Trial(
        run,
        current,
        n,
        now,
        now + terms.seconds,
        terms.soak,
        back=what == "returned",
        by=by,
        keep=keep,
        seconds=terms.seconds,
        patience=terms.patience,
        boot=mends.boot(),
        before=before.as_dict(),
    )
    judge_unit.start(layout, current, n)
    trials.save(layout, trial)
    try:
        done = switching.switch(layout, n, by, what, run)
    except (OSError, Refused) as fault:
        if systemd.is_ending():
            raise  # and the judge completes the switch when the host is up again
        trial.why, done = str(fault), planned
    trial.switched = time.time()
    trials.save(layout, trial)
    return done, trial


def begun_by(layout: Layout, run: str, n: int | None) -> Trial | None:
    """The trial that a run has begun here, decided or not, so that it begins no second one when it asks again: ssh was
    cut while it switched. `n` is the deployment that it goes to; without it, only a trial that is going is meant.

    One whose switch never began was no trial.
    """
    trial = trials.load(layout)
    if trial is None or not run or trial.run != run:
        return None
    if trial.going:
        return trial if n in (None, trial.to) else None
    return trial if n == trial.to and trial.switched else None


def waits_for(layout: Layout) -> str:
    """What a trial that is going waits for, in words; empty when none is. A judge that is gone is started again."""
    trial = trials.going(layout)
    if trial is None:
        return ""
    state = systemd.show([trials.UNIT], ("ActiveState", "StatusText")).get(trials.UNIT, {})
    if state.get("ActiveState") not in ("active", "activating"):
        judge_unit.start(layout, trial.from_, trial.to)
    run = f" of run {trial.run}" if trial.run else ""
    return f"the trial of deployment {trial.to}{run}: {state.get('StatusText') or 'its judge starts'}"
