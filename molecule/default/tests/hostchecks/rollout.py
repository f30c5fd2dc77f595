"""Runs of site.yml, as people type it."""

import os
import re
import subprocess
from dataclasses import dataclass

from hostchecks.lab import INVENTORY, ROOT


@dataclass(frozen=True)
class Run:
    """A run of site.yml: its exit status, all it printed, and the report's line of each host."""

    status: int
    text: str

    def line(self, host: str) -> str:
        """What the report says of a host."""
        lines = re.findall(rf"^{host} +.*(?:deployment|REACHED).*", self.text, re.MULTILINE)
        assert lines, self.text
        return str(lines[-1])

    @property
    def changed(self) -> list[str]:
        """The recap's hosts on which something changed."""
        return re.findall(r"^(\w+) .*changed=[1-9]", self.text, re.MULTILINE)


def roll_out(*typed: str, timeout: float = 300) -> Run:
    """Runs site.yml on the lab's inventory."""
    done = subprocess.run(
        ["ansible-playbook", "-i", INVENTORY, "site.yml", *typed],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    return Run(done.returncode, done.stdout + done.stderr)
