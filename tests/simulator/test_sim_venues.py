"""What holds at several venues alike: their stocks, their accounts, and what faults do to them.

What a fault does in detail stands in test_sim_faults.py: its code is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cancelall import simulator
from simulator.desks import CANCEL, LIST, AscendexDesk, Clock, DeltadefiDesk, DeribitDesk, PacificaDesk

DESKS: dict[str, type[Any]] = {"ascendex": AscendexDesk, "pacifica": PacificaDesk, "deltadefi": DeltadefiDesk}
DESKS["deribit"] = DeribitDesk
# What makes each venue's cancels land at once.
PROMPT = {"deltadefi": ["prompt"]}
STRATEGY = "strategies"


@pytest.fixture(params=DESKS)
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_desk(clock: Clock, venue: str) -> Callable[..., Any]:
    def make(*faults: str, orders: int = 40) -> Any:
        return DESKS[venue].open_at(venue, clock, [*faults, *PROMPT.get(venue, [])], orders=orders, limits=False)

    return make


@pytest.mark.parametrize("orders", [0, 1, 3, 9, 10, 250, 5000])
def test_any_number_of_orders(open_desk: Callable[..., Any], orders: int) -> None:
    desk = open_desk(orders=orders)
    assert len(desk.open()) == len({order.id for order in desk.open()}) == orders
    assert all(order.created_ms < desk.clock() for order in desk.open())


def test_accounts_do_not_see_each_other(open_desk: Callable[..., Any]) -> None:
    desk = open_desk()
    other = desk.at(desk.fake.add_account(orders=12))
    ids = [
        {str(row.get("id") or row.get("order_id") or row["orderId"]) for row in each.rows()} for each in (desk, other)
    ]
    assert all(ids)
    assert not ids[0] & ids[1]
    other.sweep()
    assert len(desk.open()) == 40
    assert not [order for order in other.open() if order.segment != STRATEGY]


def calls_of(desk: Any) -> None:
    """Calls that every fault of the venue meets."""
    if isinstance(desk, AscendexDesk):
        desk.reply("DELETE", desk.path("margin", "order"), desk.named(desk.open("margin")[0]))
        for group in (0, 1):
            for symbol in ("BTCUSDT", "BTC/USDT"):
                desk.reply("DELETE", f"/{group}/api/pro/v1/cash/order/all", {"symbol": symbol})
            desk.reply("DELETE", f"/{group}/api/pro/v1/futures/order/all")
            desk.reply("GET", f"/{group}/api/pro/v2/futures/order/open")
            desk.reply("GET", "/api/pro/v1/info")
    elif isinstance(desk, PacificaDesk):
        desk.post("/orders/cancel_all", desk.all)
        for path in ("/orders", "/order_strategies", "/account"):
            desk.get(path)
    elif isinstance(desk, DeribitDesk):
        for path in ("get_open_orders", "cancel_all", "cancel_quotes", "get_user_locks"):
            desk.reply("GET", f"{desk.api}private/{path}", {"detailed": "true", "cancel_type": "all"})
        desk.reply("GET", f"{desk.api}private/cancel_all_by_instrument", {"instrument_name": "NOSUCH"})
        desk.reply("GET", f"{desk.api}private/get_cancel_on_disconnect", {"scope": "account"})
        login = {"grant_type": "client_credentials", "client_id": desk.key, **desk.account.credentials}
        desk.reply("GET", f"{desk.api}public/auth", login)
    else:
        for symbol in ("ADAUSDM", "NOSUCH"):
            desk.reply("POST", CANCEL, {"symbol": symbol})
            desk.reply("GET", LIST, {"symbol": symbol, "limit": 1, "page": 2})
        desk.reply("GET", LIST)


# `clock` and `bot` do not strike requests, and connections meet `accept-stall` before there is a request. AscendEX has
# no pages; no answer of Pacifica's names the page that follows, and it has no word for a missing product.
NO_STRIKE = {
    "ascendex": {"cursor-loop", "odd-way"},
    "pacifica": {"ahead", "credits", "absent", "odd-way", "strangers"},
    "deltadefi": set[str](),
    "deribit": {"cursor-loop", "odd-way", "absent"},
}
FAULTS = [
    (venue, fault)
    for venue, none in NO_STRIKE.items()
    for fault in sorted({*simulator.fault_help(venue)} - none - {"clock", "bot", "accept-stall"})
]
SETTINGS = {"error-500": "=1", "rate-limit": "=1", "retry-after": "@1"}
HELPERS = {"retry-after": ["status=429"], "no-json": ["key"], "error-status": ["key"]}


@pytest.mark.parametrize(("venue", "fault"), FAULTS)
def test_every_fault_strikes(clock: Clock, venue: str, fault: str) -> None:
    faults = [*HELPERS.get(fault, []), fault + SETTINGS.get(fault, "")]
    desk = DESKS[venue].open_at(venue, clock, faults, limits=False)
    for _ in range(2):
        calls_of(desk)
    assert desk.fake.strikes(fault), f"{fault} is looked at by nobody"


def test_ack_only_and_partial(open_desk: Callable[..., Any]) -> None:
    desk = open_desk("ack-only")
    swept = [order for order in desk.open() if order.segment != STRATEGY]
    desk.sweep()
    assert len(desk.open()) == 40
    desk.fake.set_faults(["partial", *PROMPT.get(desk.fake.name, [])])
    rounds = 0
    while any(desk.rests(order.id) for order in swept):
        desk.sweep()
        rounds += 1
    assert rounds > 2


def test_a_bot_places_orders_of_now(open_desk: Callable[..., Any]) -> None:
    desk = open_desk("bot=0.5@2", "lag=1.5")
    before = {order.id for order in desk.open()}
    desk.clock.tick(1.0)
    new = [order for order in desk.open() if order.id not in before]
    assert [desk.clock() - order.created_ms for order in new] == [0, 500]
    assert [order.segment == STRATEGY for order in new] == [False, False], "a bot copies ordinary orders"
    shown = str(desk.rows())
    assert not [order for order in new if order.id in shown], "the listing lags"
