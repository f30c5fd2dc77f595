"""Asks the agent over HTTP, as a scraper would."""

import time
import urllib.error
import urllib.request
from typing import Any

AGENT = "http://127.0.0.1:9484"


def main(paths: list[str], timeout: float = 5.0, name: str = "127.0.0.1:9484") -> dict[str, dict[str, Any]]:
    """Status, content type, body and seconds of each path; status 0 and the error as body when nothing answered."""
    return {path: _get(path, timeout, name) for path in paths}


def _get(path: str, timeout: float, name: str) -> dict[str, Any]:
    start = time.monotonic()
    try:
        try:
            request = urllib.request.Request(AGENT + path, headers={"Host": name})
            answer = urllib.request.urlopen(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            status, kind, body = answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    except OSError as error:
        status, kind, body = 0, "", str(error)
    return {"status": status, "type": kind, "body": body, "seconds": time.monotonic() - start}
