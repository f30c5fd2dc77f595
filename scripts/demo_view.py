"""What the demo shows: each host's agent, asked through ssh, and what InfluxDB on the store holds of each edge."""

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from lab import keys
from lab.labs import Lab
from lab.ports import free_port
from plugins.module_utils.kinds import KINDS, MEASUREMENTS

AGENT_SOCKET = "/run/seclyzer-agent/agent.sock"
AGENT_GROUP = "seclyzer-agent"
COUNT_POINTS = Path(__file__).with_name("demo_store.py")


@dataclass(frozen=True)
class Row:
    """One host at one moment. `kept` and `stored` count per kind: list entries in Redis, points in InfluxDB."""

    host: str
    health: str
    mode: str = ""
    release: str = ""
    runs: dict[str, str] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)


class Store:
    """The newest counts of points per host and kind, as the program on the store reports them."""

    def __init__(self) -> None:
        self.latest: dict[str, dict[str, int]] | None = None


@contextmanager
def tunnel(lab: Lab, host: str) -> Iterator[int]:
    """A local port that leads to the agent of a host, through ssh, as one who may read the full figures, live."""
    port = free_port()
    member = f'sudo -n usermod -aG {AGENT_GROUP} "$(id -un)"'
    subprocess.run([*keys.ssh(lab, host), member], stdin=subprocess.DEVNULL, check=True)
    forward = f"127.0.0.1:{port}:{AGENT_SOCKET}"
    with subprocess.Popen(keys.ssh(lab, host, "-N", "-L", forward), stdin=subprocess.DEVNULL) as ssh:
        try:
            yield port
        finally:
            ssh.terminate()


@contextmanager
def watch_store(lab: Lab, host: str) -> Iterator[Store]:
    """Runs demo_store.py as root on the store, where the read token is; it stays there."""
    store = Store()
    command = [*keys.ssh(lab, host, "-T"), "sudo -n python3 -I -"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as ssh:
        assert ssh.stdin is not None and ssh.stdout is not None
        ssh.stdin.write(COUNT_POINTS.read_bytes())
        ssh.stdin.close()
        lines = ssh.stdout

        def follow() -> None:
            for line in lines:
                store.latest = {
                    host: {kind: count.get(measurement, 0) for kind, measurement in MEASUREMENTS.items()}
                    for host, count in json.loads(line).items()
                }

        threading.Thread(target=follow, daemon=True).start()
        try:
            yield store
        finally:
            ssh.terminate()


def get(port: int, path: str) -> bytes:
    """What the agent answers; 503 is an answer, too."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{port}{path}", timeout=3
        ) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        return bytes(error.read())


def read(host: str, port: int, stored: dict[str, int]) -> Row:
    """One host's row, from its agent's health and metrics."""
    try:
        health = json.loads(get(port, "/healthz"))
        families = list(text_string_to_metric_families(get(port, "/metrics").decode()))
    except (OSError, ValueError):
        return Row(host, "no answer")
    samples = [(s.name, s.labels, s.value) for family in families for s in family.samples]

    def per_kind(name: str) -> dict[str, int]:
        return {labels["extractor"]: int(value) for n, labels, value in samples if n == name}

    build = next((labels for n, labels, _ in samples if n == "seclyzer_build_info"), {})
    runs = {labels["extractor"]: labels["implementation"] for n, labels, _ in samples if n == "seclyzer_extractor_info"}
    return Row(
        host,
        str(health.get("status", "no answer")),
        build.get("mode", ""),
        build.get("release", ""),
        runs,
        per_kind("seclyzer_extractor_events_total"),
        per_kind("seclyzer_extractor_features_kept"),
        stored,
    )


def show(rows: list[Row], seconds: float, redraw: bool) -> None:
    """Prints the table; on a terminal in place of the one before."""
    if redraw:
        print("\x1b[H\x1b[2J", end="")
    print(f"SecLyzer Edge, live for {seconds:.0f} s       events read → features in Redis → points in InfluxDB")
    print(f"{'host':7}{'health':10}{'mode':8}{'release':20}" + "".join(f"{kind:28}" for kind in KINDS))
    for row in rows:
        cells = "".join(f"{flow(row, kind):28}" for kind in KINDS)
        print(f"{row.host:7}{row.health:10}{row.mode:8}{row.release:20}{cells}".rstrip())
    if redraw:
        print("\nCtrl-C ends the view; the hosts stay up.")
    sys.stdout.flush()


def flow(row: Row, kind: str) -> str:
    """One extractor's way of data in a few words: `rust 812 → 6 → 6`."""
    if kind not in row.runs:
        return ""
    return f"{row.runs[kind]} {row.events.get(kind, 0)} → {row.kept.get(kind, 0)} → {row.stored.get(kind, 0)}"
