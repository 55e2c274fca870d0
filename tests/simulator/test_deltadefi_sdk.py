"""DeltaDeFi's own python SDK trades on the fake DeltaDeFi."""

from __future__ import annotations

import importlib.util
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer
from cancelall.simulator.deltadefi.markets import MARKETS, YOUNG_MS
from clients import by_a_client, needed


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("deltadefi", orders=40, faults=["prompt"]) as running:
        yield running


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The HTTP part of the venue's python SDK, without the wallet library that signs what an order is paid with."""
    if importlib.util.find_spec("sidan_gin") is None:
        wallet = types.ModuleType("sidan_gin")
        wallet.__dict__.update(Wallet=object, Asset=object, UTxO=object, decrypt_with_cipher=None)
        monkeypatch.setitem(sys.modules, "sidan_gin", wallet)
    clients = {name: needed(f"deltadefi.clients.{name}") for name in ("orders", "accounts", "app")}
    return types.SimpleNamespace(
        Order=clients["orders"].Order, Accounts=clients["accounts"].Accounts, App=clients["app"].App
    )


@pytest.fixture
def clients(server: SimServer, sdk: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Its clients for orders, for accounts and for the application."""
    access = {"api_key": server.credentials["api_key"], "base_url": server.origin}
    made = sdk.Order(**access), sdk.Accounts(**access), sdk.App(**access)
    yield made
    for client in made:
        client.session.close()


def resting(server: SimServer, symbol: str) -> set[str]:
    return {one.id for one in server.open_orders() if one.symbol == symbol}


@by_a_client
def test_the_sdk_empties_a_symbol(server: SimServer, clients: tuple[Any, Any, Any]) -> None:
    orders, accounts, app = clients
    assert {pair["symbol"] for pair in app.get_market_config()["trading_pairs"]} < set(MARKETS)
    listed = accounts.get_open_orders("ADAUSDM", limit=250, page=1)["data"]
    assert {row["id"] for row in listed} == resting(server, "ADAUSDM")
    others = {one.id for one in server.open_orders()} - resting(server, "ADAUSDM")
    assert orders.cancel_order(listed[0]["id"]) == {"order_id": listed[0]["id"]}
    assert resting(server, "ADAUSDM") == {row["id"] for row in listed[1:]}
    answer = orders.cancel_all_orders("ADAUSDM")
    assert {*answer["order_ids"], listed[0]["id"]} == {row["id"] for row in listed}
    assert accounts.get_open_orders("ADAUSDM")["data"] == []
    assert {one.id for one in server.open_orders()} == others
    assert accounts.get_order_record(listed[1]["id"])["status"] == "cancelled"


@by_a_client
def test_the_sdk_lists_in_pages_and_cancels_what_it_has_placed(
    server: SimServer, clients: tuple[Any, Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was placed a moment ago cannot be cancelled yet."""
    orders, accounts, _ = clients
    built = orders.build_place_order_transaction("ADAUSDM", "buy", "limit", base_quantity="5", price="0.5")
    assert orders.submit_place_order_transaction(built["order_id"], "84a0")["status"] == "processing"
    first = accounts.get_open_orders("ADAUSDM", limit=2, page=1)
    pages = [first, *(accounts.get_open_orders("ADAUSDM", limit=2, page=n) for n in range(2, first["total_page"] + 1))]
    rows = [row for page in pages for row in page["data"]]
    assert len(pages) > 2
    assert {row["id"] for row in rows} == resting(server, "ADAUSDM")
    assert built["order_id"] in {row["id"] for row in rows}
    with pytest.raises(KeyError, match="msg"):
        orders.cancel_order(built["order_id"])
    later = server.fake.now_ms() + YOUNG_MS
    monkeypatch.setattr(server.fake, "now_ms", lambda: later)
    assert orders.cancel_order(built["order_id"]) == {"order_id": built["order_id"]}
    assert accounts.get_order_record(built["order_id"])["status"] == "cancelled"
    assert built["order_id"] not in {row["id"] for row in accounts.get_open_orders("ADAUSDM", limit=250)["data"]}


@by_a_client
def test_the_sdk_is_refused(server: SimServer, sdk: Any, clients: tuple[Any, Any, Any]) -> None:
    """It expects `msg` in an error, and the venue sends `error`."""
    orders, _, _ = clients
    with pytest.raises(KeyError, match="msg"):
        orders.cancel_all_orders("NOSUCH")
    stranger = sdk.Order(api_key="nobodys", base_url=server.origin)
    with pytest.raises(KeyError, match="msg"):
        stranger.cancel_all_orders("ADAUSDM")
    stranger.session.close()
    assert len(server.open_orders()) == 40
