"""What the health agent of this host reports, and what of it fails."""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Collection, Mapping
from typing import Any

from . import direct
from .layout import Refused

BIGGEST = 1 << 20
"""Bytes of an answer that are read."""


def read(address: str, path: str = "/healthz") -> dict[str, Any]:
    """The agent's report, or what else it answers as JSON. Raises Refused when there is none."""
    try:
        with direct.opener().open(f"http://{address}{path}", timeout=3) as answer:
            report = json.loads(answer.read(BIGGEST))
    except urllib.error.HTTPError as refusal:
        report = _json(refusal)
        if not report:
            raise Refused(f"the agent answers {refusal.code} without a report") from None
    except (OSError, ValueError) as fault:
        raise Refused(f"the agent does not answer on {address}: {fault}") from None
    return report if isinstance(report, dict) else {}


def _json(refusal: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        value = json.load(refusal)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def statuses(report: Mapping[str, Any], check: str) -> set[Any]:
    """What the entries of one check say."""
    entries = [rows for name, rows in report.get("checks", {}).items() if name.partition(":")[0] == check]
    return {row.get("status") for rows in entries for row in rows}


def fails(report: Mapping[str, Any]) -> set[str]:
    """The checks that say fail, with what they measured."""
    checks = report.get("checks", {}).items()
    return {name for name, rows in checks if any(row.get("status") == "fail" for row in rows)}


def unread(report: Mapping[str, Any]) -> set[str]:
    """The checks that say fail, with what they measured, only because nothing was read of them: not good, nor bad."""
    failing = {
        name: [row for row in rows if row.get("status") == "fail"] for name, rows in report.get("checks", {}).items()
    }
    return {name for name, rows in failing.items() if rows and all(row.get("unread") is True for row in rows)}


def reported(report: Mapping[str, Any], status: str, only: Collection[str] = ()) -> str:
    """The checks of that status, or of them only these, with what they say."""
    words = [
        f"{name}: {entry.get('output') or entry.get('observedValue')}"
        for name, entries in report.get("checks", {}).items()
        for entry in entries
        if entry.get("status") == status and (not only or name in only)
    ]
    return "; ".join(words[:3]) or str(report.get("output", ""))
