"""sd_notify: READY, WATCHDOG, STATUS and STOPPING, in datagrams to $NOTIFY_SOCKET if that is set."""

import os
import re
import socket
from collections.abc import Mapping

from . import logs, schema

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Notify:
    """Times are monotonic µs."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        self._ping_every = _watchdog_us(environment) // 2
        self._pinged_at = 0
        self._status = ""

    def ready(self) -> None:
        self._send("READY=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")
        self.status(schema.document("log")["status"]["stopping"])

    def status(self, words: str) -> None:
        """Reports what the program does in words, when they have changed."""
        if words != self._status:
            self._status = words
            self._send(f"STATUS={_CONTROL.sub(' ', words)}")

    def alive(self, now: int) -> None:
        """The loop runs: a ping at half of the watchdog's time."""
        if self._ping_every and now - self._pinged_at >= self._ping_every:
            self._pinged_at = now
            self._send("WATCHDOG=1")

    def patience(self, now: int) -> int | None:
        """How long the loop may wait before the next ping; None when there is no watchdog."""
        return max(0, self._pinged_at + self._ping_every - now) if self._ping_every else None

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError as error:
            logs.log("notify_failed", reason=error.strerror)


def _watchdog_us(environment: Mapping[str, str]) -> int:
    pid, us = environment.get("WATCHDOG_PID", ""), environment.get("WATCHDOG_USEC", "")
    meant = not pid or pid == str(os.getpid())
    return int(us) if meant and us.isdecimal() else 0
