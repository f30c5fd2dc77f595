"""What can be wrong on a host, and the command that mends it or shows more. `docs/runbook.md` has an entry for each.

`{subject}` is what is wrong (a unit, a folder, an extractor), `{host}` this host; the others are of `places`. What
begins with `ansible-playbook` is typed on the controller, anything else on the host itself, unless a remark behind `#`
names another. Where only a person can decide what mends it, the command shows what there is to decide by.
"""

from __future__ import annotations

from collections.abc import Mapping

from .places import Places

SITE = "ansible-playbook site.yml --limit {host}"
LOOK = "systemctl status {subject} --no-pager"
LOOK_AND_RESTART = LOOK + "; sudo systemctl restart {subject}"
EXTRACTOR_LOG = "sudo journalctl -u seclyzer-{subject} -n 50 --no-pager"
TOKEN = "ansible-playbook site.yml --limit {with_store}"
ACL_LOG = (
    "sudo sh -c 'REDISCLI_AUTH=$(cat /etc/seclyzer/credentials/redis-admin) "
    "redis-cli {redis_at} --user admin ACL LOG 10'"
)

COMMANDS: Mapping[str, str] = {
    "unit-down": "sudo systemctl restart {subject}; sudo journalctl -u {subject} -n 50 --no-pager",
    "unit-restarts": "sudo journalctl -u {subject} -n 100 --no-pager",
    "unit-memory": LOOK_AND_RESTART,
    "memory-grows": "sudo systemctl restart {subject}",
    "unit-throttled": "systemctl show {subject} -p CPUQuotaPerSecUSec",
    "unit-tasks": LOOK_AND_RESTART,
    "systemd-away": "sudo systemctl status dbus --no-pager; sudo journalctl -u dbus -n 50 --no-pager",
    "unit-changed": "sudo systemctl revert {subject} && sudo systemctl restart {subject}",
    "unit-edited": SITE,
    "settings-changed": SITE,
    "disk-full": "sudo du -xh --max-depth=2 {subject} | sort -h | tail",
    "clock-unsynchronised": "sudo timedatectl set-ntp true",
    "deployment": SITE,
    "release-changed": SITE,
    "agent-broken": "sudo journalctl -u seclyzer-agent -n 50 --no-pager",
    "agent-late": "uptime; systemd-cgtop --batch --iterations=2 --order=cpu | tail -n 20",
    "agent-password": SITE,
    "redis-away": "sudo systemctl restart {redis_unit}; sudo journalctl -u {redis_unit} -n 50 --no-pager",
    "redis-full": "sudo journalctl -u 'seclyzer-*' --since -10min --no-pager",
    "redis-writes-disk": SITE,
    "redis-connections": "sudo ss -xp | grep redis",
    "redis-refuses": ACL_LOG,
    "redis-open": SITE,
    "extractor-silent": "sudo systemctl restart seclyzer-{subject}; " + EXTRACTOR_LOG,
    "extractor-behind": EXTRACTOR_LOG,
    "stream-ahead": "timedatectl status; sudo systemctl restart seclyzer-{subject}",
    "outputs-refused": SITE,
    "no-windows": EXTRACTOR_LOG + "; sudo systemctl restart seclyzer-{subject}",
    "data-lost": EXTRACTOR_LOG,
    "events-skipped": EXTRACTOR_LOG,
    "producer-clock": "timedatectl status; sudo timedatectl set-ntp true  # on the producer's machine",
    "points-wait": EXTRACTOR_LOG,
    "spool-unwritable": "df -h /var/lib/seclyzer; df -i /var/lib/seclyzer",
    "store-away": "systemctl status influxdb influxdb-gateway --no-pager; "
    "sudo systemctl restart influxdb influxdb-gateway  # on {store}",
    "store-untrusted": "ansible-playbook site.yml"
    "  # with the right influxdb_tls_cert, and influxdb_ca_file or influxdb_ca_remote",
    "store-token": TOKEN,
    "store-bucket": TOKEN,
    "store-full": "df -h /var/lib/influxdb; sudo systemctl restart influxdb  # on {store}, once there is space",
    "store-wrong": SITE + "  # with the right influxdb_store_host and influxdb_port",
    "certificate-ends": "ansible-playbook site.yml  # with a new certificate in influxdb_tls_cert and influxdb_tls_key",
    "store-retention": SITE,
    "web-config": SITE + "  # with a good seclyzer_agent_web_cert and seclyzer_agent_web_key",
    "web-certificate": SITE + "  # with a new certificate in seclyzer_agent_web_cert and seclyzer_agent_web_key",
    "points-missing": "sudo journalctl -u influxdb-watch -n 50 --no-pager",
}
"""Each thing that can be wrong, by its name, and what to type."""

RESTARTED = ("unit-memory", "memory-grows", "unit-tasks")
"""What a restart mends before anything is broken; of Redis it is not typed, which would lose what no one has read."""


def command(name: str, subject: str, host: str, places: Places) -> str:
    """What to type on this host."""
    typed = LOOK if name in RESTARTED and subject == places.redis_unit else COMMANDS[name]
    return typed.format(subject=subject, host=host, **places.words(host))


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
    ("integrity", "settings"): "settings-changed",
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
