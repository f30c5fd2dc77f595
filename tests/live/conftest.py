"""One influxd for all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.influx_server import InfluxServer

from .extractor import BIN, PROGRAMS
from .world import KINDS

SEED = int(os.environ.get("LIVE_SEED", "1"))


def pytest_report_header() -> str:
    """How to repeat a run."""
    return f"live: LIVE_SEED={SEED}, programs in {', '.join(map(str, BIN.values()))}"


@pytest.fixture(scope="session")
def seed() -> int:
    """Chooses the events."""
    return SEED


@pytest.fixture(scope="session")
def influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxServer]:
    """A real InfluxDB, set up; and the programs are there."""
    missing = [
        str(folder / name) for folder in BIN.values() for name in PROGRAMS.values() if not (folder / name).exists()
    ]
    assert not missing, f"type scripts/build first: no {', '.join(missing)}"
    server = InfluxServer(Path(tmp_path_factory.mktemp("influxd")))
    server.start()
    server.set_up()
    yield server
    server.kill()


@pytest.fixture(params=["python", "rust"])
def implementation(request: pytest.FixtureRequest) -> str:
    """Whose program."""
    return str(request.param)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Of what."""
    return str(request.param)
