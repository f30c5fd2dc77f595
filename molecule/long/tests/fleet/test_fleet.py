"""One bad host stays one bad host: a full disk, a host or the store that is away; and two operators at once."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hostchecks import bad_release, deployment, rollouts
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts, on_every, unplugged
from hostchecks.modules import module
from hostchecks.polling import poll
from hostchecks.rollout import EDGES_ONLY, Run, roll_out, started

testinfra_hosts = ["ansible://localhost?connection=local"]

QUICK = ("-e", "seclyzer_release_soak_seconds=0")
RELEASES = f"{deployment.HOME}/releases"
LEASE = f"{deployment.HOME}/lease.json"
DEPLOYS = (*QUICK, *EDGES_ONLY[2:])
MEANT = ["python", "hybrid"]
"""The mode that each of two operators wants."""
LATER = "20990101T000000Z-bob-0a1b2c"
PLANT = """
import json, sys, time
from pathlib import Path
home, run = Path("/opt/seclyzer"), {"run": sys.argv[1], "by": "bob@elsewhere"}
history = json.loads((home / "history.json").read_text())
history["runs"].append({**run, "at": "", "outcome": "staged", "from": None, "to": None, "why": ""})
(home / "history.json").write_text(json.dumps(history))
(home / "lease.json").write_text(json.dumps({**run, "schema": 1, "since": time.time(), "deadline": time.time() + 900}))
"""
UPROOT = """
import json, sys
from pathlib import Path
home = Path("/opt/seclyzer")
history = json.loads((home / "history.json").read_text())
history["runs"] = [one for one in history["runs"] if one["run"] != sys.argv[1]]
(home / "history.json").write_text(json.dumps(history))
if (home / "lease.json").exists() and json.loads((home / "lease.json").read_text())["run"] == sys.argv[1]:
    (home / "lease.json").unlink()
"""


def modes() -> dict[str, str]:
    """The mode of each edge."""
    return {name(edge): deployment.manifest(edge)["mode"] for edge in hosts(EDGES)}


def begin_in(mode: str) -> None:
    """The edges are in this mode; the test before left them so, unless it failed."""
    if set(modes().values()) != {mode}:
        assert roll_out(*QUICK, *EDGES_ONLY, "-e", f"mode={mode}").status == 0


def states(run: Run) -> dict[str, Any]:
    """The state of each host by the report."""
    return {host: about["state"] for host, about in run.report["hosts"].items()}


def left(run: Run, but: Host) -> str:
    """What became of the hosts but one, for the table."""
    return ", ".join(f"{host} {state}" for host, state in states(run).items() if host != name(but))


@contextmanager
def full_disk(edge: Host) -> Iterator[None]:
    """Releases are on a file system of their own without a free byte; what runs goes on from what lies below."""
    bytes_ = edge.check_output("du -s -B1 %s | cut -f 1", RELEASES)
    size = int(bytes_) + (1 << 20)
    edge.check_output(
        f"cp -a {RELEASES} /root/releases && mount -t tmpfs -o size={size},mode=755 none {RELEASES}"
        f" && cp -a /root/releases/. {RELEASES}/ && rm -r /root/releases"
    )
    try:
        yield
    finally:
        edge.check_output("umount --lazy %s", RELEASES)


def test_a_full_disk_stops_its_host_alone_before_anything_is_sent(tmp_path_factory: pytest.TempPathFactory) -> None:
    begin_in("hybrid")
    another = bad_release.make("another", tmp_path_factory.mktemp("another") / "bundle")
    full, other = hosts(EDGES)
    release = deployment.manifest(full)["release"]
    typed = (*QUICK, "-e", f"seclyzer_bundle={another}", "-e", "mode=rust")
    with full_disk(full):
        run = roll_out(*typed)
        untouched = deployment.manifest(full)["release"] == release
        rollouts.record("a host with a full disk", run, rollouts.cause(run, name(full)), others=left(run, full))
        assert untouched
        assert run.status == 2, run.text
        assert states(run)[name(full)] in ("refused", "failed")
        assert "MiB left, the release needs" in " ".join(run.host(name(full))["cause"])
        assert states(run)[name(other)] == "healthy"
    assert deployment.manifest(full)["release"] == release
    assert modes() == {name(full): "hybrid", name(other): "rust"}
    again = roll_out(*typed, "-e", "only=failed")
    assert again.status == 0, again.text
    assert set(again.report["hosts"]) == {name(full)}
    assert set(modes().values()) == {"rust"}


def test_a_host_that_is_away_is_named_and_taken_again_when_it_is_back() -> None:
    begin_in("rust")
    other, away = hosts(EDGES)
    with unplugged(name(away)):
        run = roll_out(*QUICK, "-e", "mode=python")
    rollouts.record("a host that is away", run, rollouts.cause(run, name(away)), others=left(run, away))
    assert run.status != 0
    assert states(run) == {name(other): "healthy", name(away): "lost", "store": "healthy"}
    assert "when it is back: " in run.host(name(away))["command"]
    assert modes() == {name(other): "python", name(away): "rust"}
    again = roll_out(*QUICK, "-e", "mode=python", "-e", "only=failed")
    assert again.status == 0, again.text
    assert set(again.report["hosts"]) == {name(away)}
    assert set(modes().values()) == {"python"}


def test_while_the_store_is_away_edges_change_with_the_tokens_they_have() -> None:
    begin_in("python")
    with unplugged("store"):
        run = roll_out(*QUICK, "-e", "mode=rust")
    rollouts.record(
        "the store away", run, rollouts.cause(run, "store"), others="edges healthy in rust, by their tokens"
    )
    assert run.status != 0
    assert states(run) == {**{name(edge): "healthy" for edge in hosts(EDGES)}, "store": "lost"}, run.text
    assert set(modes().values()) == {"rust"}


def leases() -> dict[str, str]:
    """The lease that each host has, none is empty."""
    return on_every("all", lambda host: host.run("cat %s", LEASE).stdout)


def outcomes(run: Run) -> set[str]:
    """What the hosts have written down of a run."""
    known = on_every("all", lambda host: {one["run"]: one["outcome"] for one in deployment.history(host)["runs"]})
    return {of_host[run.report["run"]] for of_host in known.values() if run.report["run"] in of_host}


@pytest.mark.parametrize("share", ["all hosts", "one host"])
def test_of_two_operators_at_once_one_goes_on_with_all_its_hosts_and_the_other_changes_none(share: str) -> None:
    begin_in("rust")
    first, second = map(name, hosts(EDGES))
    limits = [f"{first},{second}", f"{second},store"] if share == "one host" else [EDGES, EDGES]
    with ExitStack() as stack:
        typed = [(*DEPLOYS, "--limit", limit, "-e", f"mode={mode}") for limit, mode in zip(limits, MEANT, strict=True)]
        both = [stack.enter_context(started("site.yml", *words)) for words in typed]
        runs = [one.ended() for one in both]
    (gone_on, mode), (refused, _) = sorted(zip(runs, MEANT, strict=True), key=lambda one: one[0].status)
    if share == "all hosts":
        now = f"{', '.join(f'{edge} runs {mode}' for edge, mode in modes().items())}"
        rollouts.record("two operators at once: the first to come", gone_on, now)
        rollouts.record("two operators at once: the other", refused, rollouts.cause(refused, second))
    assert (gone_on.status, refused.status) == (0, 2), [run.text for run in runs]
    assert set(states(gone_on).values()) == {"healthy"}, gone_on.text
    for host in states(refused):
        words = " ".join(refused.host(host)["cause"])
        assert "has a run going on this host since" in words or "and it went on here" in words, refused.text
        assert refused.host(host)["state"] in ("refused", "failed")
    assert modes() == {edge: mode if edge in states(gone_on) else "rust" for edge in (first, second)}
    assert outcomes(refused) <= {"refused"}
    assert set(leases().values()) == {""}


@contextmanager
def had_by_a_later_run(edge: Host) -> Iterator[None]:
    """A run that began in the same moment, whose name is the later, has come first to this host."""
    edge.check_output("python3 -c %s %s", PLANT, LATER)
    try:
        yield
    finally:
        edge.check_output("python3 -c %s %s", UPROOT, LATER)


def test_where_the_later_of_two_runs_came_first_the_earlier_waits_until_it_gives_the_host_back() -> None:
    begin_in("rust")
    had, _ = hosts(EDGES)
    with had_by_a_later_run(had), started("site.yml", *QUICK, *EDGES_ONLY, "-e", "mode=hybrid") as run:
        words = f"{name(had)} waits for the run {LATER} of bob@elsewhere"
        assert poll(lambda: words in run.text() or run.process.poll() is not None, bool, 300)
        assert words in run.text(), run.text()
        assert "hybrid" not in modes().values()
        module(had, "seclyzer.edge.seclyzer_deployment", state="given_back", rollout=LATER, why="the test")
        ended = run.ended()
    assert ended.status == 0, ended.text
    assert set(modes().values()) == {"hybrid"}
