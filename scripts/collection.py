"""`python -m scripts.collection`: build/collection/seclyzer-edge-<version>.tar.gz from the files that git tracks.

What it holds stands in galaxy.yml. changelogs/changelog.yaml is made from CHANGELOG.md on the way, and never kept.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from scripts import changelog

ROOT = Path(__file__).resolve().parent.parent


def stage(root: Path, to: Path) -> None:
    """Copies the tracked files as they are in the tree now, and makes the changelog."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        source = root / name
        if source.is_file() and not source.is_symlink():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, to / name)
    (to / "changelogs").mkdir(exist_ok=True)
    (to / "changelogs" / "changelog.yaml").write_text(changelog.document((root / "CHANGELOG.md").read_text()))


def build(root: Path, out: Path) -> Path:
    """The archive in this folder. Raises CalledProcessError when ansible-galaxy refuses."""
    about = yaml.safe_load((root / "galaxy.yml").read_text())
    with tempfile.TemporaryDirectory(prefix="seclyzer-collection-") as name:
        stage(root, Path(name))
        galaxy = Path(sys.executable).parent / "ansible-galaxy"
        words = [str(galaxy), "collection", "build", "--force", "--output-path", str(out.absolute()), name]
        subprocess.run(words, cwd=name, check=True, capture_output=True, text=True)
    return out / f"{about['namespace']}-{about['name']}-{about['version']}.tar.gz"


def main() -> int:
    """Builds the archive; exit status 1 with the words of ansible-galaxy when it refuses."""
    parser = argparse.ArgumentParser(prog="python -m scripts.collection", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "collection", help="the folder for it")
    options = parser.parse_args()
    try:
        print(build(ROOT, options.out))
    except subprocess.CalledProcessError as fault:
        print(f"collection: {fault.stderr or fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
