"""A run reads one bundle from begin to end, whatever becomes of the folder that it was taken from."""

import os
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import bundles
from plugins.module_utils.layout import Refused
from plugins.plugin_utils import bundle_checks, kept_bundle
from scripts.bundle import archives
from tests.plugins.forged import forge, member


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return made(tmp_path / "bundle", "first")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "bundles"


def made(folder: Path, says: str) -> Path:
    """A whole bundle that differs from another by what one file says."""
    folder.mkdir()
    forge(folder, [member("vectors/words", says.encode())])
    shutil.rmtree(folder / "tree")  # what it was packed from
    (folder / "SHA256SUMS.sig").write_text(f"signature of {says}")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def replace(folder: Path, fresh: Path) -> None:
    """As `make bundle` does it."""
    folder.rename(folder.with_name("old"))
    fresh.rename(folder)
    shutil.rmtree(folder.with_name("old"))


def test_the_copy_is_the_bundle_and_stays_it_when_another_takes_its_place(source: Path, place: Path) -> None:
    before = content(source)
    copy, wrong = kept_bundle.take(source, place)
    assert wrong == [] and content(copy) == before
    replace(source, made(source.with_name("fresh"), "second"))
    assert content(copy) == before != content(source)
    other, _ = kept_bundle.take(source, place)
    assert other != copy and content(other) == content(source)


@pytest.mark.parametrize("after", ["manifest.json", "SHA256SUMS", "common.tar.gz"])
def test_a_bundle_that_is_replaced_while_it_is_copied_is_never_mixed(
    source: Path, place: Path, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`make bundle` at the worst moment, behind each file: the copy is the new one, whole."""
    fresh = made(source.with_name("fresh"), "second")
    second = content(fresh)
    write = kept_bundle._write

    def interrupted(stream: Any, to: Path) -> None:
        write(stream, to)
        if to.name == after and fresh.exists():
            replace(source, fresh)

    monkeypatch.setattr(kept_bundle, "_write", interrupted)
    copy, wrong = kept_bundle.take(source, place)
    assert wrong == [] and content(copy) == second
    assert [path for path in place.iterdir() if path != copy] == []


def test_a_bundle_that_is_replaced_again_and_again_is_one_of_them_or_refused(
    source: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = kept_bundle._write
    n = 0

    def interrupted(stream: Any, to: Path) -> None:
        nonlocal n
        write(stream, to)
        if to.name == "SHA256SUMS":
            n += 1
            replace(source, made(source.with_name(f"fresh{n}"), f"number {n}"))

    monkeypatch.setattr(kept_bundle, "_write", interrupted)
    copy, wrong = kept_bundle.take(source, place)
    assert n == kept_bundle.TRIES
    assert wrong and f"{source}/" in wrong[0] and str(place) not in wrong[0]
    assert bundle_checks.faults(copy)


def test_the_same_bundle_is_kept_once(source: Path, place: Path) -> None:
    copies = {kept_bundle.take(source, place)[0] for _ in range(3)}
    assert len(copies) == 1 and list(place.iterdir()) == [*copies]


def test_one_with_another_signature_is_another(source: Path, place: Path) -> None:
    first, _ = kept_bundle.take(source, place)
    (source / "SHA256SUMS.sig").write_text("of another")
    second, _ = kept_bundle.take(source, place)
    assert (first / "SHA256SUMS.sig").read_text() == "signature of first"
    assert (second / "SHA256SUMS.sig").read_text() == "of another"


def test_a_copy_that_was_damaged_is_not_taken_again(source: Path, place: Path) -> None:
    copy, _ = kept_bundle.take(source, place)
    (copy / "common.tar.gz").write_bytes(b"rotten")
    again, wrong = kept_bundle.take(source, place)
    assert wrong == [] and content(again) == content(source)


def test_the_one_file_of_a_release_is_taken_as_its_folder_is(source: Path, place: Path, tmp_path: Path) -> None:
    archives.single(source, "seclyzer-0.1.0-x86_64", tmp_path / "bundle.tar")
    copy, wrong = kept_bundle.take(tmp_path / "bundle.tar", place)
    assert wrong == [] and content(copy) == content(source)
    assert kept_bundle.take(source, place)[0] == copy


def test_what_a_file_holds_beside_a_bundle_is_left_out(source: Path, place: Path, tmp_path: Path) -> None:
    path = tmp_path / "bundle.tar"
    with tarfile.open(path, "w") as tar:
        tar.add(source, "x")
        tar.add(source / "manifest.json", "../../../manifest.json.evil")
        entry = tarfile.TarInfo("x/SHA256SUMS.link")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    copy, wrong = kept_bundle.take(path, place)
    assert wrong == [] and content(copy) == content(source)


def broken_sums(folder: Path) -> None:
    (folder / "SHA256SUMS").write_text("../../../etc/passwd is no line")


def no_archive(folder: Path) -> None:
    (folder / "common.tar.gz").unlink()


def other_archive(folder: Path) -> None:
    (folder / "common.tar.gz").write_bytes(b"other")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (broken_sums, "{0}: SHA256SUMS is damaged"),
        (no_archive, "{0}/common.tar.gz is missing"),
        (other_archive, "{0}/common.tar.gz is not the archive its manifest describes"),
    ],
)
def test_what_is_wrong_is_reported_of_the_bundle_that_was_named(
    source: Path, place: Path, damage: Callable[[Path], None], words: str
) -> None:
    damage(source)
    _, wrong = kept_bundle.take(source, place)
    assert wrong and wrong[0].startswith(words.format(source))


def test_no_bundle_is_refused_with_what_makes_one(tmp_path: Path, place: Path) -> None:
    with pytest.raises(Refused, match=f"there is no bundle at {tmp_path}/none; `make bundle` builds one"):
        kept_bundle.take(tmp_path / "none", place)


def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path, place: Path) -> None:
    (tmp_path / "bundle.tar").write_text("a page of a proxy")
    with pytest.raises(Refused, match=r"bundle\.tar cannot be copied to .*: file could not be opened successfully"):
        kept_bundle.take(tmp_path / "bundle.tar", place)


def test_no_place_for_the_copy_is_refused_with_the_place(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match=f"cannot be copied to {tmp_path}/file/bundles.*: Not a directory"):
        kept_bundle.take(source, tmp_path / "file" / "bundles")


def test_copies_that_no_run_took_for_long_are_removed(source: Path, place: Path, tmp_path: Path) -> None:
    old, _ = kept_bundle.take(source, place)
    os.utime(old, (1, 1))
    new, _ = kept_bundle.take(made(tmp_path / "other", "second"), place)
    assert list(place.iterdir()) == [new]


def test_copies_are_private_and_of_the_user(monkeypatch: pytest.MonkeyPatch, source: Path, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    copy, _ = kept_bundle.take(source)
    assert copy.parent == tmp_path / "xdg/seclyzer/bundles"
    assert copy.parent.stat().st_mode & 0o777 == 0o700 == copy.stat().st_mode & 0o777
    assert bundles.read(copy).manifest["release"]
