"""Releases on a host: archives in, a read-only tree out, every file of it checked against its hash.

A release is `releases/<version>-<hash>/` with `bin/`, `vectors/` (from `common.tar.gz`), `venv/` (from the archive of
the host's Python), `checksums/*.sha256` (one list per archive, in sha256sum's form) and `manifest.json`. The manifest
holds the hash of each list, so who has the manifest can tell every file; what no list names has no place in the tree.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256 as digest
from pathlib import Path

from .bundles import MANIFEST, Manifest, anchors, file_of, release_of
from .files import free_bytes, make_folder, read, sha256, sync, write
from .layout import Layout, Refused
from .unpacking import LINKS, Unpacking

ROOM = 32 << 20
"""Bytes that stay free beside what is unpacked."""

FOLDER, DATA, PROGRAM = 0o555, 0o444, 0o555
"""The modes that a release has; what stands in PROGRAMS is executable, and other files may be."""

PROGRAMS = ("bin/", "venv/bin/")
SHOWN = 3
"""Faults that are named in a sentence; the others are counted."""


@dataclass(frozen=True)
class Look:
    """A release as a host holds it: whether it is there, what is wrong with it, whether its own manifest anchors it."""

    there: bool
    anchored: bool = False
    faults: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether it is there, and every file of it is as it was packed."""
        return self.there and not self.faults


def words(faults: list[str]) -> str:
    """Faults in a sentence."""
    more = len(faults) - SHOWN
    return "; ".join(faults[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def archives_for(manifest: Manifest, layout: Layout) -> list[str]:
    """The archives this host needs: what all share, and the tree of its Python."""
    python = layout.python_name()
    archives = manifest["archives"]
    if python not in archives:
        built = ", ".join(name for name in archives if name != "common")
        raise Refused(f"this host has {python}; the bundle serves {built}")
    return ["common", python]


def look(layout: Layout, manifest: Manifest) -> Look:
    """The release that a manifest of the controller's describes, as this host holds it."""
    release = release_of(manifest)
    tree = layout.releases / release
    if not os.path.lexists(tree):
        return Look(False)
    names = archives_for(manifest, layout)
    meant = anchors(manifest, names)
    stored = kept(layout, release)
    anchored = stored is not None and {*names} <= {*stored["archives"]} and anchors(stored, names) == meant
    return Look(True, anchored, faults(tree, names, meant))


def look_alone(layout: Layout, release: str) -> Look:
    """A release by what the host itself keeps of it. Whoever can write as root here can write that, too."""
    stored = kept(layout, release)
    if stored is None:
        return Look(os.path.lexists(layout.releases / release), False, [f"{MANIFEST} is missing"])
    names = archives_for(stored, layout)
    meant = anchors(stored, names)
    return Look(True, bool(meant), faults(layout.releases / release, names, meant))


def kept(layout: Layout, release: str) -> Manifest | None:
    """The manifest that lies in a release; None when there is none that can be read."""
    try:
        value = json.loads(read(layout.releases / release / MANIFEST) or "")
    except (OSError, ValueError):
        return None
    well = isinstance(value, dict) and isinstance(value.get("archives"), dict)
    return value if well and all(isinstance(entry, dict) for entry in value["archives"].values()) else None


def faults(tree: Path, names: list[str], meant: dict[str, str]) -> list[str]:
    """What is wrong with an unpacked release, in words; empty when it is as it was packed and holds nothing else.

    `meant` is the hash of each archive's list; empty for a release from before lists were anchored.
    """
    hashes: dict[str, str] = {}
    for name in names:
        path = f"checksums/{name}.sha256"
        try:
            data = (tree / path).read_bytes()
        except OSError:
            return [f"{path} is missing"]
        hashes[path] = digest(data).hexdigest()
        if meant and hashes[path] != meant[name]:
            return [f"{path} is not the list that the release's manifest names"]
        hashes |= _lines(data)
    found = dict(_walk(tree))
    # An unknown folder is named only where nothing is in it: what is in it will be named.
    folders = {str(parent) for path in (*hashes, *found) for parent in Path(path).parents}
    wrong = [f"{_shown(path)} is missing" for path in sorted({*hashes, *LINKS} - {*found})]
    for path, entry in sorted(found.items()):
        wrong += _fault(tree, path, entry, hashes, folders)
    return wrong


def listed(layout: Layout, release: str) -> dict[str, str]:
    """What the lists in a release say: hash by path."""
    found: dict[str, str] = {}
    for path in sorted((layout.releases / release / "checksums").glob("*.sha256")):
        with suppress(OSError):
            found |= _lines(path.read_bytes())
    return found


def _lines(data: bytes) -> dict[str, str]:
    return {line[66:]: line[:64] for line in data.decode("utf-8", "replace").splitlines()}


def _walk(tree: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Everything in the tree and the tree itself (`.`), links not followed."""
    yield ".", tree.lstat()
    for folder, folders, files in os.walk(tree):
        for name in (*folders, *files):
            path = Path(folder) / name
            yield str(path.relative_to(tree)), path.lstat()


def _fault(tree: Path, path: str, entry: os.stat_result, hashes: dict[str, str], folders: set[str]) -> list[str]:
    """What is wrong with one entry of the tree; at most one thing."""
    mode = stat.S_IMODE(entry.st_mode)
    fault = ""
    if stat.S_ISLNK(entry.st_mode):
        if path not in LINKS:
            fault = "is a link that no release has"
        elif os.readlink(tree / path) != LINKS[path]:
            fault = f"does not lead to {LINKS[path]}"
        mode = 0
    elif stat.S_ISDIR(entry.st_mode):
        fault = "" if path in folders else "is not of this release"
    elif path == MANIFEST:
        fault = ""
    elif path not in hashes:
        fault = "is not of this release"
    elif not stat.S_ISREG(entry.st_mode):
        fault = "is no plain file"
    elif sha256(tree / path) != hashes[path]:
        fault = "is not what was packed"
    if not fault and (entry.st_uid, entry.st_gid) != (os.geteuid(), os.getegid()):
        fault = "belongs to another user"
    if not fault and mode and mode not in _modes(path, stat.S_ISDIR(entry.st_mode)):
        fault = f"has the mode {mode:04o}"
    return [f"{_shown(path)} {fault}"] if fault else []


def _shown(path: str) -> str:
    """A path in one plain line, whatever bytes are in it."""
    return ascii(path)[1:-1]


def _modes(path: str, is_folder: bool) -> tuple[int, ...]:
    """The modes that an entry may have."""
    if is_folder:
        return (FOLDER,)
    return (PROGRAM,) if path.startswith(PROGRAMS) else (DATA, PROGRAM)


def room(layout: Layout, manifest: Manifest) -> None:
    """Refuses when the release would not fit."""
    needed = sum(manifest["archives"][name]["unpacked"] for name in archives_for(manifest, layout)) + ROOM
    free = free_bytes(layout.releases)
    if free < needed:
        raise Refused(f"{layout.base} has {free >> 20} MiB left, the release needs {needed >> 20} MiB")


def install(layout: Layout, manifest: Manifest, archives: Path) -> Path:
    """Unpacks a release from its archives, checks it, makes it read-only, and puts it in its place by rename(2)."""
    release = release_of(manifest)
    names = archives_for(manifest, layout)
    room(layout, manifest)
    make_folder(layout.releases)
    part = layout.releases / f".{release}.part"
    _remove(part)
    make_folder(part)
    try:
        with Unpacking(part) as unpacking:
            for name in names:
                archive = manifest["archives"][name]
                unpacking.take(archives / file_of(name), archive["sha256"], archive["unpacked"])
        _seal(part)
        _write_manifest(part, manifest)
        part.chmod(FOLDER)
        if wrong := faults(part, names, anchors(manifest, names)):
            raise Refused(f"release {release} is damaged: {words(wrong)}")
        final = layout.releases / release
        if os.path.lexists(final):
            # Damaged: programs that run from it keep the files they have open, until they are restarted.
            broken = layout.releases / f".{release}.broken"
            _remove(broken)
            if not final.is_symlink():
                final.chmod(0o755)
            final.rename(broken)
            part.rename(final)
            _remove(broken)
        else:
            part.rename(final)
        sync(layout.releases)
        return final
    finally:
        _remove(part)


def anchor(layout: Layout, manifest: Manifest) -> None:
    """Gives a whole release, which an older version brought, the manifest that anchors its lists."""
    tree = layout.releases / release_of(manifest)
    tree.chmod(0o755)
    _write_manifest(tree, manifest)
    tree.chmod(FOLDER)


def remove(layout: Layout, release: str) -> None:
    """Removes a release's tree."""
    _remove(layout.releases / release)


def _write_manifest(tree: Path, manifest: Manifest) -> None:
    write(tree / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n", DATA)


def _seal(tree: Path) -> None:
    for folder, _, _ in os.walk(tree, topdown=False):
        if Path(folder) != tree:
            os.chmod(folder, FOLDER)


def _remove(tree: Path) -> None:
    if tree.is_symlink() or tree.is_file():
        tree.unlink()
        return
    if not tree.exists():
        return
    for folder, _, _ in os.walk(tree):
        os.chmod(folder, 0o755)
    shutil.rmtree(tree)
