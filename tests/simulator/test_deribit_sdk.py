"""typed-deribit trades on the fake Deribit. https://github.com/tribulnation/typed

It is made from the venue's OpenAPI document, and checks the shape of each answer by it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cancelall import simulator
from cancelall.simulator.deribit.instruments import INSTRUMENTS
from clients import by_a_client, needed


@by_a_client
@pytest.mark.filterwarnings(
    "ignore:Pydantic serializer warnings"
)  # it tries each kind of order for the one it is given
@pytest.mark.parametrize("http_auth", ["token", "hmac"])
def test_typed_deribit_lists_places_and_cancels(http_auth: str) -> None:
    """It logs in for a token, or signs each request, always a POST with a JSON-RPC body."""
    typed, refused = needed("typed_deribit"), needed("typed_core.exceptions").ApiError
    with simulator.start("deribit", orders=44, limits=False) as server:

        def resting(*names: str) -> set[str]:
            return {one.id for one in server.open_orders() if not names or one.symbol in names}

        async def trade(trading: Any) -> None:
            assert {one["order_id"] for one in await trading.get_open_orders()} == resting()
            assert {one["order_id"] for one in await trading.get_open_orders("option")} == {
                one.id for one in server.open_orders() if INSTRUMENTS[one.symbol].kind == "option"
            }
            limit = {"instrument_name": "BTC-PERPETUAL", "amount": 10, "type": "limit", "price": 100, "label": "mine"}
            placed = (await trading.buy(limit))["order"]["order_id"]
            listed = await trading.get_open_orders_by_instrument("BTC-PERPETUAL")
            assert placed in {one["order_id"] for one in listed}
            assert {one["order_id"] for one in listed} == resting("BTC-PERPETUAL")
            assert (await trading.cancel(placed))["order_state"] == "cancelled"
            assert placed not in resting()
            assert await trading.cancel_all_by_instrument("BTC-PERPETUAL") == len(listed) - 1
            assert resting("BTC-PERPETUAL") == set()
            before = resting()
            reports = await trading.cancel_all(detailed=True)
            assert {one["order_id"] for report in reports for one in report["result"]} == before
            assert resting() == set()
            assert await trading.cancel_all(detailed=True) == []
            assert await trading.cancel_all() == 0

        async def drive(does: Callable[[Any], Awaitable[object]], **changes: str) -> None:
            client = typed.Deribit.new(**{**server.credentials, **changes}, http_auth=http_auth)
            client.rpc_client.base_url = f"{server.origin}/api/v2"
            async with client.rpc_client:
                await does(client.trading)

        with pytest.raises(refused, match="13004" if http_auth == "token" else "13009"):
            asyncio.run(drive(lambda trading: trading.cancel_all(), client_secret="wrong"))
        assert len(server.open_orders()) == 44
        asyncio.run(drive(trade))
