"""Counts the points that InfluxDB holds of the last hour, per host and measurement, every 2 s, one JSON object a line.

Sent to the store by the demo and run there as root, by the standard library only: the read-only token stays there.
"""

import contextlib
import csv
import io
import json
import ssl
import time
import urllib.request

TOKEN = "/etc/seclyzer/credentials/influx-read-token"
AUTHORITY = "/etc/seclyzer-pki/ca.crt"
URL = "https://store:8086/api/v2/query?org=seclyzer"
FLUX = """from(bucket: "behavioral_data") |> range(start: -1h) |> filter(fn: (r) => r._field == "schema")
 |> group(columns: ["_measurement", "host"]) |> count()"""


def counts(context: ssl.SSLContext, token: str) -> dict[str, dict[str, int]]:
    """Points per host and measurement."""
    headers = {"Authorization": "Token " + token, "Content-Type": "application/vnd.flux", "Accept": "text/csv"}
    request = urllib.request.Request(URL, FLUX.encode(), headers)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with direct.open(request, timeout=10) as answer:
        rows = csv.DictReader(io.StringIO(answer.read().decode()))
        found: dict[str, dict[str, int]] = {}
        for row in rows:
            if row.get("_measurement"):
                found.setdefault(row["host"], {})[row["_measurement"]] = int(row["_value"])
        return found


def main() -> None:
    """Until the connection that started it is gone."""
    with open(TOKEN) as file:
        token = file.read().strip()
    context = ssl.create_default_context(cafile=AUTHORITY)
    while True:
        with contextlib.suppress(OSError):
            print(json.dumps(counts(context, token)), flush=True)
        time.sleep(2)


main()
