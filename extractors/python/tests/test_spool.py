"""The spool on a real disk: names, bytes and modes, and what is done with whatever else is found there."""

from pathlib import Path

import pytest
from spool_folder import drained, fill, found, name, reopened

from seclyzer_extractors import spool
from seclyzer_extractors.spool import Spool

Capture = pytest.CaptureFixture[str]


pytestmark = pytest.mark.usefixtures("plain_logs")


def test_segments_are_plain_lines_in_files_of_the_owner_alone(held: Spool, tmp_path: Path) -> None:
    held.open(0.0)
    assert not (tmp_path / "spool").exists()  # made when first needed
    assert held.append([b"m a=1 1", "m,t=ä a=2 2".encode()], 0.0) == 2
    assert held.append([b"m a=3 3"], 0.0) == 1
    assert found(tmp_path) == {"00000000000000000001.lp": "m a=1 1\nm,t=ä a=2 2\nm a=3 3\n".encode()}
    assert oct((tmp_path / "spool").stat().st_mode)[-3:] == "700"
    assert oct((tmp_path / "spool" / name(1)).stat().st_mode)[-3:] == "600"
    assert held.size == (tmp_path / "spool" / name(1)).stat().st_size


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
    assert (held.empty, held.size, found(tmp_path)) == (True, 0, {})
    held.append([b"d"], 0.0)
    assert list(found(tmp_path)) == [name(3)]  # numbers rise though all had gone


def test_the_oldest_point_is_that_of_the_first_segment(held: Spool, tmp_path: Path) -> None:
    held.open(0.0)
    assert held.oldest_ts == 0
    held.append([b"m a=1 11", b"m a=2 22"], 0.0)
    held.append([b"m a=3 33"], 0.0)
    assert held.oldest_ts == 11
    assert held.oldest() == (1, [b"m a=1 11", b"m a=2 22", b"m a=3 33"])
    held.append([b"m a=4 44"], 0.0)
    held.remove(1)
    assert held.oldest_ts == 44
    again = reopened(held, tmp_path)
    assert again.oldest_ts == 0  # not read yet
    assert again.oldest() is not None and again.oldest_ts == 44
    again.remove(2)
    assert again.oldest_ts == 0


def test_a_new_process_begins_a_new_segment(held: Spool, tmp_path: Path) -> None:
    held.append([b"a"], 0.0)
    again = reopened(held, tmp_path)
    assert again.size == 2 and not again.empty
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
    assert held.size == 2
    assert drained(held) == [[b"a"]]
    assert sorted(found(tmp_path)) == sorted([*others, name(0), name(9)])
    held.append([b"b"], 0.0)
    held.append([b"c"], 0.0)
    assert found(tmp_path)[name(6)] == b"b\nc\n"


def test_a_name_that_is_taken_is_passed_over(held: Spool, tmp_path: Path) -> None:
    fill(tmp_path)
    held.open(0.0)
    fill(tmp_path, n1=b"another's\n")
    (tmp_path / "spool" / name(2)).mkdir()
    held.append([b"a"], 0.0)
    assert found(tmp_path) == {name(1): b"another's\n", name(3): b"a\n"}


def test_the_last_number_is_an_end_and_no_crash(held: Spool, tmp_path: Path, capsys: Capture) -> None:
    fill(tmp_path, n18446744073709551614=b"a\n")
    held.open(0.0)
    assert held.append([b"b"], 0.0) == 1
    assert held.append([b"x" * spool.SEGMENT_BYTES], 0.0) == 0
    assert "the disk buffer cannot be written" in capsys.readouterr().err
    assert drained(held) == [[b"a"], [b"b"]]
