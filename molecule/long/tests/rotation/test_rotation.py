"""Secrets are made anew while a person works on every edge: no output is lost, and who is slow keeps the former one."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from hostchecks.at_work import NO_FAULTS, Account, at_work
from hostchecks.features import KINDS
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, hosts, on_every
from hostchecks.polling import poll
from hostchecks.rollout import Run, started

testinfra_hosts = ["ansible://seclyzer_edge"]

KIND = pytest.mark.parametrize("kind", KINDS)
OWN = ["admin", "agent", "app", "keystroke", "mouse"]
OTHERS = ["collector", "consumer"]
USERS = OWN + OTHERS


@dataclass
class Seen:
    """The runs, the verdicts on each edge's secrets after each, and what came of what was typed meanwhile."""

    runs: list[Run] = field(default_factory=list)
    secrets: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    store: list[dict[str, Any]] = field(default_factory=list)
    accounts: dict[str, dict[str, Account]] = field(default_factory=dict)
    spooled: dict[str, dict[str, str]] = field(default_factory=dict)


def rotate(what: str) -> Run:
    """As it is typed, with all that Ansible can print."""
    with started("playbooks/rotate.yml", "-e", f"rotate={what}", "-vvv", "--diff") as run:
        return run.ended()


def secrets(edge: Host) -> dict[str, Any]:
    found: dict[str, Any] = run_on(edge, "secrets", "resp", step="look", users=USERS)
    return found


@pytest.fixture(scope="session")
def seen() -> Iterator[Seen]:
    """Begun, begun again, and finished."""
    found = Seen()
    edges, (store,) = hosts(EDGES), hosts("seclyzer_store")
    for host in (*edges, store):
        run_on(host, "secrets", "resp", step="keep")
    with ExitStack() as stack:
        works = {name(edge): stack.enter_context(at_work(edge)) for edge in edges}
        on_every(EDGES, lambda edge: works[name(edge)].goes_on())
        for _ in range(2):
            found.runs.append(rotate("redis,store"))
            found.secrets.append(on_every(EDGES, secrets))
            found.store.append(run_on(store, "secrets", "resp", step="look"))
            on_every(EDGES, lambda edge: works[name(edge)].goes_on())
        found.accounts = on_every(EDGES, lambda edge: works[name(edge)].account())
    found.spooled = on_every(EDGES, _all_sent)
    found.runs.append(rotate("finish"))
    found.secrets.append(on_every(EDGES, secrets))
    yield found
    for host in (*edges, store):
        run_on(host, "secrets", "resp", step="forget")


def _all_sent(edge: Host) -> dict[str, str]:
    """How many points each extractor dropped, once nothing waits in a spool."""
    stats = poll(
        lambda: run_on(edge, "stats", "resp"), lambda seen: all(one["spool_bytes"] == "0" for one in seen.values()), 90
    )
    assert {one["spool_bytes"] for one in stats.values()} == {"0"}
    return {kind: one["points_dropped"] for kind, one in stats.items()}


def test_every_run_ends_well_and_names_what_is_left_to_do(seen: Seen) -> None:
    assert [run.status for run in seen.runs] == [0, 0, 0], seen.runs[-1].text
    begun, again, finished = (run.text for run in seen.runs)
    for words in (begun, again):
        assert re.search(r"hand out /etc/seclyzer/credentials/redis-collector of .* to who logs in as collector", words)
        assert "hand out /etc/seclyzer/credentials/influx-read-token of" in words
        assert "then end the former ones: ansible-playbook playbooks/rotate.yml -e rotate=finish" in words
    assert "Redis: former passwords of collector, consumer ended" in finished
    assert "the former token for queries ended" in finished and "hand out" not in finished


@KIND
def test_no_output_is_lost_doubled_or_another(host: Host, seen: Seen, kind: str) -> None:
    account = seen.accounts[name(host)][kind]
    assert len(account.expected) >= 8
    assert account.faults == NO_FAULTS, account
    assert seen.spooled[name(host)][kind] == "0"


def test_our_own_secrets_are_new_each_time_and_the_former_ones_are_not_valid(host: Host, seen: Seen) -> None:
    first, second, _ = (of_hosts[name(host)] for of_hosts in seen.secrets)
    files = [*(f"redis-{user}" for user in OWN), "influx-write-token"]
    for file in files:
        assert len({first["then"][file], first["now"][file], second["now"][file]}) == 3, file
    assert [first["former"][user] for user in OWN] == [False] * len(OWN)
    assert first["new"] == second["new"] == dict.fromkeys(USERS, True)


def test_other_peoples_former_secrets_are_valid_until_they_are_ended_and_made_anew_once(host: Host, seen: Seen) -> None:
    first, second, finished = (of_hosts[name(host)] for of_hosts in seen.secrets)
    for user in OTHERS:
        file = f"redis-{user}"
        assert first["then"][file] != first["now"][file] == second["now"][file] == finished["now"][file]
        assert [seen_then["former"][user] for seen_then in (first, second, finished)] == [True, True, False]
        assert finished["new"][user] is True
    assert seen.store[0]["now"]["influx-read-token"] == seen.store[1]["now"]["influx-read-token"]


def test_the_stores_own_tokens_are_new(seen: Seen) -> None:
    first = seen.store[0]
    for file in (
        "influx-operator-token",
        "influx-backend-read-token",
        "influx-backend-write-token",
        "influx-read-token",
    ):
        assert first["then"][file] != first["now"][file], file


def test_no_secret_and_no_hash_of_one_is_printed(host: Host, seen: Seen) -> None:
    """Whatever Ansible prints is searched for what hashes to a secret."""
    looks = [*(of_hosts[name(host)] for of_hosts in seen.secrets), *seen.store]
    known = {digest for look in looks for when in ("then", "now") for digest in look[when].values()}
    assert len(known) >= 20
    for run in seen.runs:
        words = {*re.findall(r"[A-Za-z0-9_=+/-]{40,}", run.text)}
        assert len(words) > 20, "there is something to search"
        assert not [word for word in words if hashlib.sha256(word.encode()).hexdigest() in known]
        assert not words & known
