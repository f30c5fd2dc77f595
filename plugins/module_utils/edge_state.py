"""The application tracker's saved state: what of it is meant by a selection, and what is left without that.

Counts have no times. So a selection that ends or begins somewhere takes them whole: what was learnt in that time does
not stay behind in a sum.
"""

from __future__ import annotations

import json
from typing import Any

from .selection import Selection

FILES = ("app-state.json", "app-state.json.new")
LATER = "app-state.v*.json"
"""What a later version wrote and an earlier one set aside: no earlier one reads it, so that it goes whole."""
STATE_KEY = "seclyzer:app:state"
PATTERNS_KEY = "seclyzer:app:patterns"


def count(text: str, chosen: Selection) -> int:
    """Names with counts, and applications with a time that is meant; one when it cannot be read."""
    state = _load(text)
    if state is None:
        return 1
    timed = [state.get("current")] if _current_is_meant(state, chosen) else []
    timed += [one for one in state["pending"] if chosen.holds(_time(one.get("ts")))]
    timed += [one for one in state.get("unstored", []) if chosen.holds(_time(one[0]))]
    return len(state["apps"]) + len(timed)


def without(text: str, chosen: Selection) -> str | None:
    """The state without what is selected; None when nothing of it may be left."""
    state = _load(text)
    if state is None or chosen.whole:
        return None
    if _current_is_meant(state, chosen):
        state["current"] = None
    state["pending"] = [one for one in state["pending"] if not chosen.holds(_time(one.get("ts")))]
    state["unstored"] = [one for one in state.get("unstored", []) if not chosen.holds(_time(one[0]))]
    state |= {"apps": [], "gains": 0, "unique_apps": 0, "total_transitions": 0, "dev_mode": False}
    return json.dumps(state, ensure_ascii=False, separators=(",", ":"))


def count_patterns(text: str) -> int:
    """The names in the published patterns; one when they cannot be read."""
    try:
        return len(json.loads(text)["time_preferences"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return 1


def _current_is_meant(state: dict[str, Any], chosen: Selection) -> bool:
    current = state.get("current")
    return isinstance(current, dict) and chosen.holds(_time(current.get("since")))


def _load(text: str) -> dict[str, Any] | None:
    """A state as the extractors write it; None for anything else."""
    try:
        state = json.loads(text)
        known = all(isinstance(one, dict) for one in state["pending"]) and isinstance(state["apps"], list)
        known = known and all(isinstance(one, list) and one for one in state.get("unstored", []))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return state if known else None


def _time(value: Any) -> int | None:
    return value if isinstance(value, int) else None
