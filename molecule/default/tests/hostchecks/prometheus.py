"""Debian's Prometheus on the controller, by the example of monitoring/ as it is: it asks the hosts of the lab."""

import json
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from hostchecks.lab import ROOT
from hostchecks.polling import poll

MONITORING = ROOT / "monitoring"


class Prometheus:
    """It runs until `close`; `folder` is what /etc/prometheus is elsewhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._address = f"127.0.0.1:{free.getsockname()[1]}"
        command = ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, f"--web.listen-address={self._address}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an expression now; none while it does not answer."""
        found: list[dict[str, Any]] = self._ask("query?" + urllib.parse.urlencode({"query": expression})).get(
            "result", []
        )
        return found

    def alerts(self, **labels: str) -> list[dict[str, Any]]:
        """The alerts that fire and have these labels."""
        alerts = self._ask("alerts").get("alerts", [])
        return [one for one in alerts if one["state"] == "firing" and labels.items() <= one["labels"].items()]

    def wait_for(self, expression: str, patience: float = 180) -> list[dict[str, Any]]:
        """The result of an expression once it has one."""
        return poll(lambda: self.query(expression), bool, patience, 1)

    def _ask(self, what: str) -> dict[str, Any]:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(f"http://{self._address}/api/v1/{what}", timeout=10) as answer:
                found: dict[str, Any] = json.load(answer)["data"]
                return found
        except OSError:
            assert self._process.poll() is None, (self.folder / "log").read_text()
            return {}

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()


def folder_of(folder: Path, authority: Path, password: str) -> Path:
    """What an operator copies into /etc/prometheus, with the CA and the password of the readers."""
    shutil.copytree(MONITORING / "rules", folder / "rules")
    shutil.copy(MONITORING / "prometheus.yml", folder)
    (folder / "seclyzer").mkdir()
    shutil.copy(authority, folder / "seclyzer" / "ca.crt")
    (folder / "seclyzer" / "password").touch(0o600)
    (folder / "seclyzer" / "password").write_text(password)
    return folder
