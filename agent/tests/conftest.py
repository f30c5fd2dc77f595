"""Fixtures: a real Redis, a server that hangs, a host for the agent, and the agent as a process on it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from agent_world import ROOT, STATS, Agent, Host, RedisServer, listens

from tests.helpers.ports import free_port
from tests.helpers.waiting import until


@pytest.fixture
def stats() -> dict[str, str]:
    """The stats hash of a Rust extractor that is well."""
    return dict(STATS)


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A fresh Redis that persists nothing and has the ACL user `agent`."""
    directory = Path(tempfile.mkdtemp(prefix="agent-redis-"))
    with RedisServer(directory) as server:
        yield server
    shutil.rmtree(directory)


@pytest.fixture
def hanging_port() -> Iterator[int]:
    """The port of a TCP server that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


@pytest.fixture
def host(tmp_path: Path, redis_server: RedisServer) -> Host:
    """An edge with one extractor, checks every 0.2 s with rise 2 and fall 2, and no InfluxDB."""
    (tmp_path / "bin").mkdir()
    deployment = tmp_path / "deployments" / "3"
    deployment.mkdir(parents=True)
    (tmp_path / "current").symlink_to(deployment)
    manifest = {
        "release": f"{STATS['version']}-0123456789ab",
        "version": STATS["version"],
        "mode": "rust",
        "implementations": {"keystroke": "rust"},
    }
    (deployment / "manifest.json").write_text(json.dumps(manifest))
    pace = {"interval_seconds": 0.2, "deadline_seconds": 0.3, "rise": 2, "fall": 2}
    names = ("units", "memory", "deployment", "redis", "keystroke", "influxdb", "legacy_clients")
    config = {
        "listen": f"127.0.0.1:{free_port()}",
        "unix_listen": str(redis_server.folder / "agent.sock"),
        "roles": ["edge"],
        "redis_url": f"unix://{redis_server.socket}",
        "redis_password_file": str(redis_server.password_file),
        "influx_url": f"http://127.0.0.1:{free_port()}",
        "deployment_dir": str(tmp_path / "current"),
        "host": "edge1",
        "units": {"keystroke": "seclyzer-keystroke.service"},
        "checks": {name: dict(pace) for name in names},
    }
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("SECLYZER_", "NOTIFY_", "WATCHDOG_"))}
    environment |= {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    made = Host(tmp_path, config, environment)
    made.systemctl(f"exec cat {tmp_path / 'units'}")
    made.units()
    redis_server.write_stats("keystroke", STATS)
    return made


@pytest.fixture
def start(host: Host) -> Iterator[Callable[..., Agent]]:
    """Start the agent on the host; it is ready when this returns, unless `ready=False`."""
    running: list[Agent] = []

    def run(*, ready: bool = True, **environment: str) -> Agent:
        port = int(host.config["listen"].rpartition(":")[2])
        process = subprocess.Popen(
            host.command(), env={**host.environment, **environment}, stderr=subprocess.PIPE, text=True
        )
        agent = Agent(process, port, str(host.config["unix_listen"]))
        running.append(agent)
        until(lambda: listens(port) or process.poll() is not None)
        if ready:
            until(lambda: agent.get("/readyz").status == 200)
        return agent

    yield run
    for agent in running:
        if agent.process.poll() is None:
            agent.process.kill()
            agent.process.communicate()
