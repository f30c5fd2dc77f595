"""Forged bundles, whose papers all agree: refused before anything is written outside, and nothing stays behind."""

import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import releases
from plugins.module_utils.files import sha256
from plugins.module_utils.layout import Layout, Refused
from plugins.plugin_utils import bundle_checks
from tests.plugins.forged import forge, link, member, papers
from tests.plugins.hosts import bundle

Forge = Callable[[Path], list[Any]]

ATTACKS: dict[str, tuple[str, Forge]] = {
    "a link, and a file through it": (
        "link 'vectors/esc'",
        lambda outside: [link("vectors/esc", str(outside)), member("vectors/esc/owned", b"root was here")],
    ),
    "a link up the tree, and a file through it": (
        "link 'vectors/esc'",
        lambda outside: [link("vectors/esc", "../../../../outside"), member("vectors/esc/owned", b"root was here")],
    ),
    "a link alone": ("link 'vectors/esc'", lambda outside: [link("vectors/esc", "/etc/shadow")]),
    "a known link to another place": (
        "link 'venv/bin/python'",
        lambda outside: [link("venv/bin/python", str(outside / "python"))],
    ),
    "a hard link to a file outside": (
        "neither a plain file nor a folder",
        lambda outside: [member("vectors/hard", kind=tarfile.LNKTYPE, link=str(outside / "secret"))],
    ),
    "a hard link inside": (
        "neither a plain file nor a folder",
        lambda outside: [member("vectors/hard", kind=tarfile.LNKTYPE, link="vectors/check.py")],
    ),
    "an absolute name": ("outside the release", lambda outside: [member(str(outside / "owned"), b"x")]),
    "a name that goes up": ("outside the release", lambda outside: [member("vectors/../../../../outside/owned", b"x")]),
    "a name with a point": ("no plain name", lambda outside: [member("vectors/./check2.py", b"x")]),
    "a name of two lines": ("no plain name", lambda outside: [member("vectors/a\nb", b"x")]),
    "a device": (
        "neither a plain file nor a folder",
        lambda outside: [member("vectors/null", kind=tarfile.CHRTYPE)],
    ),
    "a pipe": ("neither a plain file nor a folder", lambda outside: [member("vectors/pipe", kind=tarfile.FIFOTYPE)]),
    "a setuid program": ("setuid", lambda outside: [member("bin/su", b"x", mode=0o4755)]),
    "a setgid folder": ("setuid", lambda outside: [member("bin2", kind=tarfile.DIRTYPE, mode=0o2755)]),
    "a file twice": ("twice", lambda outside: [member("bin/two", b"x"), member("bin/two", b"x")]),
    "a file under a file": (
        "where it has a file or a link",
        lambda outside: [member("bin/under", b"x"), member("bin/under/it", b"x")],
    ),
    "a folder over a file": (
        "twice",
        lambda outside: [member("bin/over", b"x"), member("bin/over", kind=tarfile.DIRTYPE)],
    ),
}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that no release has anything to do with, beside the host's."""
    folder = tmp_path / "host" / "outside"
    folder.mkdir(parents=True)
    (folder / "secret").write_text("as it was")
    return folder


def refused(host: Layout, manifest: dict[str, Any], folder: Path, outside: Path, why: str) -> None:
    """Installing is refused, nothing outside was touched, and nothing of the release is there."""
    with pytest.raises(Refused, match=why):
        releases.install(host, manifest, folder)
    assert [(path.name, path.read_text()) for path in outside.iterdir()] == [("secret", "as it was")]
    assert (outside / "secret").stat().st_nlink == 1
    assert list(host.releases.iterdir()) == []


@pytest.mark.parametrize("name", ATTACKS)
def test_a_forged_archive_is_refused(outside: Path, host: Layout, tmp_path: Path, name: str) -> None:
    why, forged = ATTACKS[name]
    (tmp_path / "bundle").mkdir()
    refused(host, forge(tmp_path / "bundle", forged(outside)), tmp_path / "bundle", outside, why)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_forged_archive_is_refused_on_the_controller_already(outside: Path, tmp_path: Path, name: str) -> None:
    words, attack = ATTACKS[name]
    forge(tmp_path, attack(outside))
    (sentence,) = bundle_checks.faults(tmp_path)
    assert sentence.startswith(f"{tmp_path}/common.tar.gz: the archive holds") and words in sentence
    assert list(outside.iterdir()) == [outside / "secret"]


def test_an_honest_archive_made_the_same_way_is_taken(host: Layout, tmp_path: Path) -> None:
    tree = releases.install(host, forge(tmp_path, [member("vectors/more.py", b"x")]), tmp_path)
    assert (tree / "vectors/more.py").read_text() == "x"
    found = [(os.readlink(path), path.name) for path in tree.rglob("*") if path.is_symlink()]
    assert found == [("/usr/bin/python3", "python")]
    assert {stat.S_IMODE(path.lstat().st_mode) for path in tree.rglob("*") if not path.is_symlink()} == {0o444, 0o555}


def test_a_file_that_no_list_names_is_refused(outside: Path, host: Layout, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    manifest = forge(
        tmp_path / "bundle", [], unlisted=[member("venv/lib/python3.11/site-packages/x.pth", b"import os")]
    )
    manifest["archives"]["common"]["unpacked"] += 100
    refused(host, manifest, tmp_path / "bundle", outside, r"site-packages/x.pth is not of this release")


def test_an_archive_of_more_bytes_than_its_manifest_says_is_refused(
    outside: Path, host: Layout, tmp_path: Path
) -> None:
    (tmp_path / "bundle").mkdir()
    manifest = forge(tmp_path / "bundle", [member("vectors/zeros", bytes(8 << 20))], unpacked=4 << 20)
    refused(host, manifest, tmp_path / "bundle", outside, "larger than its manifest says")


def test_an_archive_with_endless_members_is_refused(
    outside: Path, host: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plugins.module_utils.unpacking.MEMBERS", 500, raising=False)
    (tmp_path / "bundle").mkdir()
    manifest = forge(tmp_path / "bundle", [member(f"vectors/{number}") for number in range(1000)])
    refused(host, manifest, tmp_path / "bundle", outside, "larger than its manifest says")


def test_a_header_of_many_bytes_is_refused_before_it_is_in_memory(outside: Path, host: Layout, tmp_path: Path) -> None:
    name = tarfile.TarInfo("././@LongLink")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 64 << 20
    (tmp_path / "bundle").mkdir()
    raw = name.tobuf(tarfile.GNU_FORMAT) + b"a" * (64 << 20)
    manifest = papers(tmp_path / "bundle", bundle(tmp_path / "bundle"), raw)
    refused(host, manifest, tmp_path / "bundle", outside, "larger than its manifest says")


def test_a_file_with_holes_is_refused(outside: Path, host: Layout, tmp_path: Path) -> None:
    entry = tarfile.TarInfo("vectors/holes")
    entry.type = tarfile.GNUTYPE_SPARSE
    (tmp_path / "bundle").mkdir()
    raw = entry.tobuf(tarfile.GNU_FORMAT) + bytes(1024)
    refused(
        host,
        papers(tmp_path / "bundle", bundle(tmp_path / "bundle"), raw),
        tmp_path / "bundle",
        outside,
        "neither a plain file nor a folder|cannot be read",
    )


@pytest.mark.parametrize("raw", [b"no tar at all" * 100, b""])
def test_what_is_no_archive_is_refused_with_a_sentence(outside: Path, host: Layout, tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "bundle").mkdir()
    manifest = papers(tmp_path / "bundle", bundle(tmp_path / "bundle"), raw)
    refused(host, manifest, tmp_path / "bundle", outside, r"no archive that can be read|is missing")


def test_a_cut_archive_is_refused(outside: Path, host: Layout, tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    manifest = bundle(tmp_path / "bundle")
    archive = tmp_path / "bundle" / "common.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-40])
    manifest["archives"]["common"]["sha256"] = sha256(archive)
    refused(host, manifest, tmp_path / "bundle", outside, "no archive that can be read|is missing")


def test_an_archive_that_is_a_link_or_a_pipe_on_the_host_is_refused(
    outside: Path, host: Layout, tmp_path: Path
) -> None:
    (tmp_path / "bundle").mkdir()
    manifest = bundle(tmp_path / "bundle")
    archive = tmp_path / "bundle" / "common.tar.gz"
    archive.rename(tmp_path / "elsewhere")
    archive.symlink_to(tmp_path / "elsewhere")
    refused(host, manifest, tmp_path / "bundle", outside, "cannot be read")
    archive.unlink()
    os.mkfifo(archive)
    refused(host, manifest, tmp_path / "bundle", outside, "is no plain file")
