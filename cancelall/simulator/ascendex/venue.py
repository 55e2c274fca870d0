"""The fake AscendEX: its calls that change orders, its reads, its routes, and its checks in the venue's order.

https://ascendex.github.io/ascendex-pro-api/#cancel-all-orders, #cancel-order, #cancel-batch-orders and #place-order,
#account-info, #list-open-orders, #query-order, #list-current-history-orders, #list-history-orders-v2, and the same of
https://ascendex.github.io/ascendex-futures-pro-api-v2/, with #position. An acknowledgement only says that the request
was received: "the server will process the cancel all request with best effort". Limit orders rest, market orders fill
at once, stop orders wait. There is no balance, no margin, no matching. Open orders have no pages, no documented limit.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import islice

from ..auth import as_base64, genuine
from ..book import Book, SimOrder
from ..limits import Draw
from ..refusals import Refused, positive, whole
from ..routes import Call, Routes, cancel, create, listing, public, read
from ..rows import fixed
from ..stock import template
from . import products
from .products import COINS, LEDGERS, SYMBOLS, TYPES, history_row, is_conditional
from .state import CODES, State, data, is_retired, is_v2, ledger_of

BATCH_MAX = 10
_DUPLICATE_MS = 1000
_CLOSED = "Trying to cancel non-open order"

Body = Mapping[str, object]
_EXPIRES_MS = 4_070_908_800_000
_DAY_MS = 86_400_000
_HELD = "1000"
# How much the server keeps at hand is not documented.
_RECENT = 500
_HISTORY_DEFAULT, _HISTORY_MAX = 500, 1000
# One query holds many ids; how many is not documented. Longer request lines are refused by most servers.
_IDS_MAX = 100
# Per key, of requests that change something and of reads. No limit is documented; a user was told 10 per second
# (https://github.com/bitmax-exchange/api-doc/issues/17), while hummingbot sent up to 50 order calls and 100 in all.
_PER_SECOND = 10
# Position, take-profit and stop-loss of an account with positions.
_POSITIONS = {"BTC-PERP": ("0.5", "90000", "50000"), "ETH-PERP": ("-2", "0", "0")}


def cancel_all(venue: State, call: Call) -> object:
    """Every open order of one ledger, of one symbol if the body names one. The documents do not say whether conditional
    orders go with it: here they do, unless `conditional-left` is on. Orders that the matching engine has not taken yet
    stay ("sent but un-acked will not be canceled"). No form of the answer names or counts what was cancelled.
    """
    ledger, symbol = ledger_of(call), str(venue.body(call).get("symbol", ""))
    if symbol and symbol not in SYMBOLS[ledger] and not venue.fault("lenient-symbols", call.request):
        raise _bad_symbol(venue, call, symbol)
    # The signature does not cover the body: a filter that gets lost on the way is not noticed by the venue.
    symbol = "" if venue.fault("symbol-lost", call.request) else symbol
    left, until_ms = venue.fault("conditional-left", call.request), venue.acked_until_ms(call.request)
    orders = [each for each in call.account.book.open(ledger) if symbol in ("", each.symbol)]
    reached = [each for each in orders if each.created_ms <= until_ms and not (left and is_conditional(each))]
    venue.cancel(call.account, venue.cancellable(call, reached), call.request)
    form = venue.setting("ack-form", call.request, "")
    if form == "bare" or (is_v2(call) and not form):
        return None
    if is_v2(call):  # a page that was never published, and the sample of another client
        return data({**venue.head(call), "info": {"symbol": symbol}})
    return _acknowledged(venue, call, {"symbol": symbol}, order_type="" if form else "NULL_VAL")


def cancel_one(venue: State, call: Call) -> object:
    """By `orderId`, with `symbol` and `time`."""
    body = venue.body(call)
    order = _named(venue, call, body)
    taken = venue.cancellable(call, [order])
    if not (taken or is_retired(call)) or venue.cancel(call.account, taken, call.request).failed:
        raise _error(venue, call, body, "NOT_CANCELLABLE", _CLOSED)
    venue.cancelled_ms[order.id] = venue.now_ms()
    if not is_v2(call):
        return _acknowledged(venue, call, body)
    meta = {"id": body.get("id", ""), "action": "cancel-order", "respInst": body.get("respInst", "ACK")}
    shown = call.account.book.find(order.id) if meta["respInst"] != "ACK" else order
    return data({"meta": meta, "order": venue.row(call, shown or order)})


def cancel_batch(venue: State, call: Call) -> object:
    """At most ten orders, and one that fails the basic check fails them all."""
    items = venue.body(call).get("orders")
    if not isinstance(items, list) or not 1 <= len(items) <= BATCH_MAX:
        raise Refused("INVALID_BATCH_ORDER", f"A batch holds 1 to {BATCH_MAX} orders")
    orders, errors = {}, []
    for item in items:
        body = {name: value for name, value in item.items() if value is not None} if isinstance(item, dict) else {}
        try:
            order = _named(venue, call, body)
            orders[order.id] = order
        except Refused as refused:
            reason = {"message": refused.message, "reason": "INVALID_ORDER_ID"}
            errors.append({"code": CODES[str(refused.code)], **_ids(body), **reason})
    if errors:
        message = "Batch Order failed, please check each order info for detail."
        raise Refused("INVALID_BATCH_ORDER", message, members={**venue.head(call), "status": "Err", "info": errors})
    venue.cancel(call.account, venue.cancellable(call, list(orders.values())), call.request)
    venue.cancelled_ms.update(dict.fromkeys(orders, venue.now_ms()))
    infos = [_info(venue, call, item) for item in items]
    if is_v2(call):
        return data({"meta": {"action": "batch-cancel-order", "respInst": "ACK"}, "orders": infos})
    return data({**venue.head(call), "status": "Ack", "info": infos})


def _named(venue: State, call: Call, body: Body) -> SimOrder:
    order_id, symbol = body.get("orderId", ""), body.get("symbol", "")
    if not order_id or not symbol:
        raise _error(venue, call, body, "INVALID_ORDER_PARAMETER", "orderId and symbol are required")
    venue.check_clock(body.get("time", ""))
    order = call.account.book.find(str(order_id))
    if order is None or order.segment != ledger_of(call):
        raise _error(venue, call, body, "INVALID_ORDER_ID", f"Invalid Client Order Id: {order_id}")
    if order.symbol != symbol:
        raise _bad_symbol(venue, call, str(symbol))
    if order.extra.get("execInst", "") == venue.setting("unnamable", call.request, "none"):
        raise _error(venue, call, body, "NOT_CANCELLABLE", "The order cannot be canceled.")
    if order.status != "open":
        if call.path.endswith("/batch"):
            raise Refused("INVALID_ORDER_ID", "The order is already filled or canceled.")
        raise _error(venue, call, body, "NOT_CANCELLABLE", _CLOSED)
    if venue.now_ms() - venue.cancelled_ms.get(order.id, -_DUPLICATE_MS) < _DUPLICATE_MS:
        raise _error(venue, call, body, "NOT_CANCELLABLE", "Duplicated order cancel request.")
    return order


def _bad_symbol(venue: State, call: Call, symbol: str) -> Refused:
    """Futures v2 nests what order errors carry in `data` (its own sample); v1 has it at the top level."""
    head = {**venue.head(call), "info": {"symbol": symbol}}
    return Refused("INVALID_PRODUCT", "Invalid Product Symbol", members={"data": head} if is_v2(call) else head)


def _error(venue: State, call: Call, body: Body, code: str, message: str) -> Refused:
    info = {"id": body.get("id", ""), "symbol": body.get("symbol", "")}
    return Refused(code, message, members={**venue.head(call), "status": "Err", "info": info})


def _acknowledged(venue: State, call: Call, body: Body, order_type: str = "") -> object:
    return data({**venue.head(call), "info": _info(venue, call, body, order_type), "status": "Ack"})


def _info(venue: State, call: Call, body: Body, order_type: str = "") -> dict[str, object]:
    return {**_ids(body), "orderType": order_type, "timestamp": venue.to_server(call.request.received_ms)}


def _ids(body: Body) -> dict[str, object]:
    return {name: body.get(name, "") for name in ("id", "orderId", "symbol")}


def place_order(venue: State, call: Call) -> object:
    """Cash writes types as `stop_limit`, futures as `StopLimit`; both are understood everywhere."""
    body, now_ms, ledger = venue.body(call), venue.now_ms(), ledger_of(call)
    client_id, symbol = str(body.get("id", "")), str(body.get("symbol", ""))
    if symbol not in SYMBOLS[ledger]:
        raise Refused("INVALID_PRODUCT", "Invalid Product Symbol")
    venue.check_clock(body.get("time", ""))
    side, written = str(body.get("side", "")).lower(), str(body.get("orderType", "")).lower()
    kind = next((each for each in TYPES if written in (each, each.replace("_", ""))), None)
    if side not in ("buy", "sell") or kind is None:
        raise Refused("INVALID_ORDER_PARAMETER", "side or orderType is invalid")
    quantity, price, extra = _positive(body, "orderQty"), "0", {}
    if kind.endswith("limit"):
        price = _positive(body, "orderPrice")
    if kind.startswith("stop"):
        extra["stopPrice"] = _positive(body, "stopPrice")
    extra["execInst"] = str(body.get("execInst", "Post" if body.get("postOnly") is True else "NULL_VAL"))
    order = template(ledger, symbol, side, price, kind, extra, reduces="reduce" in extra["execInst"].lower())
    order = replace(order, quantity=quantity, remaining=quantity)
    order_id = venue.order_id(venue.user_of(call.account), now_ms, client_id)
    order = venue.place(call.account, order.placed(order_id, now_ms))
    if kind == "market":
        order = call.account.book.close(order.id, "filled", now_ms) or order
    answer = str(body.get("respInst", "ACK"))
    if is_v2(call):
        meta = {"action": "place-order", "id": client_id, "respInst": answer}
        return data({"meta": meta, "order": venue.row(call, order, acked=answer != "ACK")})
    if answer != "ACK":
        return data({**venue.head(call), "info": venue.row(call, order), "status": answer})
    return _acknowledged(venue, call, {"id": client_id, "orderId": order.id, "symbol": order.symbol}, TYPES[kind])


def _positive(body: Body, name: str) -> str:
    return positive(body, name, Refused("INVALID_ORDER_PARAMETER", f"{name} is invalid"))


def open_orders(venue: State, call: Call) -> object:
    """Newest first, all at once. The page of futures v2 documents no parameter, so a symbol changes nothing there."""
    orders = venue.listed(call.account, call.request, ledger_of(call))
    symbol = "" if is_v2(call) else call.query.get("symbol", "")
    if symbol and symbol not in SYMBOLS[ledger_of(call)] and not venue.fault("lenient-symbols", call.request):
        raise Refused("SYMBOL_ERROR", "Symbol does not exist")
    orders = [order for order in orders if symbol in ("", order.symbol)]
    if is_retired(call) and venue.retired == "empty":
        orders = []
    if cap := venue.fault("capped", call.request):
        orders = orders[: int(cap.number)]
    return _listed(venue, call, orders)


def _listed(venue: State, call: Call, orders: Iterable[SimOrder]) -> object:
    head = {} if is_v2(call) else venue.head(call, "accountCategory" if is_retired(call) else "ac")
    return data(_rows(venue, call, orders), **head)


def _rows(venue: State, call: Call, orders: Iterable[SimOrder]) -> list[dict[str, object]]:
    until_ms = venue.acked_until_ms(call.request) if is_v2(call) else 0
    return [venue.row(call, each, acked=each.status != "open" or each.created_ms <= until_ms) for each in orders]


def order_status(venue: State, call: Call) -> object:
    """Open or closed. One id yields an object, several (or a comma) a list. Ids that nobody knows are left out of a
    list; alone they are refused. Neither is documented.
    """
    written = call.query.get("orderId", "")
    ids = [each for each in written.split(",") if each]
    if not ids or len(ids) > _IDS_MAX:
        raise Refused("INVALID_ARGUMENT", "orderId is missing or too long")
    known = [order for each in ids if (order := call.account.book.find(each)) and order.segment == ledger_of(call)]
    rows = _rows(venue, call, known)
    if not rows and len(ids) == 1:
        raise Refused("INVALID_ORDER_ID", f"Invalid Client Order Id: {ids[0]}")
    head = venue.head(call, "ac" if ledger_of(call) == "futures" else "accountCategory")
    return data(rows if "," in written else rows[0], **head)


def recent(venue: State, call: Call) -> object:
    symbol = call.query.get("symbol", "")
    count = whole(call.query.get("n", str(_RECENT)), Refused("INVALID_ARGUMENT", "n is not a number"))
    only_executed = call.query.get("executedOnly", "").lower() == "true"
    kept = [
        order
        for order in islice(call.account.book.closed(ledger_of(call)), _RECENT)
        if symbol in ("", order.symbol) and (order.executed or not only_executed)
    ]
    return _listed(venue, call, kept[:count])


def history(venue: State, call: Call) -> object:
    """Closed orders of one ledger, which the parameter `account` names: with `seqNum` or `startTime` from the oldest
    on, else from the newest.
    """
    ledger, symbol = call.query.get("account", ""), call.query.get("symbol", "")
    if ledger not in LEDGERS:
        raise Refused("INVALID_ARGUMENT", "account is required")
    bad = Refused("INVALID_ARGUMENT", "not a number")
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
    account = {"accountId": venue.account_id(call.account, ledger)}
    shown = orders[: min(limit or _HISTORY_DEFAULT, _HISTORY_MAX)]
    return data([{**history_row(order, venue.to_server), **account} for order in shown])


def info(venue: State, call: Call) -> object:
    """The account group, and what the key may do. One whose fault `key-days` has -1 days does not expire."""
    refused = venue.has_fault("permission")
    usual = "view" if refused and not refused.value else "view+trade"
    rights, expires = venue.setting("rights", call.request, usual).split("+"), _EXPIRES_MS
    other = venue.fault("group-moved", call.request)
    if ending := venue.fault("key-days", call.request):
        expires = -1 if ending.number < 0 else venue.server_now() + round(ending.number * _DAY_MS)
    return data(
        {
            "accountGroup": int(other.number) if other else venue.group_of(call.account),
            "email": "embedded.exchange@example.invalid",
            "expireTime": expires,
            "allowedIps": [] if venue.fault("unbound", call.request) else ["127.0.0.1"],
            **{f"{ledger}Account": [venue.account_id(call.account, ledger)] for ledger in LEDGERS},
            "userUID": venue.user_of(call.account),
            **{f"{right}Permission": right in rights for right in ("trade", "transfer", "view")},
            **({"limitQuota": 1000} if is_v2(call) else {}),
        }
    )


def exchange_info(venue: State, call: Call) -> object:
    sent = whole(call.query.get("requestTime", ""), Refused("INVALID_ARGUMENT", "requestTime is required"))
    now_ms = venue.server_now()
    return data({"requestTimeEcho": sent, "requestReceiveAt": now_ms, "latency": now_ms - sent})


def balance(venue: State, call: Call) -> object:
    free = dict.fromkeys(COINS, Decimal(_HELD))
    for order in call.account.book.open(ledger_of(call)):
        base, quote = order.symbol.split("/")
        sells = order.side == "sell"
        free[base if sells else quote] -= Decimal(order.remaining) * (1 if sells else Decimal(order.price))
    return data([{"asset": coin, "totalBalance": _HELD, "availableBalance": str(free[coin])} for coin in COINS])


def position(venue: State, call: Call) -> object:
    """One row per contract, flat ones too. A position's take-profit and stop-loss live here alone ("by position exit
    order"): they are not listed as open orders, and no cancel takes them. Whether conditional and reduce-only orders
    count in the open notionals is not documented: here the latter do.
    """
    notionals: dict[tuple[str, str], Decimal] = {}
    for order in call.account.book.open("futures"):
        if not is_conditional(order):
            key = order.symbol, order.side
            notionals[key] = notionals.get(key, Decimal(0)) + Decimal(order.remaining) * Decimal(order.price)
    held = _POSITIONS if call.account.key in venue.holders else {}
    contracts = []
    for symbol in SYMBOLS["futures"]:
        size, take_profit, stop_loss = held.get(symbol, ("0", "0", "0"))
        contracts.append(
            {
                "symbol": symbol,
                "side": "SHORT" if size.startswith("-") else "LONG",
                "position": size,
                **_CONTRACT,
                "takeProfitPrice": take_profit,
                "stopLossPrice": stop_loss,
                "buyOpenOrderNotional": str(notionals.get((symbol, "buy"), 0)),
                "sellOpenOrderNotional": str(notionals.get((symbol, "sell"), 0)),
            }
        )
    return data({**venue.head(call), "collaterals": [_COLLATERAL], "contracts": contracts})


_COLLATERAL = fixed("asset=USDT balance=10000 discountFactor=1 referencePrice=1")
_CONTRACT = fixed("""
    referenceCost=0 unrealizedPnl=0 realizedPnl=0 avgOpenPrice=0 marginType=cross isolatedMargin=0 leverage=10
    takeProfitTrigger=market stopLossTrigger=market indexPrice=100 markPrice=100
""")
# v1 has the order calls per ledger, v2 for futures.
_ORDER = "/{group:[0-9]+}/api/pro/{api:v1/cash|v1/margin|v1/futures|v2/futures}/order"


class AscendEX(State):
    """The APIs of an account with a cash, a margin and a futures ledger."""

    routes = Routes(
        {
            # The detail is what an answer says that was done.
            f"DELETE {_ORDER}/all": cancel(cancel_all, detail="cancel-all"),
            f"DELETE {_ORDER}": cancel(cancel_one, detail="cancel-order"),
            f"DELETE {_ORDER}/batch": cancel(cancel_batch, detail="batch-cancel-order"),
            f"POST {_ORDER}": create(place_order, detail="place-order"),
            f"GET {_ORDER}/open": listing(open_orders),
            f"GET {_ORDER}/status": read(order_status),
            f"GET {_ORDER}/hist/current": read(recent),
            "GET /{group:[0-9]+}/api/pro/{api:v1/cash|v1/margin}/balance": read(balance),
            "GET /{group:[0-9]+}/api/pro/{api:v2/futures}/position": read(position),
            "GET /api/pro/data/v2/order/hist": read(history),
            "GET /api/pro/v1/info": read(info),
            "GET /api/pro/v2/account/info": read(info),
            "GET /api/pro/v1/exchange-info": public(exchange_info),
            "GET /api/pro/v1/cash/products": public(lambda *_: data(products.PRODUCTS)),
            "GET /api/pro/v1/margin/products": public(lambda *_: data(products.MARGIN_PRODUCTS)),
            "GET /api/pro/v1/products": public(lambda *_: data(products.LEGACY_PRODUCTS)),
            "GET /api/pro/v2/assets": public(lambda *_: data(products.ASSETS)),
            "GET /api/pro/v2/futures/contract": public(lambda *_: data(products.CONTRACTS)),
        }
    )

    def authorize(self, call: Call) -> Call:
        """Key, clock and signature; then whether the path's group is the account's own.

        https://ascendex.github.io/ascendex-pro-api/#authenticate-a-restful-request (as of 2025-10-29): the signed text
        is `<timestamp>+<api-path>`, and each page names its api-path: `order/all` for
        `/<group>/api/pro/v1/cash/order/all`, `v2/futures/order/all` for `/<group>/api/pro/v2/futures/order/all`.
        Neither method, query, body nor group is part of it, nor is the ledger in v1. The signature is HMAC-SHA256 in
        base64, with the secret's own bytes as the key. What a wrong group is answered with is not documented.
        """
        if self.fault("expired", call.request):
            raise Refused("AUTHENTICATION_FAILED", "API key is expired.")
        names = ("x-auth-key", "x-auth-timestamp", "x-auth-signature")
        key, timestamp, signature = (call.request.headers.get(name, "") for name in names)
        if not (key and timestamp and signature):
            raise Refused("AUTHORIZATION_NEEDED", "Authorization is required")
        account = super().authorize(call).account
        self.check_clock(timestamp)
        api_path = call.request.path.partition("/api/pro/")[2].removeprefix("v1/").removeprefix(f"{ledger_of(call)}/")
        if not genuine(f"{timestamp}+{api_path}".encode(), signature, account.credentials, as_base64):
            raise Refused("AUTHENTICATION_FAILED", "API signature mismatch")
        if int(call.names.get("group", self.group_of(account))) == self.group_of(account):
            return replace(call, account=account)
        if self.fault("foreign-group", call.request):
            return replace(call, account=replace(account, key="", book=Book()))
        raise Refused("ACCOUNT_NOT_FOUND", "Account not exist")

    def draws(self, call: Call) -> Iterable[Draw]:
        """One bucket for what changes something, one for reads."""
        return [Draw(call.route.kind.changes, _PER_SECOND)]

    def check(self, call: Call) -> None:
        """What the retired paths really answer is not on record."""
        if ledger_of(call) == "margin" and self.fault("no-margin", call.request):
            raise Refused("INVALID_MARGIN_ACCOUNT", "Not a valid account for margin trading")
        if is_retired(call) and not self.fault("futures-v1", call.request):
            raise Refused("INVALID_OPERATION", "This API is no longer supported")


FAKE = AscendEX
