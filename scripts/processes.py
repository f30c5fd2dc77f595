"""The processes of the developer's pipeline: each is found again by a file with its number, and ended by it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("SECLYZER_DEV_HOME", ROOT / "build" / "dev"))
"""Where their files stand."""


@dataclass(frozen=True)
class Service:
    """A program of the pipeline: what to run, and what says that it is up."""

    name: str
    command: list[str]
    up: Callable[[], bool]

    @property
    def started_file(self) -> Path:
        """Where the command that it was started with stands."""
        return HOME / f"{self.name}.command"

    @property
    def pid_file(self) -> Path:
        """Where its process number stands while it runs."""
        return HOME / f"{self.name}.pid"


def log_of(name: str) -> Path:
    """The log of a service."""
    return HOME / f"{name}.log"


def pid_of(name: str) -> int | None:
    """The process of a service, or None when it does not run."""
    with suppress(OSError, ValueError):
        pid, started = (HOME / f"{name}.pid").read_text().split()
        if start_time(int(pid)) == started:
            return int(pid)
    return None


def start_time(pid: int) -> str:
    """When a process started, in the kernel's ticks: distinguishes it from a later one of the same number."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def launch(service: Service) -> None:
    """Starts a service, unless it runs as it should, and waits until it is up."""
    command = "\n".join(service.command)
    if pid_of(service.name):
        if service.started_file.read_text() == command:
            print(f"  {service.name}: runs")
            return
        end(service.name)
    start = time.monotonic()
    with log_of(service.name).open("ab") as log:
        process = subprocess.Popen(
            service.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=HOME, start_new_session=True
        )
    service.started_file.write_text(command)
    service.pid_file.write_text(f"{process.pid} {start_time(process.pid)}")
    while not service.up():
        if process.poll() is not None or time.monotonic() - start > 30:
            tail = log_of(service.name).read_text(errors="replace").splitlines()[-5:]
            raise SystemExit(f"dev: {service.name} did not come up:\n" + "\n".join(tail))
        time.sleep(0.05)
    print(f"  {service.name}: up after {time.monotonic() - start:.1f} s")


def end(name: str) -> None:
    """Ends a service, if it runs, and waits until it has delivered what it holds."""
    pid = pid_of(name)
    if pid is None:
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while pid_of(name) and time.monotonic() < deadline:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.05)
    if pid_of(name):
        os.kill(pid, signal.SIGKILL)
    (HOME / f"{name}.pid").unlink(missing_ok=True)
    print(f"  {name}: stopped")
