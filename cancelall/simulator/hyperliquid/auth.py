"""What the signature of an action is of. https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/signing"""

from collections.abc import Mapping

from ..ethereum import digest, domain, keccak256, typed
from ..msgpack import pack

_MEMBERS = (
    "type orders cancels a b p s r t c o asset cloid limit trigger tif isMarket triggerPx tpsl grouping builder f time"
).split()
"""Every member of the actions that are known here, in the order of the venue's own structures: the text of the JSON is
not signed, they are."""


def structure(value: object) -> object:
    """A value as the venue's structures have it: members in their order, those that they do not know left out."""
    if isinstance(value, Mapping):
        return {name: structure(value[name]) for name in _MEMBERS if name in value}
    return [structure(one) for one in value] if isinstance(value, list) else value


def digest_of(action: object, nonce: int, vault: str | None, expires: int | None, source: str) -> bytes:
    """What is signed: an `Agent` of EIP-712; its connection is the hash of the packed action and what goes with it."""
    data = pack(structure(action)) + nonce.to_bytes(8, "big")
    data += b"\0" if vault is None else b"\x01" + bytes.fromhex(vault[2:])
    data += b"" if expires is None else b"\0" + expires.to_bytes(8, "big")
    agent = typed("Agent(string source,bytes32 connectionId)") + typed(source) + keccak256(data)
    return digest(domain("Exchange", "1", 1337), agent)
