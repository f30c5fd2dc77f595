"""`web.yml`, in the format of Prometheus' exporter-toolkit: TLS, users, and client certificates.

Taken is what makes a connection private and its client known; anything else is refused by name.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import bcrypt_hash

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
TLS_KEYS = ("cert_file", "key_file", "client_auth_type", "client_ca_file", "min_version")
KEYS = ("tls_server_config", "basic_auth_users")
LONGEST = 1024 * 1024
"""Bytes of a `web.yml`."""


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What a `web.yml` says; `client_ca_file` is None when it names none."""

    cert_file: Path
    key_file: Path
    client_ca_file: Path | None
    clients: ssl.VerifyMode
    min_version: ssl.TLSVersion
    users: Mapping[str, str]

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it names."""
        return (self.cert_file, self.key_file, *((self.client_ca_file,) if self.client_ca_file else ()))


def read(path: Path) -> WebConfig:
    """Read it; what it names by a relative path stands beside it. ValueError: what is wrong, in a sentence."""
    document = _document(path)
    tls = document.get("tls_server_config")
    if not isinstance(tls, dict) or not tls.get("cert_file") or not tls.get("key_file"):
        raise ValueError(f"{path} has no tls_server_config with cert_file and key_file")
    _only_known(path, tls, TLS_KEYS, "tls_server_config")
    files = {key: _file(path, tls, key) for key in ("cert_file", "key_file", "client_ca_file")}
    clients = CLIENTS[_one_of(path, tls.get("client_auth_type") or "NoClientCert", "client_auth_type", CLIENTS)]
    version = VERSIONS[_one_of(path, tls.get("min_version") or "TLS12", "min_version", VERSIONS)]
    if (clients is not ssl.CERT_NONE) is not bool(files["client_ca_file"]):
        raise ValueError(f"{path} has to name client_ca_file with a client_auth_type that verifies, and only then")
    users = _users(path, document.get("basic_auth_users") or {})
    if not users and clients is not ssl.CERT_REQUIRED:
        raise ValueError(
            f"{path} lets in anybody: it needs basic_auth_users, or client_auth_type: RequireAndVerifyClientCert"
        )
    cert, key = files["cert_file"], files["key_file"]
    assert cert is not None and key is not None
    return WebConfig(cert, key, files["client_ca_file"], clients, version, users)


def context(config: WebConfig) -> ssl.SSLContext:
    """For the server's end of connections. ValueError: which file is of no use."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = config.min_version
    made.verify_mode = config.clients
    made.set_alpn_protocols(["http/1.1"])
    try:
        made.load_cert_chain(config.cert_file, config.key_file, password=_no_password)
    except (OSError, ValueError) as error:
        raise ValueError(
            f"cert_file {config.cert_file} and key_file {config.key_file} cannot be used: {_why(error)}"
        ) from None
    if config.client_ca_file is not None:
        try:
            made.load_verify_locations(config.client_ca_file)
        except (OSError, ValueError) as error:
            raise ValueError(f"client_ca_file {config.client_ca_file} cannot be used: {_why(error)}") from None
    return made


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            document = yaml.safe_load(file.read(LONGEST))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        raise ValueError(f"{path} is not YAML") from None
    if not isinstance(document, dict):
        raise ValueError(f"{path} must hold {' and '.join(KEYS)}")
    _only_known(path, document, KEYS, "the file")
    return document


def _only_known(path: Path, found: Mapping[Any, Any], known: tuple[str, ...], where: str) -> None:
    for key in found:
        if key not in known:
            raise ValueError(
                f"{path} has {ascii(key)[:60]} in {where}, which the agent does not take: {', '.join(known)}"
            )


def _file(path: Path, tls: Mapping[str, Any], key: str) -> Path | None:
    value = tls.get(key) or ""
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(f"{path} has to name a file by {key}")
    return path.parent / value if value else None


def _one_of(path: Path, value: Any, key: str, allowed: Mapping[str, Any]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{path} has {key} {ascii(value)[:40]}; the agent takes {', '.join(allowed)}")
    return value


def _users(path: Path, found: Any) -> dict[str, str]:
    """The users and their hashes, which no sentence shows."""
    if not isinstance(found, dict):
        raise ValueError(f"{path}: basic_auth_users must map names to hashes of bcrypt")
    for name, hashed in found.items():
        if not isinstance(name, str) or not name or ":" in name:
            raise ValueError(f"{path}: basic_auth_users has a name that is none")
        cost = bcrypt_hash.cost_of(hashed) if isinstance(hashed, str) else None
        if cost is None:
            raise ValueError(
                f"{path}: basic_auth_users has for {ascii(name)[:40]} no hash of bcrypt (htpasswd -nBC 10)"
            )
        if cost > bcrypt_hash.DEAREST:
            raise ValueError(
                f"{path}: the hash of {ascii(name)[:40]} has cost {cost}, with which a scrape takes too long; "
                f"{bcrypt_hash.DEAREST} at most (htpasswd -nBC 10)"
            )
    return dict(found)


def _no_password() -> str:
    raise ValueError("the key has a password, and there is no one to ask for it")


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, ssl.SSLError):
        return str(error.reason or "not readable as PEM").replace("_", " ").lower()
    return getattr(error, "strerror", None) or str(error)
