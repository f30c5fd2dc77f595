"""An ordeal of an edge's way to the store: its proxy killed all the time, the store gone, then at another address."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hostchecks import flow
from hostchecks.features import KINDS, Window
from hostchecks.flow import WAYS, Fed
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, hosts
from hostchecks.polling import poll
from hostchecks.systemd import AGENT, EXTRACTORS, STORE_PROXY

KILLS = "seclyzer-test-kills.service"
# The extractors try again after a pause that has grown to 30 s by then.
FOUND_WITHIN = 75
# The agent asks every 10 s, and believes the second answer.
NOTICED_WITHIN = 60
# Kept alive by systemd alone; no client is notified that it is gone.
KILL = f"while sleep 0.4; do systemctl kill -s KILL {STORE_PROXY}; sleep 0.4; systemctl restart {STORE_PROXY}; done"


@dataclass(frozen=True)
class Moved:
    """What was fed, what the store had of it while it could not be reached and when it was found, what the agent
    reported of InfluxDB meanwhile and when it was back, and what `--check` of an extractor reported after each step.
    """

    fed: Fed
    away: dict[str, list[Window]]
    stored: dict[str, list[Window]]
    while_away: dict[str, str]
    when_found: dict[str, str]
    by_resolver: str
    by_hosts: str
    home: str


def run(edge: Host) -> Moved:
    """The whole of it; the edge is left as it was found."""
    (store,) = hosts("seclyzer_store")
    number = hosts(EDGES).index(edge)
    old = store.check_output("hostname -I").split()[0]
    new = f"{old.rpartition('.')[0]}.{200 + number}"
    addresses = {"old": old, "new": new}
    with _second_address(store, new), _at_home_afterwards(edge, addresses):
        with _proxy_is_killed(edge):
            run_on(edge, "moved", step="away", **addresses)
            fed = flow.feed(edge, WAYS[number % len(WAYS)], seed=number)
            away = {kind: _stored_now(edge, store, fed, kind) for kind in KINDS}
            while_away = poll(lambda: _health(edge), lambda reported: reported["status"] == "warn", NOTICED_WITHIN)
            run_on(edge, "moved", step="by_resolver", **addresses)
            stored = _found(edge, store, fed)
        when_found = poll(lambda: _health(edge), lambda reported: reported["status"] == "pass", NOTICED_WITHIN)
        by_resolver = check(edge)
        run_on(edge, "moved", step="by_hosts", **addresses)
        by_hosts = check(edge)
    return Moved(fed, away, stored, while_away, when_found, by_resolver, by_hosts, check(edge))


def check(edge: Host) -> str:
    """What an extractor's `--check` says of InfluxDB, in the sandbox of its unit."""
    lines: list[str] = run_on(edge, "check", "inside", unit=EXTRACTORS["keystroke"])
    return next((line for line in lines if line.startswith("influxdb: ")), "\n".join(lines))


def _health(edge: Host) -> dict[str, str]:
    """What the agent reports of InfluxDB."""
    report = json.loads(edge.check_output("curl --silent http://127.0.0.1:9484/healthz"))
    entry: dict[str, str] = report["checks"]["influxdb:responseTime"][0]
    return entry


def _stored_now(edge: Host, store: Host, fed: Fed, kind: str) -> list[Window]:
    return flow.stored(store, name(edge), kind, fed.start, 0)


def _found(edge: Host, store: Host, fed: Fed) -> dict[str, list[Window]]:
    """What the store holds once it is all that was published, or when time is up."""

    def complete(stored: dict[str, list[Window]]) -> bool:
        return all(len(stored[kind]) >= len(fed.published[kind]) for kind in KINDS)

    return poll(lambda: flow.gather(edge, store, fed.start, fed.published), complete, FOUND_WITHIN, 0)


@contextmanager
def _second_address(store: Host, address: str) -> Iterator[None]:
    store.check_output("ip address add %s/24 dev eth0", address)
    try:
        yield
    finally:
        store.check_output("ip address del %s/24 dev eth0", address)


@contextmanager
def _proxy_is_killed(edge: Host) -> Iterator[None]:
    edge.check_output("systemd-run --quiet --collect --unit=%s /bin/sh -c %s", KILLS, KILL)
    try:
        yield
    finally:
        edge.check_output("systemctl stop %s", KILLS)


@contextmanager
def _at_home_afterwards(edge: Host, addresses: dict[str, str]) -> Iterator[None]:
    """Also resets systemd's count of the proxy's restarts."""
    try:
        yield
    finally:
        run_on(edge, "moved", step="home", **addresses)
        edge.check_output(f"systemctl reset-failed {STORE_PROXY}; systemctl restart {AGENT}")
