"""Are the units up? systemd shows each change by D-Bus, where any user may ask."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from ..history import Restarts, restarted
from ..model import Entry, Pace, Reading, Status
from ..per_loop import PerLoop
from ..spec import Metric, Sample, Spec
from ..systemd import Systemd
from ..unit import Unit, judge

STATES = ("active", "activating", "deactivating", "failed", "inactive", "reloading")


class Units:
    """The check `units`. Its facts: `dict[unit name, Unit]`. `changed` is called when there is something to be read."""

    name = "units"
    after = ()
    primary = Entry("state", "systemd", "system", Status.FAIL, "")

    def __init__(self, units: Mapping[str, str], recent: float, changed: Callable[[], None]) -> None:
        names = tuple(dict.fromkeys(units.values()))
        self._systemd = PerLoop(lambda: Systemd(names, changed)) if names else None
        self._recent = recent
        self._restarts: dict[str, Restarts] = {}

    async def read(self) -> Reading:
        """Ask systemd."""
        units = await self._systemd.here().read() if self._systemd is not None else {}
        now = time.monotonic()
        self._restarts = {
            u.unit: restarted(self._restarts.get(u.unit), u.restarts, u.main_started, now, recent=self._recent)
            for u in units.values()
        }
        return Reading(
            tuple(judge(u, self._restarts[u.unit], self._recent, now) for u in units.values()),
            units,
        )


def _states(_: str, units: dict[str, Unit]) -> Iterator[Sample]:
    for unit in units.values():
        for state in STATES:
            yield (unit.unit, state), 1 if unit.active == state else 0


def _restarts(_: str, units: dict[str, Unit]) -> Iterator[Sample]:
    for unit in units.values():
        yield (unit.unit,), unit.restarts


SPEC = Spec(
    names=("units",),
    order=10,
    help="the units of this host",
    pace=Pace(10, 5, rise=1, fall=2),
    measurements={
        "state": "of each unit: active, restarted (`warn`), restarted again and again (`fail`: three times within "
        "`recent_seconds`), or why it failed",
    },
    uses=("units", "recent_seconds"),
    metrics=(
        Metric(
            "seclyzer_unit_state",
            "gauge",
            "1 for the state that a unit is in",
            _states,
            labels=("name", "state"),
            state=True,
        ),
        Metric(
            "seclyzer_unit_restarts_total",
            "counter",
            "Automatic restarts of a unit",
            _restarts,
            labels=("name",),
            state=True,
        ),
    ),
    state_facts=True,
    make=lambda context: [Units(context.settings.units, context.settings.recent_seconds, context.changed)],
)
