"""Running other programs, with an error that shows their output."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.say import LabError


def run(
    command: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> str:
    """Run a program and return its stdout; a failure is a LabError with the last lines it wrote."""
    code, out, err = attempt(command, stdin=stdin, env=env, cwd=cwd, timeout=timeout)
    if code != 0:
        output = "\n".join((err or out).strip().splitlines()[-8:])
        raise LabError(f"`{' '.join(command[:6])} …` failed ({code}):\n{output}")
    return out


def attempt(
    command: Sequence[str],
    *,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
) -> tuple[int, str, str]:
    """Run a program and return (exit status, stdout, stderr); 124 when it took too long."""
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        return 127, "", f"{command[0]}: no such program"
    except subprocess.TimeoutExpired:
        return 124, "", f"no end after {timeout} s"
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
