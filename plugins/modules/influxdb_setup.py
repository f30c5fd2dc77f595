#!/usr/bin/python
"""Sets InfluxDB 2 up once, and keeps its organisation, bucket and tokens."""

from __future__ import annotations

import ssl
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils import credentials, files
from ..module_utils.influxdb_api import CA, OPERATOR, PLACE, Away, Bucket, InfluxDB, UnknownToken, keep_ca, read_ca
from ..module_utils.layout import Refused

DOCUMENTATION = r"""
module: influxdb_setup
short_description: Set InfluxDB 2 up once, and keep its organisation, bucket and tokens
version_added: "0.1.0"
description:
  - Runs on the host of InfluxDB. Waits until InfluxDB is ready, then sets it up with an operator token made on the
    host, which never leaves it. The user that belongs to it has no password, so nobody logs in.
  - An InfluxDB that was set up before is taken over when its operator token is in O(operator_token_file). Otherwise the
    module fails and says what to do.
  - Keeps a token in O(read_token_file) that may read the bucket and nothing else.
  - No token is an argument or a result.
  - When InfluxDB serves another certificate than the one in O(certificate), nothing is done but to ask for a restart.
extends_documentation_fragment: [seclyzer.edge.influxdb, seclyzer.edge.influxdb.ca, seclyzer.edge.influxdb.operator]
options:
  retention_days:
    description: How long the bucket keeps its points; 0 for ever. Corrected when it is another.
    type: int
    default: 30
  read_token_file:
    description: File with the token that may read the bucket.
    type: path
    default: /etc/seclyzer/credentials/influx-read-token
  certificate:
    description: The certificate that InfluxDB should serve; empty without TLS.
    type: str
    default: ""
  rotate:
    description: Whether to make the operator's and the reader's token anew.
    type: bool
    default: false
  wait_seconds:
    description: How long to wait until InfluxDB is ready.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Set InfluxDB up
  seclyzer.edge.influxdb_setup:
    url: https://store:8086
    certificate: /etc/ssl/influxdb.crt
    ca_content: "{{ lookup('ansible.builtin.file', 'ca.crt') }}"
"""

RETURN = r"""
done:
  description: What was done, or in check mode would be, a sentence each.
  type: list
  elements: str
  returned: always
tokens_changed:
  description: Which tokens are new, C(operator) and C(read).
  type: list
  elements: str
  returned: always
restart:
  description: Why InfluxDB has to be restarted; empty when it need not.
  type: list
  elements: str
  returned: always
"""

USER = "seclyzer"
OPERATORS = f"{USER}'s Token"  # as InfluxDB describes it
READER = "seclyzer read"
DAY = 86400


@dataclass
class Store:
    """An InfluxDB and what it should hold. `dry` looks and changes nothing."""

    influxdb: InfluxDB
    org: str
    bucket: str
    seconds: int
    operator_file: Path
    read_file: Path
    dry: bool
    done: list[str] = field(default_factory=list)
    tokens_changed: list[str] = field(default_factory=list)

    def settle(self, rotate: bool) -> None:
        """Set up, correct and make what is missing. Raises Refused with a sentence."""
        operator = self._operator()
        if operator is None:
            return
        bucket = self._bucket(operator)
        if rotate:
            operator = self._rotate_operator(operator)
        if bucket:
            self._reader(operator, bucket, rotate)

    def _operator(self) -> str | None:
        """A token that InfluxDB knows; None when it is not set up and this is only a look."""
        token = credentials.read_secret(self.operator_file)
        if self.influxdb.must("GET", "/api/v2/setup")["allowed"]:
            self._did(f"set up with organisation {self.org} and bucket {self.bucket}")
            self.tokens_changed.append("operator")
            if self.dry:
                return None
            token = token or credentials.new_secret()
            self._keep(self.operator_file, token)  # before it is used: a token that only InfluxDB knows is lost
            rules = {"org": self.org, "bucket": self.bucket, "retentionPeriodSeconds": self.seconds}
            self.influxdb.must("POST", "/api/v2/setup", body={"username": USER, "token": token, **rules})
            return token
        if token is None:
            raise Refused(self._locked_out("its operator token is not on this host"))
        if credentials.keep_secret(self.operator_file, token, dry=self.dry):
            self._did(f"{self.operator_file} is for root only")
        return token

    def _bucket(self, operator: str) -> Bucket | None:
        try:
            bucket = self.influxdb.bucket(operator, self.org, self.bucket)
        except UnknownToken as error:
            raise Refused(self._locked_out(f"it does not know the token in {self.operator_file}")) from error
        rules = [{"type": "expire", "everySeconds": self.seconds}] if self.seconds else []
        if bucket is None:
            self._did(f"bucket {self.bucket} made")
            if self.dry:
                return None
            wish = {"orgID": self._org(operator), "name": self.bucket, "retentionRules": rules}
            made = self.influxdb.must("POST", "/api/v2/buckets", operator, wish)
            return Bucket(made["id"], made["orgID"], self.seconds)
        if bucket.seconds != self.seconds:
            self._did(f"bucket {self.bucket} keeps its points {self.seconds // DAY} days, not {bucket.seconds // DAY}")
            if not self.dry:
                path = f"/api/v2/buckets/{bucket.id}"
                self.influxdb.must("PATCH", path, operator, {"retentionRules": rules})
        return bucket

    def _org(self, operator: str) -> str:
        answer = self.influxdb.call("GET", "/api/v2/orgs", operator, org=self.org)
        if answer.status == 200:
            return str(answer.body["orgs"][0]["id"])
        self._did(f"organisation {self.org} made")
        return str(self.influxdb.must("POST", "/api/v2/orgs", operator, {"name": self.org})["id"])

    def _reader(self, operator: str, bucket: Bucket, rotate: bool) -> None:
        if not rotate and self._reads(bucket):
            return
        self._did("a token that may read the bucket made")
        self.tokens_changed.append("read")
        if not self.dry:
            rights = [bucket.permission("read")]
            token, made = self.influxdb.make_token(operator, bucket.org_id, READER, rights)
            self._keep(self.read_file, token)
            self.influxdb.forget_tokens(operator, READER, keep=made)

    def _reads(self, bucket: Bucket) -> bool:
        token = credentials.read_secret(self.read_file)
        if token is None:
            return False
        try:
            seen = self.influxdb.bucket(token, self.org, self.bucket)
        except UnknownToken:
            return False
        if credentials.keep_secret(self.read_file, token, dry=self.dry):
            self._did(f"{self.read_file} is for root only")
        return seen is not None and seen.id == bucket.id

    def _rotate_operator(self, operator: str) -> str:
        self._did("the operator's token made anew")
        self.tokens_changed.append("operator")
        if self.dry:
            return operator
        known = [one for one in self.influxdb.tokens(operator) if one["description"] == OPERATORS]
        if not known:
            raise Refused(
                f"the operator token of InfluxDB at {self.influxdb.url} was not made here and cannot be made anew: "
                f"make another by hand, put it in {self.operator_file}, and delete the old one"
            )
        token, made = self.influxdb.make_token(operator, known[0]["orgID"], OPERATORS, known[0]["permissions"])
        self._keep(self.operator_file, token)
        self.influxdb.forget_tokens(token, OPERATORS, keep=made)
        return token

    def _keep(self, path: Path, token: str) -> None:
        credentials.keep_folder(path.parent, 0o711)
        credentials.keep_secret(path, token)

    def _did(self, what: str) -> None:
        self.done.append(what)

    def _locked_out(self, why: str) -> str:
        return (
            f"InfluxDB at {self.influxdb.url} was set up before, and {why}. Put its operator token in "
            f"{self.operator_file} and run again; or, to begin with an empty one, stop influxdb and remove its state."
        )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **PLACE,
            **CA,
            **OPERATOR,
            "retention_days": {"type": "int", "default": 30},
            "read_token_file": {
                "type": "path",
                "default": "/etc/seclyzer/credentials/influx-read-token",
                "no_log": False,
            },
            "certificate": {"type": "str", "default": ""},
            "rotate": {"type": "bool", "default": False},
            "wait_seconds": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    wanted, dry = module.params, module.check_mode
    try:
        done, tokens, restart = _run(wanted, dry)
    except Refused as error:
        module.fail_json(msg=str(error))
    except Away as error:
        module.fail_json(
            msg=f"InfluxDB at {wanted['url']} did not get ready within {wanted['wait_seconds']:g} s: {error}"
        )
    module.exit_json(changed=bool(done or restart), done=done, tokens_changed=tokens, restart=restart)


def _run(wanted: dict[str, Any], dry: bool) -> tuple[list[str], list[str], list[str]]:
    """What was done, which tokens are new, why a restart is needed."""
    ca = read_ca(wanted["ca_content"], wanted["ca_remote"])
    if wanted["certificate"] and not serves(wanted["url"], wanted["certificate"]):
        return [], [], [f"it serves another certificate than the one in {wanted['certificate']}"]
    influxdb = InfluxDB(wanted["url"], ca)
    try:
        influxdb.wait(0 if dry else wanted["wait_seconds"])
    except Away:
        if not dry:
            raise
        return ["InfluxDB would be waited for and set up"], [], []
    done = [f"the CA put in {wanted['ca_path']}"] if keep_ca(Path(wanted["ca_path"]), ca, dry=dry) else []
    store = Store(
        influxdb,
        wanted["org"],
        wanted["bucket"],
        wanted["retention_days"] * DAY,
        Path(wanted["operator_token_file"]),
        Path(wanted["read_token_file"]),
        dry,
        done,
    )
    store.settle(wanted["rotate"])
    return store.done, store.tokens_changed, []


def serves(url: str, certificate: str) -> bool:
    """Whether the first certificate in a file is the one served at a URL; true while nobody answers there."""
    text = files.read(Path(certificate))
    if text is None:
        return True
    end = "-----END CERTIFICATE-----"
    address = urllib.parse.urlsplit(url)
    try:
        served = ssl.get_server_certificate((address.hostname or "", address.port or 443), timeout=10)
    except OSError:
        return True
    return ssl.PEM_cert_to_DER_cert(served) == ssl.PEM_cert_to_DER_cert(text.partition(end)[0].strip() + f"\n{end}\n")


if __name__ == "__main__":
    main()
