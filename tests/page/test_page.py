"""The page as a person has it: light, dark, on a phone, by keyboard, well, degraded and out of touch."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agent_world import Agent, Host, RedisServer

from tests.helpers.browser import Browser
from tests.helpers.waiting import until
from tests.page.axe import violations

Start = Callable[..., Agent]
STATS = "seclyzer:stats:keystroke"
VIEWS: list[dict[str, Any]] = [
    {},
    {"dark": True},
    {"width": 320, "height": 700},
    {"width": 320, "height": 700, "dark": True},
]
STATES = "[...document.querySelectorAll('.stage')].map(s => s.querySelector('.badge').textContent)"
TOUCH = "(t => t.hidden ? '' : t.textContent)(document.getElementById('touch'))"
HOSTILE = '<script>window.attacked=1</script><img src="http://127.0.0.1:9/" onerror="window.attacked=2">'


def address(agent: Agent) -> str:
    return f"http://127.0.0.1:{agent.port}/"


def settled(agent: Agent) -> None:
    """All checks have been read, and the figures that anybody may read were taken."""
    until(lambda: agent.get("/overview").json["ways"][0]["stages"][0]["state"] == "flows")


def in_every_view(browser: Browser, url: str, axe: str, folder: Path, name: str) -> None:
    """Nothing for axe to find, and nothing beyond the edge of the window, in any view."""
    for number, view in enumerate(VIEWS):
        browser.show(url, **view)
        browser.picture(folder / f"{name}-{number}.png")
        assert violations(browser, axe) == []
        assert browser.run("document.documentElement.scrollWidth <= window.innerWidth") is True
        assert browser.console == []


def test_a_host_that_is_well_shows_that_data_flows(browser: Browser, axe: str, start: Start, tmp_path: Path) -> None:
    agent = start()
    settled(agent)
    in_every_view(browser, address(agent), axe, tmp_path, "well")
    assert browser.run(STATES) == ["flows"] * 6
    heard = browser.tree()
    assert [name for role, name in heard if role == "heading"][:3] == [
        "SecLyzer Edge on edge1 pass",
        "What is wrong",
        "The way of the data",
    ]
    assert browser.run("document.title") == "pass: SecLyzer Edge on edge1"


def test_the_dark_is_dark_and_the_light_is_light(browser: Browser, start: Start) -> None:
    agent = start()
    brightness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).reduce((a, b) => a + +b, 0)"
    browser.show(address(agent))
    assert browser.run(brightness) > 600
    browser.show(address(agent), dark=True)
    assert browser.run(brightness) < 150


def test_a_degraded_host_says_what_to_type_and_what_the_runbook_has(
    browser: Browser, axe: str, start: Start, host: Host, redis_server: RedisServer, tmp_path: Path
) -> None:
    host.units(keystroke={"active": "failed", "sub": "failed", "result": "oom-kill", "pid": 0})
    redis_server.admin.delete(STATS)
    agent = start()
    until(lambda: agent.get("/overview").json["status"] == "fail")
    in_every_view(browser, address(agent), axe, tmp_path, "degraded")
    assert browser.run(STATES) == ["not known", "not known", "broken", "cut off", "cut off", "cut off"]
    assert "sudo systemctl restart seclyzer-keystroke.service" in browser.run(
        "document.querySelector('.finding .command').textContent"
    )
    browser.run("document.querySelector('.finding summary').click()")
    assert "A unit does not run, or is not installed." in browser.run("document.querySelector('.finding').innerText")
    assert violations(browser, axe) == []


def test_a_deployment_that_was_returned_from_is_named_with_the_reason(
    browser: Browser, axe: str, start: Start, tmp_path: Path
) -> None:
    why = "keystroke: no heartbeat within 60 s"
    trial = {"state": "returned", "from": 3, "to": 4, "since": 1.77e9, "until": 1.77e9 + 400, "why": why}
    (tmp_path / "trial-summary.json").write_text(json.dumps(trial))
    agent = start()
    settled(agent)
    in_every_view(browser, address(agent), axe, tmp_path, "trial")
    words = browser.run("[...document.querySelectorAll('p')].map(p => p.innerText).find(t => t.includes('trial'))")
    began = "2026-02-02 02:40"
    assert words.startswith(f"The last trial, of deployment 4 in the place of 3, began {began}")
    assert words.endswith(f": returned: {why}")


def test_it_follows_the_host_without_being_loaded_again(
    browser: Browser, start: Start, redis_server: RedisServer
) -> None:
    agent = start()
    settled(agent)
    browser.show(address(agent))
    browser.run("window.mark = 1; document.querySelector('#checks').open = true")
    browser.run("document.querySelector('#checks summary').focus()")
    redis_server.admin.delete(STATS)
    until(lambda: "broken" in browser.run(STATES))
    assert browser.run("document.title").startswith("fail: ")
    assert browser.run("[window.mark, document.querySelector('#checks').open]") == [1, True]
    assert browser.run("document.activeElement.closest('[id]').id") == "checks"


def test_it_follows_the_host_also_when_its_address_has_a_user_and_a_password(
    browser: Browser, start: Start, redis_server: RedisServer
) -> None:
    agent = start()
    settled(agent)
    browser.show(address(agent).replace("://", "://prometheus:a-password@"))
    redis_server.admin.delete(STATS)
    until(lambda: "broken" in browser.run(STATES))
    assert browser.run(TOUCH) == ""


def test_out_of_touch_it_says_so_and_since_when_until_there_is_an_answer_again(
    browser: Browser, axe: str, start: Start, tmp_path: Path
) -> None:
    agent = start()
    settled(agent)
    browser.show(address(agent), width=320, height=700, dark=True)
    assert browser.run(TOUCH) == ""
    os.kill(agent.process.pid, signal.SIGSTOP)
    try:
        until(lambda: browser.run(TOUCH))
        last = browser.run("document.getElementById('live').dataset.time").partition("T")[2][:8]
        assert browser.run(TOUCH) == f"Out of touch with the agent since {last} UTC: all below is of then."
        assert browser.run("document.title").startswith("out of touch, last pass: ")
        assert ("alert", "") in [(role, "") for role, _ in browser.tree()]
        assert violations(browser, axe) == []
        browser.picture(tmp_path / "out-of-touch.png")
    finally:
        os.kill(agent.process.pid, signal.SIGCONT)
    until(lambda: not browser.run(TOUCH))
    assert browser.run("document.title") == "pass: SecLyzer Edge on edge1"


def test_an_agent_that_has_gone_is_out_of_touch_also_when_another_program_answers_there(
    browser: Browser, start: Start
) -> None:
    agent = start()
    settled(agent)
    browser.show(address(agent))
    agent.stop()
    until(lambda: browser.run(TOUCH))
    words = browser.run(TOUCH)
    with socket.create_server(("127.0.0.1", agent.port)) as other:
        connection, _ = other.accept()
        connection.recv(4096)
        text = b"<p>all is well</p>"
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(text), text))
        connection.close()
        other.accept()[0].close()  # it asks again, so what it had is judged
    assert browser.run(TOUCH) == words
    assert browser.run("document.querySelectorAll('.stage').length") == 6


def test_without_a_script_it_shows_the_state_and_is_loaded_anew(browser: Browser, start: Start) -> None:
    agent = start()
    settled(agent)
    browser.show(address(agent), script=False)
    heard = browser.tree()
    assert ("heading", "SecLyzer Edge on edge1 pass") in heard
    browser.show(address(agent))
    refresh = "new DOMParser().parseFromString(document.querySelector('noscript').textContent, 'text/html')"
    assert browser.run(f"{refresh}.querySelector('meta').outerHTML") == '<meta http-equiv="refresh" content="10">'


def test_names_and_words_of_others_are_text(browser: Browser, start: Start, host: Host) -> None:
    host.config["host"] = HOSTILE
    host.units(keystroke={"text": HOSTILE})
    agent = start()
    settled(agent)
    browser.show(address(agent))
    assert browser.run("document.querySelector('h1').innerText").startswith(f"SecLyzer Edge on {HOSTILE}")
    assert HOSTILE in browser.run("document.querySelector('#checks').textContent")
    assert browser.run("[window.attacked ?? 0, document.images.length, document.scripts.length]") == [0, 0, 1]
    assert browser.console == []


def test_a_script_that_got_in_would_not_run_and_nothing_is_loaded_from_elsewhere(
    browser: Browser, start: Start
) -> None:
    agent = start()
    browser.show(address(agent))
    attack = (
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.attacked=1'}));"
        "document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.1:9/'}));"
        "document.body.setAttribute('onclick', 'window.attacked=2'); document.body.click(); window.attacked ?? 0"
    )
    assert browser.run(attack) == 0
    until(lambda: len([line for line in browser.read_console() if "Content Security Policy" in line]) >= 3)
    assert {url for url in browser.requests if not url.startswith(address(agent))} == {"http://127.0.0.1:9/"} & set(
        browser.requests
    )


def test_all_that_can_be_used_is_reached_by_the_keyboard(
    browser: Browser, start: Start, redis_server: RedisServer
) -> None:
    redis_server.admin.delete(STATS)
    agent = start()
    until(lambda: agent.get("/overview").json["status"] == "fail")
    browser.show(address(agent))
    usable: list[str] = browser.run("[...document.querySelectorAll('a, summary')].map(e => e.textContent)")
    reached: list[Any] = []
    for _ in usable:
        browser.press("Tab")
        reached.append(browser.run("document.activeElement.textContent"))
        assert browser.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached == usable
    browser.run("document.querySelector('summary').focus()")
    browser.press("Enter")
    assert browser.run("document.querySelector('details').open") is True


def test_a_browser_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "bash").symlink_to("/bin/bash")
    with pytest.raises(Exception, match="is the package chromium installed"):
        Browser()
    assert subprocess.run(["/bin/sh", "-c", "command -v chromium"], env={"PATH": str(tmp_path)}).returncode != 0
