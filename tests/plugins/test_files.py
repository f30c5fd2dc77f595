"""Files are written where no other user may write, and owner and mode are never set through a name."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from plugins.module_utils import credentials, files
from plugins.module_utils.layout import Refused

ROUNDS = 400
# Puts a link to the secret in the place of the file, and of the one that is to be renamed, as fast as it can.
ATTACK = """
import os, sys
secret, path = sys.argv[1:]
folder, name = os.path.split(path)
print("ready", flush=True)
while True:
    for place in (path, f"{folder}/.{name}.part"):
        try:
            os.symlink(secret, f"{folder}/.own")
            os.rename(f"{folder}/.own", place)
        except OSError:
            pass
"""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file that only its owner may read."""
    path = tmp_path / "secret"
    path.write_text("what only root knows\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder to write to."""
    (tmp_path / "place").mkdir(mode=0o755)
    return tmp_path / "place"


@contextmanager
def attacked(secret: Path, path: Path) -> Iterator[None]:
    command = [sys.executable, "-c", ATTACK, str(secret), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as attacker:
        assert attacker.stdout is not None
        attacker.stdout.readline()
        try:
            yield
        finally:
            attacker.kill()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_who_swaps_links_meanwhile_gets_no_right_on_what_they_lead_to(secret: Path, place: Path) -> None:
    with attacked(secret, place / "users.acl"):
        for turn in range(ROUNDS):
            with suppress(OSError, Refused):
                credentials.keep(place / "users.acl", f"rules {turn}\n", 0o644, None)
            assert mode(secret) == 0o600, f"readable after {turn + 1} rounds"
    assert secret.read_text() == "what only root knows\n"


@pytest.mark.parametrize("rights", [0o777, 0o1777])
def test_a_folder_that_others_may_write_to_is_refused(place: Path, rights: int) -> None:
    place.chmod(rights)
    with pytest.raises(Refused, match=f"may write to {place}, and could put anything there: .* chmod go-w {place}"):
        credentials.keep(place / "file", "text\n", 0o644)
    assert list(place.iterdir()) == []


def test_a_folder_is_refused_even_when_the_file_in_it_is_as_it_should_be(place: Path) -> None:
    credentials.keep(place / "file", "text\n", 0o644)
    place.chmod(0o777)
    with pytest.raises(Refused, match="chmod go-w"):
        credentials.keep(place / "file", "text\n", 0o644)


def test_a_folder_below_one_that_others_may_write_to_is_refused(place: Path) -> None:
    (place / "below").mkdir()
    place.chmod(0o777)
    with pytest.raises(Refused, match=f"chmod go-w {place}"):
        files.write(place / "below" / "file", "text\n")


def test_a_folder_below_one_like_tmp_is_taken(place: Path) -> None:
    (place / "below").mkdir()
    place.chmod(0o1777)
    files.write(place / "below" / "file", "text\n")
    assert (place / "below" / "file").read_text() == "text\n"


def test_a_folder_behind_a_link_is_looked_at_as_well(place: Path, tmp_path: Path) -> None:
    place.chmod(0o777)
    (tmp_path / "link").symlink_to(place)
    with pytest.raises(Refused, match=f"chmod go-w {place}"):
        files.write(tmp_path / "link" / "file", "text\n")


def test_links_that_go_round_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(Refused, match="goes round in links"):
        files.write(tmp_path / "one" / "file", "text\n")


def test_a_folder_of_another_user_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.geteuid() or 65534
    if os.geteuid():
        monkeypatch.setattr(os, "geteuid", lambda: 0)  # who is not root plays the other user
    else:
        os.chown(place, owner, owner)
    with pytest.raises(Refused, match=f"belongs to user {owner}, .* chown root "):
        files.write(place / "file", "text\n")


def test_a_secret_is_not_read_through_a_link(secret: Path, place: Path) -> None:
    (place / "password").symlink_to(secret)
    with pytest.raises(Refused, match="cannot be read"):
        credentials.read_secret(place / "password")


def test_a_secret_is_no_pipe_that_a_reader_waits_at(place: Path) -> None:
    os.mkfifo(place / "password")
    with pytest.raises(Refused, match="is no file of root's"):
        credentials.read_secret(place / "password")


def test_a_file_has_owner_and_mode_before_it_has_its_name(place: Path) -> None:
    with files.writing(place / "file", 0o640) as stream:
        stream.write(b"text\n")
        assert not (place / "file").exists()
        assert mode(place / ".file.part") == 0o600
    assert (mode(place / "file"), (place / "file").read_text()) == (0o640, "text\n")


def test_what_was_not_written_to_its_end_leaves_nothing(place: Path) -> None:
    with pytest.raises(ZeroDivisionError), files.writing(place / "file") as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert list(place.iterdir()) == []


def test_a_link_at_the_file_is_replaced_and_not_followed(secret: Path, place: Path) -> None:
    (place / "file").symlink_to(secret)
    assert credentials.keep(place / "file", "text\n", 0o644)
    assert not (place / "file").is_symlink()
    assert (mode(secret), secret.read_text()) == (0o600, "what only root knows\n")


def test_a_folder_is_no_link_to_another(place: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").symlink_to(place)
    with pytest.raises(Refused, match="is no folder"):
        credentials.keep_folder(tmp_path / "folder", 0o700)
    assert mode(place) == 0o755


def test_missing_folders_are_made_with_the_mode_asked_for(tmp_path: Path) -> None:
    assert credentials.keep_folder(tmp_path / "a" / "b", 0o711)
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o755, 0o711)
    assert not credentials.keep_folder(tmp_path / "a" / "b", 0o711)


def test_a_lock_is_not_taken_through_a_link(secret: Path, place: Path) -> None:
    (place / ".lock").symlink_to(secret)
    with pytest.raises(OSError), files.locked(place / ".lock"):
        pass
    assert secret.read_text() == "what only root knows\n"


@pytest.fixture(params=[0o022, 0o027, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield int(request.param)
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_modes_are_exact_of_parents_too_whatever_roots_umask_is(tmp_path: Path, umask: int) -> None:
    home = tmp_path / "etc" / "seclyzer"
    assert credentials.keep_folder(home / "credentials", 0o711)
    assert credentials.keep(home / "influx-ca.crt", "text", 0o644)
    modes = {path.name: _mode(path) for path in (home.parent, home, home / "credentials", home / "influx-ca.crt")}
    assert modes == {"etc": 0o755, "seclyzer": 0o755, "credentials": 0o711, "influx-ca.crt": 0o644}


@pytest.mark.parametrize("mode", [0o750, 0o700])
def test_a_folder_of_ours_that_was_closed_is_opened_by_the_next_run(tmp_path: Path, mode: int) -> None:
    home = tmp_path / "seclyzer"
    home.mkdir()
    assert credentials.keep_folder(home / "redis", 0o755)
    home.chmod(mode)
    assert credentials.keep_folder(home / "redis", 0o755, dry=True) and _mode(home) == mode
    assert credentials.keep_folder(home / "redis", 0o755) and _mode(home) == 0o755
    assert not credentials.keep_folder(home / "redis", 0o755)
