"""MessagePack, as far as signed actions need it: https://github.com/msgpack/msgpack/blob/master/spec.md"""

from __future__ import annotations

from collections.abc import Mapping


def packed(value: object) -> bytes:
    """Text, whole numbers from 0 on, truth values, lists and objects, each in the shortest way there is.

    The order of an object's members is kept. Raises ValueError for anything else.
    """
    match value:
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int():
            return _number(value)
        case str():
            raw = value.encode()
            return _head(len(raw), 0xA0, 32, (0xD9, 0xDA)) + raw
        case list():
            return _head(len(value), 0x90, 16, (None, 0xDC)) + b"".join(map(packed, value))
        case Mapping():
            members = b"".join(packed(key) + packed(member) for key, member in value.items())
            return _head(len(value), 0x80, 16, (None, 0xDE)) + members
    raise ValueError(f"{type(value).__name__} is not packed here")


def _head(length: int, short: int, limit: int, marks: tuple[int | None, int]) -> bytes:
    """The beginning of what has a length: in one byte, or behind a mark in one or two."""
    if length < limit:
        return bytes((short | length,))
    if marks[0] is not None and length < 1 << 8:
        return bytes((marks[0], length))
    return bytes((marks[1],)) + length.to_bytes(2, "big")


def _number(value: int) -> bytes:
    if not 0 <= value < 1 << 64:  # `next` would end whatever is being joined, and sign other bytes
        raise ValueError("a number of more than 64 bits is not packed")
    if value < 1 << 7:
        return value.to_bytes(1, "big")
    mark, size = next((0xCC + place, 1 << place) for place in range(4) if value < 1 << (8 << place))
    return bytes((mark,)) + value.to_bytes(size, "big")
