"""A Redis, an InfluxDB or a unit that SecLyzer did not install is told from ours, and decided about by a variable."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import existing, systemd
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.systemd import Completed

ROLES = Path(__file__).resolve().parents[2] / "roles"
REDIS = "redis-server.service"
DEFAULTS = {"redis": "refuse", "influxdb": "refuse"}
ADOPT = {"redis": "adopt", "influxdb": "adopt"}


@pytest.fixture
def units(host: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A host without programs, whose systemd knows the units that stand in its folder."""

    def run(argv: Sequence[str], timeout: float = 60.0) -> Completed:
        blocks = []
        for name in argv:
            if name.endswith((".service", ".socket")):
                path = host.units / name
                found = ("loaded", path) if path.exists() else ("not-found", "")
                blocks.append(
                    f"Id={name}\nLoadState={found[0]}\nFragmentPath={found[1]}\nActiveState=active\nMainPID=7"
                )
        return Completed(list(argv), 0, "\n\n".join(blocks), "")

    monkeypatch.setattr(systemd, "run", run)
    monkeypatch.setattr(existing, "INFLUXDB_PROGRAMS", (tmp_path / "influxd",))
    monkeypatch.setattr(existing, "INFLUXDB_STATE", tmp_path / "influxd.bolt")
    monkeypatch.setattr(existing, "TOKEN", tmp_path / "token")
    return host


def write(host: Layout, **texts: str) -> None:
    for name, text in texts.items():
        path = host.units / name.replace("__", ".").replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def judge(host: Layout, chosen: dict[str, str] = DEFAULTS, store: bool = True) -> list[str]:
    return existing.faults(existing.look(host, [REDIS]), chosen, store)


def test_a_blank_host_has_nothing(units: Layout) -> None:
    assert existing.look(units, [REDIS]) == {"redis": {}, "influxdb": {}, "units": []}


def test_a_redis_without_our_drop_in_is_refused_with_the_variable_and_the_cost(units: Layout) -> None:
    write(units, redis_server__service="[Service]\nExecStart=/usr/bin/redis-server /etc/redis/redis.conf\n")
    (sentence,) = judge(units)
    assert sentence.startswith(
        "a Redis that SecLyzer did not install is here (redis-server.service, active, pid 7). redis_existing decides: "
    )
    assert "What it holds in memory is gone" in sentence and "its clients are locked out" in sentence
    assert existing.redis_fault(units, REDIS, "refuse") == sentence
    assert judge(units, {"influxdb": "refuse"}) == judge(units, ADOPT) == []
    assert existing.redis_fault(units, REDIS, "adopt") == ""


def test_what_is_adopted_is_warned_of_once(units: Layout) -> None:
    write(units, redis_server__service="[Service]\n")
    (warning,) = existing.warnings(existing.look(units, [REDIS]), ADOPT)
    assert warning.startswith("redis_existing is adopt, so redis-server.service, active, pid 7 is taken over. What it ")
    (units.units / f"{REDIS}.d").mkdir()
    (units.units / f"{REDIS}.d" / "seclyzer.conf").write_text("[Service]\n")
    found = existing.look(units, [REDIS])
    assert existing.warnings(found, ADOPT) == []
    assert existing.faults(found, DEFAULTS, store=True) == []


def test_an_influxdb_is_ours_by_the_text_of_its_unit(units: Layout, tmp_path: Path) -> None:
    ours = (ROLES / "influxdb/templates/influxdb.service.j2").read_text()
    (tmp_path / "influxd").write_text("")
    write(units, influxdb__service=ours)
    assert judge(units) == []
    write(units, influxdb__service="[Unit]\nDescription=InfluxDB is an open-source time series database\n")
    (sentence,) = judge(units)
    assert f"(influxdb.service, active, pid 7, {tmp_path}/influxd). influxdb_existing decides: " in sentence
    assert judge(units, {"redis": "refuse"}) == judge(units, ADOPT) == []


def test_a_program_in_the_place_of_ours_that_no_unit_of_ours_runs_is_another_s(units: Layout, tmp_path: Path) -> None:
    (tmp_path / "influxd").write_text("")
    (sentence,) = judge(units)
    assert sentence.startswith(f"an InfluxDB that SecLyzer did not install is here ({tmp_path}/influxd). ")


def test_an_influxdb_with_data_is_adopted_with_its_operator_token_only(units: Layout, tmp_path: Path) -> None:
    write(units, influxdb__service="[Service]\n")
    (tmp_path / "influxd.bolt").write_text("")
    assert judge(units, ADOPT) == [
        "influxdb_existing is adopt, and what is here was set up before: "
        f"put its operator token in {tmp_path}/token first"
    ]
    (tmp_path / "token").write_text("x")
    assert judge(units, ADOPT) == []


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("seclyzer-agent.service", "seclyzer_agent/templates/agent.service.j2"),
        ("seclyzer-keystroke.service", "seclyzer_extractors/templates/extractor.service.j2"),
        ("seclyzer-store.socket", "seclyzer_release/templates/store.socket.j2"),
        ("influxdb-gateway.service", "influxdb_gateway/templates/influxdb-gateway.service.j2"),
    ],
)
def test_a_unit_with_the_name_of_one_of_ours_is_in_the_way_unless_we_wrote_it(
    units: Layout, name: str, template: str
) -> None:
    (units.units / name).write_text("[Service]\nExecStart=/usr/local/bin/something\n")
    assert judge(units) == [
        f"{name} is a unit that SecLyzer did not write, and has the name of one of its own: rename or remove it"
    ]
    assert bool(judge(units, store=False)) is name.startswith("seclyzer-")
    (units.units / name).write_text((ROLES / template).read_text())
    assert judge(units) == []


def test_units_of_a_host_with_a_history_are_ours_whatever_a_hand_made_of_them(units: Layout) -> None:
    (units.units / "seclyzer-agent.service").write_text("")
    units.base.mkdir()
    units.history.write_text("{}")
    assert judge(units) == []


def test_without_systemd_nothing_is_found(host: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> Completed:
        raise Refused("this host has no systemctl")

    monkeypatch.setattr(systemd, "run", none)
    monkeypatch.setattr(existing, "INFLUXDB_PROGRAMS", ())
    assert existing.look(host, [REDIS]) == {"redis": {}, "influxdb": {}, "units": []}
