"""Keccak, addresses, signatures and MessagePack, against published values and code that shares no line with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.secret import Secret
from cancelall.simulator import ethereum as fake
from cancelall.venues import ethereum
from cancelall.venues.msgpack import packed
from clients import by_a_client, needed

KEY = Secret("0x" + bytes(range(32)).hex())


@given(st.binary(max_size=300))
def test_the_hash_is_keccak(data: bytes) -> None:
    """Against the embedded exchange's own, which shares no line with it; both against published values."""
    assert ethereum.keccak(data) == fake.keccak256(data)


@pytest.mark.parametrize(
    ("data", "digest"),
    [
        (b"", "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"),
        (b"abc", "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"),
        (b"a" * 135, "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446"),
        (b"a" * 136, "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e"),
        (b"a" * 137, "d869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39"),
    ],
)
def test_published_hashes(data: bytes, digest: str) -> None:
    assert ethereum.keccak(data).hex() == digest


@given(st.integers(1, ethereum.ORDER - 1), st.binary(min_size=32, max_size=32))
def test_a_signature_recovers_to_its_key(key: int, digest: bytes) -> None:
    """The exchange's recovery, which is code of its own, has the last word; and cryptography, which has no recovery."""
    r, s, v = ethereum.signature(key, digest)
    secret = Secret(f"0x{key:064x}")
    assert fake.recovered(digest, r, s, v) == ethereum.address_of(secret) == fake.address(f"{key:064x}")
    assert 2 * s <= ethereum.ORDER


def test_a_signature_is_one_of_ecdsa() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    digest = ethereum.keccak(b"something")
    private = ec.derive_private_key(int.from_bytes(bytes(range(32)), "big"), ec.SECP256K1())
    r, s, _ = ethereum.signature(int.from_bytes(bytes(range(32)), "big"), digest)
    algorithm = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
    private.public_key().verify(utils.encode_dss_signature(r, s), digest, algorithm)


@by_a_client
@given(
    st.recursive(
        st.integers(0, 2**64 - 1) | st.text(max_size=70) | st.booleans(),
        lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=5), inner, max_size=20),
        max_leaves=20,
    )
)
def test_what_is_packed_is_unpacked_again(value: object) -> None:
    msgpack = needed("msgpack")
    assert packed(value) == msgpack.packb(value)


def test_what_cannot_be_packed_is_not() -> None:
    with pytest.raises(ValueError, match="float"):
        packed({"a": 1.5})
    for number in (1 << 64, -1):
        with pytest.raises(ValueError, match="64 bits"):
            packed([1, number, 2])


def test_the_address_of_a_key() -> None:
    for text in (KEY.reveal(), KEY.reveal()[2:], KEY.reveal().upper().replace("0X", "0x")):
        assert ethereum.address_of(Secret(text)) == "0xede35562d3555e61120a151b3c8e8e91d83a378a"
