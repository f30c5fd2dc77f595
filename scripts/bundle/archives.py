"""Archives that are the same byte for byte when their content is: sorted, without times, owned by root."""

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Archive:
    """One packed tree. `listed` hashes its list of files, `content` paths, modes and bytes; `unpacked` is in bytes."""

    name: str
    sha256: str
    size: int
    unpacked: int
    listed: str
    content: str

    def described(self) -> dict[str, object]:
        """What the manifest states of it."""
        return {"sha256": self.sha256, "size": self.size, "unpacked": self.unpacked, "list": self.listed}


def pack(name: str, tree: Path, out: Path) -> Archive:
    """Packs a tree as `<name>.tar.gz`, with a list of its files' hashes inside."""
    sums, content, unpacked = _sums(tree)
    lists = tree / "checksums"
    lists.mkdir(exist_ok=True)
    (lists / f"{name}.sha256").write_text(sums)
    listed = hashlib.sha256(sums.encode()).hexdigest()
    target = out / f"{name}.tar.gz"
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in sorted(tree.rglob("*")):
            _add(tar, path, path.relative_to(tree).as_posix())
    return Archive(name, sha256(target), target.stat().st_size, unpacked + len(sums.encode()), listed, content)


def single(folder: Path, name: str, out: Path) -> None:
    """Packs a folder's files as one file, below a folder `name`; hidden ones are left out."""
    part = out.with_name(f".{out.name}.part")
    with tarfile.open(part, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(folder.glob("[!.]*")):
            _add(tar, path, f"{name}/{path.name}")
    part.rename(out)


def sha256(path: Path) -> str:
    """The hash of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sums(tree: Path) -> tuple[str, str, int]:
    """The list as `sha256sum` writes it, the hash of the whole content, and the bytes of all files."""
    lines: list[str] = []
    content = hashlib.sha256()
    unpacked = 0
    for path in sorted(tree.rglob("*")):
        name = path.relative_to(tree).as_posix()
        if path.is_symlink():
            content.update(f"link {path.readlink()} {name}\n".encode())
        elif path.is_file():
            digest = sha256(path)
            lines.append(f"{digest}  {name}\n")
            content.update(f"{_mode(path):o} {digest} {name}\n".encode())
            unpacked += path.stat().st_size
    return "".join(lines), content.hexdigest(), unpacked


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tarfile.TarInfo(name)
    if path.is_symlink():
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, str(path.readlink()), 0o777
        tar.addfile(entry)
    elif path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(entry)
    else:
        data = path.read_bytes()
        entry.size, entry.mode = len(data), _mode(path)
        tar.addfile(entry, io.BytesIO(data))


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & 0o100 else 0o644
