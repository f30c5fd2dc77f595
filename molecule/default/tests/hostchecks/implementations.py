"""What really runs: the program behind a service's main process, not what its unit says; and what it should be."""

from hostchecks import deployment
from hostchecks.host import Host
from hostchecks.systemd import EXTRACTORS, Properties

MEANS = {
    "python": {"keystroke": "python", "mouse": "python", "app": "python"},
    "rust": {"keystroke": "rust", "mouse": "rust", "app": "rust"},
    "hybrid": {"keystroke": "rust", "mouse": "rust", "app": "python"},
}


def runs_as_meant(host: Host, units: dict[str, Properties], kind: str, mode: str) -> None:
    """The extractor's process is of the implementation that the mode means."""
    assert running(host, units, kind) == MEANS[mode][kind]


def is_deployed_as_meant(host: Host, mode: str) -> None:
    """The deployment says the mode, and the implementations that it means."""
    manifest = deployment.manifest(host)
    assert (manifest["mode"], manifest["implementations"]) == (mode, MEANS[mode])


def running(host: Host, units: dict[str, Properties], kind: str) -> str:
    """`rust` or `python`: whether the process is the compiled program itself or an interpreter that runs it."""
    executable = host.check_output("readlink /proc/%s/exe", units[EXTRACTORS[kind]]["MainPID"])
    if executable.startswith("/usr/bin/python3."):
        return "python"
    head = host.check_output("head -c 4 %s | od -An -c", executable)
    return "rust" if head.split() == ["177", "E", "L", "F"] else f"neither: {executable}"
