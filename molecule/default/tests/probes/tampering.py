"""Changes code on a host as an attacker would who is root there and hides it."""

import hashlib
import json
import subprocess
from pathlib import Path

HOME = Path("/opt/seclyzer")
KEYSTROKE = "seclyzer-keystroke.service"


def main(how: str) -> str:
    """What was changed: a file's path inside the release, or the deployment.

    program: a byte more in the keystroke program, which then runs so; package: a file more that every Python of the
    release reads at its start; listed: a changed file together with its line in the host's list; config: a setting.
    """
    return {"program": _program, "package": _package, "listed": _listed, "config": _config}[how](_release())


def _release() -> Path:
    """The release that runs."""
    manifest = json.loads((HOME / "current" / "manifest.json").read_text())
    return HOME / "releases" / str(manifest["release"])


def _replace(path: Path, data: bytes) -> None:
    """Puts another file in the place of one, under its mode."""
    other = Path(f"/opt/.{path.name}")
    other.write_bytes(data)
    other.chmod(path.stat().st_mode)
    other.rename(path)


def _program(release: Path) -> str:
    program = release / "bin" / "keystroke_extractor"
    _replace(program, program.read_bytes() + b"!")
    subprocess.run(["systemctl", "restart", KEYSTROKE], check=True)
    return "bin/keystroke_extractor"


def _package(release: Path) -> str:
    (site,) = release.glob("venv/lib/python3.*/site-packages")
    path = site / "zz_attack.pth"
    path.write_text("import os\n")
    path.chmod(0o444)
    return str(path.relative_to(release))


def _listed(release: Path) -> str:
    (path,) = release.glob("venv/lib/python3.*/site-packages/seclyzer_agent/health.py")
    name = str(path.relative_to(release))
    _replace(path, path.read_bytes() + b"# changed\n")
    (sums,) = [path for path in (release / "checksums").iterdir() if name in path.read_text()]
    line = f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {name}"
    lines = [line if old[66:] == name else old for old in sums.read_text().splitlines()]
    _replace(sums, ("\n".join(lines) + "\n").encode())
    agrees = subprocess.run(["sha256sum", "--quiet", "--check", sums], cwd=release, capture_output=True)
    if agrees.returncode:
        raise AssertionError(f"the list does not agree: {agrees.stdout.decode()}")
    return name


def _config(release: Path) -> str:
    path = (HOME / "current" / "config" / "app.yaml").resolve()
    path.write_text(path.read_text() + "# changed\n")
    return "config/app.yaml"
