"""Runs of site.yml, as people type it."""

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hostchecks.lab import INVENTORY, ROOT


@dataclass(frozen=True)
class Run:
    """A run of site.yml: its exit status, all it printed, and its report, which is empty when it was refused."""

    status: int
    text: str
    report: dict[str, Any] = field(default_factory=dict)

    def host(self, host: str) -> dict[str, Any]:
        """What the report has of a host."""
        assert host in self.report.get("hosts", {}), self.text
        return dict(self.report["hosts"][host])

    def line(self, host: str) -> str:
        """What the report has of a host, in a line."""
        about = self.host(host)
        words = {"failed": "FAILED", "lost": "NOT REACHED", "partial": "health not checked"}
        parts = [about["state"], words.get(about["state"], ""), *about["cause"], about["health"]]
        return f"{host}  {'  '.join(filter(None, parts))}  [{'; '.join(about['done'])}]"

    @property
    def changed(self) -> list[str]:
        """The recap's hosts on which something changed."""
        return re.findall(r"^(\w+) .*changed=[1-9]", self.text, re.MULTILINE)


def roll_out(*typed: str, timeout: float = 300) -> Run:
    """Runs site.yml on the lab's inventory."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(
            ["ansible-playbook", "-i", INVENTORY, "site.yml", "-e", f"report_file={report}", *typed],
            cwd=ROOT,
            env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        found = json.loads(report.read_text()) if report.exists() else {}
    return Run(done.returncode, done.stdout + done.stderr, found)
