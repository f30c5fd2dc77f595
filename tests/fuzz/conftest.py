"""The servers of the live tests; the programs are those of tests.parity and, with servers, of tests.live."""

import os
import secrets

import pytest

from tests.live.conftest import implementation, influx, kind
from tests.parity import implementations

__all__ = ["implementation", "influx", "kind"]

SEED = os.environ.get("FUZZ_SEED") or secrets.token_hex(4)


def pytest_report_header() -> str:
    """How to repeat a run."""
    return f"fuzz: FUZZ_SEED={SEED}, programs in {implementations.PYTHON}, {implementations.RUST}"


@pytest.fixture(scope="session")
def seed() -> str:
    """Chooses the messages."""
    return SEED


@pytest.fixture(scope="session", autouse=True)
def programs_are_there() -> None:
    """Nothing is tested without them."""
    absent = implementations.missing()
    assert not absent, f"type scripts/build first; missing: {', '.join(absent)}"
