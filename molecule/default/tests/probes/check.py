"""`--check` of a unit's program, as that unit would run it."""

import shlex
import subprocess

from probes.inside import OF_ONE_RUN, settings


def main(unit: str) -> list[str]:
    """Its output, line by line."""
    found = settings(unit)
    properties = [f"--property={key}={value}" for key, value in found if key not in OF_ONE_RUN]
    command = [*shlex.split(dict(found)["ExecStart"]), "--check"]
    run = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", *properties, *command]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    return (done.stdout + done.stderr).splitlines()
