"""The store's side of tests about a person's data: asks and changes InfluxDB as whoever has its operator token."""

import csv
import hashlib
import json
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOKEN = Path("/etc/seclyzer/credentials/influx-operator-token")
READER = Path("/etc/seclyzer/credentials/influx-read-token")
UNIT = Path("/etc/systemd/system/influxdb-watch.service")
ORG, BUCKET = "seclyzer", "behavioral_data"


def main(do: str, **more: Any) -> Any:
    """Do one thing; see the functions."""
    known: dict[str, Callable[..., Any]] = {"write": write, "users": users, "delete": delete, "digest": digest}
    return (known | {"drop_bucket": drop_bucket, "as_watch": as_watch})[do](**more)


def as_watch() -> list[int]:
    """The statuses of a write, a deletion and a change of the bucket, by the token that the watch has."""
    global TOKEN
    _, reported = _ask("GET", f"/api/v2/buckets?name={BUCKET}")
    (found,) = json.loads(reported)["buckets"]
    TOKEN = READER
    shorter = json.dumps({"retentionRules": [{"type": "expire", "everySeconds": 3600}]}).encode()
    changed, _ = _ask("PATCH", f"/api/v2/buckets/{found['id']}", shorter)
    return [write(["mouse_features,host=x schema=2i"]), delete('host="x"'), changed]


def write(lines: list[str]) -> int:
    """Points, whose times are in µs; the status."""
    status, _ = _ask("POST", f"/api/v2/write?org={ORG}&bucket={BUCKET}&precision=us", "\n".join(lines).encode())
    return status


def users(start: str) -> dict[str, int]:
    """How many points of each user and host there are since a time."""
    flux = f"""from(bucket: "{BUCKET}") |> range(start: {start}, stop: 2100-01-01T00:00:00Z)
        |> filter(fn: (r) => r._field == "schema") |> group(columns: ["user_id", "host"]) |> count()"""
    found: dict[str, int] = {}
    for row in _query(flux):
        found[f"{row['user_id']} on {row['host']}"] = int(row["_value"])
    return found


def delete(predicate: str) -> int:
    """Delete points without recording it; the status."""
    body = {"start": "1970-01-01T00:00:00Z", "stop": "2100-01-01T00:00:00Z", "predicate": predicate}
    return _ask("POST", f"/api/v2/delete?org={ORG}&bucket={BUCKET}", json.dumps(body).encode())[0]


def digest(stop: str) -> list[Any]:
    """How many values there are until a time, and a hash of all of them."""
    flux = f"""from(bucket: "{BUCKET}") |> range(start: 1970-01-01T00:00:00Z, stop: {stop})
        |> drop(columns: ["_start", "_stop"])"""
    rows = sorted(json.dumps(row, sort_keys=True) for row in _query(flux))
    rows = [re.sub(r'"(table|result)": "[^"]*", ', "", row) for row in rows]
    return [len(rows), hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()]


def drop_bucket() -> int:
    """Delete the bucket; the status."""
    _, reported = _ask("GET", f"/api/v2/buckets?name={BUCKET}")
    (found,) = json.loads(reported)["buckets"]
    return _ask("DELETE", f"/api/v2/buckets/{found['id']}")[0]


def _query(flux: str) -> list[dict[str, str]]:
    status, reported = _ask("POST", f"/api/v2/query?org={ORG}", flux.encode(), "application/vnd.flux")
    if status != 200:
        raise RuntimeError(f"{status}: {reported}")
    rows: list[dict[str, str]] = []
    names: list[str] = []
    for line in csv.reader(reported.splitlines()):
        if not line:
            names = []
        elif not names:
            names = line
        else:
            rows.append({name: value for name, value in zip(names, line, strict=True) if name})
    return rows


def _ask(method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> tuple[int, str]:
    """InfluxDB itself, where the watch asks it as well."""
    found = re.search(r"--url (\S+)", UNIT.read_text())
    if found is None:
        raise RuntimeError(f"{UNIT} does not say where InfluxDB is")
    headers = {"Authorization": f"Token {TOKEN.read_text().strip()}", "Content-Type": kind}
    request = urllib.request.Request(found[1] + path, body, headers, method=method)
    context = ssl.create_default_context(cafile="/etc/seclyzer-pki/ca.crt") if found[1].startswith("https") else None
    tls = [urllib.request.HTTPSHandler(context=context)] if context else []
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), *tls)
    try:
        with direct.open(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
