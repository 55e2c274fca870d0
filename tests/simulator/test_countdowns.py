"""The dead-man's timers of the fake venues: units, shortest and longest times, and what they take."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cancelall.simulator.okx.state import ALGOS
from simulator.desks import BitgetDesk, Clock, OkxDesk

AFTER = "/api/v5/trade/cancel-all-after"
COUNTDOWN = "/api/v3/trade/countdown-cancel-all"


@pytest.fixture
def okx(clock: Clock) -> OkxDesk:
    return OkxDesk.open_at("okx", clock, (), limits=False)


@pytest.fixture
def bitget(clock: Clock) -> BitgetDesk:
    return BitgetDesk.open_at("bitget", clock, ("mode=unified",), limits=False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"timeOut": "10"}, "0"),
        ({"timeOut": "120"}, "0"),
        ({"timeOut": "0"}, "0"),
        ({"timeOut": "9"}, "51000"),
        ({"timeOut": "121"}, "51000"),
        ({"timeOut": "abc"}, "51000"),
        ({"timeOut": 60}, "51000"),
        ({}, "50014"),
    ],
)
def test_okx_takes_10_to_120_seconds_as_text(okx: OkxDesk, body: object, code: str) -> None:
    assert okx.ask("POST", AFTER, body)["code"] == code


def test_okx_cancels_ordinary_orders_alone_and_says_why(okx: OkxDesk, clock: Clock) -> None:
    before = okx.open()
    (row,) = okx.ask("POST", AFTER, {"timeOut": "10"})["data"]
    assert int(row["triggerTime"]) == clock() + 10_000
    clock.tick(9.9)
    assert okx.open() == before
    clock.tick(0.1)
    left = okx.open()
    assert left == [order for order in before if order.segment != "orders"]
    assert {order.kind for order in left} & set(ALGOS)
    gone = next(order for order in before if order.segment == "orders")
    (told,) = okx.data("trade/order", instId=gone.symbol, ordId=gone.id)
    assert (told["state"], told["cancelSource"]) == ("canceled", "20")


def test_to_set_it_anew_moves_it_and_another_account_has_its_own(okx: OkxDesk, clock: Clock) -> None:
    other = okx.at(okx.fake.add_account())
    okx.ask("POST", AFTER, {"timeOut": "10"})
    clock.tick(9)
    okx.ask("POST", AFTER, {"timeOut": "60"})
    other.ask("POST", AFTER, {"timeOut": "10"})
    clock.tick(10)
    assert okx.open("orders")
    assert not other.open("orders")
    okx.ask("POST", AFTER, {"timeOut": "0"})
    clock.tick(100)
    assert okx.open("orders")


def test_spread_orders_have_one_of_their_own(okx: OkxDesk, clock: Clock) -> None:
    okx.ask("POST", "/api/v5/sprd/cancel-all-after", {"timeOut": "10"})
    clock.tick(11)
    assert not okx.open("spreads")
    assert okx.open("orders")


def test_a_timer_with_a_tag_is_about_the_orders_of_that_tag(okx: OkxDesk, clock: Clock) -> None:
    before = okx.open()
    okx.ask("POST", AFTER, {"timeOut": "10", "tag": "bot"})
    clock.tick(11)
    assert okx.open() == before


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"countdown": "5"}, "00000"),
        ({"countdown": "60"}, "00000"),
        ({"countdown": "0"}, "00000"),
        ({"countdown": "4"}, "25200"),
        ({"countdown": "61"}, "25200"),
        ({"countdown": 40}, "40020"),
        ({}, "40019"),
    ],
)
def test_bitget_takes_5_to_60_seconds_as_text(bitget: BitgetDesk, body: Any, code: str) -> None:
    assert bitget.code("POST", COUNTDOWN, body) == code


def test_bitget_cancels_orders_and_leaves_strategies(bitget: BitgetDesk, clock: Clock) -> None:
    assert bitget.post(COUNTDOWN, {"countdown": "5"}) == "success"
    clock.tick(5)
    assert {order.segment.endswith("strategy") for order in bitget.open()} == {True}
    json.dumps(bitget.get("/api/v3/trade/unfilled-orders", category="SPOT"))


def test_a_classic_account_has_none(clock: Clock) -> None:
    assert BitgetDesk.open_at("bitget", clock, (), limits=False).code("POST", COUNTDOWN, {"countdown": "5"}) == "40084"
