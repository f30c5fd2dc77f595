"""`seclyzer bench` of a host whose performance test prints, and ends with its 2 when nothing reads that."""

import tempfile
from pathlib import Path

from command import cli
from command.host import Host

PROGRAM = "#!/bin/sh\ntrap '' PIPE\necho figures 2> /dev/null || exit 2\n"


def main() -> int:
    """As the command."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "bench" / "seclyzer_bench"
        program.parent.mkdir()
        program.write_text(PROGRAM)
        program.chmod(0o755)
        return cli.main(["bench"], lambda: _Bench(folder))


class _Bench(Host):
    """One of which root knows the folder of its release."""

    def __init__(self, folder: str) -> None:
        super().__init__(name="edge1")
        vars(self).update({"is_root": True, "number": 1, "folder": Path(folder)})

    @property
    def tree(self) -> Path:
        folder: Path = vars(self)["folder"]
        return folder
