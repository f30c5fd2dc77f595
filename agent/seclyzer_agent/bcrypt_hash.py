"""Passwords against bcrypt's hashes, by the system's libcrypt, which has them on every Debian.

Python's own `crypt` leads to the same library, but is gone in Python 3.13; another library would be one more to keep.
"""

from __future__ import annotations

import hmac
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

HASH = re.compile(r"\$2[aby]\$(0[4-9]|1[0-9])\$[./A-Za-z0-9]{53}")
DEAREST = 14
"""The highest cost that is taken: some 1.5 s of a processor, as long as a scrape can wait."""
LIBRARY = "libcrypt.so.1"
SCRATCH = 32768
"""Bytes of libcrypt's `struct crypt_data`."""


def cost_of(hashed: str) -> int | None:
    """The cost of a hash of bcrypt; None for what is none."""
    found = HASH.fullmatch(hashed)
    return int(found[1]) if found else None


def matches(password: str, hashed: str) -> bool:
    """Whether a password has this hash. Takes the time of its cost, in which other threads go on.

    Raises OSError where libcrypt is missing.
    """
    plain = password.encode("utf-8", "surrogateescape")
    if b"\0" in plain:
        return False
    from ctypes import create_string_buffer  # only where there are users

    made = _crypt()(plain, hashed.encode("ascii"), create_string_buffer(SCRATCH), SCRATCH)
    return made is not None and hmac.compare_digest(bytes(made), hashed.encode("ascii"))


@cache
def _crypt() -> ctypes._NamedFuncPointer:
    import ctypes

    function = ctypes.CDLL(LIBRARY).crypt_rn
    function.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int)
    function.restype = ctypes.c_char_p
    return function


def unmatched(cost: int) -> str:
    """A hash that no password has, which takes as long as one of this cost."""
    return f"$2b${cost:02}${'.' * 53}"
