"""What systemd is told: READY, WATCHDOG, STATUS, STOPPING, in datagrams to $NOTIFY_SOCKET if that is set."""

import os
import socket
from collections.abc import Mapping

from . import logs


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

    def status(self, words: str) -> None:
        """Tells what the program does in words, when they have changed."""
        if words != self._status:
            self._status = words
            self._send(f"STATUS={' '.join(words.split())}")

    def alive(self, now: int) -> None:
        """The loop runs: a ping at half of the watchdog's time."""
        if self._ping_every and now - self._pinged_at >= self._ping_every:
            self._pinged_at = now
            self._send("WATCHDOG=1")

    def patience(self, now: int) -> int | None:
        """How long the loop may wait before the next ping; None when nobody waits for one."""
        return max(0, self._pinged_at + self._ping_every - now) if self._ping_every else None

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError as error:
            logs.debug("systemd does not listen", error=error)


def _watchdog_us(environment: Mapping[str, str]) -> int:
    pid, us = environment.get("WATCHDOG_PID", ""), environment.get("WATCHDOG_USEC", "")
    meant = not pid or pid == str(os.getpid())
    return int(us) if meant and us.isdecimal() else 0
