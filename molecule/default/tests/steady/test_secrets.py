"""No secret stands where another user, a log, or whoever lists processes could read it."""

import re
from functools import cache

import pytest
from hostchecks.host import Host, name, run_on

testinfra_hosts = ["ansible://seclyzer_edge", "ansible://seclyzer_store"]

KINDS = ["argv", "environment", "units", "journal", "files"]
SECRETS = {
    "seclyzer_edge": {
        *(f"redis-{user}" for user in ("admin", "keystroke", "mouse", "app", "agent", "consumer", "collector")),
        "influx-write-token",
    },
    "seclyzer_store": {
        *(f"influx-{name}-token" for name in ("operator", "read", "backend-read", "backend-write")),
        "influxdb.key",
    },
}


@cache
def _found(host: Host) -> dict[str, list[str]]:
    found: dict[str, list[str]] = run_on(host, "leaks")
    return found


def _group(host: Host) -> str:
    return "seclyzer_store" if name(host) == "store" else "seclyzer_edge"


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in(host: Host, kind: str) -> None:
    assert _found(host)[kind] == []


def test_the_search_would_have_found_one(host: Host) -> None:
    assert sorted(_found(host)["decoys"]) == sorted(KINDS)


def test_the_search_looked_for_every_secret_of_the_host(host: Host) -> None:
    looked_for = {secret for secret in _found(host)["secrets"] if " in " not in secret}
    assert looked_for >= SECRETS[_group(host)]


def test_an_edge_holds_no_token_that_reads(host: Host) -> None:
    tokens = set(host.check_output("ls /etc/seclyzer/credentials").split())
    assert {token for token in tokens if token.startswith("influx")} == {
        secret for secret in SECRETS[_group(host)] if secret.startswith("influx-")
    }


def test_credentials_are_for_root_only(host: Host) -> None:
    listed = host.check_output("stat -c %s /etc/seclyzer/credentials /etc/seclyzer/credentials/*", "%n %U:%G %a")
    found = {line.split()[0].rpartition("/")[2]: tuple(line.split()[1:]) for line in listed.splitlines()}
    folder = found.pop("credentials")
    collector = found.pop("redis-collector", ("root:seclyzer-collector", "640"))
    assert folder[0] == "root:root" and re.fullmatch("7[01][01]", folder[1])
    assert collector == ("root:seclyzer-collector", "640")
    assert found == dict.fromkeys(found, ("root:root", "600"))


def test_an_ordinary_user_reads_no_credential(host: Host) -> None:
    files = host.check_output("ls /etc/seclyzer/credentials/* /run/credentials/*/*").split()
    assert len(files) > 2
    assert host.run(f"runuser -u nobody -- cat {' '.join(files)} 2>/dev/null").stdout == ""
