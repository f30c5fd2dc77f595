"""Reads features back from InfluxDB, on the store, by way of the gateway, with the token for queries."""

import csv
import json
import socket
import ssl
import urllib.request
from pathlib import Path
from typing import Any

INFLUXDB = f"https://{socket.gethostname()}:8086"  # its certificate is for its name
TOKEN = Path("/etc/seclyzer/credentials/influx-read-token")
CA = "/etc/seclyzer-pki/ca.crt"
FLUX = """from(bucket: "behavioral_data")
  |> range(start: time(v: {start}), stop: time(v: {stop}))
  |> filter(fn: (r) => r._measurement == "{measurement}" and r.host == "{host}")"""
TYPES: dict[str, Any] = {"double": float, "long": int, "string": str, "dateTime:RFC3339": str}


def main(measurement: str, host: str, start: int, stop: int) -> list[dict[str, Any]]:
    """Every point of a host between two times (µs), as rows {_time, _field, _value, and the tags}."""
    flux = FLUX.format(measurement=measurement, host=host, start=start * 1000, stop=stop * 1000)
    request = urllib.request.Request(
        f"{INFLUXDB}/api/v2/query?org=seclyzer",
        json.dumps({"query": flux, "dialect": {"annotations": ["datatype"], "header": True}}).encode(),
        {"Authorization": f"Token {TOKEN.read_text().strip()}", "Content-Type": "application/json"},
    )
    tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=CA))
    with urllib.request.build_opener(urllib.request.ProxyHandler({}), tls).open(request, timeout=10) as answer:
        return _rows(answer.read().decode())


def _rows(text: str) -> list[dict[str, Any]]:
    """Annotated CSV: tables with an empty line between them, each with a line of types and one of names."""
    found: list[dict[str, Any]] = []
    types: list[str] = []
    names: list[str] = []
    for line in csv.reader(text.splitlines()):
        if not line:
            continue
        if line[0] == "#datatype":
            types, names = line, []
        elif not names:
            names = line
        else:
            row = zip(names, types, line, strict=True)
            found.append({name: TYPES[kind](value) for name, kind, value in row if kind in TYPES and name != ""})
    return found
