"""An InfluxDB that ended in the middle of a write has a log of whole entries when systemd has started it again."""

from collections.abc import Iterator

import pytest
from hostchecks.host import Host, run_on
from hostchecks.lab import hosts
from hostchecks.polling import poll
from hostchecks.systemd import INFLUXDB, show, wait_until_active

testinfra_hosts = ["ansible://localhost?connection=local"]

MEND = "influxdb-wal.service"
WAL = "/var/lib/influxdb/engine/wal"
LINE = "log_test v=1i"
"""A point without a host, so that there is a log; it is deleted again."""
TORN = r"\001\000\000\002\000torn"
"""The beginning of an entry of 512 bytes: nine bytes of it."""
END = f"""
segment=$(find {WAL} -name '_*.wal' -size +0 | head -1)
kill -STOP %s; printf '{TORN}' >> $segment; date +%%s > /root/ended; kill -KILL %s; echo $segment
"""


@pytest.fixture(scope="module")
def store() -> Host:
    return hosts("seclyzer_store")[0]


@pytest.fixture(scope="module")
def ended(store: Host) -> Iterator[str]:
    """The segment at whose end the beginning of an entry stood when InfluxDB was killed; it runs again."""
    assert run_on(store, "personal_store", do="write", lines=[LINE]) == 204
    before = show(store, [INFLUXDB])[INFLUXDB]["MainPID"]
    segment = store.check_output(END, before, before)
    poll(lambda: show(store, [INFLUXDB])[INFLUXDB]["MainPID"], lambda pid: pid not in ("0", before), 30)
    assert wait_until_active(store, [INFLUXDB])[INFLUXDB]["ActiveState"] == "active"
    yield segment
    store.check_output("systemctl reset-failed %s", INFLUXDB)  # the next tests ask how often it restarted itself
    assert run_on(store, "personal_store", do="delete", predicate='_measurement="log_test"') == 204


def test_the_end_is_removed_before_influxdb_starts(store: Host, ended: str) -> None:
    logged = f"journalctl --no-pager -o cat --since @$(cat /root/ended) -u {MEND} -u {INFLUXDB}"
    lines = store.check_output(logged).splitlines()
    removed = f"{ended}: 9 bytes that were not whole entries were removed"
    started = next(number for number, line in enumerate(lines) if "Welcome to InfluxDB" in line)
    assert removed in lines[:started], lines
    assert not [line for line in lines if "File corrupt" in line]


def test_what_mends_the_log_may_do_nothing_else(store: Host) -> None:
    assert store.run("systemd-analyze security --no-pager --threshold=12 %s", MEND).rc == 0
