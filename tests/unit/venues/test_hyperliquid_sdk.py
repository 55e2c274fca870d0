"""The venue's own SDK signs next to us: https://github.com/hyperliquid-dex/hyperliquid-python-sdk.

Equal signatures are of equal bytes: what is packed, hashed and signed is the same.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.model import Order, Purpose, Request
from cancelall.core.secret import Secret
from cancelall.venues.hyperliquid import api, segments, venue
from cancelall.venues.hyperliquid.options import HyperliquidOptions, HyperliquidSecrets
from clients import by_a_client, needed
from unit.venues.kinds import HYPERLIQUID_FACTS

NOW = 1_790_000_000_001
HIGHEST = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364140
SUB = "0x" + "22" * 20
KEYS = st.integers(1, HIGHEST).map(lambda number: f"0x{number:064x}")


def ours(request: Request, key: str, options: HyperliquidOptions, now: int) -> dict[str, Any]:
    """The body as we send it, with the numbers of its signature."""
    secrets = HyperliquidSecrets(private_key=Secret(key))
    body: dict[str, Any] = json.loads(api.sign(request, secrets, options, now, 1).body)
    return {**body, "signature": numbers(body["signature"])}


def theirs(body: dict[str, Any], key: str, environment: str) -> dict[str, int]:
    """The signature of the action of a body, as the SDK makes it."""
    wallet = needed("eth_account").Account.from_key(key)
    vault, mainnet = body.get("vaultAddress"), environment != "testnet"
    made = needed("hyperliquid.utils.signing").sign_l1_action(
        wallet, body["action"], vault, body["nonce"], None, mainnet
    )
    return numbers(made)


def numbers(signature: dict[str, Any]) -> dict[str, int]:
    return {name: int(value, 16) if name in "rs" else value for name, value in signature.items()}


@by_a_client
@pytest.mark.parametrize(("environment", "vault"), [("live", None), ("testnet", None), ("live", SUB)])
def test_every_request_of_a_kill_is_signed_as_the_sdk_does(environment: str, vault: str | None) -> None:
    options = HyperliquidOptions(vault=vault)
    sent = []
    for one in venue.segments(options, HYPERLIQUID_FACTS, environment):
        assert isinstance(one, segments.HyperliquidSegment)
        coin = one.assets[0][0] if one.assets else "BTC"
        named = [Order(id=str(number), segment=one.name, symbol=coin) for number in (77, 78, 1 << 40)]
        for some in (tuple(named), tuple(named[:1])):
            sent += [ours(request, f"0x{7:064x}", options, NOW) for request, _ in one.cancels(some, None)]
    assert {body["action"]["type"] for body in sent} == {"cancel", "twapCancel"}
    for body in sent:
        assert body["signature"] == theirs(body, f"0x{7:064x}", environment)
        assert (body["nonce"], body.get("vaultAddress")) == (NOW, vault)


VALUES = st.recursive(
    st.integers(0, (1 << 64) - 1) | st.text(max_size=300) | st.booleans(),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner, max_size=20),
    max_leaves=40,
)


@by_a_client
@given(
    action=st.dictionaries(st.text(max_size=5), VALUES, max_size=20),
    key=KEYS,
    now=st.integers(1 << 40, 1 << 41),
    vault=st.none() | st.binary(min_size=20, max_size=20).map(lambda raw: f"0x{raw.hex()}"),
    environment=st.sampled_from(["live", "testnet"]),
)
def test_any_action_is_signed_as_the_sdk_does(
    action: dict[str, object], key: str, now: int, vault: str | None, environment: str
) -> None:
    """By any key, for any account: whatever the shortest way is to pack it, and however many bytes are hashed."""
    options = HyperliquidOptions(vault=vault)
    body = ours(api.action(action, Purpose.CANCEL, testnet=environment == "testnet"), key, options, now)
    assert body["signature"] == theirs(body, key, environment)


@by_a_client
@given(KEYS)
def test_the_address_of_a_key_is_the_sdks(key: str) -> None:
    wallet = needed("eth_account").Account.from_key(key)
    assert api.signer(HyperliquidSecrets(private_key=Secret(key))) == wallet.address.lower()
