"""The programs as they run on a host, against a real Redis and a real InfluxDB.

The same tests for both implementations. What comes out is always held against a `--replay` of the events that went in.
LIVE_SEED chooses the events, LIVE_PYTHON_BIN and LIVE_RUST_BIN name other programs than `scripts/build` makes.
"""
