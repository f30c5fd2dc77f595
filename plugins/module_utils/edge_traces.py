"""Everything on an edge that tells of a person: found, counted, taken out, or written down for the person."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from . import credentials, edge_files, edge_redis, edge_state, systemd
from .existing import REDIS_SOCKET
from .kinds import KINDS, SERVICES
from .layout import Layout, Refused
from .pieces import Piece, Pieces
from .resp import Redis, RedisAway, RedisError
from .selection import Selection, tag_value

DEFAULT_USER = "default"

Counts = dict[str, int]
"""How many there are in each place. A place is named in words."""


@dataclass(frozen=True)
class Owner:
    """Whose features this host makes: the tags that its extractors give them."""

    user: str
    host: str


@dataclass(frozen=True)
class Edge:
    """Where an edge keeps things. Tests give other places."""

    state: Path = Path("/var/lib/seclyzer")
    config: Path = Path("/opt/seclyzer/current/config")
    secrets: Path = Path("/etc/seclyzer/credentials")
    socket: str = ""
    lock: Path = Layout().lock

    def owner(self) -> Owner:
        """By the extractors' own configuration. Raises Refused when there is none."""
        try:
            text = (self.config / "keystroke.yaml").read_text()
        except OSError as error:
            raise Refused(f"{error.filename} cannot be read: {error.strerror}; is this an edge?") from error
        return Owner(_setting(text, "user_id") or DEFAULT_USER, _setting(text, "host") or socket.gethostname())

    def owned(self, chosen: Selection) -> bool:
        """What has no name on it here is the chosen person's: the host was chosen, or it is this person's host."""
        return not chosen.user or tag_value(self.owner().user) == tag_value(chosen.user)

    def count(self, chosen: Selection) -> Counts:
        """What there is of this selection. Files that are in use are counted as they stand."""
        owned = self.owned(chosen)
        found: Counts = {}
        meant = edge_files.chooser(chosen, owned)
        for kind, folder in self._folders():
            for place, files in edge_files.files_of(folder).items():
                found[f"points of {kind} in {place}"] = sum(1 for line in _lines(folder, files) if meant(line))
            if owned:
                later = edge_files.segments(folder, edge_files.LATER)
                found[f"segments of {kind} that a later version wrote"] = len(later)
        if owned:
            found["applications in the tracker's state file"] = sum(
                edge_state.count(text, chosen) for _, text in self._state_files()
            )
            with self._redis() as redis:
                found |= edge_redis.count(redis, chosen)
        return found

    def forget(self, chosen: Selection) -> tuple[Counts, Counts, float]:
        """Take it out while the extractors are stopped; what was there, what is left, and until when (Unix time).

        Extractors that ran are started again whatever happens. What their memory held was either in the spool by then,
        or is made anew from the stream, of which nothing that is meant is left.
        """
        before = self.count(chosen)
        with stopped():
            owned = self.owned(chosen)
            meant = edge_files.chooser(chosen, owned)
            for _, folder in self._folders():
                with edge_files.acting_as_owner(folder), edge_files.at_rest(folder):
                    for files in edge_files.files_of(folder).values():
                        for file in files:
                            edge_files.drop(file, meant, cut=owned)
                    if owned:
                        edge_files.drop_later(folder)
            if owned:
                self._forget_state(chosen)
            cut = time.time()
            if owned:
                with self._redis() as redis:
                    edge_redis.drop(redis, chosen)
            after = self.count(chosen if not chosen.whole else replace(chosen, until=int(cut * 1e6)))
        return before, after, cut

    def export(self, chosen: Selection, folder: Path) -> list[Piece]:
        """Write it into files of a folder. Events are not among them: they never leave Redis' memory."""
        owned = self.owned(chosen)
        meant = edge_files.chooser(chosen, owned)
        pieces: list[Piece] = []
        for kind, state in self._folders():
            for place, files in edge_files.files_of(state).items():
                lines = (line for line in _lines(state, files) if meant(line))
                pieces += _write(folder, f"{kind}-{place.removesuffix('.lp')}.lp", lines)
            for file in edge_files.segments(state, edge_files.LATER) if owned else ():
                with edge_files.acting_as_owner(state):
                    pieces += _write(folder, f"{kind}-{file.name}", [edge_files.read_whole(file)])
        if owned:
            for name, text in self._state_files():
                pieces += _write(folder, name, [text.encode()])
            with self._redis() as redis:
                for kind in KINDS:
                    lines = (text.encode() for text in edge_redis.features(redis, kind, chosen))
                    pieces += _write(folder, f"{kind}-features.jsonl", lines)
                for key, text in edge_redis.texts(redis).items():
                    pieces += _write(folder, f"{key.replace(':', '-')}.json", [text.encode()])
        return pieces

    def _forget_state(self, chosen: Selection) -> None:
        folder = self.state / "app"
        for name, text in self._state_files():
            with edge_files.acting_as_owner(folder):
                left = edge_state.without(text, chosen) if name == edge_state.FILES[0] else None
                if left is None:
                    (folder / name).unlink()
                else:
                    edge_files.replace_text(folder / name, left)

    def _state_files(self) -> Iterator[tuple[str, str]]:
        folder = self.state / "app"
        later = sorted(path.name for path in folder.glob(edge_state.LATER))
        for name in (*edge_state.FILES, *later) if folder.is_dir() else ():
            with edge_files.acting_as_owner(folder):
                lines, rest = edge_files.read_lines(folder / name)
            if lines or rest:
                yield name, b"\n".join([*lines, rest]).decode("utf-8", "replace")

    def _folders(self) -> Iterator[tuple[str, Path]]:
        for kind in KINDS:
            folder = self.state / kind
            if folder.is_dir() and not folder.is_symlink():
                yield kind, folder

    @contextmanager
    def _redis(self) -> Iterator[Redis]:
        password = credentials.read_secret(self.secrets / "redis-admin") or ""
        try:
            with Redis(self.socket or self._socket(), "admin" if password else "", password) as redis:
                yield redis
        except RedisAway as error:
            raise Refused(f"Redis does not answer: {error}. What it held is gone once it is started anew") from error
        except RedisError as error:
            raise Refused(f"Redis refuses: {error}") from error

    def _socket(self) -> str:
        """Where the extractors find Redis, by their own configuration."""
        text = (self.config / "keystroke.yaml").read_text()
        return _setting(text, "redis_url").removeprefix("unix://") or REDIS_SOCKET


@contextmanager
def stopped() -> Iterator[None]:
    """The extractors that ran are stopped meanwhile, and run again afterwards."""
    running = [
        unit for unit, has in systemd.show(SERVICES, ["ActiveState"]).items() if has["ActiveState"] != "inactive"
    ]
    try:
        if running:
            systemd.systemctl("stop", *running)
        yield
    finally:
        if running:
            systemd.systemctl("start", *running)


def _setting(text: str, name: str) -> str:
    """A value of an extractor's configuration, which has one key a line; empty when it says nothing."""
    found = re.search(rf"^{name}: *(.*)$", text, re.MULTILINE)
    if not found:
        return ""
    try:
        value = json.loads(found[1])
    except ValueError:
        value = found[1].strip("'")
    return str(value)


def _lines(state: Path, files: Iterable[Path]) -> Iterator[bytes]:
    """The lines of an extractor's files, read with its own rights, one file at a time."""
    for file in files:
        with edge_files.acting_as_owner(state):
            lines, _ = edge_files.read_lines(file)
        yield from lines


def _write(folder: Path, name: str, lines: Iterable[bytes]) -> list[Piece]:
    """Lines into packed files; nothing when there are none."""
    with Pieces(folder, name) as pieces:
        for line in lines:
            pieces.add(line + b"\n")
    return pieces.made
