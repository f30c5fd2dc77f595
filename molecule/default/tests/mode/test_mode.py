"""Every extractor is the implementation that the mode rolled out last means, on every edge."""

import os
from pathlib import Path

import pytest
from hostchecks import implementations
from hostchecks.features import KINDS
from hostchecks.host import Host
from hostchecks.systemd import Properties

testinfra_hosts = ["ansible://seclyzer_edge"]


def rolled_out() -> str:
    """The mode that must run now, as the step before has recorded it (side_effects/tasks/record_mode.yml).

    By hand, against another lab: SECLYZER_MODE names it.
    """
    recorded = Path(os.environ.get("MOLECULE_EPHEMERAL_DIRECTORY", "/nonexistent")) / "mode"
    return os.environ.get("SECLYZER_MODE") or recorded.read_text().strip()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The mode stands in the name of each test, so that a report shows which one was tested."""
    if "mode" in metafunc.fixturenames:
        metafunc.parametrize("mode", [rolled_out()])


@pytest.mark.parametrize("kind", KINDS)
def test_the_process_is_of_the_implementation_the_mode_means(
    host: Host, units: dict[str, Properties], kind: str, mode: str
) -> None:
    implementations.runs_as_meant(host, units, kind, mode)


def test_the_deployment_names_the_mode(host: Host, mode: str) -> None:
    implementations.is_deployed_as_meant(host, mode)
