"""What runs, what one can go back to, the last confirmed ones and the newest bad one stay; bad ones displace none."""

from pathlib import Path

import pytest

from plugins.module_utils import pruning, runs, switching
from plugins.module_utils.history import CONFIRMED, FAILED, History
from plugins.module_utils.layout import Layout
from tests.plugins.hosts import Systemd
from tests.plugins.test_deployments import stage

pytestmark = pytest.mark.usefixtures("fake")


def confirmed(host: Layout, folder: Path, says: str) -> int:
    """A deployment of a release of its own that passed its gate."""
    n = stage(host, folder, says, says)
    switching.switch(host, n, "me")
    runs.concluded(host, n, CONFIRMED, "", "me")
    return n


def prune(host: Layout, keep: int = 3) -> list[int]:
    """The deployments that are left."""
    past = History.load(host)
    pruning.prune(host, past, keep)
    past.save(host)
    left = sorted(History.load(host).records)
    assert left == sorted(int(path.name) for path in host.deployments.iterdir())
    assert {record["release"] for record in past.records.values()} == {path.name for path in host.releases.iterdir()}
    return left


def test_the_last_three_confirmed_ones_stay(host: Layout, tmp_path: Path) -> None:
    for says in "abcdef":
        confirmed(host, tmp_path, says)
    assert prune(host) == [4, 5, 6]


def test_eight_bad_releases_each_undone_push_no_good_one_out(host: Layout, tmp_path: Path, fake: Systemd) -> None:
    for says in "abc":
        confirmed(host, tmp_path, says)
    for says in "12345678":
        n = stage(host, tmp_path, says, says)
        switching.switch(host, n, "me")
        runs.concluded(host, n, FAILED, "", "me", "it hangs")
        switching.switch(host, 3, "me", "returned")
        runs.concluded(host, 3, CONFIRMED, "", "me")
        left = prune(host)
        assert left == [1, 2, 3, n]
    assert History.load(host).state(n) == FAILED


def test_eight_that_were_refused_at_staging_leave_one(host: Layout, tmp_path: Path) -> None:
    confirmed(host, tmp_path, "a")
    for says in "12345678":
        stage(host, tmp_path, says, says)
        prune(host)
    assert prune(host) == [1, 9]


def test_what_undoing_the_run_leads_to_stays_however_old_it_is(host: Layout, tmp_path: Path) -> None:
    for says in "abcde":
        confirmed(host, tmp_path, says)
    past = History.load(host)
    past.began("r", "me", 5)
    past.save(host)
    switching.switch(host, 1, "me", "returned", "r")
    assert prune(host, 2) == [1, 3, 4, 5]


def test_what_is_staged_and_waits_for_its_batch_stays(host: Layout, tmp_path: Path) -> None:
    confirmed(host, tmp_path, "a")
    n = stage(host, tmp_path, "b")
    past = History.load(host)
    past.mark(n, "staged", "me")
    past.save(host)
    assert prune(host) == [1, 2]
