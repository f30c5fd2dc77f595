#!/usr/bin/env bash
# On the store, as root: the newest typing windows that InfluxDB holds, through the gateway, with the token for queries.
# The token goes through a pipe, not through the list of processes.
set -euo pipefail
printf 'header = "Authorization: Token %s"\n' "$(cat /etc/seclyzer/credentials/influx-read-token)" |
    curl -sS --config - --cacert /etc/seclyzer/influx-ca.crt -H "Content-Type: application/vnd.flux" \
        "https://$(hostname):8086/api/v2/query?org=seclyzer" --data-binary 'from(bucket: "behavioral_data")
        |> range(start: -1h) |> filter(fn: (r) => r._measurement == "keystroke_features" and r._field == "total_keys")
        |> tail(n: 5) |> keep(columns: ["_time", "host", "_value"])'
