"""A host is left as it was: what SecLyzer installed goes, data stay unless they are to go; any step may be the last."""

import itertools
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import files, found, lease, packages, removal, removal_files, removal_users, systemd
from plugins.module_utils.found import Found
from plugins.module_utils.layout import Layout, Refused
from plugins.module_utils.systemd import Completed

GROUPS = ["seclyzer-redis-of-a-test"]
THEIRS = (
    "units/seclyzer-extractors@.service",
    "units/theirs.service",
    "root/etc/seclyzer/config.toml",
    "root/etc/redis/redis.conf",
    "seclyzer/theirs.txt",
    "root/usr/local/bin/theirs",
)
"""What another has put beside ours."""
OURS = (
    "units/seclyzer-agent.service",
    "units/seclyzer-store.socket",
    "units/redis-server.service.d/seclyzer.conf",
    "seclyzer/releases/0.1.0-abc/bin/x",
    "seclyzer/deployments/1/manifest.json",
    "seclyzer/history.json",
    "seclyzer/trial.json",
    "seclyzer/trial-summary.json",
    "root/etc/seclyzer/credentials/redis-admin",
    "root/etc/seclyzer/credentials/influx-operator-token",
    "root/etc/seclyzer/gateway/credentials",
    "root/etc/seclyzer/influx-ca.crt",
    "root/usr/local/bin/influxd",
    "root/usr/local/bin/seclyzer",
    "root/usr/local/share/bash-completion/completions/seclyzer",
    "root/run/seclyzer/influx.sock",
)
DATA = ("state/keystroke/spool/00000000000000000001.lp", "root/var/lib/influxdb/influxd.bolt")
PASSING = "seclyzer-compare.service loaded active running A comparison\n"
RECORD = Found(
    paths={"/var/lib/influxdb": False, "/usr/local/bin/influxd": False},
    units={"redis-server.service": {"load": "loaded", "enabled": "disabled", "active": "yes"}},
)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands of systemctl; Redis stands still and starts with the host, as long as it is ours."""
    given: list[list[str]] = []
    redis = {"UnitFileState": "enabled", "ActiveState": "inactive"}

    def run(argv: Sequence[str], timeout: float = 60.0) -> Completed:
        words = [word for word in argv if word != "--no-ask-password"]
        if words[:2] == ["systemctl", "show"]:
            lines = [f"Id={words[-1]}", "LoadState=loaded", *(f"{name}={value}" for name, value in redis.items())]
            return Completed(words, 0, "\n".join(lines), "")
        if "list-units" in words:
            stopped = ["systemctl", "stop", "seclyzer-compare.service"] in given
            return Completed(words, 0, "" if stopped else PASSING, "")
        given.append(words)
        if words[-1] == "redis-server.service" and words[1] in ("start", "disable"):
            redis.update({"ActiveState": "active"} if words[1] == "start" else {"UnitFileState": "disabled"})
        return Completed(words, 0, "", "")

    monkeypatch.setattr(systemd, "run", run)
    monkeypatch.setattr(packages, "installed", lambda leftovers: set())
    return given


@pytest.fixture
def there(host: Layout, commands: list[list[str]]) -> Path:
    """A host with all of it; the folder that everything is below."""
    top = host.base.parent
    for name in (*THEIRS, *OURS, *DATA):
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# Written by site.yml\n" if name.startswith("units/seclyzer-") else name)
    (top / "units/seclyzer-extractors@.service").write_text("theirs\n")
    host.current.symlink_to("deployments/1")
    host.wants.mkdir()
    host.wants_link("seclyzer-agent.service").symlink_to(host.units / "seclyzer-agent.service")
    found.save(host, RECORD)
    return top


def plan(host: Layout, data: bool = False) -> removal.Removal:
    return removal.plan(host, GROUPS, data, root=host.base.parent / "root")


def left(top: Path) -> set[str]:
    """The files and links that are left, but for the host's Python."""
    paths = [path for path in top.rglob("*") if path.is_symlink() or path.is_file()]
    return {str(path.relative_to(top)) for path in paths if path.relative_to(top).parts[0] != "bin"}


TOKEN = "root/etc/seclyzer/credentials/influx-operator-token"


def test_what_is_ours_goes_and_data_stay_with_the_token_that_opens_them(host: Layout, there: Path) -> None:
    planned = plan(host)
    removal.carry_out(planned)
    assert left(there) == {*THEIRS, *DATA, TOKEN, "seclyzer/found.json"}
    assert [(kept.path, kept.files) for kept in planned.kept] == [
        (str(there / TOKEN), 1),
        (str(host.state / "keystroke"), 1),
        (str(there / "root/var/lib/influxdb"), 1),
    ]
    assert found.load(host) == Found(paths={"/var/lib/influxdb": False})


def test_a_second_run_has_nothing_to_do(host: Layout, there: Path) -> None:
    removal.carry_out(plan(host))
    again = plan(host)
    assert again.steps == []
    assert [kept.path for kept in again.kept][-1] == str(there / "root/var/lib/influxdb")


@pytest.mark.parametrize("later", [False, True])
def test_data_go_when_they_are_to_go_at_once_or_later(host: Layout, there: Path, later: bool) -> None:
    if later:
        removal.carry_out(plan(host))
    removal.carry_out(plan(host, data=True))
    assert left(there) == set(THEIRS)
    assert plan(host, data=True).steps == []


def test_a_removal_that_is_cut_off_at_any_step_is_completed_by_the_next(
    host: Layout, there: Path, tmp_path: Path, commands: list[list[str]]
) -> None:
    shutil.copytree(there, tmp_path / "kept", symlinks=True)
    count = len(plan(host).steps)
    assert count > 10
    for at in range(count + 1):
        shutil.rmtree(there)
        shutil.copytree(tmp_path / "kept", there, symlinks=True)
        for step in plan(host).steps[:at]:
            step.do()
        removal.carry_out(plan(host))
        assert left(there) == {*THEIRS, *DATA, TOKEN, "seclyzer/found.json"}, at
        assert plan(host).steps == [], at


class PowerCut(BaseException):
    """Nothing after it is done."""


def cut_off(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Ends what runs once so many files or folders are deleted."""
    deleted = itertools.count(1)

    def patched(delete: Callable[..., None]) -> Callable[..., None]:
        def run(*arguments: Any, **options: Any) -> None:
            delete(*arguments, **options)
            if next(deleted) == at:
                raise PowerCut

        return run

    for name in ("unlink", "rmdir"):
        monkeypatch.setattr(os, name, patched(getattr(os, name)))


@pytest.mark.parametrize("data", [False, True])
def test_a_removal_that_is_cut_off_after_any_deletion_is_completed_by_the_next_folders_too(
    host: Layout, there: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, data: bool
) -> None:
    blank = tmp_path_factory.mktemp("blank") / "host"
    shutil.copytree(there, blank, symlinks=True)

    def after(cut: int) -> tuple[bool, set[Path]]:
        shutil.rmtree(there)
        shutil.copytree(blank, there, symlinks=True)
        with monkeypatch.context() as patch:
            cut_off(patch, cut)
            try:
                removal.carry_out(plan(host, data))
            except PowerCut:
                pass
            else:
                return False, set(there.rglob("*"))
        removal.carry_out(plan(host, data))
        return True, set(there.rglob("*"))

    _, whole = after(0)
    cuts = list(itertools.takewhile(lambda found: found[0], map(after, itertools.count(1))))
    assert len(cuts) > len(OURS)
    assert [sorted(left ^ whole) for _, left in cuts if left != whole] == []


def test_services_stop_first_and_the_record_of_what_was_found_goes_last(host: Layout, there: Path) -> None:
    words = [step.words for step in plan(host).steps]
    assert words[0] == "stop seclyzer-compare.service"
    assert words[1] == "stop and remove seclyzer-store.socket, seclyzer-agent.service"
    assert words[2] == "stop redis-server.service"
    assert words[-2:] == ["forget what was found, but that /var/lib/influxdb is SecLyzer's", "remove empty folders"]


def test_a_redis_that_was_there_gets_back_whether_it_starts_with_the_host_and_runs(
    host: Layout, there: Path, commands: list[list[str]]
) -> None:
    removal.carry_out(plan(host))
    of_redis = [words[1] for words in commands if words[-1] == "redis-server.service"]
    assert of_redis == ["stop", "disable", "start"]


def test_a_host_without_seclyzer_is_left_alone(host: Layout, commands: list[list[str]]) -> None:
    (host.units / "seclyzer-agent.service").write_text("of another\n")
    planned = plan(host, data=True)
    assert (planned.steps, planned.kept, planned.notes) == ([], [], [])
    assert commands == []


def test_data_that_influxdb_had_before_are_never_deleted(host: Layout, there: Path) -> None:
    found.save(host, Found(paths={"/var/lib/influxdb": True}))
    removal.carry_out(plan(host, data=True))
    assert DATA[1] in left(there)


def test_a_rollout_that_is_at_work_is_not_disturbed(host: Layout, there: Path) -> None:
    lease.take(host, "20261129T022300Z-anna-4f2c91", "anna@controller")
    with pytest.raises(Refused, match="anna@controller has a run going on this host"):
        plan(host)
    assert removal.plan(host, GROUPS, False, take_over=True, root=there / "root").steps


def test_a_host_of_which_nothing_was_written_down_is_removed_too(host: Layout, there: Path) -> None:
    host.found.unlink()
    planned = plan(host)
    removal.carry_out(planned)
    # Whose InfluxDB it is, is not known without its unit.
    assert left(there) == {*THEIRS, *DATA, TOKEN, "root/usr/local/bin/influxd"}
    assert "packages that SecLyzer installed are not known" in planned.notes[0]


@pytest.mark.parametrize("record", [None, Found(late=True)])
def test_users_of_such_a_host_go_by_their_names(
    host: Layout, there: Path, monkeypatch: pytest.MonkeyPatch, record: Found | None
) -> None:
    host.found.unlink()
    if record is not None:
        found.save(host, record)
    monkeypatch.setattr(removal_users, "has_user", lambda name: name == "seclyzer-agent")
    assert "delete the user or group seclyzer-agent" in [step.words for step in plan(host).steps]


def test_what_cannot_be_done_is_reported_with_its_step(host: Layout, there: Path) -> None:
    def fails() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(Refused, match=r"^one step: .*No space left.*; the next run of remove\.yml goes on from here$"):
        removal.carry_out(removal.Removal([removal.Step("one step", fails)]))


def test_the_folders_of_data_are_root_s_alone_once_their_user_is_gone(
    host: Layout, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(removal_files, "exposed", lambda paths: paths)
    monkeypatch.setattr(removal_files, "close", lambda path: closed.append(path.name))
    removal.carry_out(plan(host))
    assert closed == ["keystroke", "influxdb"]


def test_a_link_in_the_place_of_data_is_deleted_and_not_what_it_leads_to(host: Layout, there: Path) -> None:
    shutil.rmtree(host.state / "keystroke")
    (host.state / "keystroke").symlink_to(there / "root/usr/local/bin")
    removal.carry_out(plan(host, data=True))
    assert left(there) == set(THEIRS)
    assert files.status(host.state / "keystroke") is None
