"""InfluxDB's state as one archive, taken and brought back while it is stopped.

A cold copy holds all there is, points, tokens and settings, as they were at one moment, and needs nothing of InfluxDB's
to be made or read. Edges keep what they make meanwhile in their spools. The archive holds tokens: it is for root alone.

`influxdb-<time>.tar` holds `data/…` and `credentials/…`; `influxdb-<time>.tar.json` beside it says what it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import shutil
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

from . import credentials, files, systemd
from .influxdb_api import Away, InfluxDB
from .influxdb_points import Points
from .layout import Refused

FORMAT = 1
MARGIN = 64 << 20  # bytes that stay free
ASIDE = ".before-restore"
WAIT_SECONDS = 120.0


@dataclass(frozen=True)
class About:
    """An archive: when it was taken (ISO 8601, UTC), of which InfluxDB, its hash, and how many points it holds."""

    at: str
    version: str
    sha256: str
    bytes: int
    points: dict[str, int]
    format: int = FORMAT


@dataclass(frozen=True)
class Place:
    """Where a store keeps what is backed up. Tests give other places."""

    program: str
    org: str
    bucket: str
    influxdb: InfluxDB
    data: Path = Path("/var/lib/influxdb")
    folder: Path = Path("/var/backups/seclyzer-influxdb")
    owner: str = "influxdb"
    unit: str = "influxdb.service"
    operator: Path = Path("/etc/seclyzer/credentials/influx-operator-token")
    tokens: tuple[Path, ...] = field(default=())

    def version(self) -> str:
        """Such as `v2.9.1`."""
        done = systemd.run([self.program, "version"])
        words = done.stdout.split()
        if done.returncode or len(words) < 2:
            raise Refused(f"{self.program} does not say its version")
        return words[1]

    def points(self) -> Points:
        """As the operator sees them."""
        token = credentials.read_provided(self.operator)
        if token is None:
            raise Refused(f"{self.operator} is not there: is this the store? site.yml makes it")
        return Points(self.influxdb, token, self.org, self.bucket)

    def wait(self) -> None:
        """Until it is ready. Raises Refused."""
        try:
            self.influxdb.wait(WAIT_SECONDS)
        except Away as error:
            raise Refused(f"InfluxDB does not answer {WAIT_SECONDS:g} s after its start: {error}") from error


def take(place: Place) -> dict[str, Any]:
    """Take a backup; returns what it is, where, and for how long InfluxDB stood still. Raises Refused."""
    credentials.keep_folder(place.folder, 0o700)
    version, counts = place.version(), place.points().totals()
    needed = sum(path.lstat().st_size for path in place.data.rglob("*")) + MARGIN
    if files.free_bytes(place.folder) < needed:
        raise Refused(f"{place.folder} has less than the {needed >> 20} MiB left that the archive may need")
    now = datetime.now(UTC)
    archive = place.folder / f"influxdb-{now:%Y%m%dT%H%M%SZ}.tar"
    part = archive.with_suffix(".part")
    began = time.monotonic()
    try:
        with _stopped(place):
            digest, size = _pack(place, part)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    gap = time.monotonic() - began
    about = About(now.isoformat(timespec="seconds"), version, digest, size, counts)
    files.write(_beside(archive), json.dumps(asdict(about), indent=1) + "\n", 0o600)
    part.rename(archive)
    files.sync(place.folder)
    return {"archive": str(archive), **asdict(about), "gap_seconds": round(gap, 2)}


def look(place: Place, archive: Path) -> About:
    """What an archive is, after its hash, version and content were checked. Raises Refused."""
    try:
        about = About(**json.loads(_beside(archive).read_text()))
    except FileNotFoundError:
        raise Refused(f"{_beside(archive)} is not there; it says what the archive is") from None
    except (ValueError, TypeError) as error:
        raise Refused(f"{_beside(archive)} is damaged") from error
    if not archive.is_file() or archive.stat().st_size != about.bytes or files.sha256(archive) != about.sha256:
        raise Refused(f"{archive} is damaged: it is not what {_beside(archive).name} tells of")
    if about.format != FORMAT or about.version != place.version():
        raise Refused(
            f"{archive} is of InfluxDB {about.version}, format {about.format}, and {place.program} is "
            f"{place.version()}, format {FORMAT}: install that version, restore, and upgrade then"
        )
    with tarfile.open(archive) as tar:
        for member in tar:
            _checked(member)
    return about


def bring_back(place: Place, archive: Path) -> tuple[About, dict[str, int]]:
    """Replace the store's state by an archive's; returns what it is, and the points that are there now.

    What was there goes aside, and comes back when the restored one does not come up. Raises Refused.
    """
    about = look(place, archive)
    aside = place.data.with_name(place.data.name + ASIDE)
    if aside.exists():
        raise Refused(f"{aside} is there, what an earlier restore had put aside: look at it and take it away first")
    if files.free_bytes(place.data) < about.bytes + MARGIN:
        raise Refused(f"{place.data.parent} has less than the {(about.bytes + MARGIN) >> 20} MiB left that are needed")
    before = {path: credentials.read_secret(path) for path in place.tokens}
    systemd.systemctl("stop", place.unit)
    try:
        _swap(place.data, aside)
        _unpack(place, archive)
        systemd.systemctl("start", place.unit)
        place.wait()
        counts = place.points().totals()
    except BaseException as error:
        _return(place, aside, before)
        if isinstance(error, (OSError, Refused, Away, tarfile.TarError)):
            raise Refused(f"the restored InfluxDB did not come up, and what was there runs again: {error}") from error
        raise
    shutil.rmtree(aside)
    return about, counts


@contextmanager
def _stopped(place: Place) -> Iterator[None]:
    """InfluxDB stands still meanwhile, and runs and answers afterwards."""
    systemd.systemctl("stop", place.unit)
    try:
        yield
    finally:
        systemd.systemctl("start", place.unit)
        place.wait()


class _Hashing:
    """A file that is hashed as it is written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        return self._stream.write(data)


def _pack(place: Place, part: Path) -> tuple[str, int]:
    """Write the archive; its hash and size."""
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream:
        out = _Hashing(stream)
        with tarfile.open(fileobj=cast(IO[bytes], out), mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(place.data.rglob("*")):
                if path.is_symlink() or not (path.is_file() or path.is_dir()):
                    raise Refused(f"{path} is neither a file nor a folder")
                tar.add(path, f"data/{path.relative_to(place.data)}", recursive=False)
            for path in place.tokens:
                if path.is_file():
                    tar.add(path, f"credentials/{path.name}", recursive=False)
        stream.flush()
        os.fsync(handle)
    return out.digest.hexdigest(), out.size


def _checked(member: tarfile.TarInfo) -> tuple[str, Path]:
    """Which part of the archive a member belongs to, and its path in it. Raises Refused for what could leave it."""
    head, _, rest = member.name.partition("/")
    path = Path(rest)
    good = head in ("data", "credentials") and rest and not path.is_absolute() and ".." not in path.parts
    if not good or not (member.isfile() or member.isdir()):
        raise Refused(f"the archive holds {member.name!r}, which no backup has")
    return head, path


def _unpack(place: Place, archive: Path) -> None:
    owner = pwd.getpwnam(place.owner)
    known = {path.name: path for path in place.tokens}
    _folder(place.data, owner)
    with tarfile.open(archive) as tar:
        for member in tar:
            head, path = _checked(member)
            if head == "credentials":
                text = cast(IO[bytes], tar.extractfile(member)).read().decode().strip()
                if path.name in known:
                    credentials.keep_secret(known[path.name], text)
            elif member.isdir():
                _folder(place.data / path, owner)
            else:
                _file(place.data / path, cast(IO[bytes], tar.extractfile(member)), owner)
    files.sync(place.data)


def _folder(path: Path, owner: pwd.struct_passwd) -> None:
    path.mkdir(mode=0o700, exist_ok=True)
    os.chown(path, owner.pw_uid, owner.pw_gid)


def _file(path: Path, content: IO[bytes], owner: pwd.struct_passwd) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream:
        shutil.copyfileobj(content, stream, files.CHUNK)
        stream.flush()
        os.fchown(handle, owner.pw_uid, owner.pw_gid)
        os.fsync(handle)


def _swap(data: Path, aside: Path) -> None:
    if data.exists():
        data.rename(aside)


def _return(place: Place, aside: Path, tokens: dict[Path, str | None]) -> None:
    """What was there is there again, and runs."""
    systemd.systemctl("stop", place.unit)
    if aside.exists():
        shutil.rmtree(place.data, ignore_errors=True)
        aside.rename(place.data)
    for path, token in tokens.items():
        if token is not None:
            credentials.keep_secret(path, token)
        else:
            path.unlink(missing_ok=True)
    systemd.systemctl("start", place.unit)
    place.wait()


def _beside(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.json")
