"""The spool on a disk that is full, broken, read-only or another user's, and at its cap."""

import errno
from pathlib import Path

import pytest
from spool_folder import MIB, SickDisk, drained, fill, found, name, reopened

from seclyzer_extractors.spool import Spool, rejected
from seclyzer_extractors.spool.rejected import Rejected

Capture = pytest.CaptureFixture[str]


pytestmark = pytest.mark.usefixtures("plain_logs")


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_an_append_that_fails_is_taken_back_and_reported_once(tmp_path: Path, call: str, capsys: Capture) -> None:
    disk = SickDisk()
    held = Spool(str(tmp_path), MIB, disk)
    assert held.append([b"a"], 0.0) == 1
    disk.sick = {call}
    assert held.append([b"lost", b"too"], 5.0) == 0
    assert (found(tmp_path), held.size, held.retry_at) == ({name(1): b"a\n"}, 2, 15.0)
    outage = held.outage
    assert (outage.fault, outage.reason, outage.until) == ("unwritable", "No space left on device", 0)
    assert held.append([b"lost"], 15.0) == 0
    assert held.outage == outage and outage.since > 0
    assert found(tmp_path) == {name(1): b"a\n"}  # what was begun for it is gone
    disk.sick = set()
    assert held.append([b"b"], 25.0) == 1
    assert held.outage[:4] == ("", "", "", outage.since) and held.outage.until >= outage.since
    assert found(tmp_path) == {name(1): b"a\n", name(3): b"b\n"}
    reported = capsys.readouterr().err
    assert reported.count('level=error msg="the disk buffer cannot be written" reason="No space left on device"') == 1
    assert reported.count("the disk buffer can be written again") == 1
    assert reported.count("cannot be") == 1


def test_what_cannot_be_taken_back_is_sealed(tmp_path: Path) -> None:
    disk = SickDisk()
    held = Spool(str(tmp_path), MIB, disk)
    held.append([b"a"], 0.0)
    disk.sick = {"write", "ftruncate"}
    assert held.append([b"bbbb", b"c"], 0.0) == 0
    disk.sick = set()
    held.append([b"bbbb", b"c"], 0.0)
    assert found(tmp_path) == {name(1): b"a\nbbb", name(2): b"bbbb\nc\n"}
    assert held.size == sum(map(len, found(tmp_path).values()))
    assert drained(held) == [[b"a"], [b"bbbb", b"c"]]


def test_a_folder_entry_that_cannot_be_synced_is_no_place_for_points(tmp_path: Path) -> None:
    disk = SickDisk()
    held = Spool(str(tmp_path), MIB, disk)
    held.append([b"a"], 0.0)
    held.oldest()
    disk.sick = {"fsync"}
    assert held.append([b"b"], 0.0) == 0
    assert found(tmp_path) == {name(1): b"a\n"}


def test_a_second_process_does_without(held: Spool, tmp_path: Path, capsys: Capture) -> None:
    held.append([b"a"], 0.0)
    other = Spool(str(tmp_path), MIB)
    other.open(0.0)
    assert (other.empty, other.append([b"b"], 0.0), found(tmp_path)) == (True, 0, {name(1): b"a\n"})
    assert capsys.readouterr().err.count('reason="state_dir is used by another process"') == 1
    held.close()
    assert other.append([b"b"], 10.0) == 1
    assert drained(other) == [[b"a"], [b"b"]]


def test_a_segment_that_cannot_be_read_is_logged_and_passed_over(held: Spool, tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n1=b"a\n", n2=b"y" * (MIB + 1), n3=b"c\n")
    held.open(0.0)
    (tmp_path / "spool" / name(1)).unlink()
    (tmp_path / "spool" / name(1)).symlink_to("nothing")
    assert drained(held) == [[b"c"]]
    assert held.empty and held.size == 2 + MIB + 1
    reported = capsys.readouterr().err
    assert reported.count("a segment of the disk buffer cannot be read") == 2
    assert 'reason="Too many levels of symbolic links"' in reported and 'reason="it is larger than 1 MiB"' in reported
    assert (tmp_path / "spool" / name(2)).exists()


def test_a_segment_that_cannot_be_read_is_tried_by_the_next_process(tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n1=b"a\n")
    sick = Spool(str(tmp_path), MIB, SickDisk("read", number=errno.EIO))
    sick.open(0.0)
    assert sick.oldest() is None and sick.oldest() is None
    assert capsys.readouterr().err.count('cannot be read" segment=1 reason="Input/output error"') == 1
    assert drained(reopened(sick, tmp_path)) == [[b"a"]]


def test_a_segment_that_cannot_be_unlinked_is_not_sent_again(tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n1=b"a\n", n2=b"b\n")
    held = Spool(str(tmp_path), MIB, SickDisk("unlink", number=errno.EROFS))
    held.open(0.0)
    assert drained(held) == [[b"a"], [b"b"]]
    reported = capsys.readouterr().err
    for number in (1, 2):
        assert reported.count(f'cannot be removed" segment={number} reason="Read-only file system"') == 1
    assert held.empty and held.size == 4
    held.append([b"c"], 0.0)
    assert drained(held) == [[b"c"]]


def test_the_oldest_make_room_and_their_whole_lines_are_counted(tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n1=b"a\nb\n" + b"t" * 100, n2=b"c\n" * 1000)
    held = Spool(str(tmp_path), MIB)
    held.open(0.0)
    assert held.append([b"x" * 1023] * 1022, 0.0) == 1022
    assert (held.dropped, held.size, next(iter(found(tmp_path)))) == (2, 2000 + 1022 * 1024, name(2))
    assert held.append([b"y"] * 100, 0.0) == 100
    assert (held.dropped, held.size <= MIB) == (1002, True)
    came = drained(held)
    assert sum(map(len, came)) == 1122 and found(tmp_path) == {}
    reported = capsys.readouterr().err
    assert reported.count("the disk buffer is full: the oldest points are dropped") == 1
    assert reported.count("the disk buffer was sent") == 1 and "points=1122 dropped=1002" in reported


def test_when_nothing_can_make_room_points_stay_in_memory(tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n1=b"x" * (MIB - 1) + b"\n")
    held = Spool(str(tmp_path), MIB, SickDisk("unlink", number=errno.EACCES))
    held.open(0.0)
    assert (held.append([b"a"], 0.0), held.dropped) == (0, 0)
    assert 'reason="it is full, and no segment can be removed"' in capsys.readouterr().err


def test_without_a_state_directory_or_with_a_cap_of_0_there_is_none(tmp_path: Path) -> None:
    for held in (Spool("", MIB), Spool(str(tmp_path), 0)):
        held.open(0.0)
        assert not held.usable
    assert list(tmp_path.iterdir()) == []


def test_a_state_directory_that_is_gone_is_reported(tmp_path: Path, capsys: Capture) -> None:
    held = Spool(str(tmp_path / "no"), MIB)
    held.open(0.0)
    assert capsys.readouterr().err == ""
    assert held.append([b"a"], 0.0) == 0
    assert 'reason="No such file or directory"' in capsys.readouterr().err


def test_refused_lines_are_set_aside_up_to_a_mebibyte(tmp_path: Path, capsys: Capture) -> None:
    aside = Rejected(str(tmp_path))
    aside.add(b"bad \xff")
    aside.add(b"worse")
    file = tmp_path / rejected.FILE
    assert file.read_bytes() == b"bad \xff\nworse\n"
    assert oct(file.stat().st_mode)[-3:] == "600"
    for _ in range(200):
        aside.add(b"x" * 9999)
    assert file.stat().st_size == 12 + 104 * 10_000
    aside.add(b"small")
    assert file.read_bytes().endswith(b"x\nsmall\n")
    assert capsys.readouterr().err.count("rejected.lp is full") == 1


def test_a_file_for_refused_lines_that_cannot_be_written_is_reported_once(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / rejected.FILE).mkdir()
    aside = Rejected(str(tmp_path))
    for _ in range(3):
        aside.add(b"bad")
    Rejected("").add(b"bad")
    assert capsys.readouterr().err.count('rejected.lp cannot be written" reason="Is a directory"') == 1
