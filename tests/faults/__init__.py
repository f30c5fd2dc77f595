"""The fault campaign: an extractor is killed, cut off, starved or misled under load, and nothing is lost or doubled.

Every fault is a named, seeded item that runs by itself, against a real Redis and a real influxd:

    python -m tests.faults.one --fault NAME --implementation python|rust --seed N

What is compared is always the same (`judge`): what came out in Redis and what InfluxDB holds, against the `--replay`
of the events that Redis accepted, in the order of their stream ids. `make soak` runs all of it for long.
"""
