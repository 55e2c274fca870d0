"""The fake Bybit's rate limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cancelall.simulator import SimReply

if TYPE_CHECKING:
    from conftest import Opener

CANCEL = "/v5/order/cancel-all"
USDT = {"category": "linear", "settleCoin": "USDT"}
TIME = "/v5/market/time"


def limit_headers(reply: SimReply) -> dict[str, str]:
    return {name.lower(): value for name, value in reply.headers if name.lower().startswith("x-bapi")}


@pytest.mark.parametrize(
    ("path", "values", "limit"),
    [
        (CANCEL, USDT, 10),
        (CANCEL, {"category": "spot"}, 20),
        (CANCEL, {"category": "option"}, 1),
        ("/v5/order/cancel-batch", {"category": "linear", "request": [{}]}, 10),
        ("/v5/spread/order/cancel-all", {"cancelAll": True}, 5),
        ("/v5/strategy/stop", {"strategyId": "x"}, 100),
    ],
)
def test_limits_per_second(open_desk: Opener, path: str, values: dict[str, object], limit: int) -> None:
    desk = open_desk(limits=True)
    replies = [desk.reply("POST", path, values) for _ in range(limit + 2)]
    codes = [desk.read(reply)["retCode"] for reply in replies]
    assert not set(codes[:limit]) & {10006, 30035}
    assert set(codes[limit:]) <= {10006, 30035}
    assert limit_headers(replies[0]) == {
        "x-bapi-limit": str(limit),
        "x-bapi-limit-status": str(limit - 1),
        "x-bapi-limit-reset-timestamp": str(desk.clock()),
    }
    desk.clock.tick(1)
    assert desk.read(desk.reply("POST", path, values))["retCode"] == codes[0]


def test_linear_and_inverse_share_a_bucket_and_the_rest_does_not(open_desk: Opener) -> None:
    desk = open_desk(limits=True)
    for number in range(10):
        values = USDT if number % 2 else {"category": "inverse", "settleCoin": "BTC"}
        assert desk.post(CANCEL, **values)["retCode"] == 0
    assert desk.post(CANCEL, **USDT)["retCode"] == 10006
    assert desk.post(CANCEL, category="spot")["retCode"] == 0
    other = desk.at(desk.fake.add_account())
    assert other.post(CANCEL, **USDT)["retCode"] == 0


def test_each_order_of_a_batch_counts_but_for_options(open_desk: Opener) -> None:
    desk = open_desk(limits=True)
    for category, passed in (("linear", 10), ("spot", 10), ("option", 20)):
        items = [{"symbol": "BTCUSDT", "orderId": str(number)} for number in range(10 if category == "spot" else 20)]
        said = desk.post("/v5/order/cancel-batch", category=category, request=items)
        codes = [row["code"] for row in said["retExtInfo"]["list"]]
        assert said["retCode"] == 0
        assert [code == 10006 for code in codes] == [False] * passed + [True] * (len(items) - passed)


def test_refusals_tell_when_to_come_back_every_other_time(open_desk: Opener) -> None:
    desk = open_desk(limits=True)
    for _ in range(10):
        desk.post(CANCEL, **USDT)
    first, second = (limit_headers(desk.reply("POST", CANCEL, USDT)) for _ in range(2))
    assert second == {}
    wait_ms = int(first["x-bapi-limit-reset-timestamp"]) - desk.clock()
    assert 0 < wait_ms <= 101
    desk.clock.tick(wait_ms / 1000)
    assert desk.post(CANCEL, **USDT)["retCode"] == 0


def test_option_cancels_know_two_codes(open_desk: Opener) -> None:
    desk = open_desk(limits=True)
    codes = [desk.post(CANCEL, category="option")["retCode"] for _ in range(3)]
    assert codes == [0, 30035, 10006]


def test_limits_can_be_off(open_desk: Opener) -> None:
    desk = open_desk(limits=False)
    assert {desk.reply("GET", TIME).status for _ in range(700)} == {200}
    assert {desk.post(CANCEL, category="option")["retCode"] for _ in range(5)} == {0}
