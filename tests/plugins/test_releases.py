"""A release on a host is whole, read-only, and what its manifest says; or it is not there."""

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from plugins.module_utils import releases
from plugins.module_utils.files import sha256
from plugins.module_utils.layout import Layout, Refused
from tests.plugins.hosts import bundle


def test_a_release_is_unpacked_from_what_this_host_needs(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    tree = releases.install(host, manifest, tmp_path)
    assert tree == host.releases / manifest["release"]
    assert (tree / "bin/keystroke").read_text() == "one common/bin/keystroke\n"
    assert os.readlink(tree / "venv/bin/python") == "/usr/bin/python3"
    assert releases.present(host, manifest)


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
    assert not releases.present(host, manifest)
    releases.install(host, manifest, tmp_path)
    assert releases.present(host, manifest)
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


def test_a_host_with_another_python_is_told_which_are_served(host: Layout, tmp_path: Path) -> None:
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


def test_a_missing_archive_is_said(host: Layout, tmp_path: Path) -> None:
    manifest = bundle(tmp_path)
    shutil.move(tmp_path / "python3.11.tar.gz", tmp_path / "elsewhere")
    with pytest.raises(Refused, match=r"python3.11.tar.gz did not arrive"):
        releases.install(host, manifest, tmp_path)


@pytest.mark.parametrize("release", ["", "../0.1.0-abcdefabcdef", "0.1.0", None])
def test_a_manifest_without_a_proper_release_is_refused(release: object) -> None:
    with pytest.raises(Refused, match="names no release"):
        releases.release_of({"release": release})
