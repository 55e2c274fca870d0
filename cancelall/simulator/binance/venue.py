"""The calls of a fake Binance, on one host: each wallet's are the same, with other paths.

https://developers.binance.com/docs/ (as of 2026-09): listings, cancels by symbol and by number, lists of orders, TWAP
and VP orders, options by underlying; what an account was opened for, and what a key may do.
"""

from collections.abc import Callable, Iterable
from functools import partial

from ..book import SimOrder
from ..faults import Kind
from ..positions import SimPosition, held
from ..refusals import Refused, page, positive
from ..routes import Call, Handler, Route, Routes, cancel, create, listing, public, read
from .countdown import countdown
from .state import BAD_SYMBOL, NO_SUCH_ORDER, UNKNOWN_ORDER, State, missing
from .wallets import BOOKS, ROWS, SimBook, book_of, closes, number_of

_DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}
_CUT_OFF = 100
_BARE = SimPosition(symbol="SOLUSDT", long=False, segment="usdm")


def _segment(book: SimBook, call: Call) -> str:
    """The segment that a call is about: of margin, the account of a pair if it is named."""
    isolated = str(call.payload.get("isIsolated", "")).upper() == "TRUE"
    if book.segment != "margin" or not isolated:
        return book.segment
    return f"isolated {_symbol(call)}"


def _symbol(call: Call, name: str = "symbol") -> str:
    if value := str(call.payload.get(name, "")):
        return value
    raise missing(name)


def _row(venue: State, order: SimOrder) -> dict[str, object]:
    return ROWS[book_of(order).rows](order, venue.to_server)


def open_orders(book: SimBook, venue: State, call: Call) -> object:
    """Without pages. Options show the most recent ones."""
    segment, symbol = _segment(book, call), call.payload.get("symbol")
    if symbol and not venue.symbols.known(book.segment, str(symbol)):
        raise BAD_SYMBOL
    orders = [order for order in venue.listed(call.account, call.request, segment) if symbol in (None, order.symbol)]
    if book.segment == "option":
        orders = orders[:_CUT_OFF]
    if book.rows == "book" and venue.fault("ghosts", call.request):
        orders += list(call.account.book.closed(segment))[:3]
    return [_row(venue, order) for order in orders]


def cancel_all(book: SimBook, venue: State, call: Call) -> object:
    """Of a symbol. Spot and margin answer what was cancelled, and that nothing was there; futures never say so."""
    if (fault := venue.fault("no-mass", call.request, lambda one: call.path.endswith(one.parts[0]))) is not None:
        if fault.parts[1] in ("", "404"):
            raise page(404, "<html><body><h1>404 Not Found</h1></body></html>")
        raise Refused(int(fault.parts[1]), f"Path {call.path} is invalid", 404)
    symbol = _symbol(call)
    if not venue.symbols.known(book.segment, symbol):
        raise BAD_SYMBOL
    segment = _segment(book, call)
    orders = [order for order in call.account.book.open(segment) if order.symbol == symbol]
    if not orders and book.rows in ("spot", "margin"):
        raise UNKNOWN_ORDER
    return _cancelled(book, venue, call, orders)


def _cancelled(book: SimBook, venue: State, call: Call, orders: list[SimOrder]) -> object:
    taken = venue.cancel(call.account, orders, call.request).accepted
    venue.trigger_later(call.account, call.request)
    if book.rows in ("spot", "margin"):
        return _reports(venue, taken)
    return {"code": 0, "msg": "success"} if book.segment == "option" else _DONE


def _reports(venue: State, orders: Iterable[SimOrder]) -> list[dict[str, object]]:
    """Orders by themselves, and lists with the reports of their legs."""
    lists: dict[object, list[SimOrder]] = {}
    for order in orders:
        lists.setdefault(order.extra.get("list", order.id), []).append(order)
    return [
        _list(venue, legs, "ALL_DONE") | {"orderReports": [_cancel_report(venue, leg) for leg in legs]}
        if "list" in legs[0].extra
        else _cancel_report(venue, legs[0])
        for legs in lists.values()
    ]


def _cancel_report(venue: State, order: SimOrder) -> dict[str, object]:
    return {**_row(venue, order), "status": "CANCELED", "origClientOrderId": order.client_id, "clientOrderId": "c"}


def by_underlying(venue: State, call: Call) -> object:
    coin = _symbol(call, "underlying").removesuffix("USDT")
    if not any(one.startswith(f"{coin}-") for one in venue.symbols.of["option"]):
        raise BAD_SYMBOL
    orders = [order for order in call.account.book.open("option") if order.symbol.startswith(f"{coin}-")]
    venue.cancel(call.account, orders, call.request)
    return {"code": 0, "msg": "success"}


def _find(book: SimBook, call: Call) -> SimOrder | None:
    number, client_id = str(call.payload.get(book.key, "")), str(call.payload.get("origClientOrderId", ""))
    if not (number or client_id):
        raise missing(book.key)
    segment = _segment(book, call)
    symbol = _symbol(call) if book.wants_symbol else ""
    held_orders = (*call.account.book.open(segment), *call.account.book.closed(segment))
    for order in held_orders:
        named = number == number_of(order) if number else client_id == order.client_id
        if named and symbol in ("", order.symbol):
            return order
    return None


def cancel_one(book: SimBook, venue: State, call: Call) -> object:
    """By its number. A leg takes its whole list along."""
    order = _find(book, call)
    if order is None or order.status != "open":
        raise UNKNOWN_ORDER
    number = order.extra.get("list")
    legs = [one for one in call.account.book.open(order.segment) if number and one.extra.get("list") == number]
    taken = venue.cancel(call.account, legs or [order], call.request).accepted
    if book.key == "algoId":
        wrong = 7 * bool(venue.fault("other-id", call.request))
        return {
            "algoId": int(number_of(order)) + wrong,
            "clientAlgoId": order.client_id,
            "code": "200",
            "msg": "success",
        }
    return _reports(venue, taken)[0] if legs and taken else {**_row(venue, order), "status": "CANCELED"}


def query_one(book: SimBook, venue: State, call: Call) -> object:
    if (order := _find(book, call)) is None:
        raise NO_SUCH_ORDER
    return [_row(venue, order)] if book.rows == "conditional" else _row(venue, order)


def place(book: SimBook, venue: State, call: Call) -> object:
    """Limit orders rest, market orders fill at once. There is no balance and no matching."""
    values, symbol = call.payload, _symbol(call)
    if not venue.symbols.known(book.segment, symbol):
        raise BAD_SYMBOL
    quantity = positive(
        {"quantity": values.get("quantity", "1")}, "quantity", Refused(-4003, "Quantity less than zero.")
    )
    kind = str(values.get("type", "LIMIT"))
    order = SimOrder(
        segment=_segment(book, call),
        symbol=symbol,
        side="buy" if values.get("side") == "BUY" else "sell",
        kind=kind,
        price=str(values.get("price", "0")),
        reduce_only=str(values.get("reduceOnly", "")) == "true",
    )
    client_id = str(values.get("newClientOrderId") or values.get("clientAlgoId") or "")
    return _row(venue, venue.accept(call.account, order, quantity, client_id, fills=kind == "MARKET"))


# --- lists, parents -------------------------------------------------------------------------------------------------


def _list(venue: State, legs: list[SimOrder], status: str = "EXEC_STARTED") -> dict[str, object]:
    named = [{"symbol": leg.symbol, "orderId": int(number_of(leg)), "clientOrderId": leg.client_id} for leg in legs]
    first = legs[0]
    times = {"transactionTime": venue.to_server(first.updated_ms), "listClientOrderId": "list"}
    kind = {"contingencyType": first.extra.get("type"), "listStatusType": status, "listOrderStatus": "EXECUTING"}
    return {"orderListId": int(str(first.extra.get("list"))), **kind, **times, "symbol": first.symbol, "orders": named}


def open_lists(segment: str, venue: State, call: Call) -> object:
    where = f"isolated {_symbol(call)}" if str(call.payload.get("isIsolated", "")).upper() == "TRUE" else segment
    shown = [order for order in venue.listed(call.account, call.request, where) if "list" in order.extra]
    if venue.fault("lists-stay", call.request):
        shown += [one for one in call.account.book.closed(where) if "list" in one.extra]
    numbers = dict.fromkeys(str(order.extra["list"]) for order in shown)
    return [_list(venue, [one for one in shown if str(one.extra["list"]) == number]) for number in numbers]


def parents(segment: str, venue: State, call: Call) -> object:
    rows = [ROWS["parent"](order, venue.to_server) for order in venue.listed(call.account, call.request, segment)]
    return {"total": len(rows), "orders": rows}


def past_parents(segment: str, venue: State, call: Call) -> object:
    rows = [ROWS["parent"](order, venue.to_server) for order in call.account.book.closed(segment)]
    return {"total": len(rows), "orders": rows}


def stop_parent(segment: str, venue: State, call: Call) -> object:
    order = call.account.book.find(_symbol(call, "algoId"))
    if order is None or order.segment != segment or order.status != "open":
        raise Refused(-20124, "Algo order does not exist or is already completed.")
    venue.cancel(call.account, [order], call.request)
    return {"algoId": int(order.id), "success": True, "code": 0, "msg": "OK"}


# --- account, key, symbols ------------------------------------------------------------------------------------------

_FLAGS = ("isMarginEnabled", "isFutureEnabled", "isOptionsEnabled")
_RIGHTS = "enableReading+enableSpotAndMarginTrading+enableMargin+enableFutures+enableVanillaOptions"
_ALL_RIGHTS = (*_RIGHTS.split("+"), "enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer")


def account_info(venue: State, call: Call) -> object:
    never = venue.setting("never", call.request, "")
    pm = venue.mode_of(call.account) == "pm"
    return {"vipLevel": 0, **{flag: flag != never for flag in _FLAGS}, "isPortfolioMarginRetailEnabled": pm}


def isolated_account(venue: State, call: Call) -> object:
    names = {
        order.symbol for order in (*call.account.book.open(), *call.account.book.closed()) if "isolated" in order.extra
    }
    locked = {"locked": "0"}
    return {
        "assets": [{"symbol": one, "enabled": True, "baseAsset": locked, "quoteAsset": locked} for one in sorted(names)]
    }


def restrictions(venue: State, call: Call) -> object:
    usual = f"{_RIGHTS}+enablePortfolioMarginTrading"
    refused = venue.has_fault("permission")
    rights = venue.setting("rights", call.request, "enableReading" if refused and not refused.value else usual).split(
        "+"
    )
    days = venue.fault("key-days", call.request)
    ends = {"tradingAuthorityExpirationTime": venue.server_now() + round(days.number * 86_400_000)} if days else {}
    names = (*_ALL_RIGHTS, "enablePortfolioMarginTrading")
    bound = venue.fault("bound", call.request) is not None
    return {"ipRestrict": bound, "createTime": 1_577_836_800_000, **{one: one in rights for one in names}, **ends}


def spot_account(venue: State, call: Call) -> object:
    return {"canTrade": True, "canWithdraw": True, "uid": 354_937_868, "permissions": ["SPOT"], "balances": []}


def time(venue: State, call: Call) -> object:
    return {"serverTime": venue.server_now()}


def symbols(product: str, key: str, venue: State, call: Call) -> object:
    rows = [{"symbol": symbol, "status": "TRADING", "price": "1"} for symbol in venue.symbols.of[product]]
    return {"timezone": "UTC", key: rows} if key else rows


def positions(segment: str, venue: State, call: Call) -> object:
    """Positive is long; `positionAmt` is signed also in hedge mode."""
    shown = [one for one in held(call.account, closes, _BARE) if one.segment == segment]
    if segment == "option":
        words = [
            {"side": "LONG" if one.long else "SHORT", "quantity": _signed(one), "unrealizedPNL": "0.5"} for one in shown
        ]
        return [
            {"symbol": one.symbol, "entryPrice": one.entry, "markPrice": one.mark, **row}
            for one, row in zip(shown, words, strict=True)
        ]
    return [
        {
            "symbol": one.symbol,
            "positionSide": "BOTH",
            "positionAmt": _signed(one),
            "entryPrice": one.entry,
            "markPrice": one.mark,
            "unRealizedProfit": "0.5",
            "liquidationPrice": one.liquidation,
            "marginType": "cross",
        }
        for one in shown
    ]


def _signed(one: SimPosition) -> str:
    return one.size if one.long else f"-{one.size}"


# --- routes ---------------------------------------------------------------------------------------------------------

_WEIGHTS = {"/api/v3/openOrders": 80, "/sapi/v1/margin/openOrders": 10, "/papi/v1/margin/openOrders": 5}


def _routes() -> dict[str, Route]:
    found: dict[str, Route] = {}

    def add(kind: Callable[..., Route], line: str, handler: Handler, weight: int = 1) -> None:
        found[line] = kind(handler, detail=weight)

    for book in BOOKS:
        add(listing, f"GET {book.listing}", partial(open_orders, book), _WEIGHTS.get(book.listing, 40))
        add(cancel, f"DELETE {book.cancel_all}", partial(cancel_all, book))
        add(cancel, f"DELETE {book.cancel}", partial(cancel_one, book))
        add(read, f"GET {book.query}", partial(query_one, book))
        add(create, f"POST {book.cancel}", partial(place, book))
    add(cancel, "DELETE /eapi/v1/allOpenOrdersByUnderlying", by_underlying, 5)
    for path, segment in (("fapi", "usdm"), ("dapi", "coinm")):
        add(create, f"POST /{path}/v1/countdownCancelAll", partial(countdown, segment), 10)
    for path, segment in (("/api/v3", "spot"), ("/sapi/v1/margin", "margin"), ("/papi/v1/margin", "pm margin")):
        add(listing, f"GET {path}/openOrderList", partial(open_lists, segment), 6)
    for market in ("spot", "futures"):
        path, segment = f"/sapi/v1/algo/{market}", f"algo-{market}"
        add(listing, f"GET {path}/openOrders", partial(parents, segment))
        add(read, f"GET {path}/historicalOrders", partial(past_parents, segment))
        add(cancel, f"DELETE {path}/order", partial(stop_parent, segment))
    add(read, "GET /sapi/v1/account/info", account_info)
    add(read, "GET /sapi/v1/margin/isolated/account", isolated_account, 10)
    add(read, "GET /sapi/v1/account/apiRestrictions", restrictions)
    add(read, "GET /api/v3/account", spot_account, 20)
    for name in ("api/v3", "fapi/v1", "dapi/v1", "eapi/v1"):
        add(public, f"GET /{name}/time", time)
    add(public, "GET /api/v3/ticker/price", partial(symbols, "spot", ""), 4)
    for path, product, key in (
        ("fapi", "usdm", "symbols"),
        ("dapi", "coinm", "symbols"),
        ("eapi", "option", "optionSymbols"),
    ):
        add(public, f"GET /{path}/v1/exchangeInfo", partial(symbols, product, key))
    for path, segment in (
        *(("/fapi/v3", "usdm"), ("/dapi/v1", "coinm")),
        *(("/papi/v1/um", "pm usdm"), ("/papi/v1/cm", "pm coinm")),
    ):
        add(read, f"GET {path}/positionRisk", partial(positions, segment), 5)
    add(read, "GET /eapi/v1/position", partial(positions, "option"), 5)
    return found


class Binance(State):
    routes = Routes(_routes())


FAKE = Binance
_ = Kind
