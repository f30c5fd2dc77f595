"""What can be wrong on a host, and the command that mends it or shows more. `docs/runbook.md` has an entry for each.

`{subject}` is what is wrong (a unit, a folder, an extractor), `{host}` this host. What begins with `ansible-playbook`
is typed on the controller, anything else on the host itself.
"""

from __future__ import annotations

from collections.abc import Mapping

SITE = "ansible-playbook site.yml --limit {host}"
EXTRACTOR_LOG = "sudo journalctl -u seclyzer-{subject} -n 50 --no-pager"
TOKEN = "ansible-playbook site.yml --limit {host},STORE"
ACL_LOG = (
    "sudo sh -c 'REDISCLI_AUTH=$(cat /etc/seclyzer/credentials/redis-admin) "
    "redis-cli -s /run/redis/redis-server.sock --user admin ACL LOG 10'"
)

COMMANDS: Mapping[str, str] = {
    "unit-down": "sudo systemctl restart {subject}; sudo journalctl -u {subject} -n 50 --no-pager",
    "unit-restarts": "sudo journalctl -u {subject} -n 100 --no-pager",
    "unit-memory": "systemctl status {subject}",
    "memory-grows": "sudo systemctl restart {subject}",
    "unit-throttled": "systemctl show {subject} -p CPUQuotaPerSecUSec",
    "unit-tasks": "systemctl status {subject}",
    "systemd-away": "sudo systemctl status dbus --no-pager; sudo journalctl -u dbus -n 50 --no-pager",
    "unit-changed": "sudo systemd-delta --type=extended,overridden",
    "disk-full": "sudo du -xh --max-depth=2 {subject} | sort -h | tail",
    "clock-unsynchronised": "sudo timedatectl set-ntp true",
    "deployment": SITE,
    "release-changed": SITE,
    "agent-broken": "sudo journalctl -u seclyzer-agent -n 50 --no-pager",
    "agent-late": "uptime; systemd-cgtop --batch --iterations=2 --order=cpu | tail -n 20",
    "agent-password": SITE,
    "redis-away": "sudo systemctl restart redis-server; sudo journalctl -u redis-server -n 50 --no-pager",
    "redis-full": "sudo journalctl -u 'seclyzer-*' --since -10min --no-pager",
    "redis-writes-disk": SITE,
    "redis-connections": "sudo ss -xp | grep redis",
    "redis-refuses": ACL_LOG,
    "redis-open": SITE,
    "extractor-silent": EXTRACTOR_LOG,
    "extractor-behind": EXTRACTOR_LOG,
    "stream-ahead": "timedatectl status",
    "outputs-refused": SITE,
    "no-windows": EXTRACTOR_LOG,
    "data-lost": EXTRACTOR_LOG,
    "events-skipped": EXTRACTOR_LOG,
    "producer-clock": "timedatectl status",
    "points-wait": EXTRACTOR_LOG,
    "spool-unwritable": "df -h /var/lib/seclyzer; df -i /var/lib/seclyzer",
    "store-away": "systemctl status influxdb influxdb-gateway (on the store)",
    "store-untrusted": "sudo journalctl -u influxdb-gateway -n 50 --no-pager (on the store)",
    "store-token": TOKEN,
    "store-bucket": TOKEN,
    "store-full": "df -h /var/lib/influxdb; sudo systemctl restart influxdb (on the store, once there is space)",
    "store-wrong": EXTRACTOR_LOG,
    "certificate-ends": "ansible-playbook site.yml (with a new certificate in influxdb_tls_cert)",
    "store-retention": SITE,
    "web-config": "sudo journalctl -u seclyzer-agent -n 20 --no-pager",
    "web-certificate": "ansible-playbook site.yml --limit {host} (with a new certificate in seclyzer_agent_web_cert)",
    "points-missing": "sudo journalctl -u influxdb-watch -n 50 --no-pager",
}
"""Each thing that can be wrong, by its name, and what to type."""

BY_MEASUREMENT: Mapping[tuple[str, str], str] = {
    ("units", "state"): "unit-down",
    ("memory", "used"): "unit-memory",
    ("memory", "trend"): "memory-grows",
    ("limits", "cpu"): "unit-throttled",
    ("limits", "tasks"): "unit-tasks",
    ("host", "disk"): "disk-full",
    ("host", "clock"): "clock-unsynchronised",
    ("deployment", "release"): "deployment",
    ("deployment", "mode"): "deployment",
    ("integrity", "files"): "release-changed",
    ("integrity", "units"): "unit-changed",
    ("redis", "responseTime"): "redis-away",
    ("redis", "memory"): "redis-full",
    ("redis", "persistence"): "redis-writes-disk",
    ("redis", "connections"): "redis-connections",
    ("redis", "refusals"): "redis-refuses",
    ("legacy_clients", "enabled"): "redis-open",
    ("extractor", "heartbeat"): "extractor-silent",
    ("extractor", "lag"): "extractor-behind",
    ("extractor", "stream"): "stream-ahead",
    ("extractor", "outputs"): "outputs-refused",
    ("extractor", "store"): "store-away",
    ("extractor", "clock"): "producer-clock",
    ("extractor", "windows"): "no-windows",
    ("extractor", "losses"): "data-lost",
    ("extractor", "errors"): "events-skipped",
    ("extractor", "spool"): "points-wait",
    ("influxdb", "responseTime"): "store-away",
    ("certificate", "server"): "certificate-ends",
    ("certificate", "authority"): "certificate-ends",
    ("web", "config"): "web-config",
    ("web", "certificate"): "web-certificate",
    ("points", "missing"): "points-missing",
    ("points", "retention"): "store-retention",
}
"""What is wrong when a measurement of a check is, unless its entry names something else."""

WITHIN: Mapping[str, tuple[str, ...]] = {
    "extractor-behind": ("extractor-silent",),
    "no-windows": ("extractor-silent", "extractor-behind"),
    "data-lost": ("spool-unwritable", "extractor-behind"),
    "events-skipped": ("producer-clock", "extractor-silent"),
    "points-wait": ("spool-unwritable", "store-token", "store-bucket", "store-full", "store-wrong", "store-away"),
}
"""What follows from what in one check: the first of these that is wrong as well is the cause."""

ACROSS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "redis-refuses": (("extractor-silent", ""),),
    "spool-unwritable": (("disk-full", "/var/lib/seclyzer"),),
    "store-full": (("disk-full", "/var/lib/influxdb"),),
    "store-away": (("store-untrusted", ""), ("store-full", "")),
    "store-untrusted": (("certificate-ends", ""),),
    "points-wait": (("store-untrusted", ""), ("store-away", "")),
    "points-missing": (("store-away", ""),),
}
"""What follows from another check: the name of the cause, and its subject unless any will do."""

SHARED = ("store-", "redis-", "agent-", "outputs-", "points-", "certificate-", "spool-", "systemd-", "producer-")
"""What begins so is one thing, however many checks show it."""
