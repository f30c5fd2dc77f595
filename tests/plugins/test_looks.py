"""A look at a host becomes values: what the kernel keeps of memory, and whose points the store could not take."""

from pathlib import Path

import pytest

from plugins.module_utils.health import Health
from plugins.module_utils.looks import memory_of, seen


def test_memory_is_what_the_kernel_cannot_give_back(tmp_path: Path) -> None:
    (tmp_path / "system.slice" / "x").mkdir(parents=True)
    (tmp_path / "system.slice" / "x" / "memory.stat").write_text("anon 5\nfile 30\nkernel 2\n")
    assert memory_of("/system.slice/x", 40, tmp_path) == 10
    assert memory_of("/system.slice/none", 40, tmp_path) == 40
    assert memory_of("", None, tmp_path) is None


@pytest.mark.parametrize(
    ("faults", "busy", "refused"),
    [
        (("408", "429", "503"), {True}, {False}),
        (("500", "502", "507"), {False}, {True}),
        (("401", "unreachable", ""), {False}, {False}),
    ],
)
def test_only_a_fault_of_the_store_itself_excuses_points_that_wait(
    faults: tuple[str, ...], busy: set[bool], refused: set[bool]
) -> None:
    hosts = [Health(stats={"keystroke": {"influxdb_fault": fault}, "mouse": {"pid": "7"}}) for fault in faults]
    looks = [seen(found, found, 1.0) for found in hosts]
    assert {"keystroke" in look.busy for look in looks} == busy
    assert {"keystroke" in look.refused for look in looks} == refused
    assert not any("mouse" in {*look.busy, *look.refused} for look in looks)


def test_what_the_last_wide_look_found_of_agent_and_store_stands_until_the_next() -> None:
    wide = Health(outer=["the agent says fail: x"], unknown=["the agent could not read y"], takes=True)
    look = seen(Health(faults=["a unit is down"]), wide, 1.0)
    assert look.faults == ["a unit is down", "the agent says fail: x"]
    assert (look.unknown, look.takes) == (["the agent could not read y"], True)
