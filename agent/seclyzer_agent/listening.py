"""Where the agent listens: on a socket that systemd has opened for it, or on one of its own."""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

FIRST = 3  # the first descriptor that systemd hands over
VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def inherited(environment: MutableMapping[str, str]) -> socket.socket | None:
    """The listening TCP socket that systemd handed to this process; None when it handed over none.

    What told of it is taken out of `environment`: programs that the agent runs have no such sockets.
    """
    pid, count, _ = (environment.pop(name, "") for name in VARIABLES)
    if pid != str(os.getpid()) or not count.isdecimal():
        return None
    found = [socket.socket(fileno=FIRST + n) for n in range(int(count))]
    for one in found:
        one.set_inheritable(False)
    chosen = next((one for one in found if one.family in (socket.AF_INET, socket.AF_INET6)), None)
    for one in found:
        if one is not chosen:
            one.close()
    return chosen
