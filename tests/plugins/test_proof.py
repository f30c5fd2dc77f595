"""The proof runs the staged programs as their units will run them."""

import json
from pathlib import Path

import pytest

from plugins.module_utils import proof, systemd
from plugins.module_utils.layout import Layout, Refused
from tests.plugins.hosts import Systemd, bundle, desired, with_way

UNIT = "seclyzer-keystroke.service"


def test_a_check_reads_the_staged_settings_and_not_the_running_ones(host: Layout, tmp_path: Path) -> None:
    text = desired(host, bundle(tmp_path)).units[UNIT]
    command = proof.check_command(host, 7, text)
    assert command[-3:] == ["--config", f"{host.base}/deployments/7/config/keystroke.yaml", "--check"]


def test_a_check_runs_under_the_units_user_credentials_and_sandbox(host: Layout, tmp_path: Path, fake: Systemd) -> None:
    text = desired(host, bundle(tmp_path)).units[UNIT]
    proof.check(host, 7, UNIT, text)
    (words,) = fake.commands
    properties = [word.removeprefix("--property=") for word in words if word.startswith("--property=")]
    assert "User=seclyzer-keystroke" in properties
    assert f"LoadCredential=redis_password:{host.base.parent}/credential" in properties
    assert [value for value in properties if value.startswith("SystemCallFilter=")] == [
        "SystemCallFilter=@system-service",
        "SystemCallFilter=~@privileged",
    ]
    assert not [value for value in properties if value.startswith(("ExecStart=", "Type=", "WantedBy="))]


@pytest.mark.parametrize(
    ("longest", "words"), [(0, "no end within 0 s: it hangs, or the host is busy"), (99, "exit status 1")]
)
def test_a_check_that_is_ended_without_a_word_is_reported_by_its_time_or_its_status(
    host: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, longest: int, words: str
) -> None:
    monkeypatch.setattr(proof, "LONGEST", longest)
    monkeypatch.setattr(proof, "transient", lambda *_: systemd.Completed([], 1, "", ""))
    with pytest.raises(Refused, match=f"^{UNIT}: keystroke --check: {words}$"):
        proof.check(host, 7, UNIT, desired(host, bundle(tmp_path)).units[UNIT])


@pytest.mark.parametrize(
    ("printed", "store_away", "runs", "good"),
    [
        (["FAIL influxdb: does not answer", "ok"], False, 2, True),
        (["FAIL influxdb: does not answer"] * 2, False, 2, False),
        (["FAIL influxdb: does not answer"], True, 1, True),
        (["FAIL redis: does not answer"], False, 1, False),
    ],
)
def test_a_store_that_does_not_answer_is_asked_a_second_time(
    host: Layout,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    printed: list[str],
    store_away: bool,
    runs: int,
    good: bool,
) -> None:
    left = list(printed)

    def transient(*_: object) -> systemd.Completed:
        text = left.pop(0)
        return systemd.Completed([], int(text != "ok"), text, "")

    monkeypatch.setattr(proof, "transient", transient)
    text = desired(host, bundle(tmp_path)).units[UNIT]
    try:
        proof.check(host, 7, UNIT, text, store_away=store_away)
        assert good
    except Refused:
        assert not good
    assert len(printed) - len(left) == runs


def test_vectors_are_replayed_by_the_folder_a_program_is_in_and_only_its_own(tmp_path: Path, fake: Systemd) -> None:
    for name, program in (("a-1", "app_tracker"), ("k-1", "keystroke_extractor"), ("k-2", "keystroke_extractor")):
        (tmp_path / f"{name}.features.json").write_text(json.dumps({"program": program}))
    proof.replay(tmp_path, {"/r/bin/keystroke_extractor": "rust", "/r/venv/bin/app_tracker": "python"}, "nobody")
    tails = [words[words.index("--bin") :] for words in fake.commands]
    assert tails == [
        ["--bin", "/r/bin", "--implementation", "rust", "k-1", "k-2"],
        ["--bin", "/r/venv/bin", "--implementation", "python", "a-1"],
    ]
    assert all("--property=User=nobody" in words for words in fake.commands)


def test_a_program_without_vectors_is_not_proven(tmp_path: Path, fake: Systemd) -> None:
    with pytest.raises(Refused, match="there are none for them"):
        proof.replay(tmp_path, {"/r/bin/keystroke_extractor": "rust"}, "nobody")


def test_units_that_systemd_would_not_take_are_refused(tmp_path: Path, fake: Systemd) -> None:
    fake.fails["systemd-analyze"] = "x.service:3: Unknown key name 'MemoryMxa'"
    with pytest.raises(Refused, match="Unknown key name 'MemoryMxa'"):
        proof.verify(tmp_path)


def test_a_section_of_a_unit_is_read_in_order_without_comments() -> None:
    text = "# a\n[Unit]\nUser=no\n[Service]\n# User=no\nUser = x\nLoadCredential=t:/c/t\nUser=y\n[Install]\nUser=z\n"
    assert systemd.section(text, "Service") == [("User", "x"), ("LoadCredential", "t:/c/t"), ("User", "y")]
    assert systemd.setting(text, "User") == "y"
    assert systemd.credentials(text) == {"t": "/c/t"}


def test_a_check_reaches_the_store_by_the_staged_proxy_and_not_by_the_running_one(
    host: Layout, tmp_path: Path, fake: Systemd
) -> None:
    units = with_way(desired(host, bundle(tmp_path))).units
    with proof.way_to_store(units) as way:
        proof.check(host, 7, UNIT, units[UNIT], way)
    proxy, check = [words for words in fake.commands if words[0] == "systemd-run"]
    assert "--socket-property=ListenStream=/run/seclyzer-proof/influx.sock" in proxy
    assert "--socket-property=SocketGroup=seclyzer-store" in proxy and "--property=User=seclyzer-store" in proxy
    assert proxy[-2:] == ["--connections-max=128", "store:8086"]
    assert "--property=BindReadOnlyPaths=/run/seclyzer-proof:/run/seclyzer" in check
    assert fake.verbs("stop")[-2:] == ["seclyzer-proof.socket", "seclyzer-proof.service"]


def test_what_the_staged_proxy_says_is_part_of_the_refusal_and_it_does_not_stay(
    host: Layout, tmp_path: Path, fake: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = with_way(desired(host, bundle(tmp_path))).units
    fake.fails["--check"] = "influxdb: bad"
    monkeypatch.setattr(systemd, "journal", lambda unit, lines, since: ["Failed to resolve host", unit])
    reported = "influxdb: bad; seclyzer-store.service: Failed to resolve host | seclyzer-proof.service"
    with pytest.raises(Refused, match=reported), proof.way_to_store(units) as way:
        proof.check(host, 7, UNIT, units[UNIT], way)
    assert fake.verbs("stop")[-2:] == ["seclyzer-proof.socket", "seclyzer-proof.service"]


def test_units_without_a_way_to_the_store_need_none(host: Layout, tmp_path: Path, fake: Systemd) -> None:
    with proof.way_to_store(desired(host, bundle(tmp_path)).units) as way:
        assert way is None
    assert fake.commands == []


def test_only_programs_of_the_release_are_checked(host: Layout, tmp_path: Path) -> None:
    units = with_way(desired(host, bundle(tmp_path))).units
    together = {"seclyzer-extractors.service": "[Service]\nType=oneshot\n"}
    checked = [unit for unit, text in {**units, **together}.items() if proof.has_check(unit, text)]
    assert checked == [UNIT, "seclyzer-agent.service"]


@pytest.mark.parametrize(
    ("printed", "only"),
    [
        ("ok   redis: PING\nFAIL influxdb: cannot be reached by /run/x: it closed the connection\n", True),
        ("ok   redis: PING\nFAIL influxdb: does not answer\n", True),
        ("ok   redis: PING\nFAIL influxdb: broke off the answer (ServerDisconnectedError)\n", True),
        ("FAIL redis: does not answer\nFAIL influxdb: does not answer\n", False),
        ("redis: good: answers\ninfluxdb: bad: store:8086: no route; does it run? check influx_url\n", True),
        ("redis: bad: away\ninfluxdb: bad: store:8086: no route; does it run?\n", False),
        ("redis: good: answers\ninfluxdb: bad: store:8086: status 401 for a/b; check influx_token\n", False),
        ("FAIL influxdb: 401, the token is not known\n", False),
        ("redis: good: answers\ninfluxdb: bad: the server's certificate has expired; check influx_ca_file\n", False),
        ("Traceback\n", False),
        ("", False),
    ],
)
def test_a_store_that_is_away_excuses_nothing_else(printed: str, only: bool) -> None:
    assert proof.only_misses_the_store(printed) is only
