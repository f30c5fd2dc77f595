"""The spool on a real disk: names, bytes and modes, and what is done with whatever else is found there."""

import errno
import os
from pathlib import Path

import pytest

from seclyzer_extractors import logs, rejected, spool
from seclyzer_extractors.disk import Disk
from seclyzer_extractors.rejected import Rejected
from seclyzer_extractors.spool import Spool

MIB = 1_048_576
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    logs.setup("info", "logfmt")


@pytest.fixture
def held(tmp_path: Path) -> Spool:
    return Spool(str(tmp_path), MIB)


class SickDisk(Disk):
    """A disk where the calls that are `sick` fail, each with this error."""

    def __init__(self, *sick: str, number: int = errno.ENOSPC) -> None:
        self.sick, self.number = set(sick), number

    def _call(self, name: str) -> None:
        if name in self.sick:
            raise OSError(self.number, os.strerror(self.number))

    def read(self, file: int, size: int) -> bytes:
        self._call("read")
        return super().read(file, size)

    def write(self, file: int, data: bytes) -> int:
        if "write" in self.sick:
            super().write(file, data[: len(data) // 2])
        self._call("write")
        return super().write(file, data)

    def fsync(self, file: int) -> None:
        self._call("fsync")

    def fdatasync(self, file: int) -> None:
        self._call("fdatasync")

    def ftruncate(self, file: int, size: int) -> None:
        self._call("ftruncate")
        super().ftruncate(file, size)

    def unlink(self, path: str) -> None:
        self._call("unlink")
        super().unlink(path)


def found(state_dir: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((state_dir / "spool").iterdir()) if path.is_file()}


def reopened(held: Spool, state_dir: Path, disk: Disk | None = None) -> Spool:
    """As a new process finds it."""
    held.close()
    again = Spool(str(state_dir), MIB, disk)
    again.open(0.0)
    return again


def name(number: int) -> str:
    return f"{number:020d}.lp"


def fill(state_dir: Path, **segments: bytes) -> None:
    (state_dir / "spool").mkdir(exist_ok=True)
    for key, data in segments.items():
        (state_dir / "spool" / name(int(key[1:]))).write_bytes(data)


def drained(held: Spool) -> list[list[bytes]]:
    """All that it gives, as if InfluxDB answered."""
    came = []
    while (segment := held.oldest()) is not None:
        came.append(segment[1])
        held.settled(segment[0], len(segment[1]))
        held.remove(segment[0])
    return came


def test_segments_are_plain_lines_in_files_of_the_owner_alone(held: Spool, tmp_path: Path) -> None:
    held.open(0.0)
    assert not (tmp_path / "spool").exists()  # made when first needed
    assert held.append([b"m a=1 1", "m,t=ä a=2 2".encode()], 0.0) == 2
    assert held.append([b"m a=3 3"], 0.0) == 1
    assert found(tmp_path) == {"00000000000000000001.lp": "m a=1 1\nm,t=ä a=2 2\nm a=3 3\n".encode()}
    assert oct((tmp_path / "spool").stat().st_mode)[-3:] == "700"
    assert oct((tmp_path / "spool" / name(1)).stat().st_mode)[-3:] == "600"
    assert held.bytes == (tmp_path / "spool" / name(1)).stat().st_size


def test_a_segment_takes_256_kib_and_no_more(held: Spool, tmp_path: Path) -> None:
    line = b"x" * 1023
    assert held.append([line] * 600, 0.0) == 600
    assert [len(data) for data in found(tmp_path).values()] == [262_144, 262_144, 88 * 1024]
    assert held.append([b"y" * 1024], 0.0) == 1
    assert held.append([b"z" * (spool.SEGMENT_BYTES + 5)], 0.0) == 1  # too long for any: one of its own
    assert [len(data) for data in found(tmp_path).values()][2:] == [88 * 1024 + 1025, spool.SEGMENT_BYTES + 6]


def test_what_is_taken_to_be_sent_is_not_appended_to_any_more(held: Spool, tmp_path: Path) -> None:
    held.append([b"a", b"b"], 0.0)
    assert held.oldest() == (1, [b"a", b"b"])
    held.append([b"c"], 0.0)
    assert found(tmp_path) == {name(1): b"a\nb\n", name(2): b"c\n"}
    assert drained(held) == [[b"a", b"b"], [b"c"]]
    assert (held.empty, held.bytes, found(tmp_path)) == (True, 0, {})
    held.append([b"d"], 0.0)
    assert list(found(tmp_path)) == [name(3)]  # numbers rise though all had gone


def test_a_new_process_begins_a_new_segment(held: Spool, tmp_path: Path) -> None:
    held.append([b"a"], 0.0)
    again = reopened(held, tmp_path)
    assert again.bytes == 2 and not again.empty
    again.append([b"b"], 0.0)
    assert found(tmp_path) == {name(1): b"a\n", name(2): b"b\n"}


def test_a_torn_line_is_cut_and_a_segment_of_nothing_else_is_not_sent(held: Spool, tmp_path: Path) -> None:
    fill(tmp_path, n1=b"", n3=b"torn", n4=b"a\nb\n\ntorn", n7=b"\n\n")
    held.open(0.0)
    assert drained(held) == [[b"a", b"b"]]
    assert found(tmp_path) == {}


def test_whatever_bytes_stand_there_are_handed_out_as_they_are(held: Spool, tmp_path: Path) -> None:
    junk = [b"\xff\xfe\x00", b"\r", b"x" * 300_000, b"\x00" * 50]
    fill(tmp_path, n1=b"".join(line + b"\n" for line in junk))
    held.open(0.0)
    assert held.oldest() == (1, junk)


def test_other_names_are_left_alone(held: Spool, tmp_path: Path) -> None:
    fill(tmp_path, n0=b"zero\n", n5=b"a\n")
    folder = tmp_path / "spool"
    others = [
        "1.lp",
        f"{name(6)}.new",
        "notes",
        "\u0660" * 20 + ".lp",
        "18446744073709551616.lp",
        "99999999999999999999.lp",
    ]
    for other in others:
        (folder / other).write_bytes(b"other\n")
    (folder / name(8)).mkdir()
    (folder / name(9)).symlink_to("notes")
    held.open(0.0)
    assert held.bytes == 2
    assert drained(held) == [[b"a"]]
    assert sorted(found(tmp_path)) == sorted([*others, name(0), name(9)])
    held.append([b"b"], 0.0)
    held.append([b"c"], 0.0)
    assert found(tmp_path)[name(6)] == b"b\nc\n"


def test_a_name_that_is_taken_is_passed_over(held: Spool, tmp_path: Path) -> None:
    fill(tmp_path)
    held.open(0.0)
    fill(tmp_path, n1=b"somebody's\n")
    (tmp_path / "spool" / name(2)).mkdir()
    held.append([b"a"], 0.0)
    assert found(tmp_path) == {name(1): b"somebody's\n", name(3): b"a\n"}


def test_the_last_number_is_an_end_and_no_crash(held: Spool, tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n18446744073709551614=b"a\n")
    held.open(0.0)
    assert held.append([b"b"], 0.0) == 1
    assert held.append([b"x" * spool.SEGMENT_BYTES], 0.0) == 0
    assert "the spool cannot be written" in capsys.readouterr().err
    assert drained(held) == [[b"a"], [b"b"]]


@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_an_append_that_fails_is_taken_back_and_said_once(tmp_path: Path, call: str, capsys: Capture) -> None:
    disk = SickDisk()
    held = Spool(str(tmp_path), MIB, disk)
    assert held.append([b"a"], 0.0) == 1
    disk.sick = {call}
    assert held.append([b"lost", b"too"], 5.0) == 0
    assert (found(tmp_path), held.bytes, held.retry_at) == ({name(1): b"a\n"}, 2, 15.0)
    assert held.append([b"lost"], 15.0) == 0
    assert found(tmp_path) == {name(1): b"a\n"}  # what was begun for it is gone
    disk.sick = set()
    assert held.append([b"b"], 25.0) == 1
    assert found(tmp_path) == {name(1): b"a\n", name(3): b"b\n"}
    said = capsys.readouterr().err
    assert said.count('level=error msg="the spool cannot be written" reason="No space left on device"') == 1
    assert said.count("the spool can be written again") == 1
    assert said.count("cannot be") == 1


def test_what_cannot_be_taken_back_is_sealed(tmp_path: Path) -> None:
    disk = SickDisk()
    held = Spool(str(tmp_path), MIB, disk)
    held.append([b"a"], 0.0)
    disk.sick = {"write", "ftruncate"}
    assert held.append([b"bbbb", b"c"], 0.0) == 0
    disk.sick = set()
    held.append([b"bbbb", b"c"], 0.0)
    assert found(tmp_path) == {name(1): b"a\nbbb", name(2): b"bbbb\nc\n"}
    assert held.bytes == sum(map(len, found(tmp_path).values()))
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


def test_a_segment_that_cannot_be_read_is_said_and_passed_over(held: Spool, tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n1=b"a\n", n2=b"y" * (MIB + 1), n3=b"c\n")
    held.open(0.0)
    (tmp_path / "spool" / name(1)).unlink()
    (tmp_path / "spool" / name(1)).symlink_to("nothing")
    assert drained(held) == [[b"c"]]
    assert held.empty and held.bytes == 2 + MIB + 1
    said = capsys.readouterr().err
    assert said.count("a segment of the spool cannot be read") == 2
    assert 'reason="Too many levels of symbolic links"' in said and 'reason="it is larger than 1 MiB"' in said
    assert (tmp_path / "spool" / name(2)).exists()


def test_a_segment_that_cannot_be_read_is_tried_by_the_next_process(tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n1=b"a\n")
    sick = Spool(str(tmp_path), MIB, SickDisk("read", number=errno.EIO))
    sick.open(0.0)
    assert sick.oldest() is None and sick.oldest() is None
    assert capsys.readouterr().err.count('cannot be read" reason="Input/output error"') == 1
    assert drained(reopened(sick, tmp_path)) == [[b"a"]]


def test_a_segment_that_cannot_be_unlinked_is_not_sent_again(tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n1=b"a\n", n2=b"b\n")
    held = Spool(str(tmp_path), MIB, SickDisk("unlink", number=errno.EROFS))
    held.open(0.0)
    assert drained(held) == [[b"a"], [b"b"]]
    said = capsys.readouterr().err
    assert said.count('a segment of the spool cannot be removed" reason="Read-only file system"') == 2
    assert held.empty and held.bytes == 4
    held.append([b"c"], 0.0)
    assert drained(held) == [[b"c"]]


def test_the_oldest_make_room_and_their_whole_lines_are_counted(tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n1=b"a\nb\n" + b"t" * 100, n2=b"c\n" * 1000)
    held = Spool(str(tmp_path), MIB)
    held.open(0.0)
    assert held.append([b"x" * 1023] * 1022, 0.0) == 1022
    assert (held.dropped, held.bytes, next(iter(found(tmp_path)))) == (2, 2000 + 1022 * 1024, name(2))
    assert held.append([b"y"] * 100, 0.0) == 100
    assert (held.dropped, held.bytes <= MIB) == (1002, True)
    came = drained(held)
    assert sum(map(len, came)) == 1122 and found(tmp_path) == {}
    said = capsys.readouterr().err
    assert said.count("the spool is full: the oldest points go") == 1
    assert said.count("the spool is sent") == 1 and "points=1122 dropped=1002" in said


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


def test_a_state_directory_that_is_gone_is_said(tmp_path: Path, capsys: Capture) -> None:
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


def test_a_file_for_refused_lines_that_cannot_be_written_is_said_once(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / rejected.FILE).mkdir()
    aside = Rejected(str(tmp_path))
    for _ in range(3):
        aside.add(b"bad")
    Rejected("").add(b"bad")
    assert capsys.readouterr().err.count('rejected.lp cannot be written" reason="Is a directory"') == 1
