"""What really runs: the program behind a service's main process, not what its unit says."""

from witness.host import Host
from witness.systemd import EXTRACTORS, Properties


def running(host: Host, units: dict[str, Properties], kind: str) -> str:
    """`rust` or `python`: whether the process is the compiled program itself or an interpreter that runs it."""
    executable = host.check_output("readlink /proc/%s/exe", units[EXTRACTORS[kind]]["MainPID"])
    if executable.startswith("/usr/bin/python3."):
        return "python"
    head = host.check_output("head -c 4 %s | od -An -c", executable)
    return "rust" if head.split() == ["177", "E", "L", "F"] else f"neither: {executable}"
