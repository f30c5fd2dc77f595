"""A renewed certificate that the agent shows to a Prometheus elsewhere is taken by the next rotation."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts
from hostchecks.rollout import NO_SHADOW, Run, roll_out, started
from hostchecks.systemd import AGENT

from lab import pki

testinfra_hosts = ["ansible://localhost?connection=local"]

FOLDER = "/etc/seclyzer-test-web"
ADDRESS = "127.0.0.1:9485"
WEB = {
    "seclyzer_agent_web_listen": ADDRESS,
    "seclyzer_agent_web_cert": f"{FOLDER}/web.crt",
    "seclyzer_agent_web_key": f"{FOLDER}/web.key",
    "seclyzer_agent_web_users": {"prometheus": "$2b$04$" + "a" * 53},
}
SHOWN = "import ssl; print(ssl.get_server_certificate(('127.0.0.1', 9485)).strip())"
LONG_AGO = "touch --date=2020-01-01 %s"
QUICK = ("--tags", "agent", "-e", "seclyzer_release_soak_seconds=0", *NO_SHADOW)


@dataclass
class Seen:
    """The certificates that were put, in order; which one the agent shows and its process, after each run."""

    put: list[str] = field(default_factory=list)
    shown: dict[str, str] = field(default_factory=dict)
    pids: dict[str, str] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)


def put(edge: Host, folder: Path) -> str:
    """A new certificate and key, whose times are long past as those of a copy can be; the certificate."""
    certificate, key = folder / "web.crt", folder / "web.key"
    pki.request(key, certificate, name(edge), (*pki.LEAF_EXTENSIONS[:3], "subjectAltName=DNS:edge"), pki.LEAF_DAYS)
    edge.check_output("mkdir -p -m 700 %s", FOLDER)
    for file in (certificate, key):
        edge.check_output("printf %s %s > %s", "%s", file.read_text(), f"{FOLDER}/{file.name}")
        edge.check_output(LONG_AGO, f"{FOLDER}/{file.name}")
    return certificate.read_text().strip()


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """One edge, as a site has it that renews the certificate and rotates; without it afterwards, as before."""
    edge, folder, found = hosts(EDGES)[0], tmp_path_factory.mktemp("web"), Seen()
    only = ("--limit", name(edge))

    def look(what: str, run: Run) -> None:
        found.runs[what] = run
        assert run.status == 0, run.text
        found.shown[what] = edge.check_output("python3 -c %s", SHOWN)
        found.pids[what] = edge.check_output("systemctl show --property=MainPID --value %s", AGENT)

    def rotate() -> Run:
        with started("playbooks/rotate.yml", *only, "-e", "rotate=certificates") as run:
            return run.ended()

    found.put.append(put(edge, folder))
    look("rolled out", roll_out(*only, *QUICK, "-e", json.dumps(WEB)))
    look("nothing new", rotate())
    found.put.append(put(edge, folder))
    look("renewed", rotate())
    yield found
    assert roll_out(*only, *QUICK).status == 0
    edge.check_output("rm -r %s", FOLDER)


def test_the_agent_shows_the_renewed_certificate_whatever_its_time_is(seen: Seen) -> None:
    first, second = seen.put
    assert first != second
    assert seen.shown == {"rolled out": first, "nothing new": first, "renewed": second}


def test_only_a_certificate_that_is_another_restarts_the_agent_and_the_report_has_it(seen: Seen) -> None:
    assert seen.pids["rolled out"] == seen.pids["nothing new"] != seen.pids["renewed"]
    assert "restarted one after the other: agent: edge1" in seen.runs["renewed"].text
    assert "restarted one after the other" not in seen.runs["nothing new"].text
