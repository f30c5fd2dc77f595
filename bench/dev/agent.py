"""What the health agent costs, beside Debian's node_exporter: idle, scraped under its CPUQuota, and among slow clients.

The agent looks after the extractors of a testbed; systemd is not there, so what it costs to ask that is not in it.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from lab.ports import free_port

from .. import KINDS, BenchError, proc
from ..phases import Lab
from ..waiting import until

ROOT = Path(__file__).resolve().parents[2]
EXPORTER = "prometheus-node-exporter"
SETTLE_S = 8.0
SAMPLES = 2
SCRAPES = 500
SLOW_CLIENTS = 200
GROUPS = (("cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us"), ("", "cpu.max", "cpu.max"))
"""Below /sys/fs/cgroup, of version 1 and 2: the folder, and the files of quota and period."""


def measure(lab: Lab, seconds: float) -> None:
    """Adds the figures of both."""
    exporter = shutil.which(EXPORTER, path="/usr/bin:/bin")
    if exporter is None:
        raise BenchError(f"there is no {EXPORTER} on this host; `make setup` brings it")
    with lab.testbed("python") as testbed, ExitStack() as running:
        testbed.start()
        testbed.wait_ready()
        ports = {"agent": free_port(), "node_exporter": free_port()}
        settings = testbed.folder / "agent.yaml"
        settings.write_text(json.dumps(_settings(testbed.redis.url, ports["agent"], testbed.folder)))
        agent = [str(lab.programs["python"] / "seclyzer_agent"), "--config", str(settings)]
        processes = {
            "agent": running.enter_context(_process(agent)),
            "node_exporter": running.enter_context(
                _process([exporter, f"--web.listen-address=127.0.0.1:{ports['node_exporter']}"])
            ),
        }
        for name, port in ports.items():
            until(lambda port=port: _answers(port), f"{name} answers", patience=30)  # type: ignore[misc]
            for _ in range(3):
                _scrape(port)
        time.sleep(SETTLE_S)
        _idle(lab, processes, seconds)
        for name, pid in processes.items():
            with _quota(pid):
                _scraped(lab, name, pid, ports[name], SCRAPES if name == "agent" else SCRAPES // 10)
        _slow_clients(lab, ports["agent"])
        for name, pid in processes.items():
            lab.figures.add("agent_rss_mib", name, proc.memory(pid).rss)
        testbed.stop()
    for name in ports:
        found = {figure: lab.figures.summary(f"agent_{figure}", name) for figure in ("rss_mib", "cpu_percent")}
        rss, cpu = found["rss_mib"], found["cpu_percent"]
        assert rss and cpu
        lab.say(f"  {name}: at most {rss.most:.1f} MiB, {cpu.median:.3f} % CPU idle")


def _settings(redis_url: str, port: int, folder: Path) -> dict[str, object]:
    return {
        "listen": f"127.0.0.1:{port}",
        "redis_url": redis_url,
        "redis_username": "",
        "influx_url": "http://127.0.0.1:9",
        "deployment_dir": str(folder),
        "units": {kind: f"seclyzer-{kind}.service" for kind in KINDS},
    }


def _idle(lab: Lab, processes: dict[str, int], seconds: float) -> None:
    for _ in range(SAMPLES):
        before = {name: proc.usage(pid) for name, pid in processes.items()}
        began = time.monotonic()
        time.sleep(seconds / SAMPLES)
        took = time.monotonic() - began
        for name, pid in processes.items():
            used = proc.usage(pid).since(before[name])
            lab.figures.add("agent_cpu_percent", name, used.cpu_ns / 1e7 / took)
            lab.figures.add("agent_wakeups_per_s", name, used.wakeups / took)
            lab.figures.add("agent_rss_mib", name, proc.memory(pid).rss)


def _scraped(lab: Lab, name: str, pid: int, port: int, times: int) -> None:
    """Scrapes back to back, each over a connection of its own."""
    before = proc.usage(pid)
    for _ in range(times):
        lab.figures.add("agent_scrape_ms", name, _scrape(port))
    lab.figures.add("agent_scrape_cpu_ms", name, proc.usage(pid).since(before).cpu_ns / 1e6 / times)


def _slow_clients(lab: Lab, port: int) -> None:
    """Scrapes while others hold connections on which they say a byte of a request."""
    with ExitStack() as held:
        for _ in range(SLOW_CLIENTS):
            client = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            client.sendall(b"G")
        for _ in range(SCRAPES // 10):
            lab.figures.add("agent_scrape_slow_clients_ms", "agent", _scrape(port))


def _scrape(port: int) -> float:
    """How long one took, in ms."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise BenchError(f"/metrics on port {port} answers {answer.status}")
    return (time.perf_counter() - began) * 1000


def _answers(port: int) -> bool:
    try:
        _scrape(port)
    except OSError:
        return False
    return True


@contextmanager
def _process(words: list[str]) -> Iterator[int]:
    """A program that runs meanwhile; its process number."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


@contextmanager
def _quota(pid: int) -> Iterator[None]:
    """The process has the share of a processor that the role's unit gives the agent, meanwhile."""
    defaults = yaml.safe_load((ROOT / "roles" / "seclyzer_agent" / "defaults" / "main.yml").read_text())
    percent = int(str(defaults["seclyzer_agent_cpu_quota"]).removesuffix("%"))
    period = 1_000_000
    for controller, quota_file, _ in GROUPS:
        above = Path("/sys/fs/cgroup") / controller
        if not (above / "cgroup.procs").exists():
            continue
        group = above / f"seclyzer-bench-{os.getpid()}"
        try:
            group.mkdir()
            quota = percent * period // 100
            if quota_file == "cpu.max":
                (group / "cpu.max").write_text(f"{quota} {period}")
            else:
                (group / "cpu.cfs_period_us").write_text(str(period))
                (group / "cpu.cfs_quota_us").write_text(str(quota))
            (group / "cgroup.procs").write_text(str(pid))
        except OSError as error:
            raise BenchError(
                f"{group}: {error.strerror}; the bench needs root to give the agent its CPUQuota"
            ) from None
        try:
            yield
        finally:
            (above / "cgroup.procs").write_text(str(pid))
            group.rmdir()
        return
    raise BenchError("/sys/fs/cgroup has no CPU controller")
