"""A support bundle has no secret, no typed text and no application: what is planted is not found in it."""

import io
import json
import os
import stat
import tarfile
from pathlib import Path

import pytest

from command import scrubbing, support_bundle
from command.scrubbing import MASK, Scrubber
from command.support_bundle import Member

SECRET, FORMER = "0123456789abcdef" * 4, "fedcba9876543210" * 4
TITLE = "Divorce lawyer - Firefox"


@pytest.mark.parametrize(
    "line",
    [
        f"msg=refused reason={SECRET}",
        f'{{"advice": "{FORMER}"}}',
        "Authorization: Token Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4==",
        "redis_password: hunter2hunter2",
        "redis://collector:hunter2hunter2@127.0.0.1:6379/0",
        'INFLUX_TOKEN="hunter2hunter2"',
    ],
)
def test_a_secret_is_taken_out_wherever_it_stands(line: str) -> None:
    text = Scrubber([SECRET]).text(line)
    assert MASK in text
    assert not [word for word in (SECRET, FORMER, "hunter2", "Zm9vYmFy") if word in text]


def test_the_names_of_applications_and_of_persons_are_taken_out() -> None:
    text = Scrubber(names=[TITLE, "vi"]).text(f"focus on {TITLE}, vi\nvia service\nuser_id: ann\n  user_id: ann lee\n")
    assert text == f"focus on {MASK}, {MASK}\nvia service\nuser_id: {MASK}\n  user_id: {MASK}\n"


def test_what_tells_of_the_host_stays() -> None:
    line = "seclyzer-keystroke.service is inactive; release 0.1.0-89bd9f7e41d0, /run/redis/redis.sock, 10.0.0.1:80"
    assert Scrubber([SECRET], [TITLE]).text(line) == line


def test_the_names_in_a_saved_state_are_found() -> None:
    state = {
        "schema": 1,
        "current": {"app": TITLE, "since": 5},
        "pending": [{"ts": 1, "app": "mail"}],
        "apps": [["editor", 1, [["mail", 3]], {"13": 2}]],
        "unstored": [[7, "editor", "bank.example"]],
        "dev_mode": False,
    }
    assert {*scrubbing.names_in(state)} == {TITLE, "mail", "editor", "bank.example"}
    patterns = {
        "type": "app_patterns",
        "time_preferences": {"bank.example": {"13": 1.0}},
        "timestamp": "2026-11-29T03:00:00Z",
    }
    assert {*scrubbing.names_in(patterns)} == {"bank.example"}


def test_the_secrets_of_the_host_are_read_where_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "redis-admin").write_text("correct-horse-battery\n")
    (tmp_path / "users.acl").write_text("user admin on >correct-staple-pin ~* +@all\n")
    (tmp_path / "app-state.json").write_text(json.dumps({"apps": [[TITLE, 1]]}))
    monkeypatch.setattr(scrubbing, "SECRETS", (str(tmp_path),))
    monkeypatch.setattr(scrubbing, "APP_STATE", tmp_path / "app-state.json")
    clean = scrubbing.of_host(str(tmp_path / "no-redis.sock"), "")
    assert clean.text(f"a correct-horse-battery b correct-staple-pin c {TITLE} d") == f"a {MASK} b {MASK} c {MASK} d"


def test_a_bundle_is_roots_alone_from_its_first_byte_and_lists_what_is_in_it(tmp_path: Path) -> None:
    os.umask(0o022)
    out = tmp_path / "bundle.tar.gz"
    size = support_bundle.write(out, "seclyzer-support-x", [Member("logs/mouse.txt", "journal of mouse", "a line\n")])
    assert stat.S_IMODE(out.stat().st_mode) == 0o600 and size == out.stat().st_size
    with tarfile.open(fileobj=io.BytesIO(out.read_bytes())) as packed:
        texts = {member.name: packed.extractfile(member).read().decode() for member in packed}  # type: ignore[union-attr]
    assert texts == {
        "seclyzer-support-x/CONTENTS.txt": "logs/mouse.txt  journal of mouse\n",
        "seclyzer-support-x/logs/mouse.txt": "a line\n",
    }


def test_a_bundle_is_never_written_over_or_through_what_is_there(tmp_path: Path) -> None:
    out, link = tmp_path / "there.tar.gz", tmp_path / "link.tar.gz"
    out.write_text("theirs")
    link.symlink_to(tmp_path / "elsewhere")
    for path in (out, link):
        with pytest.raises(FileExistsError):
            support_bundle.write(path, "x", [])
    assert out.read_text() == "theirs" and not (tmp_path / "elsewhere").exists()
