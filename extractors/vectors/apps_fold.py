#!/usr/bin/env python3
"""Writes the vector `apps-fold`: more than 200 names, and one that comes back.

The focus goes to n0, n1, … n200 and back to n0, one second apart, so every duration is 1 s:

* n200 is the 201st name: n0, whose focus is the longest ago, is folded. Its row was {n1: 1}.
* n0 comes back as a new name, again the 201st: n1 is folded. Its row was {n2: 1}; what went to n1 went from
  `(other)`, and is kept as `(other)` -> `(other)`.

So `(other)` has two transitions out, half to itself and half to n2; every other row has one. 201 transitions;
202 names came newly (n0 twice). All within the hour 22 UTC.
"""

from __future__ import annotations

import json
from pathlib import Path

START = 1700000000000001
HERE = Path(__file__).resolve().parent


def stamp(second: int) -> str:
    minutes, seconds = divmod(20 + second, 60)
    return f"2023-11-14T22:{13 + minutes:02d}:{seconds:02d}.000001Z"


def main() -> None:
    order = [f"n{i}" for i in range(201)] + ["n0"]
    events = [{"type": "app", "ts": START + i * 1_000_000, "app_name": name} for i, name in enumerate(order)]
    rows: list[dict[str, object]] = [
        {"type": "app", "ts": START + i * 1_000_000, "timestamp": stamp(i), "from_app": order[i - 1],
         "to_app": order[i], "duration_ms": 1000, "dev_mode": False}
        for i in range(1, len(order))
    ]  # fmt: skip
    matrix: dict[str, dict[str, str]] = {f"n{i}": {f"n{i + 1}": "1"} for i in range(2, 200)}
    matrix |= {"n200": {"n0": "1"}, "(other)": {"(other)": "1/2", "n2": "1/2"}}
    names = [f"n{i}" for i in range(2, 201)] + ["n0", "(other)"]
    usage = {
        "most_used": [["(other)", 2], *([f"n{i}", 1] for i in range(2, 11))],
        "avg_durations": dict.fromkeys(matrix, "1"),
        "total_transitions": 201,
        "unique_apps": 202,
    }
    last = START + 201 * 1_000_000
    rows.append(
        {"type": "app_patterns", "ts": last, "timestamp": stamp(201), "transition_matrix": matrix,
         "time_preferences": {name: {"22": "1"} for name in names}, "usage_stats": usage, "dev_mode": False}
    )  # fmt: skip
    counters = dict.fromkeys(["malformed", "future", "late", "dropped", "sessions", "windows_short"], 0)
    counters |= {"events": 202, "windows": 201, "last_event_ts": last, "last_window_ts": last}
    says = "202 focuses on 201 apps: past 200 names the oldest are folded, one comes back. See apps_fold.py."
    expected = {"says": says, "program": "app_tracker", "arguments": [], "rows": rows, "counters": counters}
    (HERE / "apps-fold.events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    head, tail = {k: v for k, v in expected.items() if k != "rows"}, ",\n".join("  " + json.dumps(row) for row in rows)
    text = json.dumps(head, indent=1).removesuffix("\n}") + ',\n "rows": [\n' + tail + "\n ]\n}\n"
    (HERE / "apps-fold.features.json").write_text(text)


if __name__ == "__main__":
    main()
