"""Classes of keys: by which hand, or for what. Pure."""

import re
from enum import IntEnum
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase


class Class(IntEnum):
    """What a key is for; its place in lists of all classes."""

    LEFT = 0  # a letter under the left hand
    RIGHT = 1
    SPACE = 2
    BACKSPACE = 3  # it deletes
    SHIFT = 4
    OTHER = 5


_LEFT_HAND, _RIGHT_HAND = "QWERTASDFGZXCVB", "YUIOPHJKLNM"
_LETTERS = {
    name: kind
    for letters, kind in ((_LEFT_HAND, Class.LEFT), (_RIGHT_HAND, Class.RIGHT))
    for letter in letters
    for name in (f"Key{letter}", letter, letter.lower())
}
_SPACES = ("Space", "space", " ")
_SLOTS = {"Left": Class.LEFT, "Right": Class.RIGHT, "Space": Class.SPACE}
_SLOT = re.compile(r"(Left|Right|Space)\([1-9][0-9]{0,8}\)")
_PLAIN = str.maketrans(ascii_uppercase, ascii_lowercase, "_-. ")


@lru_cache(maxsize=1000)
def class_of(key: str) -> Class:
    """The first class that fits a key's name. A producer may write the class and a slot in its place, as `Left(1)`."""
    plain = key.translate(_PLAIN)
    if "backspace" in plain or "delete" in plain:
        return Class.BACKSPACE
    if "Shift" in key or "shift" in key:
        return Class.SHIFT
    if key in _SPACES:
        return Class.SPACE
    if slot := _SLOT.fullmatch(key):
        return _SLOTS[slot[1]]
    return _LETTERS.get(key, Class.OTHER)
