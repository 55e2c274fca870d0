"""Reads about the key, the account and the venue.

https://ascendex.github.io/ascendex-pro-api/#account-info and
https://ascendex.github.io/ascendex-futures-pro-api-v2/#position.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from ..book import SimOrder
from .answers import INVALID_ARGUMENT, Answer, Refused, data
from .products import LEDGERS, SYMBOLS
from .rows import is_conditional

if TYPE_CHECKING:
    from ..wire import SimRequest
    from .venue import AscendEX, Call

_EXPIRES_MS = 4_070_908_800_000
_DAY_MS = 86_400_000
_HELD = Decimal(1000)


def info(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`GET /api/pro/v1/info` and `/api/pro/v2/account/info`: the account group, and what the key may do.

    The faults `rights`, `unbound` and `key-days` make it another key; one with -1 days does not expire.
    """
    other = venue.fault("group-moved", request)
    named, ending = venue.fault("rights", request), venue.fault("key-days", request)
    rights = str(named.value if named else "view+trade").split("+")
    days = ending.number if ending else None
    content: dict[str, object] = {
        "accountGroup": int(other.number) if other else venue.group_of(call.account),
        "email": "embedded.exchange@example.invalid",
        "expireTime": _EXPIRES_MS if days is None else -1 if days < 0 else venue.server_now() + round(days * _DAY_MS),
        "allowedIps": [] if venue.fault("unbound", request) else ["127.0.0.1"],
        **{f"{ledger}Account": [venue.account_id(call.account, ledger)] for ledger in LEDGERS},
        "userUID": venue.user_of(call.account),
        "tradePermission": "trade" in rights,
        "transferPermission": "transfer" in rights,
        "viewPermission": "view" in rights,
    }
    if call.v2:
        content["limitQuota"] = 1000
    return data(content)


def exchange_info(venue: AscendEX, request: SimRequest) -> Answer:
    """`GET /api/pro/v1/exchange-info?requestTime=<ms>`: the server's clock beside the client's."""
    asked = request.parameters().get("requestTime", "")
    if not asked.isdecimal():
        raise Refused(INVALID_ARGUMENT, "requestTime is required")
    now_ms = venue.server_now()
    return data({"requestTimeEcho": int(asked), "requestReceiveAt": now_ms, "latency": now_ms - int(asked)})


def balance(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`GET .../cash/balance` and `.../margin/balance`: what open orders hold is not available."""
    coins = sorted({coin for symbol in SYMBOLS["cash"] for coin in symbol.split("/")})
    orders = list(call.account.book.open(call.ledger))
    rows = [
        {
            "asset": coin,
            "totalBalance": str(_HELD),
            "availableBalance": str(_HELD - sum(_holds(order, coin) for order in orders)),
        }
        for coin in coins
    ]
    return data(rows)


def _holds(order: SimOrder, coin: str) -> Decimal:
    base, _, quote = order.symbol.partition("/")
    if order.side == "sell":
        return Decimal(order.remaining) if coin == base else Decimal(0)
    return Decimal(order.remaining) * Decimal(order.price) if coin == quote else Decimal(0)


def position(venue: AscendEX, call: Call, request: SimRequest) -> Answer:
    """`GET .../v2/futures/position`: one row per contract, flat ones too.

    A position's take-profit and stop-loss live here alone ("by position exit order"): they are not listed as open
    orders, and no cancel takes them. Whether conditional and reduce-only orders count in the open notionals is not
    documented: here plain ones do.
    """
    orders = list(call.account.book.open("futures"))
    rows = [_contract(venue, call, symbol, orders) for symbol in SYMBOLS["futures"]]
    collateral = {"asset": "USDT", "balance": "10000", "discountFactor": "1", "referencePrice": "1"}
    return data(
        {
            "ac": "FUTURES",
            "accountId": venue.account_id(call.account, "futures"),
            "collaterals": [collateral],
            "contracts": rows,
        }
    )


def _contract(venue: AscendEX, call: Call, symbol: str, orders: list[SimOrder]) -> dict[str, object]:
    exits = venue.exits_of(call.account).get(symbol)
    held = Decimal(exits.position) if exits else Decimal(0)
    return {
        "symbol": symbol,
        "side": "SHORT" if held < 0 else "LONG",
        "position": str(held),
        "referenceCost": "0",
        "unrealizedPnl": "0",
        "realizedPnl": "0",
        "avgOpenPrice": "0",
        "marginType": "cross",
        "isolatedMargin": "0",
        "leverage": "10",
        "takeProfitPrice": exits.take_profit if exits else "0",
        "takeProfitTrigger": "market",
        "stopLossPrice": exits.stop_loss if exits else "0",
        "stopLossTrigger": "market",
        "buyOpenOrderNotional": _notional(orders, symbol, "buy"),
        "sellOpenOrderNotional": _notional(orders, symbol, "sell"),
        "indexPrice": "100",
        "markPrice": "100",
    }


def _notional(orders: list[SimOrder], symbol: str, side: str) -> str:
    plain = (order for order in orders if order.symbol == symbol and order.side == side)
    return str(sum(Decimal(each.remaining) * Decimal(each.price) for each in plain if not is_conditional(each)))
