"""Entries of a stream of Redis: how old an id is, and the event in its fields."""


def order_of(entry_id: str) -> tuple[int, int]:
    """Ids of stream entries by age."""
    ms, _, sequence = entry_id.partition("-")
    return int(ms), int(sequence or 0)


def event_of(fields: list[bytes]) -> bytes:
    """The value of the field `e`; without one an empty message, which is malformed."""
    if len(fields) == 2 and fields[0] == b"e":
        return fields[1]
    for name, value in zip(fields[::2], fields[1::2], strict=False):
        if name == b"e":
            return value
    return b""
