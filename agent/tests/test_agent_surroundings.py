"""The host itself: a disk that is really full, inodes, and the clock."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fake_systemd import FakeSystemd

from seclyzer_agent.checks.host import HostCheck, HostFacts
from seclyzer_agent.machine import Disk, judge_clock, judge_disk, look
from seclyzer_agent.model import Status

PASS, WARN, FAIL = Status.PASS, Status.WARN, Status.FAIL
MIB = 2**20


@pytest.mark.parametrize(
    ("free", "inodes", "status"),
    [
        (600, 50.0, PASS),
        (511, 50.0, WARN),
        (31, 50.0, FAIL),
        (0, None, FAIL),
        (600, None, PASS),
        (600, 4.9, WARN),
        (600, 0.9, FAIL),
    ],
)
def test_a_disk_is_judged_by_what_is_free(free: int, inodes: float | None, status: Status) -> None:
    entry = judge_disk("/var/lib/seclyzer", Disk(free * MIB, 1000 * MIB, inodes), 512 * MIB, 32 * MIB)
    assert entry.status is status
    assert entry.output.startswith(f"the disk of /var/lib/seclyzer has {free}.0 MiB free of 1000.0 MiB")


def test_a_file_system_is_looked_at_and_a_folder_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    assert look(str(tmp_path)).size >= look(str(tmp_path)).free > 0
    check = HostCheck([str(tmp_path), str(tmp_path / "none")], 1, 0, container=tmp_path)
    reading = asyncio.run(check.read())
    assert [(e.measurement, e.component) for e in reading.entries] == [("disk", str(tmp_path)), ("clock", "clock")]
    assert isinstance(reading.facts, HostFacts) and list(reading.facts.disks) == [str(tmp_path)]


def test_the_clock_is_what_systemd_has_it_as_and_is_asked_seldom_while_it_is_synchronised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, systemd: FakeSystemd
) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", systemd.address)
    check = HostCheck([], 1, 0, container=tmp_path / "none")
    for synchronised, status, asked in ((False, WARN, 1), (False, WARN, 2), (True, PASS, 3), (True, PASS, 3)):
        systemd.synchronised = synchronised
        (entry,) = asyncio.run(check.read()).entries
        assert (entry.status, len(systemd.asked)) == (status, asked)
    assert {*systemd.asked} == {("Get", "/org/freedesktop/timedate1", ("org.freedesktop.timedate1", "NTPSynchronized"))}


def test_a_clock_of_which_nothing_is_known_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path}/none")
    (entry,) = asyncio.run(HostCheck([], 1, 0, container=tmp_path / "none").read()).entries
    assert entry.status is PASS and judge_clock(None) == entry
