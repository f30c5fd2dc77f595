"""Runs of site.yml and rollback.yml, as people type them."""

import json
import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hostchecks.lab import INVENTORY, ROOT

ENVIRONMENT = {"ANSIBLE_FORCE_COLOR": "0"}
NO_SHADOW = ("-e", "seclyzer_release_shadow_seconds=0")
"""What a run is given whose trial is looked at: the shadow before it has tests of its own."""
EDGES_ONLY = ("--limit", "seclyzer_edge", "--tags", "extractors", *NO_SHADOW)
"""What a run is given that only switches edges."""
ONE_FIRST = ("-e", '{"seclyzer_release_batches": [1, "100%"]}')
"""What a run is given in which one edge is the first: by the lab's inventory all are in one batch."""
LONGEST = 600.0
"""Seconds that a run may take on a slow machine."""


@dataclass(frozen=True)
class Run:
    """A run: its exit status, all it printed, its report, which is empty when it was refused, and what was typed."""

    status: int
    text: str
    report: dict[str, Any] = field(default_factory=dict)
    typed: str = ""

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
    def shown(self) -> str:
        """What is on the screen in the end: the report, below the recap; without one the refusal, or the last lines."""
        above, recap, below = self.text.rpartition("PLAY RECAP")
        if recap and (report := below.partition("\n\n")[2].strip()):
            return report
        at = max(above.rfind("\nfatal: "), above.rfind("\n[ERROR]"))
        return above[at:].strip() if recap and at >= 0 else "\n".join(self.text.strip().splitlines()[-3:])

    @property
    def changed(self) -> list[str]:
        """The recap's hosts on which something changed."""
        return re.findall(r"^(\w+) .*changed=[1-9]", self.text, re.MULTILINE)


class Started:
    """A run that goes on beside the test."""

    def __init__(self, playbook: str, typed: tuple[str, ...], folder: Path, project: Path = ROOT) -> None:
        self._report = folder / "report.json"
        self._text = folder / "printed"
        self.typed = shlex.join(["ansible-playbook", playbook, *typed])
        with self._text.open("wb") as printed:
            self.process = subprocess.Popen(
                ["ansible-playbook", "-i", INVENTORY, playbook, "-e", f"report_file={self._report}", *typed],
                cwd=project,
                env=os.environ | ENVIRONMENT | {"ANSIBLE_CONFIG": str(project / "ansible.cfg")},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def text(self) -> str:
        """What it has printed so far."""
        return self._text.read_text(errors="replace")

    def ended(self, patience: float = LONGEST) -> Run:
        """The run, once it has ended."""
        status = self.process.wait(patience)
        report = json.loads(self._report.read_text()) if self._report.exists() else {}
        return Run(status, self.text(), report, self.typed)

    def kill(self) -> None:
        """SIGKILL to it and all it has started, as when the controller is switched off."""
        if self.process.poll() is None:
            for pid in _family(self.process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()


def _family(pid: int) -> list[int]:
    """A process and all below it, which Ansible puts into sessions of their own."""
    found = [pid]
    for one in found:
        with suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


@contextmanager
def started(playbook: str, *typed: str, project: Path = ROOT) -> Iterator[Started]:
    """A run on the lab's inventory beside the test; it is over afterwards. `project`: where the playbooks are."""
    with tempfile.TemporaryDirectory() as folder:
        run = Started(playbook, typed, Path(folder), project)
        try:
            yield run
        finally:
            run.kill()


def roll_out(*typed: str, timeout: float = LONGEST) -> Run:
    """Runs site.yml on the lab's inventory."""
    with started("site.yml", *typed) as run:
        return run.ended(timeout)


def go_back(*typed: str, timeout: float = LONGEST, project: Path = ROOT) -> Run:
    """Runs rollback.yml on the lab's inventory."""
    with started("rollback.yml", *typed, project=project) as run:
        return run.ended(timeout)
