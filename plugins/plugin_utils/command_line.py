"""What `ansible-playbook` was called with, and what to type for a playbook that is to be called the same way."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from ansible import constants as C
from ansible import context
from ansible.parsing.splitter import join_args, split_args

from ..module_utils.fleet import named

PROJECT = Path(__file__).resolve().parents[2]
"""The checkout, or the folder of the installed collection."""

INSTALLED = (PROJECT / "MANIFEST.json").is_file()
"""Whether these run from an installed collection: `ansible-galaxy` leaves the file there, and no checkout has it."""

REPLACED = ("only", "retry", "report_file", "html_file", "undo", "to")
"""Variables of a run that the command after it has another value of, or none."""

REACH = {
    "vault_ids": ("--vault-id", None),
    "vault_password_files": ("--vault-password-file", None),
    "ask_vault_pass": ("-J", C.DEFAULT_ASK_VAULT_PASS),
    "connection": ("-c", C.DEFAULT_TRANSPORT),
    "remote_user": ("-u", C.DEFAULT_REMOTE_USER),
    "private_key_file": ("--private-key", C.DEFAULT_PRIVATE_KEY_FILE),
    "ssh_common_args": ("--ssh-common-args", None),
    "ssh_extra_args": ("--ssh-extra-args", None),
    "ask_pass": ("-k", C.DEFAULT_ASK_PASS),
    "connection_password_file": ("--connection-password-file", C.CONNECTION_PASSWORD_FILE),
    "become": ("-b", C.DEFAULT_BECOME),
    "become_method": ("--become-method", C.DEFAULT_BECOME_METHOD),
    "become_user": ("--become-user", None),
    "become_ask_pass": ("-K", C.DEFAULT_BECOME_ASK_PASS),
    "become_password_file": ("--become-password-file", C.BECOME_PASSWORD_FILE),
}
"""How hosts are reached and vaults are opened: each option as it is typed, and what it is without."""

CHOICE = {
    "check": ("--check", False),
    "diff": ("--diff", C.DIFF_ALWAYS),
    "tags": ("--tags", ("all",)),
    "skip_tags": ("--skip-tags", ()),
}
"""What of a playbook is run, and whether it changes something."""

SECRET = re.compile(r"pass|token|secret|credential|api_?key|_users$", re.IGNORECASE)
"""In the name of a variable: its value is, or has within, what may not be printed."""
PLACE = re.compile(r"_(file|path|url)$", re.IGNORECASE)
"""At the end of such a name: the value says where the secret is."""
LOGIN = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
"""In a value: a URL with a password."""


def inventories() -> list[str]:
    """The inventories of this run, as they were named."""
    given = context.CLIARGS.get("inventory") or C.DEFAULT_HOST_LIST
    return [str(one) for one in given]


def typed(path: str, installed: bool = INSTALLED) -> str:
    """What to type for a playbook, named by its path in a checkout: the qualified name where it is installed."""
    return f"seclyzer.edge.{Path(path).stem}" if installed else path


@dataclass
class Repeated:
    """The words of this run that are typed again. `hidden`: what is not shown, for it is or may have a secret.

    `once`: the variables that were for this run alone.
    """

    words: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    once: list[str] = field(default_factory=list)


def again(playbook: str, *more: str, limit: str = "", once: Collection[str] = ()) -> str:
    """What to type for the same run of a playbook, with `more` behind what was typed.

    `limit` takes the place of the run's own. Variables that are for one run (`once`) are named and not repeated.
    """
    found = _options(CHOICE)
    extra = _variables(lambda name: name not in REPLACED, once)
    return _typed(playbook, found, extra, more, limit)


def another(playbook: str, *more: str, limit: str = "") -> str:
    """What to type for a run of another playbook: of this run only which hosts it has, and how they are reached."""
    extra = _variables(lambda name: name.startswith("ansible_"), ())
    return _typed(playbook, Repeated(), extra, more, limit)


def _typed(playbook: str, found: Repeated, extra: Repeated, more: Collection[str], limit: str) -> str:
    inventory = (word for name in context.CLIARGS.get("inventory") or () for word in ("-i", _short(str(name))))
    reach = _options(REACH)
    words = ["ansible-playbook", *inventory, *reach.words, typed(playbook), *found.words, *extra.words, *more]
    chosen = limit or str(context.CLIARGS.get("subset") or "")
    words += ["--limit", chosen] if chosen else []
    hidden = [*reach.hidden, *(f"-e {name}" for name in extra.hidden)]
    # In brackets, so that a shell refuses a line that is pasted with them.
    notes = [f" (with {named(hidden)} as you typed it, which is not shown here)"] if hidden else []
    notes += [f" (without {named(extra.once)}, for one run alone)"] if extra.once else []
    return shlex.join(words) + "".join(notes)


def _options(known: Mapping[str, tuple[str, Any]]) -> Repeated:
    """The options of this run among these that are not as they are without being typed."""
    found = Repeated()
    for name, (option, without) in known.items():
        value = context.CLIARGS.get(name)
        if not value or value == without or (isinstance(value, list | tuple) and tuple(value) == without):
            continue
        if value is True:
            found.words.append(option)
        elif name in CHOICE:
            found.words += [option, ",".join(sorted(value))]
        elif name.endswith("_args") and (SECRET.search(value) or LOGIN.search(value)):
            found.hidden.append(option)
        elif name.endswith("_args"):
            found.words.append(f"{option}={value}")  # it begins with a dash itself
        else:
            values = value if isinstance(value, list | tuple) else [value]
            found.words += [word for one in values for word in (option, _short(str(one)))]
    return found


def _variables(repeats: Callable[[str], bool], once: Collection[str]) -> Repeated:
    """The `-e` of this run in their order, each as it was typed less what is not repeated, and files by their names."""
    found = Repeated()
    for text in map(str, context.CLIARGS.get("extra_vars") or ()):
        if text.startswith("@"):
            found.words += ["-e", f"@{_short(text[1:])}"]
            continue
        parts = _parts(text)
        chosen = {name: part for name, part in parts.items() if repeats(name)}
        found.once += [name for name in chosen if name in once]
        found.hidden += [name for name, part in chosen.items() if name not in once and _is_secret(name, part)]
        shown = {name: part for name, part in chosen.items() if name not in {*found.once, *found.hidden}}
        if shown:
            found.words += ["-e", text if len(shown) == len(parts) else _joined(text, shown)]
    return found


def _parts(text: str) -> dict[str, Any]:
    """What a word after `-e` gives, by variable: values of a mapping, or `name=value` as it stands there."""
    if text[:1] in ("{", "["):
        try:
            found = yaml.safe_load(text)
        except yaml.YAMLError:
            return {}
        return {str(name): value for name, value in found.items()} if isinstance(found, dict) else {}
    return {word.partition("=")[0].strip(): word for word in split_args(text) if "=" in word}


def _joined(text: str, parts: Mapping[str, Any]) -> str:
    """Some of the variables of such a word, as one."""
    if text[:1] == "{":
        return json.dumps(parts, ensure_ascii=False, default=str)
    return str(join_args(list(parts.values()))).strip()


def _is_secret(name: str, value: Any) -> bool:
    """Whether a variable may not be printed, by its name, or by what it has within."""
    if SECRET.search(name) and not PLACE.search(name):
        return True
    if isinstance(value, Mapping):
        return any(_is_secret(str(key), one) for key, one in value.items())
    if isinstance(value, list):
        return any(_is_secret("", one) for one in value)
    return bool(LOGIN.search(str(value)))


def _short(path: str) -> str:
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path
