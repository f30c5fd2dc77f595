"""A real Prometheus with the project's own rules and scrape configuration, quicker than an operator would have it."""

import http.client
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.helpers import ROOT
from tests.helpers.ports import free_port
from tests.helpers.waiting import until

MONITORING = ROOT / "monitoring"
DOCS = "https://wiki.example.com/seclyzer/docs"
"""What the example has as `seclyzer_docs`."""


class Prometheus:
    """Debian's, in a folder: asks every second, and fires at once; how long an alert waits is tested by promtool.

    `ca` is the CA of the agents' certificates, `password` that of the readers.
    """

    def __init__(self, folder: Path, targets: list[dict[str, Any]], ca: bytes, password: str) -> None:
        self.port = free_port()
        self._folder = folder
        shutil.copytree(MONITORING / "rules", folder / "rules")
        rules = yaml.safe_load((folder / "rules" / "alerts.yml").read_text())
        for group in rules["groups"]:
            for rule in group["rules"]:
                rule.pop("for", None)
        (folder / "rules" / "alerts.yml").write_text(yaml.safe_dump(rules))
        config = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
        config["global"]["evaluation_interval"] = "1s"
        config["alerting"]["alertmanagers"] = []
        (job,) = config["scrape_configs"]
        job |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        (folder / "seclyzer").mkdir()
        self.ca_file = folder / "seclyzer" / "ca.crt"
        self.ca_file.write_bytes(ca)
        self.password_file = folder / "seclyzer" / "password"
        self.password_file.write_text(password)
        (folder / "seclyzer" / "targets.json").write_text(json.dumps(targets))
        command = ["prometheus", "--config.file", str(folder / "prometheus.yml"), "--log.level", "warn"]
        command += ["--storage.tsdb.path", str(folder / "tsdb"), "--web.listen-address", f"127.0.0.1:{self.port}"]
        with (folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def wait_ready(self) -> None:
        """It has loaded what it needs."""
        until(self._ready, "Prometheus is ready")

    def _ready(self) -> bool:
        assert self._process.poll() is None, (self._folder / "prometheus.log").read_text()
        try:
            return self._ask("/-/ready")[0] == 200
        except OSError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an expression now."""
        status, body = self._ask("/api/v1/query?" + urlencode({"query": expression}))
        assert status == 200, (expression, body)
        found: list[dict[str, Any]] = json.loads(body)["data"]["result"]
        return found

    def value(self, expression: str) -> float | None:
        """The one value of an expression; None when there is none."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def firing(self, **labels: str) -> list[dict[str, Any]]:
        """The alerts that fire and have these labels."""
        alerts = json.loads(self._ask("/api/v1/alerts")[1])["data"]["alerts"]
        return [one for one in alerts if one["state"] == "firing" and labels.items() <= one["labels"].items()]

    def last_error(self) -> str:
        """Why the last scrape failed; empty when it did not."""
        targets = json.loads(self._ask("/api/v1/targets")[1])["data"]["activeTargets"]
        return str(targets[0]["lastError"]) if targets else ""

    def _ask(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()
