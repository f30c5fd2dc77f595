"""A host's clock that a test can set: Redis, the feeder and the extractors all see the same one (`clock.c`)."""

import functools
import mmap
import struct
import subprocess
from pathlib import Path

from tests.helpers import ROOT

SOURCE = Path(__file__).with_name("clock.c")
NS = 1_000_000_000
BUILD = ROOT / "build" / "rust-target"


@functools.cache
def preloading() -> Path:
    """Rust programs that load the clock: those of the release have the C library within, and load nothing."""
    manifest = ROOT / "extractors" / "rust" / "Cargo.toml"
    words = ["cargo", "build", "--quiet", "--locked", "--bins", "--manifest-path", str(manifest)]
    subprocess.run([*words, "--target-dir", str(BUILD)], check=True)
    return BUILD / "debug"


class Clock:
    """Built and loaded by `env`. Both clocks are right at first."""

    def __init__(self, folder: Path) -> None:
        library, page = folder / "clock.so", folder / "clock"
        words = ["cc", "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(words, check=True)
        page.write_bytes(bytes(16))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 16)
        self.env = {"LD_PRELOAD": str(library), "FAULT_CLOCK": str(page)}

    def set_wall(self, seconds: float) -> None:
        """So far ahead of the right time (behind it: negative)."""
        struct.pack_into("<q", self._page, 0, round(seconds * NS))

    def set_monotonic(self, seconds: float) -> None:
        """So much time more has passed."""
        struct.pack_into("<q", self._page, 8, round(seconds * NS))
