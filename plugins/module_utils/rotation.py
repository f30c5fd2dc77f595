"""What a rotation is asked for, and what came of it: words in, sentences out, for all hosts at once.

Pure: what earlier tasks registered of each host comes in.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .fleet import count, named
from .fleet_entry import plain
from .layout import Refused

SUBJECTS = ("redis", "store", "certificates")
FINISH = "finish"
HOW = (
    "rotate names what to rotate, some of redis, store and certificates, or all; or rotate=finish, which ends the "
    "former passwords and tokens that are still valid"
)
PASSWORDS = "/etc/seclyzer/credentials/redis-"
READ_TOKEN = "/etc/seclyzer/credentials/influx-read-token"
AGAIN = "ansible-playbook playbooks/rotate.yml -e rotate=finish"

Vars = Mapping[str, Any]


def chosen(wish: object) -> dict[str, bool]:
    """What `-e rotate=` means. Raises Refused with a sentence."""
    words = [str(one) for one in wish] if isinstance(wish, list) else str(wish or "").split(",")
    words = [word.strip() for word in words if word.strip()]
    if not words:
        raise Refused(f"nothing to rotate: {HOW}")
    if unknown := [word for word in words if word not in (*SUBJECTS, FINISH, "all")]:
        raise Refused(f"rotate is {', '.join(unknown)}: {HOW}")
    if FINISH in words and len(words) > 1:
        raise Refused(
            "rotate=finish ends what an earlier run replaced and makes nothing anew: run it by itself, once everybody "
            "has what is new"
        )
    return {name: name in words or "all" in words for name in SUBJECTS} | {FINISH: FINISH in words}


@dataclass(frozen=True)
class Seen:
    """What was registered of one host; empty where a task did not run. `failed` and `refused` are causes.

    `acl`: of making passwords anew, when that was meant; `ended`: the last run of the same module.
    """

    host: str
    acl: Vars = field(default_factory=dict)
    ended: Vars = field(default_factory=dict)
    units: Vars = field(default_factory=dict)
    token: bool = False
    access: Vars = field(default_factory=dict)
    setup: Vars = field(default_factory=dict)
    gateway: Vars = field(default_factory=dict)
    notes: Sequence[str] = ()
    failed: str = ""
    refused: Sequence[str] = ()
    lost: bool = False

    @property
    def overlapping(self) -> Mapping[str, Vars]:
        """Users of Redis whose former password is still valid, after all of the run."""
        found: Mapping[str, Vars] = self.ended.get("overlapping") or {}
        return found

    @property
    def bad(self) -> bool:
        """Whether the host needs an operator."""
        return bool(self.failed or self.refused or self.lost)

    @property
    def causes(self) -> list[str]:
        """Why it does."""
        return [*self.refused] or [plain(self.failed) or "it was not reached"]


def lines(hosts: Sequence[Seen], check: bool) -> list[str]:
    """The report: what is wrong, what was done, what an operator still has to do."""
    bad = [one for one in hosts if one.bad]
    found = [
        f"{count(len(hosts), 'host')}: {count(len(bad), 'host')} with trouble" + (" (checked only)" if check else "")
    ]
    for one in bad:
        found += [f"{one.host}  {'NOT REACHED' if one.lost else 'NOT ROTATED'}: {words}" for words in one.causes]
    found += _alike([(one.host, words) for one in hosts for words in _done(one)])
    found += _alike([(one.host, words) for one in hosts for words in one.notes])
    todo = _todo(hosts)
    if bad:
        todo.insert(
            0, "mend that and run the same again: it goes on where this ended, and former credentials stay valid"
        )
    return [*found, *(f"to do  {words}" for words in todo)]


def _alike(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Sentences with the hosts that they hold for, each once."""
    by_words: dict[str, list[str]] = {}
    for host, words in pairs:
        by_words.setdefault(words, []).append(host)
    return [f"{words}: {named(hosts)}" for words, hosts in by_words.items()]


def _done(one: Seen) -> list[str]:
    acl = one.acl.get("users_changed") or []
    ended, closed = one.ended.get("finished") or [], int(one.ended.get("closed") or 0)
    restarted = one.units.get("restarted") or []
    words = [f"Redis: new passwords of {', '.join(acl)}"] if acl else []
    words += [f"Redis: former passwords of {', '.join(ended)} ended"] if ended else []
    words += [f"Redis: {count(closed, 'connection')} closed that had not logged in anew"] if closed else []
    words += ["store: a new token of the edge, the former one ended"] if one.token else []
    words += [f"store: {sentence}" for sentence in one.setup.get("done") or []]
    words += [f"store: {sentence}" for sentence in one.gateway.get("done") or []]
    words += [f"restarted one after the other: {', '.join(restarted)}"] if restarted else []
    return words or ([] if one.bad else ["nothing to do"])


def _todo(hosts: Sequence[Seen]) -> list[str]:
    """What only a person can do: other people's programs have passwords, too."""
    found, waits = [], False
    users = sorted({user for one in hosts for user in one.overlapping})
    for user in users:
        having = [one for one in hosts if user in one.overlapping]
        late = [
            f"{one.host} ({one.overlapping[user]['older']})" for one in having if one.overlapping[user].get("older")
        ]
        since = min(int(one.overlapping[user]["since"]) for one in having)
        day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(since))
        found.append(
            f"hand out {PASSWORDS}{user} of {named([one.host for one in having])} to who logs in as {user}; beside it "
            f"the one from before {day}Z is valid"
            + (f". Connections that have not logged in since: {', '.join(late)}" if late else "")
        )
        waits = True
    readers = [one.host for one in hosts if one.gateway.get("reader_overlaps")]
    if readers:
        found.append(f"hand out {READ_TOKEN} of {named(readers)} to who queries; the former one is valid beside it")
        waits = True
    if waits:
        found.append(f"then end the former ones: {AGAIN}")
    return found
