"""A store comes back from a backup with every value, or stays as it is: nothing in between."""

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import credentials, files, ledger, store_backup, systemd
from plugins.module_utils.influxdb_api import InfluxDB
from plugins.module_utils.layout import Refused
from plugins.module_utils.selection import Selection
from plugins.module_utils.store_backup import Place, bring_back, look, take
from plugins.modules.influxdb_backup import forget_again
from tests.helpers.influx_server import ORGANISATION, InfluxServer, influxd
from tests.plugins.influxd import DAY, SOME_DAY, lines

BUCKET = "first"


class Store:
    """An influxd as a unit, which systemctl stops and starts."""

    def __init__(self, base: Path) -> None:
        self.calls: list[str] = []
        self.data = base / "data"
        self.data.mkdir()
        self.server = InfluxServer(self.data)
        self.server.log = base / "log"
        self.server.start()
        self.server.set_up()
        operator, reader = base / "influx-operator-token", base / "influx-read-token"
        credentials.keep_secret(operator, self.server.token)
        credentials.keep_secret(reader, "reader")
        self.place = Place(
            influxd(), ORGANISATION, BUCKET, InfluxDB(self.server.url), self.data, base / "backups", "root",
            operator=operator, tokens=(operator, reader),
        )  # fmt: skip

    def systemctl(self, word: str, _: str) -> str:
        self.calls.append(word)
        if word == "stop":
            self.server.end()
        else:
            self.server.begin()
        return ""

    def write(self, user: str, *times: int) -> None:
        self.server.write(BUCKET, [f"{line}000" for ts in times for line in lines(user, "edge1", ts)])

    def values(self) -> list[tuple[Any, ...]]:
        """Every value that is there."""
        rows = self.server.points(BUCKET)
        return sorted((row["_time"], row["_measurement"], row["_field"], row["user_id"], row["_value"]) for row in rows)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    made = Store(tmp_path)
    monkeypatch.setattr(systemd, "systemctl", made.systemctl)
    monkeypatch.setattr(store_backup, "WAIT_SECONDS", 5.0)
    yield made
    made.server.kill()


def test_a_deleted_bucket_comes_back_with_every_value(store: Store) -> None:
    store.write("ann", *range(SOME_DAY, SOME_DAY + 3000, 100))
    store.write("bob", SOME_DAY + DAY)
    before = store.values()
    made = take(store.place)
    archive = Path(made["archive"])
    assert made["points"] == {"keystroke_features": 31, "mouse_features": 31, "app_transitions": 31}
    assert {path.stat().st_mode & 0o777 for path in (archive, archive.with_name(f"{archive.name}.json"))} == {0o600}
    assert store.calls == ["stop", "start"]

    (bucket,) = json.loads(store.server.ask("GET", f"/api/v2/buckets?name={BUCKET}")[1])["buckets"]
    assert store.server.ask("DELETE", f"/api/v2/buckets/{bucket['id']}")[0] == 204
    credentials.keep_secret(store.place.tokens[0], "another's")
    about, counts = bring_back(store.place, archive)
    assert (about.points, store.values()) == (counts, before)
    assert len(before) == 31 * (4 + 4 + 3)
    assert [credentials.read_secret(path) for path in store.place.tokens] == [store.server.token, "reader"]
    assert not store.data.with_name("data.before-restore").exists()
    store.write("ann", SOME_DAY + 2 * DAY)
    assert len(store.values()) > len(before)


def damage(archive: Path) -> None:
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)


def cut(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-512])


def lose_what_it_is(archive: Path) -> None:
    archive.with_name(f"{archive.name}.json").unlink()


def say(archive: Path, **other: Any) -> None:
    beside = archive.with_name(f"{archive.name}.json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | other))


def repack(archive: Path, member: tarfile.TarInfo) -> None:
    """As an attacker would who can write both files."""
    with tarfile.open(archive, "a") as tar:
        tar.addfile(member, io.BytesIO(b"x" * member.size))
    say(archive, sha256=files.sha256(archive), bytes=archive.stat().st_size)


def linked(archive: Path) -> None:
    member = tarfile.TarInfo("data/engine")
    member.type, member.linkname = tarfile.SYMTYPE, "/etc"
    repack(archive, member)


def escaping(archive: Path) -> None:
    member = tarfile.TarInfo("data/../../etc/passwd")
    member.size = 1
    repack(archive, member)


SPOILT: dict[str, tuple[Callable[[Path], None], str]] = {
    "a bit turned": (damage, "is damaged"),
    "cut short": (cut, "is damaged"),
    "nothing says what it is": (lose_what_it_is, "is not there"),
    "of another version": (lambda archive: say(archive, version="v2.7.0"), "install that version"),
    "of another format": (lambda archive: say(archive, format=2), "install that version"),
    "not understood": (lambda archive: say(archive, what="else"), "is damaged"),
    "with a link": (linked, "no backup has"),
    "leaving its folder": (escaping, "no backup has"),
}


def test_an_archive_that_is_not_good_is_refused_before_anything_is_touched(store: Store) -> None:
    store.write("ann", SOME_DAY)
    archive = Path(take(store.place)["archive"])
    before = store.values()
    for spoil, says in SPOILT.values():
        spoilt = archive.with_name("spoilt.tar")
        for suffix in ("", ".json"):
            shutil.copy(f"{archive}{suffix}", f"{spoilt}{suffix}")
        spoil(spoilt)
        for refuses in (look, bring_back):
            with pytest.raises(Refused, match=says):
                refuses(store.place, spoilt)
    assert store.calls == ["stop", "start"]
    assert store.values() == before


def test_what_was_there_comes_back_when_the_restored_one_does_not_come_up(store: Store, tmp_path: Path) -> None:
    store.write("ann", SOME_DAY)
    archive = Path(take(store.place)["archive"])
    store.write("ann", SOME_DAY + DAY)
    before = store.values()
    with tarfile.open(archive) as old, tarfile.open(tmp_path / "new", "w") as new:
        for member in old:
            content = old.extractfile(member) if member.isfile() else None
            if member.name == "data/bolt":
                content, member.size = io.BytesIO(b"\0" * 4096), 4096
            new.addfile(member, content)
    (tmp_path / "new").rename(archive)
    say(archive, sha256=files.sha256(archive), bytes=archive.stat().st_size)
    with pytest.raises(Refused, match="what was there runs again"):
        bring_back(store.place, archive)
    assert store.values() == before
    assert store.calls[2:] == ["stop", "start", "stop", "start"]
    assert not store.data.with_name("data.before-restore").exists()
    assert credentials.read_secret(store.place.operator) == store.server.token


def test_a_backup_that_fails_leaves_a_running_store_and_no_archive(store: Store) -> None:
    (store.data / "link").symlink_to("/etc/shadow")
    with pytest.raises(Refused, match="neither a file nor a folder"):
        take(store.place)
    assert store.calls == ["stop", "start"]
    assert list(store.place.folder.iterdir()) == []
    assert store.values() == []


def test_an_old_state_put_aside_is_not_overwritten(store: Store) -> None:
    archive = Path(take(store.place)["archive"])
    store.data.with_name("data.before-restore").mkdir()
    with pytest.raises(Refused, match="take it away first"):
        bring_back(store.place, archive)


def test_who_was_forgotten_after_a_backup_does_not_come_back_with_it(store: Store, tmp_path: Path) -> None:
    place = tmp_path / "forgotten.jsonl"
    store.write("ann", SOME_DAY)
    store.write("bob", SOME_DAY)
    archive = Path(take(store.place)["archive"])
    chosen, points = Selection(user="ann"), store.place.points()
    ledger.write_down(chosen, points.days(chosen), place)
    points.delete(chosen)
    about, _ = bring_back(store.place, archive)
    assert {row[3] for row in store.values()} == {"ann", "bob"}
    assert forget_again(store.place, about.at, place) == 1
    assert {row[3] for row in store.values()} == {"bob"}
    assert forget_again(replace(store.place), "9999", place) == 0
