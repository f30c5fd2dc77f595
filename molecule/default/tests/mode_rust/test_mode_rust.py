"""In mode `rust` every extractor is the implementation that the mode means, on every edge."""

import pytest
from witness import deployment, implementations
from witness.host import Host
from witness.systemd import Properties

testinfra_hosts = ["ansible://seclyzer_edge"]

MODE = "rust"
MEANS = {"keystroke": "rust", "mouse": "rust", "app": "rust"}


@pytest.mark.parametrize("kind", MEANS)
def test_the_process_is_of_the_implementation_the_mode_means(
    host: Host, units: dict[str, Properties], kind: str
) -> None:
    assert implementations.running(host, units, kind) == MEANS[kind]


def test_the_deployment_says_so(host: Host) -> None:
    manifest = deployment.manifest(host)
    assert (manifest["mode"], manifest["implementations"]) == (MODE, MEANS)
