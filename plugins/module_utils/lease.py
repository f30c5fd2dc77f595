"""The lease of a run on a host, from its staging to its outcome: while one run is at work, another is refused.

    {"schema": 1, "run": …, "by": "anna@controller", "since": …, "deadline": …, "process": …}      times in Unix seconds

A lease is renewed at each step. One whose deadline has passed is stale, for its run was cut off: the next run takes it.
`process` names the process of the run on its controller, which can tell there that it is gone.
Who changes it holds the lock of the host.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from .files import read, write
from .layout import Layout, Refused

SECONDS = 900.0
"""How long a step of a run may take until the next begins. A batch that waits for longer takes its lease anew."""
BUSY = "has a run going on this host"
WENT_ON = "in the same moment, and it went on here"
"""In the causes of a host that another run has, and of one that another run had."""


@dataclass(frozen=True)
class Lease:
    """Which run has the host."""

    run: str
    by: str
    since: float
    deadline: float
    process: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether its run did not go on in time. A clock that was set back makes none that lasts for ever."""
        return not self.since - SECONDS <= time.time() <= self.deadline

    def sentence(self) -> str:
        """Who has the host, and what to do."""
        since, until = (time.strftime("%H:%M:%S", time.gmtime(moment)) for moment in (self.since, self.deadline))
        return (
            f"{self.by} {BUSY} since {since}Z ({self.run}), so the host is left alone: "
            "wait for the report of that run. If it was cut off, its lease "
            f"ends at {until}Z, or -e seclyzer_release_take_over=true takes it"
        )

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"schema": 1, **asdict(self)}


def load(layout: Layout) -> Lease | None:
    """The lease of this host; None when there is none, or it cannot be read, as after a power cut."""
    try:
        value = json.loads(read(layout.lease) or "")
        times = float(value["since"]), float(value["deadline"])
        return Lease(str(value["run"]), str(value["by"]), *times, str(value.get("process", "")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def held(layout: Layout, run: str) -> Lease | None:
    """The lease that keeps a run away from this host; None when it may go on."""
    found = load(layout)
    return None if found is None or found.run == run or found.is_stale else found


def take(
    layout: Layout, run: str, by: str, process: str = "", seconds: float = SECONDS, take_over: bool = False
) -> Lease | None:
    """Takes the lease, or renews it, each step anew; gives back the one of another run that was taken over.

    Raises Refused while another run has it. A run that found its own lease taken over finds here who has it.
    """
    found = load(layout)
    if not take_over and (other := held(layout, run)):
        raise Refused(other.sentence())
    moment = time.time()
    mine = found is not None and found.run == run
    if mine and found is not None:
        _write(layout, Lease(run, by, min(found.since, moment), moment + seconds, process or found.process))
        return None
    _write(layout, Lease(run, by, moment, moment + seconds, process))
    return found


def release(layout: Layout, run: str) -> None:
    """Ends the lease of a run; that of another stays."""
    found = load(layout)
    if found is not None and found.run == run:
        layout.lease.unlink(missing_ok=True)


def _write(layout: Layout, lease: Lease) -> None:
    write(layout.lease, json.dumps(lease.as_dict()) + "\n", 0o600)
