"""The gateway's files on the store: whose credentials it takes, and who was revoked."""

from __future__ import annotations

import grp
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from . import credentials, files, gateway_credentials
from .gateway_credentials import EDGE, READER, Credential
from .layout import Refused

HOME = "/etc/seclyzer/gateway"
GROUP = "influxdb-gateway"
UNIT = "influxdb-gateway.service"
READER_NAME = "reader"
FORMER_READER = "reader before"
"""The name of a reader's token that was replaced, and is valid until its rotation is finished."""


@dataclass(frozen=True)
class Files:
    """What lies in the gateway's folder. `dry` looks and changes nothing."""

    home: Path
    dry: bool = False

    @property
    def path(self) -> Path:
        """The hashes, for the gateway's group to read."""
        return self.home / "credentials"

    @property
    def revoked_path(self) -> Path:
        """The names of edges that were revoked, a line each."""
        return self.home / "revoked"

    def load(self) -> list[Credential]:
        """The credentials that the gateway takes."""
        return gateway_credentials.parse(files.read(self.path) or "")

    def revoked(self) -> list[str]:
        """The edges that get no credential."""
        return (files.read(self.revoked_path) or "").splitlines()

    def admit_edge(self, name: str, host: str, token: str, overlap: bool = False) -> None:
        """Take this token of an edge, and no older one unless they `overlap`. Raises Refused."""

        def change(known: list[Credential]) -> list[Credential]:
            if name in self.revoked():
                raise Refused(
                    f"{name} was revoked, so it gets no credential; "
                    f'-e \'{{"influxdb_gateway_readmit": ["{name}"]}}\', '
                    "without it in influxdb_gateway_revoked, lets it in again"
                )
            return gateway_credentials.with_edge(known, name, host, token, overlap)

        self._change(change)

    def withdraw(self, *names: str) -> bool:
        """Take edges' credentials away, for them to get others when they come again; False when none has any."""
        if not any(one.kind == EDGE and one.name in names for one in self.load()):
            return False
        self._change(lambda known: [one for one in known if one.kind != EDGE or one.name not in names])
        return True

    def admit_reader(self, token: str, former: str | None = None) -> None:
        """Take this token of the reader, and no older one but the `former`."""
        mine = [_reader(READER_NAME, token), *([_reader(FORMER_READER, former)] if former else [])]
        self._change(lambda known: [*(one for one in known if one.kind != READER), *mine])

    def knows_reader(self, token: str, name: str = READER_NAME) -> bool:
        """Whether this is the reader's token, by default the one that is not replaced yet."""
        return _reader(name, token) in self.load()

    def has_former_reader(self) -> bool:
        """Whether a token of the reader that was replaced is still taken."""
        return any((one.kind, one.name) == (READER, FORMER_READER) for one in self.load())

    def end_former_reader(self) -> bool:
        """Take the token that was replaced no more; False when there is none."""
        there = self.has_former_reader()
        if there:
            self._change(lambda known: [one for one in known if (one.kind, one.name) != (READER, FORMER_READER)])
        return there

    def revoke(self, desired: Iterable[str], readmit: Iterable[str], edges: Iterable[str]) -> list[str]:
        """Revoke these edges, for good: one that is no longer named stays revoked until it is readmitted.

        `edges`: those of the inventory. Returns what was done, a sentence for each. Raises Refused.
        """
        desired, readmit, before = set(desired), set(readmit), set(self.revoked())
        known = {one.name for one in self.load() if one.kind == EDGE}
        if both := desired & readmit:
            raise Refused(f"{', '.join(sorted(both))} cannot be revoked and readmitted at once")
        if known and (strangers := desired - before - known - set(edges)):
            raise Refused(
                f"influxdb_gateway_revoked names {', '.join(sorted(strangers))}, and no edge is called so; "
                f"credentials have {', '.join(sorted(known))}"
            )
        after = (before | desired) - readmit
        done = [f"{name} is revoked" for name in sorted(after - before)]
        done += [f"{name} may have a credential again" for name in sorted(before - after)]
        still = after & known
        done += [f"the credential of {name} taken away" for name in sorted(still)]
        if done and not self.dry:
            # First who gets no new one, then who has none: a run that ends between the two is made good by the next.
            credentials.keep(self.revoked_path, "".join(f"{name}\n" for name in sorted(after)), 0o644)
            if still:
                self._change(lambda now: [one for one in now if one.kind != EDGE or one.name not in after])
        return done

    def _change(self, change: Callable[[list[Credential]], list[Credential]]) -> None:
        """Edges of a rollout come at the same time; one after the other."""
        if self.dry:
            return
        with files.locked(self.home / ".lock"):
            text = gateway_credentials.render(change(self.load()))
            credentials.keep(self.path, text, 0o640, group_id())


def _reader(name: str, token: str) -> Credential:
    return Credential(READER, name, gateway_credentials.sha256(token))


def group_id() -> int | None:
    """The gateway's group; None where there is none, as in tests."""
    try:
        return grp.getgrnam(GROUP).gr_gid
    except KeyError:
        return None
