"""One bad host stays one bad host: a full disk, a host or the store that is away; and two operators at once."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hostchecks import bad_release, deployment
from hostchecks.host import Host, name
from hostchecks.lab import EDGES, hosts, unplugged
from hostchecks.rollout import EDGES_ONLY, Run, roll_out, started

testinfra_hosts = ["ansible://localhost?connection=local"]

QUICK = ("-e", "seclyzer_release_soak_seconds=0")
RELEASES = f"{deployment.HOME}/releases"


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
    assert run.status != 0
    assert states(run) == {**{name(edge): "healthy" for edge in hosts(EDGES)}, "store": "lost"}, run.text
    assert set(modes().values()) == {"rust"}


def test_of_two_operators_at_once_each_host_goes_with_one_and_the_other_learns_who_has_it() -> None:
    begin_in("rust")
    meant = ["python", "hybrid"]
    with ExitStack() as stack:
        both = [stack.enter_context(started("site.yml", *QUICK, "-e", f"mode={mode}")) for mode in meant]
        runs = [one.ended() for one in both]
    for edge in hosts(EDGES):
        mode = deployment.manifest(edge)["mode"]
        for number, run in enumerate(runs):
            about = run.host(name(edge))
            if meant[number] == mode:
                assert about["state"] == "healthy", run.text
            else:
                assert about["state"] in ("refused", "failed"), run.text
                assert "has a run going on this host since" in " ".join(about["cause"]), run.text
    # Where both come to a host in the same second, each may have come first to one.
    for run in runs:
        assert (run.status == 0) == (set(states(run).values()) == {"healthy"}), run.text
    assert 2 in [run.status for run in runs]
