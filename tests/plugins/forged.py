"""A forged bundle: archives with any members, and papers (lists, manifest, SHA256SUMS) that agree with them."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plugins.module_utils.files import sha256
from tests.plugins.hosts import bundle, written


def member(name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "", mode: int = 0o644) -> Any:
    """A member of a tar archive, and its bytes."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode, entry.size = kind, link, mode, len(data)
    return entry, data


def link(name: str, target: str) -> Any:
    """A symbolic link."""
    return member(name, kind=tarfile.SYMTYPE, link=target, mode=0o777)


def forge(folder: Path, more: Sequence[Any], unlisted: Sequence[Any] = (), **output: Any) -> dict[str, Any]:
    """A bundle whose `common` has these members as well. All its papers agree, but for `unlisted`, which no list names.

    `output` is what the manifest says of the archive, other than what is true.
    """
    manifest = bundle(folder)
    with tarfile.open(folder / "common.tar.gz") as tar:
        honest = [(entry, _data(tar, entry)) for entry in tar if not entry.name.startswith("checksums")]
    real = [*honest, *more]
    plain = [(entry, data) for entry, data in real if entry.type == tarfile.REGTYPE]
    lines = [f"{hashlib.sha256(data).hexdigest()}  {entry.name}\n" for entry, data in plain]
    sums = "".join(dict.fromkeys(lines)).encode()
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for entry, data in [*real, *unlisted, member("checksums/common.sha256", sums)]:
            tar.addfile(entry, io.BytesIO(data))
    size = sum(len(data) for _, data in plain) + len(sums)
    reported = {"unpacked": size, "list": hashlib.sha256(sums).hexdigest()} | output
    return papers(folder, manifest, raw.getvalue(), **reported)


def papers(folder: Path, manifest: dict[str, Any], raw: bytes, **output: Any) -> dict[str, Any]:
    """Writes `common` from the bytes of a tar archive, and the bundle's papers to go with it."""
    with (folder / "common.tar.gz").open("wb") as out, gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped:
        zipped.write(raw)
    common = {**manifest["archives"]["common"], "sha256": sha256(folder / "common.tar.gz"), **output}
    manifest["archives"] = {**manifest["archives"], "common": common}
    written(folder, manifest)
    return manifest


def _data(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(entry) if entry.isreg() else None
    return stream.read() if stream else b""
