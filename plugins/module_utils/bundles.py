"""What a bundle says of itself: `SHA256SUMS` names the manifest and the archives, the manifest names all the rest.

So who trusts SHA256SUMS trusts every byte of a release: it is signed (signatures.py). It is read on the controller,
before anything is sent, and again on each host.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import sha256
from .layout import Refused
from .signatures import SIGNATURE
from .state_versions import is_well_formed

Manifest = Mapping[str, Any]
MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
SCHEMA = 2
"""The manifest's form: since 2 it holds the hash of each list of files."""

UNPACKED = 512 << 20
"""Bytes that one archive may hold at most; a real one holds 26 MiB."""

ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~]*-[0-9a-f]{12}")
ARCHIVE = re.compile(r"common|python3\.[0-9]{1,3}")
HASH = re.compile(r"[0-9a-f]{64}")
VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
LINE = re.compile(r"([0-9a-f]{64})  ([0-9A-Za-z][0-9A-Za-z._-]*)")


@dataclass(frozen=True)
class Bundle:
    """A bundle's manifest, as a value and as its text, its SHA256SUMS, and their signature; empty without one."""

    manifest: Manifest
    text: str
    sums: str
    signature: str


def read(folder: Path) -> Bundle:
    """The bundle in a folder of the controller, its manifest verified. Raises Refused."""
    text, sums = _text(folder, MANIFEST), _text(folder, SUMS)
    signature = _text(folder, SIGNATURE) if (folder / SIGNATURE).exists() else ""
    try:
        return Bundle(verified(text, sums), text, sums, signature)
    except Refused as fault:
        raise Refused(f"{folder}: {fault}") from None


def _text(folder: Path, name: str) -> str:
    try:
        return (folder / name).read_text()
    except FileNotFoundError:
        if name == MANIFEST:
            raise Refused(f"there is no bundle at {folder}; `make bundle` builds one") from None
        raise Refused(f"{folder} has no {name}; `make bundle` builds the bundle anew") from None
    except (OSError, ValueError) as fault:
        raise Refused(f"{folder}/{name} cannot be read ({fault}); `make bundle` builds the bundle anew") from None


def verified(text: str, sums: str) -> Manifest:
    """The manifest of this text, which SHA256SUMS has to name, and its archives too. Raises Refused."""
    named = hashes(sums)
    if named.get(MANIFEST) != hashlib.sha256(text.encode()).hexdigest():
        raise Refused(f"{MANIFEST} is not the one that {SUMS} names; `make bundle` builds the bundle anew")
    manifest = parse(text)
    for name, archive in manifest["archives"].items():
        if named.get(file_of(name)) != archive["sha256"]:
            raise Refused(f"{MANIFEST} and {SUMS} name different archives {name}; `make bundle` builds the bundle anew")
    return manifest


def hashes(sums: str) -> dict[str, str]:
    """SHA256SUMS as a table: hash by name of file. Raises Refused when it has another form or names a file twice."""
    found: dict[str, str] = {}
    for line in sums.splitlines():
        parts = LINE.fullmatch(line)
        if not parts or parts[2] in found:
            raise Refused(f"{SUMS} is damaged; `make bundle` builds the bundle anew")
        found[parts[2]] = parts[1]
    return found


def parse(text: str) -> Manifest:
    """The manifest in a text, each field that is used of the right form. Raises Refused."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(f"{MANIFEST} is not JSON; `make bundle` builds the bundle anew") from None
    if not isinstance(value, dict) or not isinstance(value.get("version"), str):
        raise Refused(f"{MANIFEST} names no version; `make bundle` builds the bundle anew")
    release_of(value)
    if not VERSION.fullmatch(str(value.get("glibc", "2.0"))):
        raise Refused(f"{MANIFEST} names no version of glibc; `make bundle` builds the bundle anew")
    if not is_well_formed(value.get("state", {})):
        raise Refused(f"{MANIFEST} describes the versions of state wrongly; `make bundle` builds the bundle anew")
    archives = value.get("archives")
    if not isinstance(archives, dict) or "common" not in archives:
        raise Refused(f"{MANIFEST} names no archives; `make bundle` builds the bundle anew")
    for name, archive in archives.items():
        if not ARCHIVE.fullmatch(name) or not _is_archive(archive):
            raise Refused(f"{MANIFEST} describes the archive {name!r} wrongly; `make bundle` builds the bundle anew")
    if not anchors(value, archives):
        raise Refused("the bundle is of an older version, which did not anchor its files; `make bundle` builds it anew")
    return value


def _is_archive(archive: object) -> bool:
    """Whether an entry of `archives` has its hash, and a size within bounds."""
    if not isinstance(archive, dict) or not HASH.fullmatch(str(archive.get("sha256"))):
        return False
    size = archive.get("unpacked")
    return isinstance(size, int) and not isinstance(size, bool) and 0 < size <= UNPACKED


def release_of(manifest: Manifest) -> str:
    """The id of the release a manifest describes."""
    release = manifest.get("release")
    if not isinstance(release, str) or not ID.fullmatch(release):
        raise Refused(f"the bundle's manifest names no release: {release!r}")
    return release


def older(version: str, needed: str) -> bool:
    """Whether a version of two numbers is older than another, or is none."""
    if not (found := VERSION.match(version)):
        return True
    return [*map(int, found[0].split("."))] < [*map(int, needed.split("."))]


def anchors(manifest: Manifest, names: Iterable[str]) -> dict[str, str]:
    """The hash of each archive's list of files; empty when the manifest, being older, does not hold all of them."""
    found = {name: str(manifest["archives"][name].get("list")) for name in names}
    return found if all(HASH.fullmatch(value) for value in found.values()) else {}


def file_of(name: str) -> str:
    """The file of an archive."""
    return f"{name}.tar.gz"


def archive_faults(folder: Path, manifest: Manifest, names: Iterable[str]) -> list[str]:
    """What is wrong with these archives in a folder, each in a sentence."""
    found: list[str] = []
    for name in names:
        path = folder / file_of(name)
        if not path.is_file():
            found.append(f"{path} is missing; `make bundle` builds it")
        elif sha256(path) != manifest["archives"][name]["sha256"]:
            found.append(f"{path} is not the archive its manifest describes; `make bundle` builds it anew")
    return found
