"""Points of a made-up person in the store's InfluxDB: put there, looked at, taken away; on the store itself."""

import json
import urllib.request
from pathlib import Path
from typing import Any

INFLUXD = "http://127.0.0.1:8087"
OPERATOR = Path("/etc/seclyzer/credentials/influx-operator-token")
PLACE = "org=seclyzer&bucket=behavioral_data"
MARK = "an-attack"  # the person of these points


def main(do: str, hosts: list[str], at: int = 0) -> Any:
    """`add` one point for each host at a time (µs); `look`: their rows, buckets, tokens; `remove` them."""
    if do == "add":
        lines = [f"keystroke_features,device_id=d,host={host},user_id={MARK} dwell_mean=1 {at}" for host in hosts]
        _ask("POST", f"/api/v2/write?{PLACE}&precision=us", "\n".join(lines).encode(), "text/plain")
        return None
    if do == "remove":
        wish = {"start": "1970-01-01T00:00:00Z", "stop": "2100-01-01T00:00:00Z", "predicate": f'user_id="{MARK}"'}
        _ask("POST", f"/api/v2/delete?{PLACE}", json.dumps(wish).encode(), "application/json")
        return None
    flux = f'from(bucket: "behavioral_data") |> range(start: -1d) |> filter(fn: (r) => r.user_id == "{MARK}")'
    rows = _ask("POST", "/api/v2/query?org=seclyzer", flux.encode(), "application/vnd.flux").decode()
    found = json.loads(_ask("GET", "/api/v2/buckets?name=behavioral_data", None, "application/json"))["buckets"]
    return {
        "points": {host: sum(f",{host}," in row for row in rows.splitlines()) for host in hosts},
        "buckets": [[one["id"], one["retentionRules"]] for one in found],
        "tokens": sorted(one["description"] for one in json.loads(
            _ask("GET", "/api/v2/authorizations", None, "application/json"))["authorizations"]),
    }  # fmt: skip


def _ask(method: str, path: str, body: bytes | None, kind: str) -> bytes:
    headers = {"Authorization": f"Token {OPERATOR.read_text().strip()}", "Content-Type": kind}
    request = urllib.request.Request(INFLUXD + path, body, headers, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        return bytes(answer.read())
