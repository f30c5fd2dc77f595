"""Servers for the tests that want one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import InfluxStub, RedisServer


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def influx() -> Iterator[InfluxStub]:
    stub = InfluxStub()
    yield stub
    stub.close()
