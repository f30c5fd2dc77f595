"""What the bundle's program reports while it works, and how it runs others."""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.bundle import BundleError


@contextmanager
def step(text: str) -> Iterator[None]:
    """One line a step, with its seconds, when it is done."""
    start = time.monotonic()
    yield
    print(f"  {time.monotonic() - start:6.1f} s  {text}", flush=True)


def run(command: Sequence[str | Path], cwd: Path | None = None) -> str:
    """Runs a program; on failure its last words become the error."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError:
        raise BundleError(f"{words[0]} is missing; `make setup` installs it") from None
    if done.returncode:
        output = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise BundleError(f"{' '.join(words[:4])} … failed:\n{output}")
    return done.stdout
