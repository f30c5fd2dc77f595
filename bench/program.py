"""One extractor as its unit runs it: settings by environment, notifications on a socket, log in a file."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from . import PROGRAMS, BenchError, proc

WATCHDOG_US = 30_000_000
STOPS_WITHIN_S = 8.0
READY_WITHIN_S = 20


class Program:
    """Runs from its making until `stop`."""

    def __init__(self, binary: Path, kind: str, folder: Path, environment: dict[str, str]) -> None:
        self.kind = kind
        self._binary = binary
        self._log = folder / f"{kind}.log"
        state = folder / f"state-{kind}"
        state.mkdir(exist_ok=True)
        self._notify = _listen(folder / f"{kind}.notify")
        variables = {
            "PATH": "/usr/bin:/bin",
            "NOTIFY_SOCKET": str(folder / f"{kind}.notify"),
            "WATCHDOG_USEC": str(WATCHDOG_US),
            "STATE_DIRECTORY": str(state),
            **environment,
        }
        with self._log.open("ab") as log:
            self.started = time.perf_counter_ns()
            # close_fds=False lets Python use posix_spawn, which costs least; its own files close on exec anyhow.
            self._process = subprocess.Popen(
                [str(binary)], env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, close_fds=False
            )

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def wait_ready(self) -> int:
        """Waits until it says READY; how long it took, in ns. BenchError when it ends instead."""
        for _ in range(READY_WITHIN_S):
            try:
                while b"READY=1" not in self._notify.recv(4096).split(b"\n"):
                    pass
                return time.perf_counter_ns() - self.started
            except TimeoutError:
                self._must_run()
        raise BenchError(f"{self._binary} was not ready within {READY_WITHIN_S} s; {self.last_words()}")

    def memory(self) -> proc.Memory:
        """What it holds."""
        return proc.memory(self.pid)

    def usage(self) -> proc.Usage:
        """What it has used. BenchError when it has ended."""
        self._must_run()
        return proc.usage(self.pid)

    def _must_run(self) -> None:
        if self._process.poll() is not None:
            raise BenchError(f"{self._binary} ended with {self._process.returncode}; {self.last_words()}")

    def last_words(self) -> str:
        """The end of its log."""
        lines = self._log.read_text(errors="replace").splitlines()
        return f"its last line: {lines[-1]}" if lines else "it printed nothing"

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def wait_stopped(self) -> None:
        """Waits until it has ended well; BenchError when it does not."""
        try:
            status = self._process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{self._binary} did not stop within {STOPS_WITHIN_S:.0f} s") from None
        finally:
            self.kill()
        if status != 0:
            raise BenchError(f"{self._binary} ended with {status}; {self.last_words()}")

    def kill(self) -> None:
        """Ends it at once, if it still runs, and tidies up."""
        self._process.kill()
        self._process.wait()
        if self._notify.fileno() != -1:
            os.unlink(self._notify.getsockname())
            self._notify.close()


def program_of(folder: Path, kind: str) -> Path:
    """Where a kind's program stands; BenchError when it is not there."""
    path = folder / PROGRAMS[kind]
    if not os.access(path, os.X_OK):
        raise BenchError(f"{path} is missing or cannot be run")
    return path


def _listen(path: Path) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    found.settimeout(1)
    found.bind(str(path))
    return found
