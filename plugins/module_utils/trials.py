"""The trial of a deployment, as its host keeps it: what ran before, what is tried, until when, and what became of it.

`/opt/seclyzer/trial.json` is written before the switch, replaced by the next trial and never removed. While its state
is `going`, the judge (`watching`) decides; afterwards it is what the host decided, for whoever asks. The health agent,
which is not root, shows `/opt/seclyzer/trial-summary.json`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from . import systemd
from .files import read, write
from .layout import Layout, Refused
from .state_versions import HOST, verify_host_file

UNIT = "seclyzer-trial.service"
GOING = "going"
"""The state of a trial that is not decided; the others are CONFIRMED, RETURNED and FAILED, as of a deployment."""
MARGIN = 150.0
"""Seconds that a return may take after a deadline: restarts, and the look at what runs again."""
LAST_WORDS = "'s last words: "
"""What begins a program's last words in `why`."""
RESTART = 15.0
"""Seconds for which the judge may be away: it is started anew when it was ended."""
EVERY = 0.5
"""Seconds between two readings by who follows a trial."""


@dataclass
class Trial:
    """One trial. Times are Unix seconds; `from_` and `to` number deployments, `from_` is None on a blank host.

    `back`: it goes back already, so a failure returns nothing. `switched`: when the switch was complete, 0 before.
    `why`: why the host returns, or did; while the trial is going it means that the return is decided.
    `boot`, `boots`: the boot of the machine that the deadline is of, and how many began meanwhile.
    """

    run: str
    from_: int | None
    to: int
    began: float
    deadline: float
    soak: float
    state: str = GOING
    why: str = ""
    back: bool = False
    by: str = ""
    keep: int = 5
    seconds: float = 0.0
    patience: float = 60.0
    switched: float = 0.0
    boot: str = ""
    boots: int = 0
    before: Mapping[str, Any] = field(default_factory=dict)

    @property
    def going(self) -> bool:
        """Whether nothing is decided yet."""
        return self.state == GOING

    def is_same(self, other: Mapping[str, Any]) -> bool:
        """Whether this is the trial that a switch reported to have begun."""
        return (self.to, self.began) == (other.get("to"), other.get("began"))

    def identity(self) -> dict[str, Any]:
        """What names this trial to those who follow it."""
        return {"run": self.run, "from": self.from_, "to": self.to, "began": self.began, "deadline": self.deadline}

    def public(self) -> dict[str, Any]:
        """What is reported of it."""
        return self.identity() | {"state": self.state, "why": self.why, "soak": self.soak}


def load(layout: Layout) -> Trial | None:
    """The last trial of this host; None when there was none. What a later version added is passed over;
    one of a later form is refused."""
    text = read(layout.trial)
    if text is None:
        return None
    try:
        saved = json.loads(text)
        verify_host_file(layout.trial, saved)
        value = {("from_" if name == "from" else name): part for name, part in saved.items()}
        known = {each.name for each in fields(Trial)}
        return Trial(**{name: part for name, part in value.items() if name in known})
    except (ValueError, TypeError, AttributeError) as fault:
        raise Refused(f"{layout.trial} cannot be read ({fault}); repair it or move it away") from None


def save(layout: Layout, trial: Trial) -> None:
    """Writes it, atomically, and first what the agent shows of it: nothing is decided by that."""
    with suppress(OSError, Refused):
        write(layout.trial_summary, json.dumps(summary(trial), indent=2) + "\n", 0o644)
    value = {("from" if name == "from_" else name): part for name, part in asdict(trial).items()}
    write(layout.trial, json.dumps({"schema": HOST, **value}, indent=2) + "\n", 0o600)


def summary(trial: Trial) -> dict[str, Any]:
    """What anybody on the host may read of it: not the last words of programs. Times are Unix s."""
    why = re.split(rf"; \S+{LAST_WORDS}", trial.why)[0]
    named = {"state": trial.state, "from": trial.from_, "to": trial.to, "since": trial.began, "why": why}
    return named | {"until": trial.deadline + MARGIN}


def going(layout: Layout) -> Trial | None:
    """The trial that is going on this host."""
    trial = load(layout)
    return trial if trial is not None and trial.going else None


def needed(layout: Layout) -> set[int]:
    """Deployments that a trial that is going needs."""
    trial = going(layout)
    return set() if trial is None else {trial.to, *([] if trial.from_ is None else [trial.from_])}


def follow(layout: Layout, seconds: float) -> tuple[Trial | None, str]:
    """Waits at most so long until no trial is going; the last one, and while it is going what its judge waits for.

    Raises Refused when nothing judges it.
    """
    until = time.monotonic() + seconds
    absent: float | None = None
    while True:
        trial = load(layout)
        if trial is None or not trial.going:
            return trial, ""
        state = systemd.show([UNIT], ("ActiveState", "StatusText")).get(UNIT, {})
        now = time.monotonic()
        if state.get("ActiveState") in ("active", "activating"):
            absent = None
        elif absent is None:
            absent = now
        elif now - absent > RESTART:
            raise Refused(
                f"deployment {trial.to} is on trial and nothing judges it: look at journalctl -u {UNIT}, "
                f"then systemctl start {UNIT}"
            )
        if now >= until and absent is None:
            return trial, state.get("StatusText") or "its judge starts"
        time.sleep(EVERY)


def is_overdue(trial: Trial) -> bool:
    """Whether it should have ended by now."""
    return time.time() > trial.deadline + MARGIN
