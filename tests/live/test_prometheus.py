"""A real Prometheus asks a real agent through TLS with a password, and fires by cause on made faults of its host."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.lookup.targets import found
from tests.cases.certificates import NAMES, make
from tests.helpers import ROOT
from tests.helpers.influx_server import InfluxServer
from tests.helpers.ports import free_port
from tests.helpers.waiting import until

from .prometheus_server import DOCS, Prometheus
from .world import KINDS, World

VERSION = (ROOT / "VERSION").read_text().strip()
PASSWORD = "a-password-of-readers"
HASH = "$2b$04$abcdefghijklmnopqrstuuASF.BV.G7ry9G2vxjXL.zJQqHjEKkd2"
"""The password as `htpasswd -nB` has it."""
EXTRACTOR_STOPPED = {"alertname": "SeclyzerFails", "finding": "extractor-silent"}
REDIS_STOPPED = {"alertname": "SeclyzerFails", "finding": "redis-away"}


class Site:
    """An edge with its extractors and its agent, and the Prometheus that asks it."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self._folder = folder
        self._web = f"127.0.0.1:{free_port()}"
        self._agent: subprocess.Popen[bytes] | None = None
        authority = make("a CA", ca=True)
        shown = make("edge1", authority, names=NAMES)
        (folder / "web.crt").write_bytes(shown.pem)
        (folder / "web.key").write_bytes(shown.key_pem)
        web = {"tls_server_config": {"cert_file": "web.crt", "key_file": "web.key"}}
        (folder / "web.yml").write_text(yaml.safe_dump(web | {"basic_auth_users": {"prometheus": HASH}}))
        targets = found({"seclyzer_edge": ["edge1"]}, {"edge1": {"seclyzer_agent_web_listen": self._web}}, "", "")
        (folder / "prometheus").mkdir()
        self.prometheus = Prometheus(folder / "prometheus", targets["targets"], authority.pem, PASSWORD)

    def start_agent(self) -> None:
        """As on a host, but for systemd's part, and quicker."""
        (self._folder / "deployment").mkdir(exist_ok=True)
        manifest: dict[str, Any] = {"release": f"{VERSION}-test", "mode": "rust", "version": VERSION}
        manifest |= {"implementations": dict.fromkeys(KINDS, "rust")}
        (self._folder / "deployment" / "manifest.json").write_text(json.dumps(manifest))
        pace = {"interval_seconds": 0.5, "deadline_seconds": 2, "rise": 1, "fall": 1}
        config = {
            "listen": f"127.0.0.1:{free_port()}",
            "web_listen": self._web,
            "web_config_file": str(self._folder / "web.yml"),
            "roles": ["edge"],
            "redis_url": self.world.redis.url,
            "redis_username": "",
            "redis_legacy_clients": True,
            "influx_url": self.world.influx.url,
            "deployment_dir": str(self._folder / "deployment"),
            "units": {},
            "extractors": list(KINDS),
            "checks": {name: dict(pace) for name in ("redis", "influxdb", *KINDS)},
        }
        (self._folder / "agent.yaml").write_text(yaml.safe_dump(config))
        command = [sys.executable, "-m", "seclyzer_agent", "--config", str(self._folder / "agent.yaml")]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SECLYZER_", "NOTIFY_"))}
        with (self._folder / "agent.log").open("ab") as log:
            self._agent = subprocess.Popen(command, stderr=log, env=clean | {"PYTHONPATH": str(ROOT / "agent")})

    def stop_agent(self) -> None:
        """As a machine that is cut off: no word."""
        if self._agent is not None:
            self._agent.kill()
            self._agent.wait()
            self._agent = None

    def wait_well(self) -> None:
        """Prometheus knows all extractors, and nothing of what these tests break is wrong."""
        seen = f"count(up{{job='seclyzer'}} == 1) + count(seclyzer_extractor_up == 1) == {1 + len(KINDS)}"
        until(lambda: self.prometheus.query(seen), "Prometheus knows the agent and all extractors")
        causes = ("extractor-silent", "redis-away", "extractor-behind")
        until(lambda: not [one for one in causes if self.prometheus.firing(finding=one)], "no alert of ours fires")
        until(lambda: not self.prometheus.firing(alertname="SeclyzerAgentDown"), "the agent answers")


@pytest.fixture(scope="module")
def site(influx: InfluxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all tests here: each leaves it well."""
    world = World(influx, "prometheus")
    made = Site(world, tmp_path_factory.mktemp("site"))
    try:
        world.start("rust")
        made.start_agent()
        made.prometheus.wait_ready()
        made.wait_well()
        yield made
    finally:
        made.stop_agent()
        made.prometheus.close()
        world.close()


def expressions() -> Iterator[str]:
    """What the panels of the dashboard ask, as Grafana sends it."""
    known = {"$__rate_interval": "5m", "$job": "seclyzer", "$instance": ".*", "$extractor": ".*"}
    board: dict[str, Any] = json.loads((ROOT / "monitoring" / "dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            text = target["expr"]
            for name, value in known.items():
                text = text.replace(name, value)
            yield text


# What an edge without systemd, certificate, limit of memory or trouble has nothing of.
WITHOUT_DATA = (
    "> 0",
    "disk_free",
    "== 0",
    "== 1",
    "== 2",
    "seclyzer_unit_",
    "certificate",
    "redis_memory",
    "last_window_",
    "spool_oldest_",
)


def test_every_panel_of_the_dashboard_has_data_where_there_is_any(site: Site) -> None:
    until(lambda: site.prometheus.query("rate(seclyzer_extractor_events_total[5m])"), "two scrapes")
    empty = [text for text in expressions() if not site.prometheus.query(text)]
    assert [text for text in empty if not any(part in text for part in WITHOUT_DATA)] == []
    assert len(empty) < len(list(expressions()))


def test_hosts_are_named_as_in_the_inventory(site: Site) -> None:
    (one,) = site.prometheus.query("seclyzer_build_info")
    expected = {"job": "seclyzer", "instance": "edge1", "role": "edge", "mode": "rust", "version": VERSION}
    assert expected.items() <= one["metric"].items()


def test_an_extractor_that_is_stopped_fires_by_its_cause_and_is_over_once_it_runs(site: Site) -> None:
    mouse = site.world.running["mouse"]
    mouse.ask_to_stop()
    mouse.wait_stopped()
    site.world.redis.client().delete("seclyzer:stats:mouse")  # as Redis does 30 s after the last heartbeat
    (alert,) = until(lambda: site.prometheus.firing(**EXTRACTOR_STOPPED), "the alert fires")
    assert alert["labels"] | {"severity": "critical", "instance": "edge1"} == alert["labels"]
    assert alert["annotations"]["runbook_url"] == f"{DOCS}/runbook.md#extractor-silent"
    assert site.prometheus.value('seclyzer_extractor_up{extractor="mouse"}') == 0
    site.world.start("rust", ["mouse"])
    site.wait_well()


def test_a_redis_that_is_stopped_is_one_alert_and_not_one_for_each_extractor(site: Site) -> None:
    site.world.redis.kill()
    (alert,) = until(lambda: site.prometheus.firing(**REDIS_STOPPED), "the alert fires")
    assert alert["annotations"]["summary"] == "edge1: redis-away"
    assert site.prometheus.value("seclyzer_redis_up") == 0
    assert site.prometheus.firing(**EXTRACTOR_STOPPED) == []
    site.world.redis.start()
    site.wait_well()


def test_an_agent_that_is_gone_is_an_alert_of_its_host_only(site: Site) -> None:
    site.stop_agent()
    (alert,) = until(lambda: site.prometheus.firing(alertname="SeclyzerAgentDown"), "the alert fires")
    assert alert["annotations"]["runbook_url"] == f"{DOCS}/runbook.md#agent-down"
    until(lambda: not site.prometheus.query("seclyzer_check_status"), "what it had reported is not taken for new")
    assert site.prometheus.firing(alertname="SeclyzerNoTargets") == []
    site.start_agent()
    site.wait_well()


def test_who_has_a_wrong_password_gets_nothing_and_the_reason_is_shown(site: Site) -> None:
    file = site.prometheus.password_file
    file.write_text("not-the-password-of-readers")
    until(lambda: "401" in site.prometheus.last_error(), "the scrape is refused")
    file.write_text(PASSWORD)
    site.wait_well()


def test_an_agent_whose_certificate_no_known_ca_vouches_for_is_sent_no_password(site: Site) -> None:
    file = site.prometheus.ca_file
    before = file.read_bytes()
    file.write_bytes(make("another CA", ca=True).pem)
    until(lambda: "unknown authority" in site.prometheus.last_error(), "the scrape is given up")
    file.write_bytes(before)
    site.wait_well()
