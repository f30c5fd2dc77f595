"""Releases on a host: archives in, a read-only tree out, every file of it checked against its hash.

A release is `releases/<version>-<hash>/` with `bin/`, `vectors/` (from `common.tar.gz`), `venv/` (from the archive of
the host's Python), `checksums/*.sha256` (one list per archive, in sha256sum's form) and `manifest.json`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from .files import free_bytes, sha256, sha256_of, sync, write
from .layout import Layout, Refused

Manifest = Mapping[str, Any]
ID = re.compile(r"[0-9A-Za-z.+~]+-[0-9a-f]{12}")
ROOM = 32 << 20
"""Bytes that stay free beside what is unpacked."""


def release_of(manifest: Manifest) -> str:
    """The id of the release a manifest describes."""
    release = manifest.get("release")
    if not isinstance(release, str) or not ID.fullmatch(release):
        raise Refused(f"the bundle's manifest names no release: {release!r}")
    return release


def archives_for(manifest: Manifest, layout: Layout) -> list[str]:
    """The archives this host needs: what all share, and the tree of its Python."""
    python = layout.python_name()
    archives = manifest["archives"]
    if python not in archives:
        built = ", ".join(name for name in archives if name != "common")
        raise Refused(f"this host has {python}; the bundle serves {built}")
    return ["common", python]


def faults(tree: Path, names: list[str]) -> list[str]:
    """What is wrong with an unpacked release, in words; empty when every file is as it was packed."""
    found: list[str] = []
    for name in names:
        sums = tree / "checksums" / f"{name}.sha256"
        if not sums.is_file():
            return [f"{sums.name} is missing"]
        for line in sums.read_text().splitlines():
            wanted, _, path = line.partition("  ")
            file = tree / path
            if not file.is_file():
                found.append(f"{path} is missing")
            elif sha256(file) != wanted:
                found.append(f"{path} is not what was packed")
    return found


def present(layout: Layout, manifest: Manifest) -> bool:
    """Whether this host holds the release, whole."""
    tree = layout.releases / release_of(manifest)
    if not (tree / "manifest.json").is_file():
        return False
    return not faults(tree, archives_for(manifest, layout))


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
    layout.releases.mkdir(parents=True, exist_ok=True, mode=0o755)
    part = layout.releases / f".{release}.part"
    _remove(part)
    part.mkdir(mode=0o755)
    try:
        for name in names:
            _unpack(archives / f"{name}.tar.gz", manifest["archives"][name]["sha256"], part)
        if wrong := faults(part, names):
            raise Refused(f"release {release} is damaged: {'; '.join(wrong[:3])}")
        _seal(part)
        write(part / "manifest.json", json.dumps(manifest, indent=2, sort_keys=True) + "\n", 0o444)
        part.chmod(0o555)
        final = layout.releases / release
        if final.exists():
            # Damaged: programs that run from it keep the files they have open.
            broken = layout.releases / f".{release}.broken"
            _remove(broken)
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


def remove(layout: Layout, release: str) -> None:
    """Removes a release's tree."""
    _remove(layout.releases / release)


def _unpack(archive: Path, wanted: str, into: Path) -> None:
    try:
        stream = archive.open("rb")
    except FileNotFoundError:
        raise Refused(f"{archive.name} did not arrive on this host") from None
    with stream:
        if sha256_of(stream) != wanted:
            raise Refused(f"{archive.name} is not the archive its manifest describes")
        stream.seek(0)
        with tarfile.open(fileobj=stream, mode="r:gz") as tar:
            for member in tar:
                _member(tar, member, into)


def _member(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise Refused(f"the archive holds {member.name}, which lies outside the release")
    target = into / path
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    if member.isdir():
        target.mkdir(exist_ok=True, mode=0o755)
    elif member.issym():
        target.symlink_to(member.linkname)
    elif member.isreg():
        source = tar.extractfile(member)
        assert source is not None
        with source, target.open("xb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
            os.fchmod(out.fileno(), 0o555 if member.mode & 0o100 else 0o444)
    else:
        raise Refused(f"the archive holds {member.name}, which is neither file, folder nor link")


def _seal(tree: Path) -> None:
    for folder, _, _ in os.walk(tree, topdown=False):
        if Path(folder) != tree:
            os.chmod(folder, 0o555)


def _remove(tree: Path) -> None:
    if not tree.exists():
        return
    for folder, _, _ in os.walk(tree):
        os.chmod(folder, 0o755)
    shutil.rmtree(tree)
