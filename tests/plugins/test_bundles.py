"""A bundle is taken only when its own papers agree: SHA256SUMS, the manifest, the archives."""

import json
from pathlib import Path
from typing import Any

import pytest

from plugins.module_utils import bundles
from plugins.module_utils.deploying import stage
from plugins.module_utils.layout import Layout, Refused
from plugins.plugin_utils import bundle_checks
from tests.plugins.hosts import bundle, desired, written


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle whose papers agree."""
    (tmp_path / "bundle").mkdir()
    written(tmp_path / "bundle", bundle(tmp_path / "bundle"))
    return tmp_path / "bundle"


def test_a_bundle_whose_papers_agree_is_read(folder: Path) -> None:
    found = bundles.read(folder)
    assert found.manifest["version"] == "0.1.0"
    assert bundles.archive_faults(folder, found.manifest, found.manifest["archives"]) == []


def change(folder: Path, where: str, **values: Any) -> None:
    """Changes what the manifest says of the archive `common`, or of the release."""
    value = json.loads((folder / "manifest.json").read_text())
    (value["archives"]["common"] if where == "common" else value).update(values)
    (folder / "manifest.json").write_text(json.dumps(value))


def test_a_manifest_that_was_changed_is_refused(folder: Path) -> None:
    change(folder, "common", sha256="0" * 64)
    with pytest.raises(Refused, match=r"manifest.json is not the one that SHA256SUMS names; `make bundle`"):
        bundles.read(folder)


def test_an_archive_that_sha256sums_names_otherwise_is_refused(folder: Path) -> None:
    sums = folder / "SHA256SUMS"
    lines = [line if "common" not in line else f"{'1' * 64}  common.tar.gz" for line in sums.read_text().splitlines()]
    sums.write_text("\n".join(lines) + "\n")
    with pytest.raises(Refused, match="name different archives common"):
        bundles.read(folder)


def test_a_bundle_without_sha256sums_is_refused(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    with pytest.raises(Refused, match="has no SHA256SUMS; `make bundle` builds the bundle anew"):
        bundles.read(folder)


@pytest.mark.parametrize("line", ["garbage", f"{'a' * 64}  ../manifest.json", f"{'a' * 64}  common.tar.gz"])
def test_sha256sums_of_another_form_or_with_a_name_twice_is_refused(folder: Path, line: str) -> None:
    with (folder / "SHA256SUMS").open("a") as sums:
        sums.write(f"{line}\n")
    with pytest.raises(Refused, match="SHA256SUMS is damaged"):
        bundles.read(folder)


@pytest.mark.parametrize(
    ("where", "values", "words"),
    [
        ("release", {"release": "../../etc-0123456789ab"}, "names no release"),
        ("release", {"release": ".hidden-0123456789ab"}, "names no release"),
        ("release", {"version": 1}, "names no version"),
        ("release", {"archives": {}}, "names no archives"),
        ("release", {"archives": {"common": {}, "../x": {}}}, "describes the archive 'common' wrongly"),
        ("common", {"unpacked": -1}, "describes the archive 'common' wrongly"),
        ("common", {"unpacked": 1 << 40}, "describes the archive 'common' wrongly"),
        ("common", {"unpacked": "many"}, "describes the archive 'common' wrongly"),
        ("common", {"list": "no hash"}, "is of an older version"),
        ("common", {"list": None}, "is of an older version"),
    ],
)
def test_a_manifest_that_says_what_cannot_be_is_refused(
    folder: Path, where: str, values: dict[str, Any], words: str
) -> None:
    change(folder, where, **values)
    with pytest.raises(Refused, match=words):
        bundles.parse((folder / "manifest.json").read_text())


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, "null"])
def test_a_manifest_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        bundles.parse(text)


def test_an_archive_that_was_changed_is_refused_before_any_host_is_reached(folder: Path) -> None:
    with (folder / "common.tar.gz").open("ab") as archive:
        archive.write(b"\0")
    words = f"{folder}/common.tar.gz is not the archive its manifest describes; `make bundle` builds it anew"
    assert bundle_checks.faults(folder) == [words]


def test_the_host_reads_sha256sums_itself(folder: Path, host: Layout) -> None:
    found = bundles.read(folder)
    value = desired(host, found.manifest)
    reported: dict[str, Any] = {"mode": value.mode, "implementations": {}, "units": {}, "config": {}, "probes": {}}
    reported |= {"signature": "", "signers": [], "allow_unsigned": True}
    reported |= {"by": "me", "archives": str(folder), "manifest": found.text.replace("0.1.0", "0.1.1", 1)}
    with pytest.raises(Refused, match="is not the one that SHA256SUMS names"):
        stage(host, reported | {"sums": found.sums}, check=False, diff=False)
    with pytest.raises(Refused, match="needs the bundle's manifest, and its SHA256SUMS"):
        stage(host, reported | {"sums": ""}, check=False, diff=False)
    assert not host.base.exists()
