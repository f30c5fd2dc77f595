#!/usr/bin/python
"""Sets InfluxDB 2 up once, and keeps its organisation, bucket and tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import found
from ..module_utils.influxdb_api import GATEWAYS, OPERATOR, PLACE, Away, InfluxDB
from ..module_utils.influxdb_store import DAY, Store
from ..module_utils.layout import Layout, Refused

DOCUMENTATION = r"""
module: influxdb_setup
short_description: Set InfluxDB 2 up once, and keep its organisation, bucket and tokens
version_added: "0.1.0"
description:
  - Runs on the host of InfluxDB. Waits until InfluxDB is ready, then sets it up with an operator token made on the
    host, which never leaves it. The user that belongs to it has no password, so no one can log in.
  - An InfluxDB that was set up before is taken over when its operator token is in O(operator_token_file). Otherwise the
    module fails and reports what to do.
  - Keeps the two tokens of the gateway, in O(read_token_file) one that may read the bucket, in O(write_token_file)
    one that may write to it. InfluxDB's right to write lets points and the bucket be deleted, so neither leaves it.
  - Deletes the tokens by which edges wrote to InfluxDB themselves, before there was a gateway.
  - No token is an argument or a result.
extends_documentation_fragment: [seclyzer.edge.influxdb, seclyzer.edge.influxdb.operator]
options:
  retention_days:
    description: How long the bucket keeps its points; 0 for ever. Corrected when it is another.
    type: int
    default: 30
  read_token_file:
    description: File with the gateway's token that may read the bucket.
    type: path
    default: /etc/seclyzer/credentials/influx-backend-read-token
  write_token_file:
    description: File with the gateway's token that may write to the bucket.
    type: path
    default: /etc/seclyzer/credentials/influx-backend-write-token
  others:
    description: Whether InfluxDB is another's, which is not set up here.
    type: bool
    default: false
  rotate:
    description: Whether to make the operator's and the gateway's tokens anew. The operator of another's keeps its own.
    type: bool
    default: false
  overlap:
    description: With O(rotate), whether the gateway's older tokens stay valid until O(keep) ends them.
    type: bool
    default: false
  keep:
    description: For C(read) and C(write), the id of the gateway's token that stays valid. All older ones are deleted.
    type: dict
    default: {}
  wait_seconds:
    description: How long to wait until InfluxDB is ready.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Set InfluxDB up
  seclyzer.edge.influxdb_setup:
    url: http://127.0.0.1:8087
"""

RETURN = r"""
done:
  description: What was done, or in check mode would be, a sentence each.
  type: list
  elements: str
  returned: always
tokens_changed:
  description: Which tokens are new, C(operator), C(read) and C(write).
  type: list
  elements: str
  returned: always
ids:
  description: InfluxDB's ids of the gateway's new tokens, by what they may do, for O(keep).
  type: dict
  returned: always
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **PLACE,
            **OPERATOR,
            "retention_days": {"type": "int", "default": 30},
            "read_token_file": {
                "type": "path",
                "default": "/etc/seclyzer/credentials/influx-backend-read-token",
                "no_log": False,
            },
            "write_token_file": {
                "type": "path",
                "default": "/etc/seclyzer/credentials/influx-backend-write-token",
                "no_log": False,
            },
            "rotate": {"type": "bool", "default": False},
            "overlap": {"type": "bool", "default": False},
            "keep": {"type": "dict", "default": {}},
            "others": {"type": "bool", "default": False},
            "wait_seconds": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    options, dry = module.params, module.check_mode
    try:
        done, tokens, ids = _run(options, dry)
    except Refused as error:
        module.fail_json(msg=str(error))
    except Away as error:
        module.fail_json(
            msg=f"InfluxDB at {options['url']} did not get ready within {options['wait_seconds']:g} s: {error}"
        )
    module.exit_json(changed=bool(done), done=done, tokens_changed=tokens, ids=ids)


def _run(options: dict[str, Any], dry: bool) -> tuple[list[str], list[str], dict[str, str]]:
    """What was done, which tokens are new, and the ids of the gateway's."""
    influxdb = InfluxDB(options["url"])
    try:
        influxdb.wait(0 if dry else options["wait_seconds"])
    except Away:
        if not dry:
            raise
        return ["InfluxDB would be waited for and set up"], [], {}
    store = Store(
        influxdb,
        options["org"],
        options["bucket"],
        options["retention_days"] * DAY,
        Path(options["operator_token_file"]),
        {action: Path(options[f"{action}_token_file"]) for action in GATEWAYS},
        dry,
        options["others"],
        options["overlap"],
        note=(lambda what: found.make(Layout(), what)) if options["others"] else (lambda what: None),
    )
    if options["keep"]:
        store.end_older(options["keep"])
    else:
        store.ensure(options["rotate"])
    return store.done, store.tokens_changed, store.ids


if __name__ == "__main__":
    main()
