"""Does InfluxDB answer? `GET /health`, which needs no token."""

from __future__ import annotations

import json
import os
import ssl
import time
from dataclasses import dataclass

import aiohttp

from ..model import Entry, Reading, Status, Unreadable

MAX_BODY = 16 * 1024


@dataclass(frozen=True, slots=True)
class InfluxFacts:
    """`latency` of the request in s."""

    latency: float


class InfluxCheck:
    """The check `influxdb`. Its facts: InfluxFacts. `slow` in s."""

    name = "influxdb"
    after = ()
    primary = Entry("responseTime", "influxdb", "datastore", Status.FAIL, "")

    def __init__(self, session: aiohttp.ClientSession, url: str, tls: ssl.SSLContext | bool, slow: float) -> None:
        self._session, self._url, self._tls, self._slow = session, url.rstrip("/") + "/health", tls, slow

    async def read(self) -> Reading:
        """Ask once, over a connection that is kept."""
        began = time.perf_counter()
        try:
            async with self._session.get(self._url, ssl=self._tls, allow_redirects=False) as answer:
                body = await _body(answer)
        except aiohttp.ClientConnectorCertificateError:
            raise Unreadable("the certificate is not one that the CA file vouches for") from None
        except aiohttp.ClientConnectorError as error:
            raise Unreadable(f"cannot be reached: {why(error.os_error)}") from None
        except aiohttp.ClientError as error:
            raise Unreadable(f"broke off the answer ({type(error).__name__})") from None
        except TimeoutError:
            raise Unreadable("does not answer") from None
        latency = time.perf_counter() - began
        if answer.status != 200:
            raise Unreadable(f"answers GET /health with {answer.status}")
        if not _says_pass(body):
            raise Unreadable("does not say that it is ready for queries and writes")
        return Reading((judge(latency, self._slow),), InfluxFacts(latency))


def why(error: OSError) -> str:
    """The operating system's words for a failed connection."""
    return os.strerror(error.errno) if error.errno else str(error)[:100] or "no connection"


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """The whole body, or its first part when it is far too long."""
    body = b""
    async for part in answer.content.iter_any():
        body += part
        if len(body) > MAX_BODY:
            break
    return body


def _says_pass(body: bytes) -> bool:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("status") == "pass"


def judge(latency: float, slow: float) -> Entry:
    """The entry of an answer; `latency` and `slow` in s."""
    ms = latency * 1000
    status = Status.WARN if latency > slow else Status.PASS
    words = f"InfluxDB answered in {ms:.1f} ms" + (f", more than {slow * 1000:g} ms" if status else "")
    return Entry("responseTime", "influxdb", "datastore", status, words, round(ms, 3), "ms")
