"""What hosts say of a break: health, the page and `doctor` have its cause and what to type, and it is over once mended.

What was seen, with its seconds, is left in build/night for docs/night.md.
"""

import base64
import subprocess
import tempfile
from pathlib import Path

import pytest
from hostchecks.host import run_on
from hostchecks.lab import INVENTORY, ROOT
from hostchecks.night import LONGEST, Act, Break, Look, Row, host, measure, nothing, sh

from lab import pki
from lab.labs import labs
from lab.paths import state

EDGE, STORE = "edge1", "store"
CREDENTIALS = "/etc/seclyzer/credentials"
REDIS = "redis-cli -s /run/redis/redis-server.sock"
AS_ADMIN = f"REDISCLI_AUTH=$(cat {CREDENTIALS}/redis-admin) {REDIS} --user admin"
AS_COLLECTOR = f"REDISCLI_AUTH=$(cat {CREDENTIALS}/redis-collector) {REDIS} --user collector"
GATEWAY = "/etc/seclyzer/gateway/credentials"
PKI = "/etc/seclyzer-pki"
UNIT = "night.service"
RESTART_REDIS = "sudo systemctl restart redis-server"
STORE_STATE, EDGE_STATE = "/var/lib/influxdb", "/var/lib/seclyzer"


def both(*acts: Act) -> Act:
    """One after the other."""

    def act() -> None:
        for each in acts:
            each()

    return act


def swap(which: str, path: str, unit: str) -> tuple[Act, Act]:
    """A secret that is another one, for a unit that is started again with it, and back."""
    begin = f"cp -p {path} {path}.night; echo {'x' * 64} > {path}; systemctl restart {unit}"
    return sh(which, begin), sh(which, f"mv {path}.night {path}; systemctl restart {unit}")


def stopped(which: str, *units: str) -> tuple[Act, Act]:
    """Units that are stopped, and started again."""
    return sh(which, f"systemctl stop {' '.join(units)}"), sh(which, f"systemctl start {' '.join(units)}")


def frozen(which: str, unit: str) -> tuple[Act, Act]:
    """A unit's main process that stands still, and goes on."""
    pid = f"$(systemctl show -p MainPID --value {unit})"
    return sh(which, f"kill -STOP {pid}"), sh(which, f"kill -CONT {pid} || true")


def again_and_again(which: str, script: str) -> tuple[Act, Act]:
    """A script in sh that goes on beside all else until it is ended."""
    text = base64.b64encode(script.encode()).decode()
    begin = f"echo {text} | base64 -d > /root/night.sh; systemd-run --quiet --collect --unit={UNIT} sh /root/night.sh"
    return sh(which, begin), sh(which, f"systemctl stop {UNIT}; rm /root/night.sh")


def killed_every(seconds: int, unit: str) -> tuple[Act, Act]:
    """A unit whose main process is killed again and again."""
    script = f"while :; do systemctl kill --kill-who=main --signal=KILL {unit}; sleep {seconds}; done"
    return again_and_again(EDGE, script)


def own_disk(which: str, folder: str, size: str, units: str) -> tuple[Act, Act]:
    """A folder on a file system of its own, with what was in it, and back with what is in it then."""
    mode = f"mode=$(stat -c %a {folder}),uid=$(stat -c %u {folder}),gid=$(stat -c %g {folder})"
    stop, start, kept = f"systemctl stop {units}", f"systemctl start {units}", "/root/night.kept"
    again = f"cp -a {kept}/. {folder}/; rm -r {kept}; {start}"
    into = f"{stop}; cp -a {folder} {kept}; mount -t tmpfs -o size={size},{mode} none {folder}; {again}"
    back = f"{stop}; cp -a {folder} {kept}; umount -l {folder}; find {folder} -mindepth 1 -delete; {again}"
    return sh(which, into), sh(which, back)


def filled(which: str, folder: str, afterwards: str = "true") -> tuple[Act, Act]:
    """A disk without a free byte, and with room again."""
    fill = f"for size in 64K 1; do dd if=/dev/zero of={folder}/night.$size bs=$size 2> /dev/null; done; true"
    return sh(which, fill), sh(which, f"rm -f {folder}/night.64K {folder}/night.1; {afterwards}")


def _sign_again(key: Path, shown: Path, signed: tuple[str, ...], days: int) -> None:
    """The same certificate for so many days from now; `openssl req` takes no days that are over."""
    asked, same = str(shown.with_suffix(".csr")), ("-copy_extensions", "copyall")
    ask = ["-x509toreq", "-in", str(shown), "-signkey", str(key), *same, "-out", asked]
    give = ["-req", "-in", asked, *signed, "-set_serial", "7", *same, "-days", str(days), "-out", str(shown)]
    for words in (ask, give):
        subprocess.run(["openssl", "x509", *words], check=True, capture_output=True)


def certificate(days: int) -> tuple[Act, Act]:
    """The store shows one that the site's CA signed, good for so many days from now, and the former one again."""
    (lab,) = [one for one in labs().values() if ROOT / one.inventory == INVENTORY]

    def begin() -> None:
        ca = state(lab.name)
        names = f"subjectAltName=DNS:{STORE},IP:{lab.host(STORE).address}"
        signed = ("-CA", str(ca / "ca.crt"), "-CAkey", str(ca / "ca.key"))
        with tempfile.TemporaryDirectory() as folder:
            key, shown = Path(folder) / "key", Path(folder) / "crt"
            pki.request(key, shown, STORE, (*pki.LEAF_EXTENSIONS, names), pki.LEAF_DAYS, signed)
            _sign_again(key, shown, signed, days)
            for part, file in ((key, "influxdb.key"), (shown, "influxdb.crt")):
                text = base64.b64encode(part.read_bytes()).decode()
                there = f"{PKI}/{file}"
                host(STORE).check_output(f"cp -p {there} {there}.night; echo {text} | base64 -d > {there}")
        host(STORE).check_output("systemctl restart influxdb-gateway")

    back = "; ".join(f"mv {PKI}/{file}.night {PKI}/{file}" for file in ("influxdb.key", "influxdb.crt"))
    return begin, sh(STORE, f"{back}; systemctl restart influxdb-gateway")


def bucket(other: str) -> Act:
    """The bucket has another name, as when it was deleted; or its own again."""
    return lambda: run_on(host(STORE), "bucket", "personal_store", called=other)


def events(fields: str, pause: str = "0.2") -> tuple[Act, Act]:
    """A producer on an edge whose mouse sends these fields; `$ts` is the time in µs."""
    send = f'{AS_COLLECTOR} XADD seclyzer:stream:mouse "*" e "{{\\"type\\":\\"mouse\\",{fields}}}"'
    script = f"i=0; while :; do ts=$(date +%s%6N); i=$((i+1)); {send} > /dev/null; sleep {pause}; done"
    return again_and_again(EDGE, script)


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
TOKEN = Look(EDGE, "store-token", "401", f"ansible-playbook site.yml --limit {EDGE},STORE")
BUCKET = Look(EDGE, "store-bucket", "404", f"ansible-playbook site.yml --limit {EDGE},STORE")
AWAY = Look(EDGE, "store-away", "InfluxDB", "systemctl status influxdb influxdb-gateway (on the store)")
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
            Look(EDGE, "store-full", "500", "sudo systemctl restart influxdb (on the store"),
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
        over=LONGEST,
    ),
    "the store's certificate has expired": Break(
        *certificate(-1),
        (Look(EDGE, "certificate-ends", "expired", "with a new certificate in influxdb_tls_cert"),),
        over=LONGEST,
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
        (Look(EDGE, "unit-changed", f"{DROP_IN}/override.conf changes {MOUSE}", "sudo systemd-delta"),),
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
