"""What an error repeats of what somebody typed: names as they are, secrets by their beginning, nothing to obey."""

from __future__ import annotations

import base64
import random
import string
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.config.loader import DEFAULTS_KEYS
from cancelall.core import declare
from cancelall.core.profile import Common
from cancelall.core.quoting import looks_secret, quoted, quoted_path, veiled, visible
from cancelall.venues.registry import VENUES, schema

SECRETS = [
    "aB3dEfGh1jKlMn0pQr",  # 18 mixed, as Bybit makes keys
    "bg_0123456789abcdef0123456789abcdef",
    "0123456789abcdef" * 4,
    str(uuid.UUID(int=0x1234567890ABCDEF1234567890ABCDEF)),
    "4wBqpZM9xaSheZzJSMawUKKwhdpChKbZ5eu5ky4Vigw8XnCFfSXhcR2hZgHjrdwEuwUX",
    "-----BEGIN PRIVATE KEY-----\nMII",
    "repro-secret-0123456789",
    "x" * 40,
]
NAMES = [
    *("bybit", "mm-2", "desk_7", "bybit-subaccount-17", "Trader2024Main", "BTC-27DEC24-100000-C-USDT"[:19], "nobody"),
    *(
        "settle_coinn",
        "keepProtectiveOrders",
        "币安人生USDT",
        "secret_command",
        "testnet",
        "sub-account-of-the-market-maker",
    ),
]


@pytest.mark.parametrize("text", SECRETS)
def test_what_looks_like_a_secret_is_shown_by_its_first_four(text: str) -> None:
    assert quoted(text) == f"{text[:4]}…"
    assert veiled(f'there is no "{text}"', ["x", text]) == f'there is no "{text[:4]}…"'


@pytest.mark.parametrize("text", NAMES)
def test_a_name_is_shown(text: str) -> None:
    assert quoted(text) == text
    assert veiled(f"no {text}", [text]) == f"no {text}"


@pytest.mark.parametrize("secret", SECRETS)
def test_a_path_is_shown_whole_but_what_was_pasted_into_it(secret: str) -> None:
    path = "/home/trader/strategies/market-making/instance-1/KILL"
    assert quoted_path(path) == path
    assert quoted_path(f"{path}/{secret}") == f"{path}/{secret[:4]}…"
    assert quoted_path(secret) == f"{secret[:4]}…"


def test_every_word_that_the_program_knows_is_a_name() -> None:
    known = {item.key for item in declare.declared(Common)} | {*DEFAULTS_KEYS, *VENUES, "secret_command", "credentials"}
    for name in VENUES:
        accepts = schema(name)
        known |= {*accepts.hosts, *declare.secrets_of(accepts.secrets)}
        for item in declare.declared(accepts.options):
            known |= {item.key, item.flag, *item.choices}
    assert not [word for word in known if quoted(word) != word]


@settings(deadline=None, max_examples=300)
@given(st.integers(24, 64), st.integers(0, 1 << 64))
def test_random_keys_in_the_usual_alphabets_are_secrets(length: int, seed: int) -> None:
    chance = random.Random(seed)
    raw = chance.randbytes(length)
    assert looks_secret(raw.hex())
    assert looks_secret(base64.b64encode(raw).decode())
    assert looks_secret("".join(chance.choices(string.ascii_letters + string.digits, k=length)))


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert quoted(text).isprintable()
    assert visible(text).isprintable()
    assert len(quoted(text)) <= 81


def test_sequences_are_spelt_out() -> None:
    assert quoted("a\x1b]0;x\x07\u202eb") == "a\\x1b]0;x\\x07\\u202eb"
