"""The way of this host's points to the store: a unix socket behind which a proxy passes bytes on, and writes by it."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM
from socket import socket as Socket
from typing import NamedTuple

from . import credentials, tls
from .layout import Refused

TOKEN = Path("/etc/seclyzer/credentials/influx-write-token")
"""What the extractors write with."""
SECONDS = 5.0
LONGEST = 4096
"""Bytes of an answer that are read."""
DEFAULTS = {"influx_org": "seclyzer", "influx_bucket": "behavioral_data"}


@dataclass(frozen=True)
class Way:
    """How the store is reached: its URL, the socket that leads there, the file of the CA, and where points go."""

    url: str
    socket: str
    ca: str
    org: str = DEFAULTS["influx_org"]
    bucket: str = DEFAULTS["influx_bucket"]

    @property
    def name(self) -> str:
        """The store's name, which its certificate has to show."""
        return urllib.parse.urlsplit(self.url).hostname or ""

    @property
    def is_tls(self) -> bool:
        """Whether it is reached by TLS."""
        return self.url.startswith("https:")

    def connect(self, trusting: bool = False) -> Socket:
        """A connection, in TLS where the URL says so; `trusting` takes any certificate. Raises OSError, ValueError."""
        plain = Socket(AF_UNIX, SOCK_STREAM)
        plain.settimeout(SECONDS)
        try:
            plain.connect(self.socket)
            if not self.is_tls:
                return plain
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if trusting else tls.context(self.ca)
            if trusting:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            return context.wrap_socket(plain, server_hostname=self.name)
        except BaseException:
            plain.close()
            raise


def way(probes: Mapping[str, str], settings: str) -> Way | None:
    """By a deployment's probes and an extractor's settings; None where there is no store, or no socket to it."""
    if not probes.get("influx_url") or not probes.get("influx_socket"):
        return None
    place = dict(DEFAULTS)
    for name, value in re.findall(r"^(influx_org|influx_bucket): (\S.*)$", settings, re.MULTILINE):
        place[name] = str(json.loads(value)) if value.startswith('"') else value
    where = str(probes["influx_url"]).rstrip("/"), str(probes["influx_socket"]), str(probes.get("influx_ca_file") or "")
    return Way(*where, place["influx_org"], place["influx_bucket"])


class Answer(NamedTuple):
    """The status of a write, and why it was refused: the `message` of InfluxDB or of the gateway before it."""

    status: int
    message: str = ""


def write(found: Way, token: str, lines: bytes) -> Answer:
    """Writes line protocol (times in µs). Raises OSError, ValueError, http.client.HTTPException."""
    parts = urllib.parse.urlsplit(found.url)
    query = urllib.parse.urlencode({"org": found.org, "bucket": found.bucket, "precision": "us"})
    connection = http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
    with contextlib.closing(connection):
        connection.sock = found.connect()
        connection.request("POST", f"{parts.path}/api/v2/write?{query}", lines, {"Authorization": f"Token {token}"})
        answer = connection.getresponse()
        return Answer(answer.status, _message(answer.read(LONGEST)))


def _message(body: bytes) -> str:
    try:
        return " ".join(str(json.loads(body)["message"]).split())
    except (ValueError, KeyError, TypeError):
        return ""


def takes_writes(found: Way, token_file: Path = TOKEN) -> bool:
    """Whether the store takes a write of nothing, which stores nothing and takes the way and the right of a point."""
    try:
        token = credentials.read_secret(token_file)
        return token is not None and write(found, token, b"").status == 204
    except (OSError, ValueError, Refused, http.client.HTTPException):
        return False
