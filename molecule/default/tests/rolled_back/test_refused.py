"""Going back is refused, with the host untouched, when the target is damaged or another run has the host."""

import json
import time
from collections.abc import Iterator

import pytest
from hostchecks import deployment
from hostchecks.host import Host
from hostchecks.modules import module
from hostchecks.systemd import EXTRACTORS

testinfra_hosts = ["ansible://seclyzer_edge"]
DEPLOYMENT = "seclyzer.edge.seclyzer_deployment"
LEASE = f"{deployment.HOME}/lease.json"
RUN = "20300101T000000Z-test-0a1b2c"


def seen(host: Host) -> str:
    """What runs, and since when."""
    shown = host.check_output("systemctl show --property=MainPID,ExecMainStartTimestampMonotonic %s", EXTRACTORS["app"])
    return deployment.current(host) + shown


@pytest.fixture
def damaged(host: Host) -> Iterator[int]:
    """The deployment that undoing the last run leads to, with a unit that was changed by hand."""
    known = module(host, DEPLOYMENT, state="status", scope="runs")
    number = int(known["runs"][-1]["from"])
    unit = f"{deployment.HOME}/deployments/{number}/units/{EXTRACTORS['app']}"
    host.check_output("cp -a %s /root/unit && echo MemoryMax=1K >> %s", unit, unit)
    yield number
    host.check_output("cp -a /root/unit %s && rm /root/unit", unit)


def test_a_damaged_deployment_is_not_gone_to(host: Host, damaged: int) -> None:
    before = seen(host)
    for check in (True, False):
        done = module(host, DEPLOYMENT, check, state="previous")
        assert f"deployment {damaged} is damaged" in done["msg"]
    assert seen(host) == before


@pytest.fixture
def leased(host: Host) -> Iterator[None]:
    """Another run is at work on the host."""
    lease = {"schema": 1, "run": RUN, "by": "ann@elsewhere", "since": time.time(), "deadline": time.time() + 600}
    host.check_output("umask 077; printf %%s %s > %s", json.dumps(lease), LEASE)
    yield
    host.check_output("rm -f %s", LEASE)


def test_a_host_that_another_run_has_is_left_alone(host: Host, leased: None) -> None:
    before = seen(host)
    for check in (True, False):
        done = module(host, DEPLOYMENT, check, state="previous", rollout="20300101T000001Z-bob-000000")
        assert "ann@elsewhere has a run going on this host since" in done["msg"]
    assert seen(host) == before
