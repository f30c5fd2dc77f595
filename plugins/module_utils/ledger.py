"""What was forgotten in the store, and when: `forgotten.jsonl`, a JSON object a line.

Whoever watches that points do not vanish reads it, to know what vanished on purpose; and a restore reads it, to forget
again what a backup brings back. It names people, and is for root and a group only.
"""

from __future__ import annotations

import grp
import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from . import files
from .influxdb_points import Days
from .selection import Selection

PLACE = Path("/var/lib/seclyzer/forgotten.jsonl")
READERS = "influxdb-watch"
KEPT = timedelta(days=400)


@dataclass(frozen=True)
class Forgotten:
    """One deletion: when it began (ISO 8601, UTC), what was chosen, and how many points there were of it."""

    at: str
    chosen: Selection
    points: Days

    @property
    def again(self) -> Selection:
        """What to forget of an older backup: nothing that came after this deletion."""
        moment = int(datetime.fromisoformat(self.at).timestamp() * 1e6)
        until = min(self.chosen.until or moment, moment)
        return Selection(self.chosen.user, self.chosen.host, self.chosen.since, until)


def read(place: Path = PLACE) -> list[Forgotten]:
    """All of them, oldest first. A line that is none is passed over."""
    return [one for line in (files.read(place) or "").splitlines() if (one := _parse(line)) is not None]


def write_down(chosen: Selection, points: Days, place: Path = PLACE) -> None:
    """One more, before anything is deleted."""
    now = datetime.now(UTC)
    files.make_folder(place.parent)
    oldest = (now - KEPT).isoformat()
    with files.locked(place.with_name(f".{place.name}.lock")):
        kept = [*(one for one in read(place) if one.at >= oldest), Forgotten(now.isoformat(), chosen, points)]
        text = "".join(json.dumps(_entry(one), ensure_ascii=False) + "\n" for one in kept)
        files.write(place, text, 0o600)
        try:
            gid = grp.getgrnam(READERS).gr_gid
        except KeyError:
            return
        handle = os.open(place, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fchown(handle, -1, gid)
            os.fchmod(handle, 0o640)
        finally:
            os.close(handle)


def _entry(one: Forgotten) -> dict[str, Any]:
    return {"at": one.at, **asdict(one.chosen), "points": one.points}


def _parse(line: str) -> Forgotten | None:
    try:
        found = json.loads(line)
        chosen = Selection(found["user"], found["host"], found["since"], found["until"])
        return Forgotten(found["at"], chosen, found["points"])
    except (ValueError, KeyError, TypeError):
        return None
