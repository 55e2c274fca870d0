"""MessagePack, as venues pack what is signed. https://github.com/msgpack/msgpack/blob/master/spec.md"""

from collections.abc import Mapping


def pack(value: object) -> bytes:
    """A value in the fewest bytes; ValueError if it is of another kind than signed actions have."""
    if isinstance(value, Mapping):
        members = b"".join(pack(name) + pack(member) for name, member in value.items())
        return _sized(len(value), 0x80, 0xDE) + members
    if isinstance(value, list):
        return _sized(len(value), 0x90, 0xDC) + b"".join(pack(item) for item in value)
    if isinstance(value, bool):
        return bytes([0xC2 + value])
    if isinstance(value, str):
        raw = value.encode()
        if len(raw) < 32:
            return bytes([0xA0 + len(raw)]) + raw
        return bytes([0xD9, len(raw)]) + raw if len(raw) < 256 else b"\xda" + len(raw).to_bytes(2, "big") + raw
    if isinstance(value, int) and 0 <= value < 2**64:
        for limit, head, width in ((2**7, b"", 1), (2**8, b"\xcc", 1), (2**16, b"\xcd", 2), (2**32, b"\xce", 4)):
            if value < limit:
                return head + value.to_bytes(width, "big")
        return b"\xcf" + value.to_bytes(8, "big")
    raise ValueError("it cannot be packed")


def _sized(count: int, small: int, large: int) -> bytes:
    return bytes([small + count]) if count < 16 else bytes([large]) + count.to_bytes(2, "big")
