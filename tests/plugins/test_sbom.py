"""The bundle's bill of materials: what the locks pin and the programs are made of, and the same text each time."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from scripts.bundle import sbom
from scripts.bundle.__main__ import LOCKS
from tests.helpers import ROOT

UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
AIOHTTP = "aiohttp==3.0\n    # via seclyzer-agent (agent/pyproject.toml)\n"
YARL = "yarl==1.2 ; python_version < '3.13' \\\n    --hash=sha256:00\n    # via\n    #   aiohttp\n"
CARGO = """
[[package]]
name = "seclyzer-extractors"
version = "0.1.0"
dependencies = ["ring", "tempfile", "spin 2.0.0"]
[[package]]
name = "ring"
version = "0.17.0"
checksum = "aa"
dependencies = ["spin 1.0.0"]
[[package]]
name = "spin"
version = "1.0.0"
checksum = "bb"
[[package]]
name = "spin"
version = "2.0.0"
checksum = "cc"
[[package]]
name = "tempfile"
version = "3.0.0"
checksum = "dd"
"""
CRATES = {"seclyzer-extractors 0.1.0", "ring 0.17.0", "spin 1.0.0", "spin 2.0.0"}


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "agent").mkdir()
    (tmp_path / "extractors" / "rust").mkdir(parents=True)
    (tmp_path / "agent" / "requirements.lock").write_text(AIOHTTP + YARL)
    (tmp_path / "extractors" / "rust" / "Cargo.lock").write_text(CARGO)
    locks = [tmp_path / "agent" / "requirements.lock"]
    text = sbom.document(tmp_path, locks, CRATES, "2.36-9", "0.1.0")
    assert sbom.document(tmp_path, locks, CRATES, "2.36-9", "0.1.0") == text
    assert sbom.document(tmp_path, locks, CRATES, "2.36-10", "0.1.0") != text
    return dict(json.loads(text))


def test_a_component_is_named_by_its_package_url_and_a_crate_by_its_hash(made: dict[str, Any]) -> None:
    found = {one["bom-ref"]: one for one in made["components"]}
    assert [*found] == [
        "pkg:cargo/ring@0.17.0",
        "pkg:cargo/seclyzer-extractors@0.1.0",
        "pkg:cargo/spin@1.0.0",
        "pkg:cargo/spin@2.0.0",
        "pkg:generic/glibc@2.36-9",
        "pkg:pypi/aiohttp@3.0",
        "pkg:pypi/seclyzer-agent@0.1.0",
        "pkg:pypi/yarl@1.2",
    ]
    assert found["pkg:cargo/ring@0.17.0"]["hashes"] == [{"alg": "SHA-256", "content": "aa"}]
    assert found["pkg:pypi/yarl@1.2"]["properties"] == [{"name": "python:marker", "value": "python_version < '3.13'"}]


def test_who_wants_whom_is_what_the_locks_say(made: dict[str, Any]) -> None:
    wants = {one["ref"]: one["dependsOn"] for one in made["dependencies"]}
    assert wants["pkg:generic/seclyzer-edge@0.1.0"] == [
        "pkg:cargo/seclyzer-extractors@0.1.0",
        "pkg:pypi/seclyzer-agent@0.1.0",
    ]
    assert wants["pkg:pypi/seclyzer-agent@0.1.0"] == ["pkg:pypi/aiohttp@3.0"]
    assert wants["pkg:pypi/aiohttp@3.0"] == ["pkg:pypi/yarl@1.2"]
    assert wants["pkg:cargo/seclyzer-extractors@0.1.0"] == [
        "pkg:cargo/ring@0.17.0",
        "pkg:cargo/spin@2.0.0",
        "pkg:generic/glibc@2.36-9",
    ]
    assert wants["pkg:cargo/ring@0.17.0"] == ["pkg:cargo/spin@1.0.0"]


def test_it_is_cyclonedx_and_has_no_time(made: dict[str, Any]) -> None:
    assert (made["bomFormat"], made["specVersion"], made["version"]) == ("CycloneDX", "1.6", 1)
    assert UUID.fullmatch(made["serialNumber"]) and "timestamp" not in made["metadata"]


def test_ours_has_every_package_of_the_locks_and_every_crate_that_is_linked_and_no_other() -> None:
    crates = sbom.linked(ROOT, "x86_64")
    libc = sbom.c_library("x86_64")
    assert re.match(r"2\.\d", libc)
    text = sbom.document(ROOT, [ROOT / lock for lock in LOCKS], crates, libc, "0.1.0")
    refs = [one["bom-ref"] for one in json.loads(text)["components"]]
    pinned = {match for lock in LOCKS for match in re.findall(r"^([\w.-]+)==([^ ]+)", (ROOT / lock).read_text(), re.M)}
    assert {f"pkg:pypi/{name}@{version}" for name, version in pinned} < set(refs)
    assert {ref for ref in refs if ref.startswith("pkg:cargo")} == {f"pkg:cargo/{'@'.join(c.split())}" for c in crates}
    assert "rustls" in text and "tempfile" not in text and "windows" not in text
