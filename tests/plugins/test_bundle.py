"""The bundle: the same bytes for the same content, and programs that every host can run."""

import os
import platform
import shutil
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from plugins.module_utils import kinds
from scripts.bundle import BundleError, rust
from scripts.bundle.__main__ import inputs
from scripts.bundle.archives import pack
from scripts.bundle.python_tree import PROGRAM
from scripts.bundle.targets import ARCHITECTURES, Target, trees
from tests.helpers import ROOT

X86, ARM = ARCHITECTURES["x86_64"], ARCHITECTURES["aarch64"]


def tree(folder: Path, says: str = "hello") -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "program").write_text(says)
    (folder / "bin" / "program").chmod(0o755)
    (folder / "bin" / "python").symlink_to("/usr/bin/python3")
    return folder


def test_the_same_content_packs_to_the_same_bytes_whenever_and_by_whomever(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    first = pack("common", tree(tmp_path / "a"), tmp_path / "out")
    os.utime(tree(tmp_path / "b") / "bin" / "program", (1, 1))
    assert pack("common", tmp_path / "b", tmp_path / "out") == first


@pytest.mark.parametrize("change", ["text", "mode", "link"])
def test_other_bytes_modes_or_links_are_other_content(tmp_path: Path, change: str) -> None:
    first = pack("common", tree(tmp_path / "a"), tmp_path)
    other = tree(tmp_path / "b", "bye" if change == "text" else "hello")
    if change == "mode":
        (other / "bin/program").chmod(0o644)
    if change == "link":
        (other / "bin/python").unlink()
        (other / "bin/python").symlink_to("/usr/bin/python3.11")
    assert pack("common", other, tmp_path).content != first.content


def test_an_archive_names_no_time_and_no_owner_but_root(tmp_path: Path) -> None:
    pack("common", tree(tmp_path / "a"), tmp_path)
    with tarfile.open(tmp_path / "common.tar.gz") as tar:
        members = tar.getmembers()
    assert {(member.mtime, member.uid, member.gid) for member in members} == {(0, 0, 0)}
    assert [m.name for m in members] == ["bin", "bin/program", "bin/python", "checksums", "checksums/common.sha256"]


def test_a_program_of_another_version_than_the_release_makes_no_bundle(tmp_path: Path) -> None:
    for name, version in (("keystroke_extractor", "0.1.0"), ("mouse_extractor", "0.0.9")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} {version} '(rust)'\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(BundleError, match=r"mouse_extractor reports version 0\.0\.9, and VERSION is 0\.1\.0"):
        rust.ask_versions(tmp_path, ARCHITECTURES[platform.machine()], "0.1.0")
    (tmp_path / "mouse_extractor").unlink()
    rust.ask_versions(tmp_path, ARCHITECTURES[platform.machine()], "0.1.0")


def elf(path: Path, *parts: int, machine: int = 62, kind: int = 3) -> Path:
    """A program's header and the types of its parts."""
    head = struct.pack("<4s12xHH12xQ", b"\x7fELF", kind, machine, 64)
    path.write_bytes(head.ljust(54, b"\0") + struct.pack("<HH6x", 56, len(parts)))
    with path.open("ab") as file:
        file.writelines(part.to_bytes(4, "little") + bytes(52) for part in parts)
    return path


def test_a_program_that_needs_a_c_library_of_the_host_is_refused(tmp_path: Path) -> None:
    load, dynamic, interpreter = 1, 2, 3
    rust.copy([elf(tmp_path / "p", load, dynamic, load)], tmp_path / "bin", X86)
    with pytest.raises(BundleError, match="needs the host's C library, which may be an older one"):
        rust.copy([elf(tmp_path / "p", load, dynamic, interpreter)], tmp_path / "bin2", X86)
    with pytest.raises(BundleError, match=f"{sys.executable} needs the host's C library"):
        rust.copy([Path(sys.executable)], tmp_path / "bin3", ARCHITECTURES[platform.machine()])


def test_a_program_at_fixed_addresses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="has fixed addresses"):
        rust.copy([elf(tmp_path / "p", kind=2)], tmp_path / "bin", X86)


def test_the_programs_that_are_built_here_need_nothing_of_the_host(tmp_path: Path) -> None:
    built = rust.programs(ROOT / "build" / "rust")
    rust.copy(built, tmp_path / "bin", ARCHITECTURES[platform.machine()])
    assert (tmp_path / "bin" / built[0].name).stat().st_mode & 0o777 == 0o755


def test_a_program_is_for_the_machine_that_the_bundle_is_for(tmp_path: Path) -> None:
    rust.copy([elf(tmp_path / "p", machine=183)], tmp_path / "bin", ARM)
    with pytest.raises(BundleError, match="is no program for aarch64"):
        rust.copy([elf(tmp_path / "p")], tmp_path / "bin2", ARM)
    with pytest.raises(BundleError, match="is no program for x86_64"):
        rust.copy([elf(tmp_path / "p", machine=183)], tmp_path / "bin3", X86)


def test_programs_of_another_machine_replay_the_golden_vectors_in_qemu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qemu = program(tmp_path / "qemu-aarch64", 'exec "$@"')  # runs this machine's own
    monkeypatch.setenv("PATH", f"{qemu.parent}:/usr/bin:/bin")
    rust.prove(ROOT / "build" / "rust", ROOT / "extractors" / "vectors", ARM)
    for name in kinds.PROGRAMS.values():
        program(tmp_path / "wrong" / name, "exit 0")
    with pytest.raises(BundleError, match="failed"):
        rust.prove(tmp_path / "wrong", ROOT / "extractors" / "vectors", ARM)


def test_a_bundle_is_built_again_when_the_programs_of_its_own_machine_change(tmp_path: Path) -> None:
    for path in ROOT.iterdir():
        if path.name != "build":
            (tmp_path / path.name).symlink_to(path)
    for name in kinds.PROGRAMS.values():
        program(tmp_path / "build" / "rust" / name, "exit 0")
    native = inputs(tmp_path, X86)
    with pytest.raises(BundleError, match=r"rust-aarch64 has no .*; `make bundle-aarch64` builds them"):
        inputs(tmp_path, ARM)
    shutil.copytree(tmp_path / "build" / "rust", tmp_path / "build" / "rust-aarch64")
    before = inputs(tmp_path, ARM)
    program(tmp_path / "build" / "rust-aarch64" / kinds.PROGRAMS["mouse"], "exit 1")
    assert inputs(tmp_path, ARM) != before and inputs(tmp_path, X86) == native


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_without_qemu_a_bundle_for_another_machine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BundleError, match=r"qemu-aarch64 is missing.*install qemu-user"):
        rust.prove(tmp_path, tmp_path, ARM)


@pytest.mark.parametrize("order", [1, -1])
def test_a_python_of_two_systems_is_built_for_the_tested_one(order: int) -> None:
    tested, other = Target("debian", "13", "trixie", "3.13.5"), Target("ubuntu", "25.04", "plucky", "3.13.3", True)
    lone = Target("ubuntu", "24.04", "noble", "3.12.3", True)
    assert set(trees([tested, lone, other][::order])) == {tested, lone}


def test_missing_programs_are_reported_with_the_command_that_builds_them(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=f"has no {', '.join(kinds.PROGRAMS.values())}; `make build`"):
        rust.programs(tmp_path)


def test_a_program_of_the_tree_starts_its_own_python_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to("/usr/bin/python3")
    program = tmp_path / "bin" / "where"
    program.write_text(PROGRAM.format(module="platform", function="python_version"))
    program.chmod(0o755)
    (tmp_path / "elsewhere").symlink_to(program)
    for path in (program, tmp_path / "elsewhere"):
        # sys.exit() of a text prints it and fails: enough to see that the function was called.
        assert subprocess.run([path], capture_output=True, text=True).stderr.startswith("3.")
