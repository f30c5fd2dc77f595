"""What was deployed: the manifest, the files of the release, the unit files, and what a run or a trial left."""

from __future__ import annotations

import time
from collections.abc import Iterator

from plugins.module_utils import trials
from plugins.module_utils.history import History
from plugins.module_utils.layout import Refused
from seclyzer_agent import manifest
from seclyzer_agent.checks import deployment, integrity
from seclyzer_agent.model import Entry, Status
from seclyzer_agent.release_tree import Compared, NoRelease, compare

from ..host import Host
from .seen import Seen


def look(host: Host) -> Iterator[Seen]:
    """Entries of the checks `deployment` and `integrity`; all files of the release are hashed, in about a second."""
    place = host.layout.current / "manifest.json"
    how = f"sudo cat {place}"
    try:
        found = manifest.load(host.layout.current)
    except FileNotFoundError:
        yield Seen("deployment", _entry(Status.FAIL, f"{place} is missing: nothing was deployed here"), how)
        return
    except PermissionError:
        return
    except (OSError, manifest.BadManifest) as fault:
        yield Seen("deployment", _entry(Status.FAIL, f"{place}: {fault}"), how)
        return
    for entry in deployment.judge(found):
        yield Seen("deployment", entry, how)
    yield from _trial(host)
    release = found.release or ""
    try:
        whole: Compared | NoRelease = compare(host.layout.releases / release)
    except (NoRelease, OSError) as fault:
        whole = NoRelease(str(fault))
    how = f"every file of {host.layout.releases / release} against its checksums"
    yield Seen("integrity", integrity.judge(release, whole), how)
    faults = integrity.unit_faults(host.layout.current, host.layout.units)
    how = f"{host.layout.units} against {host.layout.current}/units, and systemd-delta"
    for entry in integrity.judge_units(faults):
        yield Seen("integrity", entry, how)
    how = f"{host.layout.current}/config against the hashes in {host.layout.current}/units"
    yield Seen("integrity", integrity.judge_settings(integrity.setting_faults(host.layout.current)), how)


def _trial(host: Host) -> Iterator[Seen]:
    """What speaks against going on: a history that cannot be read, a trial that nothing ended."""
    try:
        History.load(host.layout)
        trial = trials.load(host.layout)
    except (Refused, OSError) as fault:
        yield Seen("deployment", _entry(Status.FAIL, str(fault)), f"sudo cat {host.layout.history}")
        return
    if trial is not None and trial.going and trials.is_overdue(trial):
        since = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(trial.deadline))
        words = f"the trial of deployment {trial.to} was due at {since} and nothing has ended it"
        yield Seen("deployment", _entry(Status.FAIL, f"{words}: systemctl status {trials.UNIT}"), "trial.json")


def _entry(status: Status, words: str) -> Entry:
    return Entry("release", "deployment", "component", status, words)
