"""A ready Python tree for one release of Debian: packages, bytecode, programs. A host needs neither pip nor network."""

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from scripts.bundle import BundleError
from scripts.bundle.say import run
from scripts.bundle.targets import Target

HOME = "/opt/seclyzer/venv"
"""What tracebacks name as the tree's place; the real one has the release in it."""

PROGRAM = """#!/bin/sh
'''exec' "$(dirname -- "$(readlink -f -- "$0")")/python" -IB "$0" "$@"
' '''
import sys

from {module} import {function}

sys.exit({function}())
"""
"""A shell runs the first lines and a Python the rest, so that no path is written into it; links to it work as well.

No bytecode is ever written: root could, and a file that no list names is damage."""

LIMITS = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")
"""Named, since podman would otherwise raise them, which not every machine lets it do."""

UNSTABLE = ("RECORD", "WHEEL", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json")
"""What builders and installers write about themselves."""


def wheels(packages: list[Path], scratch: Path) -> list[Path]:
    """Builds our own packages, from copies: a build leaves its traces in the folder it is run in."""
    out = scratch / "wheels"
    for package in packages:
        source = scratch / "source" / package.name
        shutil.copytree(package, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info", "tests"))
        run([_uv(), "build", "--quiet", "--wheel", "--out-dir", out, source])
    return sorted(out.glob("*.whl"))


def build(target: Target, platform: str, locks: list[Path], ours: list[Path], tree: Path) -> None:
    """Makes `venv/` below `tree`, with wheels for a platform. Bytecode is the same on all of them."""
    venv = tree / "venv"
    site = venv / "lib" / target.name / "site-packages"
    site.mkdir(parents=True)
    install = [_uv(), "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--only-binary", ":all:"]
    install += ["--python-version", target.python, "--python-platform", platform, "--link-mode", "copy"]
    run([*install, "--target", str(site), *(f"--requirements={lock}" for lock in locks)])
    programs = venv / "bin"
    programs.mkdir()
    for wheel in ours:
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(site)
            _programs(packed, programs)
    _tidy(site)
    if not target.untested:
        _compile(target, venv)
    (programs / "python").symlink_to("/usr/bin/python3")
    (venv / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {target.python}\n"
    )


def _uv() -> str:
    """The uv beside the Python that runs this, or the one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else "uv"


def _programs(wheel: zipfile.ZipFile, into: Path) -> None:
    """Writes one program for each console script the wheel names."""
    for name in wheel.namelist():
        if not name.endswith(".dist-info/entry_points.txt"):
            continue
        entries = configparser.ConfigParser()
        entries.read_string(wheel.read(name).decode())
        for program, place in entries["console_scripts"].items():
            module, _, function = place.partition(":")
            path = into / program
            path.write_text(PROGRAM.format(module=module.strip(), function=function.strip()))
            path.chmod(0o755)


def _tidy(site: Path) -> None:
    """Takes away what no program needs and what is another at every installation."""
    for path in [*site.glob("*.dist-info/*"), site / ".lock"]:
        if path.name in (*UNSTABLE, ".lock"):
            path.unlink(missing_ok=True)
    shutil.rmtree(site / "bin", ignore_errors=True)
    for cache in list(site.rglob("__pycache__")):
        shutil.rmtree(cache)


def _compile(target: Target, venv: Path) -> None:
    """Writes bytecode that is never checked against its source: the tree is read-only, and a start takes a quarter."""
    command = ["-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    if python := _local(target, exact=True):
        run([python, *command, "-s", venv, "-p", HOME, venv / "lib"])
    elif _lab(target, venv, [*command, "-s", "/venv", "-p", HOME, "/venv/lib"]):
        return
    elif python := _local(target, exact=False):
        run([python, *command, "-s", venv, "-p", HOME, venv / "lib"])
    else:
        raise BundleError(
            f"{target.distribution} {target.version}'s bytecode needs a {target.name}: install one, or make the lab's "
            "images (`python3 -m lab images`, as root, with podman)"
        )


def _local(target: Target, exact: bool) -> str | None:
    """An interpreter of this version on this machine; `exact` to the last digit."""
    expected = target.python if exact else target.minor
    for name in ("/usr/bin/python3", sys.executable, target.name):
        found = shutil.which(name)
        if not found:
            continue
        done = subprocess.run([found, "-IV"], capture_output=True, text=True)
        version = done.stdout.removeprefix("Python ").strip()
        if version == expected or (not exact and version.startswith(f"{expected}.")):
            return found
    return None


def _lab(target: Target, venv: Path, command: list[str]) -> bool:
    """Compiles in the lab's image of that Debian; False when this machine cannot have one."""
    if not shutil.which("podman"):
        return False
    from lab import image, requirements
    from lab.podman import podman
    from lab.say import LabError

    try:
        requirements.check()
        image.ensure([target.codename])
        where = ["--rm", "--network=none", *LIMITS, f"--volume={venv}:/venv", image.tag(target.codename)]
        podman("run", *where, "python3", *command)
    except LabError as fault:
        print(f"  the lab's image is of no use here: {str(fault).splitlines()[-1]}", flush=True)
        return False
    return True
