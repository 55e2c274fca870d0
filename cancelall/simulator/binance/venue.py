"""The calls of a fake Binance, on one host: each wallet's are the same, with other paths.

https://developers.binance.com/docs/ (as of 2026-09): listings, cancels by symbol and by number, lists of orders, TWAP
and VP orders, options by underlying; what an account was opened for, and what a key may do.
"""

from collections.abc import Iterable
from functools import partial

from ..book import SimOrder
from ..positions import SimPosition, held
from ..refusals import Refused, page, positive
from ..routes import Call, Routes, cancel, create, listing, public, read
from ..stock import template
from .countdown import countdown
from .state import BAD_SYMBOL, NO_SUCH_ORDER, UNKNOWN_ORDER, State, is_isolated, missing
from .wallets import BOOKS, ROWS, SimBook, book_of, closes, number_of

_DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}
_CUT_OFF = 100
_TELLING = ("spot", "margin")
"""Books whose mass cancel tells what it took, and that there was nothing."""
_BARE = SimPosition(symbol="SOLUSDT", long=False, segment="usdm")


def _segment(book: SimBook, call: Call) -> str:
    """The segment that a call is about: of margin, the account of a pair if it is named."""
    return f"isolated {_symbol(call)}" if book.segment == "margin" and is_isolated(call) else book.segment


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
    orders, tells = [one for one in call.account.book.open(segment) if one.symbol == symbol], book.rows in _TELLING
    if not orders and tells:
        raise UNKNOWN_ORDER
    taken = venue.cancel(call.account, orders, call.request).accepted
    venue.trigger_later(call.account, call.request)
    if tells:
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
    known = (*call.account.book.open(segment), *call.account.book.closed(segment))
    named = (one for one in known if (number == number_of(one) if number else client_id == one.client_id))
    return next((one for one in named if symbol in ("", one.symbol)), None)


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
        names = {"algoId": int(number_of(order)) + wrong, "clientAlgoId": order.client_id}
        return {**names, "code": "200", "msg": "success"}
    return _reports(venue, taken)[0] if legs and taken else {**_row(venue, order), "status": "CANCELED"}


def query_one(book: SimBook, venue: State, call: Call) -> object:
    if (order := _find(book, call)) is None:
        raise NO_SUCH_ORDER
    return [_row(venue, order)] if book.rows == "conditional" else _row(venue, order)


def past(book: SimBook, venue: State, call: Call) -> object:
    """Of a symbol what rests and what is over; of options those that are over, of any symbol."""
    symbol = str(call.payload.get("symbol", "")) if book.segment == "option" else _symbol(call)
    known = (*call.account.book.closed(book.segment), *call.account.book.open(book.segment))
    return [_row(venue, one) for one in known if symbol in ("", one.symbol)]


def place(book: SimBook, venue: State, call: Call) -> object:
    """Limit orders rest, market orders fill at once. There is no balance and no matching."""
    values, symbol = call.payload, _symbol(call)
    if not venue.symbols.known(book.segment, symbol):
        raise BAD_SYMBOL
    quantity = positive({"quantity": "1", **values}, "quantity", Refused(-4003, "Quantity less than zero."))
    kind = str(values.get("type", "LIMIT"))
    side, price, reduces = str(values.get("side")).lower(), str(values.get("price", "0")), values.get("reduceOnly")
    order = template(_segment(book, call), symbol, side, price, kind, {}, reduces=reduces == "true")
    client_id = str(values.get("newClientOrderId") or values.get("clientAlgoId") or "")
    return _row(venue, venue.accept(call.account, order, quantity, client_id, fills=kind == "MARKET"))


def _list(venue: State, legs: list[SimOrder], status: str = "EXEC_STARTED") -> dict[str, object]:
    named = [{"symbol": leg.symbol, "orderId": int(number_of(leg)), "clientOrderId": leg.client_id} for leg in legs]
    first = legs[0]
    times = {"transactionTime": venue.to_server(first.updated_ms), "listClientOrderId": "list"}
    kind = {"contingencyType": first.extra.get("type"), "listStatusType": status, "listOrderStatus": "EXECUTING"}
    return {"orderListId": int(str(first.extra.get("list"))), **kind, **times, "symbol": first.symbol, "orders": named}


def open_lists(segment: str, venue: State, call: Call) -> object:
    where = f"isolated {_symbol(call)}" if is_isolated(call) else segment
    shown = [order for order in venue.listed(call.account, call.request, where) if "list" in order.extra]
    if venue.fault("lists-stay", call.request):
        shown += [one for one in call.account.book.closed(where) if "list" in one.extra]
    numbers = dict.fromkeys(str(order.extra["list"]) for order in shown)
    return [_list(venue, [one for one in shown if str(one.extra["list"]) == number]) for number in numbers]


def parents(venue: State, call: Call) -> object:
    """Those that work, or the past ones."""
    segment, past = f"algo-{call.names['market']}", call.path.endswith("/historicalOrders")
    orders = call.account.book.closed(segment) if past else venue.listed(call.account, call.request, segment)
    rows = [ROWS["parent"](order, venue.to_server) for order in orders]
    return {"total": len(rows), "orders": rows}


def stop_parent(venue: State, call: Call) -> object:
    order = call.account.book.find(_symbol(call, "algoId"))
    if order is None or order.segment != f"algo-{call.names['market']}" or order.status != "open":
        raise Refused(-20124, "Algo order does not exist or is already completed.")
    venue.cancel(call.account, [order], call.request)
    return {"algoId": int(order.id), "success": True, "code": 0, "msg": "OK"}


_FLAGS = ("isMarginEnabled", "isFutureEnabled", "isOptionsEnabled")
_RIGHTS = "enableReading enableSpotAndMarginTrading enableMargin enableFutures enableVanillaOptions".split()
_RIGHTS.append("enablePortfolioMarginTrading")
_TRANSFERS = ("enableInternalTransfer", "permitsUniversalTransfer")


def account_info(venue: State, call: Call) -> object:
    never = venue.setting("never", call.request, "")
    pm = venue.mode_of(call.account) == "pm"
    return {"vipLevel": 0, **{flag: flag != never for flag in _FLAGS}, "isPortfolioMarginRetailEnabled": pm}


def isolated_account(venue: State, call: Call) -> object:
    known, locked = (*call.account.book.open(), *call.account.book.closed()), {"locked": "0"}
    pairs = sorted({order.symbol for order in known if "isolated" in order.extra})
    return {"assets": [{"symbol": one, "enabled": True, "baseAsset": locked, "quoteAsset": locked} for one in pairs]}


def restrictions(venue: State, call: Call) -> object:
    refused, request = venue.has_fault("permission"), call.request
    usual = "enableReading" if refused and not refused.value else "+".join(_RIGHTS)
    rights = venue.setting("rights", request, usual).split("+")
    flags = {one: one in rights for one in (*_RIGHTS, "enableWithdrawals", *_TRANSFERS)}
    days = venue.fault("key-days", request)
    ends = {"tradingAuthorityExpirationTime": venue.server_now() + round(days.number * 86_400_000)} if days else {}
    return {"ipRestrict": venue.fault("bound", request) is not None, "createTime": 1_577_836_800_000, **flags, **ends}


def symbols(product: str, key: str, venue: State, call: Call) -> object:
    rows = [{"symbol": symbol, "status": "TRADING", "price": "1"} for symbol in venue.symbols.of[product]]
    return {"timezone": "UTC", key: rows} if key else rows


def positions(segment: str, venue: State, call: Call) -> object:
    """Positive is long; `positionAmt` is signed also in hedge mode."""
    row = ROWS["option position" if segment == "option" else "position"]
    return [row(one) for one in held(call.account, closes, _BARE) if one.segment == segment]


_ACCOUNT = {"canTrade": True, "canWithdraw": True, "uid": 354_937_868, "permissions": ["SPOT"], "balances": []}
_time = public(lambda venue, _: {"serverTime": venue.server_now()})
_WEIGHTS = {"/api/v3/openOrders": 80, "/sapi/v1/margin/openOrders": 10, "/papi/v1/margin/openOrders": 5}
_LISTS = {"/api/v3": "spot", "/sapi/v1/margin": "margin", "/papi/v1/margin": "pm margin"}
_HELD = {"/fapi/v3": "usdm", "/dapi/v1": "coinm", "/papi/v1/um": "pm usdm", "/papi/v1/cm": "pm coinm"}


class Binance(State):
    # The detail of a route is its weight, if it is not 1.
    routes = Routes(
        {
            **{
                f"GET {book.listing}": listing(partial(open_orders, book), detail=_WEIGHTS.get(book.listing, 40))
                for book in BOOKS
            },
            **{f"DELETE {book.cancel_all}": cancel(partial(cancel_all, book)) for book in BOOKS},
            **{f"DELETE {book.cancel}": cancel(partial(cancel_one, book)) for book in BOOKS},
            **{f"GET {book.query}": read(partial(query_one, book)) for book in BOOKS},
            **{f"GET {book.history}": read(partial(past, book), detail=5) for book in BOOKS if book.history},
            **{f"POST {book.cancel}": create(partial(place, book)) for book in BOOKS},
            "DELETE /eapi/v1/allOpenOrdersByUnderlying": cancel(by_underlying, detail=5),
            "POST /fapi/v1/countdownCancelAll": create(partial(countdown, "usdm"), detail=10),
            "POST /dapi/v1/countdownCancelAll": create(partial(countdown, "coinm"), detail=10),
            **{f"GET {path}/openOrderList": listing(partial(open_lists, _LISTS[path]), detail=6) for path in _LISTS},
            "GET /sapi/v1/algo/{market:spot|futures}/openOrders": listing(parents),
            "GET /sapi/v1/algo/{market:spot|futures}/historicalOrders": read(parents),
            "DELETE /sapi/v1/algo/{market:spot|futures}/order": cancel(stop_parent),
            "GET /sapi/v1/account/info": read(account_info),
            "GET /sapi/v1/margin/isolated/account": read(isolated_account, detail=10),
            "GET /sapi/v1/account/apiRestrictions": read(restrictions),
            "GET /api/v3/account": read(lambda *_: _ACCOUNT, detail=20),
            **{f"GET {path}/positionRisk": read(partial(positions, _HELD[path]), detail=5) for path in _HELD},
            "GET /eapi/v1/position": read(partial(positions, "option"), detail=5),
            "GET /api/v3/ticker/price": public(partial(symbols, "spot", ""), detail=4),
            "GET /fapi/v1/exchangeInfo": public(partial(symbols, "usdm", "symbols")),
            "GET /dapi/v1/exchangeInfo": public(partial(symbols, "coinm", "symbols")),
            "GET /eapi/v1/exchangeInfo": public(partial(symbols, "option", "optionSymbols")),
            **dict.fromkeys((f"GET /{one}/time" for one in ("api/v3", "fapi/v1", "dapi/v1", "eapi/v1")), _time),
        }
    )


FAKE = Binance
