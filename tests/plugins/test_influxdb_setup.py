"""How InfluxDB is set up once, and what its bucket and tokens are kept like."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.module_utils.influxdb_api import Away, InfluxDB
from plugins.module_utils.influxdb_store import DAY, Store
from plugins.module_utils.layout import Refused
from tests.plugins.influxdb_fake import Fake


@pytest.fixture
def fake() -> Iterator[Fake]:
    fake = Fake()
    yield fake
    fake.stop()


def ensure(fake: Fake, folder: Path, days: int = 30, rotate: bool = False, dry: bool = False) -> Store:
    store = Store(
        InfluxDB(fake.url),
        org="seclyzer",
        bucket="behavioral_data",
        seconds=days * DAY,
        operator_file=folder / "credentials/operator",
        token_files={action: folder / "credentials" / action for action in ("read", "write")},
        dry=dry,
    )
    store.ensure(rotate)
    return store


def secret(folder: Path, name: str) -> str:
    return (folder / "credentials" / name).read_text().strip()


def retention(fake: Fake) -> list[int]:
    return [rule["everySeconds"] for bucket in fake.buckets.values() for rule in bucket["retentionRules"]]


def test_the_first_run_sets_up_with_a_token_made_here(fake: Fake, tmp_path: Path) -> None:
    store = ensure(fake, tmp_path)
    assert store.tokens_changed == ["operator", "read", "write"]
    assert (list(fake.orgs), retention(fake)) == (["seclyzer"], [30 * DAY])
    assert fake.described() == ["seclyzer gateway write", "seclyzer read", "seclyzer's Token"]
    assert len(secret(tmp_path, "operator")) == 64
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "credentials").iterdir()} == {0o600}


def test_one_that_is_another_s_and_was_never_set_up_is_not_set_up_here(fake: Fake, tmp_path: Path) -> None:
    store = Store(InfluxDB(fake.url), "seclyzer", "behavioral_data", DAY, tmp_path / "operator", {}, False, others=True)
    with pytest.raises(Refused, match="is another's and was never set up: set it up first"):
        store.ensure(False)
    assert (list(fake.orgs), list(tmp_path.iterdir())) == ([], [])


def test_the_second_run_does_nothing(fake: Fake, tmp_path: Path) -> None:
    ensure(fake, tmp_path)
    fake.requests.clear()
    store = ensure(fake, tmp_path)
    assert (store.done, store.tokens_changed) == ([], [])
    assert [one for one in fake.requests if not one.startswith("GET")] == ["POST /api/v2/write"], "writes nothing"


@pytest.mark.parametrize("action", ["read", "write"])
def test_the_gateways_tokens_may_do_one_thing_each(fake: Fake, tmp_path: Path, action: str) -> None:
    ensure(fake, tmp_path)
    known = fake.knows(secret(tmp_path, action))
    assert known is not None
    (bucket,) = fake.buckets.values()
    assert known.permissions == [
        {"action": action, "resource": {"type": "buckets", "id": bucket["id"], "orgID": bucket["orgID"]}}
    ]


def test_tokens_by_which_edges_wrote_themselves_are_deleted(fake: Fake, tmp_path: Path) -> None:
    """What a deployment without a gateway had given them lets the bucket be deleted."""
    ensure(fake, tmp_path)
    (bucket,) = fake.buckets.values()
    rights = [{"action": "write", "resource": {"type": "buckets", "id": bucket["id"], "orgID": bucket["orgID"]}}]
    for edge in ("edge1", "edge2"):
        fake._new_token(f"seclyzer edge {edge}", bucket["orgID"], rights)
    assert ensure(fake, tmp_path, dry=True).done == ["2 tokens deleted by which edges wrote to InfluxDB themselves"]
    assert len(fake.described()) == 5
    assert ensure(fake, tmp_path).tokens_changed == []
    assert fake.described() == ["seclyzer gateway write", "seclyzer read", "seclyzer's Token"]


def test_looking_only_sets_nothing_up(fake: Fake, tmp_path: Path) -> None:
    store = ensure(fake, tmp_path, dry=True)
    assert store.done == ["set up with organisation seclyzer and bucket behavioral_data"]
    assert (fake.orgs, list(tmp_path.iterdir())) == ({}, [])


def test_a_setup_that_was_cut_off_goes_on_with_the_token_it_had_written_down(fake: Fake, tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/operator").write_text("written\n")
    ensure(fake, tmp_path)
    assert secret(tmp_path, "operator") == "written"
    assert fake.knows("written")


def test_another_retention_is_corrected(fake: Fake, tmp_path: Path) -> None:
    ensure(fake, tmp_path, days=7)
    assert ensure(fake, tmp_path, days=30, dry=True).done and retention(fake) == [7 * DAY]
    assert ensure(fake, tmp_path).done == ["bucket behavioral_data keeps its points 30 days, not 7"]
    assert retention(fake) == [30 * DAY]
    ensure(fake, tmp_path, days=0)
    assert retention(fake) == []


def test_an_influxdb_with_a_token_of_ours_and_no_bucket_gets_one(fake: Fake, tmp_path: Path) -> None:
    ensure(fake, tmp_path)
    fake.buckets.clear()
    fake.orgs = {"other": "1"}
    assert ensure(fake, tmp_path).tokens_changed == ["read", "write"]
    assert (list(fake.orgs), retention(fake)) == (["other", "seclyzer"], [30 * DAY])


@pytest.mark.parametrize(("token", "why"), [(None, "is not on this host"), ("x", "does not know the token")])
def test_an_influxdb_that_others_set_up_is_left_alone(fake: Fake, tmp_path: Path, token: str | None, why: str) -> None:
    ensure(fake, tmp_path)
    if token is None:
        (tmp_path / "credentials/operator").unlink()
    else:
        (tmp_path / "credentials/operator").write_text(token)
    before = fake.described()
    with pytest.raises(Refused, match=f"was set up before, and it.* {why}.* Put its operator token in"):
        ensure(fake, tmp_path)
    assert fake.described() == before


@pytest.mark.parametrize("action", ["read", "write"])
def test_a_lost_token_is_made_anew_and_the_old_one_deleted(fake: Fake, tmp_path: Path, action: str) -> None:
    ensure(fake, tmp_path)
    old = secret(tmp_path, action)
    (tmp_path / "credentials" / action).write_text("lost\n")
    assert ensure(fake, tmp_path).tokens_changed == [action]
    assert fake.described() == ["seclyzer gateway write", "seclyzer read", "seclyzer's Token"]
    assert fake.knows(secret(tmp_path, action)) and not fake.knows(old)


def test_rotating_replaces_all_tokens(fake: Fake, tmp_path: Path) -> None:
    ensure(fake, tmp_path)
    old = [secret(tmp_path, name) for name in ("operator", "read", "write")]
    rights = fake.authorizations[0].permissions
    assert ensure(fake, tmp_path, rotate=True).tokens_changed == ["operator", "read", "write"]
    assert not any(map(fake.knows, old))
    operator = fake.knows(secret(tmp_path, "operator"))
    assert operator is not None and operator.permissions == rights
    assert fake.described() == ["seclyzer gateway write", "seclyzer read", "seclyzer's Token"]


def test_an_operator_token_that_was_not_made_here_is_not_rotated(fake: Fake, tmp_path: Path) -> None:
    ensure(fake, tmp_path)
    fake.authorizations[0].description = "another's Token"
    with pytest.raises(Refused, match="was not made here and cannot be made anew"):
        ensure(fake, tmp_path, rotate=True)


def test_a_starting_influxdb_is_waited_for(fake: Fake) -> None:
    fake.starting = 2
    InfluxDB(fake.url).wait(10)
    assert fake.requests == ["GET /health"] * 3


def test_waiting_ends_and_says_why(fake: Fake) -> None:
    fake.starting = 99
    with pytest.raises(Away, match="it answers 503"):
        InfluxDB(fake.url).wait(0)
    fake.stop()
    with pytest.raises(Away, match="refused"):
        InfluxDB(fake.url).wait(0)
