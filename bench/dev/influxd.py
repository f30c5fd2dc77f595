"""A real influxd on the loopback, with TLS under a certificate authority of its own; gone when the bench is over."""

import http.client
import json
import secrets
import socket
import ssl
import subprocess
from pathlib import Path

from lab import influxdb, pki
from lab.say import LabError

from .. import BenchError
from ..store import ORGANISATION, Store
from ..waiting import until

ADDRESS = "127.0.0.1"


class Influxd:
    """Runs from its making until `stop`."""

    def __init__(self, folder: Path) -> None:
        try:
            program = influxdb.ensure()
            _certificates(folder)
        except LabError as fault:
            raise BenchError(str(fault)) from None
        self.version = influxdb.version()
        with socket.socket() as probe:
            probe.bind((ADDRESS, 0))
            self._port: int = probe.getsockname()[1]
        self._tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        words = [str(program), "--http-bind-address", f"{ADDRESS}:{self._port}", "--reporting-disabled"]
        words += ["--tls-cert", str(folder / "localhost.crt"), "--tls-key", str(folder / "localhost.key")]
        words += ["--tls-min-version", "1.3", "--log-level", "error"]
        for name, option in (("bolt", "--bolt-path"), ("engine", "--engine-path"), ("sqlite", "--sqlite-path")):
            words += [option, str(folder / name)]
        with (folder / "influxd.log").open("wb") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        token = secrets.token_hex(16)
        until(lambda: self._status("GET", "/health") == 200, "influxd answers")
        document = {"username": "bench", "password": token, "org": ORGANISATION, "bucket": "bench", "token": token}
        status = self._status("POST", "/api/v2/setup", document)
        if status != 201:
            raise BenchError(f"influxd's setup answered {status}")
        url = f"https://{ADDRESS}:{self._port}"
        self.store = Store(url, token, f"influxd {self.version} on the loopback, TLS 1.3", str(folder / "ca.crt"))

    def _status(self, method: str, path: str, body: object = None) -> int:
        connection = http.client.HTTPSConnection(ADDRESS, self._port, timeout=10, context=self._tls)
        try:
            connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def stop(self) -> None:
        """Ends it; its data go with the folder."""
        self._process.kill()
        self._process.wait()


def _certificates(folder: Path) -> None:
    """`ca.crt`, and `localhost.crt` with its key, as the lab's site would give them."""
    authority = folder / "ca.key", folder / "ca.crt"
    pki.request(*authority, "SecLyzer bench CA", pki.CA_EXTENSIONS, pki.CA_DAYS)
    names = f"subjectAltName=DNS:localhost,IP:{ADDRESS}"
    signed = ("-CA", str(authority[1]), "-CAkey", str(authority[0]))
    files = folder / "localhost.key", folder / "localhost.crt"
    pki.request(*files, "localhost", (*pki.LEAF_EXTENSIONS, names), pki.LEAF_DAYS, signed)
