"""Has the host room on its disks, and the right time?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..machine import CONTAINER, MIB, SETTINGS, Disk, judge_clock, judge_disk, look
from ..model import Entry, Pace, Reading, Status, Unreadable
from ..spec import Context, Metric, Sample, Spec
from ..systemd import clock_is_synchronised

CLOCK_EVERY = 300.0  # s between two questions to systemd while all is well


@dataclass(frozen=True, slots=True)
class HostFacts:
    """The file systems by the folder that was asked for; whether the clock is synchronised (None: not known)."""

    disks: Mapping[str, Disk]
    synchronised: bool | None


class HostCheck:
    """The check `host`. Its facts: HostFacts. `warn` and `fail` in bytes."""

    name = "host"
    after = ()
    primary = Entry("disk", "host", "system", Status.FAIL, "")

    def __init__(self, folders: Sequence[str], warn: float, fail: float, container: Path = CONTAINER) -> None:
        self._folders, self._warn, self._fail, self._container = tuple(folders), warn, fail, container
        self._synchronised: bool | None = None
        self._asked_at: float | None = None

    async def read(self) -> Reading:
        """Look at each file system; one that is not there yet is left out. Raises Unreadable."""
        disks: dict[str, Disk] = {}
        for folder in self._folders:
            try:
                disks[folder] = look(folder)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise Unreadable(f"the disk of {folder} cannot be looked at: {error.strerror}") from None
        if self._asked_at is None or self._synchronised is False or time.monotonic() - self._asked_at >= CLOCK_EVERY:
            self._synchronised = await self._clock()
            self._asked_at = time.monotonic()
        entries = [judge_disk(folder, disk, self._warn, self._fail) for folder, disk in disks.items()]
        return Reading((*entries, judge_clock(self._synchronised)), HostFacts(disks, self._synchronised))

    async def _clock(self) -> bool | None:
        if self._container.exists():
            return None
        try:
            return await clock_is_synchronised()
        except Unreadable:
            return None


def _free(_: str, facts: HostFacts) -> Iterator[Sample]:
    for folder, disk in facts.disks.items():
        yield (folder,), disk.free


def _synchronised(_: str, facts: HostFacts) -> Iterator[Sample]:
    if facts.synchronised is not None:
        yield (), int(facts.synchronised)


def _make(context: Context) -> list[HostCheck]:
    settings = context.settings
    folders = ["/opt/seclyzer", "/var/lib/seclyzer"] if settings.edge else ["/opt/seclyzer"]
    if settings.store:
        folders.append("/var/lib/influxdb")
    return [HostCheck(folders, settings.own["disk_warn_mebibytes"] * MIB, settings.own["disk_fail_mebibytes"] * MIB)]


SPEC = Spec(
    names=("host",),
    order=25,
    help="the disks and the clock of the host",
    pace=Pace(30, 5, rise=1, fall=1),
    measurements={
        "disk": "space and inodes below `/opt/seclyzer`, of an edge's `/var/lib/seclyzer`, of a store's "
        "`/var/lib/influxdb`",
        "clock": "whether systemd has it as synchronised (`warn` when not), looked at every 5 minutes, while it is "
        "not at every reading; in a container it is not known",
    },
    settings=SETTINGS,
    metrics=(
        Metric(
            "seclyzer_disk_free_bytes",
            "gauge",
            "Free space of the file system that a folder is on",
            _free,
            labels=("folder",),
        ),
        Metric(
            "seclyzer_clock_synchronised",
            "gauge",
            "1 when systemd has the clock as synchronised; absent in a container",
            _synchronised,
            state=True,
        ),
    ),
    make=_make,
)
