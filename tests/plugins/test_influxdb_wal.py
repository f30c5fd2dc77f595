"""What a full disk or a power cut leaves in InfluxDB's log costs no confirmed point, however often it starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.influx_server import InfluxServer
from tests.plugins.influxd import program, start

wal = program("influxdb_wal")


def entry(content: bytes, kind: int = 1) -> bytes:
    return bytes([kind]) + len(content).to_bytes(4, "big") + content


ENTRIES = st.lists(st.builds(entry, st.binary(max_size=40), st.integers(1, 3)), max_size=6).map(b"".join)


@given(ENTRIES, ENTRIES, st.integers(0, 9), st.binary(min_size=1, max_size=30), st.integers(1, 40))
def test_whole_entries_stay_whatever_gap_and_torn_end_there_are(
    first: bytes, second: bytes, gap: int, torn: bytes, length: int
) -> None:
    end = entry(torn)[: min(length, len(torn) + 4)]
    segment = first + bytes(gap) + second + end
    pieces = wal.whole(segment)
    assert b"".join(segment[start:stop] for start, stop in pieces) == first + second
    assert all(start < stop for start, stop in pieces)


@pytest.mark.parametrize("segment", [b"\x07\x00\x00\x00\x00", entry(b"ab") + b"\xff"])
def test_what_is_no_entry_is_left_as_it_is_and_reported(
    segment: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "b" / "autogen" / "1" / "_00001.wal"
    path.parent.mkdir(parents=True)
    path.write_bytes(segment)
    assert wal.main(str(tmp_path)) == 1
    assert path.read_bytes() == segment and "left as it is, for what stands at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("segment", "left"),
    [
        (entry(b"ab") + entry(b"cd")[:-1], entry(b"ab")),
        (entry(b"ab") + entry(b"cd")[:3], entry(b"ab")),
        (entry(b"ab") + bytes(700) + entry(b"cd"), entry(b"ab") + entry(b"cd")),
        (bytes(12), b""),
        (entry(b"ab"), entry(b"ab")),
        (b"", b""),
    ],
)
def test_a_segment_has_its_whole_entries_and_its_mode_afterwards(segment: bytes, left: bytes, tmp_path: Path) -> None:
    path = tmp_path / "_00001.wal"
    path.write_bytes(segment)
    path.chmod(0o600)
    assert wal.mend(path) == len(segment) - len(left)
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (left, 0o600)
    assert [file.name for file in tmp_path.iterdir()] == ["_00001.wal"]


def test_a_mend_that_was_cut_off_keeps_none_from_its_work(tmp_path: Path) -> None:
    path = tmp_path / "_00001.wal"
    path.write_bytes(entry(b"ab") + bytes(7) + entry(b"cd"))
    (tmp_path / "_00001.wal.part").write_bytes(b"left")
    assert wal.main(str(tmp_path)) == 0
    assert path.read_bytes() == entry(b"ab") + entry(b"cd")
    assert [file.name for file in tmp_path.iterdir()] == ["_00001.wal"]


def segment_of(folder: Path) -> Path:
    """The segment with most in it: that of the bucket which is written to."""
    return max((folder / "engine" / "wal").rglob(wal.SEGMENTS), key=lambda path: path.stat().st_size)


def write(server: InfluxServer, first: int, number: int = 20) -> None:
    for at in range(first, first + number):
        server.write("kept", [f"m v={at} {at + 1}"])


@pytest.fixture
def ended(tmp_path: Path) -> Iterator[InfluxServer]:
    """An influxd that had confirmed points 0 to 19 when it was killed in the middle of a write."""
    server = start(tmp_path)
    try:
        server.add_bucket("kept")
        write(server, 0)
        server.kill()
        with segment_of(tmp_path).open("ab") as segment:
            segment.write(entry(b"x" * 500)[:200])
        yield server
    finally:
        server.kill()


def kept(server: InfluxServer) -> list[int]:
    return sorted(int(point["_value"]) for point in server.points("kept"))


def test_confirmed_points_outlive_a_torn_end_and_the_starts_after_it(ended: InfluxServer, tmp_path: Path) -> None:
    for first in (20, 40):
        assert wal.main(str(tmp_path / "engine" / "wal")) == 0
        ended.start()
        write(ended, first)
        ended.kill()
    assert wal.main(str(tmp_path / "engine" / "wal")) == 0
    ended.start()
    assert kept(ended) == list(range(60))


def test_points_behind_a_gap_that_influxdb_has_left_are_read_again(ended: InfluxServer, tmp_path: Path) -> None:
    ended.start()  # without the mend: it writes behind the torn end
    write(ended, 20)
    ended.kill()
    assert wal.main(str(tmp_path / "engine" / "wal")) == 0
    ended.start()
    assert kept(ended) == list(range(40))
