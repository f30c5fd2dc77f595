"""Is what runs here still what was rolled out? A release against its manifest, unit files and settings against the
deployment.

The files are hashed once an hour, 2 ms of a processor at a time with rests of 50 ms: no other check is held up, and the
unit's share of a processor is not used up. Whoever is root here can change the manifest as well; `site.yml` compares
with the controller's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from ..manifest import BadManifest, load
from ..model import Entry, Pace, Reading, Status, Unreadable
from ..parse import absolute_path
from ..release_tree import Compared, NoRelease, Steps, compare, comparing
from ..spec import Context, Setting, Spec

EVERY = 3600.0  # s between two comparisons of a release that was whole; one that was not is compared at every reading
WORK, REST = 0.002, 0.05  # s of a processor for a comparison, and of the rest after that
SHOWN = 3
CHANGES = " changes "
"""Stands between a drop-in and the unit that it changes."""
HASH = re.compile(rb"^# settings: sha256:([0-9a-f]{64})$", re.MULTILINE)
SETTINGS = re.compile(rb"^ExecStart=.*/current/config/([A-Za-z0-9._-]+)", re.MULTILINE)
"""The hash of a program's settings, and their file, in its unit."""
OVERRIDES = ("/run/systemd/system", "/etc/systemd/system.control", "/run/systemd/system.control")
"""Where drop-ins may stand beside the folder of units: `systemctl edit --runtime`, `systemctl set-property`."""


class IntegrityCheck:
    """The check `integrity`. It has no facts."""

    name = "integrity"
    after = ()
    primary = Entry("files", "release", "component", Status.FAIL, "")

    def __init__(self, deployment: Path, unit_dir: Path) -> None:
        self._deployment = deployment
        self._unit_dir = unit_dir
        self._release: str | None = None
        self._found: Compared | NoRelease | None = None
        self._ended = 0.0

    async def read(self) -> Reading:
        """Compare what is due. The first reading after a start or a switch only looks which release there is."""
        try:
            release = load(self._deployment).release
        except (OSError, BadManifest):
            release = None  # the check `deployment` reports it
        releases = self._deployment.parent / "releases"
        if release is None or not releases.is_dir():
            return Reading((Entry("files", "release", "component", Status.PASS, "there is no release to compare"),))
        if release != self._release:
            self._release, self._found = release, None
        elif self._due():
            self._found = await _compared(releases / release)
            self._ended = time.monotonic()
        units = judge_units(unit_faults(self._deployment, self._unit_dir))
        return Reading((judge(release, self._found), *units, judge_settings(setting_faults(self._deployment))))

    def _due(self) -> bool:
        whole = isinstance(self._found, Compared) and not self._found.faults
        return not whole or time.monotonic() - self._ended >= EVERY


async def _compared(tree: Path) -> Compared | NoRelease:
    """The comparison, with rests. Raises Unreadable."""
    try:
        with contextlib.closing(comparing(tree)) as steps:
            return await _with_rests(steps)
    except NoRelease as error:
        return error
    except OSError as error:
        raise Unreadable(f"{tree.name} cannot be read: {error.strerror}") from None


async def _with_rests(steps: Steps[Compared]) -> Compared:
    began = time.thread_time()
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            found: Compared = ended.value
            return found
        if time.thread_time() - began >= WORK:
            await asyncio.sleep(REST)
            began = time.thread_time()


def judge(release: str, found: Compared | NoRelease | None) -> Entry:
    """The entry of the release's files; `found` is None before the first comparison."""
    if found is None:
        words = f"release {release}: its files are compared at the next reading"
        return Entry("files", "release", "component", Status.PASS, words)
    if isinstance(found, NoRelease):
        words = f"release {release} cannot be compared: {found}; site.yml mends it"
        return Entry("files", "release", "component", Status.FAIL, words)
    if found.faults:
        words = f"release {release} was changed: {listed(found.faults)}; site.yml mends it"
        return Entry("files", "release", "component", Status.FAIL, words, len(found.faults))
    if not found.anchored:
        words = f"release {release} is from before its lists were anchored; site.yml anchors them"
        return Entry("files", "release", "component", Status.WARN, words, 0)
    words = f"release {release}: all {found.files} files are as they were packed"
    return Entry("files", "release", "component", Status.PASS, words, 0)


def unit_faults(deployment: Path, unit_dir: Path, overrides: Sequence[str] = OVERRIDES) -> list[str]:
    """The installed unit files that are not what the deployment holds, and drop-ins, of which it has none."""
    found: list[str] = []
    for path in sorted((deployment / "units").glob("*")):
        installed = unit_dir / path.name
        if not installed.is_file():
            found.append(f"{installed} is missing")
        elif installed.read_bytes() != path.read_bytes():
            found.append(f"{installed} is not the deployment's")
        found += [
            f"{drop_in}{CHANGES}{path.name}"
            for folder in (unit_dir, *map(Path, overrides))
            for drop_in in sorted((folder / f"{path.name}.d").glob("*.conf"))
        ]
    return found


def judge_units(faults: list[str]) -> tuple[Entry, ...]:
    """The entries of the unit files. An operator may have changed one on purpose: a warning.

    Drop-ins are taken away by another command than a file is mended by: they are an entry of their own, whose
    component is the units that are to be reverted.
    """
    drop_ins = [fault for fault in faults if CHANGES in fault]
    edited = [fault for fault in faults if CHANGES not in fault]
    entries = []
    if drop_ins:
        units = " ".join(sorted({fault.rpartition(CHANGES)[2] for fault in drop_ins}))
        words = f"{listed(drop_ins)}; systemctl revert mends it"
        entries.append(Entry("units", units, "component", Status.WARN, words, len(drop_ins), figures=False))
    if edited:
        words = f"{listed(edited)}; site.yml mends it"
        found = Entry("units", "release", "component", Status.WARN, words, len(edited), figures=False)
        entries.append(replace(found, finding="unit-edited"))
    good = Entry("units", "release", "component", Status.PASS, "unit files are the deployment's", 0, figures=False)
    return tuple(entries) or (good,)


def setting_faults(deployment: Path) -> list[str]:
    """The files of settings that are not as they were deployed.

    Each unit has the hash of its settings. Of a file that this user may not read (each is for its own program) it is
    known whether it was written after the manifest, which is written last.
    """
    deployment = deployment.resolve()  # it may be another one meanwhile
    hashes: dict[str, bytes] = {}
    for unit in (deployment / "units").glob("*"):
        text = unit.read_bytes()
        digest, file = HASH.search(text), SETTINGS.search(text)
        if digest and file:
            hashes[os.fsdecode(file[1])] = digest[1]
    staged = (deployment / "manifest.json").stat().st_mtime_ns
    files = ((name, _setting_fault(deployment / "config" / name, hashes[name], staged)) for name in sorted(hashes))
    return [f"config/{name} {fault}" for name, fault in files if fault]


def _setting_fault(path: Path, digest: bytes, staged: int) -> str:
    """What is wrong with one file of settings; empty for nothing that is known. `staged` is Unix ns."""
    try:
        same = sha256(path.read_bytes()).hexdigest().encode() == digest
        return "" if same else "is not what was deployed"
    except FileNotFoundError:
        return "is missing"
    except PermissionError:
        return "was written after it was deployed" if path.stat().st_mtime_ns > staged else ""


def judge_settings(faults: list[str]) -> Entry:
    """The entry of the settings. A program reads them at its start: what runs may have others, before and after."""
    if faults:
        words = f"{listed(faults)}; site.yml mends it, and a restart since then has brought it into force"
        return Entry("settings", "release", "component", Status.WARN, words, len(faults), figures=False)
    return Entry("settings", "release", "component", Status.PASS, "settings are as deployed", 0, figures=False)


def listed(faults: tuple[str, ...] | list[str]) -> str:
    """The first faults by name, the others counted."""
    more = len(faults) - SHOWN
    return "; ".join(faults[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def compare_now(deployment: Path, unit_dir: Path) -> list[tuple[str, bool, str]]:
    """Both comparisons now and without rest, as `--compare` does: (what, good, words) for each."""
    try:
        release = load(deployment).release or ""
        found: Compared | NoRelease = compare(deployment.parent / "releases" / release)
    except (OSError, BadManifest) as error:
        return [("files", False, f"the deployment or its release cannot be read: {error}")]
    except NoRelease as error:
        found = error
    units, settings = judge_units(unit_faults(deployment, unit_dir)), judge_settings(setting_faults(deployment))
    entries = (judge(release, found), *units, settings)
    return [(entry.measurement, entry.status is Status.PASS, entry.output) for entry in entries]


def _make(context: Context) -> list[IntegrityCheck]:
    settings = context.settings
    return [IntegrityCheck(Path(settings.deployment_dir), Path(settings.own["unit_dir"]))]


SPEC = Spec(
    names=("integrity",),
    order=40,
    help="the files of the release, the unit files and the settings",
    pace=Pace(60, 60, rise=1, fall=1),
    measurements={
        "files": "every file of the running release against its manifest, once an hour, first a minute after the start "
        "(`fail` names the file: changed, missing, not of the release, another mode)",
        "units": "unit files against the deployment's, and drop-ins that change one (`warn`)",
        "settings": "the deployment's settings against the hash that the unit of each program has, of what the agent "
        "may not read by whether it was written later (`warn`)",
    },
    settings=(Setting("unit_dir", absolute_path, "/etc/systemd/system", "where the deployment's units are installed"),),
    uses=("deployment_dir",),
    make=_make,
)
