"""What installs everything else is itself installed by its hash."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTION = (
    "source <(sed -n '/^install_uv()/,/^}/p' scripts/setup); die() { echo \"$1\" >&2; exit 9; }; cd $0; install_uv"
)


def install(folder: Path, lock: str) -> subprocess.CompletedProcess[str]:
    """`install_uv` of scripts/setup in a folder whose Python prints its arguments, and what it is to install."""
    python = folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text('#!/bin/sh\necho "$@"\nfor last; do :; done\ncat "$last"\n')
    python.chmod(0o755)
    (folder / "requirements-dev.txt").write_text(lock)
    return subprocess.run(["bash", "-ec", FUNCTION, folder], cwd=ROOT, capture_output=True, text=True, timeout=30)


def test_uv_is_installed_by_the_hashes_of_the_lock_and_nothing_with_it(tmp_path: Path) -> None:
    done = install(tmp_path, (ROOT / "requirements-dev.txt").read_text())
    command, *pinned = done.stdout.splitlines()
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= {*command.split()}
    assert pinned[0].startswith("uv==")
    assert len(pinned) > 5 and all(line.strip().startswith("--hash=sha256:") for line in pinned[1:])


def test_a_lock_without_hashes_of_uv_is_refused(tmp_path: Path) -> None:
    done = install(tmp_path, "urllib3==2 \\\n    --hash=sha256:00\nuv==0.1\nyamllint==1 \\\n    --hash=sha256:11\n")
    assert (done.returncode, done.stdout) == (9, "")
    assert "requirements-dev.txt has no hashes of uv; `make lock` makes them" in done.stderr
