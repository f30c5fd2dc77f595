"""Points that are gone: what the agent makes of the watch's verdict."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from seclyzer_agent.checks.points import LATE_SECONDS, PointsCheck, judge
from seclyzer_agent.model import Entry, Status

AT, NEXT = "2026-11-28T12:00:00Z", "2026-11-28T12:10:00Z"
THEN = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()


def verdict(**changes: Any) -> dict[str, Any]:
    return {"at": AT, "status": "pass", "words": "no point is gone", "missing": 0, "next": NEXT} | changes


def read(path: Path) -> Entry:
    (entry,) = asyncio.run(PointsCheck(path).read()).entries
    return entry


@pytest.mark.parametrize("status", ["pass", "warn", "fail"])
def test_the_verdict_is_reported_with_its_number(status: str) -> None:
    entry = judge(verdict(status=status, words="7 are gone", missing=7), THEN + 60)
    assert (entry.status.word, entry.output, entry.value) == (status, "7 are gone", 7)


def test_an_old_verdict_is_a_warning_and_keeps_its_words() -> None:
    entry = judge(verdict(), THEN + 600 + LATE_SECONDS + 60)
    assert (entry.status, "41 minutes ago" in entry.output) == (Status.WARN, True)
    assert judge(verdict(status="fail"), THEN + 600 + LATE_SECONDS + 60).status is Status.FAIL


def test_a_watch_that_has_not_looked_yet_is_a_warning(tmp_path: Path) -> None:
    assert (read(tmp_path / "none").status, "not counted yet" in read(tmp_path / "none").output) == (Status.WARN, True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"status":"good"}', json.dumps(verdict(at="then"))])
def test_what_is_no_verdict_fails(tmp_path: Path, text: str) -> None:
    (tmp_path / "verdict.json").write_text(text)
    assert read(tmp_path / "verdict.json").status is Status.FAIL


@pytest.mark.parametrize("status", ["pass", "warn", "fail"])
def test_the_retention_is_an_entry_of_its_own(tmp_path: Path, status: str) -> None:
    found = verdict(retention={"status": status, "words": "the bucket keeps points for 7 days"})
    (tmp_path / "verdict.json").write_text(json.dumps(found))
    _, entry = asyncio.run(PointsCheck(tmp_path / "verdict.json").read()).entries
    assert (entry.measurement, entry.status.word) == ("retention", status)
    assert entry.output == "the bucket keeps points for 7 days"


@pytest.mark.parametrize("retention", [7, [], {}, {"status": "good", "words": ""}])
def test_a_retention_that_is_none_is_no_verdict(tmp_path: Path, retention: Any) -> None:
    (tmp_path / "verdict.json").write_text(json.dumps(verdict(retention=retention)))
    assert read(tmp_path / "verdict.json").status is Status.FAIL
