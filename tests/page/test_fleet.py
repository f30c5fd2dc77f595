"""A fleet as one page, as `status.yml -e html_file=` writes it: hosts that lie are shown, not believed."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from plugins.action import seclyzer_runs
from plugins.plugin_utils import fleet_page
from tests.helpers.browser import Browser
from tests.page.axe import violations

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ATTACK = "<script>window.attacked=1</script><img src=x onerror=window.attacked=1>\"' onclick=window.attacked=1 ${style}"
STAGES = ("producer", "stream", "read", "window", "published", "stored")


VIEWS: list[dict[str, Any]] = [{}, {"dark": True}, {"width": 320, "height": 700}]


def overview(status: str = "pass", **changes: Any) -> dict[str, Any]:
    """What an agent answers."""
    at = "2026-01-02T03:00:00.000Z"
    finding = {
        "id": "redis-away",
        "status": status,
        "since": at,
        "output": "Redis cannot be reached",
        "command": "sudo systemctl restart redis-server",
        "follows": 3,
    }
    hour = {"time": [at, at, at], "memoryBytes": [2**20, None, 2**21], "eventsPerMinute": [None, 4.0, 9.5]}
    return {
        "schema": 1,
        "host": "edge1",
        "status": status,
        "time": "2026-01-02T03:04:00.000Z",
        "version": "0.1.0",
        "findings": [] if status == "pass" else [finding],
        "ways": [{"name": "keystroke", "stages": [{"name": name, "state": "flows", "time": at} for name in STAGES]}],
        "extractors": [{"name": "keystroke", "implementation": "rust", "version": "0.1.0", "hour": hour}],
        "deployments": [],
        "checks": [{"name": "redis:memory", "status": status, "output": "well", "time": at}],
    } | changes


def known(seen: Any, fault: str = "") -> dict[str, Any]:
    """What was read on a host."""
    now = AT.timestamp()
    return {
        "running": {"deployment": 3, "release": "0.1.0-ab", "mode": "rust", "at": "2026-01-01T00:00:00Z", "by": "ops"},
        "records": {
            "2": {"release": "0.0.9-cd", "mode": "python", "state": "returned"},
            "3": {"release": "0.1.0-ab", "mode": "rust", "state": "confirmed", "rollout": ""},
        },
        "trial": {"state": "confirmed", "from": 2, "to": 3, "why": ""},
        "runs": [],
        "faults": [],
        "clock": [now, now, now],
        "host": {"time": now},
        "inventory_mode": None,
        "overrides": {},
        "overview": seen,
        "overview_fault": fault,
    }


def reported(*hosts: str, **changes: Any) -> dict[str, Any]:
    return {host: {"reached": True, "status": "0.1.0-ab  deployment 3  rust", "notes": []} | changes for host in hosts}


def hostile(value: Any) -> Any:
    """A document with an attack in the place of each text and number."""
    if isinstance(value, dict):
        return {name: hostile(part) for name, part in value.items()}
    if isinstance(value, list):
        return [hostile(part) for part in value]
    return ATTACK


def shown(browser: Browser, folder: Path, page: str, **view: Any) -> None:
    (folder / "fleet.html").write_text(page, encoding="utf-8")
    browser.show((folder / "fleet.html").as_uri(), **view)


def test_a_fleet_is_one_page_with_the_worst_first(browser: Browser, axe: str, tmp_path: Path) -> None:
    hosts = reported("edge1", "edge2", "edge3") | {"edge4": {"reached": False}}
    hosts["edge3"]["notes"] = ["a trial of deployment 4 is going"]
    found = {"edge1": known(overview()), "edge2": known(overview("warn")), "edge3": known(overview())}
    page = fleet_page.page(hosts, found, AT)
    for number, view in enumerate(VIEWS):
        shown(browser, tmp_path, page, **view)
        browser.picture(tmp_path / f"fleet-{number}.png")
        assert violations(browser, axe) == []
        assert browser.run("document.documentElement.scrollWidth <= window.innerWidth") is True
    headings = [name for role, name in browser.tree() if role == "heading"]
    assert headings[0] == "SecLyzer Edge: 1 of 4 hosts are well"
    hosts_in_order = [name for name in headings if name.startswith("edge")]
    assert hosts_in_order == ["edge4 not reached", "edge3 fail", "edge2 warn", "edge1 well"]
    closed = "[...document.querySelectorAll('.host > details')].map(d => d.open)"
    assert browser.run(closed) == [True, True, False]
    text = browser.run("document.body.textContent")
    assert "a trial of deployment 4 is going" in text and "sudo systemctl restart redis-server" in text
    assert "The last trial, of deployment 3 in the place of 2: confirmed" in text
    assert browser.run("document.querySelectorAll('svg').length") == 6


@pytest.mark.parametrize(
    "seen",
    [
        hostile(overview("fail")),
        overview(ATTACK, host=ATTACK, findings=[{"id": ATTACK, "output": ATTACK, "command": ATTACK, "status": ATTACK}]),
    ],
)
def test_what_hosts_say_is_text(browser: Browser, tmp_path: Path, seen: dict[str, Any]) -> None:
    hosts = reported(ATTACK, status=ATTACK, notes=[ATTACK])
    shown(browser, tmp_path, fleet_page.page(hosts, {ATTACK: known(seen, ATTACK)}, AT))
    assert browser.run("window.attacked ?? 0") == 0
    assert browser.run("[document.scripts.length, document.images.length]") == [0, 0]
    assert browser.run("document.querySelectorAll('[onclick], [onerror], [style]').length") == 0
    assert ATTACK in browser.run("document.body.innerText")


@pytest.mark.parametrize(
    "seen",
    [
        "no document",
        [1, 2],
        {"ways": 7, "findings": "x", "extractors": {}, "checks": None, "deployments": [3]},
        {"ways": ["x"], "status": "pass"},
        overview(extractors=[{"hour": [1]}]),
        overview(extractors=[{"memoryBytes": float("inf"), "memoryLimitBytes": float("nan")}]),
        overview(extractors=[{"name": "x", "hour": {"time": [], "memoryBytes": [1e300, -1, True, "2", 5]}}]),
        overview(time="yesterday", ways=[{"name": "x", "stages": [{"time": 10**40, "perMinute": 10**400}]}]),
        overview(time="0001-01-01T00:00:00+14:00"),
        overview(checks=[{"status": {}, "name": []}] * 5000),
        overview(status="x" * 10**6, host="y" * 10**6),
    ],
)
def test_what_is_no_overview_spoils_no_other_host(seen: Any) -> None:
    hosts = reported("edge1", "edge2")
    page = fleet_page.page(hosts, {"edge1": known(seen), "edge2": known(overview("warn"))}, AT)
    assert page.count('<section class="host"') == 2
    assert "Redis cannot be reached" in page
    assert len(page) < 200_000


def test_a_host_whose_agent_does_not_answer_says_so() -> None:
    page = fleet_page.page(reported("edge1"), {"edge1": known({}, "the agent does not answer")}, AT)
    assert "What its agent shows is missing: the agent does not answer" in page
    assert "0 of 1 hosts are well" in page


def test_status_writes_the_file_for_its_operator_alone(tmp_path: Path) -> None:
    file = tmp_path / "out" / "fleet.html"
    asked = {"registered": "__seclyzer_host"}
    facts = {
        "ansible_play_hosts": ["edge1"],
        "ansible_play_hosts_all": ["edge1", "edge2"],
        "hostvars": {"edge1": {"__seclyzer_host": known(overview())}},
        "html_file": str(file),
    }
    before = os.umask(0)
    try:
        result = seclyzer_runs._status(facts, asked)
    finally:
        os.umask(before)
    assert result["bad"] == ["edge2"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text(encoding="utf-8")
    assert "1 of 2 hosts are well" in text and "edge2" in text
    assert [path.name for path in file.parent.iterdir()] == ["fleet.html"]
