"""No token goes over a network that others can read, and in check mode none goes anywhere."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils.influxdb_api import InfluxDB
from plugins.module_utils.layout import Refused
from plugins.module_utils.safe_url import fault, is_loopback
from tests.cases import cases

ROOT = Path(__file__).resolve().parents[2]
HOSTS = ROOT / "tests" / "loopback"
LOOPBACK = (HOSTS / "loopback.txt").read_text().splitlines()
OTHERS = (HOSTS / "others.txt").read_text().splitlines()
OTHERS += [
    "",
    " ",
    "127.0.0.1\n",
    "127.0.0.1 ",
    " 127.0.0.1",
    "127.0.0.1\r\nX: y",
    "127.0.0.1\t",
    "localhost\x00",
    "[::1]\n",
]
TOKEN = "the-token-of-this-edge"


@dataclass
class Listener:
    """A server on all addresses of this machine that answers every request with a redirect, and remembers what came."""

    location: str = ""
    received: bytes = b""
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._server = socket.create_server(("0.0.0.0", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection = self._server.accept()[0]
            except OSError:
                return
            with connection:
                connection.settimeout(0.3)
                try:
                    while data := connection.recv(65536):
                        with self._lock:
                            self.received += data
                except TimeoutError:
                    pass
                connection.sendall(
                    f"HTTP/1.1 307 No\r\nLocation: {self.location}\r\nContent-Length: 0\r\n\r\n".encode()
                )

    def stop(self) -> None:
        self._server.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.stop()


@pytest.fixture
def address() -> str:
    """An address of this machine that others can reach; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        own: str = probe.getsockname()[0]
    assert not own.startswith("127.")
    return own


def access(listener_url: str, folder: Path, *, check: bool, token: str = "") -> dict[str, object]:
    """What the module influxdb_access says on a host that has a token."""
    file = folder / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    arguments = {"url": listener_url, "token_file": str(file), "ca_path": str(folder / "ca.crt"), "token": token}
    internal = {"_ansible_check_mode": check, "_ansible_remote_tmp": str(folder)}
    command = [sys.executable, "-m", "ansible_collections.seclyzer.edge.plugins.modules.influxdb_access"]
    done = subprocess.run(
        command,
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments | internal}),
        env={"PYTHONPATH": str(ROOT / "collections"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    reported: dict[str, object] = json.loads(done.stdout or done.stderr)
    assert TOKEN not in done.stdout + done.stderr
    return reported


@pytest.mark.parametrize("host", LOOPBACK)
def test_http_to_the_loopback_is_good(host: str) -> None:
    assert fault(f"http://{host}") == "" and is_loopback(f"http://{host}/x")


@pytest.mark.parametrize("host", OTHERS)
def test_http_to_what_only_looks_like_it_is_not(host: str) -> None:
    assert fault(f"http://{host}") != "" and not is_loopback(f"http://{host}")
    with pytest.raises(Refused, match="the URL of InfluxDB is"):
        InfluxDB(f"http://{host}")


@pytest.mark.parametrize(
    "url", ["HTTP://127.0.0.1", "HTTPS://store", "ftp://store", "https:/store", "store:8086", "https://u:p@s"]
)
def test_what_is_no_plain_url_is_refused_and_a_password_in_it_is_not_repeated(url: str) -> None:
    assert fault(url).endswith("without user and password") and "u:p" not in fault(url)


def test_the_sentence_says_why_and_what_to_do() -> None:
    assert fault("http://store:8086") == (
        "is 'http://store:8086': over http a token can be read on the way; it has to be https://HOST:PORT, or http:// "
        "to the loopback (127.x.x.x, [::1], localhost)"
    )
    assert fault("https://store:8086/influx") == ""


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("token", ["", "a-new-token-for-this-edge"])
def test_nothing_is_sent_by_http_to_another_address(
    listener: Listener, address: str, tmp_path: Path, check: bool, token: str
) -> None:
    reported = access(f"http://{address}:{listener.port}", tmp_path, check=check, token=token)
    assert reported["failed"] and "over http a token can be read on the way" in str(reported["msg"])
    assert listener.received == b""


def test_no_token_is_sent_in_check_mode_whatever_the_url(listener: Listener, address: str, tmp_path: Path) -> None:
    reported = access(f"https://{address}:{listener.port}", tmp_path, check=True)
    assert (reported["token_state"], reported["changed"]) == ("unknown", False)
    assert listener.received == b""


@pytest.mark.parametrize("case", cases("store_addresses"), ids=lambda case: repr(case["url"]))
def test_an_address_of_the_store_is_taken_or_refused(case: dict[str, Any]) -> None:
    """The cases that every parser of it is held to; a path's end makes no second slash."""
    if case["normal"] is not None and case["private"]:
        assert (fault(case["url"]), InfluxDB(case["url"]).url) == ("", case["normal"])
        return
    assert "it has to be https://HOST:PORT" in fault(case["url"])
    with pytest.raises(Refused, match="the URL of InfluxDB is "):
        InfluxDB(case["url"])


def test_a_redirect_is_not_followed_with_the_token(listener: Listener, tmp_path: Path, address: str) -> None:
    home = Listener(location=f"http://{address}:{listener.port}/stolen")
    try:
        reported = access(f"http://127.0.0.1:{home.port}", tmp_path, check=False)
        assert reported["failed"] and "with 307 as no InfluxDB 2 does: check influxdb_url" in str(reported["msg"])
        assert TOKEN.encode() in home.received
        assert InfluxDB(f"http://127.0.0.1:{home.port}").call("GET", "/health", TOKEN).status == 307
    finally:
        home.stop()
    assert listener.received == b""
