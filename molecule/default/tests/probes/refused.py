"""Has InfluxDB refuse a point that is older than its bucket keeps any, and waits until the agent fails over it."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

UNIT = "seclyzer-app.service"
SEGMENT = Path("/var/lib/seclyzer/app/spool") / f"{900:020}.lp"
DAYS = 40


def main() -> list[str]:
    """What the agent reports in the end, and what the extractor logged."""
    before = int(time.time())
    subprocess.run(["systemctl", "stop", UNIT], check=True)
    owner = SEGMENT.parent.parent.stat()
    SEGMENT.parent.mkdir(mode=0o700, exist_ok=True)
    tags = f"user_id=default,device_id=keyboard_0,host={socket.gethostname()},from_app=a,to_app=b"
    SEGMENT.write_text(f"app_transitions,{tags} duration_ms=1i {(before - DAYS * 86400) * 1_000_000}\n")
    SEGMENT.chmod(0o600)
    for path in (SEGMENT.parent, SEGMENT):
        os.chown(path, owner.st_uid, owner.st_gid)
    subprocess.run(["systemctl", "start", UNIT], check=True)
    until = time.monotonic() + 30
    while (status := _status()) != "fail" and time.monotonic() < until:
        time.sleep(0.5)
    log = subprocess.run(
        ["journalctl", "--no-pager", "--output=cat", f"--since=@{before}", "--unit", UNIT],
        capture_output=True,
        text=True,
        check=True,
    )
    return [status, *(line for line in log.stdout.splitlines() if "rejected points" in line)]


def _status() -> str:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open("http://127.0.0.1:9484/healthz", timeout=3) as answer:
            return str(json.load(answer)["status"])
    except urllib.error.HTTPError as error:
        return str(json.load(error)["status"])
