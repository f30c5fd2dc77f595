"""An InfluxDB 2 as far as the modules see it: setup, organisations, buckets, authorizations, writing nothing.

Statuses and shapes are those of 2.9.1. Tokens are kept as that version keeps them: hashed, so that none is shown twice.
"""

from __future__ import annotations

import hashlib
import json
import threading
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

EVERYTHING = [
    {"action": action, "resource": {"type": kind}} for kind in ("buckets", "orgs") for action in ("read", "write")
]


@dataclass
class Authorization:
    """A token's hash and what it may do."""

    id: str
    hashed: str
    description: str
    org_id: str
    permissions: list[Any]

    def may(self, action: str, bucket: str) -> bool:
        """Whether it may read or write a bucket's points."""
        return any(
            right["action"] == action and right["resource"].get("id") in (None, bucket) for right in self.permissions
        )


@dataclass
class Fake:
    """The state of a fake InfluxDB, and its server."""

    orgs: dict[str, str] = field(default_factory=dict)  # id by name
    buckets: dict[str, dict[str, Any]] = field(default_factory=dict)  # by id
    authorizations: list[Authorization] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    made: int = 0
    starting: int = 0  # how many requests are answered 503 first

    def __post_init__(self) -> None:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size) or "null") if size else None
                token = (self.headers.get("Authorization") or "").removeprefix("Token ")
                address = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(address.query))
                status, reported = fake.answer(self.command, address.path, token, query, body)
                data = b"" if reported is None else json.dumps(reported).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        """Go away."""
        self.server.shutdown()
        self.server.server_close()

    def knows(self, token: str) -> Authorization | None:
        """The authorization of a token, or None."""
        hashed = hashlib.sha256(token.encode()).hexdigest()
        return next((one for one in self.authorizations if one.hashed == hashed), None)

    def described(self) -> list[str]:
        """The descriptions of all its tokens."""
        return sorted(one.description for one in self.authorizations)

    def answer(self, method: str, path: str, token: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """The status and JSON for one request."""
        self.requests.append(f"{method} {path}")
        if self.starting:
            self.starting -= 1
            return 503, None
        if path == "/health":
            return 200, {"status": "pass"}
        if path == "/api/v2/setup":
            return self._setup(method, body)
        who = self.knows(token)
        if who is None:
            return 401, {"code": "unauthorized", "message": "unauthorized access"}
        if path == "/api/v2/write":
            return self._write(who, query)
        kind = path.split("/")[3]
        if kind == "orgs":
            return self._orgs(method, query, body)
        if kind == "buckets":
            return self._buckets(method, path, who, query, body)
        return self._authorizations(method, path, who, body)

    def _setup(self, method: str, body: Any) -> tuple[int, Any]:
        if method == "GET":
            return 200, {"allowed": not self.orgs}
        org = self._new_org(body["org"])
        self._new_bucket(org, body["bucket"], body["retentionPeriodSeconds"])
        self._new_token(f"{body['username']}'s Token", org, EVERYTHING, body["token"])
        return 201, {}

    def _write(self, who: Authorization, query: dict[str, str]) -> tuple[int, Any]:
        bucket = self._bucket(query["bucket"])
        if query["org"] not in self.orgs or bucket is None:
            return 404, {"code": "not found", "message": "not found"}
        return (204, None) if who.may("write", bucket["id"]) else (403, {"code": "forbidden", "message": "no"})

    def _orgs(self, method: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "POST":
            return 201, {"id": self._new_org(body["name"])}
        if query["org"] not in self.orgs:
            return 404, {"message": "organization name not found"}
        return 200, {"orgs": [{"id": self.orgs[query["org"]]}]}

    def _buckets(self, method: str, path: str, who: Authorization, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if method == "PATCH":
            bucket = self.buckets[path.rpartition("/")[2]]
            bucket["retentionRules"] = body["retentionRules"]
            return 200, bucket
        if method == "POST":
            seconds = sum(rule["everySeconds"] for rule in body["retentionRules"])
            return 201, self._new_bucket(body["orgID"], body["name"], seconds)
        found = self._bucket(query["name"])
        if query["org"] not in self.orgs or found is None:
            return 404, {"message": "not found"}
        return 200, {"buckets": [found] if who.may("read", found["id"]) else []}

    def _authorizations(self, method: str, path: str, who: Authorization, body: Any) -> tuple[int, Any]:
        if method == "DELETE":
            self.authorizations = [one for one in self.authorizations if one.id != path.rpartition("/")[2]]
            return 204, None
        if method == "POST":
            return 201, self._new_token(body["description"], body["orgID"], body["permissions"])
        seen = self.authorizations if who.permissions == EVERYTHING else []
        reported = [{"id": one.id, "description": one.description, "token": ""} for one in seen]
        rights = [{"orgID": one.org_id, "permissions": one.permissions} for one in seen]
        return 200, {"authorizations": [one | more for one, more in zip(reported, rights, strict=True)]}

    def _bucket(self, name: str) -> dict[str, Any] | None:
        return next((one for one in self.buckets.values() if one["name"] == name), None)

    def _id(self) -> str:
        self.made += 1
        return f"{self.made:016x}"

    def _new_org(self, name: str) -> str:
        self.orgs[name] = self._id()
        return self.orgs[name]

    def _new_bucket(self, org: str, name: str, seconds: int) -> dict[str, Any]:
        rules = [{"type": "expire", "everySeconds": seconds}] if seconds else []
        bucket = {"id": self._id(), "orgID": org, "name": name, "retentionRules": rules}
        self.buckets[str(bucket["id"])] = bucket
        return bucket

    def _new_token(self, description: str, org: str, permissions: list[Any], token: str = "") -> dict[str, Any]:
        made = token or f"token-{self._id()}"
        hashed = hashlib.sha256(made.encode()).hexdigest()
        self.authorizations.append(Authorization(self._id(), hashed, description, org, permissions))
        return {"id": self.authorizations[-1].id, "token": made}
