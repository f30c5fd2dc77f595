"""What an InfluxDB holds that is ours: it is set up once, and its organisation, bucket and tokens are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import credentials
from .influxdb_api import GATEWAYS, Bucket, InfluxDB, UnknownToken
from .layout import Refused
from .removal_influxdb import BUCKET, ORGANISATION, made

USER = "seclyzer"
OPERATORS = f"{USER}'s Token"  # as InfluxDB describes it
FORMER = "seclyzer edge "  # how the descriptions of tokens begin by which edges wrote to InfluxDB themselves
DAY = 86400


@dataclass
class Store:
    """An InfluxDB and what it should hold. `dry` looks and changes nothing. `others`: it is not ours to set up."""

    influxdb: InfluxDB
    org: str
    bucket: str
    seconds: int
    operator_file: Path
    token_files: dict[str, Path]  # of the gateway, by action
    dry: bool
    others: bool = False
    overlap: bool = False
    ids: dict[str, str] = field(default_factory=dict)
    note: Callable[[str], None] = lambda what: None
    """Writes down what is about to be made in an InfluxDB that is another's, for removal."""
    done: list[str] = field(default_factory=list)
    tokens_changed: list[str] = field(default_factory=list)

    def ensure(self, rotate: bool) -> None:
        """Set up, correct and make what is missing. Raises Refused with a sentence."""
        operator = self._operator()
        if operator is None:
            return
        bucket = self._bucket(operator)
        if rotate and not self.others:
            operator = self._rotate_operator(operator)
        if bucket:
            for action in GATEWAYS:
                self._gateway(operator, bucket, action, rotate)
            self._forget_edges(operator)

    def end_older(self, keep: Mapping[str, str]) -> None:
        """Delete the gateway's tokens but these."""
        operator = credentials.read_provided(self.operator_file)
        if operator is None:
            raise Refused(self._locked_out("its operator token is not on this host"))
        for action, newest in keep.items():
            count = 0 if self.dry else self.influxdb.forget_tokens(operator, GATEWAYS[action], keep=newest)
            if count or self.dry:
                self._did(f"the former token ended by which the gateway may {action}")

    def _operator(self) -> str | None:
        """A token that InfluxDB knows; None when it is not set up and this is only a look."""
        token = credentials.read_provided(self.operator_file)
        if self.influxdb.must("GET", "/api/v2/setup")["allowed"]:
            if self.others:
                raise Refused(f"InfluxDB at {self.influxdb.url} is another's and was never set up: set it up first")
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
            self.note(made(BUCKET, self.bucket))
            fresh = self.influxdb.must("POST", "/api/v2/buckets", operator, wish)
            return Bucket(fresh["id"], fresh["orgID"], self.seconds)
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
        self.note(made(ORGANISATION, self.org))
        return str(self.influxdb.must("POST", "/api/v2/orgs", operator, {"name": self.org})["id"])

    def _gateway(self, operator: str, bucket: Bucket, action: str, rotate: bool) -> None:
        """Keep the token by which the gateway may `read` or `write`."""
        if not rotate and self._may(bucket, action):
            return
        self._did(f"a token made by which the gateway may {action}")
        self.tokens_changed.append(action)
        if not self.dry:
            token, newest = self.influxdb.make_token(
                operator, bucket.org_id, GATEWAYS[action], [bucket.permission(action)]
            )
            self._keep(self.token_files[action], token)
            self.ids[action] = newest
            if not self.overlap:
                self.influxdb.forget_tokens(operator, GATEWAYS[action], keep=newest)

    def _may(self, bucket: Bucket, action: str) -> bool:
        path = self.token_files[action]
        token = credentials.read_secret(path)
        if token is None:
            return False
        if action == "write":
            good = self.influxdb.accepts_writes(token, self.org, self.bucket) == 204
        else:
            try:
                seen = self.influxdb.bucket(token, self.org, self.bucket)
            except UnknownToken:
                return False
            good = seen is not None and seen.id == bucket.id
        if good and credentials.keep_secret(path, token, dry=self.dry):
            self._did(f"{path} is for root only")
        return good

    def _forget_edges(self, operator: str) -> None:
        """Edges write by way of the gateway, with credentials that are none of InfluxDB's."""
        former = [one for one in self.influxdb.tokens(operator) if one["description"].startswith(FORMER)]
        if not former:
            return
        self._did(f"{len(former)} tokens deleted by which edges wrote to InfluxDB themselves")
        if not self.dry:
            for one in former:
                self.influxdb.must("DELETE", f"/api/v2/authorizations/{one['id']}", operator)

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
        token, newest = self.influxdb.make_token(operator, known[0]["orgID"], OPERATORS, known[0]["permissions"])
        self._keep(self.operator_file, token)
        self.influxdb.forget_tokens(token, OPERATORS, keep=newest)
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
