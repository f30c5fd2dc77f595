"""How a person moves between applications: counts of transitions, hours and durations, and their shares.

At most 200 names are kept. Past that the counts of the one whose last focus is the longest ago are added to
`(other)`.
"""

from typing import Any

MAX_NAMES = 200
MOST_USED = 10
OTHER = "(other)"
HOUR_US = 3_600_000_000


class Patterns:
    """The counts. Names are in order of first appearance; `(other)` is beside the 200."""

    def __init__(self) -> None:
        self.last_gain: dict[str, int] = {}  # name -> the number of its last gain of the focus
        self.gains = 0  # of the focus, by any name
        self.unique_apps = 0
        self.transitions: dict[str, dict[str, int]] = {}  # from -> to -> count
        self.hours: dict[str, dict[int, int]] = {}  # name -> hour of day in UTC -> times it gained the focus
        self.durations: dict[str, tuple[int, int]] = {}  # from -> (µs in all, transitions)
        self.dev_mode = False

    def gained(self, app: str, ts: int) -> None:
        """`app` got the focus at `ts` (µs)."""
        self._keep(app)
        hours = self.hours.setdefault(app, {})
        hour = ts // HOUR_US % 24
        hours[hour] = hours.get(hour, 0) + 1

    def moved(self, from_app: str, to_app: str, duration_us: int) -> None:
        """The focus went from one application to another; both have gained it before."""
        self._add_transitions(from_app, to_app, 1)
        self._add_duration(from_app, duration_us, 1)

    def _keep(self, app: str) -> None:
        if app not in self.last_gain and app != OTHER:
            self.unique_apps += 1
            kept = [name for name in self.last_gain if name != OTHER]
            if len(kept) >= MAX_NAMES:
                self._fold(min(kept, key=self.last_gain.__getitem__))
        self.last_gain[app] = self.gains
        self.gains += 1

    def _fold(self, app: str) -> None:
        """Adds all that is counted for `app` to `(other)`: its row, its column, its hours, its durations."""
        del self.last_gain[app]
        self.last_gain.setdefault(OTHER, 0)
        for to_app, count in self.transitions.pop(app, {}).items():
            self._add_transitions(OTHER, to_app, count)
        for from_app, row in list(self.transitions.items()):
            if app in row:
                self._add_transitions(from_app, OTHER, row.pop(app))
        hours = self.hours.setdefault(OTHER, {})
        for hour, count in self.hours.pop(app, {}).items():
            hours[hour] = hours.get(hour, 0) + count
        self._add_duration(OTHER, *self.durations.pop(app, (0, 0)))

    def _add_transitions(self, from_app: str, to_app: str, count: int) -> None:
        row = self.transitions.setdefault(from_app, {})
        row[to_app] = row.get(to_app, 0) + count

    def _add_duration(self, app: str, duration_us: int, count: int) -> None:
        total, n = self.durations.get(app, (0, 0))
        self.durations[app] = (total + duration_us, n + count)

    def document(self, process_dev_mode: bool) -> dict[str, Any]:
        """The patterns as JSON has them."""
        rows = {name: row for name in self.last_gain if (row := self.transitions.get(name))}
        out_of = {name: sum(row.values()) for name, row in rows.items()}
        most_used = sorted(out_of.items(), key=lambda pair: pair[1], reverse=True)[:MOST_USED]
        return {
            "transition_matrix": {
                name: {to_app: count / out_of[name] for to_app, count in row.items()} for name, row in rows.items()
            },
            "time_preferences": {name: _shares(self.hours[name]) for name in self.last_gain},
            "usage_stats": {
                "most_used": [[name, count] for name, count in most_used],
                "avg_durations": {name: self.durations[name][0] / 1e6 / self.durations[name][1] for name in rows},
                "total_transitions": sum(out_of.values()),
                "unique_apps": self.unique_apps,
            },
            "dev_mode": self.dev_mode or process_dev_mode,
        }

    # What outlives a restart. The other implementation reads and writes the same.

    def dump(self) -> dict[str, Any]:
        return {
            "dev_mode": self.dev_mode,
            "total_transitions": sum(count for _, count in self.durations.values()),
            "unique_apps": self.unique_apps,
            "gains": self.gains,
            "apps": [
                {
                    "name": name,
                    "gain": gain,
                    "hours": {str(hour): count for hour, count in self.hours.get(name, {}).items()},
                    "duration_us": self.durations.get(name, (0, 0))[0],
                    "to": self.transitions.get(name, {}),
                }
                for name, gain in self.last_gain.items()
            ],
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Patterns":
        """The counts that `dump` wrote; KeyError, TypeError or ValueError when it did not."""
        patterns = cls()
        patterns.dev_mode = bool(dumped["dev_mode"])
        patterns.unique_apps = int(dumped["unique_apps"])
        patterns.gains = int(dumped["gains"])
        for app in dumped["apps"]:
            name, row = str(app["name"]), {str(to_app): int(count) for to_app, count in app["to"].items()}
            patterns.last_gain[name] = int(app["gain"])
            patterns.hours[name] = {int(hour): int(count) for hour, count in app["hours"].items()}
            patterns.transitions[name] = row
            patterns.durations[name] = int(app["duration_us"]), sum(row.values())
        return patterns


def _shares(hours: dict[int, int]) -> dict[str, float]:
    total = sum(hours.values())
    return {str(hour): hours[hour] / total for hour in sorted(hours)}
