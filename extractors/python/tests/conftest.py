"""Servers for the tests that want one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from servers import InfluxStub
from spool_folder import MIB

from seclyzer_extractors import logs
from seclyzer_extractors.spool import Spool
from tests.helpers.redis_server import RedisServer


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path, decoded=False)
    yield server
    server.kill()


@pytest.fixture
def influx() -> Iterator[InfluxStub]:
    stub = InfluxStub()
    yield stub
    stub.close()


@pytest.fixture
def plain_logs() -> None:
    logs.setup("info", "logfmt")


@pytest.fixture
def held(tmp_path: Path) -> Spool:
    return Spool(str(tmp_path), MIB)
