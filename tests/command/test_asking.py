"""The agent is asked by its socket, else by its address; a silent one is named, and never started by the question."""

import json
import socketserver
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from command import asking
from command.asking import Silent
from command.host import Host
from plugins.module_utils import systemd
from tests.helpers.serving import running

REPORT = {"status": "pass", "findings": [], "checks": {}}


class Agent(BaseHTTPRequestHandler):
    """Ready at once; its report has the status 503 when something fails, as the agent's has."""

    body = json.dumps(REPORT).encode()
    slow = 0.0

    def do_GET(self) -> None:
        time.sleep(self.slow)
        self.send_response(200 if self.path == "/readyz" else 503)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        """Nothing on the screen."""


@contextmanager
def listening(path: Path, **more: Any) -> Iterator[None]:
    handler = type("Of", (Agent,), more)
    server = socketserver.ThreadingUnixStreamServer(str(path), handler)
    server.daemon_threads = True
    with running(server):
        yield


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    found = Host(name="edge1")
    text = f"[Socket]\nListenStream=127.0.0.1:9\nListenStream={tmp_path / 'agent.sock'}\n"
    vars(found)["units"] = {"seclyzer-agent.socket": text}
    state = {asking.UNIT: {"ActiveState": "active", "SubState": "running"}}
    monkeypatch.setattr(systemd, "show", lambda *_: state)
    return found


def test_the_socket_is_asked_before_the_address_and_503_is_a_report(host: Host, tmp_path: Path) -> None:
    with listening(tmp_path / "agent.sock"):
        assert asking.ask(host) == REPORT


def test_without_either_it_is_silent_with_the_reason(host: Host) -> None:
    with pytest.raises(Silent, match=r"127\.0\.0\.1:9: Connection refused"):
        asking.ask(host)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"status": "pass"}'])
def test_an_answer_that_is_no_report_is_none(body: bytes, host: Host, tmp_path: Path) -> None:
    with listening(tmp_path / "agent.sock", body=body), pytest.raises(Silent, match="it answers 503 without"):
        asking.ask(host)


def test_one_that_hangs_is_given_up(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 0.05)
    with listening(tmp_path / "agent.sock", slow=0.5), pytest.raises(Silent, match=r"does not answer within 0\.05 s"):
        asking.ask(host)


def test_one_that_is_stopped_is_not_started_by_the_question(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(asking, "_get", lambda *words: asked.append(str(words)))
    state = {asking.UNIT: {"ActiveState": "inactive", "SubState": "dead"}}
    monkeypatch.setattr(systemd, "show", lambda *_: state)
    with pytest.raises(Silent, match=r"seclyzer-agent.service is inactive \(dead\)"):
        asking.ask(host)
    assert asked == []
