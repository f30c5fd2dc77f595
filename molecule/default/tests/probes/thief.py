"""Sends requests to the store, as whoever has stolen this edge and its credential would."""

import base64
import http.client
import socket
import ssl
from pathlib import Path
from typing import Any

TOKEN = Path("/etc/seclyzer/credentials/influx-write-token")
CA = "/etc/seclyzer/influx-ca.crt"
STORE = "store"
SECONDS = 20.0


def main(requests: list[dict[str, Any]]) -> list[Any]:
    """What came of each: the status of a request, or what a connection to a port came to.

    A request is {method, path, body (base64), headers, raw}; a connection {port, tls}: `raw` are bytes in place of all.
    `@token@` in headers is this edge's token, which is not given back.
    """
    return [_connect(**one) if "port" in one else _ask(**one) for one in requests]


def _ask(method: str = "", path: str = "", body: str = "", headers: dict[str, str] | None = None, raw: str = "") -> int:
    token = TOKEN.read_text().strip()
    if raw:
        return _raw(base64.b64decode(raw).replace(b"@token@", token.encode()))
    context = ssl.create_default_context(cafile=CA)
    connection = http.client.HTTPSConnection(STORE, 8086, timeout=SECONDS, context=context)
    named = {"Authorization": "Token @token@", **(headers or {})}
    try:
        connection.request(
            method, path, base64.b64decode(body), {key: value.replace("@token@", token) for key, value in named.items()}
        )
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _raw(sent: bytes) -> int:
    """The status of the first answer; 0 when nothing comes."""
    context = ssl.create_default_context(cafile=CA)
    plain = socket.create_connection((STORE, 8086), SECONDS)
    with plain, context.wrap_socket(plain, server_hostname=STORE) as tls:
        tls.sendall(sent)
        tls.settimeout(3)
        try:
            came = tls.recv(4096)
        except OSError:
            return 0
        return int(came.split()[1]) if came.startswith(b"HTTP/") else 0


def _connect(port: int, tls: str = "") -> str:
    """`open` when a server listens (and speaks that version of TLS), else the error's name."""
    try:
        with socket.create_connection((STORE, port), 3) as plain:
            if not tls:
                return "open"
            context = ssl.create_default_context(cafile=CA)
            context.minimum_version = context.maximum_version = ssl.TLSVersion[tls]
            with context.wrap_socket(plain, server_hostname=STORE):
                return "open"
    except OSError as error:
        return type(error).__name__
