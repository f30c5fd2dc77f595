"""What hosts say of a break: health, the page and `doctor` have its cause and what to type, and it is over once mended.

What was seen, with its seconds, is left in build/night for docs/night.md.
"""

import base64

import pytest
from hostchecks.night import Break, Look, Row, measure, nothing, sh
from hostchecks.night_acts import (
    CREDENTIALS,
    EDGE,
    REDIS,
    STORE,
    again_and_again,
    both,
    bucket,
    certificate,
    emptied,
    events,
    filled,
    frozen,
    killed_every,
    own_disk,
    stopped,
    swap,
)

AS_ADMIN = f"REDISCLI_AUTH=$(cat {CREDENTIALS}/redis-admin) {REDIS} --user admin"
GATEWAY = "/etc/seclyzer/gateway/credentials"
RESTART_REDIS = "sudo systemctl restart redis-server"
STORE_STATE, EDGE_STATE = "/var/lib/influxdb", "/var/lib/seclyzer"


HOG = """
import sys, time
kept, used = [], 0
limit = int(sys.argv[1])
while used < limit:
    kept.append(bytearray(b"x") * (1 << 18)); used += 1 << 18
time.sleep(3600)
"""
FAT = """
shown() { systemctl show -p $1 --value seclyzer-app; }
limit=$(shown MemoryMax) now=$(shown MemoryCurrent) group=$(shown ControlGroup)
for procs in /sys/fs/cgroup/memory/$group/cgroup.procs /sys/fs/cgroup/$group/cgroup.procs; do
    [ ! -e $procs ] || echo $$ > $procs
done
exec python3 /root/night.py $((limit * 90 / 100 - now - 8000000))
"""
REVOKED = (
    f"cp -p {GATEWAY} {GATEWAY}.night; grep -v {EDGE} {GATEWAY}.night > {GATEWAY}; systemctl reload influxdb-gateway"
)
ADMITTED = f"mv {GATEWAY}.night {GATEWAY}; systemctl reload influxdb-gateway"
TOKEN = Look(EDGE, "store-token", "401", f"ansible-playbook site.yml --limit {EDGE},{STORE}")
BUCKET = Look(EDGE, "store-bucket", "404", f"ansible-playbook site.yml --limit {EDGE},{STORE}")
AWAY = Look(EDGE, "store-away", "InfluxDB", f"sudo systemctl restart influxdb influxdb-gateway  # on {STORE}")
REDIS_DOWN = Look(EDGE, "unit-down", "redis-server.service is inactive", RESTART_REDIS, "redis-server.service")
MOUSE = "seclyzer-mouse.service"
KEYSTROKE = "seclyzer-keystroke.service"
LOOP = Look(EDGE, "unit-restarts", "does not stay up", f"sudo journalctl -u {KEYSTROKE}", KEYSTROKE)
REFUSES = Look(EDGE, "redis-refuses", "Redis refused", "sudo sh -c 'REDISCLI_AUTH=")
# What was refused in a break before stays fresh there, for Redis adds the agent's own tries to it.
FORGET_REFUSALS = sh(EDGE, f"{AS_ADMIN} ACL LOG RESET")
DROP_IN = f"/etc/systemd/system/{MOUSE}.d"
WRONG = f"{REDIS} --user collector --pass wrong PING > /dev/null 2>&1"
HOGS = again_and_again(EDGE, FAT)

BREAKS = {
    "the store's disk is full": Break(
        *filled(STORE, STORE_STATE, "systemctl restart influxdb"),
        (
            Look(STORE, "disk-full", STORE_STATE, f"sudo du -xh --max-depth=2 {STORE_STATE}"),
            Look(EDGE, "store-full", "500", f"sudo systemctl restart influxdb  # on {STORE}"),
        ),
        *own_disk(STORE, STORE_STATE, "700M", "influxdb"),
    ),
    "influxd is stopped on the store": Break(
        *stopped(STORE, "influxdb"),
        (Look(STORE, "unit-down", "influxdb.service is inactive", "sudo systemctl restart influxdb.service"), AWAY),
    ),
    "influxd hangs on the store": Break(
        *frozen(STORE, "influxdb"),
        (Look(STORE, "store-away", "does not answer", "systemctl status influxdb"), AWAY),
    ),
    "an edge's spool is full while the store is away": Break(
        both(stopped(STORE, "influxdb")[0], filled(EDGE, f"{EDGE_STATE}/keystroke")[0]),
        both(filled(EDGE, f"{EDGE_STATE}/keystroke")[1], stopped(STORE, "influxdb")[1]),
        (Look(EDGE, "spool-unwritable", "No space left on device", "df -h /var/lib/seclyzer"),),
        *own_disk(EDGE, f"{EDGE_STATE}/keystroke", "1M", KEYSTROKE),
        causes=2,
    ),
    "an edge's spool folder is deleted while the store is away": Break(
        both(stopped(STORE, "influxdb")[0], sh(EDGE, f"rm -r {EDGE_STATE}/keystroke")),
        both(stopped(STORE, "influxdb")[1], sh(EDGE, f"systemctl restart {KEYSTROKE}")),
        (Look(EDGE, "spool-unwritable", "the spool cannot be written", "df -h /var/lib/seclyzer"),),
        causes=2,
    ),
    "the store's data are deleted": Break(
        *emptied(STORE, STORE_STATE, "influxdb"),
        (
            Look(STORE, "points-missing", "InfluxDB has no data and no users", "sudo journalctl -u influxdb-watch"),
            AWAY,
        ),
    ),
    "an edge's disk is full": Break(
        *filled(EDGE, EDGE_STATE),
        (Look(EDGE, "disk-full", EDGE_STATE, f"sudo du -xh --max-depth=2 {EDGE_STATE}"),),
        *own_disk(EDGE, EDGE_STATE, "700M", "seclyzer-extractors"),
    ),
    "the store's certificate ends in ten days": Break(
        *certificate(10),
        (
            Look(EDGE, "certificate-ends", "days more: renew it", "with a new certificate in influxdb_tls_cert"),
            Look(STORE, "certificate-ends", "days more: renew it", "with a new certificate in influxdb_tls_cert"),
        ),
    ),
    "the store's certificate has expired": Break(
        *certificate(-1),
        (Look(EDGE, "certificate-ends", "expired", "with a new certificate in influxdb_tls_cert"),),
    ),
    "an edge's token is revoked": Break(sh(STORE, REVOKED), sh(STORE, ADMITTED), (TOKEN,)),
    "an edge's token is revoked and no person works": Break(
        sh(STORE, REVOKED), sh(STORE, ADMITTED), (TOKEN,), person=False
    ),
    "the bucket is gone": Break(bucket("night"), bucket("behavioral_data"), (BUCKET,)),
    "the bucket is gone and no person works": Break(
        bucket("night"), bucket("behavioral_data"), (BUCKET,), person=False
    ),
    "limits and sandbox are edited away": Break(
        sh(
            EDGE,
            f"mkdir {DROP_IN}; printf '[Service]\\nMemoryMax=infinity\\nProtectSystem=no\\n' > {DROP_IN}/override.conf;"
            " systemctl daemon-reload",
        ),
        sh(EDGE, f"systemctl revert {MOUSE}"),
        (Look(EDGE, "unit-changed", f"{DROP_IN}/override.conf changes {MOUSE}", f"sudo systemctl revert {MOUSE}"),),
    ),
    "an extractor is killed every 4 s": Break(*killed_every(4, KEYSTROKE), (LOOP,)),
    "an extractor is killed every 17 s": Break(*killed_every(17, KEYSTROKE), (LOOP,)),
    "an extractor is stopped by hand": Break(
        *stopped(EDGE, KEYSTROKE),
        (Look(EDGE, "unit-down", "is inactive", f"sudo systemctl restart {KEYSTROKE}", KEYSTROKE),),
    ),
    "the agent is stopped": Break(
        *stopped(EDGE, "seclyzer-agent.socket", "seclyzer-agent.service"),
        (Look(EDGE, "unit-down", "seclyzer-agent", "sudo systemctl restart seclyzer-agent"),),
        prepare=FORGET_REFUSALS,
        agent=False,
        causes=2,
    ),
    "the agent hangs": Break(
        *frozen(EDGE, "seclyzer-agent"),
        (Look(EDGE, "unit-down", "seclyzer-agent", "sudo systemctl restart seclyzer-agent"),),
        prepare=FORGET_REFUSALS,
        agent=False,
    ),
    "Redis is stopped": Break(*stopped(EDGE, "redis-server"), (REDIS_DOWN,)),
    "Redis hangs": Break(*frozen(EDGE, "redis-server"), (Look(EDGE, "redis-away", "answer", RESTART_REDIS),)),
    "Redis has no memory left": Break(
        sh(EDGE, f"{AS_ADMIN} CONFIG GET maxmemory | tail -1 > /root/night.max; {AS_ADMIN} CONFIG SET maxmemory 1mb"),
        sh(EDGE, f"{AS_ADMIN} CONFIG SET maxmemory $(cat /root/night.max); rm /root/night.max"),
        (Look(EDGE, "redis-full", "features", "sudo journalctl -u 'seclyzer-*'"),),
    ),
    "a producer has a wrong password": Break(*again_and_again(EDGE, f"while :; do {WRONG}; sleep 2; done"), (REFUSES,)),
    "a producer is refused 30 times": Break(
        sh(EDGE, f"for i in $(seq 30); do {WRONG} || true; done"), nothing, (REFUSES,)
    ),
    "a producer's clock is an hour behind": Break(
        *events('\\"event\\":\\"move\\",\\"ts\\":$((ts-3600000000)),\\"x\\":$i,\\"y\\":1'),
        (Look(EDGE, "producer-clock", "3600 s", "timedatectl status"),),
        person=False,
    ),
    "a producer's clock is a minute ahead": Break(
        *events('\\"event\\":\\"move\\",\\"ts\\":$((ts+60000000)),\\"x\\":$i,\\"y\\":1'),
        (Look(EDGE, "events-skipped", "ahead of the host's clock", "sudo journalctl -u seclyzer-mouse"),),
        person=False,
    ),
    "a producer breaks the contract": Break(
        *events('\\"event\\":\\"move\\"'),
        (Look(EDGE, "events-skipped", "break the contract", "sudo journalctl -u seclyzer-mouse"),),
    ),
    "the agent's password for Redis is wrong": Break(
        *swap(EDGE, f"{CREDENTIALS}/redis-agent", "seclyzer-agent"),
        (
            Look(
                EDGE,
                "agent-password",
                "Redis refuses the agent's user or password",
                f"ansible-playbook site.yml --limit {EDGE}",
            ),
        ),
    ),
    "an extractor's password for Redis is wrong": Break(
        *swap(EDGE, f"{CREDENTIALS}/redis-keystroke", KEYSTROKE),
        (Look(EDGE, "extractor-silent", "WRONGPASS", "sudo journalctl -u seclyzer-keystroke"),),
    ),
    "a unit is near its memory limit": Break(
        HOGS[0],
        HOGS[1],
        (Look(EDGE, "unit-memory", "seclyzer-app.service uses", "systemctl status seclyzer-app.service"),),
        sh(EDGE, f"echo {base64.b64encode(HOG.encode()).decode()} | base64 -d > /root/night.py"),
        sh(EDGE, "rm /root/night.py; systemctl restart seclyzer-app"),
    ),
}


@pytest.fixture(scope="session", params=BREAKS)
def seen(request: pytest.FixtureRequest) -> tuple[Break, list[Row]]:
    """A break, and what each host that has to see it showed."""
    return BREAKS[request.param], measure(request.param, BREAKS[request.param])


def test_health_and_the_page_name_the_cause_with_what_to_type(seen: tuple[Break, list[Row]]) -> None:
    fault, rows = seen
    for look, row in zip(fault.looks, rows, strict=True):
        if fault.agent:
            for shown in (row.health, row.page):
                found = [one for one in shown if one["id"] == look.finding and look.subject in ("", one["componentId"])]
                assert found and look.words in found[0]["output"] and look.types in found[0]["command"], (look, row)


def test_doctor_names_it_in_as_many_things_as_there_are_causes(seen: tuple[Break, list[Row]]) -> None:
    fault, rows = seen
    for look, row in zip(fault.looks, rows, strict=True):
        text = " ".join(row.doctor.split())
        assert f" {look.finding} " in text and look.words in text, (look, row)
        assert look.types in text.partition(" type: ")[2], (look, row)
        assert 1 <= row.doctor_causes <= fault.causes, row.doctor


def test_it_is_over_once_it_is_mended(seen: tuple[Break, list[Row]]) -> None:
    _, rows = seen
    assert [(row.host, row.after) for row in rows if row.well_s is None] == []
