"""A program's output, for the few things that only a program of systemd's has."""

from __future__ import annotations

import asyncio
import contextlib
import os

from .model import Unreadable


async def output_of(*words: str) -> str:
    """What it prints. Raises Unreadable; kills the program when cancelled."""
    try:
        process = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C", "SYSTEMD_COLORS": "0"},
        )
    except OSError as error:
        raise Unreadable(f"{words[0]} cannot be run: {error.strerror}") from None
    try:
        out, err = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        raise
    if process.returncode != 0:
        lines = err.decode("utf-8", "replace").strip().splitlines()
        raise Unreadable(f"{words[0]} {words[1]} failed: {(lines or [f'exit {process.returncode}'])[0][:200]}")
    return out.decode("utf-8", "replace")
