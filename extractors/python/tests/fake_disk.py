"""A disk in memory that forgets, at a crash, what was not synced; any call may be the last, or fail."""

import errno
import os
import random
from dataclasses import dataclass, field

from seclyzer_extractors.spool.disk import Disk


class Crash(BaseException):
    """The power is gone. Nothing may catch it."""


@dataclass
class Node:
    """A file; `synced` is what is sure to outlive a crash."""

    data: bytes = b""
    synced: bytes = b""
    readable: bool = True


@dataclass
class Folder:
    """Entries as they are, and as a crash may find them."""

    entries: dict[str, "Node | Folder"] = field(default_factory=dict)
    synced: dict[str, "Node | Folder"] = field(default_factory=dict)


class FakeDisk(Disk):
    """`/state` is there. Calls are counted; `crash_at` numbers the last one, `fail` those that fail."""

    def __init__(self, seed: int = 0) -> None:
        self.root = Folder()
        self.calls = 0
        self.crash_at: int | None = None
        self.fail: dict[int, int] = {}  # number of the call: errno
        self.failed: list[str] = []  # names of the calls that did
        self._positions: dict[int, int] = {}
        self._random = random.Random(seed)
        self._handles: dict[int, Node | Folder] = {}
        self._locked: set[int] = set()  # of folders
        self._next = 100

    # --- what a test does --------------------------------------------------------------------------

    def spool(self) -> dict[str, bytes]:
        """Names and contents of what is in the spool's folder."""
        folder = self.root.entries.get("spool")
        return {} if not isinstance(folder, Folder) else {
            name: node.data for name, node in sorted(folder.entries.items()) if isinstance(node, Node)
        }  # fmt: skip

    def crash(self) -> None:
        """What was not synced is there in part, or is not; nothing is open, and calls work again."""
        self._handles.clear()
        self._locked.clear()
        self.crash_at = None
        self.fail = {}
        self._forget(self.root)

    def _forget(self, folder: Folder) -> None:
        for name in sorted({*folder.entries, *folder.synced}):
            there, sure = folder.entries.get(name), folder.synced.get(name)
            kept = there if there is sure or self._random.random() < 0.5 else sure
            if kept is None:
                folder.entries.pop(name, None)
            else:
                folder.entries[name] = kept
        folder.synced = dict(folder.entries)
        for one in folder.entries.values():
            if isinstance(one, Folder):
                self._forget(one)
            elif one.data.startswith(one.synced):  # a part of what was appended
                one.synced = one.data = one.data[: self._random.randint(len(one.synced), len(one.data))]
            else:  # a cut that was not synced
                one.synced = one.data = self._random.choice([one.data, one.synced])

    # --- what the spool does -----------------------------------------------------------------------

    def _call(self, name: str) -> None:
        self.calls += 1
        if self.crash_at is not None and self.calls >= self.crash_at:
            raise Crash
        number = self.fail.get(self.calls)
        if number is not None:
            self.failed.append(name)
            raise OSError(number, os.strerror(number))

    def _find(self, path: str) -> tuple[Folder, str]:
        at = self.root
        *folders, name = path.split("/")[2:]
        for one in folders:
            below = at.entries.get(one)
            if not isinstance(below, Folder):
                raise FileNotFoundError(errno.ENOENT, "No such file or directory")
            at = below
        return at, name

    def mkdir(self, path: str, mode: int) -> None:
        self._call("mkdir")
        folder, name = self._find(path)
        if name in folder.entries:
            raise FileExistsError(errno.EEXIST, "File exists")
        folder.entries[name] = Folder()

    def open(self, path: str, flags: int, mode: int = 0) -> int:
        self._call("create" if flags & os.O_CREAT else "open")
        node: Node | Folder | None = self.root
        if path != "/state":
            folder, name = self._find(path)
            node = folder.entries.get(name)
            if node is not None and flags & os.O_EXCL:
                raise FileExistsError(errno.EEXIST, "File exists")
            if node is None and flags & os.O_CREAT:
                node = folder.entries[name] = Node()
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        if isinstance(node, Node) and not node.readable and not flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, "Permission denied")
        self._next += 1
        self._handles[self._next] = node
        self._positions[self._next] = 0
        return self._next

    def close(self, file: int) -> None:
        node = self._handles.pop(file)  # also when it fails, as Linux does
        self._locked.discard(id(node))
        self._call("close")

    def read(self, file: int, size: int) -> bytes:
        self._call("read")
        node, at = self._file(file), self._positions[file]
        self._positions[file] = at + size
        return node.data[at : at + size]

    def write(self, file: int, data: bytes) -> int:
        node = self._file(file)
        part = self._random.randint(0, len(data))
        try:
            self._call("write")
        except BaseException:
            node.data += data[:part]
            raise
        taken = data if self._random.random() < 0.8 else data[: max(1, part)]
        node.data += taken
        return len(taken)

    def fsync(self, file: int) -> None:
        self._call("fsync")
        folder = self._handles[file]
        assert isinstance(folder, Folder)
        folder.synced = dict(folder.entries)

    def fdatasync(self, file: int) -> None:
        self._call("fdatasync")
        node = self._file(file)
        node.synced = node.data

    def ftruncate(self, file: int, size: int) -> None:
        self._call("ftruncate")
        node = self._file(file)
        node.data = node.data[:size]

    def size(self, file: int) -> int:
        self._call("size")
        return len(self._file(file).data)

    def unlink(self, path: str) -> None:
        self._call("unlink")
        folder, name = self._find(path)
        if folder.entries.pop(name, None) is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    def files(self, path: str) -> list[tuple[str, int]]:
        self._call("files")
        folder = self._find(path)[0].entries[path.rpartition("/")[2]]
        assert isinstance(folder, Folder)
        return [(name, len(node.data)) for name, node in folder.entries.items() if isinstance(node, Node)]

    def lock(self, folder: int) -> bool:
        self._call("lock")
        node = self._handles[folder]
        if id(node) in self._locked:
            return False
        self._locked.add(id(node))
        return True

    def _file(self, file: int) -> Node:
        node = self._handles[file]
        assert isinstance(node, Node)
        return node
