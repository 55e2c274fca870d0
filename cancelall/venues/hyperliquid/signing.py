"""Hyperliquid: a signature of its kind, with the standard library: msgpack, Keccak-256, ECDSA over secp256k1.

An action is packed, hashed and signed by the key of the account or of one of its agents, of which the venue recovers
the address. Python's whole numbers take no constant time: whoever can measure this machine to the microsecond could
learn of the key. https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/signing, and signing.py of the
venue's hyperliquid-python-sdk 0.24.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from cancelall.core.errors import SecretError
from cancelall.core.secret import Secret

# --- msgpack ---------------------------------------------------------------------------------------------------------


def packed(value: object) -> bytes:
    """Text, whole numbers from 0 on, truth values, lists and objects, each in the shortest way there is.

    https://github.com/msgpack/msgpack/blob/master/spec.md - the order of an object's members is part of what is signed.
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


# --- Keccak-256 ------------------------------------------------------------------------------------------------------

_RATE = 136
_MASK = (1 << 64) - 1


def _constants() -> tuple[int, ...]:
    """Of the 24 rounds, from the register that FIPS 202 (3.2.5) defines."""
    register, found = 1, []
    for _ in range(24):
        constant = 0
        for place in range(7):
            constant |= (register & 1) << ((1 << place) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return tuple(found)


def _moves() -> tuple[tuple[int, int, int], ...]:
    """From which lane to which one, and by how much it turns: rho and pi of FIPS 202 (3.2.2, 3.2.3)."""
    x, y, found = 1, 0, [(0, 0, 0)]
    for turn in range(24):
        found.append((x + 5 * y, y + 5 * ((2 * x + 3 * y) % 5), (turn + 1) * (turn + 2) // 2 % 64))
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(found)


_CONSTANTS, _MOVES = _constants(), _moves()


def _permuted(lanes: list[int]) -> list[int]:
    """Keccak-f[1600]."""
    moved = [0] * 25
    for constant in _CONSTANTS:
        c0, c1, c2, c3, c4 = (lanes[x] ^ lanes[x + 5] ^ lanes[x + 10] ^ lanes[x + 15] ^ lanes[x + 20] for x in range(5))
        mixed = (
            c4 ^ ((c1 << 1 | c1 >> 63) & _MASK),
            c0 ^ ((c2 << 1 | c2 >> 63) & _MASK),
            c1 ^ ((c3 << 1 | c3 >> 63) & _MASK),
            c2 ^ ((c4 << 1 | c4 >> 63) & _MASK),
            c3 ^ ((c0 << 1 | c0 >> 63) & _MASK),
        ) * 5
        for source, target, turn in _MOVES:
            lane = lanes[source] ^ mixed[source]
            moved[target] = (lane << turn | lane >> (64 - turn)) & _MASK
        lanes = []
        for row in (0, 5, 10, 15, 20):
            b0, b1, b2, b3, b4 = moved[row : row + 5]
            lanes += (b0 ^ (~b1 & b2), b1 ^ (~b2 & b3), b2 ^ (~b3 & b4), b3 ^ (~b4 & b0), b4 ^ (~b0 & b1))
        lanes[0] ^= constant
    return lanes


def keccak(data: bytes) -> bytes:
    """Keccak-256 as Ethereum has it. `hashlib` has SHA3-256, which pads in another way."""
    data += b"\x01" + bytes(-(len(data) + 1) % _RATE)
    data = data[:-1] + bytes((data[-1] | 0x80,))
    lanes = [0] * 25
    for start in range(0, len(data), _RATE):
        for lane in range(_RATE // 8):
            lanes[lane] ^= int.from_bytes(data[start + 8 * lane : start + 8 * lane + 8], "little")
        lanes = _permuted(lanes)
    return b"".join(lane.to_bytes(8, "little") for lane in lanes[:4])


# --- secp256k1 -------------------------------------------------------------------------------------------------------

# https://www.secg.org/sec2-v2.pdf, 2.4.1
_P = (1 << 256) - (1 << 32) - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def _times_g(factor: int) -> tuple[int, int]:
    """A point of the curve, factor times its generator, from 1 to below the order: by doubling and adding."""
    x, y, z = 0, 1, 0
    for bit in bin(factor)[2:]:
        if z:
            squared = y * y % _P
            s, m = 4 * x * squared % _P, 3 * x * x % _P
            x, y, z = (m * m - 2 * s) % _P, squared, 2 * y * z % _P
            y = (m * (s - x) - 8 * y * y) % _P
        if bit == "0":
            continue
        if not z:
            (x, y), z = _G, 1
            continue
        # The sum with the generator: never with itself, as what is doubled before is two times it or more.
        square = z * z % _P
        h, r = (_G[0] * square - x) % _P, (_G[1] * square * z - y) % _P
        h2 = h * h % _P
        h3, v = h * h2 % _P, x * h2 % _P
        x, z = (r * r - h3 - 2 * v) % _P, h * z % _P
        y = (r * (v - x) - y * h3) % _P
    inverse = pow(z, -1, _P)
    return x * inverse * inverse % _P, y * pow(inverse, 3, _P) % _P


def signature(key: int, digest: bytes) -> tuple[int, int, int]:
    """r, s and v of 32 bytes: with the nonce of RFC 6979, the lower s, and v 27 or 28 by the point's parity."""
    import hashlib  # OpenSSL, 3 ms
    import hmac

    def mac(data: bytes) -> bytes:
        return hmac.new(state, data, hashlib.sha256).digest()

    number = int.from_bytes(digest, "big")
    seed = key.to_bytes(32, "big") + (number % ORDER).to_bytes(32, "big")
    state, value = bytes(32), b"\x01" * 32
    for mark in (b"\0", b"\x01"):
        state = mac(value + mark + seed)
        value = mac(value)
    while True:
        value = mac(value)
        nonce = int.from_bytes(value, "big")
        if 0 < nonce < ORDER:
            x, y = _times_g(nonce)
            r = x % ORDER
            s = pow(nonce, -1, ORDER) * (number + r * key) % ORDER
            if r and s:
                break
        state = mac(value + b"\0")
        value = mac(value)
    parity = y & 1 ^ (x >= ORDER) * 2
    return (r, s, 27 + parity) if 2 * s <= ORDER else (r, ORDER - s, 27 + (parity ^ 1))


def key_of(secret: Secret) -> int:
    """The private key. Raises SecretError when the text is none."""
    text = secret.reveal().strip().removeprefix("0x").removeprefix("0X")
    try:
        raw = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        raw = b""
    if len(raw) == 20:
        raise SecretError(
            "private_key is 20 bytes long: that is an address",
            "paste the private key, which the venue shows once, when it makes the API wallet",
        )
    key = int.from_bytes(raw, "big")
    if len(raw) != 32 or not 0 < key < ORDER:
        raise SecretError("private_key is not a private key: 0x and 64 hexadecimal digits are", "paste it again")
    return key


@lru_cache(maxsize=1024)
def address_of(secret: Secret) -> str:
    """The address of a private key, in small letters. Raises SecretError."""
    x, y = _times_g(key_of(secret))
    return f"0x{keccak(x.to_bytes(32, 'big') + y.to_bytes(32, 'big'))[12:].hex()}"


# --- actions ---------------------------------------------------------------------------------------------------------

_DOMAIN = bytes.fromhex("d79297fcdf2ffcd4ae223d01edaa2ba214ff8f401d7c9300d995d17c82aa4040")
"""keccak of the domain: Exchange, version 1, chain 1337, no contract."""
_AGENT = bytes.fromhex("26f05c2f7239b6983075e58321292d77b3aa173d19b27257ac96ab362570f508")
"""keccak of `Agent(string source,bytes32 connectionId)`."""


def signed(action: Mapping[str, object], nonce: int, vault: str, source: str, secret: Secret) -> Mapping[str, object]:
    """The signature of an action, as its body has it. `source` is `a` on the main network, `b` on the test network."""
    data = packed(action) + nonce.to_bytes(8, "big")
    data += b"\x01" + bytes.fromhex(vault.removeprefix("0x")) if vault else b"\0"
    agent = keccak(_AGENT + keccak(source.encode()) + keccak(data))
    r, s, v = signature(key_of(secret), keccak(b"\x19\x01" + _DOMAIN + agent))
    return {"r": f"0x{r:064x}", "s": f"0x{s:064x}", "v": v}
