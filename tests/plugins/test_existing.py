"""A Redis, an InfluxDB or a unit that SecLyzer did not install is seen as foreign, and decided about by a variable."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

from plugins.module_utils import existing, systemd
from plugins.module_utils.files import read
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.systemd import Completed

ROLES = Path(__file__).resolve().parents[2] / "roles"
REDIS = "redis-server.service"
DEFAULTS = {"redis": "refuse", "influxdb": "refuse", "seclyzer": "refuse"}
REPLACE = {"redis": "refuse", "seclyzer": "replace"}
NOTHING: dict[str, Any] = {
    "redis": {},
    "our_redis": [],
    "influxdb": {},
    "our_influxdb": False,
    "token": False,
    "older": [],
    "units": [],
}
USE = {"influxdb": "use"}
BESIDE = {"redis": "beside"}
ADOPT = {"redis": "adopt", "influxdb": "adopt"}


@pytest.fixture
def units(host: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A host without programs, whose systemd knows the units that stand in its folder."""

    def run(argv: Sequence[str], timeout: float = 60.0) -> Completed:
        blocks = []
        if "list-units" in argv:
            return Completed(list(argv), 0, read(host.units / "listed") or "", "")
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
    monkeypatch.setattr(existing, "PROC", tmp_path / "proc")
    return host


def write(host: Layout, **texts: str) -> None:
    for name, text in texts.items():
        path = host.units / name.replace("__", ".").replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def judge(host: Layout, chosen: dict[str, str] = DEFAULTS, store: bool = True) -> list[str]:
    return existing.faults(existing.look(host, [REDIS]), chosen, store)


def test_a_blank_host_has_nothing(units: Layout) -> None:
    assert existing.look(units, [REDIS]) == NOTHING


def test_a_redis_without_our_drop_in_is_refused_with_the_variable_and_the_cost(units: Layout) -> None:
    write(units, redis_server__service="[Service]\nExecStart=/usr/bin/redis-server /etc/redis/redis.conf\n")
    (sentence,) = judge(units)
    assert sentence.startswith(
        "a Redis that SecLyzer did not install is here (redis-server.service, active, pid 7). redis_existing decides: "
    )
    assert "What it holds in memory is gone" in sentence and "its clients are locked out" in sentence
    assert existing.redis_faults(units, REDIS, "refuse") == [sentence]
    assert judge(units, {"influxdb": "refuse"}) == judge(units, ADOPT) == judge(units, BESIDE) == []
    assert existing.redis_faults(units, REDIS, "adopt") == []


def test_what_is_adopted_is_warned_of_once(units: Layout) -> None:
    write(units, redis_server__service="[Service]\n")
    (warning,) = existing.warnings(existing.look(units, [REDIS]), ADOPT)
    assert warning.startswith("redis_existing is adopt, so redis-server.service, active, pid 7 is taken over. What it ")
    (units.units / f"{REDIS}.d").mkdir()
    (units.units / f"{REDIS}.d" / "seclyzer.conf").write_text("[Service]\n")
    found = existing.look(units, [REDIS])
    assert existing.warnings(found, ADOPT) == []
    assert existing.faults(found, DEFAULTS, store=True) == []


def test_a_redis_of_ours_beside_another_s_stays_there(units: Layout) -> None:
    write(units, redis_server__service="[Service]\n")
    (units.units / existing.OWN_REDIS).write_text("[Service]\n")
    assert judge(units, BESIDE) == []
    for choice in ("refuse", "adopt"):
        assert judge(units, {"redis": choice}) == [
            f"redis_existing is {choice}, and SecLyzer's Redis is seclyzer-redis.service here: beside keeps it so"
        ]
    (units.units / REDIS).unlink()
    assert len(judge(units, DEFAULTS)) == 1


def test_a_redis_that_is_ours_gets_no_second_beside_it(units: Layout) -> None:
    write(units, redis_server__service="[Service]\n")
    (units.units / f"{REDIS}.d").mkdir()
    (units.units / f"{REDIS}.d" / "seclyzer.conf").write_text("[Service]\n")
    assert (
        judge(units, BESIDE)
        == existing.redis_faults(units, REDIS, "beside")
        == ["redis_existing is beside, and redis-server.service is SecLyzer's already: refuse keeps it so"]
    )


def test_unit_and_socket_of_a_redis_beside_another_s_are_those_that_the_role_makes() -> None:
    variables = yaml.safe_load((ROLES / "redis/vars/main.yml").read_text())
    values: dict[str, Any] = {"__redis_os": {"unit": "redis-server"}} | {
        name: trust_as_template(variables[name])
        for name in ("__redis_beside", "__redis_unit", "__redis_folder", "__redis_socket")
    }
    for choice, unit, path in (
        ("beside", existing.OWN_REDIS, existing.OWN_SOCKET),
        ("refuse", REDIS, existing.REDIS_SOCKET),
    ):
        templar = Templar(loader=DataLoader(), variables=values | {"redis_existing": choice})
        names = ("__redis_unit", "__redis_socket")
        made = [templar.template(trust_as_template("{{ " + name + " }}")) for name in names]
        assert made == [unit.removesuffix(".service"), path]


def test_an_influxdb_is_ours_by_the_text_of_its_unit(units: Layout, tmp_path: Path) -> None:
    ours = (ROLES / "influxdb/templates/influxdb.service.j2").read_text()
    (tmp_path / "influxd").write_text("")
    write(units, influxdb__service=ours)
    assert judge(units) == []
    write(units, influxdb__service="[Unit]\nDescription=InfluxDB is an open-source time series database\n")
    (sentence,) = judge(units)
    assert f"(influxdb.service, active, pid 7, {tmp_path}/influxd). influxdb_existing decides: " in sentence
    assert judge(units, {"redis": "refuse"}) == judge(units, ADOPT) == []


def test_an_influxdb_is_used_with_a_token_of_its_operator(units: Layout, tmp_path: Path) -> None:
    write(units, influxdb__service="[Service]\n")
    assert judge(units, USE) == [
        f"influxdb_existing is use: put a token that may make organisations, buckets and tokens in {tmp_path}/token"
    ]
    (tmp_path / "token").write_text("x")
    assert judge(units, USE) == []
    write(units, influxdb__service=(ROLES / "influxdb/templates/influxdb.service.j2").read_text())
    assert judge(units, USE) == [
        "influxdb_existing is use, and the InfluxDB here is SecLyzer's already: refuse keeps it so"
    ]


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
    monkeypatch.setattr(existing, "PROC", host.base)
    assert existing.look(host, [REDIS]) == NOTHING


def test_an_older_seclyzer_that_runs_or_starts_with_the_host_is_refused_on_an_edge(
    units: Layout, tmp_path: Path
) -> None:
    (units.units / "listed").write_text(
        "seclyzer-extractors@mouse.service loaded active running SecLyzer mouse\n"
        "seclyzer-extractors@old.service loaded inactive dead SecLyzer old\n"
    )
    wants = units.units / "multi-user.target.wants"
    wants.mkdir()
    (wants / "seclyzer-extractors@app.service").symlink_to("nowhere")
    ours = ("/usr/bin/python3\0/opt/seclyzer/current/venv/bin/app_tracker\0", "seclyzer-app.service")
    runs = {7: ("/usr/bin/python3\0/usr/local/bin/keystroke_extractor\0", "keys.service"), 8: ours}
    for pid, (command, group) in runs.items():
        (tmp_path / "proc" / str(pid)).mkdir(parents=True)
        (tmp_path / "proc" / str(pid) / "cmdline").write_text(command)
        (tmp_path / "proc" / str(pid) / "cgroup").write_text(f"0::/system.slice/{group}\n")
    (sentence,) = judge(units)
    assert sentence.startswith(
        "an older SecLyzer is here (keys.service, seclyzer-extractors@app.service, seclyzer-extractors@mouse.service), "
    )
    assert "seclyzer_existing decides: replace stops and disables it at the switch" in sentence
    assert judge(units, {"influxdb": "refuse"}) == []


def test_an_older_seclyzer_is_replaced_on_request_and_that_is_announced(units: Layout) -> None:
    (units.units / "listed").write_text("seclyzer-extractors@mouse.service loaded active running SecLyzer mouse\n")
    assert judge(units, REPLACE) == []
    assert existing.warnings(existing.look(units, [REDIS]), REPLACE) == [
        "seclyzer_existing is replace, so seclyzer-extractors@mouse.service of an older SecLyzer is stopped and "
        "disabled at the switch"
    ]
    assert existing.warnings(existing.look(units, [REDIS]), DEFAULTS) == []


def test_a_program_of_an_older_seclyzer_that_no_unit_starts_again_is_refused_all_the_same(
    units: Layout, tmp_path: Path
) -> None:
    (tmp_path / "proc" / "7").mkdir(parents=True)
    (tmp_path / "proc" / "7" / "cmdline").write_text("/usr/local/bin/app_tracker\0")
    (tmp_path / "proc" / "7" / "cgroup").write_text("0::/user.slice/session-3.scope\n")
    assert judge(units, REPLACE) == [
        "session-3.scope of an older SecLyzer runs without a unit that could start it again: stop it by hand"
    ]


@pytest.mark.parametrize(
    ("influx", "units"),
    [
        ({}, {"influxdb": "influxdb.service", "gateway": "influxdb-gateway.service"}),
        ({"unit": "theirs.service"}, {"influxdb": "theirs.service", "gateway": "influxdb-gateway.service"}),
        ({"unit": ""}, {"gateway": "influxdb-gateway.service"}),
    ],
)
def test_a_store_s_agent_watches_the_gateway_and_the_unit_of_influxdb_that_is_known(
    influx: dict[str, str], units: dict[str, str]
) -> None:
    variables = yaml.safe_load((ROLES / "seclyzer_agent/vars/main.yml").read_text())
    names = ("__seclyzer_agent_units_store", "__seclyzer_agent_influx_unit")
    values = {name: trust_as_template(variables[name]) for name in names} | {"seclyzer_agent_influx": influx}
    templar = Templar(loader=DataLoader(), variables=values)
    assert templar.template(trust_as_template("{{ " + names[0] + " }}")) == units
