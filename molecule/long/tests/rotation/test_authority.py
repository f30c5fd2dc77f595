"""The store's CA is changed while a person works on every edge: both are trusted for a while, no output is lost."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hostchecks.at_work import NO_FAULTS, Account, at_work
from hostchecks.features import KINDS
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, hosts, on_every
from hostchecks.polling import poll
from hostchecks.rollout import Run, started

from lab import pki

testinfra_hosts = ["ansible://seclyzer_edge"]

HERE = "/etc/seclyzer-pki"
"""Where the inventory has the CA on every host (`influxdb_ca_remote`), and the store's certificate and key."""
NEW = "the next CA"
SHOWN = """
import socket, ssl, sys
context = ssl.create_default_context(cafile="/etc/seclyzer/influx-ca.crt")
with socket.create_connection(("store", 8086), 10) as way, context.wrap_socket(way, server_hostname="store") as tls:
    print(dict(part[0] for part in tls.getpeercert()["issuer"])["commonName"])
"""
AUTHORITIES = "grep -c BEGIN /etc/seclyzer/influx-ca.crt"
SINCE = "systemctl show --property=ExecMainStartTimestampMonotonic --value influxdb-gateway seclyzer-agent"


@dataclass
class Seen:
    """After each step: the run; what each edge saw, which is the CA of the certificate that the store shows, by what
    the edge trusts, and how many CAs that is; when the store's units began. And what came of the work.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    shown: dict[str, dict[str, tuple[str, int]]] = field(default_factory=dict)
    began: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, dict[str, Account]] = field(default_factory=dict)
    spooled: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Files:
    """The old CA and the store's old certificate and key, and the new ones, as texts."""

    old: dict[str, str]
    new: dict[str, str]


NAMES = ("ca.crt", "influxdb.crt", "influxdb.key")


def files(folder: Path, store: Host) -> Files:
    """What the store has, and what another CA gives out."""
    old = {one: store.check_output("cat %s", f"{HERE}/{one}") + "\n" for one in NAMES}
    authority, its_key = folder / "ca.crt", folder / "ca.key"
    pki.request(its_key, authority, NEW, pki.CA_EXTENSIONS, pki.CA_DAYS)
    extensions = (*pki.LEAF_EXTENSIONS, f"subjectAltName=DNS:{name(store)}")
    signed = ("-CA", str(authority), "-CAkey", str(its_key))
    certificate, key = folder / "influxdb.crt", folder / "influxdb.key"
    pki.request(key, certificate, name(store), extensions, pki.LEAF_DAYS, signed)
    return Files(old, {one: (folder / one).read_text() for one in NAMES})


def put(host: Host, file: str, text: str) -> None:
    """Another content for a file that keeps its owner and mode."""
    host.check_output("printf %s %s > %s", "%s", text, f"{HERE}/{file}")


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """The three steps of docs/rotation.md, after the second was tried too early; the hosts keep the new CA."""
    (store,) = hosts("seclyzer_store")
    everybody, has = (*hosts(EDGES), store), files(tmp_path_factory.mktemp("ca"), store)
    found = Seen()

    def pair(which: dict[str, str]) -> None:
        for one in NAMES[1:]:
            put(store, one, which[one])

    def trust(text: str) -> None:
        for host in everybody:
            put(host, NAMES[0], text)

    with ExitStack() as stack:
        works = {name(edge): stack.enter_context(at_work(edge)) for edge in hosts(EDGES)}

        def step(what: str) -> None:
            with started("playbooks/rotate.yml", "-e", "rotate=certificates") as run:
                found.runs[what] = run.ended()
            found.shown[what] = on_every(EDGES, _sees)
            found.began[what] = store.check_output(SINCE)
            on_every(EDGES, lambda edge: works[name(edge)].goes_on())

        pair(has.new)
        step("too early")
        pair(has.old)
        trust(has.old[NAMES[0]] + has.new[NAMES[0]])
        step("both")
        pair(has.new)
        step("certificate")
        trust(has.new[NAMES[0]])
        step("new only")
        step("again")
        found.accounts = on_every(EDGES, lambda edge: works[name(edge)].account())
    found.spooled = on_every(EDGES, _all_sent)
    yield found


def _sees(edge: Host) -> tuple[str, int]:
    return edge.check_output("python3 -c %s", SHOWN), int(edge.check_output(AUTHORITIES))


def _all_sent(edge: Host) -> dict[str, tuple[str, str]]:
    """Of each extractor what waits and what was dropped, once nothing waits."""
    stats = poll(
        lambda: run_on(edge, "stats", "resp"), lambda now: all(one["spool_bytes"] == "0" for one in now.values()), 90
    )
    return {kind: (one["spool_bytes"], one["points_dropped"]) for kind, one in stats.items()}


def test_a_certificate_that_edges_do_not_trust_yet_is_refused_and_the_store_goes_on_with_the_one_it_has(
    seen: Seen, host: Host
) -> None:
    run = seen.runs["too early"]
    assert run.status != 0 and "store  NOT ROTATED" in run.text, run.text
    shown, trusted = seen.shown["too early"][name(host)]
    assert shown != NEW and trusted == 1


def test_each_step_ends_well(seen: Seen) -> None:
    assert {what: run.status for what, run in seen.runs.items() if what != "too early"} == dict.fromkeys(
        ("both", "certificate", "new only", "again"), 0
    )


def test_both_are_trusted_before_the_store_shows_the_new_and_the_old_one_goes_last(seen: Seen, host: Host) -> None:
    steps = [seen.shown[what][name(host)] for what in ("both", "certificate", "new only")]
    assert [(shown == NEW, trusted) for shown, trusted in steps] == [(False, 2), (True, 2), (True, 1)]


def test_a_rotation_that_brings_nothing_restarts_nothing(seen: Seen) -> None:
    assert seen.began["again"] == seen.began["new only"]
    assert seen.runs["again"].changed == [], seen.runs["again"].text


@pytest.mark.parametrize("kind", KINDS)
def test_no_output_is_lost_doubled_or_another_and_every_point_is_stored(seen: Seen, host: Host, kind: str) -> None:
    account = seen.accounts[name(host)][kind]
    assert len(account.expected) >= 10
    assert account.faults == NO_FAULTS, account
    assert seen.spooled[name(host)][kind] == ("0", "0")
