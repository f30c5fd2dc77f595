"""The listening socket that systemd hands over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from agent_world import Host, listens

from seclyzer_agent.listening import sockets
from tests.helpers.ports import free_port
from tests.helpers.waiting import until

HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_FDNAMES="http", LISTEN_PID=sys.argv[2] or str(os.getpid()))
os.execv(sys.argv[3], sys.argv[3:])
"""


@contextmanager
def handed_over(host: Host, listener: socket.socket, pid: str = "") -> Iterator[subprocess.Popen[str]]:
    """The agent with a socket handed to process `pid`, itself when empty, as systemd does."""
    os.set_inheritable(listener.fileno(), True)
    number = listener.fileno()
    command = [sys.executable, "-c", HAND_OVER, str(number), pid, *host.command()]
    with subprocess.Popen(command, env=host.environment, pass_fds=[number], stderr=subprocess.PIPE, text=True) as agent:
        try:
            yield agent
        finally:
            agent.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("family", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_agent_answers_on_the_socket_it_is_given(host: Host, family: tuple[socket.AddressFamily, str]) -> None:
    own = int(host.config["listen"].rpartition(":")[2])
    with socket.create_server((family[1], 0), family=family[0]) as listener, handed_over(host, listener) as process:
        port = listener.getsockname()[1]
        with socket.create_connection((family[1], port), timeout=20) as asking:
            asking.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 200 " in asking.recv(100)  # it waits in the socket until the agent is there
        assert not listens(own)
        process.terminate()
        assert process.wait(10) == 0
        assert process.stderr is not None
        errors = process.stderr.read()
        shown = f"[{family[1]}]" if family[0] is socket.AF_INET6 else family[1]
        assert f"address={shown}:{port} " in errors or f'address="{shown}:{port}" ' in errors, errors


def test_a_program_that_the_agent_started_would_find_no_sockets() -> None:
    environment = {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "web", "HOME": "/"}
    for listener in sockets(("127.0.0.1", 0), "", "", environment):
        listener.close()
    assert environment == {"HOME": "/"}


def test_a_socket_for_another_process_is_not_taken(host: Host) -> None:
    own = int(host.config["listen"].rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0)) as listener, handed_over(host, listener, "1") as process:
        until(lambda: listens(own))
        process.terminate()
        assert process.wait(10) == 0


def test_by_hand_it_listens_by_itself(host: Host) -> None:
    host.config["listen"] = f"127.0.0.1:{free_port()}"
    with subprocess.Popen(host.command(), env=host.environment, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: listens(int(host.config["listen"].rpartition(":")[2])))
        process.terminate()
        assert process.wait(10) == 0
