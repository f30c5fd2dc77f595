"""One GET through a unix socket, behind which a proxy passes bytes on to the server that the URL names."""

from __future__ import annotations

import http.client
import socket
import ssl
from urllib.parse import urlsplit

from . import tls
from .influxdb_api import is_health, json_of

LONGEST_ANSWER = 64 << 10


def status_of(url: str, path: str, ca_file: str | None, timeout: float, other: bool = False) -> int:
    """The status with which InfluxDB reports its health; its certificate has to be for the URL's own name.

    Of an `other` server it is 200 when it answers with anything but a redirect or a fault of its own.
    Raises OSError and http.client.HTTPException when there is no answer.
    """
    parts = urlsplit(url)
    name = parts.hostname or ""
    context = tls.context(ca_file or "") if parts.scheme == "https" else None
    connection = http.client.HTTPConnection(parts.netloc.rpartition("@")[2], timeout=timeout)
    plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        plain.settimeout(timeout)
        plain.connect(path)
        connection.sock = context.wrap_socket(plain, server_hostname=name) if context else plain
        connection.request("GET", parts.path or "/")
        answer = connection.getresponse()
        body = answer.read(LONGEST_ANSWER)
        if other and (200 <= answer.status < 300 or 400 <= answer.status < 500):
            return 200
        if answer.status < 400 and not (answer.status == 200 and is_health(json_of(body))):
            raise OSError(f"it answers {answer.status} as no InfluxDB 2 does: check influxdb_url")
        return answer.status
    except ssl.SSLCertVerificationError as error:
        raise OSError(tls.words(error, name)) from error
    finally:
        connection.close()
        plain.close()
