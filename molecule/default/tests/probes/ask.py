"""Asks the agent over HTTP, as a scraper would: as anybody, or as a reader of the full figures."""

import http.client
import socket
import time
from contextlib import closing
from typing import Any

NAME = "127.0.0.1:9484"
READERS = "/run/seclyzer-agent/agent.sock"


def main(paths: list[str], timeout: float = 5.0, name: str = NAME, reader: bool = False) -> dict[str, dict[str, Any]]:
    """Status, content type, body and seconds of each path; status 0 and the error as body when nothing answered."""
    return {path: _get(path, timeout, name, reader) for path in paths}


def _get(path: str, timeout: float, name: str, reader: bool) -> dict[str, Any]:
    start = time.monotonic()
    try:
        with closing(http.client.HTTPConnection(NAME, timeout=timeout)) as connection:
            if reader:
                connection.sock = socket.socket(socket.AF_UNIX)
                connection.sock.settimeout(timeout)
                connection.sock.connect(READERS)
            connection.request("GET", path, headers={"Host": name})
            answer = connection.getresponse()
            status, kind, body = answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        status, kind, body = 0, "", str(error)
    return {"status": status, "type": kind, "body": body, "seconds": time.monotonic() - start}
