"""Points to InfluxDB: what each of its answers leads to. A stand-in answers; a real one is met elsewhere."""

import json
import socket
import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest
from servers import Answer, InfluxStub
from support import cases

from seclyzer_extractors import config
from seclyzer_extractors.dependency import Backoff
from seclyzer_extractors.influx import InfluxAway, InfluxDB
from seclyzer_extractors.spool import Spool
from seclyzer_extractors.spool.rejected import Rejected
from seclyzer_extractors.store import Store, due
from seclyzer_extractors.store.delivery import Delivery, Parcel
from tests.helpers.waiting import until


def says(status: int, message: str = "", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, named, json.dumps({"code": "x", "message": message}).encode()


def make(url: str, queue: int = 50, timeout_s: float = 10.0, retry_s: float = 60.0) -> Store:
    """Without a spool."""
    client = InfluxDB(config.settings("app", influx_url=url, influx_token="secret"))
    return Store(Delivery(client, Rejected(""), retry_s), Spool("", 0), timeout_s, queue)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time is spent on collecting a batch or on backing off."""
    monkeypatch.setattr(due, "BATCH_S", 0.05)
    monkeypatch.setattr(Backoff, "next_s", lambda self: 0.05)


@pytest.fixture
def made(influx: InfluxStub, quick: None) -> Iterator[Store]:
    made = make(influx.url, retry_s=0.2)
    made.start()
    yield made
    made.stop(0.5)


def test_points_go_out_in_one_batch_with_the_token(made: Store, influx: InfluxStub) -> None:
    for i in range(30):
        made.put(f"m f={i} {i}", i)
    until(lambda: made.done == 30)
    [(path, headers, lines)] = influx.requests
    assert path == "/api/v2/write?org=seclyzer&bucket=behavioral_data&precision=us"
    assert headers["Authorization"] == "Token secret"
    assert lines == [f"m f={i} {i}" for i in range(30)]
    assert (made.written, made.stored_ts, made.errors, made.rejected) == (30, 29, 0, 0)
    *counts, _ = map(int, str(made.took).split(" "))
    assert sum(counts) == 1


def test_large_bodies_are_compressed_and_connections_kept(made: Store, influx: InfluxStub) -> None:
    for batch in range(3):
        made.put("m f=1 " + "1" * 2000, batch)
        until(lambda batch=batch: made.done == batch + 1)  # type: ignore[misc]
    assert [headers.get("Content-Encoding") for _, headers, _ in influx.requests] == ["gzip"] * 3


def test_invalid_lines_are_found_and_counted_and_the_rest_is_stored_in_order(
    made: Store, influx: InfluxStub, capsys: pytest.CaptureFixture[str]
) -> None:
    influx.answer = lambda lines: (
        says(400, f"unable to parse {lines}") if any("bad" in one for one in lines) else says(204)
    )
    lines = [f"bad{i}" if i in (3, 17, 18) else f"good{i}" for i in range(30)]
    for i, line in enumerate(lines):
        made.put(line, i)
    until(lambda: made.done == 30)
    assert influx.accepted == [line for line in lines if "good" in line]
    assert (made.written, made.rejected, made.stored_ts) == (27, 3, 29)
    reported = capsys.readouterr().err
    assert reported.count("rejected points") == 1 and "status=400 points=3" in reported and "bad" not in reported


def test_a_body_that_is_too_large_is_split(made: Store, influx: InfluxStub) -> None:
    influx.answer = lambda lines: says(413) if len(lines) > 4 else says(204)
    for i in range(30):
        made.put(f"l{i}", i)
    until(lambda: made.done == 30)
    assert influx.accepted == [f"l{i}" for i in range(30)]
    assert (made.written, made.rejected) == (30, 0)


def test_a_partial_write_is_counted_and_not_sent_again(
    made: Store, influx: InfluxStub, capsys: pytest.CaptureFixture[str]
) -> None:
    influx.answer = lambda lines: says(422, "partial write: oldest point app_transitions,from_app=Firefox dropped=2")
    for i in range(5):
        made.put(f"l{i}", i)
    until(lambda: made.done == 5)
    assert (made.written, made.rejected, len(influx.requests)) == (3, 2, 1)
    reported = capsys.readouterr().err
    assert "status=422 points=2" in reported and "Firefox" not in reported


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_configuration_error_is_logged_once_kept_and_retried_slowly(
    made: Store,
    influx: InfluxStub,
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    influx.answer = lambda lines: says(status)
    made.put("l", 7)
    until(lambda: made.errors == 3)
    assert made.dependency.reason == f"127.0.0.1:{influx.port}: status {status}"
    influx.answer = lambda lines: says(204)
    until(lambda: made.done == 1)
    reported = capsys.readouterr().err
    assert (reported.count("level=error"), reported.count("Writing to InfluxDB works again")) == (1, 1)
    assert made.written == 1
    until(lambda: made.dependency.reason is None)


def test_every_answer_has_a_meaning(influx: InfluxStub, capsys: pytest.CaptureFixture[str]) -> None:
    """The cases that the Rust implementation is held to, too: two lines are sent, and one when they are halved."""
    for case in cases("answers"):
        headers = {"Content-Type": case["type"]} if "type" in case else {}
        reported = case["status"], headers, case.get("body", "").encode()
        influx.answer = lambda lines, reported=reported: reported  # type: ignore[misc]
        client = InfluxDB(config.settings("app", influx_url=influx.url))
        delivery, parcel = Delivery(client, Rejected(""), 60.0), Parcel([[b"a", b"b"]], None)
        settled = delivery.attempt(parcel, 5.0)
        client.close()
        counts = settled, delivery.written, delivery.rejected, delivery.errors
        means, dropped = case["means"], case.get("dropped", 0)
        reason = delivery.dependency.reason
        if means == "stored":
            assert (counts, reason) == ((2, 2, 0, 0), None), case
        elif means == "partly":
            assert (counts, reason) == ((2, 2 - dropped, dropped, 1), None), case
        elif means == "refused":
            assert (counts, reason, len(parcel.pieces)) == ((0, 0, 0, 1), None, 2), case
        else:
            assert counts == (None, 0, 0, 1) and reason is not None and parcel.pieces == [[b"a", b"b"]], case
            assert reason == f"127.0.0.1:{influx.port}: status {case['status']}", case
            logged = capsys.readouterr().err
            no_influx = 'advice="this is no InfluxDB 2: check influx_url"' in logged
            assert no_influx == (means == "no InfluxDB"), case
            loud = "level=error" in logged
            assert loud == (means != "later"), case
            assert (delivery.retry_at - time.monotonic() > 50) == loud, case


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(made: Store, influx: InfluxStub, status: int) -> None:
    influx.answer = lambda lines: says(status, Retry_After="1")
    made.put("l", 7)
    until(lambda: made.errors == 1)
    influx.answer = lambda lines: says(204)
    refused_at = time.monotonic()
    until(lambda: made.done == 1)
    assert 0.9 < time.monotonic() - refused_at < 3
    assert len(influx.requests) == 2


def test_retry_after_may_be_a_date_and_is_bounded(influx: InfluxStub) -> None:
    client = InfluxDB(config.settings("app", influx_url=influx.url))
    for value, low, high in (
        (formatdate(time.time() + 60), 50, 60),
        ("99999999", 3600, 3600),
        ("soon", 0, 0),
        ("\x1f7", 0, 0),
        ("Mon, 01 Jan 2035 00:00:00 +99999999999999999999", 0, 0),
    ):
        influx.answer = lambda lines, value=value: says(503, Retry_After=value)  # type: ignore[misc]
        assert low <= client.write(b"", 5).retry_after <= high
    client.close()


def test_no_answer_is_tried_again(influx: InfluxStub, quick: None) -> None:
    made = make(influx.url, timeout_s=0.3)
    made.start()

    def slow(lines: list[str]) -> Answer:
        time.sleep(1)
        return says(204)

    influx.answer = slow
    made.put("l", 7)
    until(lambda: made.errors == 1)
    assert made.dependency.reason == f"127.0.0.1:{influx.port}: no answer in time"
    influx.answer = lambda lines: None  # closes without a word
    until(lambda: made.errors >= 3)
    influx.answer = lambda lines: says(204)
    until(lambda: made.done == 1)
    assert made.written == 1
    made.stop(0.5)


def test_a_refused_connection_is_tried_again_and_memory_is_bounded(quick: None) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    made = make(url)
    made.start()
    made.put("first", 0)
    until(lambda: made.errors >= 2)
    for i in range(60):
        made.put(f"l{i}", i)
    assert (made.dropped, made.done, made.written) == (11, 0, 0)
    assert made.dependency.reason == f"{url.removeprefix('http://')}: Connection refused"
    begun = time.monotonic()
    made.stop(0.5)
    assert time.monotonic() - begun < 5  # though what waits is never sent


def test_a_connection_that_was_closed_while_idle_costs_no_error(influx: InfluxStub) -> None:
    client = InfluxDB(config.settings("app", influx_url=influx.url))
    assert client.write(b"a", 5).status == 204
    influx.answer = lambda lines: says(204, Connection="close") if lines == ["b"] else None
    assert client._wire is not None
    client._wire._socket.shutdown(socket.SHUT_RDWR)  # as a server does with idle ones
    assert client.write(b"b", 5).status == 204
    with pytest.raises(InfluxAway):
        client.write(b"c", 5)
    client.close()


def test_what_is_queued_is_sent_at_stop_and_waits_for_no_fuller_batch(
    influx: InfluxStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "BATCH_S", 60.0)
    made = make(influx.url)
    made.start()
    for i in range(3):
        made.put(f"l{i}", i)
    made.stop(3.0)
    assert (influx.accepted, made.done) == (["l0", "l1", "l2"], 3)


def test_a_crash_of_the_thread_is_kept_for_the_loop(monkeypatch: pytest.MonkeyPatch, influx: InfluxStub) -> None:
    made = make(influx.url)
    monkeypatch.setattr(made._delivery, "attempt", lambda parcel, patience_s: 1 // 0)
    monkeypatch.setattr(due, "BATCH_S", 0.0)
    made.start()
    made.put("l", 1)
    until(lambda: made.crashed is not None)
    assert isinstance(made.crashed, ZeroDivisionError)
