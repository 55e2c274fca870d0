"""What fake venues with Ethereum's keys share: Keccak-256, and the address behind a key or a signature.

https://keccak.team/keccak_specs_summary.html; https://www.secg.org/sec1-v2.pdf, 4.1.6; https://eips.ethereum.org/EIPS/eip-712.
None of it is shared with a client.
"""

from functools import cache

Point = tuple[int, int, int]
"""Of the curve, in Jacobian coordinates; z is 0 at infinity."""

# --- Keccak ----------------------------------------------------------------------------------------------------------

_FULL = 2**64 - 1
_ROUNDS = [
    int(word, 16)
    for word in """
    1 8082 800000000000808A 8000000080008000 808B 80000001 8000000080008081 8000000000008009 8A 88 80008009 8000000A
    8000808B 800000000000008B 8000000000008089 8000000000008003 8000000000008002 8000000000000080 800A 800000008000000A
    8000000080008081 8000000000008080 80000001 8000000080008008""".split()
]
_TURNS = [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14]
"""By how much each lane turns, `x + 5 y`."""
_STEPS = [(y + 5 * ((2 * x + 3 * y) % 5), x + 5 * y, _TURNS[x + 5 * y], x) for y in range(5) for x in range(5)]


def keccak256(data: bytes) -> bytes:
    state = [0] * 25
    padded = bytearray(data + b"\x01")
    padded += bytes(-len(padded) % 136)
    padded[-1] |= 0x80
    for block in range(0, len(padded), 136):
        for lane in range(17):
            begin = block + 8 * lane
            state[lane] ^= int.from_bytes(padded[begin : begin + 8], "little")
        for constant in _ROUNDS:
            state = _round(state, constant)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])


def _round(state: list[int], constant: int) -> list[int]:
    columns = [state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] for x in range(5)]
    turned = [(one << 1 | one >> 63) & _FULL for one in columns]
    parity = [columns[x - 1] ^ turned[(x + 1) % 5] for x in range(5)]
    lanes = [0] * 25
    for to, of, by, x in _STEPS:
        lane = state[of] ^ parity[x]
        lanes[to] = (lane << by | lane >> 64 - by) & _FULL
    new = [
        lanes[y + x] ^ (lanes[y + (x + 1) % 5] ^ _FULL) & lanes[y + (x + 2) % 5]
        for y in range(0, 25, 5)
        for x in range(5)
    ]
    new[0] ^= constant
    return new


# --- the curve -------------------------------------------------------------------------------------------------------

_FIELD = 2**256 - 2**32 - 977
_COUNT = 115792089237316195423570985008687907852837564279074904382605163141518161494337
_BASE: Point = (
    55066263022277343669578718895168534326250603453777594175500187360389116729240,
    32670510020758816978083085130507043184471273380659243275938904335757337482424,
    1,
)


def _double(point: Point) -> Point:
    x, y, z = point
    a, b = x * x % _FIELD, y * y % _FIELD
    d = 4 * x * b % _FIELD
    new = (9 * a * a - 2 * d) % _FIELD
    return new, (3 * a * (d - new) - 8 * b * b) % _FIELD, 2 * y * z % _FIELD


def _add(one: Point, other: Point) -> Point:
    if not one[2] or not other[2]:
        return one if one[2] else other
    z1, z2 = one[2] * one[2] % _FIELD, other[2] * other[2] % _FIELD
    u1, u2 = one[0] * z2 % _FIELD, other[0] * z1 % _FIELD
    s1, s2 = one[1] * z2 * other[2] % _FIELD, other[1] * z1 * one[2] % _FIELD
    if u1 == u2:
        return _double(one) if s1 == s2 else (0, 1, 0)
    h, r = u2 - u1, s2 - s1
    hh = h * h % _FIELD
    v, hhh = u1 * hh % _FIELD, h * hh % _FIELD
    x = (r * r - hhh - 2 * v) % _FIELD
    return x, (r * (v - x) - s1 * hhh) % _FIELD, h * one[2] * other[2] % _FIELD


def _sum(base: int, factor: int, point: Point) -> Point:
    """So many times the base and so many times the point, in one go."""
    both, total = _add(_BASE, point), (0, 1, 0)
    for bit in range(255, -1, -1):
        total = _double(total)
        which = (base >> bit & 1) | (factor >> bit & 1) << 1
        if which:
            total = _add(total, (total, _BASE, point, both)[which])
    return total


def _address(point: Point) -> str:
    inverse = pow(point[2], _FIELD - 2, _FIELD)
    x, y = point[0] * inverse**2 % _FIELD, point[1] * inverse**3 % _FIELD
    return "0x" + keccak256(x.to_bytes(32, "big") + y.to_bytes(32, "big"))[-20:].hex()


@cache
def address(private_key: str) -> str:
    """The address of a private key in hex."""
    return _address(_sum(int(private_key, 16), 0, (0, 1, 0)))


def recovered(digest: bytes, r: int, s: int, v: int) -> str | None:
    """The address whose key has signed; None if that cannot be told."""
    if not (0 < r < _COUNT and 0 < s < _COUNT and v in (27, 28)):
        return None
    square = (pow(r, 3, _FIELD) + 7) % _FIELD
    y = pow(square, (_FIELD + 1) // 4, _FIELD)
    if y * y % _FIELD != square:
        return None
    if y % 2 != v - 27:
        y = _FIELD - y
    inverse = pow(r, -1, _COUNT)
    found = _sum(-int.from_bytes(digest, "big") * inverse % _COUNT, s * inverse % _COUNT, (r, y, 1))
    return _address(found) if found[2] else None


# --- typed messages --------------------------------------------------------------------------------------------------


@cache
def typed(text: str) -> bytes:
    """The hash of a type, or of a text in a message."""
    return keccak256(text.encode())


@cache
def domain(name: str, version: str, chain: int) -> bytes:
    """The hash of a domain without a contract."""
    kind = typed("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")
    return keccak256(kind + typed(name) + typed(version) + chain.to_bytes(32, "big") + bytes(32))


def digest(domain_hash: bytes, struct: bytes) -> bytes:
    """What is signed of a message, by the hashes of its domain and of its members."""
    return keccak256(b"\x19\x01" + domain_hash + keccak256(struct))
