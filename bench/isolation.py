"""On a host the bench runs apart: as a user that exists only meanwhile, without network, with little of the machine.

Started by root it starts itself again as the transient unit `seclyzer-bench`, which can reach neither the running
Redis nor any credential, is niced, and is ended when it takes too much memory or time. So it disturbs no other work.
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import BenchError, sandbox

UNIT = "seclyzer-bench"
STATE = "seclyzer/bench"
MINUTES = 10
SETTINGS = (
    "DynamicUser=yes",
    f"User={UNIT}",
    f"StateDirectory={STATE}",
    "StateDirectoryMode=0755",
    "InaccessiblePaths=-/run/redis -/etc/seclyzer -/etc/redis",
    "Nice=10",
    "CPUWeight=20",
    "MemoryMax=768M",
    "TasksMax=128",
    f"RuntimeMaxSec={MINUTES * 60}",
    # Its own Redis and InfluxDB are on its own loopback, and it reads figures of the host.
    *("=".join(setting) for setting in sandbox.settings("own", umask="0022", proc="all")),
    # It sets the priorities of what it starts.
    "SystemCallFilter=@resources",
)


def applies() -> bool:
    """Root does not measure itself."""
    return os.geteuid() == 0


def run(words: Sequence[str]) -> int:
    """Runs a command as that unit; its exit status."""
    if not Path("/run/systemd/system").is_dir():
        raise BenchError("as root this needs systemd to run apart; without it, run it as another user")
    settings = [f"--property={setting}" for setting in SETTINGS]
    # A run that was cut off may have left the unit behind as failed.
    subprocess.run(["systemctl", "reset-failed", UNIT], stderr=subprocess.DEVNULL, check=False)
    apart = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", f"--unit={UNIT}", *settings, *words]
    return subprocess.run(apart, stdin=subprocess.DEVNULL, check=False).returncode
