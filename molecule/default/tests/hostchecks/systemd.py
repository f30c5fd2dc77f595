"""Units as systemd shows them, all of a host's in one question."""

from hostchecks.host import Host
from hostchecks.polling import poll

EXTRACTORS = {
    "keystroke": "seclyzer-keystroke.service",
    "mouse": "seclyzer-mouse.service",
    "app": "seclyzer-app.service",
}
AGENT = "seclyzer-agent.service"
STORE_PROXY = "seclyzer-store.service"
STORE_SOCKET = "seclyzer-store.socket"
TOGETHER = "seclyzer-extractors.service"
REDIS = "redis-server.service"
INFLUXDB = "influxdb.service"
GATEWAY = "influxdb-gateway.service"
EDGE_SERVICES = [*EXTRACTORS.values(), AGENT, REDIS]
STORE_SERVICES = [INFLUXDB, GATEWAY, AGENT]

Properties = dict[str, str]


def show(host: Host, units: list[str]) -> dict[str, Properties]:
    """Every property of these units, by unit: `systemctl show` once."""
    blocks = host.check_output(f"systemctl show --all --no-pager -- {' '.join(units)}").split("\n\n")
    rows = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in blocks]
    return {row["Id"]: row for row in rows if "Id" in row}


def wait_until_active(host: Host, units: list[str], seconds: float = 30) -> dict[str, Properties]:
    """What `show` says once all of them are active, or when time is up."""
    return wait_until(host, units, "active", seconds)


def wait_until(host: Host, units: list[str], state: str, seconds: float) -> dict[str, Properties]:
    """What `show` says once all of them are in this state, or when time is up."""

    def all_are(shown: dict[str, Properties]) -> bool:
        return all(shown[unit]["ActiveState"] == state for unit in units)

    return poll(lambda: show(host, units), all_are, seconds)


def main_pids(host: Host, units: list[str]) -> dict[str, int]:
    """The main process of each unit; 0 when it has none."""
    return {unit: int(properties["MainPID"]) for unit, properties in show(host, units).items()}


def journal(host: Host, lines: int = 40) -> str:
    """The last lines of everything that is ours, and what has failed."""
    return host.run(
        "journalctl --no-pager --output=short-precise --lines=%s -u 'seclyzer-*' -u redis-server -u 'influxdb*';"
        " systemctl --failed --no-legend --plain --no-pager",
        str(lines),
    ).stdout
