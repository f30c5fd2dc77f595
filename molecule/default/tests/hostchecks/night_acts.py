"""Ways to break a host and to mend it, each as two acts; `night.py` measures what hosts say of them."""

import base64
import subprocess
import tempfile
from pathlib import Path

from hostchecks.host import run_on
from hostchecks.lab import INVENTORY, ROOT
from hostchecks.night import Act, host, sh
from lab import pki
from lab.labs import labs
from lab.paths import state

EDGE, STORE = "edge1", "store"
CREDENTIALS = "/etc/seclyzer/credentials"
REDIS = "redis-cli -s /run/redis/redis-server.sock"
AS_COLLECTOR = f"REDISCLI_AUTH=$(cat {CREDENTIALS}/redis-collector) {REDIS} --user collector"
PKI = "/etc/seclyzer-pki"
UNIT = "night.service"


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


def emptied(which: str, folder: str, unit: str) -> tuple[Act, Act]:
    """A unit that begins without what was in its folder, and again with what was there before."""
    stop, empty, start = f"systemctl stop {unit}", f"find {folder} -mindepth 1 -delete", f"systemctl start {unit}"
    kept = "/root/night.kept"
    begin = f"{stop}; cp -a {folder} {kept}; {empty}; {start}"
    return sh(which, begin), sh(which, f"{stop}; {empty}; cp -a {kept}/. {folder}/; rm -r {kept}; {start}")


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
