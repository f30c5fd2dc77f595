"""The overview as a page for a person, with what the runbook has of each finding. Nothing is loaded from elsewhere."""

from __future__ import annotations

from pathlib import Path

from . import overview_html
from .hour import Point
from .overview import overview
from .snapshot import Snapshot

CONTENT_SECURITY_POLICY = overview_html.POLICY
RUNBOOK = Path(__file__).parent / "runbook.md"


def page(snapshot: Snapshot, points: tuple[Point, ...] = ()) -> str:
    """The page as HTML. Its script asks for it again every 5 s; without one the browser loads it every 10 s.

    The runbook is read for each: kept, it would take memory for as long as the agent runs.
    """
    document = overview(snapshot, points)
    runbook = overview_html.runbook_entries(RUNBOOK.read_text(encoding="utf-8")) if document["findings"] else {}
    return overview_html.page(document, runbook)
