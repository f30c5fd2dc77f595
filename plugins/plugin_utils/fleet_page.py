"""A fleet as one page: what `status.yml` found on each host, and what the host's agent shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import overview_html

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"
STATES = {"pass": "well", "warn": "warn", "fail": "fail"}
SHOWN = 10
"""Deployments of a host, the newest."""

Found = Mapping[str, Any]


def page(reported: Mapping[str, Found], found: Mapping[str, Found], at: datetime) -> str:
    """The page as HTML. `reported` is what `status.yml` says of each host, `found` what was read on those in reach."""
    runbook = overview_html.runbook_entries(RUNBOOK.read_text(encoding="utf-8")) if RUNBOOK.exists() else {}
    hosts = [_host(name, about, found.get(name) or {}) for name, about in sorted(reported.items())]
    worst_first = sorted(hosts, key=lambda host: ("not reached", "fail", "warn", "well").index(host["state"]))
    return overview_html.fleet(worst_first, runbook, at.astimezone(UTC).isoformat(timespec="seconds"))


def _host(name: str, about: Found, known: Found) -> dict[str, Any]:
    if not about.get("reached"):
        return {"name": name, "state": "not reached", "runs": "", "notes": ["It was not reached."], "overview": {}}
    seen = known.get("overview")
    overview = dict(seen) if isinstance(seen, dict) else {}
    notes = list(about.get("notes") or [])
    if fault := known.get("overview_fault"):
        notes.append(f"What its agent shows is missing: {fault}")
    state = STATES.get(str(overview.get("status")), "warn")
    if overview:
        overview |= {"deployments": _deployments(known), "trial": _trial(known)}
    shown = "fail" if about.get("notes") else state
    return {"name": name, "state": shown, "runs": about.get("status", ""), "notes": notes, "overview": overview}


def _deployments(known: Found) -> list[dict[str, Any]]:
    """By the host's own history, the newest first."""
    records: dict[str, Found] = known.get("records") or {}
    running = str((known.get("running") or {}).get("deployment"))
    newest = sorted(records.items(), key=lambda one: int(one[0]), reverse=True)[:SHOWN]
    return [
        {
            "number": number,
            "release": record.get("release"),
            "mode": record.get("mode"),
            "runs": number == running,
            "state": record.get("state"),
            "time": (known.get("running") or {}).get("at") if number == running else None,
        }
        for number, record in newest
    ]


def _trial(known: Found) -> dict[str, Any]:
    """The host's last trial as the agent's overview has it, with all that the host reports of why."""
    trial = known.get("trial") or {}
    return {"state": trial.get("state"), "from": trial.get("from"), "to": trial.get("to"), "output": trial.get("why")}
