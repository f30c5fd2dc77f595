"""Removes what is not whole from InfluxDB's write-ahead log, before InfluxDB starts: run by influxdb-wal.service.

A full disk or a power cut leaves the beginning of an entry at the end of a segment; its write was never confirmed.
InfluxDB 2 (seen in 2.9.1) opens the segment to write behind that, and only then shortens it (tsm1: `WAL.Open`, then
`CacheLoader.Load`). What it writes from then on stands behind a gap of zeros, at which its next start ends its reading
and shortens the segment again: all points since, which it had confirmed, are gone. So the end is removed before, and so
are gaps that are there already.

A segment is a row of entries: a byte (1 to 3, what it is), four bytes (its length, big-endian), and so many bytes.
"""

import os
import sys
from pathlib import Path

KINDS = range(1, 4)
HEADER = 5
SEGMENTS = "_*.wal"
PART = ".part"


class Strange(Exception):
    """What stands at this place is neither an entry nor a gap."""


def whole(segment: bytes) -> list[tuple[int, int]]:
    """From where to where a segment holds whole entries, one piece for all that stand together. Raises Strange."""
    found: list[tuple[int, int]] = []
    begin = at = 0
    while at < len(segment):
        header = segment[at : at + HEADER]
        if header[0] == 0:
            found.append((begin, at))
            begin = at = len(segment) - len(segment[at:].lstrip(b"\0"))
            continue
        if header[0] not in KINDS:
            raise Strange(str(at))
        end = at + HEADER + int.from_bytes(header[1:], "big")
        if len(header) < HEADER or end > len(segment):
            break
        at = end
    found.append((begin, at))
    return [(start, stop) for start, stop in found if start < stop]


def mend(path: Path) -> int:
    """Leaves whole entries only; how many bytes went. Raises Strange and OSError, and the segment is as it was then."""
    segment = path.read_bytes()
    pieces = whole(segment)
    kept = sum(stop - start for start, stop in pieces)
    if kept == len(segment):
        return 0
    if pieces in ([], [(0, kept)]):
        os.truncate(path, kept)  # takes no space, and there may be none
    else:
        _replace(path, b"".join(segment[start:stop] for start, stop in pieces))
    return len(segment) - kept


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + PART)
    try:
        with part.open("wb") as file:  # over one that a mend left which was cut off
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def main(folder: str) -> int:
    """Mends all segments below a folder; exit status 1 when one was left as it is."""
    left = 0
    for path in sorted(Path(folder).rglob(SEGMENTS)):
        try:
            if gone := mend(path):
                print(f"{path}: {gone} bytes that were not whole entries were removed", file=sys.stderr)
        except Strange as place:
            print(f"{path}: left as it is, for what stands at {place} is no entry", file=sys.stderr)
            left += 1
        except OSError as error:
            print(f"{path}: left as it is: {error.strerror}", file=sys.stderr)
            left += 1
    return int(left > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
