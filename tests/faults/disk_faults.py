"""What happens to the disk that holds what InfluxDB has not answered."""

import os
import subprocess
import time
from pathlib import Path

from tests.helpers.waiting import until, until_each

from .campaign import Fault
from .influx_faults import SETTINGS, wait_sent, wait_spooled
from .stage import KINDS, Stage


def small_disk(stage: Stage) -> None:
    """Each extractor has a disk of its own for its state, of 256 KiB, mounted where only it sees it."""
    mount = 'mount -t tmpfs -o size=256k none "$STATE_DIRECTORY" && exec "$0"'
    stage.before = ("unshare", "--map-root-user", "--mount", "sh", "-c", mount)


def seen_by(stage: Stage, kind: str) -> Path:
    """The state directory as the extractor sees it."""
    return Path(f"/proc/{stage.running[kind].pid}/root{stage.state(kind)}")


def fill(stage: Stage, kind: str) -> None:
    """Leaves nothing free, and says so."""
    file = os.open(seen_by(stage, kind) / "ballast", os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(file, bytes(4096)):
            pass
    except OSError:
        stage.notes.setdefault("disks filled", []).append(kind)
    finally:
        os.close(file)


def disk_full(stage: Stage) -> None:
    """No room on the disk while InfluxDB is away: points stay in memory until there is room; it is reported."""
    for kind in KINDS:
        fill(stage, kind)
    for writes in stage.writes.values():
        writes.go_away()
    until_each(stage.running.values(), lambda one: "the disk buffer cannot be written" in one.log, "it is reported")
    stage.wait_outputs(2)
    if stage.random.random() < 0.5:
        for kind in KINDS:
            (seen_by(stage, kind) / "ballast").unlink()
        until_each(
            stage.running.values(), lambda one: "the disk buffer can be written again" in one.log, "it is reported"
        )
    for writes in stage.writes.values():
        writes.come_back()
    stage.wait_outputs(2)


def remount(stage: Stage, kind: str, how: str) -> None:
    """The extractor's disk, `ro` or `rw` from now on."""
    pid = str(stage.running[kind].pid)
    words = ["nsenter", "--target", pid, "--user", "--mount", "--preserve-credentials"]
    words += ["mount", "-o", f"remount,{how}", str(stage.state(kind))]
    subprocess.run(words, check=True)


def read_only(stage: Stage) -> None:
    """The disk is read-only while InfluxDB is away."""
    for kind in KINDS:
        remount(stage, kind, "ro")
    for writes in stage.writes.values():
        writes.go_away()
    until_each(stage.running.values(), lambda one: "the disk buffer cannot be written" in one.log, "it is reported")
    stage.wait_outputs(2)
    for kind in KINDS:
        remount(stage, kind, "rw")
    until_each(stage.running.values(), lambda one: "the disk buffer can be written again" in one.log, "it is reported")
    for writes in stage.writes.values():
        writes.come_back()
    stage.wait_outputs(2)


def killed_in_a_write(stage: Stage) -> None:
    """A limit on a file's size ends a write of the spool in the middle of a line, and perhaps the process with it."""
    for writes in stage.writes.values():
        writes.go_away()
    wait_spooled(stage)
    for kind in KINDS:
        limit = max(path.stat().st_size for path in (stage.state(kind) / "spool").glob("*.lp")) + 300
        subprocess.run(["prlimit", "--pid", str(stage.running[kind].pid), f"--fsize={limit}"], check=True)
    ended = time.monotonic() + 5
    until(lambda: time.monotonic() > ended, "writes are cut short")
    stage.notes["died of it"] = [kind for kind in KINDS if not stage.running[kind].is_alive()]
    for kind in KINDS:
        stage.kill(kind)
        stage.start(kind)
    for writes in stage.writes.values():
        writes.come_back()
    wait_sent(stage)
    stage.wait_outputs(1)


FAULTS = [
    Fault("disk full", disk_full, SETTINGS, prepare=small_disk),
    Fault("read-only disk", read_only, SETTINGS, prepare=small_disk),
    Fault("killed in a write", killed_in_a_write, SETTINGS),
]
