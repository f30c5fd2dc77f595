"""The overview as a page for a person, with what the runbook has of each finding. Nothing is loaded from elsewhere."""

from __future__ import annotations

from pathlib import Path

from . import overview_html
from .hour import Point
from .overview import overview
from .snapshot import Snapshot

CONTENT_SECURITY_POLICY = overview_html.POLICY
RUNBOOK = overview_html.runbook_entries((Path(__file__).parent / "runbook.md").read_text(encoding="utf-8"))


def page(snapshot: Snapshot, points: tuple[Point, ...] = ()) -> str:
    """The page as HTML. Its script asks for it again every 5 s; without one the browser loads it every 10 s."""
    return overview_html.page(overview(snapshot, points), RUNBOOK)
