"""The bundle as a run found it: copied once, and read from nowhere else until the run ends.

`make bundle` may replace the bundle while a run goes on. With a copy that is named by its content, all hosts get one
release. It is taken from a folder, or from the one file that `make bundle` makes of it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..module_utils import bundles
from ..module_utils.layout import Refused
from ..module_utils.signatures import SIGNATURE
from . import bundle_checks
from .command_line import INSTALLED

HEAD = (bundles.MANIFEST, bundles.SUMS, SIGNATURE)
TRIES = 3
"""How often a bundle may be replaced while it is copied."""
DAYS = 30
"""For how long a copy stays that no run took."""


def cache() -> Path:
    """Where copies are: `$XDG_CACHE_HOME/seclyzer/bundles`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seclyzer" / "bundles"


def take(source: Path, place: Path | None = None) -> tuple[Path, list[str]]:
    """The copy of a bundle, and what is wrong with it, which names the source.

    Raises Refused when there is no bundle to copy, or no place for the copy.
    """
    place = place or cache()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _prune(place)
        fresh = _copy(source, place)
    except (OSError, tarfile.TarError) as fault:
        words = getattr(fault, "strerror", None) or str(fault)
        raise Refused(f"{source} cannot be copied to {place}, from where a run reads its bundle: {words}") from None
    if wrong := bundle_checks.faults(fresh):
        return fresh, [named(sentence, fresh, source) for sentence in wrong]
    return _settled(fresh, place), []


def named(sentence: str, copy: Path, source: Path) -> str:
    """A sentence about the copy, as one about its source, which is what an operator knows."""
    return sentence.replace(str(copy), str(source))


def _copy(source: Path, place: Path) -> Path:
    """A copy of all that SHA256SUMS names, in a folder of its own."""
    if not source.exists():
        mend = "-e seclyzer_bundle=FILE names the release" if INSTALLED else "`make bundle` builds one"
        raise Refused(f"there is no bundle at {source}; {mend}")
    for attempt in range(1, TRIES + 1):
        fresh = Path(tempfile.mkdtemp(dir=place, prefix=".new-"))
        whole = _of_folder(source, fresh) if source.is_dir() else _of_file(source, fresh)
        if whole or attempt == TRIES:
            break
        shutil.rmtree(fresh)
    return fresh


def _of_folder(source: Path, to: Path) -> bool:
    """Copies from one folder, whatever its name leads to meanwhile; whether that is still this folder."""
    folder = os.open(source, os.O_RDONLY | os.O_DIRECTORY)
    try:

        def within(name: str, flags: int) -> int:
            return os.open(name, flags, dir_fd=folder)

        for name in _names(to):
            try:
                with open(name, "rb", opener=within) as file:
                    _write(file, to / name)
            except FileNotFoundError:
                continue  # what is missing is reported with all else that is wrong
        return source.is_dir() and os.path.samestat(source.stat(), os.fstat(folder))
    finally:
        os.close(folder)


def _of_file(source: Path, to: Path) -> bool:
    """Copies from a tar with one folder in it."""
    with source.open("rb") as stream, tarfile.open(fileobj=stream) as tar:
        held = {Path(member.name).name: member for member in tar if member.isreg()}
        for name in _names(to):
            if name in held and (file := tar.extractfile(held[name])):
                _write(file, to / name)
    return True


def _names(to: Path) -> Iterator[str]:
    """The files of a bundle: those of its head, then those that the SHA256SUMS just copied names."""
    yield from HEAD
    try:
        yield from bundles.hashes((to / bundles.SUMS).read_text()).keys() - {*HEAD}
    except (OSError, ValueError, Refused):
        return  # reported with all else that is wrong


def _write(source: IO[bytes], to: Path) -> None:
    with to.open("xb") as file:
        shutil.copyfileobj(source, file, 1 << 20)


def _settled(fresh: Path, place: Path) -> Path:
    """The copy under the name of its content; the one that is there already, when it is whole."""
    known = hashlib.sha256()
    for name in (bundles.SUMS, SIGNATURE):
        known.update((fresh / name).read_bytes() if (fresh / name).exists() else b"")
    final = place / known.hexdigest()[:32]
    try:
        fresh.rename(final)
    except OSError:
        if bundle_checks.faults(final):
            return fresh  # damaged, and perhaps read by a run: it stays, and this run reads its own
        shutil.rmtree(fresh)
    os.utime(final)
    return final


def _prune(place: Path) -> None:
    """Removes the copies that no run took for long."""
    for path in place.iterdir():
        if path.stat().st_mtime < time.time() - DAYS * 86400:
            shutil.rmtree(path, ignore_errors=True)
