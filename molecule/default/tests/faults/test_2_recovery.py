"""A service that hangs, is restarted or loses Redis comes back by itself."""

import time
from collections.abc import Iterator

import pytest
from hostchecks.features import KINDS
from hostchecks.host import Host, name, run_on
from hostchecks.lab import EDGES, on_every
from hostchecks.polling import poll
from hostchecks.systemd import AGENT, EXTRACTORS, TOGETHER, Properties, main_pids, show, wait_until, wait_until_active

testinfra_hosts = ["ansible://seclyzer_edge"]

UNITS = list(EXTRACTORS.values())
WATCHED = [*UNITS, AGENT]
Seen = dict[str, Properties]


@pytest.fixture(scope="module", autouse=True)
def _leave_no_trace(host: Host) -> Iterator[None]:
    """Starts by hand begin a new count: the next tests ask how often a service restarted itself."""
    yield
    host.check_output(
        f"systemctl stop {' '.join(WATCHED)}; systemctl reset-failed; systemctl start {' '.join(WATCHED)}"
    )


@pytest.fixture(scope="session")
def hung() -> dict[str, tuple[Seen, Seen]]:
    """What systemd showed before and after all watched services of all edges were stopped in their tracks."""

    def hang(edge: Host) -> tuple[Seen, Seen]:
        before = show(edge, WATCHED)
        edge.check_output(f"kill -STOP {' '.join(row['MainPID'] for row in before.values())}")

        def restarted(after: Seen) -> bool:
            return all(after[unit]["MainPID"] not in ("0", before[unit]["MainPID"]) for unit in WATCHED)

        poll(lambda: show(edge, WATCHED), restarted, 75, 2)
        return before, wait_until_active(edge, WATCHED)

    return on_every(EDGES, hang)


@pytest.mark.parametrize("unit", WATCHED)
def test_a_service_that_hangs_is_started_anew(host: Host, hung: dict[str, tuple[Seen, Seen]], unit: str) -> None:
    before, after = (rows[unit] for rows in hung[name(host)])
    assert after["MainPID"] not in ("0", before["MainPID"])
    assert (after["ActiveState"], after["SubState"]) == ("active", "running")
    assert int(after["NRestarts"]) > int(before["NRestarts"])


def test_the_extractors_are_restarted_by_one_name(host: Host) -> None:
    before = main_pids(host, UNITS)
    host.check_output("systemctl restart %s", TOGETHER.removesuffix(".service"))
    after = wait_until_active(host, UNITS)
    assert {unit: int(after[unit]["MainPID"]) not in (0, before[unit]) for unit in UNITS} == dict.fromkeys(UNITS, True)
    assert {row["ActiveState"] for row in after.values()} == {"active"}


def test_the_extractors_are_stopped_and_started_by_one_name(host: Host) -> None:
    host.check_output("systemctl stop %s", TOGETHER)
    stopped = wait_until(host, UNITS, "inactive", 10)
    host.check_output("systemctl start %s", TOGETHER)
    started = wait_until_active(host, UNITS)
    assert {unit: row["ActiveState"] for unit, row in stopped.items()} == dict.fromkeys(UNITS, "inactive")
    assert {unit: row["ActiveState"] for unit, row in started.items()} == dict.fromkeys(UNITS, "active")


@pytest.mark.parametrize("kind", KINDS)
def test_an_extractor_ends_within_5_s_and_well(host: Host, kind: str) -> None:
    unit = EXTRACTORS[kind]
    start = time.monotonic()
    host.check_output("systemctl stop %s", unit)
    took = time.monotonic() - start
    ended = show(host, [unit])[unit]
    host.check_output("systemctl start %s", unit)
    assert took < 6
    assert (ended["Result"], ended["ExecMainStatus"]) == ("success", "0")


def test_extractors_that_lose_redis_go_on_with_it(host: Host) -> None:
    before = main_pids(host, UNITS)
    host.check_output("systemctl restart redis-server")

    def complete(stats: dict[str, dict[str, str]]) -> bool:
        return all(stats.get(kind) for kind in KINDS)

    stats = poll(lambda: run_on(host, "stats", "resp"), complete, 20, 1)
    assert {EXTRACTORS[kind]: int(stats[kind].get("pid", 0)) for kind in KINDS} == before
