"""Sizes in bytes, as a person reads them."""

from __future__ import annotations


def mebibytes(size: int) -> str:
    """Bytes in MiB."""
    return f"{size / 2**20:.1f} MiB"


def amount(size: int) -> str:
    """Bytes in MiB, or in KiB when there are few."""
    return mebibytes(size) if size >= 2**20 else f"{size / 1024:.1f} KiB"
