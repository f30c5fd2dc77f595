"""What the bundle is made of, as CycloneDX: every package and crate, with the versions and hashes of the locks.

Our own, and no tool's: of the two that one would take (one for Python, one for Rust) each writes the time and a random
number, and neither knows the other's half. Not in it: Debian's own packages on the hosts, and what only tests need.
"""

import json
import re
import tomllib
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scripts.bundle import BundleError
from scripts.bundle.say import run

NAME = "sbom.cdx.json"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$")
VIA = re.compile(r"^\s+# (?:via |  )(\S+)")
RUST = "extractors/rust"
BANNER = re.compile(rb"GNU C Library \(([^)]+)\) \w+ release version ([0-9.]+[0-9])")

Component = dict[str, Any]
Graph = dict[str, set[str]]


def linked(root: Path, architecture: str) -> set[str]:
    """`name version` of each crate that is in the programs or made them, as cargo resolves the lock."""
    what = ["--edges=normal,build", "--prefix=none", f"--target={architecture}-unknown-linux-gnu", "--format={p}"]
    lines = run(["cargo", "tree", "--manifest-path", root / RUST / "Cargo.toml", "--locked", "--offline", *what])
    return {f"{words[0]} {words[1].removeprefix('v')}" for line in lines.splitlines() if (words := line.split())}


def c_library(architecture: str) -> str:
    """The version of the C library that is linked into the programs, a distribution's where it is one's."""
    archive = run([f"{architecture}-linux-gnu-gcc", "-print-file-name=libc.a"]).strip()
    found = BANNER.search(Path(archive).read_bytes())
    if found is None:
        raise BundleError(f"{archive} has no version of the GNU C Library")
    packaged, version = (text.decode() for text in found.groups())
    return packaged.rpartition("GLIBC ")[2] if "GLIBC " in packaged else version


def document(root: Path, locks: Iterable[Path], crates: set[str], libc: str, version: str) -> str:
    """The bill of materials, as text: the same for the same locks. Of crates it has those that `linked` names."""
    components: dict[str, Component] = {}
    graph: Graph = {}
    for lock in locks:
        _python(lock.read_text(), lock.parent.name, version, components, graph)
    _rust(tomllib.loads((root / RUST / "Cargo.lock").read_text()), crates, components, graph)
    glibc = _component("generic", "glibc", libc)
    components[glibc["bom-ref"]] = glibc
    graph[glibc["bom-ref"]] = set()
    graph[f"pkg:cargo/seclyzer-extractors@{version}"].add(glibc["bom-ref"])
    whole = f"pkg:generic/seclyzer-edge@{version}"
    graph[whole] = {name for name in components if "/seclyzer-" in name}
    about = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": whole,
                "name": "seclyzer-edge",
                "version": version,
                "licenses": [{"license": {"id": "MIT"}}],
            }
        },
        "components": [components[name] for name in sorted(components)],
        "dependencies": [{"ref": name, "dependsOn": sorted(graph[name])} for name in sorted(graph)],
    }
    # By its content: the same for the same locks, another for any other.
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(about, sort_keys=True))
    return json.dumps({**about, "serialNumber": f"urn:uuid:{number}"}, indent=1, sort_keys=True) + "\n"


def _component(kind: str, name: str, version: str, **more: Any) -> Component:
    purl = f"pkg:{kind}/{name}@{version}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl, **more}


def _python(lock: str, folder: str, version: str, components: dict[str, Component], graph: Graph) -> None:
    """What uv has pinned: `name==version ; marker`, then hashes, then `# via` and who wants it."""
    ours = f"seclyzer-{'agent' if folder == 'agent' else 'extractors'}"
    own = _component("pypi", ours, version, type="application")
    components[own["bom-ref"]] = own
    graph.setdefault(own["bom-ref"], set())
    refs = {ours: own["bom-ref"]}
    parents: dict[str, set[str]] = {}
    current = ""
    for line in lock.splitlines():
        if found := PINNED.match(line):
            current = found[1].lower()
            marker = [{"name": "python:marker", "value": found[3]}] if found[3] else []
            one = _component("pypi", current, found[2], **({"properties": marker} if marker else {}))
            refs[current] = one["bom-ref"]
            components[one["bom-ref"]] = one
            graph.setdefault(one["bom-ref"], set())
        elif current and (found := VIA.match(line)):
            parents.setdefault(current, set()).add(found[1].lower())
    for name, required_by in parents.items():
        for parent in required_by:
            graph[refs[parent]].add(refs[name])


def _rust(lock: dict[str, Any], crates: set[str], components: dict[str, Component], graph: Graph) -> None:
    """What cargo has pinned, as far as it is used; a package without a checksum is our own."""
    used = [package for package in lock["package"] if f"{package['name']} {package['version']}" in crates]
    refs: dict[str, str] = {}
    for package in used:
        checksum = package.get("checksum")
        more: Component = {"hashes": [{"alg": "SHA-256", "content": checksum}]} if checksum else {"type": "application"}
        one = _component("cargo", package["name"], package["version"], **more)
        components[one["bom-ref"]] = one
        # A dependency is named by its name alone where the lock has one of that name.
        for words in (package["name"], f"{package['name']} {package['version']}"):
            refs[words] = one["bom-ref"]
    for package in used:
        wants = package.get("dependencies", [])
        graph[refs[f"{package['name']} {package['version']}"]] = {refs[words] for words in wants if words in refs}
