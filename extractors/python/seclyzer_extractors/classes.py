"""Classes of keys: by which hand, or for what. Pure."""

import re
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

CLASSES = ("left", "right", "space", "backspace", "shift", "other")
# A class is its place among them: letters under the left and under the right hand, keys that delete, and so on.
LEFT, RIGHT, SPACE, BACKSPACE, SHIFT, OTHER = range(len(CLASSES))

_LEFT_HAND, _RIGHT_HAND = "QWERTASDFGZXCVB", "YUIOPHJKLNM"
_LETTERS = {
    name: kind
    for letters, kind in ((_LEFT_HAND, LEFT), (_RIGHT_HAND, RIGHT))
    for letter in letters
    for name in (f"Key{letter}", letter, letter.lower())
}
_SPACES = ("Space", "space", " ")
_SLOTS = {"Left": LEFT, "Right": RIGHT, "Space": SPACE}
_SLOT = re.compile(r"(Left|Right|Space)\([1-9][0-9]{0,8}\)")
_PLAIN = str.maketrans(ascii_uppercase, ascii_lowercase, "_-. ")


@lru_cache(maxsize=1000)
def class_of(key: str) -> int:
    """The first class that fits a key's name. A producer may write the class and a slot in its place, as `Left(1)`."""
    plain = key.translate(_PLAIN)
    if "backspace" in plain or "delete" in plain:
        return BACKSPACE
    if "Shift" in key or "shift" in key:
        return SHIFT
    if key in _SPACES:
        return SPACE
    if slot := _SLOT.fullmatch(key):
        return _SLOTS[slot[1]]
    return _LETTERS.get(key, OTHER)
