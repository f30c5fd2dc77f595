#!/usr/bin/python
"""Makes a token that may write to a bucket and nothing else."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import credentials, files
from ..module_utils.influxdb_api import OPERATOR, PLACE, Away, InfluxDB, UnknownToken
from ..module_utils.layout import Refused

DOCUMENTATION = r"""
module: influxdb_token
short_description: Make a token that may write to a bucket and nothing else
version_added: "0.1.0"
description:
  - Runs on the host of InfluxDB, where the operator token is. InfluxDB shows a token once, when it is made; so this is
    for a host that has none, or whose token is lost. Older tokens of the same description are deleted.
  - The result holds the token. Run it with C(no_log).
extends_documentation_fragment: [seclyzer.edge.influxdb, seclyzer.edge.influxdb.operator]
options:
  description:
    description: Whose token it is. One description has one token.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Make the edge's token
  seclyzer.edge.influxdb_token:
    url: https://store:8086
    description: seclyzer edge edge1
  register: __made
  delegate_to: store
  no_log: true
"""

RETURN = r"""
token:
  description: The token; empty in check mode.
  type: str
  returned: always
replaced:
  description: How many older tokens of this description were deleted.
  type: int
  returned: always
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **PLACE,
            **OPERATOR,
            "description": {"type": "str", "required": True},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    if module.check_mode:
        module.exit_json(changed=True, token="", replaced=0)
    try:
        token, replaced = make(
            InfluxDB(wanted["url"], files.read(Path(wanted["ca_path"])) or ""),
            credentials.read_secret(Path(wanted["operator_token_file"])),
            wanted["org"],
            wanted["bucket"],
            wanted["description"],
        )
    except Refused as error:
        module.fail_json(msg=str(error))
    except Away as error:
        module.fail_json(msg=f"InfluxDB at {wanted['url']} does not answer on its own host: {error}")
    module.exit_json(changed=True, token=token, replaced=replaced)


def make(influxdb: InfluxDB, operator: str | None, org: str, bucket: str, description: str) -> tuple[str, int]:
    """Make the token and delete the older ones; returns it and how many there were. Raises Refused with a sentence."""
    told = "run the role influxdb on it first"
    if operator is None:
        raise Refused(f"the host of {influxdb.url} has no operator token: {told}")
    try:
        found = influxdb.bucket(operator, org, bucket)
    except UnknownToken as error:
        raise Refused(f"InfluxDB at {influxdb.url} does not know its operator token: {told}") from error
    if found is None:
        raise Refused(f"InfluxDB at {influxdb.url} has no bucket {bucket} in organisation {org}: {told}")
    token, made = influxdb.make_token(operator, found.org_id, description, [found.permission("write")])
    return token, influxdb.forget_tokens(operator, description, keep=made)


if __name__ == "__main__":
    main()
