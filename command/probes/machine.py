"""The host itself: room on its disks, and its clock."""

from __future__ import annotations

from collections.abc import Iterator

from plugins.module_utils import systemd
from plugins.module_utils.layout import Refused
from seclyzer_agent import machine
from seclyzer_agent.model import Entry, Status

from ..host import Host
from .seen import Seen

LIMITS = {setting.key: int(setting.default) * machine.MIB for setting in machine.SETTINGS}
"""Bytes that have to be free, by the setting of the agent."""
STATE, STORE = "/var/lib/seclyzer", "/var/lib/influxdb"


def look(host: Host) -> Iterator[Seen]:
    """An entry for each file system, and for the clock."""
    folders = [str(host.layout.base), *([STATE] if host.is_edge else []), *([STORE] if host.is_store else [])]
    for folder in folders:
        try:
            disk = machine.look(folder)
        except FileNotFoundError:
            continue
        except OSError as fault:
            words = f"the disk of {folder} cannot be looked at: {fault.strerror}"
            yield Seen("host", Entry("disk", folder, "system", Status.FAIL, words), f"df -h {folder}")
            continue
        warn, fail = LIMITS["disk_warn_mebibytes"], LIMITS["disk_fail_mebibytes"]
        yield Seen("host", machine.judge_disk(folder, disk, warn, fail), f"df -h {folder}; df -i {folder}")
    yield Seen("host", machine.judge_clock(_synchronised()), "timedatectl show -p NTPSynchronized")


def _synchronised() -> bool | None:
    if machine.CONTAINER.exists():
        return None
    try:
        shown = systemd.run(["timedatectl", "show", "--property=NTPSynchronized", "--value"], 10).stdout
    except Refused:
        return None
    return {"yes": True, "no": False}.get(shown.strip())
