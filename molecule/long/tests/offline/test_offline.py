"""Edges that reach neither the internet nor names nor the store change their mode and go back, without a bundle."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hostchecks import deployment
from hostchecks.at_work import NO_FAULTS, Account, at_work
from hostchecks.features import KINDS
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, ROOT, hosts, on_every, unplugged
from hostchecks.polling import poll
from hostchecks.rollout import Run, go_back, roll_out

testinfra_hosts = ["ansible://seclyzer_edge"]

TYPED = ("--limit", EDGES, "-e", "seclyzer_release_soak_seconds=10", "-e", '{"seclyzer_release_batches": ["100%"]}')
CHANGE = ("-e", "mode=rust", "-e", "seclyzer_extractors_log_level=debug", "-e", "retry=true")
"""With a setting that no other scenario has: content that a rollback has left is refused on its host."""
NEEDED = ["ansible.cfg", "rollback.yml", "playbooks", "plugins", "roles", "meta", "galaxy.yml"]
"""What of the project a controller has that goes back: nothing that is rolled out, and nothing that makes it."""
CUT_OFF = """
ip route show default > /root/default-route && ip route flush default
cp /etc/resolv.conf /root/resolv.conf && echo 'nameserver 127.0.0.1' > /etc/resolv.conf
cp /etc/hosts /root/hosts && grep -vw store /root/hosts > /etc/hosts
"""
BACK = """
while read -r route; do ip route add $route; done < /root/default-route
cat /root/resolv.conf > /etc/resolv.conf && cat /root/hosts > /etc/hosts
rm /root/default-route /root/resolv.conf /root/hosts
"""
OUTSIDE = "192.0.2.1"
"""An address that no host has."""


@dataclass
class Seen:
    """What the edges reached while they were cut off, the runs, the modes after each, and what came of the work."""

    reached: dict[str, list[str]] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    modes: dict[str, dict[str, str]] = field(default_factory=dict)
    accounts: dict[str, dict[str, Account]] = field(default_factory=dict)
    spools: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)


@contextmanager
def cut_off() -> Iterator[None]:
    """No edge has a route beyond its own network, where the controller is, nor names; no store either."""
    with ExitStack() as stack:
        for edge in hosts(EDGES):
            edge.check_output(CUT_OFF)
            stack.callback(edge.check_output, BACK)
        stack.enter_context(unplugged("store"))
        yield


def reached(edge: Host) -> list[str]:
    """What of the outside an edge reaches; asked so that no packet leaves."""
    asked = {
        "the internet": edge.run("ip route get %s", OUTSIDE).rc,
        "names": edge.run("getent hosts packages.invalid").rc,
        "the store's name": edge.run("getent hosts store").rc,
        "the store": edge.run("bash -c '</dev/tcp/store/8086'").rc,
    }
    return [what for what, status in asked.items() if status == 0]


def without_bundle(folder: Path) -> Path:
    """The project on a controller that has no build."""
    for what in NEEDED:
        if (ROOT / what).is_dir():
            shutil.copytree(ROOT / what, folder / what, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / what, folder / what)
    collection = folder / "collections" / "ansible_collections" / "seclyzer"
    collection.mkdir(parents=True)
    (collection / "edge").symlink_to("../../..")
    return folder


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """A change of mode and the way back, both cut off from everything."""
    assert roll_out(*TYPED, "-e", "mode=hybrid", "-e", "seclyzer_release_shadow_seconds=0").status == 0
    found = Seen()
    with ExitStack() as stack:
        works = {name(edge): stack.enter_context(at_work(edge)) for edge in hosts(EDGES)}

        def look(what: str, run: Run) -> None:
            found.runs[what] = run
            found.modes[what] = on_every(EDGES, lambda edge: str(deployment.manifest(edge)["mode"]))
            on_every(EDGES, lambda edge: works[name(edge)].goes_on())

        on_every(EDGES, lambda edge: works[name(edge)].goes_on())
        with cut_off():
            found.reached = on_every(EDGES, reached)
            look("to rust", roll_out(*TYPED, *CHANGE))
            elsewhere = without_bundle(tmp_path_factory.mktemp("controller"))
            look("back", go_back(*TYPED[:4], project=elsewhere))
        found.accounts = on_every(EDGES, lambda edge: works[name(edge)].account())
    found.spools = on_every(EDGES, _sent)
    yield found


def _sent(edge: Host) -> dict[str, tuple[str, str]]:
    """Of each extractor the bytes that still wait and the points that were dropped, once nothing waits."""
    stats = poll(
        lambda: run_on(edge, "stats", "resp"), lambda now: all(one["spool_bytes"] == "0" for one in now.values()), 120
    )
    return {kind: (one["spool_bytes"], one["points_dropped"]) for kind, one in stats.items()}


def test_the_edges_were_cut_off(seen: Seen, host: Host) -> None:
    assert seen.reached[name(host)] == []


def test_another_mode_needs_no_package_source_no_name_and_no_store(seen: Seen, host: Host) -> None:
    run = seen.runs["to rust"]
    assert run.status == 0, run.text
    assert run.host(name(host))["state"] == "healthy"
    assert seen.modes["to rust"][name(host)] == "rust"
    assert "the store's name store has no address on " in run.text


def test_going_back_needs_no_bundle_either(seen: Seen, host: Host) -> None:
    run = seen.runs["back"]
    assert run.status == 0, run.text
    assert run.host(name(host))["state"] == "healthy"
    assert seen.modes["back"][name(host)] == "hybrid"


@pytest.mark.parametrize("kind", KINDS)
def test_no_output_is_lost_doubled_or_another_and_every_point_is_stored(seen: Seen, host: Host, kind: str) -> None:
    account = seen.accounts[name(host)][kind]
    assert len(account.expected) >= 10
    assert account.faults == NO_FAULTS, account
    assert seen.spools[name(host)][kind] == ("0", "0")
