"""Are all points still stored, and kept as long as configured? This check reports what `influxdb-watch` has found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from time import time
from typing import Any

from ..model import Entry, Pace, Reading, Status
from ..parse import optional_path
from ..spec import Context, Setting, Spec

MAX_BYTES = 64 * 1024
MAX_WORDS = 1000
LATE_SECONDS = 1800.0  # the watch counts every ten minutes, or when its verdict says
STATUS = {"pass": Status.PASS, "warn": Status.WARN, "fail": Status.FAIL}


def judge(verdict: Mapping[str, Any], now: float) -> Entry:
    """The entry of a verdict; `now` is Unix time. Raises KeyError, TypeError, ValueError when it is none."""
    status, words, missing = STATUS[verdict["status"]], str(verdict["words"])[:MAX_WORDS], int(verdict["missing"])
    age, due = (now - datetime.fromisoformat(verdict[name]).timestamp() for name in ("at", "next"))
    if due > LATE_SECONDS:
        status = max(status, Status.WARN)
        words = (
            f"points were last counted {age / 60:.0f} minutes ago; see systemctl status influxdb-watch. Then: {words}"
        )
    return _entry(status, words, missing)


def judge_retention(verdict: Mapping[str, Any]) -> tuple[Entry, ...]:
    """Whether the bucket keeps points as long as configured; nothing of an older watch, or when it is not known."""
    found = verdict.get("retention")
    if found is None:
        return ()
    status, words = STATUS[found["status"]], str(found["words"])[:MAX_WORDS]
    return (Entry("retention", "influxdb", "datastore", status, words, figures=False),)


class PointsCheck:
    """The check `points`."""

    name = "points"
    after = ()
    primary = Entry("missing", "influxdb", "datastore", Status.FAIL, "")

    def __init__(self, verdict: Path) -> None:
        self._verdict = verdict

    async def read(self) -> Reading:
        """Read the verdict. One that is missing is a warning: the watch has not counted yet, or does not run."""
        try:
            with self._verdict.open("rb") as file:
                verdict = json.loads(file.read(MAX_BYTES))
                return Reading((judge(verdict, time()), *judge_retention(verdict)))
        except FileNotFoundError:
            words = "points were not counted yet; systemctl status influxdb-watch.timer says when they will be"
            entry = _entry(Status.WARN, words, None)
        except OSError as error:
            entry = _entry(Status.FAIL, f"{self._verdict} cannot be read: {error.strerror}", None)
        except (ValueError, KeyError, TypeError, RecursionError):
            entry = _entry(Status.FAIL, f"{self._verdict} is no verdict of influxdb-watch", None)
        return Reading((entry,))


def _entry(status: Status, words: str, missing: int | None) -> Entry:
    return Entry("missing", "influxdb", "datastore", status, words, missing, "points")


def _make(context: Context) -> list[PointsCheck]:
    verdict = context.settings.own["points_verdict"]
    return [PointsCheck(Path(verdict))] if verdict else []


SPEC = Spec(
    names=("points",),
    order=90,
    help="the points that are stored",
    pace=Pace(30, 2, rise=1, fall=1),
    measurements={
        "missing": "points that were stored and are gone, as `influxdb-watch` has counted (`fail`); half an hour after "
        "a count was due: `warn`",
        "retention": "of the bucket against what is configured, as `influxdb-watch` has read it: shorter: `fail`, "
        "longer: `warn`",
    },
    roles=("store",),
    settings=(
        Setting(
            "points_verdict",
            optional_path,
            "",
            "what `influxdb-watch` writes on a store, `/var/lib/influxdb-watch/verdict.json`; empty: no check `points`",
        ),
    ),
    make=_make,
)
