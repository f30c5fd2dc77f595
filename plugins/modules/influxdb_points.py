#!/usr/bin/python
"""Counts, deletes or exports the points of a person or a host."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import credentials, ledger
from ..module_utils.influxdb_api import OPERATOR, PLACE, Away, InfluxDB
from ..module_utils.influxdb_points import MEASUREMENTS, Points
from ..module_utils.layout import Refused
from ..module_utils.pieces import Piece, Pieces
from ..module_utils.selection import ARGUMENTS, Selection

DOCUMENTATION = r"""
module: influxdb_points
short_description: Count, delete or export the points of a person or a host
version_added: "0.1.0"
description:
  - Runs on the host of InfluxDB, where the operator token is. Looks at the three measurements of SecLyzer.
  - C(absent) writes down in O(ledger) what it is about to delete, deletes it, and counts again until nothing is left.
  - C(exported) writes packed CSV with InfluxDB's annotations, a row a point, into a new folder that only root may read.
extends_documentation_fragment: [seclyzer.edge.influxdb, seclyzer.edge.influxdb.operator, seclyzer.edge.selection]
options:
  state:
    description: What to do.
    type: str
    required: true
    choices: [counted, absent, exported]
  ledger:
    description: Where is written down what was deleted.
    type: path
    default: /var/lib/seclyzer/forgotten.jsonl
  backups:
    description: A folder with backups, whose names are returned; they hold what they held.
    type: str
    default: ""
author: [The SecLyzer maintainers (@seclyzer)]
attributes:
  check_mode:
    description: Counts and changes nothing.
    support: full
"""

EXAMPLES = r"""
- name: Forget a person's points
  seclyzer.edge.influxdb_points:
    url: http://127.0.0.1:8087
    state: absent
    user: ann
"""

RETURN = r"""
before:
  description: How many points there were of each measurement.
  type: dict
  returned: always
after:
  description: How many are left; with C(counted) and in check mode the same as C(before).
  type: dict
  returned: always
hosts:
  description: Every host that has points in the bucket.
  type: list
  elements: str
  returned: always
backups:
  description: The backups in O(backups), oldest first.
  type: list
  elements: str
  returned: always
folder:
  description: With C(exported), where the files are.
  type: str
  returned: exported
files:
  description: With C(exported), each file's C(name), C(bytes), C(sha256) and C(records).
  type: list
  elements: dict
  returned: exported
"""

SILENT_SECONDS = 300.0
"""A deletion, or the count of a large fleet's month, may take its time."""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **PLACE,
            **OPERATOR,
            **ARGUMENTS,
            "state": {"type": "str", "required": True, "choices": ["counted", "absent", "exported"]},
            "ledger": {"type": "path", "default": str(ledger.PLACE)},
            "backups": {"type": "str", "default": ""},
        },
        required_one_of=[("user", "host")],
        supports_check_mode=True,
    )
    options = module.params
    state = "counted" if module.check_mode else options["state"]
    chosen = Selection(**{name: options[name] for name in ARGUMENTS})
    influxdb = InfluxDB(options["url"], seconds=SILENT_SECONDS)
    try:
        operator = credentials.read_provided(Path(options["operator_token_file"]))
        if operator is None:
            raise Refused(f"{options['operator_token_file']} is not there: is this the store? site.yml makes it")
        points = Points(influxdb, operator, options["org"], options["bucket"])
        result = apply(points, state, chosen, Path(options["ledger"]))
    except Refused as error:
        module.fail_json(msg=str(error))
    except Away as error:
        module.fail_json(msg=f"InfluxDB at {options['url']} does not answer on its own host: {error}")
    module.exit_json(**result, backups=backups(options["backups"]))


def apply(points: Points, state: str, chosen: Selection, place: Path) -> dict[str, Any]:
    """Do it; returns the module's result. Raises Refused and Away."""
    before = points.count(chosen)
    result: dict[str, Any] = {"changed": False, "before": before, "after": before, "hosts": sorted(points.hosts())}
    if state == "absent" and any(before.values()):
        ledger.write_down(chosen, points.days(chosen), place)
        points.delete(chosen)
        result |= {"changed": True, "after": points.count(chosen)}
    if state == "exported":
        folder = Path(tempfile.mkdtemp(prefix="seclyzer-export-", dir="/var/tmp"))
        try:
            pieces = export(points, chosen, folder)
        except BaseException:
            shutil.rmtree(folder)
            raise
        result |= {"folder": str(folder), "files": [asdict(piece) for piece in pieces]}
    return result


def export(points: Points, chosen: Selection, folder: Path) -> list[Piece]:
    """A file of each measurement, day after day."""
    pieces: list[Piece] = []
    found = points.days(chosen)
    for measurement in MEASUREMENTS:
        days = sorted({day for of_host in found.values() for day in of_host.get(measurement, {})})
        with Pieces(folder, f"store-{measurement}.csv") as written:
            for day in days:
                _write_day(points, chosen, measurement, day, written)
        pieces += written.made
    return pieces


def _write_day(points: Points, chosen: Selection, measurement: str, day: str, written: Pieces) -> None:
    """Rows as they come; a file may end between two days only, so that each has the names of its columns."""
    header = True
    text = io.StringIO()
    table = csv.writer(text)
    records = 0
    for row in points.export(chosen, measurement, day):
        table.writerow(row)
        if not row or row[0].startswith("#"):
            header = True
        elif header:
            header = False
        else:
            records += 1
    written.add(text.getvalue().encode(), records)


def backups(folder: str) -> list[str]:
    """The names of the backups in a folder."""
    return sorted(path.name for path in Path(folder).glob("influxdb-*.tar")) if folder else []


if __name__ == "__main__":
    main()
