"""python-okx, the venue's own, trades on the fake OKX: https://github.com/okxapi/python-okx."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer
from clients import by_a_client, needed

ALGOS = {
    "TP/SL": "conditional,oco",
    "triggers": "trigger",
    "trailing stops": "move_order_stop",
    "chase orders": "chase",
    "TWAP": "twap",
    "icebergs": "iceberg",
    "smart icebergs": "smart_iceberg",
}
"""Parts of the account, and the `ordType` that lists each."""


def codes(answer: dict[str, Any]) -> tuple[str, list[str]]:
    return answer["code"], [row["sCode"] for row in answer["data"]]


@contextmanager
def python_okx(**changes: str) -> Iterator[tuple[SimServer, Any, Any]]:
    """A server, the client for trading, and the one for spreads."""
    trade, spread = needed("okx.Trade"), needed("okx.SpreadTrading")
    with simulator.start("okx", orders=40, limits=False) as server, ExitStack() as closing:
        keys = {**server.credentials, **changes}
        given = (keys["api_key"], keys["api_secret"], keys["passphrase"])
        clients = [made(*given, flag="0", domain=server.origin) for made in (trade.TradeAPI, spread.SpreadTradingAPI)]
        for client in clients:
            closing.callback(client.close)
        yield server, *clients  # type: ignore[misc]


def kept(server: SimServer, *segments: str) -> set[str]:
    return {one.id for one in server.open_orders() if one.segment in segments}


@by_a_client
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_venues_own_sdk_trades_and_cancels() -> None:
    with python_okx() as (server, client, _):
        shown = client.get_order_list()
        assert shown["code"] == "0"
        assert {one["ordId"] for one in shown["data"]} == kept(server, "orders")
        assert {one["ordId"] for one in client.get_order_list("EVENTS")["data"]} == kept(server, "events") != set()
        first, second, third, *_ = shown["data"]
        named = [{"instId": one["instId"], "ordId": one["ordId"]} for one in (first, second)]
        assert codes(client.cancel_multiple_orders(named)) == ("0", ["0", "0"])
        assert codes(client.cancel_order(third["instId"], third["ordId"])) == ("0", ["0"])
        assert not {one["ordId"] for one in (first, second, third)} & kept(server, "orders")
        again = client.cancel_multiple_orders(named)
        assert (again["code"], {row["sCode"] for row in again["data"]}) == ("1", {"51400"})

        placed = client.place_order("BTC-USDT", "cash", "buy", "limit", "0.01", px="50000", clOrdId="mine1")
        (identity,) = (row["ordId"] for row in placed["data"])
        assert identity in {one["ordId"] for one in client.get_order_list(instId="BTC-USDT")["data"]}
        assert client.get_order("BTC-USDT", identity)["data"][0]["state"] == "live"
        assert codes(client.cancel_order("BTC-USDT", clOrdId="mine1")) == ("0", ["0"])
        assert client.get_order("BTC-USDT", identity)["data"][0]["state"] == "canceled"


@by_a_client
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_venues_own_sdk_places_lists_and_cancels_algo_orders() -> None:
    with python_okx() as (server, client, _):
        made = client.place_algo_order("BTC-USDT", "cash", "buy", "trigger", "0.01", triggerPx="40000", orderPx="39000")
        (placed,) = (row["algoId"] for row in made["data"])
        for segment, kinds in ALGOS.items():
            listed = client.order_algos_list(ordType=kinds)["data"]
            assert {one["algoId"] for one in listed} == kept(server, segment)
            assert (placed in {one["algoId"] for one in listed}) is (segment == "triggers")
            if segment in ("TP/SL", "triggers"):
                answer = client.cancel_algo_order(
                    [{"instId": one["instId"], "algoId": one["algoId"]} for one in listed]
                )
                assert codes(answer) == ("0", ["0"] * len(listed))
                assert kept(server, segment) == set()


@by_a_client
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_venues_own_sdk_cancels_spread_orders() -> None:
    with python_okx() as (server, _, spreads):
        listed = spreads.get_active_orders()["data"]
        assert {one["ordId"] for one in listed} == kept(server, "spreads") != set()
        first, *rest = listed
        assert codes(spreads.cancel_order(first["ordId"])) == ("0", ["0"])
        assert kept(server, "spreads") == {one["ordId"] for one in rest}
        assert spreads.cancel_all_orders()["data"] == [{"result": True}]
        assert kept(server, "spreads") == set()


@by_a_client
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("changes", "code"),
    [({"api_secret": "wrong"}, "50113"), ({"passphrase": "wrong"}, "50105")],
    ids=["secret", "pass"],
)
def test_the_venues_own_sdk_is_refused(changes: dict[str, str], code: str) -> None:
    with python_okx(**changes) as (server, client, _):
        assert client.get_order_list()["code"] == code
        assert len(server.open_orders()) == 40
