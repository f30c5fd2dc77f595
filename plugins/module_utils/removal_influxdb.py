"""What SecLyzer made in an InfluxDB that is another's, and takes away again: tokens, and with the data bucket and
organisation.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import credentials, existing
from .influxdb_api import GATEWAYS, Away, InfluxDB
from .layout import Refused

ORGANISATION, BUCKET = "organisation", "bucket"


@dataclass(frozen=True)
class Place:
    """Where the other's InfluxDB is, and which of its organisations and buckets SecLyzer uses."""

    url: str
    org: str
    bucket: str


def made(kind: str, name: str) -> str:
    """How it is written down that SecLyzer made an organisation or a bucket."""
    return f"{kind} {name}"


def steps(place: Place, recorded: list[str], with_data: bool) -> tuple[list[str], list[str]]:
    """What would go, in words, and what stays of it. Raises Refused when InfluxDB cannot be asked."""
    operator, influxdb = _reach(place)
    known = {str(one["description"]) for one in influxdb.tokens(operator)}
    going = [f"delete the token {name!r} of {place.url}" for name in GATEWAYS.values() if name in known]
    stays: list[str] = []
    bucket = influxdb.bucket(operator, place.org, place.bucket)
    ours = made(BUCKET, place.bucket) in recorded
    if bucket is not None and with_data and ours:
        going.append(f"delete the bucket {place.bucket} of {place.url}, with its points")
    elif bucket is not None:
        stays.append(f"the bucket {place.bucket} of the organisation {place.org} at {place.url}")
    return going, stays


def remove(place: Place, recorded: list[str], with_data: bool) -> None:
    """Takes it away. An organisation that SecLyzer made goes when no bucket of another is in it."""
    operator, influxdb = _reach(place)
    for name in GATEWAYS.values():
        influxdb.forget_tokens(operator, name, keep="")
    bucket = influxdb.bucket(operator, place.org, place.bucket)
    if not with_data or bucket is None or made(BUCKET, place.bucket) not in recorded:
        return
    influxdb.must("DELETE", f"/api/v2/buckets/{bucket.id}", operator)
    left = influxdb.must("GET", "/api/v2/buckets", operator, orgID=bucket.org_id)["buckets"]
    if made(ORGANISATION, place.org) in recorded and all(str(one["name"]).startswith("_") for one in left):
        influxdb.must("DELETE", f"/api/v2/orgs/{bucket.org_id}", operator)


def _reach(place: Place) -> tuple[str, InfluxDB]:
    """The operator's token, and InfluxDB. Raises Refused."""
    token = credentials.read_provided(existing.TOKEN)
    if token is None:
        raise Refused(f"{existing.TOKEN} is gone, and SecLyzer's tokens in {place.url} cannot be deleted without it")
    influxdb = InfluxDB(place.url)
    try:
        influxdb.wait(5)
    except Away as fault:
        raise Refused(
            f"InfluxDB at {place.url} does not answer ({fault}), and SecLyzer's tokens are in it: start it, and run "
            "remove.yml again"
        ) from fault
    return token, influxdb
