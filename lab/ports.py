"""Ports of the loopback."""

import random
import socket
from pathlib import Path

RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST = 10_000


def free_port() -> int:
    """One that is free now, and that no connection going out gets: a server stopped for a while finds it free again."""
    above = int(RANGE.read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(LOWEST, above) if above > LOWEST + 1000 else 0
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
