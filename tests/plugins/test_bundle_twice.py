"""The whole bundle, built again in another place and at another time, is the same byte for byte."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from scripts.bundle.__main__ import inputs
from scripts.bundle.targets import TARGETS, trees
from tests.helpers import ROOT

FILES = ["SHA256SUMS", "SHA256SUMS.sig", "common.tar.gz", "manifest.json", "sbom.cdx.json"]
FILES += [f"{target.name}.tar.gz" for target in trees(TARGETS)]
# What names the commit, and whether the tree was another by then, which tests that run beside this one may change.
OF_THE_DAY = {"manifest.json", "SHA256SUMS", "SHA256SUMS.sig"}


def built(out: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "scripts.bundle", "--out", out], cwd=ROOT, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def manifest(folder: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    assert set(value.pop("source")) == {"commit", "changed"}
    return value


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of `make bundle`, or one of our own when that is of other inputs."""
    found = ROOT / "build" / "bundle"
    if not (found / ".inputs").is_file() or (found / ".inputs").read_text() != inputs(ROOT):
        return built(tmp_path_factory.mktemp("bundle") / "first")
    return found


def test_a_python_tree_has_bytecode_where_the_lab_has_its_python(first: Path) -> None:
    for target in trees(TARGETS):
        with tarfile.open(first / f"{target.name}.tar.gz") as tar:
            names = tar.getnames()
        modules, compiled = ([name for name in names if name.endswith(end)] for end in (".py", ".pyc"))
        assert len(modules) > 100 and bool(compiled) is not target.untested, target


def test_the_bundle_built_twice_is_the_same(first: Path, tmp_path: Path) -> None:
    again = built(tmp_path / "again")
    assert [path.name for path in sorted(again.glob("[!.]*"))] == sorted(FILES)
    assert manifest(again) == manifest(first)
    same = [name for name in FILES if (first / name).read_bytes() == (again / name).read_bytes()]
    assert {*same} >= {*FILES} - OF_THE_DAY
    with tarfile.open(tmp_path / "again-x86_64.tar") as tar:
        held = {member.name: (member.mtime, member.uid, tar.extractfile(member)) for member in tar.getmembers()}
        folder = f"seclyzer-{manifest(again)['release']}-x86_64"
        assert sorted(held) == sorted(f"{folder}/{name}" for name in FILES)
        for name, (mtime, uid, stream) in held.items():
            assert (mtime, uid) == (0, 0) and stream
            assert stream.read() == (again / Path(name).name).read_bytes()
