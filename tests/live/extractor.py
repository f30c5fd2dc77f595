"""One program as systemd would run it: settings by environment, notifications on a socket, log on stderr."""

import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.helpers import ROOT
from tests.helpers.waiting import until

PROGRAMS = {"keystroke": "keystroke_extractor", "mouse": "mouse_extractor", "app": "app_tracker"}
BIN = {
    "python": Path(os.environ.get("LIVE_PYTHON_BIN", ROOT / "build" / "python" / "bin")),
    "rust": Path(os.environ.get("LIVE_RUST_BIN", ROOT / "build" / "rust")),
}
SETTINGS = {"WINDOW_SECONDS": "3", "UPDATE_INTERVAL": "1", "SECLYZER_LATENESS_MS": "250"}
STOPS_WITHIN_S = 5.0
# What is reported when something goes away, and when it is back.
SAYS = {
    "redis": ("Reading from Redis does not work", "Reading from Redis works again"),
    "influx": ("Writing to InfluxDB does not work", "Writing to InfluxDB works again"),
    "malformed": ("messages that break the contract were skipped",),
}


def program(implementation: str, kind: str) -> str:
    """Where it stands."""
    return str(BIN[implementation] / PROGRAMS[kind])


def environment(**more: str) -> dict[str, str]:
    """Only what a program needs; the tester's own variables do not count."""
    return {"PATH": os.environ["PATH"], **SETTINGS, **more}


class Extractor:
    """A running program; `before` are words that start it in some other way, such as `unshare --mount`.

    It is one of BIN's, or stands in the folder `programs`.
    """

    def __init__(
        self,
        implementation: str,
        kind: str,
        folder: Path,
        env: dict[str, str],
        before: Sequence[str] = (),
        programs: Path | None = None,
    ) -> None:
        self.implementation, self.kind = implementation, kind
        self.heard: list[str] = []  # what systemd would have received, line by line
        made, log = tempfile.mkstemp(prefix=f"{kind}-{implementation}-", suffix=".log", dir=folder)
        self._log = Path(log)
        notify = self._log.with_suffix(".s")
        self._notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notifications.bind(str(notify))
        threading.Thread(target=self._hear, daemon=True).start()
        self.started_at = time.time_ns() // 1000
        self._process = subprocess.Popen(
            [*before, str((programs or BIN[implementation]) / PROGRAMS[kind])],
            stdin=subprocess.DEVNULL,
            stderr=made,
            env={**environment(**env), "NOTIFY_SOCKET": str(notify), "WATCHDOG_USEC": "2000000"},
        )
        os.close(made)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def log(self) -> str:
        """All it has reported."""
        return self._log.read_text()

    def _hear(self) -> None:
        """As systemd, which takes each notification at once: a program waits until it has."""
        while received := self._notifications.recv(4096):
            self.heard += received.decode().splitlines()

    def wait_ready(self) -> None:
        """It reports itself when it is."""
        until(lambda: "READY=1" in self.heard, f"{self} is ready; its log: {self.log}")

    def reports_of(self, topic: str) -> int:
        """How often it reported that something is wrong."""
        return self.log.count(SAYS[topic][0])

    def story(self, topic: str) -> list[str]:
        """`away`, `back`, and so on. While something is away, another reason may be reported too, but none twice."""
        away, back = SAYS[topic]
        reported: list[str] = []
        reasons: set[str] = set()
        for line in self.log.splitlines():
            if back in line:
                reported.append("back")
                reasons.clear()
            elif away in line:
                reason = line[line.index(away) :]
                assert reason not in reasons, f"reported twice: {line}"
                reported += [] if reasons else ["away"]
                reasons.add(reason)
        return reported

    def is_alive(self) -> bool:
        """It has not ended."""
        return self._process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT and the like."""
        self._process.send_signal(number)

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def wait_stopped(self) -> None:
        """It ends well, and in time."""
        assert self._process.wait(STOPS_WITHIN_S + 1) == 0, self.log

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Ends it, and whoever listened to it."""
        self.kill()
        self._notifications.shutdown(socket.SHUT_RDWR)
        self._notifications.close()

    def __str__(self) -> str:
        return f"{self.kind} in {self.implementation}"
