"""An edge's side of tests about a person's data: puts lines where an extractor would have, and looks what is left."""

import os
import re
import ssl
import urllib.error
import urllib.request
from pathlib import Path

STATE = Path("/var/lib/seclyzer")
CONFIG = Path("/opt/seclyzer/current/config/mouse.yaml")
TOKEN = Path("/etc/seclyzer/credentials/influx-write-token")


def main(
    put: dict[str, list[str]] | None = None, take_away: list[str] | None = None, write: bool = False
) -> dict[str, list[str]] | int:
    """Write or remove files below the extractors' folders; what stands in all files of lines then.

    With `write`, the status of writing nothing to the store, as an extractor's `--check` does.
    """
    if write:
        return _write()
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


def _write() -> int:
    conf = dict(re.findall(r'^(influx_\w+): "?([^"\n]*)"?$', CONFIG.read_text(), re.MULTILINE))
    url = f"{conf['influx_url']}/api/v2/write?org={conf['influx_org']}&bucket={conf['influx_bucket']}&precision=us"
    headers = {"Authorization": f"Token {TOKEN.read_text().strip()}"}
    context = ssl.create_default_context(cafile=conf.get("influx_ca_file")) if url.startswith("https") else None
    tls = [urllib.request.HTTPSHandler(context=context)] if context else []
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), *tls)
    try:
        with direct.open(urllib.request.Request(url, b"", headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
