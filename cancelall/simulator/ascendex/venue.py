"""The fake AscendEX: its routes, its checks in the venue's order, and its reads.

https://ascendex.github.io/ascendex-pro-api/#account-info, #list-open-orders, #query-order, #list-current-history-orders
and #list-history-orders-v2, and the same of https://ascendex.github.io/ascendex-futures-pro-api-v2/, with #position.
Open orders have no pages and no documented limit.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from decimal import Decimal
from itertools import islice

from ..book import Book, SimOrder
from ..refusals import Refused
from ..routes import Call, Route, Routes, cancel, create, listing, public, read
from ..rows import fixed
from ..values import whole
from . import products
from .auth import Code, authenticate
from .orders import cancel_all, cancel_batch, cancel_one, place_order
from .products import COINS, LEDGERS, SYMBOLS
from .rows import history_row, is_conditional, row_v1, row_v2
from .state import Exits, State, data, is_retired, is_v2, ledger_of

_EXPIRES_MS = 4_070_908_800_000
_DAY_MS = 86_400_000
_HELD = Decimal(1000)
# How much the server keeps at hand is not documented.
_RECENT = 500
_HISTORY_DEFAULT, _HISTORY_MAX = 500, 1000
# One query holds many ids; how many is not documented. Longer request lines are refused by most servers.
_IDS_MAX = 100
# Per key, of requests that change something and of reads. No limit is documented; a user was told 10 per second
# (https://github.com/bitmax-exchange/api-doc/issues/17), while hummingbot sent up to 50 order calls and 100 in all.
_PER_SECOND = 10


def open_orders(venue: State, call: Call) -> object:
    """`GET .../order/open`: newest first, all at once.

    The page of futures v2 documents no parameter, so a symbol changes nothing there.
    """
    orders = venue.listed(call.account, call.request, ledger_of(call))
    symbol = "" if is_v2(call) else call.query.get("symbol", "")
    if symbol:
        if symbol not in SYMBOLS[ledger_of(call)] and not venue.fault("lenient-symbols", call.request):
            raise Refused(Code.SYMBOL_ERROR, "Symbol does not exist")
        orders = [order for order in orders if order.symbol == symbol]
    if is_retired(call) and venue.retired == "empty":
        orders = []
    if cap := venue.fault("capped", call.request):
        orders = orders[: int(cap.number)]
    return _listed(venue, call, orders)


def _listed(venue: State, call: Call, orders: Iterable[SimOrder]) -> object:
    name = "accountCategory" if is_retired(call) else "ac"
    return data(_rows(venue, call, orders), **({} if is_v2(call) else _head(venue, call, name)))


def _head(venue: State, call: Call, name: str) -> dict[str, object]:
    return {name: ledger_of(call).upper(), "accountId": venue.account_id(call.account, ledger_of(call))}


def _rows(venue: State, call: Call, orders: Iterable[SimOrder]) -> list[dict[str, object]]:
    if not is_v2(call):
        return [row_v1(order, venue.view(call)) for order in orders]
    until_ms = venue.acked_until_ms(call.request)
    view = venue.view(call, lambda order: order.status != "open" or order.created_ms <= until_ms)
    return [row_v2(order, view) for order in orders]


def order_status(venue: State, call: Call) -> object:
    """`GET .../order/status?orderId=a,b`: open or closed. One id yields an object, several (or a comma) a list.

    Ids that nobody knows are left out of a list; alone they are refused. Neither is documented.
    """
    written = call.query.get("orderId", "")
    ids = [each for each in written.split(",") if each]
    if not ids or len(ids) > _IDS_MAX:
        raise Refused(Code.INVALID_ARGUMENT, "orderId is missing or too long")
    found = [call.account.book.find(each) for each in ids]
    rows = _rows(venue, call, [order for order in found if order is not None and order.segment == ledger_of(call)])
    if not rows and len(ids) == 1:
        raise Refused(Code.INVALID_ORDER_ID, f"Invalid Client Order Id: {ids[0]}")
    head = _head(venue, call, "ac" if is_v2(call) or is_retired(call) else "accountCategory")
    return data(rows if "," in written else rows[0], **head)


def recent(venue: State, call: Call) -> object:
    """`GET .../order/hist/current`: recently closed orders, the last first."""
    symbol = call.query.get("symbol", "")
    count = whole(call.query.get("n", str(_RECENT)), Refused(Code.INVALID_ARGUMENT, "n is not a number"))
    only_executed = call.query.get("executedOnly", "").lower() == "true"
    orders = (
        order
        for order in islice(call.account.book.closed(ledger_of(call)), _RECENT)
        if symbol in ("", order.symbol) and (order.executed or not only_executed)
    )
    return _listed(venue, call, islice(orders, count))


def history(venue: State, call: Call) -> object:
    """`GET /api/pro/data/v2/order/hist`: closed orders of one ledger, which the parameter `account` names.

    With `seqNum` or `startTime` from the oldest on, else from the newest.
    """
    ledger, symbol = call.query.get("account", ""), call.query.get("symbol", "")
    if ledger not in LEDGERS:
        raise Refused(Code.INVALID_ARGUMENT, "account is required")
    bad = Refused(Code.INVALID_ARGUMENT, "not a number")
    names = ("seqNum", "startTime", "endTime", "limit")
    since, start, end, limit = (whole(call.query.get(name, "0"), bad) for name in names)
    orders = [
        order
        for order in call.account.book.closed(ledger)
        if symbol in ("", order.symbol)
        and order.sequence >= since
        and start <= venue.to_server(order.updated_ms) <= (end or _EXPIRES_MS)
    ]
    if since or start:
        orders.sort(key=lambda order: order.sequence)
    view = venue.view(replace(call, names={"ledger": ledger}))
    return data([history_row(order, view) for order in orders[: min(limit or _HISTORY_DEFAULT, _HISTORY_MAX)]])


def info(venue: State, call: Call) -> object:
    """`GET /api/pro/v1/info` and `/api/pro/v2/account/info`: the account group, and what the key may do.

    The faults `rights`, `unbound` and `key-days` make it another key; one with -1 days does not expire.
    """
    other = venue.fault("group-moved", call.request)
    named, ending = venue.fault("rights", call.request), venue.fault("key-days", call.request)
    refused = venue.has_fault("permission")
    rights = str(named.value if named else "view" if refused and not refused.value else "view+trade").split("+")
    days = ending.number if ending else None
    return data(
        {
            "accountGroup": int(other.number) if other else venue.group_of(call.account),
            "email": "embedded.exchange@example.invalid",
            "expireTime": _EXPIRES_MS
            if days is None
            else -1
            if days < 0
            else venue.server_now() + round(days * _DAY_MS),
            "allowedIps": [] if venue.fault("unbound", call.request) else ["127.0.0.1"],
            **{f"{ledger}Account": [venue.account_id(call.account, ledger)] for ledger in LEDGERS},
            "userUID": venue.user_of(call.account),
            **{f"{right}Permission": right in rights for right in ("trade", "transfer", "view")},
            **({"limitQuota": 1000} if is_v2(call) else {}),
        }
    )


def exchange_info(venue: State, call: Call) -> object:
    """`GET /api/pro/v1/exchange-info?requestTime=<ms>`: the server's clock beside the client's."""
    asked = whole(call.query.get("requestTime", ""), Refused(Code.INVALID_ARGUMENT, "requestTime is required"))
    now_ms = venue.server_now()
    return data({"requestTimeEcho": asked, "requestReceiveAt": now_ms, "latency": now_ms - asked})


def balance(venue: State, call: Call) -> object:
    """`GET .../cash/balance` and `.../margin/balance`: what open orders hold is not available."""
    orders = list(call.account.book.open(ledger_of(call)))
    held = {coin: sum(_holds(order, coin) for order in orders) for coin in COINS}
    return data(
        [
            {"asset": coin, "totalBalance": str(_HELD), "availableBalance": str(_HELD - amount)}
            for coin, amount in held.items()
        ]
    )


def _holds(order: SimOrder, coin: str) -> Decimal:
    base, _, quote = order.symbol.partition("/")
    if order.side == "sell":
        return Decimal(order.remaining) if coin == base else Decimal(0)
    return Decimal(order.remaining) * Decimal(order.price) if coin == quote else Decimal(0)


def position(venue: State, call: Call) -> object:
    """`GET .../v2/futures/position`: one row per contract, flat ones too.

    A position's take-profit and stop-loss live here alone ("by position exit order"): they are not listed as open
    orders, and no cancel takes them. Whether conditional and reduce-only orders count in the open notionals is not
    documented: here plain ones do.
    """
    orders = list(call.account.book.open("futures"))
    exits = venue.exits_of(call.account)
    rows = [_contract(symbol, exits.get(symbol, Exits()), orders) for symbol in SYMBOLS["futures"]]
    collateral = fixed("asset=USDT balance=10000 discountFactor=1 referencePrice=1")
    return data({**_head(venue, call, "ac"), "collaterals": [collateral], "contracts": rows})


def _contract(symbol: str, exits: Exits, orders: list[SimOrder]) -> dict[str, object]:
    return {
        "symbol": symbol,
        "side": "SHORT" if Decimal(exits.position) < 0 else "LONG",
        "position": exits.position,
        **fixed("referenceCost=0 unrealizedPnl=0 realizedPnl=0 avgOpenPrice=0 marginType=cross isolatedMargin=0"),
        **fixed("leverage=10 takeProfitTrigger=market stopLossTrigger=market indexPrice=100 markPrice=100"),
        "takeProfitPrice": exits.take_profit,
        "stopLossPrice": exits.stop_loss,
        "buyOpenOrderNotional": _notional(orders, symbol, "buy"),
        "sellOpenOrderNotional": _notional(orders, symbol, "sell"),
    }


def _notional(orders: list[SimOrder], symbol: str, side: str) -> str:
    plain = (order for order in orders if order.symbol == symbol and order.side == side)
    return str(sum(Decimal(each.remaining) * Decimal(each.price) for each in plain if not is_conditional(each)))


_V1, _V2 = "/{group:[0-9]+}/api/pro/v1/{ledger:cash|margin|futures}", "/{group:[0-9]+}/api/pro/v2/futures"


def _order_calls(prefix: str) -> dict[str, Route]:
    """The order calls, which v1 has per ledger and v2 for futures."""
    return {
        f"DELETE {prefix}/order/all": cancel(cancel_all),
        f"DELETE {prefix}/order": cancel(cancel_one),
        f"DELETE {prefix}/order/batch": cancel(cancel_batch),
        f"POST {prefix}/order": create(place_order),
        f"GET {prefix}/order/open": listing(open_orders),
        f"GET {prefix}/order/status": read(order_status),
        f"GET {prefix}/order/hist/current": read(recent),
    }


ROUTES = Routes(
    {
        **_order_calls(_V1),
        **_order_calls(_V2),
        "GET /{group:[0-9]+}/api/pro/v1/{ledger:cash|margin}/balance": read(balance),
        f"GET {_V2}/position": read(position),
        "GET /api/pro/data/v2/order/hist": read(history),
        "GET /api/pro/v1/info": read(info),
        "GET /api/pro/v2/account/info": read(info),
        "GET /api/pro/v1/exchange-info": public(exchange_info),
        "GET /api/pro/v1/cash/products": public(lambda venue, call: data(products.products("cash"))),
        "GET /api/pro/v1/margin/products": public(lambda venue, call: data(products.products("margin"))),
        "GET /api/pro/v1/products": public(lambda venue, call: data(products.legacy_products())),
        "GET /api/pro/v2/assets": public(lambda venue, call: data(products.assets())),
        "GET /api/pro/v2/futures/contract": public(lambda venue, call: data(products.contracts())),
    }
)


class AscendEX(State):
    """The APIs of an account with a cash, a margin and a futures ledger."""

    routes = ROUTES

    def authorize(self, call: Call) -> Call:
        """Key and signature; then whether the path's group is the account's own.

        What a wrong group is answered with is not documented.
        """
        if self.fault("expired", call.request):
            raise Refused(Code.AUTHENTICATION_FAILED, "API key is expired.")
        api_path = call.request.path.partition("/api/pro/")[2].removeprefix("v1/")
        if "ledger" in call.names:
            api_path = api_path.removeprefix(f"{call.names['ledger']}/")
        owner = self.accounts.get(self.key_of(call.request))
        account = authenticate(call.request, api_path, owner, self.server_now())
        if int(call.names.get("group", self.group_of(account))) == self.group_of(account):
            return replace(call, account=account)
        if self.fault("foreign-group", call.request):
            return replace(call, account=replace(account, key="", book=Book()))
        raise Refused(Code.ACCOUNT_NOT_FOUND, "Account not exist")

    def limit_of(self, call: Call) -> tuple[Hashable, int]:
        """One bucket for what changes something, one for reads."""
        return call.route.kind.changes, _PER_SECOND

    def check(self, call: Call) -> None:
        """What the retired paths really answer is not on record."""
        if call.names.get("ledger") == "margin" and self.fault("no-margin", call.request):
            raise Refused(Code.INVALID_MARGIN_ACCOUNT, "Not a valid account for margin trading")
        if is_retired(call) and not self.fault("futures-v1", call.request):
            raise Refused(Code.INVALID_OPERATION, "This API is no longer supported")


FAKE = AscendEX
