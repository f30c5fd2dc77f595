"""The unit of a watch's sampler: there while the watch is going, started again after a reboot, gone afterwards.

Its program is a copy of that of the release which runs, so that a switch during the watch takes nothing away from it.
"""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path

from . import deployments, files, judge_unit, sandbox, systemd, watch_plan
from .layout import Layout, Refused
from .watch_plan import UNIT, Plan

PROGRAM = "watch"
"""The program's folder in a release: Python runs its __main__.py."""
CAPABILITIES = "CAP_DAC_OVERRIDE"
"""It reads what is for root, and the credential of the agent."""

TEXT = """# Written for a watch of this host; it removes itself when the time is over.
[Unit]
Description=SecLyzer: samples what runs here, for the report of a watch
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/usr/bin/python3 -I -B {program}
Restart=on-failure
RestartSec=2
TimeoutStopSec=10
OOMScoreAdjust=900
Nice=10

MemoryMax=96M
TasksMax=16
CPUQuota=20%

{sandbox}
[Install]
WantedBy=multi-user.target
"""


def start(layout: Layout, seconds: int) -> Plan:
    """Begins a watch in the place of an earlier one. Raises Refused without a release that can."""
    release = layout.releases / _release(layout)
    if not (release / PROGRAM).is_dir():
        raise Refused(f"release {release.name} cannot watch, for it is older than this; site.yml brings one that can")
    stop(layout)
    folder = watch_plan.folder_of(layout)
    files.make_folder(folder, 0o700)
    shutil.copytree(release / PROGRAM, folder / "program", copy_function=shutil.copyfile)
    plan = Plan(secrets.token_hex(8), time.time(), seconds, watch_plan.every_of(seconds))
    watch_plan.save(layout, plan)
    files.write(layout.units / UNIT, text(layout, folder / "program"))
    files.make_folder(layout.wants)
    files.link(layout.wants_link(UNIT), str(layout.units / UNIT))
    systemd.systemctl("daemon-reload")
    systemd.run(["systemctl", "reset-failed", UNIT])
    systemd.systemctl("restart", UNIT)
    return plan


def _release(layout: Layout) -> str:
    manifest = deployments.manifest(layout, deployments.current(layout))
    if manifest is None:
        raise Refused("nothing is deployed on this host; site.yml deploys")
    return str(manifest["release"])


def text(layout: Layout, program: Path) -> str:
    """The unit file."""
    common = sandbox.settings("loopback", bus=True, proc="all")
    settings = [(key, value) for key, value in common if key not in judge_unit.REPLACED]
    settings += [
        ("CapabilityBoundingSet", CAPABILITIES),
        ("ReadWritePaths", f"{watch_plan.folder_of(layout)} {layout.units}"),
    ]
    lines = "".join(f"{key}={value}\n" for key, value in settings)
    return TEXT.format(program=program, sandbox=lines)


def is_running(layout: Layout) -> bool:
    """Whether the sampler is at work."""
    active = systemd.show([UNIT], ("ActiveState",)).get(UNIT, {}).get("ActiveState")
    return (layout.units / UNIT).exists() and active in ("active", "activating", "reloading")


def remove(layout: Layout) -> None:
    """Takes the unit away; the process that runs from it goes on to its end."""
    layout.wants_link(UNIT).unlink(missing_ok=True)
    (layout.units / UNIT).unlink(missing_ok=True)
    systemd.systemctl("daemon-reload")


def stop(layout: Layout) -> bool:
    """Ends the watch and takes away what it has kept; whether there was anything."""
    folder = watch_plan.folder_of(layout)
    had = folder.exists() or (layout.units / UNIT).exists()
    if had:
        systemd.run(["systemctl", "stop", UNIT])
        remove(layout)
        shutil.rmtree(folder, ignore_errors=True)
    return had
