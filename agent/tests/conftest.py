"""Fixtures: a real Redis, a bus with a systemd, a server that hangs, and the agent as a process on its own host."""

from __future__ import annotations

import resource
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from agent_world import STATS, Agent, Host, RedisServer, agents, edge
from fake_systemd import FakeSystemd
from web_access import Way


@pytest.fixture
def stats() -> dict[str, str]:
    """The stats hash of a Rust extractor that is well."""
    return dict(STATS)


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A fresh Redis that persists nothing and has the ACL user `agent`."""
    directory = Path(tempfile.mkdtemp(prefix="agent-redis-"))
    with RedisServer(directory) as server:
        yield server
    shutil.rmtree(directory)


@pytest.fixture
def hanging_port() -> Iterator[int]:
    """The port of a TCP server that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


@pytest.fixture
def systemd(redis_server: RedisServer) -> Iterator[FakeSystemd]:
    """A bus of its own, with a systemd on it that has no units yet."""
    with FakeSystemd(redis_server.folder) as made:  # a path of a socket is short
        yield made


@pytest.fixture
def host(tmp_path: Path, redis_server: RedisServer, systemd: FakeSystemd) -> Host:
    """An edge with one extractor, checks every 0.2 s with rise 2 and fall 2, and no InfluxDB."""
    return edge(tmp_path, redis_server, systemd)


@pytest.fixture
def start(host: Host) -> Iterator[Callable[..., Agent]]:
    """Start the agent on the host; it is ready when this returns, unless `ready=False`."""
    with agents(host) as run:
        yield run


@pytest.fixture
def way(host: Host, tmp_path: Path) -> Way:
    """The host, reached from elsewhere."""
    return Way(host, tmp_path / "web")


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """As many descriptors as this process may have, for tests that open many connections."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
