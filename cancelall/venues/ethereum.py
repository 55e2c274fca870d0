"""What venues with Ethereum's keys share: Keccak-256, addresses, and ECDSA over secp256k1, with the standard library.

Python's whole numbers take no constant time: whoever can measure this machine to the microsecond could learn of the
key. hashlib has no Keccak, cryptography no signature from which the key's address can be recovered.
"""

from __future__ import annotations

from functools import lru_cache

from cancelall.core.errors import SecretError
from cancelall.core.secret import Secret

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
            "paste the private key: of an API wallet it is shown once, when that is made",
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


def typed_signature(secret: Secret, domain: bytes, struct: bytes) -> tuple[int, int, int]:
    """r, s and v of a message of EIP-712, by the hashes of its domain and of its struct. Raises SecretError.

    https://eips.ethereum.org/EIPS/eip-712
    """
    return signature(key_of(secret), keccak(b"\x19\x01" + domain + struct))
