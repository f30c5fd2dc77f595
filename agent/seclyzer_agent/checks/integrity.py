"""Is what runs here still what was rolled out? A release against its manifest, unit files against the deployment.

The files are hashed once an hour, 2 ms of a processor at a time with rests of 50 ms: no other check is held up, and the
unit's share of a processor is not used up. Whoever is root here can change the manifest as well; `site.yml` compares
with the controller's.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import replace
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
        return Reading((judge(release, self._found), *units))

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
    entries = (judge(release, found), *judge_units(unit_faults(deployment, unit_dir)))
    return [(entry.measurement, entry.status is Status.PASS, entry.output) for entry in entries]


def _make(context: Context) -> list[IntegrityCheck]:
    settings = context.settings
    return [IntegrityCheck(Path(settings.deployment_dir), Path(settings.own["unit_dir"]))]


SPEC = Spec(
    names=("integrity",),
    order=40,
    help="the files of the release and the unit files",
    pace=Pace(60, 60, rise=1, fall=1),
    measurements={
        "files": "every file of the running release against its manifest, once an hour, first a minute after the start "
        "(`fail` names the file: changed, missing, not of the release, another mode)",
        "units": "unit files against the deployment's, and drop-ins that change one (`warn`)",
    },
    settings=(Setting("unit_dir", absolute_path, "/etc/systemd/system", "where the deployment's units are installed"),),
    uses=("deployment_dir",),
    make=_make,
)
