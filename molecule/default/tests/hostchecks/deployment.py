"""The deployment a host runs."""

import json
from typing import Any

from hostchecks.host import Host

HOME = "/opt/seclyzer"


def current(host: Host) -> str:
    """The folder `current` leads to: `/opt/seclyzer/deployments/<n>`."""
    return host.check_output("readlink -f %s", f"{HOME}/current")


def manifest(host: Host) -> dict[str, Any]:
    """What was decided: release, version, mode, implementations."""
    found: dict[str, Any] = json.loads(host.check_output("cat %s", f"{HOME}/current/manifest.json"))
    return found


def release(host: Host) -> str:
    """The folder of the release that is meant to run."""
    return f"{HOME}/releases/{manifest(host)['release']}"


def history(host: Host) -> dict[str, Any]:
    """Every run and every deployment that the host remembers."""
    found: dict[str, Any] = json.loads(host.check_output("cat %s", f"{HOME}/history.json"))
    return found


def before(host: Host) -> int:
    """The deployment that ran before the last run that changed something."""
    good = [run for run in history(host)["runs"] if run["outcome"] in ("confirmed", "switched")]
    return next(int(run["from"]) for run in reversed(good) if run["to"] not in (None, run["from"]))
