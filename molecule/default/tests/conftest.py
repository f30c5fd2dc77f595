"""What all tests share: a host's units asked once, its journal when a test fails, and no test left out in silence."""

from functools import cache

import pytest
from hostchecks.host import Host, name
from hostchecks.session import pytest_configure, pytest_runtest_makereport, pytest_sessionfinish
from hostchecks.systemd import (
    EDGE_SERVICES,
    STORE_PROXY,
    STORE_SERVICES,
    TOGETHER,
    Properties,
    wait_until_active,
)

__all__ = ["pytest_configure", "pytest_runtest_makereport", "pytest_sessionfinish", "units"]


@cache
def _units(host: Host) -> dict[str, Properties]:
    groups = {"store": [*STORE_SERVICES, STORE_PROXY]}
    return wait_until_active(host, groups.get(name(host), [*EDGE_SERVICES, STORE_PROXY, TOGETHER]))


@pytest.fixture
def units(host: Host) -> dict[str, Properties]:
    """Every unit of ours on the host, as `systemctl show` gave them once for the whole session."""
    return _units(host)
