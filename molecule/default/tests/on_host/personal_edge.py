"""An edge's side of tests about a person's data: puts lines where an extractor would have, and looks what is left."""

import os
from pathlib import Path

STATE = Path("/var/lib/seclyzer")


def main(put: dict[str, list[str]] | None = None, take_away: list[str] | None = None) -> dict[str, list[str]]:
    """Write or remove files below the extractors' folders; what stands in all files of lines then."""
    for name, lines in (put or {}).items():
        path = STATE / name
        owner = (STATE / Path(name).parts[0]).stat()
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700)
            os.chown(path.parent, owner.st_uid, owner.st_gid)
        path.write_text("".join(f"{line}\n" for line in lines))
        os.chown(path, owner.st_uid, owner.st_gid)
        path.chmod(0o600)
    for name in take_away or []:
        (STATE / name).unlink(missing_ok=True)
    files = [*STATE.glob("*/rejected.lp"), *STATE.glob("*/spool/*.lp")]
    return {str(path.relative_to(STATE)): path.read_text().splitlines() for path in files}
