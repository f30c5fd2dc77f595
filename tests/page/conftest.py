"""One browser and one axe for all tests of the page; a host and its agent for each."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agent_world import STATS, Agent, Host, RedisServer, agents, edge
from fake_systemd import FakeSystemd

from tests.helpers.browser import Browser
from tests.helpers.influx_server import InfluxServer
from tests.page import axe as of_axe


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    with Browser() as started:
        yield started


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    return of_axe.source()


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """A real InfluxDB."""
    server = InfluxServer(Path(tmp_path_factory.mktemp("influxd")))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A fresh Redis."""
    folder = Path(tempfile.mkdtemp(prefix="page-redis-"))
    with RedisServer(folder) as server:
        yield server
    shutil.rmtree(folder)


@pytest.fixture
def systemd(redis_server: RedisServer) -> Iterator[FakeSystemd]:
    """A bus of its own, with a systemd on it."""
    with FakeSystemd(redis_server.folder) as made:
        yield made


@pytest.fixture
def host(tmp_path: Path, redis_server: RedisServer, systemd: FakeSystemd, influx: InfluxServer) -> Host:
    """An edge that is well, with one extractor that has just had events."""
    made = edge(tmp_path, redis_server, systemd)
    made.config["influx_url"] = influx.url
    at = time.time_ns() // 1000
    heartbeat = {"last_event_ts": at, "last_window_ts": at, "influxdb_answered_at": at, "last_id": f"{at // 1000}-0"}
    redis_server.write_stats("keystroke", STATS | heartbeat)
    return made


@pytest.fixture
def start(host: Host) -> Iterator[Callable[..., Agent]]:
    """Start the agent on the host."""
    with agents(host) as run:
        yield run
