"""A release on a host is whole, read-only, and what its manifest says; or it is not there."""

import io
import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import bundles, releases
from plugins.module_utils.files import sha256, write
from plugins.module_utils.layout import Layout, Refused
from seclyzer_agent.release_tree import NoRelease, compare
from tests.plugins.hosts import bundle


def test_a_release_is_unpacked_from_what_this_host_needs(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    tree = releases.install(host, manifest, tmp_path)
    assert tree == host.releases / manifest["release"]
    assert (tree / "bin/keystroke").read_text() == "one common/bin/keystroke\n"
    assert os.readlink(tree / "venv/bin/python") == "/usr/bin/python3"
    assert releases.look(host, manifest).whole


def test_nothing_in_a_release_can_be_written(host: Layout, tmp_path: Path) -> None:
    tree = releases.install(host, bundle(tmp_path), tmp_path)
    modes = {path.stat().st_mode & 0o222 for path in [tree, *tree.rglob("*")] if not path.is_symlink()}
    assert modes == {0}
    assert (tree / "bin/keystroke").stat().st_mode & 0o111


def test_a_changed_file_makes_a_release_absent_and_installing_mends_it(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    program = releases.install(host, manifest, tmp_path) / "bin/keystroke"
    program.chmod(0o755)
    program.write_text("something else\n")
    assert not releases.look(host, manifest).whole
    releases.install(host, manifest, tmp_path)
    assert releases.look(host, manifest).whole
    assert program.read_text() == "one common/bin/keystroke\n"
    assert [path.name for path in host.releases.iterdir()] == [manifest["release"]]


def test_an_archive_that_is_not_the_manifests_is_refused_and_leaves_nothing(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    with (tmp_path / "common.tar.gz").open("ab") as archive:
        archive.write(b"\0")
    with pytest.raises(Refused, match=r"common.tar.gz is not the archive its manifest describes"):
        releases.install(host, manifest, tmp_path)
    assert list(host.releases.iterdir()) == []


def test_an_archive_that_reaches_outside_is_refused(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    with tarfile.open(tmp_path / "common.tar.gz", "w:gz") as tar:
        entry = tarfile.TarInfo("../../escaped")
        entry.size = 1
        tar.addfile(entry, io.BytesIO(b"x"))
    manifest["archives"]["common"]["sha256"] = sha256(tmp_path / "common.tar.gz")
    with pytest.raises(Refused, match="lies outside the release"):
        releases.install(host, manifest, tmp_path)
    assert not (host.base / "escaped").exists()


def test_a_host_with_another_python_is_refused_with_those_that_are_served(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    host.python.unlink()
    (host.python.parent / "python3.9").write_text("")
    host.python.symlink_to("python3.9")
    with pytest.raises(Refused, match=r"this host has python3.9; the bundle serves python3.11"):
        releases.archives_for(manifest, host)


def test_a_full_disk_is_refused_before_anything_is_sent(
    host: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(releases, "free_bytes", lambda path: 1 << 20)
    with pytest.raises(Refused, match=r"has 1 MiB left, the release needs 32 MiB"):
        releases.room(host, bundle(tmp_path))


def test_a_missing_archive_is_reported(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    shutil.move(tmp_path / "python3.11.tar.gz", tmp_path / "elsewhere")
    with pytest.raises(Refused, match=r"python3.11.tar.gz did not arrive"):
        releases.install(host, manifest, tmp_path)


@pytest.mark.parametrize("release", ["", "../0.1.0-abcdefabcdef", "0.1.0", None])
def test_a_manifest_without_a_proper_release_is_refused(release: object) -> None:
    with pytest.raises(Refused, match="names no release"):
        bundles.release_of({"release": release})


def relist(tree: Path, path: str) -> None:
    """Makes the host's own list agree with a changed file, as an attacker would who knows it."""
    sums = tree / "checksums/common.sha256"
    lines = sums.read_text().splitlines()
    sums.chmod(0o644)
    sums.write_text(
        "".join(f"{sha256(tree / path) if line[66:] == path else line[:64]}  {line[66:]}\n" for line in lines)
    )
    sums.chmod(0o444)


def change(tree: Path, how: str) -> None:
    """Tampers with a release."""
    program = tree / "bin/keystroke"
    for folder in (tree, tree / "bin", tree / "venv/bin"):
        folder.chmod(0o755)
    if how in ("a byte", "a byte and its line in the list"):
        program.chmod(0o755)
        program.write_bytes(program.read_bytes()[:-1] + b"!")
        program.chmod(0o555)
    if how == "a byte and its line in the list":
        relist(tree, "bin/keystroke")
    if how == "a file more":
        (tree / "bin/more.pth").write_text("import os")
    if how == "a folder more":
        (tree / "bin/more").mkdir()
    if how == "a link more":
        (tree / "bin/more").symlink_to("/bin/sh")
    if how == "a file less":
        program.unlink()
    if how == "a link in the place of a file":
        program.rename(tree.parent / ".kept")
        program.symlink_to(tree.parent / ".kept")
    if how == "a link to elsewhere":
        (tree / "venv/bin/python").unlink()
        (tree / "venv/bin/python").symlink_to("/bin/sh")
    if how == "a setuid bit":
        program.chmod(0o4555)
    if how == "a writable file":
        program.chmod(0o757)
    if how == "another owner":
        os.chown(program, 12345, 0)
    for folder in (tree, tree / "bin", tree / "venv/bin"):
        folder.chmod(0o555)


CHANGES = {
    "a byte": "bin/keystroke is not what was packed",
    "a byte and its line in the list": "checksums/common.sha256 is not the list that the release's manifest names",
    "a file more": "bin/more.pth is not of this release",
    "a folder more": "bin/more is not of this release",
    "a link more": "bin/more is a link that no release has",
    "a file less": "bin/keystroke is missing",
    "a link in the place of a file": "bin/keystroke is a link that no release has",
    "a link to elsewhere": "venv/bin/python does not lead to /usr/bin/python3",
    "a setuid bit": "bin/keystroke has the mode 4555",
    "a writable file": "bin/keystroke has the mode 0757",
    "another owner": "bin/keystroke belongs to another user",
}


@pytest.mark.parametrize("how", CHANGES)
def test_what_was_changed_is_named_and_mended(host: Layout, tmp_path: Path, how: str) -> None:
    manifest = bundle(tmp_path)
    tree = releases.install(host, manifest, tmp_path)
    assert releases.look(host, manifest) == releases.Look(True, True, [])
    change(tree, how)
    assert releases.look(host, manifest).faults == [CHANGES[how]]
    assert releases.look_alone(host, manifest["release"]).faults == [CHANGES[how]]
    releases.install(host, manifest, tmp_path)
    assert releases.look(host, manifest) == releases.Look(True, True, [])


@pytest.mark.parametrize("how", [how for how in CHANGES if how != "another owner"])
def test_the_agent_sees_the_same(host: Layout, tmp_path: Path, how: str) -> None:
    tree = releases.install(host, bundle(tmp_path), tmp_path)
    found = compare(tree)
    assert (found.files, found.faults, found.anchored) == (6, (), True)
    change(tree, how)
    assert compare(tree).faults == (CHANGES[how],)


def test_who_changes_the_hosts_manifest_too_is_found_by_the_controllers(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    tree = releases.install(host, manifest, tmp_path)
    change(tree, "a byte and its line in the list")
    stored = json.loads((tree / "manifest.json").read_text())
    stored["archives"]["common"]["list"] = sha256(tree / "checksums/common.sha256")
    tree.chmod(0o755)
    write(tree / "manifest.json", json.dumps(stored), 0o444)
    tree.chmod(0o555)
    assert releases.look_alone(host, manifest["release"]).faults == []  # the host alone cannot know
    assert releases.look(host, manifest).faults == [CHANGES["a byte and its line in the list"]]


def older(host: Layout, manifest: dict[str, Any]) -> None:
    """Makes a release what the version before lists were anchored left."""
    tree = host.releases / manifest["release"]
    stored = json.loads((tree / "manifest.json").read_text())
    for archive in stored["archives"].values():
        del archive["list"]
    tree.chmod(0o755)
    write(tree / "manifest.json", json.dumps(stored), 0o444)
    tree.chmod(0o555)


def test_a_release_from_before_is_whole_and_gets_its_anchors_without_being_sent(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    tree = releases.install(host, manifest, tmp_path)
    older(host, manifest)
    assert releases.look(host, manifest) == releases.Look(True, False, [])
    assert releases.look_alone(host, manifest["release"]) == releases.Look(True, False, [])
    assert (compare(tree).anchored, compare(tree).faults) == (False, ())
    releases.anchor(host, manifest)
    assert releases.look(host, manifest) == releases.Look(True, True, [])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"archives": {"common": 1}}', '{"archives": []}'])
def test_a_host_whose_manifest_is_damaged_is_reported(host: Layout, tmp_path: Path, text: str) -> None:
    manifest = bundle(tmp_path)
    tree = releases.install(host, manifest, tmp_path)
    tree.chmod(0o755)
    write(tree / "manifest.json", text, 0o444)
    tree.chmod(0o555)
    assert releases.look_alone(host, manifest["release"]).faults == ["manifest.json is missing"]
    assert not releases.look(host, manifest).anchored
    with pytest.raises(NoRelease, match=r"manifest.json is damaged"):
        compare(tree)


def test_a_link_in_the_place_of_a_release_is_replaced_and_what_it_leads_to_stays(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "precious").write_text("x")
    host.releases.mkdir(parents=True)
    for name in (manifest["release"], f".{manifest['release']}.part", f".{manifest['release']}.broken"):
        (host.releases / name).symlink_to(victim)
    releases.install(host, manifest, tmp_path)
    assert releases.look(host, manifest).whole
    assert (victim / "precious").read_text() == "x"
    assert [path.name for path in host.releases.iterdir()] == [manifest["release"]]


def test_a_name_of_any_bytes_is_reported_in_one_plain_line(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    tree = releases.install(host, manifest, tmp_path)
    (tree / "bin").chmod(0o755)
    Path(os.fsdecode(os.fsencode(tree / "bin") + b"/\xff\nevil")).write_text("x")
    (tree / "bin").chmod(0o555)
    reported = r"bin/\udcff\nevil is not of this release"
    assert (releases.look(host, manifest).faults, compare(tree).faults) == ([reported], (reported,))
    releases.install(host, manifest, tmp_path)
    assert releases.look(host, manifest).whole


def test_a_list_of_any_bytes_is_damage_that_can_be_mended(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    tree = releases.install(host, manifest, tmp_path)
    for name in ("common", "python3.11"):
        (tree / f"checksums/{name}.sha256").chmod(0o644)
        (tree / f"checksums/{name}.sha256").write_bytes(b"\xff\n" * 3)
    assert releases.listed(host, manifest["release"]) == {"": "\ufffd"}
    assert len(releases.look(host, manifest).faults) == 1
    releases.install(host, manifest, tmp_path)
    assert releases.look(host, manifest).whole
