"""How an edge comes to a token that may write and nothing else, and a CA it can trust."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from plugins.module_utils.influxdb_api import InfluxDB, keep_ca, read_ca
from plugins.module_utils.layout import Refused
from plugins.modules.influxdb_access import Access
from plugins.modules.influxdb_token import make
from tests.plugins.influxdb_fake import Fake

OPERATOR = "operator"


@pytest.fixture
def fake() -> Iterator[Fake]:
    """An InfluxDB that was set up."""
    fake = Fake()
    wish = {"username": "seclyzer", "org": "seclyzer", "bucket": "behavioral_data"}
    fake.answer("POST", "/api/v2/setup", "", {}, {**wish, "retentionPeriodSeconds": 0, "token": OPERATOR})
    yield fake
    fake.stop()


@pytest.fixture
def access(fake: Fake, tmp_path: Path) -> Access:
    return Access(InfluxDB(fake.url), "seclyzer", "behavioral_data", tmp_path / "credentials/token", dry=False)


def token(fake: Fake, edge: str = "edge1") -> str:
    made, _ = make(InfluxDB(fake.url), OPERATOR, "seclyzer", "behavioral_data", f"seclyzer edge {edge}")
    return made


def test_an_edges_token_may_write_to_the_bucket_and_nothing_else(fake: Fake) -> None:
    known = fake.knows(token(fake))
    (bucket,) = fake.buckets.values()
    right = {"action": "write", "resource": {"type": "buckets", "id": bucket["id"], "orgID": bucket["orgID"]}}
    assert known is not None and known.permissions == [right]


def test_a_new_token_replaces_the_edges_old_one_and_no_others(fake: Fake) -> None:
    old, other = token(fake), token(fake, "edge2")
    new = token(fake)
    assert [bool(fake.knows(one)) for one in (old, other, new)] == [False, True, True]
    assert fake.described() == ["seclyzer edge edge1", "seclyzer edge edge2", "seclyzer's Token"]


@pytest.mark.parametrize(
    ("operator", "bucket"), [(None, "behavioral_data"), ("x", "behavioral_data"), (OPERATOR, "no")]
)
def test_a_store_that_cannot_make_a_token_says_what_to_do(fake: Fake, operator: str | None, bucket: str) -> None:
    with pytest.raises(Refused, match="run the role influxdb on it first"):
        make(InfluxDB(fake.url), operator, "seclyzer", bucket, "seclyzer edge edge1")


def test_an_edge_takes_a_token_that_the_store_knows(fake: Fake, access: Access) -> None:
    assert access.look() == (False, "missing")
    new = token(fake)
    assert access.take(new) == (True, "good")
    assert access.token_file.read_text() == f"{new}\n"
    assert access.token_file.stat().st_mode & 0o777 == 0o600
    assert access.look() == (False, "good")


def test_a_token_that_the_store_does_not_know_is_not_written_down(access: Access) -> None:
    with pytest.raises(Refused, match="answers 401 to a token just made"):
        access.take("nonsense")
    assert not access.token_file.exists()


def test_a_token_that_the_store_has_forgotten_or_that_may_not_write_is_refused(fake: Fake, access: Access) -> None:
    access.take(token(fake))
    token(fake)
    assert access.look() == (False, "refused")
    fake.authorizations[-1].permissions[0]["action"] = "read"
    access.token_file.write_text(token(fake))
    fake.authorizations[-1].permissions[0]["action"] = "read"
    assert access.look()[1] == "refused"


def test_a_token_that_others_could_read_is_closed(fake: Fake, access: Access) -> None:
    access.take(token(fake))
    access.token_file.chmod(0o644)
    assert replace(access, dry=True).look() == (True, "good")
    assert access.look() == (True, "good")
    assert access.token_file.stat().st_mode & 0o777 == 0o600


def test_a_store_that_is_away_or_still_starting_is_named(fake: Fake, access: Access) -> None:
    access.take(token(fake))
    fake.starting = 1
    with pytest.raises(Refused, match="does not answer this host: it answers 503"):
        access.look()
    fake.stop()
    with pytest.raises(Refused, match=f"InfluxDB at {fake.url} does not answer this host: .*refused"):
        access.look()


def test_looking_only_never_fails_for_a_store_that_is_not_there_yet(fake: Fake, access: Access) -> None:
    fake.stop()
    look = replace(access, dry=True)
    assert look.look() == (True, "missing")
    access.token_file.parent.mkdir()
    access.token_file.write_text("x")
    assert look.look() == (True, "unknown")


def test_a_ca_is_put_where_it_was_not_or_differs(tmp_path: Path) -> None:
    path = tmp_path / "etc/ca.crt"
    assert keep_ca(path, "one\n", dry=True) and not path.exists()
    assert keep_ca(path, "one\n", dry=False) and path.read_text() == "one\n"
    assert not keep_ca(path, "one\n", dry=False)
    assert keep_ca(path, "two\n", dry=False) and path.read_text() == "two\n"
    assert not keep_ca(path, "", dry=False)


def test_a_ca_comes_from_a_text_or_a_file_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("remote")
    assert read_ca("", str(tmp_path / "ca.crt")) == "remote\n"
    assert read_ca("text\n\n", str(tmp_path / "ca.crt")) == "text\n"
    assert read_ca("", "") == ""
    with pytest.raises(Refused, match="influxdb_ca_remote names /nope"):
        read_ca("", "/nope")


def test_a_ca_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match="the CA for https://store:8086 cannot be read"):
        InfluxDB("https://store:8086", "nonsense\n")
