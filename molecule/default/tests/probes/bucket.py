"""Gives the store's bucket another name, as its operator: to who writes into it, it is gone."""

import json

from probes import personal_store
from probes.personal_store import _ask


def main(called: str) -> int:
    """The status of the change."""
    _, reported = _ask("GET", "/api/v2/buckets")
    (found,) = [one for one in json.loads(reported)["buckets"] if one["name"] in (personal_store.BUCKET, "night")]
    return _ask("PATCH", f"/api/v2/buckets/{found['id']}", json.dumps({"name": called}).encode())[0]
