"""python-kraken-sdk trades on the fake Kraken: https://github.com/btschwertfeger/python-kraken-sdk."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from cancelall import simulator
from cancelall.simulator import SimServer
from clients import by_a_client, needed


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("kraken", orders=18, limits=False) as running:
        yield running


def ids(server: SimServer, symbol: str = "") -> set[str]:
    return {order.id for order in server.open_orders() if symbol in ("", order.symbol)}


@by_a_client
def test_python_kraken_sdk_lists_places_and_cancels(server: SimServer) -> None:
    """Its nonces are ticks of ten nanoseconds, its batches JSON."""
    spot = needed("kraken.spot")
    keys = {"key": server.credentials["api_key"], "secret": server.credentials["api_secret"], "url": server.origin}
    with spot.Trade(**keys) as trade, spot.User(**keys) as user:
        assert set(user.get_open_orders()["open"]) == ids(server)
        order = {"ordertype": "limit", "side": "buy", "pair": "XBTUSD", "volume": "0.01", "price": "50000"}
        (placed,) = trade.create_order(**order)["txid"]
        assert placed in ids(server, "XBTUSD")
        assert trade.cancel_order(txid=placed) == {"count": 1}
        assert user.get_orders_info(txid=placed)[placed]["status"] == "canceled"
        assert trade.cancel_order_batch(orders=list(ids(server))[:3]) == {"count": 3}
        assert trade.cancel_all_orders() == {"count": 15}
        assert server.open_orders() == []
        assert trade.cancel_all_orders() == {"count": 0}
        assert set(user.get_closed_orders()["closed"]) == {order.id for order in server.closed_orders()}
        assert len(user.get_open_positions()) == 3


@by_a_client
def test_python_kraken_sdk_is_refused(server: SimServer) -> None:
    spot, exceptions = needed("kraken.spot"), needed("kraken.exceptions")
    keys = {"key": server.credentials["api_key"], "url": server.origin}
    with spot.Trade(secret=base64.b64encode(b"another").decode(), **keys) as trade:
        with pytest.raises(exceptions.KrakenInvalidSignatureError):
            trade.cancel_all_orders()
    assert len(server.open_orders()) == 18
