"""A Prometheus on the controller asks every host by TLS with a password, and an alert fires by the cause of a break."""

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostchecks.host import Host, name
from hostchecks.lab import INVENTORY, ROOT, hosts
from hostchecks.polling import poll
from hostchecks.prometheus import Prometheus, folder_of
from hostchecks.rollout import NO_SHADOW, roll_out, started
from hostchecks.systemd import EDGE_SERVICES, wait_until_active

from lab import paths, pki
from lab.labs import Lab, labs

testinfra_hosts = ["ansible://localhost?connection=local"]

PASSWORD = "a-password-of-readers"
HASH = "$2b$04$abcdefghijklmnopqrstuuASF.BV.G7ry9G2vxjXL.zJQqHjEKkd2"
"""The password as `htpasswd -nB` has it."""
SHOWN = {"crt": "/etc/seclyzer-pki/agent.crt", "key": "/etc/seclyzer-pki/agent.key"}
OPTIONS = {
    "seclyzer_agent_web_listen": "0.0.0.0:9485",
    "seclyzer_agent_web_cert": SHOWN["crt"],
    "seclyzer_agent_web_key": SHOWN["key"],
    "seclyzer_agent_web_users": {"prometheus": HASH},
}
WEB = ("-e", json.dumps(OPTIONS))
QUICK = (*NO_SHADOW, "-e", "seclyzer_release_soak_seconds=0")
LONGEST = 300.0
"""Seconds for an alert: a scrape, a rule's `for` of a minute and its evaluation take some two minutes."""


def lab() -> Lab:
    (found,) = [one for one in labs().values() if ROOT / one.inventory == INVENTORY]
    return found


def everyone() -> list[Host]:
    return [*hosts("seclyzer_edge"), *hosts("seclyzer_store")]


def give_certificate(one: Host) -> None:
    """The site's CA signs what the agent of this host shows."""
    of, ca = lab().host(name(one)), paths.state(lab().name)
    signed = ("-CA", str(ca / "ca.crt"), "-CAkey", str(ca / "ca.key"))
    names = f"subjectAltName=DNS:{of.name},IP:{of.address}"
    with tempfile.TemporaryDirectory() as folder:
        made = {"key": Path(folder) / "key", "crt": Path(folder) / "crt"}
        pki.request(made["key"], made["crt"], of.name, (*pki.LEAF_EXTENSIONS, names), pki.LEAF_DAYS, signed)
        for part, path in SHOWN.items():
            text = base64.b64encode(made[part].read_bytes()).decode()
            one.check_output(f"umask 077; echo {text} | base64 -d > {path}")


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """It asks all agents, which have an address for it meanwhile."""
    for one in everyone():
        give_certificate(one)
    run = roll_out(*WEB, *QUICK)
    assert run.status == 0, run.text
    authority = paths.state(lab().name) / "ca.crt"
    folder = folder_of(tmp_path_factory.mktemp("prometheus"), authority, PASSWORD)
    with started("playbooks/prometheus.yml", "-e", f"targets_file={folder}/seclyzer/targets.json", *WEB) as writing:
        assert writing.ended().status == 0, writing.text()
    subprocess.run(["promtool", "check", "config", f"{folder}/prometheus.yml"], check=True)
    made = Prometheus(folder)
    try:
        yield made
    finally:
        made.close()
        back = roll_out(*QUICK)
        assert back.status == 0, back.text


def test_every_host_is_asked_by_tls_with_a_password_and_named_as_in_the_inventory(prometheus: Prometheus) -> None:
    prometheus.wait_for(f'count(up{{job="seclyzer"}} == 1) == {len(everyone())}')
    seen = prometheus.query('up{job="seclyzer"}')
    assert {one["metric"]["instance"]: (one["metric"]["role"], one["value"][1]) for one in seen} == {
        "edge1": ("edge", "1"),
        "edge2": ("edge", "1"),
        "store": ("store", "1"),
    }
    targets = json.loads((prometheus.folder / "seclyzer" / "targets.json").read_text())
    assert {one["labels"]["__scheme__"] for one in targets} == {"https"}


def test_the_full_figures_are_read(prometheus: Prometheus) -> None:
    assert len(prometheus.wait_for("seclyzer_extractor_up == 1")) == 6
    assert prometheus.query('seclyzer_influxdb_up{instance="store"}')[0]["value"][1] == "1"


def fired_without(units: str, edge: Host, prometheus: Prometheus, **labels: str) -> list[dict[str, Any]]:
    """The alerts that fire while these units of a host are stopped."""
    edge.check_output(f"systemctl stop {units}")
    try:
        return poll(lambda: prometheus.alerts(**labels), bool, LONGEST, 1)
    finally:
        edge.check_output(f"systemctl start {units}")


def test_a_redis_that_is_stopped_wakes_once_by_its_cause_and_is_over_after_the_mend(prometheus: Prometheus) -> None:
    edge = hosts("seclyzer_edge")[-1]
    labels = {"alertname": "SeclyzerFails", "instance": name(edge)}
    found = fired_without("redis-server", edge, prometheus, **labels)
    assert [one["labels"]["finding"] for one in found] == ["unit-down"], found
    assert found[0]["labels"]["severity"] == "critical"
    assert found[0]["annotations"]["runbook_url"].endswith("/runbook.md#unit-down")
    wait_until_active(edge, EDGE_SERVICES)
    assert poll(lambda: prometheus.alerts(**labels), lambda seen: not seen, LONGEST, 1) == []


def test_a_host_whose_agent_is_gone_wakes(prometheus: Prometheus) -> None:
    edge = hosts("seclyzer_edge")[-1]
    labels = {"alertname": "SeclyzerAgentDown", "instance": name(edge)}
    found = fired_without("seclyzer-agent.socket seclyzer-agent.service", edge, prometheus, **labels)
    assert [one["labels"]["severity"] for one in found] == ["critical"]
