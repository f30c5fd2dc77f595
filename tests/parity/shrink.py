"""Makes a failing input small: lines are taken out as long as it still fails."""

from __future__ import annotations

from collections.abc import Callable


def shrink(lines: list[bytes], fails: Callable[[list[bytes]], bool], tries: int = 250) -> list[bytes]:
    """The fewest lines found that still fail, within so many tries."""
    size = max(len(lines) // 2, 1)
    while tries > 0:
        at = 0
        smaller = False
        while at < len(lines) and tries > 0:
            candidate = lines[:at] + lines[at + size :]
            tries -= 1
            if candidate and fails(candidate):
                lines, smaller = candidate, True
            else:
                at += size
        if size == 1 and not smaller:
            break
        size = max(size // 2, 1)
    return lines
