"""A connection to the store, by TCP or through a unix socket. Standard library only: the command `seclyzer` uses it."""

from __future__ import annotations

import asyncio
import socket
import ssl

from .store_address import InfluxAddress


async def connected(
    address: InfluxAddress, path: str, tls: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the server, through the unix socket at `path` if there is one. Raises OSError."""
    # As bytes, since ssl looks up a text in IDNA's tables, which take 0.3 MiB; an address is ASCII.
    name = address.host.encode("ascii") if tls is not None else None
    if not path:
        return await asyncio.open_connection(address.host, address.port, ssl=tls, server_hostname=name)
    reached = socket.socket(socket.AF_UNIX)
    try:
        reached.setblocking(False)
        await asyncio.get_running_loop().sock_connect(reached, path)
        return await asyncio.open_connection(sock=reached, ssl=tls, server_hostname=name)
    except BaseException:
        reached.close()
        raise
