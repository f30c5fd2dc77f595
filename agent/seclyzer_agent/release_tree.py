"""A release's tree against its own manifest: the same rules as the rollout's `plugins/module_utils/releases.py`.

The manifest holds the hash of each list in `checksums/`, a list the hash of each file. What no list names has no place
in the tree. Reads only, and in small steps, between which a caller may rest.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

LINKS = {"venv/bin/python": "/usr/bin/python3"}
PROGRAMS = ("bin/", "venv/bin/")
FOLDER, DATA, PROGRAM = 0o555, 0o444, 0o555
MANIFEST = "manifest.json"
HASH = re.compile(r"[0-9a-f]{64}")
PIECE = 16 * 1024  # bytes read and hashed in a step
BIGGEST = 8 * 2**20  # bytes of a manifest


@dataclass(frozen=True, slots=True)
class Compared:
    """What a comparison found: files compared, faults in words, and whether the manifest holds its lists' hashes."""

    files: int
    faults: tuple[str, ...]
    anchored: bool


class NoRelease(Exception):
    """There is nothing to compare with; the message says what is missing."""


Steps = Generator[None, None, T]
"""Work in small steps, after each of which the caller may rest; its result at the end."""


def compare(tree: Path) -> Compared:
    """Compare every entry of the tree. Raises NoRelease, OSError."""
    steps = comparing(tree)
    while True:
        try:
            next(steps)
        except StopIteration as ended:
            found: Compared = ended.value
            return found


def comparing(tree: Path) -> Steps[Compared]:
    """As `compare`. It keeps the paths that the lists name, and nothing else of any file: memory once taken stays."""
    meant = _anchors(tree)
    anchored = all(meant.values())
    listed: dict[str, str] = {}
    for path, anchor in meant.items():
        listed[path] = yield from _hash(f"{tree}/{path}")
        if anchored and listed[path] != anchor:
            return Compared(len(listed), (f"{path} is not the list that the release's manifest names",), True)
        listed.update(_lines(tree / path))
        yield
    files, folders, missing = len(listed), _folders(listed), {*LINKS}
    faults: list[tuple[str, str]] = []
    for path, mode in _walk(str(tree)):
        if fault := (yield from _fault(tree, path, mode, listed, folders)):
            faults.append((path, fault))
        listed.pop(path, None)
        missing.discard(path)
        yield
    gone = [(path, "is missing") for path in sorted({*listed, *missing})]
    return Compared(files, tuple(f"{_shown(path)} {fault}" for path, fault in (*gone, *sorted(faults))), anchored)


def _anchors(tree: Path) -> dict[str, str]:
    """Each list's path and the hash that the manifest holds of it; an empty text from before there were any.

    A tree has the lists of the archives it was made from: of all that the manifest describes, those that lie there.
    """
    try:
        document: Any = json.loads(_small(tree / MANIFEST))
        archives = {str(name): dict(entry) for name, entry in document["archives"].items()}
    except OSError as error:
        raise NoRelease(f"its {MANIFEST} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoRelease(f"its {MANIFEST} is damaged") from None
    lists = {name: f"checksums/{name}.sha256" for name in archives}
    there = {name: path for name, path in lists.items() if (tree / path).is_file()}
    if "common" not in there or len(there) < 2:
        raise NoRelease("its lists of files are missing")
    hashes = {name: str(archives[name].get("list")) for name in there}
    return {path: hashes[name] if HASH.fullmatch(hashes[name]) else "" for name, path in there.items()}


def _small(path: Path) -> bytes:
    with path.open("rb") as file:  # a read of so many bytes takes memory for as many first
        return file.read(min(BIGGEST, os.fstat(file.fileno()).st_size))


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Each file that a list names, and its hash."""
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for line in file:
            yield line[66:].rstrip("\n"), line[:64]


def _walk(tree: str) -> Iterator[tuple[str, int]]:
    """Everything in the tree and the tree itself (`.`) with its type and mode, links not followed.

    Texts: a `Path` of each entry would leave the agent a MiB larger for good.
    """
    yield ".", os.lstat(tree).st_mode
    for folder, folders, files in os.walk(tree):
        below = folder[len(tree) :].lstrip("/")
        for name in (*folders, *files):
            yield f"{below}/{name}" if below else name, os.lstat(f"{folder}/{name}").st_mode


def _folders(paths: Iterable[str]) -> set[str]:
    """All folders that these are in, one in the other."""
    found = {"."}
    for path in paths:
        while (path := path.rpartition("/")[0]) and path not in found:
            found.add(path)
    return found


def _fault(
    tree: Path,
    path: str,
    entry: int,
    listed: dict[str, str],
    folders: set[str],
) -> Steps[str]:
    """What is wrong with one entry, of which `entry` is type and mode; empty when nothing is."""
    mode = stat.S_IMODE(entry)
    if stat.S_ISLNK(entry):
        if path not in LINKS:
            return "is a link that no release has"
        return "" if os.readlink(tree / path) == LINKS[path] else f"does not lead to {LINKS[path]}"
    if stat.S_ISDIR(entry):
        if path not in folders and _is_empty(f"{tree}/{path}"):  # what is in it will be named
            return "is not of this release"
        return "" if mode == FOLDER else f"has the mode {mode:04o}"
    if path not in listed and path != MANIFEST:
        return "is not of this release"
    if not stat.S_ISREG(entry):
        return "is no plain file"
    if path != MANIFEST and (yield from _hash(f"{tree}/{path}")) != listed[path]:
        return "is not what was packed"
    return "" if mode in _modes(path) else f"has the mode {mode:04o}"


def _shown(path: str) -> str:
    """A path in one plain line, whatever bytes are in it."""
    return ascii(path)[1:-1]


def _modes(path: str) -> tuple[int, ...]:
    """The modes that a file may have."""
    return (PROGRAM,) if path.startswith(PROGRAMS) else (DATA, PROGRAM)


def _is_empty(folder: str) -> bool:
    try:
        return not os.listdir(folder)
    except OSError:
        return True


def _hash(path: str) -> Steps[str]:
    digest, piece = hashlib.sha256(), memoryview(bytearray(PIECE))
    with open(path, "rb", buffering=0) as file:
        while count := file.readinto(piece):
            digest.update(piece[:count])
            yield
    return digest.hexdigest()
