"""The few calls of the system that the spool is made of, in one place so that a test can let any of them fail."""

import fcntl
import os


class Disk:
    """As in `os`; all raise OSError."""

    def mkdir(self, path: str, mode: int) -> None:
        os.mkdir(path, mode)

    def open(self, path: str, flags: int, mode: int = 0) -> int:
        return os.open(path, flags, mode)

    def close(self, file: int) -> None:
        os.close(file)

    def read(self, file: int, size: int) -> bytes:
        return os.read(file, size)

    def write(self, file: int, data: bytes) -> int:
        return os.write(file, data)

    def fsync(self, file: int) -> None:
        os.fsync(file)

    def fdatasync(self, file: int) -> None:
        os.fdatasync(file)

    def ftruncate(self, file: int, size: int) -> None:
        os.ftruncate(file, size)

    def size(self, file: int) -> int:
        return os.fstat(file).st_size

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def files(self, path: str) -> list[tuple[str, int]]:
        """Names and sizes of the regular files in a folder."""
        with os.scandir(path) as entries:
            return [
                (entry.name, entry.stat(follow_symlinks=False).st_size)
                for entry in entries
                if entry.is_file(follow_symlinks=False)
            ]

    def lock(self, folder: int) -> bool:
        """Takes the lock that ends with the process; False when another one has it."""
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
