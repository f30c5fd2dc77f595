"""A store's certificate that no client would trust is refused before anything changes, in words that help."""

import re
from collections.abc import Iterator

import pytest
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts
from hostchecks.rollout import roll_out

testinfra_hosts = ["ansible://seclyzer_store"]

FOLDER = "/root/attack-certificates"
SELF_SIGNED = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -keyout key.pem -out cert.pem"
    " -subj /CN=store -addext subjectAltName=DNS:store"
)
WORDS = "the server's certificate is a CA certificate (CA:TRUE): issue a server certificate"
LAST_PLAYS = ["Report what every host runs", "Report the hosts that need attention"]


@pytest.fixture
def folder(host: Host) -> Iterator[str]:
    """Empty, and gone afterwards."""
    host.check_output(f"rm -rf {FOLDER} && mkdir -m 0700 {FOLDER}")
    yield FOLDER
    host.check_output(f"rm -rf {FOLDER}")


def test_it_is_refused_and_nothing_changes(host: Host, folder: str) -> None:
    host.check_output(f"cd {folder} && {SELF_SIGNED} 2>&1")
    before = host.check_output("sha256sum /etc/systemd/system/influxdb-gateway.service")
    names = {"influxdb_tls_cert": "cert.pem", "influxdb_tls_key": "key.pem", "influxdb_ca_remote": "cert.pem"}
    typed = [word for option, file in names.items() for word in ("-e", f"{option}={folder}/{file}")]
    run = roll_out(*typed, timeout=180)
    reported = run.text
    assert run.status != 0 and WORDS in reported, reported
    assert re.search("changed=[1-9]", reported) is None, reported
    assert re.findall(r"^PLAY \[(.*)\]", reported, re.MULTILINE)[-2:] == LAST_PLAYS, reported
    # The edges go on without a store that was refused, as far as the CA file that was typed, which they do not have.
    states = {name(edge): "failed" for edge in hosts(EDGES)} | {name(host): "refused"}
    assert {one: about["state"] for one, about in run.report["hosts"].items()} == states, reported
    assert host.check_output("sha256sum /etc/systemd/system/influxdb-gateway.service") == before
