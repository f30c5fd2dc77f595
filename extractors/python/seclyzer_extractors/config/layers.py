"""Where settings come from: the configuration file, the environment, files with secrets, systemd's credentials."""

import os
import re
from collections.abc import Mapping
from typing import Any

from ..secret_file import ALLOWED, secret_of
from .settings import SETTINGS

# Control characters, and what else readers of YAML do not agree about: line separators, a BOM, no characters.
_STRANGE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class ConfigError(Exception):
    """The configuration cannot be used; the message is one clear line, whatever it quotes."""

    def __init__(self, message: str) -> None:
        super().__init__(re.sub(r"[\x00-\x1f\x7f]", "_", message))


def read_file(path: str) -> dict[str, Any]:
    """The keys and texts of the file, a flat YAML mapping; a key without a value is left out."""
    import yaml

    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
        if strange := _STRANGE.search(text):
            raise _no_flat_yaml(text.count("\n", 0, strange.start()) + 1)
        document = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration file {path}: {_reason(error)}") from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # the last two: \U… and [[[[…
        mark = getattr(error, "problem_mark", None)
        raise _no_flat_yaml(mark.line + 1 if mark else 1) from None
    values: dict[str, Any] = {}
    if document is None:
        return values
    if not isinstance(document, yaml.MappingNode):
        raise _no_flat_yaml(document.start_mark.line + 1)
    for key, value in document.value:
        for node in (key, value):
            if not isinstance(node, yaml.ScalarNode) or _has_surrogates(node.value):
                raise _no_flat_yaml(node.start_mark.line + 1)
        if key.value in values:
            raise ConfigError(f"the configuration file is no flat YAML: {key.value} is given twice")
        if value.tag != "tag:yaml.org,2002:null":
            values[key.value] = value.value
    return values


def _has_surrogates(text: str) -> bool:
    """Only an escape can make them, and nothing can be done with such a text."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _no_flat_yaml(line: int) -> ConfigError:
    return ConfigError(f"the configuration file is no flat YAML: only `key: value` lines are known (line {line})")


def from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The variables that are set; an empty one is the same as none."""
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        names = {setting.key: setting.env} | ({f"{setting.key}_file": f"{setting.env}_FILE"} if setting.secret else {})
        for key, variable in names.items():
            if environment.get(variable):
                values[key] = _utf8(variable, environment[variable])
    if environment.get("STATE_DIRECTORY"):
        values["state_dir"] = environment["STATE_DIRECTORY"].split(":")[0]
    return with_secret_files(values, {})


def _utf8(name: str, text: str) -> str:
    """The same text; ConfigError when it came from bytes that are no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{name} is not UTF-8") from None
    return text


def with_secret_files(values: dict[str, Any], stronger: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, `*_file` keys replaced by what their files hold; a secret beats its file. Empty is none.

    A file whose secret a stronger source has is not read.
    """
    for setting in SETTINGS:
        if not setting.secret:
            continue
        path = values.pop(f"{setting.key}_file", None)
        if not values.get(setting.key):
            values.pop(setting.key, None)
            if path and setting.key not in stronger:
                values[setting.key] = _read_secret(f"{setting.key}_file", path)
    return values


def from_credentials(environment: Mapping[str, str], named: set[str]) -> dict[str, Any]:
    """The secrets that systemd hands over and nothing else names."""
    directory = environment.get("CREDENTIALS_DIRECTORY")
    values = {}
    for setting in SETTINGS:
        path = os.path.join(directory or "", setting.key)
        if directory and setting.secret and setting.key not in named and os.path.exists(path):
            values[setting.key] = _read_secret("CREDENTIALS_DIRECTORY", path)
    return values


def _read_secret(origin: str, path: object) -> str:
    try:
        with open(str(path), "rb") as file:
            data = file.read()
    except OSError as error:
        raise ConfigError(f"cannot read {path}, which {origin} names: {_reason(error)}") from None
    try:
        return secret_of(data)
    except ValueError as fault:
        raise ConfigError(f"{path}, which {origin} names, {fault}: {ALLOWED}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is not UTF-8"
