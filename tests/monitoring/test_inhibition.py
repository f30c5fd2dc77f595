"""A real Alertmanager with the example holds back what follows from a cause that has fired itself."""

import http.client
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import ROOT
from tests.helpers.ports import free_port
from tests.helpers.waiting import until


def alert(name: str, **labels: str) -> dict[str, str]:
    return {"alertname": name, "job": "seclyzer", **labels}


def fails(finding: str, instance: str = "edge1", name: str = "SeclyzerFails") -> dict[str, str]:
    return alert(name, instance=instance, role="edge", finding=finding)


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where it answers; what it sends is refused on port 9."""
    folder, free = tmp_path_factory.mktemp("alertmanager"), free_port()
    text = (ROOT / "monitoring" / "alertmanager.yml").read_text()
    for name in ("chat", "pager", "deadman"):
        assert f"https://{name}.example.com/" in text
        text = text.replace(f"https://{name}.example.com/", "http://127.0.0.1:9/")
    (folder / "alertmanager.yml").write_text(text)
    command = ["prometheus-alertmanager", f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{free}", "--cluster.listen-address="]
    with Path(folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        until(lambda: process.poll() is not None or answers(free), "Alertmanager answers")
        assert process.poll() is None, (folder / "log").read_text()
        yield free
        process.kill()


def answers(port: int) -> bool:
    try:
        return ask(port, "GET", "/-/ready")[0] == 200
    except OSError:
        return False


def ask(port: int, method: str, path: str, body: Any = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def held_back(port: int, *alerts: dict[str, str]) -> list[bool]:
    """Whether each of these alerts is inhibited once all of them fire. Each call has a job of its own.

    Alertmanager takes note of causes one after the other, while it already answers: a pair of which one holds back the
    other is sent last, and shows by that that it has taken note of all.
    """
    job = f"seclyzer-{free_port()}"
    last = (fails("disk-full", "last"), fails("disk-full", "last", "SeclyzerWarns"))
    sent = [labels | {"job": job} for labels in (*alerts, *last)]
    status, body = ask(port, "POST", "/api/v2/alerts", [{"labels": labels} for labels in sent])
    assert status == 200, body

    def inhibited() -> list[bool]:
        found: list[dict[str, Any]] = json.loads(ask(port, "GET", f"/api/v2/alerts?filter=job%3D%22{job}%22")[1])
        by = {json.dumps(one["labels"], sort_keys=True): bool(one["status"]["inhibitedBy"]) for one in found}
        return [by.get(json.dumps(labels, sort_keys=True), False) for labels in sent]

    until(lambda: inhibited()[-1], "all alerts are decided")
    return inhibited()[: len(alerts)]


def test_a_store_that_is_away_for_all_holds_back_what_each_edge_has_of_it(port: int) -> None:
    alerts = (
        alert("SeclyzerStoreAwayForMost", severity="critical"),
        fails("store-away"),
        fails("points-wait", "edge2", "SeclyzerWarns"),
        alert("SeclyzerSpoolFillsUp", instance="edge1", extractor="mouse"),
        fails("redis-away"),
    )
    assert held_back(port, *alerts) == [False, True, True, True, False]


def test_an_agent_that_does_not_answer_holds_back_what_it_reported_last(port: int) -> None:
    down = alert("SeclyzerAgentDown", instance="edge1", role="edge", severity="critical")
    assert held_back(port, down, fails("redis-away"), fails("redis-away", "edge2")) == [False, True, False]


def test_a_finding_that_fails_holds_back_its_own_warning_only(port: int) -> None:
    warns = (fails("disk-full", name="SeclyzerWarns"), fails("unit-memory", name="SeclyzerWarns"))
    assert held_back(port, fails("disk-full"), *warns) == [False, True, False]


def test_without_a_cause_every_alert_goes_out(port: int) -> None:
    assert held_back(port, fails("store-away"), fails("redis-away", "edge2")) == [False, False]
