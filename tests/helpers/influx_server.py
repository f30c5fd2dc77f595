"""A real influxd on a free port of this machine."""

import csv
import http.client
import io
import json
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from . import ROOT
from .ports import free_port
from .waiting import until

ORGANISATION = "seclyzer"


class InfluxServer:
    """One influxd for all tests; each world has a bucket of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = secrets.token_hex(16)
        self.log = folder / "influxd.log"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._organisation = ""

    def start(self) -> None:
        """Starts it; what it had answered for is still there."""
        self.begin()
        until(self._is_up, "influxd answers")

    def begin(self) -> None:
        """Starts it, and does not wait."""
        words = [influxd(), "--http-bind-address", f"127.0.0.1:{self.port}", "--reporting-disabled"]
        words += ["--bolt-path", str(self._folder / "bolt"), "--engine-path", str(self._folder / "engine")]
        words += ["--sqlite-path", str(self._folder / "sqlite")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _is_up(self) -> bool:
        try:
            return self.ask("GET", "/health")[0] == 200
        except OSError:
            return False

    def shared(self) -> str:
        """What another process needs to `join` it."""
        return f"{self.port}:{self.token}:{self._organisation}"

    def join(self, shared: str) -> None:
        """Uses the one that another process has started, instead of starting one."""
        port, self.token, self._organisation = shared.split(":")
        self.port, self.url = int(port), f"http://127.0.0.1:{port}"

    def set_up(self) -> None:
        """The organisation and the token, once."""
        user = {"username": "live", "password": secrets.token_hex(16), "org": ORGANISATION, "bucket": "first"}
        status, reported = self.ask("POST", "/api/v2/setup", {**user, "token": self.token})
        assert status == 201, reported
        self._organisation = json.loads(reported)["org"]["id"]

    def add_bucket(self, name: str) -> None:
        """A new bucket."""
        status, reported = self.ask("POST", "/api/v2/buckets", {"orgID": self._organisation, "name": name})
        assert status == 201, reported

    def make_token(self) -> tuple[str, str]:
        """The id and the text of one more token for all buckets."""
        rights = [{"action": action, "resource": {"type": "buckets"}} for action in ("read", "write")]
        status, reported = self.ask(
            "POST", "/api/v2/authorizations", {"orgID": self._organisation, "permissions": rights}
        )
        assert status == 201, reported
        made = json.loads(reported)
        return made["id"], made["token"]

    def delete_bucket(self, name: str) -> None:
        """A bucket and all that it holds."""
        status, reported = self.ask("GET", f"/api/v2/buckets?name={name}")
        assert status == 200, reported
        status, reported = self.ask("DELETE", f"/api/v2/buckets/{json.loads(reported)['buckets'][0]['id']}")
        assert status == 204, reported

    def set_active(self, token_id: str, active: bool) -> None:
        """A token that is inactive is refused by 401."""
        path = f"/api/v2/authorizations/{token_id}"
        status, reported = self.ask("PATCH", path, {"status": "active" if active else "inactive"})
        assert status == 200, reported

    def write(self, bucket: str, lines: list[str]) -> None:
        """Points of another writer, in ns."""
        status, reported = self.ask("POST", f"/api/v2/write?org={ORGANISATION}&bucket={bucket}", "\n".join(lines))
        assert status == 204, reported

    def points(self, bucket: str) -> list[dict[str, Any]]:
        """All that the bucket holds: a row for each field, `_value` of the type that InfluxDB says."""
        query = f'from(bucket: "{bucket}") |> range(start: 0, stop: 2100-01-01T00:00:00Z)'
        status, reported = self.ask(
            "POST",
            f"/api/v2/query?org={ORGANISATION}",
            {"query": query, "dialect": {"annotations": ["datatype"]}},
        )
        assert status == 200, reported
        return list(_rows(reported))

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Status and text of one answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            text = isinstance(body, str)
            headers = {"Authorization": f"Token {self.token}"}
            headers["Content-Type"] = "text/plain" if text else "application/json"
            connection.request(method, path, str(body).encode() if text else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def kill(self) -> None:
        """As a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def end(self) -> None:
        """As systemd does; it writes down what it has in memory."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


def _rows(reported: str) -> list[dict[str, Any]]:
    """Rows of annotated CSV: tables with a header each, parted by empty lines."""
    rows: list[dict[str, Any]] = []
    types: list[str] = []
    names: list[str] = []
    for line in csv.reader(io.StringIO(reported)):
        if not line:
            names = []
        elif line[0] == "#datatype":
            types, names = line, []
        elif not names:
            names = line
        else:
            rows.append({name: _value(kind, text) for name, kind, text in zip(names, types, line, strict=True) if name})
    return rows


def _value(kind: str, text: str) -> object:
    if kind == "double":
        return float(text)
    return int(text) if kind == "long" else text


def influxd() -> str:
    """The program, built before if it was not."""
    found = subprocess.run([sys.executable, "-m", "lab", "influxd"], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert found.returncode == 0, "no influxd; what is wrong stands above"
    return found.stdout.strip()
