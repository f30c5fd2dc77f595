"""`python -m scripts.bundle`: build/bundle from what `make build` built. Does nothing when it is there already."""

import argparse
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from plugins.module_utils import bundles
from plugins.module_utils.layout import Refused
from scripts.bundle import BundleError, archives, command_tree, host_programs, python_tree, rust, sbom, signing
from scripts.bundle.archives import Archive
from scripts.bundle.say import step
from scripts.bundle.targets import ARCHITECTURES, FILES, GLIBC, NATIVE, TARGETS, Architecture, Target, trees

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("extractors/python", "agent")
LOCKS = tuple(f"{package}/requirements.lock" for package in PACKAGES)
SPEC = "extractors/schema/features.json"
STATE = "extractors/schema/state.json"
CRATES = "extractors/rust/Cargo.lock"
VECTORS = "extractors/vectors"
BENCH = "bench"
NEEDED = (*LOCKS, SPEC, STATE, CRATES, f"{VECTORS}/check.py", f"{BENCH}/seclyzer_bench", "VERSION")
NO_SOURCE = ("__pycache__", "*.pyc", "tests", "build", "*.egg-info")
UNWANTED = shutil.ignore_patterns(*NO_SOURCE)
UNWANTED_BENCH = shutil.ignore_patterns(*NO_SOURCE, "dev", "__main__.py")
"""Of the bench, hosts get what needs the standard library only."""


def main() -> int:
    """Builds the bundle; exit status 1 and a sentence when something is missing."""
    parser = argparse.ArgumentParser(prog="python -m scripts.bundle", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to build from")
    parser.add_argument("--arch", choices=ARCHITECTURES, default=NATIVE, help="what the hosts run on")
    parser.add_argument("--out", type=Path, help="where to put it (default: build/bundle in the tree)")
    options = parser.parse_args()
    root = options.root.resolve()
    arch = ARCHITECTURES[options.arch]
    out = options.out or root / "build" / f"bundle{_suffix(arch)}"
    try:
        signs = signing.chosen()
        key = inputs(root, arch)
        if (release := up_to_date(out, key)) is None:
            release = build(root, arch, out, key)
        signed = signing.ensure(out, signs)
        one = out.with_name(f"{out.name.removesuffix(_suffix(arch))}-{arch.name}.tar")
        archives.single(out, f"seclyzer-{release}-{arch.name}", one)
        print(f"{out}, and in one file {one.name}: release {release}, {signed}")
    except BundleError as fault:
        print(f"bundle: {fault}", file=sys.stderr)
        return 1
    return 0


def _suffix(arch: Architecture) -> str:
    """What the names of folders in build/ end with."""
    return "" if arch.name == NATIVE else f"-{arch.name}"


def _programs(root: Path, arch: Architecture) -> list[Path]:
    return rust.programs(root / "build" / f"rust{_suffix(arch)}")


def inputs(root: Path, arch: Architecture = ARCHITECTURES[NATIVE]) -> str:
    """The hash of everything the bundle is made from."""
    missing = [name for name in NEEDED if not (root / name).is_file()]
    if missing:
        raise BundleError(f"{root} has no {', '.join(missing)}")
    digest = hashlib.sha256()
    files = [path for folder in (*PACKAGES, VECTORS, BENCH) for path in _files(root / folder)]
    files += [*host_programs.modules(root), *command_tree.files(root)]
    files += [
        root / "VERSION",
        root / SPEC,
        root / STATE,
        root / CRATES,
        *_programs(root, arch),
        *_files(Path(__file__).parent),
        *FILES,
    ]
    for path in files:
        digest.update(f"{path.name} {archives.sha256(path)}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    """The files below a folder that count; links to folders are followed once, as the copies do."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name in UNWANTED(str(folder), [path.name]):
            continue
        found += _files(path) if path.is_dir() else [path]
    return found


def up_to_date(out: Path, key: str) -> str | None:
    """The release of a bundle that was made from these inputs and is whole."""
    try:
        if (out / ".inputs").read_text() != key:
            return None
        manifest = bundles.read(out).manifest
    except (OSError, Refused):
        return None
    whole = not bundles.archive_faults(out, manifest, manifest["archives"])
    return bundles.release_of(manifest) if whole else None


def build(root: Path, arch: Architecture, out: Path, key: str) -> str:
    """Builds all of it beside the old one, and puts it in its place when it is whole."""
    version = (root / "VERSION").read_text().strip()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".bundle-") as name:
        scratch = Path(name)
        fresh = scratch / "bundle"
        fresh.mkdir()
        with step("Rust programs and golden vectors"):
            common = _common(root, arch, version, scratch, fresh)
        with step("our Python packages"):
            ours = python_tree.wheels([root / package for package in PACKAGES], scratch)
        with ThreadPoolExecutor() as pool:
            packed = list(pool.map(lambda target: _tree(root, arch, target, ours, scratch, fresh), trees(TARGETS)))
        crates = sbom.linked(root, arch.name)
        libc = sbom.c_library(arch.name)
        (fresh / sbom.NAME).write_text(sbom.document(root, [root / lock for lock in LOCKS], crates, libc, version))
        release = _describe(root, arch, version, [common, *packed], fresh)
        (fresh / ".inputs").write_text(key)
        for path in fresh.iterdir():
            path.chmod(0o644)
        _replace(fresh, out)
    return release


def _common(root: Path, arch: Architecture, version: str, scratch: Path, fresh: Path) -> Archive:
    tree = scratch / "common"
    rust.copy(_programs(root, arch), tree / "bin", arch)
    rust.ask_versions(tree / "bin", arch, version)
    shutil.copytree(root / VECTORS, tree / "vectors", ignore=UNWANTED)
    shutil.copytree(root / BENCH, tree / "bench", ignore=UNWANTED_BENCH)
    host_programs.copy(root, tree)
    command_tree.copy(root, tree)
    if arch.name != platform.machine():
        rust.prove(tree / "bin", tree / "vectors", arch)
    return archives.pack("common", tree, fresh)


def _tree(root: Path, arch: Architecture, target: Target, ours: list[Path], scratch: Path, fresh: Path) -> Archive:
    with step(f"Python {target.minor} for {target.distribution} {target.version}"):
        tree = scratch / target.name
        python_tree.build(target, arch.platform, [root / lock for lock in LOCKS], ours, tree)
        return archives.pack(target.name, tree, fresh)


def _describe(root: Path, arch: Architecture, version: str, packed: list[Archive], fresh: Path) -> str:
    """Writes manifest.json and SHA256SUMS; the release is named by the content of all archives."""
    content = hashlib.sha256("".join(f"{a.name} {a.content}\n" for a in packed).encode()).hexdigest()
    release = f"{version}-{content[:12]}"
    manifest = {
        "schema": bundles.SCHEMA,
        "release": release,
        "version": version,
        "architecture": arch.name,
        "systems": _systems(untested=False),
        "untested": _systems(untested=True),
        "glibc": GLIBC,
        "state": _states(root),
        "outputs": json.loads((root / SPEC).read_text())["schema"],
        "archives": {archive.name: archive.described() for archive in packed},
        "source": _source(root),
    }
    (fresh / bundles.MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    names = [bundles.MANIFEST, sbom.NAME, *(bundles.file_of(archive.name) for archive in packed)]
    (fresh / bundles.SUMS).write_text("".join(f"{archives.sha256(fresh / name)}  {name}\n" for name in names))
    return release


def _systems(untested: bool) -> dict[str, list[str]]:
    """The releases that are served, tested or not, by distribution."""
    found: dict[str, list[str]] = {}
    for target in TARGETS:
        if target.untested == untested:
            found.setdefault(target.distribution, []).append(target.version)
    return found


def _states(root: Path) -> dict[str, dict[str, object]]:
    """What outlives a restart: the version that this release writes, and what a release that reads less loses."""
    states = json.loads((root / STATE).read_text())["states"]
    return {one["name"]: {"version": one["version"], "loss": one["loss"]} for one in states}


def _source(root: Path) -> dict[str, object]:
    """The commit it was built from, and whether the tree was another by then."""

    def git(*words: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
        return done.stdout.strip() if done.returncode == 0 else ""

    return {"commit": git("rev-parse", "HEAD") or None, "changed": bool(git("status", "--porcelain"))}


def _replace(fresh: Path, out: Path) -> None:
    """Swaps the folders; a rollout that reads at that moment fails its hashes and is run again."""
    old = fresh.with_name("old")
    if out.exists():
        out.rename(old)
    fresh.rename(out)


if __name__ == "__main__":
    sys.exit(main())
