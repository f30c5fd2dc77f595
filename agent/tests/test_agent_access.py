"""Who reads the full figures: who has the readers' password, or connects by the unix socket."""

from __future__ import annotations

import base64
import http.client
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from agent_world import PATHS, Agent, Answer, Host, figures

Start = Callable[..., Agent]
PASSWORD = "correct-horse-battery"


def ask_by(agent: Agent, path: str, credential: str) -> Answer:
    return agent.get(path, Authorization=credential)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_the_password_opens_the_full_figures_and_a_wrong_one_nothing(host: Host, start: Start, tmp_path: Path) -> None:
    (tmp_path / "readers").write_text(PASSWORD + "\n")
    host.config["reader_password_file"] = str(tmp_path / "readers")
    agent = start()
    full = figures(agent.inside("/metrics").body).keys()
    for credential in (f"Bearer {PASSWORD}", f"bearer {PASSWORD}", basic("scraper", PASSWORD), basic("", PASSWORD)):
        answer = ask_by(agent, "/metrics", credential)
        assert answer.status == 200 and figures(answer.body).keys() == full
        (last,) = re.findall(r"last_event_timestamp_seconds\{\S+ (\S+)", answer.body)
        assert float(last) == 1700000001.5
    wrong = [f"Bearer {PASSWORD}x", "Bearer", "Bearer ", basic(PASSWORD, ""), basic(PASSWORD, "no"), "Basic ???"]
    wrong += [f"Digest {PASSWORD}", PASSWORD, "Basic " + base64.b64encode(b"\xff:\xff").decode(), "", "Bearer é"]
    for credential in wrong:
        for path in PATHS:
            answer = ask_by(agent, path, credential)
            assert answer.status == 401, (credential, path)
            assert "seclyzer_extractor" not in answer.body
    assert agent.get("/livez").status == 200
    code, log = agent.stop()
    assert (code, PASSWORD in log) == (0, False)


def test_two_credentials_and_one_that_nothing_asks_for_are_refused(host: Host, start: Start) -> None:
    agent = start()
    assert ask_by(agent, "/metrics", f"Bearer {PASSWORD}").status == 401
    connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=5)
    connection.putrequest("GET", "/metrics")
    connection.putheader("Authorization", "Bearer a")
    connection.putheader("Authorization", "Bearer b")
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


@pytest.mark.parametrize(("content", "words"), [("", "is empty"), ("short\n", "fewer than 16"), (None, "No such")])
def test_a_password_that_is_none_is_refused_at_the_start(
    host: Host, tmp_path: Path, content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "readers").write_text(content)
    host.config["reader_password_file"] = str(tmp_path / "readers")
    ended = host.run()
    assert ended.returncode == 78 and ended.stderr.count("\n") == 1
    assert words in ended.stderr and "the readers' password" in ended.stderr


def test_the_unix_socket_is_for_user_and_group_and_replaces_an_old_one_only(host: Host, start: Start) -> None:
    agent = start()
    path = Path(agent.socket)
    assert path.stat().st_mode & 0o777 == 0o660
    agent.process.kill()
    agent.process.wait()
    again = start()
    assert again.inside("/livez").status == 200
    again.stop()
    path.unlink(missing_ok=True)
    path.write_text("another's file")
    ended = host.run()
    assert (ended.returncode, path.read_text()) == (1, "another's file")
    assert ended.stderr == f"seclyzer_agent: cannot listen on {path}: Address already in use\n"
