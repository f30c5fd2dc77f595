"""Modules of the collection, run on a host as a playbook runs them."""

import json
import os
import subprocess
from typing import Any

from hostchecks.host import Host, name
from hostchecks.lab import INVENTORY, ROOT

SECONDS = 300
# The result is read as JSON; molecule forces colours upon what it starts.
PLAIN = {
    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    "ANSIBLE_FORCE_COLOR": "0",
}


def module(host: Host, action: str, check: bool = False, /, **arguments: Any) -> dict[str, Any]:
    """What a module returns, also when it fails."""
    done = subprocess.run(
        [
            *("ansible", name(host), "-i", INVENTORY, "-m", action, "-a", json.dumps(arguments)),
            *(["--check"] if check else []),
        ],
        cwd=ROOT,
        env=os.environ | PLAIN,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    result = done.stdout.partition("=> ")[2]
    assert result, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(result)
    return found
