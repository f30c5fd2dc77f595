"""Of an InfluxDB that is another's only what SecLyzer made goes: tokens, and with the data bucket and organisation."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from plugins.module_utils import existing, removal_influxdb
from plugins.module_utils.influxdb_api import InfluxDB
from plugins.module_utils.influxdb_store import DAY, Store
from plugins.module_utils.layout import Refused
from plugins.module_utils.removal_influxdb import BUCKET, ORGANISATION, Place, made
from tests.helpers.influx_server import InfluxServer
from tests.plugins.influxd import influxd as influxd

ORG, POINTS = "of seclyzer", "points"


@pytest.fixture
def place(influxd: InfluxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Place, list[str]]]:
    """Another's InfluxDB in which the role has made all it needs, and what it wrote down of that."""
    operator = tmp_path / "credentials" / "operator"
    operator.parent.mkdir()
    operator.write_text(f"{influxd.token}\n")
    monkeypatch.setattr(existing, "TOKEN", operator)
    recorded: list[str] = []
    files = {action: tmp_path / "credentials" / action for action in ("read", "write")}
    there = InfluxDB(influxd.url)
    store = Store(there, ORG, POINTS, DAY, operator, files, False, True, note=recorded.append)
    store.ensure(False)
    yield Place(influxd.url, ORG, POINTS), recorded
    removal_influxdb.remove(Place(influxd.url, ORG, POINTS), [made(BUCKET, POINTS), made(ORGANISATION, ORG)], True)


def names(influxd: InfluxServer, what: str) -> set[str]:
    """The names of its buckets or organisations, or the descriptions of its tokens."""
    found = InfluxDB(influxd.url).must("GET", f"/api/v2/{what}", influxd.token)[what]
    return {str(one.get("name") or one.get("description")) for one in found}


def test_what_is_made_is_written_down(place: tuple[Place, list[str]]) -> None:
    assert place[1] == ["organisation of seclyzer", "bucket points"]


def test_its_tokens_go_and_the_bucket_stays_with_its_points(
    place: tuple[Place, list[str]], influxd: InfluxServer
) -> None:
    going, stays = removal_influxdb.steps(*place, False)
    assert len(going) == 2 and stays == [f"the bucket points of the organisation of seclyzer at {influxd.url}"]
    removal_influxdb.remove(*place, False)
    assert names(influxd, "authorizations") == {"live's Token"}
    assert POINTS in names(influxd, "buckets")
    assert removal_influxdb.steps(*place, False)[0] == []


def test_with_the_data_bucket_and_organisation_go_and_those_of_another_stay(
    place: tuple[Place, list[str]], influxd: InfluxServer
) -> None:
    removal_influxdb.remove(*place, True)
    assert POINTS not in names(influxd, "buckets") and "first" in names(influxd, "buckets")
    assert ORG not in names(influxd, "orgs") and len(names(influxd, "orgs")) == 1


@pytest.mark.parametrize("recorded", [[], [made(ORGANISATION, ORG)]])
def test_a_bucket_that_was_there_before_stays_with_its_points(
    place: tuple[Place, list[str]], influxd: InfluxServer, recorded: list[str]
) -> None:
    removal_influxdb.remove(place[0], recorded, True)
    assert POINTS in names(influxd, "buckets") and ORG in names(influxd, "orgs")


def test_an_organisation_in_which_another_made_a_bucket_stays(
    place: tuple[Place, list[str]], influxd: InfluxServer
) -> None:
    there = InfluxDB(influxd.url)
    bucket = there.bucket(influxd.token, ORG, POINTS)
    assert bucket is not None
    theirs = there.must("POST", "/api/v2/buckets", influxd.token, {"orgID": bucket.org_id, "name": "theirs"})
    removal_influxdb.remove(*place, True)
    assert "theirs" in names(influxd, "buckets") and ORG in names(influxd, "orgs")
    there.must("DELETE", f"/api/v2/buckets/{theirs['id']}", influxd.token)
    there.must("DELETE", f"/api/v2/orgs/{bucket.org_id}", influxd.token)


def test_one_that_does_not_answer_refuses_the_removal(
    place: tuple[Place, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(InfluxDB, "wait", lambda self, seconds: InfluxDB.call(self, "GET", "/health"))
    with pytest.raises(Refused, match=r"does not answer .* start it, and run remove\.yml again"):
        removal_influxdb.steps(Place("http://127.0.0.1:9", ORG, POINTS), [], False)


def test_without_the_operator_s_token_its_tokens_cannot_go(
    place: tuple[Place, list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as gone:
        gone.setattr(existing, "TOKEN", tmp_path / "credentials" / "none")
        with pytest.raises(Refused, match="is gone, and SecLyzer's tokens"):
            removal_influxdb.steps(*place, False)
