"""Is what runs still what was rolled out: reported by file, once an hour, while the loop goes on."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from agent_world import Agent, Host

from seclyzer_agent import __version__
from seclyzer_agent.catalog import BY_MEASUREMENT, command
from seclyzer_agent.checks import integrity
from seclyzer_agent.checks.integrity import IntegrityCheck, setting_faults, unit_faults
from seclyzer_agent.model import Reading, Status
from seclyzer_agent.places import USUAL
from seclyzer_agent.release_tree import compare
from tests.helpers.waiting import until

RELEASE = f"{__version__}-0123456789ab"
FILES = {"bin/keystroke_extractor": b"program", "venv/bin/seclyzer_agent": b"#!/bin/sh", "vectors/check.py": b"check"}
CHECKED = {"common": ("bin/", "vectors/"), "python3.11": ("venv/",)}


def install(base: Path, more: int = 0) -> Path:
    """A release and a deployment of it below `base`, as a rollout leaves them; the release's tree."""
    tree = base / "releases" / RELEASE
    files = FILES | {f"venv/lib/m{number}.py": b"x" * 100_000 for number in range(more)}
    manifest: dict[str, dict[str, dict[str, str]]] = {"archives": {"python3.13": {"list": "0" * 64}}}
    for name, folders in CHECKED.items():
        mine = {path: data for path, data in files.items() if path.startswith(folders)}
        sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in mine.items()).encode()
        manifest["archives"][name] = {"list": hashlib.sha256(sums).hexdigest()}
        for path, data in (mine | {f"checksums/{name}.sha256": sums}).items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_bytes(data)
            (tree / path).chmod(0o555 if "bin/" in path else 0o444)
    (tree / "venv/bin/python").symlink_to("/usr/bin/python3")
    (tree / "manifest.json").write_text(json.dumps(manifest))
    (tree / "manifest.json").chmod(0o444)
    for folder in [tree, *(path for path in tree.rglob("*") if path.is_dir())]:
        folder.chmod(0o555)
    units = base / "deployments" / "3" / "units"
    units.mkdir(parents=True, exist_ok=True)
    (base / "etc").mkdir()
    for folder in (units, base / "etc"):
        (folder / "seclyzer-agent.service").write_text("[Service]\n")
    (units.parent / "manifest.json").write_text(json.dumps({"release": RELEASE, "version": __version__}))
    if not (base / "current").is_symlink():
        (base / "current").symlink_to(units.parent)
    return tree


def check_of(base: Path) -> IntegrityCheck:
    return IntegrityCheck(base / "current", base / "etc")


def read(check: IntegrityCheck) -> Reading:
    return asyncio.run(check.read())


def entries(reading: Reading) -> list[tuple[Status, str]]:
    return [(entry.status, entry.output) for entry in reading.entries]


def damage(tree: Path) -> None:
    program = tree / "bin/keystroke_extractor"
    program.chmod(0o755)
    program.write_bytes(b"Program")
    program.chmod(0o555)


def test_the_first_reading_only_looks_and_the_second_compares(tmp_path: Path) -> None:
    install(tmp_path)
    check = check_of(tmp_path)
    units = [(Status.PASS, "unit files are the deployment's"), (Status.PASS, "settings are as deployed")]
    first = (Status.PASS, f"release {RELEASE}: its files are compared at the next reading")
    assert entries(read(check)) == [first, *units]
    assert entries(read(check)) == [(Status.PASS, f"release {RELEASE}: all 5 files are as they were packed"), *units]


def test_a_changed_file_is_a_failure_that_names_it_and_ends_when_it_is_mended(tmp_path: Path) -> None:
    tree = install(tmp_path)
    check = check_of(tmp_path)
    read(check)
    damage(tree)
    words = f"release {RELEASE} was changed: bin/keystroke_extractor is not what was packed; site.yml mends it"
    assert entries(read(check))[0] == (Status.FAIL, words)
    (tree / "bin/keystroke_extractor").chmod(0o755)
    (tree / "bin/keystroke_extractor").write_bytes(b"program")
    (tree / "bin/keystroke_extractor").chmod(0o555)
    assert entries(read(check))[0][0] is Status.PASS


def test_a_whole_release_is_compared_again_after_an_hour_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = install(tmp_path)
    check = check_of(tmp_path)
    read(check)
    read(check)
    damage(tree)
    assert entries(read(check))[0][0] is Status.PASS
    started = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: started + 3599.0)
    assert entries(read(check))[0][0] is Status.PASS
    monkeypatch.setattr(time, "monotonic", lambda: started + 3601.0)
    assert entries(read(check))[0][0] is Status.FAIL


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "its manifest.json is damaged"),
        ("[]", "its manifest.json is damaged"),
        ('{"archives": {"common": {}}}', "its lists of files are missing"),
        (None, "its manifest.json cannot be read: No such file or directory"),
    ],
)
def test_a_release_that_cannot_be_compared_is_a_failure(tmp_path: Path, text: str | None, words: str) -> None:
    tree = install(tmp_path)
    check = check_of(tmp_path)
    read(check)
    tree.chmod(0o755)
    (tree / "manifest.json").unlink()
    if text is not None:
        (tree / "manifest.json").write_text(text)
    assert entries(read(check))[0] == (Status.FAIL, f"release {RELEASE} cannot be compared: {words}; site.yml mends it")


def test_a_release_whose_lists_are_not_anchored_is_a_warning(tmp_path: Path) -> None:
    tree = install(tmp_path)
    check = check_of(tmp_path)
    read(check)
    document: dict[str, object] = {"archives": {"common": {}, "python3.11": {}}}
    (tree / "manifest.json").chmod(0o644)
    (tree / "manifest.json").write_text(json.dumps(document))
    (tree / "manifest.json").chmod(0o444)
    words = f"release {RELEASE} is from before its lists were anchored; site.yml anchors them"
    assert entries(read(check))[0] == (Status.WARN, words)


def test_a_unit_file_that_is_not_the_deployments_is_a_warning_that_names_it(tmp_path: Path) -> None:
    install(tmp_path)
    check = check_of(tmp_path)
    unit = tmp_path / "etc" / "seclyzer-agent.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    assert entries(read(check))[1] == (Status.WARN, f"{unit} is not the deployment's; site.yml mends it")
    unit.unlink()
    assert entries(read(check))[1] == (Status.WARN, f"{unit} is missing; site.yml mends it")


def test_a_drop_in_that_changes_a_unit_is_a_warning_that_names_it_until_it_is_gone(tmp_path: Path) -> None:
    install(tmp_path)
    check = check_of(tmp_path)
    drop_in = tmp_path / "etc" / "seclyzer-agent.service.d" / "override.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nMemoryMax=infinity\n")
    words = f"{drop_in} changes seclyzer-agent.service; systemctl revert mends it"
    assert entries(read(check))[1] == (Status.WARN, words)
    drop_in.unlink()
    assert entries(read(check))[1] == (Status.PASS, "unit files are the deployment's")


def test_drop_ins_of_systemctl_edit_runtime_and_set_property_are_seen(tmp_path: Path) -> None:
    install(tmp_path)
    for folder in ("run", "control"):
        place = tmp_path / folder / "seclyzer-agent.service.d"
        place.mkdir(parents=True)
        (place / "50-MemoryMax.conf").write_text("[Service]\n")
    faults = unit_faults(tmp_path / "current", tmp_path / "etc", (str(tmp_path / "run"), str(tmp_path / "control")))
    assert faults == [
        f"{tmp_path}/{folder}/seclyzer-agent.service.d/50-MemoryMax.conf changes seclyzer-agent.service"
        for folder in ("run", "control")
    ]


def test_what_mends_a_drop_in_and_what_mends_a_file_are_two_commands(tmp_path: Path) -> None:
    install(tmp_path)
    for name in ("agent", "mouse"):
        (tmp_path / "current" / "units" / f"seclyzer-{name}.service").write_text("[Service]\n")
        place = tmp_path / "etc" / f"seclyzer-{name}.service.d"
        place.mkdir()
        (place / "override.conf").write_text("[Service]\n")
    units = "seclyzer-agent.service seclyzer-mouse.service"
    found = [entry for entry in read(check_of(tmp_path)).entries if entry.measurement == "units"]
    assert [(entry.component, entry.finding, entry.status) for entry in found] == [
        (units, "", Status.WARN),
        ("release", "unit-edited", Status.WARN),
    ]
    reverts = f"sudo systemctl revert {units} && sudo systemctl restart {units}"
    assert command(BY_MEASUREMENT["integrity", "units"], units, "edge1", USUAL) == reverts


def settings(base: Path, **files: str) -> Path:
    """An installed release whose deployment has these settings, each with its unit; the folder that they lie in."""
    install(base)
    folder = base / "current" / "config"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        start = f"ExecStart=/opt/bin/{name}_extractor --config /opt/seclyzer/current/config/{name}.yaml"
        unit = f"# settings: sha256:{digest}\n[Service]\n{start}\n"
        for place in (base / "current" / "units", base / "etc"):
            (place / f"seclyzer-{name}.service").write_text(unit)
    os.utime(base / "current" / "manifest.json")
    return folder


def test_a_setting_that_was_edited_is_a_warning_that_names_its_file_until_it_is_mended(tmp_path: Path) -> None:
    folder = settings(tmp_path, app="window: 5\n", mouse="window: 5\n")
    check = check_of(tmp_path)
    assert entries(read(check))[2] == (Status.PASS, "settings are as deployed")
    (folder / "mouse.yaml").write_text("window: 6\n")
    mends = "site.yml mends it, and a restart since then has brought it into force"
    assert entries(read(check))[2] == (Status.WARN, f"config/mouse.yaml is not what was deployed; {mends}")
    (folder / "app.yaml").unlink()
    words = f"config/app.yaml is missing; config/mouse.yaml is not what was deployed; {mends}"
    assert entries(read(check))[2] == (Status.WARN, words)
    for name in ("app", "mouse"):
        (folder / f"{name}.yaml").write_text("window: 5\n")
    assert entries(read(check))[2][0] is Status.PASS


def test_of_settings_that_may_not_be_read_it_is_seen_that_they_were_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = settings(tmp_path, app="window: 5\n", mouse="window: 5\n")
    reads = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.parent.name == "config":
            raise PermissionError(13, "Permission denied")
        return reads(path)

    monkeypatch.setattr(Path, "read_bytes", refused)
    assert setting_faults(tmp_path / "current") == []
    staged = (tmp_path / "current" / "manifest.json").stat().st_mtime_ns
    os.utime(folder / "mouse.yaml", ns=(staged, staged + 1))
    assert setting_faults(tmp_path / "current") == ["config/mouse.yaml was written after it was deployed"]


def test_a_unit_without_a_hash_of_its_settings_says_nothing_of_them(tmp_path: Path) -> None:
    folder = settings(tmp_path, mouse="window: 5\n")
    (tmp_path / "current" / "units" / "seclyzer-mouse.service").write_text("[Service]\n")
    (folder / "mouse.yaml").write_text("window: 6\n")
    assert setting_faults(tmp_path / "current") == []


def test_where_no_release_is_nothing_is_compared(tmp_path: Path) -> None:
    assert entries(read(check_of(tmp_path))) == [(Status.PASS, "there is no release to compare")]


def test_a_comparison_rests_so_that_the_loop_is_not_held_up(tmp_path: Path) -> None:
    install(tmp_path, more=150)

    async def stalls() -> tuple[float, float, float]:
        """The longest that a loop waited beyond its sleep, and what the comparison took of a processor and of time."""
        check = check_of(tmp_path)
        await check.read()
        task = asyncio.create_task(check.read())
        began, cpu, longest = time.monotonic(), time.process_time(), 0.0
        while not task.done():
            before = time.monotonic()
            await asyncio.sleep(0.005)
            longest = max(longest, time.monotonic() - before - 0.005)
        assert task.result().entries[0].status is Status.PASS
        return longest, time.process_time() - cpu, time.monotonic() - began

    longest, cpu, took = asyncio.run(stalls())
    assert cpu < 0.5 * took, (cpu, took)
    assert longest < 0.25


def test_a_comparison_has_no_thread_and_leaves_others_their_turns(tmp_path: Path) -> None:
    install(tmp_path, more=50)

    async def turns() -> tuple[int, set[str]]:
        """How often the loop turned to another task meanwhile, and the threads that there were."""
        check = check_of(tmp_path)
        await check.read()
        task, turned, threads = asyncio.create_task(check.read()), 0, set()
        while not task.done():
            await asyncio.sleep(0.001)
            turned += 1
            threads |= {thread.name for thread in threading.enumerate()}
        assert task.result().entries[0].status is Status.PASS
        return turned, threads

    before = {thread.name for thread in threading.enumerate()}
    turned, threads = asyncio.run(turns())
    assert turned > 10
    assert threads <= before


def test_a_comparison_that_is_given_up_ends_at_once_and_leaves_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = install(tmp_path, more=50)
    monkeypatch.setattr(integrity, "REST", 60.0)
    monkeypatch.setattr(integrity, "WORK", 0.0)  # a single step before each rest

    def opened() -> list[str]:
        links = [Path(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
        return [path for link in links if link.is_symlink() and (path := os.readlink(link)).startswith(str(tree))]

    async def cancelled() -> None:
        check = check_of(tmp_path)
        await check.read()
        task = asyncio.create_task(check.read())
        await asyncio.sleep(0.05)
        assert opened() != []
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    began = time.monotonic()
    asyncio.run(cancelled())
    assert time.monotonic() - began < 20
    assert opened() == []


def test_a_comparison_of_a_thousand_files_takes_little_memory(tmp_path: Path) -> None:
    tree = install(tmp_path, more=1000)
    compare(tree)
    tracemalloc.start()
    found = compare(tree)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (found.files, found.faults) == (1005, ())
    assert most < 500 * 1024


def test_the_command_line_compares_at_once_and_says_the_file(host: Host) -> None:
    tree = install(host.directory)
    host.config["unit_dir"] = str(host.directory / "etc")
    ended = host.run("--compare")
    assert (ended.returncode, ended.stdout.splitlines()) == (
        0,
        [
            f"ok   files: release {RELEASE}: all 5 files are as they were packed",
            "ok   units: unit files are the deployment's",
            "ok   settings: settings are as deployed",
        ],
    )
    damage(tree)
    ended = host.run("--compare")
    assert ended.returncode == 1
    assert "FAIL files:" in ended.stdout and "bin/keystroke_extractor is not what was packed" in ended.stdout


def test_a_running_agent_fails_and_names_the_file(host: Host, start: Callable[..., Agent]) -> None:
    damage(install(host.directory))
    host.config["unit_dir"] = str(host.directory / "etc")
    host.config["checks"]["integrity"] = {"interval_seconds": 0.2}
    agent = start()
    until(lambda: agent.status("integrity") == "fail")
    assert "bin/keystroke_extractor is not what was packed" in agent.output("integrity")
    assert agent.get("/healthz").status == 503
