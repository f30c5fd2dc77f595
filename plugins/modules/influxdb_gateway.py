#!/usr/bin/python
"""Keeps the credentials of the gateway before InfluxDB, and sees that it answers with what lies on the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import credentials, files, systemd
from ..module_utils.gateway import FORMER_READER, HOME, READER_NAME, UNIT, Files
from ..module_utils.influxdb_api import CA, PLACE, Away, InfluxDB, keep_ca, read_ca
from ..module_utils.layout import Refused

DOCUMENTATION = r"""
module: influxdb_gateway
short_description: Keep the credentials of the gateway before InfluxDB
version_added: "0.1.0"
description:
  - Runs on the host of the gateway, whose unit runs. Takes the credentials of revoked edges away and reloads the
    gateway, which closes what they had open.
  - Keeps a token in O(read_token_file) by which the gateway takes queries, and nothing else.
  - Restarts the gateway when its certificate, its key or a token that it was given at its start is another now.
  - Waits until InfluxDB answers by way of the gateway, at the address that edges use and with the CA that they trust.
  - No token is an argument or a result.
extends_documentation_fragment: [seclyzer.edge.influxdb, seclyzer.edge.influxdb.ca]
options:
  home:
    description: Folder of the gateway.
    type: path
    default: /etc/seclyzer/gateway
  read_token_file:
    description: File with the token for queries.
    type: path
    default: /etc/seclyzer/credentials/influx-read-token
  revoked:
    description: Edges to revoke, as the inventory calls them. One that was revoked before and is not named stays so.
    type: list
    elements: str
    default: []
  readmit:
    description: Edges that may have a credential again.
    type: list
    elements: str
    default: []
  edges:
    description: The edges of the inventory. Revoking an unknown name is refused as a typing error.
    type: list
    elements: str
    default: []
  rotate:
    description:
      - Whether to make the token for queries anew. The former one stays valid beside it until O(finish); while it does,
        no other is made.
    type: bool
    default: false
  finish:
    description: Whether to end the former token for queries.
    type: bool
    default: false
  wait_seconds:
    description: How long to wait for an answer.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Keep the gateway's credentials
  seclyzer.edge.influxdb_gateway:
    url: https://store:8086
    revoked: [lost-laptop]
"""

RETURN = r"""
done:
  description: What was done, or in check mode would be, a sentence each.
  type: list
  elements: str
  returned: always
reader_overlaps:
  description: Whether the former token for queries is still valid.
  type: bool
  returned: always
revoked:
  description: The edges that are revoked.
  type: list
  elements: str
  returned: always
"""

UNIT_FILE = Path("/etc/systemd/system") / UNIT


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **PLACE,
            **CA,
            "home": {"type": "path", "default": HOME},
            "read_token_file": {
                "type": "path",
                "default": "/etc/seclyzer/credentials/influx-read-token",
                "no_log": False,
            },
            "revoked": {"type": "list", "elements": "str", "default": []},
            "readmit": {"type": "list", "elements": "str", "default": []},
            "edges": {"type": "list", "elements": "str", "default": []},
            "rotate": {"type": "bool", "default": False},
            "finish": {"type": "bool", "default": False},
            "wait_seconds": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    options, dry = module.params, module.check_mode
    try:
        done, revoked = _run(options, dry)
    except Refused as error:
        module.fail_json(msg=str(error))
    except Away as error:
        module.fail_json(
            msg=f"InfluxDB did not answer by way of the gateway at {options['url']} within "
            f"{options['wait_seconds']:g} s: {error}"
        )
    overlaps = Files(Path(options["home"])).has_former_reader()
    module.exit_json(changed=bool(done), done=done, revoked=revoked, reader_overlaps=overlaps)


def _run(options: dict[str, Any], dry: bool) -> tuple[list[str], list[str]]:
    """What was done, and who is revoked."""
    kept = Files(Path(options["home"]), dry)
    done = kept.revoke(options["revoked"], options["readmit"], options["edges"])
    if done and not dry:
        systemd.systemctl("reload", UNIT)
    done += _reader(kept, Path(options["read_token_file"]), options["rotate"], options["finish"])
    if others := systemd.outdated(files.read(UNIT_FILE) or "", systemd.GIVEN / UNIT):
        done.append(f"the gateway restarted: {', '.join(others)} changed")
        if not dry:
            systemd.systemctl("restart", UNIT)
    ca = read_ca(options["ca_content"], options["ca_remote"])
    try:
        InfluxDB(options["url"], ca).wait(0 if dry else options["wait_seconds"])
    except Away:
        if not dry:
            raise
    if keep_ca(Path(options["ca_path"]), ca, dry=dry):
        done.append(f"the CA put in {options['ca_path']}")
    return done, kept.revoked()


def _reader(kept: Files, path: Path, rotate: bool, finish: bool) -> list[str]:
    """Keep the token for queries; what was done."""
    token = credentials.read_secret(path)
    if token is not None and kept.knows_reader(token):
        done = [f"{path} is for root only"] if credentials.keep_secret(path, token, dry=kept.dry) else []
        if finish and kept.end_former_reader():
            done.append("the former token for queries ended")
        if not rotate or kept.has_former_reader():
            return done
    former = token if token and any(kept.knows_reader(token, name) for name in (READER_NAME, FORMER_READER)) else None
    if not kept.dry:
        new = credentials.new_secret()
        # The hash first: a token in the file that the gateway does not take is made anew by the next run, and the one
        # that it has replaced stays valid.
        kept.admit_reader(new, former)
        credentials.keep_folder(path.parent, 0o711)
        credentials.keep_secret(path, new)
    return ["a token made by which the gateway takes queries" + ("; the former one is still valid" if former else "")]


if __name__ == "__main__":
    main()
