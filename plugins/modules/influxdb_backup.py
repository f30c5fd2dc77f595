#!/usr/bin/python
"""Takes a backup of InfluxDB, or brings one back."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import ledger
from ..module_utils.influxdb_api import OPERATOR, PLACE, Away, InfluxDB
from ..module_utils.layout import Refused
from ..module_utils.store_backup import Place, bring_back, look, take

DOCUMENTATION = r"""
module: influxdb_backup
short_description: Take a backup of InfluxDB, or bring one back
version_added: "0.1.0"
description:
  - C(taken) stops InfluxDB, packs its state and the tokens in O(tokens) into one archive that only root may read, and
    starts it again.
  - C(restored) checks the archive's hash, version and content before anything is touched, puts what is there aside,
    unpacks, starts, and looks whether InfluxDB answers to the operator's token. If not, what was there comes back.
    What was forgotten after the backup, by O(ledger), is forgotten again.
extends_documentation_fragment: [seclyzer.edge.influxdb, seclyzer.edge.influxdb.operator]
options:
  state:
    description: What to do.
    type: str
    required: true
    choices: [taken, restored]
  archive:
    description: With C(restored), the archive on this host.
    type: path
  folder:
    description: Where archives are kept.
    type: path
    required: true
  program:
    description: InfluxDB's program.
    type: path
    required: true
  tokens:
    description: Files with tokens of InfluxDB's, that belong to its state.
    type: list
    elements: path
    required: true
  ledger:
    description: Where is written down what was forgotten.
    type: path
    default: /var/lib/seclyzer/forgotten.jsonl
  watched:
    description: What the watch on vanishing points has recorded, which a restore makes untrue.
    type: path
    default: /var/lib/influxdb-watch/noted.json
author: [The SecLyzer maintainers (@seclyzer)]
attributes:
  check_mode:
    description: Takes nothing; looks at the archive to restore.
    support: full
"""

EXAMPLES = r"""
- name: Take a backup
  seclyzer.edge.influxdb_backup:
    state: taken
    url: http://127.0.0.1:8087
    folder: /var/backups/seclyzer-influxdb
    program: /usr/bin/influxd
    tokens: [/etc/seclyzer/credentials/influx-operator-token]
"""

RETURN = r"""
archive:
  description: The archive.
  type: str
  returned: always
about:
  description: When it was taken, its InfluxDB's version, hash, size and how many points it holds.
  type: dict
  returned: always
gap_seconds:
  description: With C(taken), for how long InfluxDB stood still.
  type: float
  returned: taken
points:
  description: With C(restored), how many points of each measurement there are now.
  type: dict
  returned: restored
forgotten_again:
  description: With C(restored), how many deletions since the backup were done again.
  type: int
  returned: restored
"""

SILENT_SECONDS = 300.0


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **PLACE,
            **OPERATOR,
            "state": {"type": "str", "required": True, "choices": ["taken", "restored"]},
            "archive": {"type": "path"},
            "folder": {"type": "path", "required": True},
            "program": {"type": "path", "required": True},
            "tokens": {"type": "list", "elements": "path", "required": True, "no_log": False},
            "ledger": {"type": "path", "default": str(ledger.PLACE)},
            "watched": {"type": "path", "default": "/var/lib/influxdb-watch/noted.json"},
        },
        required_if=[("state", "restored", ["archive"])],
        supports_check_mode=True,
    )
    options = module.params
    place = Place(
        options["program"],
        options["org"],
        options["bucket"],
        InfluxDB(options["url"], seconds=SILENT_SECONDS),
        folder=Path(options["folder"]),
        operator=Path(options["operator_token_file"]),
        tokens=tuple(Path(path) for path in options["tokens"]),
    )
    try:
        if options["state"] == "taken":
            result = _taken(place, module.check_mode)
        else:
            archive = Path(options["archive"])
            result = _restored(place, archive, options, module.check_mode)
    except Refused as error:
        module.fail_json(msg=str(error))
    except Away as error:
        module.fail_json(msg=f"InfluxDB at {options['url']} does not answer on its own host: {error}")
    module.exit_json(changed=True, **result)


def _taken(place: Place, dry: bool) -> dict[str, Any]:
    if dry:
        return {"archive": "", "about": {}, "gap_seconds": 0.0}
    made = take(place)
    return {"archive": made.pop("archive"), "gap_seconds": made.pop("gap_seconds"), "about": made}


def _restored(place: Place, archive: Path, options: dict[str, Any], dry: bool) -> dict[str, Any]:
    if dry:
        about = look(place, archive)
        return {"archive": str(archive), "about": asdict(about), "points": about.points, "forgotten_again": 0}
    about, _ = bring_back(place, archive)
    again = forget_again(place, about.at, Path(options["ledger"]))
    Path(options["watched"]).unlink(missing_ok=True)
    counts = place.points().totals()
    return {"archive": str(archive), "about": asdict(about), "points": counts, "forgotten_again": again}


def forget_again(place: Place, at: str, where: Path) -> int:
    """Delete what was deleted after a backup; returns how many deletions that were."""
    points = place.points()
    since = [one for one in ledger.read(where) if one.at >= at]
    for one in since:
        points.delete(one.again)
    return len(since)


if __name__ == "__main__":
    main()
