"""Every field of the stats hash that means a loss or an error raises an alarm."""

from __future__ import annotations

import json
from collections.abc import Callable

from agent_world import FIELDS, STATS, Agent, Host, RedisServer

from seclyzer_agent.distribution import Distribution
from seclyzer_agent.stats import BOUNDS, HISTOGRAMS, NUMBERS, OUTAGE_LABELS, Outage, parse
from tests.helpers.waiting import until

Start = Callable[..., Agent]


def test_each_loss_and_error_reaches_a_metric_and_a_reason_also_one_that_is_new(
    host: Host, start: Start, redis_server: RedisServer
) -> None:
    schema = host.own_code() / "schema" / "stats.json"
    document = json.loads(schema.read_text())
    new = {"name": "keys_lost", "type": "counter", "meaning": "loss", "help": "keys that fell off"}
    document["fields"].append(new)
    schema.write_text(json.dumps(document))
    alarming = [field for field in (*FIELDS, new) if field["meaning"] in ("loss", "error")]
    assert {"outputs_dropped", "output_errors", "points_dropped"} <= {field["name"] for field in alarming}
    redis_server.write_stats("keystroke", STATS | {"keys_lost": "0"})
    agent = start()
    before = agent.inside("/healthz?verbose").json["checks"]
    assert {before[f"keystroke:{key}"][0]["status"] for key in ("heartbeat", "losses", "errors")} == {"pass"}
    grown = {field["name"]: str(1000 + number) for number, field in enumerate(alarming)}
    lasting = {"influxdb_fault": "503", "redis_read_fault": "unreachable"}  # errors that are over are not named
    redis_server.write_stats("keystroke", STATS | grown | lasting)
    until(lambda: agent.status("keystroke") == "fail")

    def complete() -> bool:
        checks = agent.inside("/healthz").json["checks"]
        entries = [checks.get(f"keystroke:{key}", [{}])[0] for key in ("losses", "errors")]
        outputs = " ".join(entry.get("output", "") for entry in entries)
        return all(f" {grown[f['name']]} {f['help'].partition(';')[0]}" in outputs for f in alarming)

    until(complete)
    checks = agent.inside("/healthz").json["checks"]
    assert (checks["keystroke:losses"][0]["status"], checks["keystroke:errors"][0]["status"]) == ("fail", "warn")
    metrics = agent.inside("/metrics").body
    for name, value in grown.items():
        assert f'seclyzer_extractor_{name}_total{{extractor="keystroke"}} {value}.0' in metrics


def test_every_field_of_the_hash_is_read() -> None:
    labels = {"implementation", "version", "last_id", *OUTAGE_LABELS}
    histograms = {field.name for field in HISTOGRAMS}
    assert set(NUMBERS) | labels | histograms == {field["name"] for field in FIELDS}
    assert {field["meaning"] for field in FIELDS} <= {"loss", "error", "neither"}
    assert {field["type"] for field in FIELDS} <= {"label", "counter", "gauge", "histogram"}
    assert [f["name"] for f in FIELDS if f["meaning"] != "neither" and f["type"] != "counter"] == []


def test_a_histogram_is_read_whole_or_not_at_all() -> None:
    counts = "1 2 0 0 0 0 0 0 0 0 0 0 0 0 3"
    stats = parse(STATS | {"store_write": f"{counts} 42000000"})
    assert stats is not None and stats.faults == ()
    assert stats.histograms["store_write"] == Distribution(BOUNDS, (1, 2, *[0] * 12, 3), 42.0)
    assert BOUNDS[0] == 0.0005 and BOUNDS[-1] == 10.0
    for text in (counts, f"{counts} 1 1", f"-{counts} 1", f"{counts} 1.5", f"{counts} {'9' * 20}", "\n", f" {counts}"):
        stats = parse(STATS | {"store_write": text})
        assert stats is not None and stats.faults == ("store_write",), text
        assert "store_write" not in stats.histograms
    stats = parse({name: text for name, text in STATS.items() if name not in ("store_write", "spool_oldest_ts")})
    assert stats is not None and stats.faults == (), "an older program runs"


def test_an_outage_is_read_with_its_words_in_bounds() -> None:
    raw = {"influxdb_fault": "401", "influxdb_reason": "status 401\x1b[2J" + "x" * 999, "influxdb_since": "5000000"}
    stats = parse(raw | {"redis_read_fault": "NO PERM\n", "spool_since": "1000000", "spool_until": "2000000"})
    assert stats is not None
    assert stats.outage("influxdb") == Outage("401", ("status 401?[2J" + "x" * 999)[:200], "", 5.0, 0.0)
    assert stats.outage("redis_read") == stats.outage("redis_write") == Outage()
    assert stats.outage("spool") == Outage(since=1.0, until=2.0)
