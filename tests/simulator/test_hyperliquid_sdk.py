"""The venue's own SDK trades on the fake Hyperliquid: https://github.com/hyperliquid-dex/hyperliquid-python-sdk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer
from cancelall.simulator.hyperliquid import Hyperliquid
from clients import by_a_client, needed

STRANGER, ADDRESS = "0x" + bytes(range(32)).hex(), "0xede35562d3555e61120a151b3c8e8e91d83a378a"
"""A private key that the venue does not know, and its address."""


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("hyperliquid", orders=22, limits=False) as running:
        yield running


@pytest.fixture
def exchange(server: SimServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """It signs for the main network only where that is its address."""
    sdk, wallets = needed("hyperliquid.exchange"), needed("eth_account").Account
    monkeypatch.setattr(sdk, "MAINNET_API_URL", server.origin)

    def make(key: str = "", **more: Any) -> Any:
        wallet = wallets.from_key(key or server.credentials["private_key"])
        return sdk.Exchange(wallet, server.origin, perp_dexs=["", "xyz"], **more)

    return make


def resting(server: SimServer, *segments: str, coin: str = "", account: str = "") -> set[str]:
    mine = server.open_orders(account) if account else server.open_orders(server.account)
    return {one.id for one in mine if one.segment in segments and coin in ("", one.symbol)}


def named(rows: list[dict[str, Any]]) -> set[str]:
    return {str(row["oid"]) for row in rows}


def statuses(answer: dict[str, Any]) -> list[Any]:
    assert answer["status"] == "ok", answer
    return list(answer["response"]["data"]["statuses"])


@by_a_client
def test_the_venues_own_sdk_lists_places_and_cancels(server: SimServer, exchange: Callable[..., Any]) -> None:
    client = exchange(account_address=server.account.key)
    info, key = client.info, server.account.key
    rows = info.frontend_open_orders(key)
    assert named(rows) == resting(server, "core")
    assert named(info.frontend_open_orders(key, dex="xyz")) == resting(server, "xyz") != set()
    btc = [row for row in rows if row["coin"] == "BTC"]
    answer = client.bulk_cancel([{"coin": "BTC", "oid": row["oid"]} for row in btc])
    assert statuses(answer) == ["success"] * len(btc)
    assert resting(server, "core", coin="BTC") == set()
    (again,) = statuses(client.cancel("BTC", btc[0]["oid"]))
    assert again["error"].startswith("Order was never placed, already canceled, or filled.")

    cloid = needed("hyperliquid.utils.types").Cloid.from_int(77)
    placed = client.order("ETH", True, 0.1, 100, {"limit": {"tif": "Gtc"}}, cloid=cloid)
    oid = statuses(placed)[0]["resting"]["oid"]
    assert str(oid) in named(info.open_orders(key))
    stop = {"trigger": {"triggerPx": 90.0, "isMarket": True, "tpsl": "sl"}}
    (guard,) = statuses(client.order("ETH", False, 0.1, 90, stop, reduce_only=True))
    number = guard["resting"]["oid"]
    assert {str(oid), str(number)} <= resting(server, "core", coin="ETH")
    assert statuses(client.cancel_by_cloid("ETH", cloid)) == ["success"]
    assert statuses(client.cancel("ETH", number)) == ["success"]
    assert not {str(oid), str(number)} & named(info.frontend_open_orders(key))

    other = next(row for row in info.frontend_open_orders(key, dex="xyz"))
    assert statuses(client.cancel(other["coin"], other["oid"])) == ["success"]
    assert str(other["oid"]) not in resting(server, "xyz")


@by_a_client
def test_the_venues_own_sdk_signs_when_an_action_expires_and_for_whom(
    server: SimServer, exchange: Callable[..., Any]
) -> None:
    client = exchange(account_address=server.account.key)
    placed = client.order("ETH", True, 0.1, 100, {"limit": {"tif": "Gtc"}})
    oid = statuses(placed)[0]["resting"]["oid"]
    client.set_expires_after(server.fake.server_now() - 1000)
    assert client.cancel("ETH", oid) == {"status": "err", "response": "Action already expired"}
    client.set_expires_after(server.fake.server_now() + 60_000)
    assert statuses(client.cancel("ETH", oid)) == ["success"]
    later = server.fake.server_now() + 600_000
    assert client.schedule_cancel(later)["response"] == {"type": "default"}
    server.set_faults(["volume=1000"])
    assert "enough volume traded" in client.schedule_cancel(later)["response"]
    server.set_faults([])
    fake = server.fake
    assert isinstance(fake, Hyperliquid)
    below = fake.add_below(server.account)
    row = next(row for row in client.info.frontend_open_orders(below.key) if row["coin"] == "BTC")
    assert statuses(exchange(vault_address=below.key).cancel("BTC", row["oid"])) == ["success"]
    assert str(row["oid"]) not in resting(server, "core", account=below.key)


@by_a_client
def test_the_venues_own_sdk_is_refused_with_a_strangers_key(server: SimServer, exchange: Callable[..., Any]) -> None:
    before = {one.id for one in server.open_orders()}
    answer = exchange(STRANGER, account_address=server.account.key).cancel("BTC", 1)
    assert answer["status"] == "err"
    assert ADDRESS in answer["response"]
    assert {one.id for one in server.open_orders()} == before
