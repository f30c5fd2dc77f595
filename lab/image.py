"""The hosts' images: Debian and Ubuntu by mmdebstrap, kept by the content of their recipe."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab import paths
from lab.labs import RELEASES, Lab
from lab.podman import podman, succeeds
from lab.run import run
from lab.say import step

RECIPE = Path(__file__).with_name("image")
NAME = "localhost/seclyzer-lab"
OPTIONS = (
    "--variant=minbase",
    "--skip=cleanup/apt/lists,cleanup/apt/cache",
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=Acquire::GzipIndexes "true"',
)
OPTIONS_OF = {
    # Its lists expire after a week, and a mirror may be older; they are signed all the same.
    "forky": ('--aptopt=Acquire::Check-Valid-Until "false"',),
    # Redis is in universe, and apt is not required there. Its archive is signed by the keyring of ubuntu-keyring.
    "noble": ("--components=main,universe", "--include=apt"),
}
"""What a release needs beside OPTIONS."""


def options(release: str) -> tuple[str, ...]:
    """How mmdebstrap makes a release."""
    return (*OPTIONS, *OPTIONS_OF.get(release, ()))


def key(release: str) -> str:
    """The recipe's hash: another package list, script or option is another image."""
    text = "\0".join([release, *options(release), *packages(), (RECIPE / "setup.sh").read_text()])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def tag(release: str) -> str:
    """What podman calls the image."""
    return f"{NAME}:{release}-{key(release)}"


def archive(release: str) -> Path:
    """Where the root file system is kept."""
    return paths.cache() / "images" / f"{key(release)}.tar"


def packages() -> list[str]:
    """The Debian packages in every image."""
    lines = (RECIPE / "packages.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def ensure(releases: list[str]) -> None:
    """Make the images that are not there yet, at the same time."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(_ensure, releases))


def releases(lab: Lab) -> list[str]:
    """The releases a lab's hosts have."""
    return sorted({host.release for host in lab.hosts})


def _ensure(release: str) -> None:
    if succeeds("image", "exists", tag(release)):
        return
    if not archive(release).exists():
        with step(f"build {RELEASES[release]} from its packages", usual=60):
            _build(release)
    with step(f"import {RELEASES[release]} into podman"):
        podman("import", "--quiet", str(archive(release)), tag(release), timeout=600)


def _build(release: str) -> None:
    final = archive(release)
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_suffix(f".{os.getpid()}.part")
    arguments = ("--format=tar", f"--include={','.join(packages())}", f"--customize-hook={RECIPE / 'setup.sh'}")
    try:
        run(["mmdebstrap", *options(release), *arguments, release, str(part)], timeout=1800)
        part.rename(final)
    finally:
        part.unlink(missing_ok=True)
