"""asyncio's buffers, made for few and small messages.

It takes 256 KiB from the kernel for each piece that it receives, and gives them back at once, which costs more than the
piece; and it fills as much with zeros for each connection by TLS, for as long as that lasts.
"""

from __future__ import annotations

from asyncio import selector_events, sslproto

PIECE = 16 * 1024
"""Bytes; what is longer comes in several pieces."""


def use() -> None:
    """For all connections of this program from now on."""
    selector_events._SelectorTransport.max_size = PIECE  # type: ignore[attr-defined]  # the stubs leave it out
    sslproto.SSLProtocol.max_size = PIECE
