"""`python -m monitoring.dashboard`: writes dashboard.json, which Grafana imports. `--print` writes it to stdout.

Expressions name the agent's metrics themselves, so that the dashboard works without the recording rules. A test fails
while the file is old, or names a metric that the agent does not have.
"""

import json
import sys
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from monitoring.panels import SOURCE, colours, graph, number, rows, timeline

FILE = Path(__file__).parent / "dashboard.json"
HERE = 'job="$job",instance=~"$instance"'
"""The hosts that are chosen above the dashboard."""
KIND = f'{HERE},extractor=~"$extractor"'
BY_HOST = "{{instance}} {{extractor}}"
GOOD, BAD = colours((None, "green")), colours((None, "green"), (1, "red"))
SHARES = {"p50": 0.5, "p99": 0.99}
NOTE = "Figures are of the last full minute, unless Prometheus is one of the agent's readers."


def rate(metric: str) -> str:
    """How much a counter of an extractor grows a second."""
    return f"rate(seclyzer_extractor_{metric}_total{{{KIND}}}[$__rate_interval])"


def grown(*metrics: str) -> str:
    """By how much counters of an extractor have grown in five minutes, where they have."""
    sums = " + ".join(f"increase(seclyzer_extractor_{metric}_total{{{KIND}}}[5m])" for metric in metrics)
    return f"({sums}) > 0"


def quantile(share: float, metric: str) -> str:
    """How long at most so large a share took, of each extractor."""
    buckets = f"rate(seclyzer_{metric}_seconds_bucket{{{KIND}}}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by (instance, extractor, le) ({buckets}))"


def now() -> list[Builder[model.Panel]]:
    """What has to be looked at, at a glance."""
    return [
        number("Hosts", "Hosts whose agent answers", f"sum(up{{{HERE}}})", GOOD),
        number("No answer", "Hosts whose agent does not answer", f"count(up{{{HERE}}} == 0)", BAD),
        number(
            "Hosts that fail", "Hosts with a finding that is fail",
            f"count(max by (instance) (seclyzer_finding_status{{{HERE}}}) == 2)", BAD,
        ),
        number(
            "Hosts that warn", "Hosts whose worst finding is warn",
            f"count(max by (instance) (seclyzer_finding_status{{{HERE}}}) == 1)",
            colours((None, "green"), (1, "yellow")),
        ),
        number("Windows", f"Windows that all extractors emit. {NOTE}", f"sum({rate('windows')})", GOOD, "cps"),
        number(
            "Waiting for InfluxDB", "Points in all spools on disk",
            f"sum(seclyzer_extractor_spool_bytes{{{KIND}}})", colours((None, "green"), (1, "yellow")), "bytes",
        ),
        rows(
            "What is wrong", "One row for each cause; docs/runbook.md has an entry of that name",
            f"sort_desc(seclyzer_finding_status{{{HERE}}})",
            {"instance": "host", "role": "role", "finding": "finding", "Value": "status (1 warn, 2 fail)"},
        ),
        rows(
            "What runs", "The release and mode that each host has deployed",
            f"max by (instance, release, mode, version) (seclyzer_build_info{{{HERE}}})",
            {"instance": "host", "release": "release", "mode": "mode", "version": "agent"},
        ),
    ]  # fmt: skip


def flow() -> list[Builder[model.Panel]]:
    """The way of the data, stage by stage."""
    return [
        graph("Events", f"Valid events that are read. {NOTE}", {BY_HOST: rate("events")}, "cps"),
        graph(
            "Windows", f"Windows that are emitted, and those with too few events. {NOTE}",
            {BY_HOST: rate("windows"), f"{BY_HOST} short": rate("windows_short")}, "cps",
        ),
        graph("Points stored", "Points that InfluxDB confirmed", {BY_HOST: rate("points_written")}, "cps"),
        graph("Lag", "How far behind its stream", {BY_HOST: f"seclyzer_extractor_lag_seconds{{{KIND}}}"}, "s"),
        graph(
            "Age of the last window", "Grows while a person does nothing, too",
            {BY_HOST: f"time() - seclyzer_extractor_last_window_timestamp_seconds{{{KIND}}}"}, "s",
        ),
        graph(
            "Spool", "Points on disk that wait for InfluxDB, and how much may",
            {
                BY_HOST: f"seclyzer_extractor_spool_bytes{{{KIND}}}",
                "limit": f"min(seclyzer_extractor_spool_limit_bytes{{{KIND}}})",
            }, "bytes",
        ),
        graph(
            "Window closed to published", f"How long windows wait for Redis: half of them, and 99 in 100. {NOTE}",
            {f"{BY_HOST} {name}": quantile(share, "window_publish_delay") for name, share in SHARES.items()}, "s",
        ),
        graph(
            "Write to the store", "How long InfluxDB takes to answer: half of the writes, and 99 in 100",
            {f"{BY_HOST} {name}": quantile(share, "store_write") for name, share in SHARES.items()}, "s",
        ),
        graph(
            "Age of the spool", "Of the oldest point on disk, while there is one",
            {BY_HOST: f"time() - seclyzer_extractor_spool_oldest_timestamp_seconds{{{KIND}}}"}, "s",
        ),
        graph(
            "Lost in five minutes", "Data that is not in the output any more",
            {
                f"{BY_HOST} points": grown("points_dropped", "points_rejected"),
                f"{BY_HOST} events": grown("dropped", "gaps"),
                f"{BY_HOST} outputs": grown("outputs_dropped"),
            }, "short", 12,
        ),
        graph(
            "Skipped in five minutes", "What producers sent that is no event, or came too late",
            {
                f"{BY_HOST} malformed": grown("malformed"),
                f"{BY_HOST} late": grown("late", "behind"),
                f"{BY_HOST} future, ancient": grown("future", "ancient"),
            }, "short", 12,
        ),
    ]  # fmt: skip


def host() -> list[Builder[model.Panel]]:
    """What carries the extractors."""
    unit = "{{instance}} {{name}}"
    return [
        graph(
            "Memory of units", "Share of the limit at which systemd ends a unit",
            {unit: f"seclyzer_unit_memory_bytes{{{HERE}}} / seclyzer_unit_memory_limit_bytes{{{HERE}}}"},
            "percentunit",
        ),
        graph(
            "Restarts in an hour", "Automatic restarts of units",
            {unit: f"increase(seclyzer_unit_restarts_total{{{HERE}}}[1h]) > 0"}, "short",
        ),
        graph(
            "Held up by CPUQuota", "Periods a second in which a unit had used up its share",
            {unit: f"rate(seclyzer_unit_cpu_throttled_periods_total{{{HERE}}}[$__rate_interval]) > 0"}, "cps",
        ),
        graph(
            "Free disk", "Of the file systems that releases, spools and the store are on",
            {"{{instance}} {{folder}}": f"seclyzer_disk_free_bytes{{{HERE}}}"}, "bytes",
        ),
        graph(
            "Redis", "Share of maxmemory in use",
            {
                "{{instance}}": f"seclyzer_redis_memory_used_bytes{{{HERE}}} / "
                f"(seclyzer_redis_memory_limit_bytes{{{HERE}}} > 0)"
            }, "percentunit",
        ),
        graph(
            "Answers", "Time that PING at Redis and GET /health at InfluxDB take",
            {
                "{{instance}} Redis": f"seclyzer_redis_ping_seconds{{{HERE}}}",
                "{{instance}} InfluxDB": f"seclyzer_influxdb_health_seconds{{{HERE}}}",
            }, "s",
        ),
        rows(
            "Certificates", "Days until the store's certificate and its CA end, as each host sees them",
            f"(seclyzer_certificate_expiry_timestamp_seconds{{{HERE}}} - time()) / 86400",
            {"instance": "host", "certificate": "certificate", "Value": "days left"},
        ),
        rows(
            "Extractors", "What runs, by its own heartbeat",
            f"max by (instance, extractor, implementation, version) (seclyzer_extractor_info{{{KIND}}})",
            {"instance": "host", "extractor": "extractor", "implementation": "implementation", "version": "version"},
        ),
    ]  # fmt: skip


def checks() -> list[Builder[model.Panel]]:
    """Each check over time."""
    return [
        timeline(
            "Checks", "The damped status of each check of the chosen hosts",
            f"max by (instance, check) (seclyzer_check_status{{{HERE}}})", "{{instance}} {{check}}",
        )
    ]  # fmt: skip


def variables() -> list[Builder[model.VariableModel]]:
    """What can be chosen above the dashboard."""
    every = 'up{job=~"seclyzer.*"}'

    def chosen(name: str, label: str, query: str) -> build.QueryVariable:
        return (
            build.QueryVariable(name).label(label).datasource(SOURCE).query(query)
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(model.VariableSort.ALPHABETICAL_ASC)
        )  # fmt: skip

    def several(name: str, label: str, query: str) -> build.QueryVariable:
        return chosen(name, label, query).multi(True).include_all(True).all_value(".*")

    return [
        build.DatasourceVariable("datasource").label("Prometheus").type("prometheus"),
        chosen("job", "Job", f"label_values({every}, job)"),
        several("instance", "Host", 'label_values(up{job="$job"}, instance)'),
        several("extractor", "Extractor", 'label_values(seclyzer_extractor_up{job="$job"}, extractor)'),
    ]


def made() -> model.Dashboard:
    """The dashboard."""
    whole = (
        build.Dashboard("SecLyzer Edge").uid("seclyzer-edge").tags(["seclyzer"]).editable().refresh("1m")
        .description("Whether data flows on each host, and why not where it does not.")
        .time("now-6h", "now").timezone("browser").tooltip(model.DashboardCursorSync.CROSSHAIR)
    )  # fmt: skip
    for variable in variables():
        whole = whole.with_variable(variable)
    for title, panels in (("Now", now()), ("Data flow", flow()), ("Hosts", host()), ("Checks", checks())):
        whole = whole.with_row(build.Row(title))
        for panel in panels:
            whole = whole.with_panel(panel)
    built = whole.build()
    for place, one in enumerate(built.panels or [], 1):
        one.id_val = place
    return built


def text() -> str:
    """The dashboard as Grafana imports it."""
    return json.dumps(made(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--print"]:
        sys.stdout.write(text())
    else:
        FILE.write_text(text(), encoding="utf-8")
