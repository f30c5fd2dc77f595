"""A marked session: its values are known, and what enters the host's own Redis is ignored by every extractor."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from command import apart, cli, marked, marked_events, read_back
from command.exits import BROKEN, INTERRUPTED
from command.host import Host
from command.probes.redis import password
from plugins.module_utils import existing, influxdb_api
from plugins.module_utils.kinds import KINDS
from plugins.module_utils.layout import Layout, Refused
from seclyzer_extractors import config
from seclyzer_extractors.cli import main as extractor
from seclyzer_extractors.event import IGNORED, parse
from seclyzer_extractors.replay import replay
from tests.helpers import ROOT

NOW = 1_790_000_000_123_456
OTHER_HOSTS = (
    "",
    "update_interval: 1",
    "window_seconds: 90\nupdate_interval: 60",
    "min_events: 100",
    "buffer_events: 3",
    "lateness_ms: 3600000\nidle_timeout_ms: 3600000",
)
"""Settings that docs/tuning.md offers."""


def in_force(kind: str, folder: Path, settings: str, capsys: pytest.CaptureFixture[str]) -> Path:
    """What an extractor of the marked session has in force on a host with these settings, by its own words."""
    (folder / "host.yaml").write_text(settings + "\n")
    unit = f"[Service]\nExecStart=/opt/x/{kind} --config {folder / 'host.yaml'}\n"
    assert extractor(kind, [*apart.command(unit)[1:], "--print-config"]) == 0
    (folder / "in-force.yaml").write_text(capsys.readouterr().out)
    return folder / "in-force.yaml"


@pytest.mark.parametrize("settings", OTHER_HOSTS, ids=lambda text: text.replace("\n", ", ") or "defaults")
@pytest.mark.parametrize("kind", KINDS)
def test_the_extractors_make_of_it_what_the_command_expects_whatever_the_hosts_settings_are(
    kind: str, settings: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [f"{text}\n".encode() for text in marked_events.session(kind, marked_events.begin(NOW))]
    out = io.StringIO()
    counters = replay(kind, config.load(kind, {}, {}, str(in_force(kind, tmp_path, settings, capsys))), lines, out)
    outputs = [json.loads(line) for line in out.getvalue().splitlines() if '"app_patterns"' not in line]
    assert len(outputs) == (2 if kind == "app" else 1)
    for output in outputs:
        assert output["dev_mode"] is True
        for one in marked_events.EXPECTED[kind]:
            assert output[one.feature] == one.value
    assert (counters.malformed, counters.late, counters.future) == (0, 0, 0)


@pytest.mark.parametrize("now", [NOW, NOW // 5_000_000 * 5_000_000, NOW // 5_000_000 * 5_000_000 - 1])
def test_its_window_is_over_when_it_is_sent(now: int) -> None:
    start = marked_events.begin(now)
    times = [json.loads(text)["ts"] for kind in KINDS for text in marked_events.session(kind, start)]
    ends = {-(-ts // marked_events.INTERVAL) * marked_events.INTERVAL for ts in times}
    assert len(ends) == 1 and max(ends) <= now


def test_what_enters_the_hosts_own_redis_is_ignored_by_every_extractor() -> None:
    message = marked_events.marker("abc", NOW).encode()
    assert parse(message) is IGNORED
    kind = "keystroke"
    typed = [f"{text}\n".encode() for text in marked_events.session(kind, marked_events.begin(NOW))]
    alone, beside = io.StringIO(), io.StringIO()
    settings = config.load(kind, {}, {}, None)
    first = replay(kind, settings, typed, alone)
    second = replay(kind, settings, [line for one in typed for line in (one, message)], beside)
    assert (alone.getvalue(), first) == (beside.getvalue(), second)


def test_a_password_that_is_missing_is_named() -> None:
    with pytest.raises(Refused, match="redis-nonsense is missing or holds no password"):
        password("nonsense")


def edge(tmp_path: Path) -> Host:
    """An edge with a keystroke extractor, as root sees it."""
    host = Host(Layout(base=tmp_path / "opt", units=tmp_path / "units"), "edge1")
    vars(host).update({"is_root": True, "is_edge": True, "units": {"seclyzer-keystroke.service": ""}})
    return host


def well(followed: marked.Followed, *_: object) -> None:
    followed.stage("producer → Redis", lambda: "1 event added")


@contextmanager
def up(*_: object) -> Iterator[str]:
    yield "redis.sock"


@contextmanager
def refused(*_: object) -> Iterator[str]:
    raise Refused("seclyzer-test-x cannot be started: Unit already loaded")
    yield ""


@pytest.mark.parametrize("broken", ["redis", "extractors"])
def test_what_cannot_be_started_between_two_stages_is_a_sentence_and_no_success(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(marked, "_live", well)
    monkeypatch.setattr(marked.Followed, "stage", lambda self, name, _: well_stage(self, name))
    monkeypatch.setattr(apart, "redis", refused if broken == "redis" else up)
    monkeypatch.setattr(apart, "extractors", refused if broken == "extractors" else up)
    assert cli.main(["test-events", "--json"], lambda: edge(tmp_path)) == BROKEN
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["good"] is False and found["why"] == "seclyzer-test-x cannot be started: Unit already loaded"
    assert printed.err == f"seclyzer test-events: {found['why']}\n"


def well_stage(followed: marked.Followed, name: str) -> None:
    followed.stages.append(marked.Stage(name, True, "it went well", 0.1))


def test_one_that_is_interrupted_is_no_success_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(marked, "_live", well)
    monkeypatch.setattr(marked, "_apart", interrupted)
    assert cli.main(["test-events", "--json"], lambda: edge(tmp_path)) == INTERRUPTED
    assert json.loads(capsys.readouterr().out)["good"] is False


def test_a_store_that_goes_away_before_the_last_stage_fails_that_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(_: Host) -> None:
        raise influxdb_api.Away("InfluxDB does not answer")

    (tmp_path / "token").write_text("x")
    monkeypatch.setattr(existing, "TOKEN", tmp_path / "token")
    monkeypatch.setattr(read_back, "days", away)
    monkeypatch.setattr(marked, "_live", well)
    monkeypatch.setattr(marked, "_apart", well)
    assert cli.main(["test-events", "--json"], lambda: edge(tmp_path)) == BROKEN
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert [stage["good"] for stage in found["stages"]] == [True, True, False] and not found["good"]
    assert "store → read back: InfluxDB does not answer" in printed.err


@pytest.mark.parametrize("port", [8087, 8086])
def test_influxdb_is_asked_where_the_gateway_asks_it(port: int, tmp_path: Path) -> None:
    template = (ROOT / "roles/influxdb_gateway/templates/nginx.conf.j2").read_text()
    path = tmp_path / "nginx.conf"
    path.write_text(template.replace("{{ influxdb_gateway_backend_port }}", str(port)))
    assert read_back.backend(path) == f"http://127.0.0.1:{port}"


def test_a_host_without_the_gateways_configuration_says_so(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"nginx\.conf: No such file or directory"):
        read_back.backend(tmp_path / "nginx.conf")
    (tmp_path / "nginx.conf").write_text("events {}\n")
    with pytest.raises(Refused, match="names no server"):
        read_back.backend(tmp_path / "nginx.conf")
