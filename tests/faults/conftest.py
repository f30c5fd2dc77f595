"""Starts all faults that were asked for at once, a few at a time; the tests wait for what came of them."""

import os
import secrets
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from tests.live.extractor import BIN, PROGRAMS

from .campaign import Result
from .runner import Runner

SEED = int(os.environ.get("FAULTS_SEED") or secrets.randbelow(100_000))
JOBS = int(os.environ.get("FAULTS_JOBS") or 2 * (os.cpu_count() or 1))

Results = dict[tuple[str, str], "Future[Result]"]


def pytest_report_header() -> str:
    """How to repeat a run."""
    return f"faults: FAULTS_SEED={SEED} FAULTS_JOBS={JOBS}, programs in {', '.join(map(str, BIN.values()))}"


@pytest.fixture(scope="session")
def results(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """What comes of each fault that some test asks for."""
    missing = [
        str(folder / name) for folder in BIN.values() for name in PROGRAMS.values() if not (folder / name).exists()
    ]
    assert not missing, f"type scripts/build first: no {', '.join(missing)}"
    asked = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    pairs = dict.fromkeys((one["fault"], one["implementation"]) for one in asked if "fault" in one)
    runner = Runner(Path(tmp_path_factory.mktemp("influxd")), JOBS)
    yield {pair: runner.pool.submit(runner.run, *pair, SEED) for pair in pairs}
    runner.close()
