"""What is exported, as packed files of a size that can be carried to the controller one by one."""

from __future__ import annotations

import gzip
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from . import files

PIECE_BYTES = 8 << 20  # of a packed file; somewhat more is no harm
LEVEL = 6


@dataclass(frozen=True)
class Piece:
    """A file that was written: its name in its folder, its size, hash and how many records are in it."""

    name: str
    bytes: int
    sha256: str
    records: int


class Pieces:
    """Writes `<name>.gz`, or `<stem>-2.<suffix>.gz` and so on when it gets large. Files are for this user alone."""

    def __init__(self, folder: Path, name: str) -> None:
        self.made: list[Piece] = []
        self._folder = folder
        self._name = name
        self._file: IO[bytes] | None = None
        self._packed: IO[bytes] | None = None
        self._path = folder
        self._records = 0

    def __enter__(self) -> Pieces:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    def add(self, data: bytes, records: int = 1) -> None:
        """More of it; between two calls a file may end."""
        if self._file is not None and self._file.tell() > PIECE_BYTES:
            self.cut()
        if self._packed is None:
            self._begin()
        assert self._packed is not None
        self._packed.write(data)
        self._records += records

    def cut(self) -> None:
        """End the file that is being written, if there is one."""
        if self._packed is None or self._file is None:
            return
        self._packed.close()
        self._file.close()
        self.made.append(Piece(self._path.name, self._path.stat().st_size, files.sha256(self._path), self._records))
        self._file = self._packed = None
        self._records = 0

    def _begin(self) -> None:
        stem, dot, suffix = self._name.partition(".")
        number = f"-{len(self.made) + 1}" if self.made else ""
        self._path = self._folder / f"{stem}{number}{dot}{suffix}.gz"
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        self._file = os.fdopen(handle, "wb")
        packed = gzip.GzipFile("", "wb", LEVEL, self._file, mtime=0)
        self._packed = io.BufferedWriter(packed, 1 << 16)
