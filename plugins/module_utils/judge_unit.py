"""The judge's own unit: there while a trial is going, started again after a reboot, gone afterwards.

Its program is of the release that is being left, so that what is tried does not judge itself; of the new one when the
host was blank, or when what is left is damaged, from before there was a judge, or reads an earlier form of trials only.
"""

from __future__ import annotations

from pathlib import Path

from . import deployments, releases, sandbox, state_versions, systemd
from .files import link, make_folder, write
from .layout import Layout, Refused
from .trials import UNIT

PROGRAM = "judge"
"""The program's folder in a release: Python runs its __main__.py."""

CAPABILITIES = "CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_SYS_PTRACE"
"""Root's files and folders, whoever's they are, and whose program a process runs."""

REPLACED = ("PrivateUsers", "CapabilityBoundingSet", "ProtectProc")
"""Settings of the common sandbox that a program which works as root cannot have as they are."""

TEXT = """# Written for the trial of a deployment; it removes itself when the host has decided.
[Unit]
Description=SecLyzer: judges the deployment on trial, and returns the host from it
StartLimitIntervalSec=0

[Service]
Type=exec
NotifyAccess=main
ExecStart=/usr/bin/python3 -I -B {program}
Restart=on-failure
RestartSec=2
TimeoutStopSec=10
OOMScoreAdjust=-500

MemoryMax=96M
TasksMax=16
CPUQuota=50%

{sandbox}
[Install]
WantedBy=multi-user.target
"""


def start(layout: Layout, left: int | None, to: int) -> str:
    """Installs the unit, enables it and starts it; the release that judges. Refused when it does not start.

    The caller holds the host's lock, for which the judge waits.
    """
    release = judges(layout, left, to)
    program = layout.releases / release / PROGRAM
    write(layout.units / UNIT, text(layout, program))
    make_folder(layout.wants)
    link(layout.wants_link(UNIT), str(layout.units / UNIT))
    systemd.systemctl("daemon-reload")
    systemd.run(["systemctl", "reset-failed", UNIT])
    systemd.systemctl("restart", UNIT)
    return release


def can_judge(layout: Layout, left: int | None, to: int) -> bool:
    """Whether one of both releases brings a judge."""
    names = [deployments.load(layout, n).release for n in (left, to) if n is not None]
    return any((layout.releases / name / PROGRAM).is_dir() for name in names)


def judges(layout: Layout, left: int | None, to: int) -> str:
    """The release whose judge is to be used: that which is left, if it has one and is whole."""
    new = deployments.load(layout, to).release
    old = None if left is None else deployments.load(layout, left).release
    if old is not None and _reads_trials(layout, old) and releases.look_alone(layout, old).whole:
        return old
    if (layout.releases / new / PROGRAM).is_dir():
        return new
    raise Refused(f"neither release {old} nor {new} brings a judge of trials")


def _reads_trials(layout: Layout, release: str) -> bool:
    """Whether a release brings a judge, and that one reads the trial and the history as they are written now."""
    brings = (layout.releases / release / PROGRAM).is_dir()
    return brings and state_versions.version(releases.kept(layout, release), "host") >= state_versions.HOST


def text(layout: Layout, program: Path) -> str:
    """The unit file."""
    common = sandbox.settings("loopback", bus=True, umask="0022", proc="all")
    settings = [(key, value) for key, value in common if key not in REPLACED]
    settings += [
        ("SystemCallFilter", "@chown"),
        ("CapabilityBoundingSet", CAPABILITIES),
        ("ReadWritePaths", f"{layout.base} {layout.units}"),
    ]
    lines = "".join(f"{key}={value}\n" for key, value in settings)
    return TEXT.format(program=program, sandbox=lines)


def remove(layout: Layout) -> None:
    """Takes the unit away; the process that runs from it goes on to its end."""
    layout.wants_link(UNIT).unlink(missing_ok=True)
    (layout.units / UNIT).unlink(missing_ok=True)
    systemd.systemctl("daemon-reload")
