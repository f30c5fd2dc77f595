"""In mode `python` every extractor is the implementation that the mode means, on every edge."""

import pytest
from witness import implementations
from witness.features import KINDS
from witness.host import Host
from witness.systemd import Properties

testinfra_hosts = ["ansible://seclyzer_edge"]

MODE = "python"


@pytest.mark.parametrize("kind", KINDS)
def test_the_process_is_of_the_implementation_the_mode_means(
    host: Host, units: dict[str, Properties], kind: str
) -> None:
    implementations.runs_as_meant(host, units, kind, MODE)


def test_the_deployment_says_so(host: Host) -> None:
    implementations.is_deployed_as_meant(host, MODE)
