"""The fake DeltaDeFi: its calls about orders, its reads about the key, the account and the venue, its gateway.

`POST /order/cancel-all` {"symbol"} and `POST /order/{id}/cancel` (https://docs.deltadefi.io, pages "Cancel All Orders"
and "Cancel Order" of 2026-01-13). What really happens is from the team's bot logs of March 2026: 200 is answered before
the order is gone, orders younger than a second are missed, and nothing to cancel is an error.

The reads are from the python SDK 1.1.1, the Rust SDK (default page size), the docs page "open orders" (envelope) and
https://docs.deltadefi.io/start-trading/developers/api-documentation (as of 2026-04-17). Pages are numbered; there is no
cursor. Placing is from the python SDK, too: the transaction between the two steps is a dummy and its signature is not
checked. Limit orders rest, market orders fill at once. No balance, no matching.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from ..book import Side, SimOrder
from ..pages import Page, by_number
from ..refusals import Refused, bare, positive, whole
from ..routes import Call, Routes, cancel, create, listing, public, read
from ..rows import iso
from ..stock import template
from ..wire import Headers, SimRequest
from .markets import MARKETS, ROW, assets, execution, legacy_row, locked, market_config
from .state import NO_ORDER, UNKNOWN_SYMBOL, State, invalid

_SIDES: Mapping[object, Side] = {"buy": "buy", "sell": "sell"}
_CYCLE_MS = 3_600_000
_CREATED = iso(1_760_000_000_000)


def cancel_all(venue: State, call: Call) -> object:
    """One symbol, and it is required. Orders that the engine has not taken over yet, or whose cancel is on its way, are
    not seen: with nothing else on the book the answer is 4200, although they are listed.
    """
    symbol = _symbol(venue, _body(call), call)
    orders = [order for order in call.account.book.open(symbol) if venue.can_cancel(order)]
    if not orders:
        status = int(venue.setting("nothing", call.request, "400"))
        if status != 200:
            raise Refused(NO_ORDER.code, NO_ORDER.message, status)
    taken = venue.cancel(call.account, orders, call.request).accepted
    named = taken[: len(taken) // 2] if venue.fault("short-ack", call.request) else taken
    return {"symbol": symbol, "order_ids": [order.id for order in named]}


def cancel_one(venue: State, call: Call) -> object:
    """The docs send no body, the python SDK the id once more; it is not looked at."""
    order = _named(call)
    if order.status != "open":
        raise Refused(4201, "Order is not open")
    if not venue.can_cancel(order) or venue.cancel(call.account, [order], call.request).failed:
        raise Refused(4202, "Invalid order state")
    return {"order_id": order.id}


def _named(call: Call) -> SimOrder:
    if order := call.account.book.find(call.names["id"]):
        return order
    raise NO_ORDER


def open_orders(venue: State, call: Call) -> object:
    """Whether it answers without a symbol is documented by the Rust SDK alone."""
    symbol = call.query.get("symbol")
    if symbol is None and venue.fault("symbol-needed", call.request):
        raise invalid("symbol is required")
    _check_symbol(venue, symbol, call)
    orders = venue.listed(call.account, call.request, symbol)
    if hidden := venue.fault("unlisted", call.request):
        youngest_ms = venue.now_ms() - round(hidden.number * 1000)
        orders = [order for order in orders if order.created_ms <= youngest_ms]
    if symbol is not None and symbol in MARKETS and not orders:
        venue.send_straggler(call.account, symbol, call.request)
    page = _page(venue, orders, call)
    rows = venue.rows(call, page.items)
    if venue.fault("bare-list", call.request):
        return rows
    return _paged(page, rows, more=int(float(venue.setting("count-off", call.request, "0"))))


def history(venue: State, call: Call) -> object:
    """Orders of which something was executed, closed or not; or the executions themselves."""
    symbol, book = call.query.get("symbol"), call.account.book
    _check_symbol(venue, symbol, call)
    page = _page(venue, [order for order in (*book.open(symbol), *book.closed(symbol)) if order.executed], call)
    return _paged(page, venue.rows(call, page.items, call.route.detail))


def order_records(venue: State, call: Call) -> object:
    """Deprecated: the orders of a page are nested in the only member of `data`."""
    wanted, symbol = call.query.get("status", ""), call.query.get("symbol")
    if wanted not in ("openOrder", "orderHistory", "tradingHistory"):
        raise Refused(4404, "Invalid status parameter")
    _check_symbol(venue, symbol, call)
    if wanted == "openOrder":
        orders = venue.listed(call.account, call.request, symbol)
    else:
        orders = [order for order in call.account.book.closed(symbol) if order.executed or wanted == "orderHistory"]
    page = _page(venue, orders, call)
    return _paged(page, [{"orders": venue.rows(call, page.items, legacy_row), "order_filling_records": []}])


def build(venue: State, call: Call) -> object:
    """The order gets its id and waits for its signature."""
    body = _body(call)
    symbol = _symbol(venue, body, call)
    side, order_type = _SIDES.get(body.get("side")), body.get("type")
    if side is None or order_type not in ("limit", "market"):
        raise invalid("side or type")
    price = positive(body, "price", invalid("price must be positive")) if order_type == "limit" else "1"
    quantity = positive(body, "base_quantity", invalid("base_quantity must be positive"))
    draft = template(symbol, symbol, side, price, "order", {}, left=quantity)
    order = replace(draft, id=venue.uuid(), type=str(order_type), quantity=quantity)
    venue.building[order.id] = order
    return {"order_id": order.id, "tx_hex": "84a0"}


def submit(venue: State, call: Call) -> object:
    """The order goes to the matching engine, which takes it over a moment later."""
    body, now_ms = _body(call), venue.now_ms()
    order = venue.building.pop(str(body.get("order_id")), None)
    if order is None or not body.get("signed_tx"):
        raise Refused(4402, "Transaction not found")
    placed = venue.place(call.account, order.placed(order.id, now_ms))
    if placed.type == "market":
        placed = call.account.book.close(placed.id, "filled", now_ms) or placed
    return venue.rows(call, [placed])[0]


def _body(call: Call) -> dict[str, object]:
    return call.request.json_object(invalid("the body is not a JSON object"))


def _symbol(venue: State, body: Mapping[str, object], call: Call) -> str:
    symbol = body.get("symbol")
    if not isinstance(symbol, str) or not symbol:
        raise invalid("symbol is required")
    _check_symbol(venue, symbol, call)
    return symbol


def _check_symbol(venue: State, symbol: str | None, call: Call) -> None:
    """Refuse a symbol that does not exist, unless the fault `lenient-symbols` answers it like an empty one."""
    known = symbol in MARKETS and symbol != venue.setting("delisted", call.request, "")
    if not (symbol is None or known or venue.fault("lenient-symbols", call.request)):
        raise UNKNOWN_SYMBOL


def _page(venue: State, orders: Sequence[SimOrder], call: Call) -> Page[SimOrder]:
    limit = whole(call.query.get("limit", "10"), invalid("limit must be 1 to 250"), least=1, most=250)
    number = whole(call.query.get("page", "1"), invalid("page must be 1 to 1000"), least=1, most=1000)
    return by_number(orders, 1 if number > 1 and venue.fault("cursor-loop", call.request) else number, limit)


def _paged(page: Page[SimOrder], rows: Sequence[object], *, more: int = 0) -> dict[str, object]:
    return {"data": rows, "total_count": page.total + more, "total_page": page.pages}


def spot_account(venue: State, call: Call) -> object:
    head = {"account_id": venue.account_id(call.account), "account_type": "spot_account", "created_at": _CREATED}
    return {**head, "encrypted_operation_key": "DUMMY", "operation_key_hash": "d0" * 28}


def balance(venue: State, call: Call) -> object:
    """What open orders lock is `locked`. An account that never traded answers `[]`."""
    units, book = assets(), call.account.book
    held = dict.fromkeys(units, Decimal(0))
    for order in book.open():
        market = MARKETS[order.symbol]
        for coin, amount in zip((market.base, market.quote), locked(order), strict=True):
            held[coin] += amount
    if not len(book) and next(book.closed(), None) is None:
        return []
    return [{"asset": coin, "asset_unit": units[coin], "free": "1000", "locked": str(held[coin])} for coin in units]


def hydra_cycle(venue: State, call: Call) -> object:
    """The cycle that runs now; here one begins every hour."""
    start_ms = venue.server_now() // _CYCLE_MS * _CYCLE_MS
    return {"start": iso(start_ms), "end": iso(start_ms + _CYCLE_MS)}


def market_price(venue: State, call: Call) -> object:
    if market := MARKETS.get(call.query.get("symbol", "")):
        return {"price": float(market.price)}
    raise UNKNOWN_SYMBOL


def no_order(venue: State, call: Call) -> object:
    """An order's path with an empty id: what the router says, seen in the logs."""
    raise bare(404, "404 page not found")


class DeltaDeFi(State):
    """The API of a spot account. The key in the header is the only authentication there is.

    Limits are per second and key: all changes draw from one bucket, reads from one per endpoint. The docs name the code
    4290 without numbers: the team's bot throttles itself to 5 cancels and 10 reads of an endpoint per second and was
    refused all the same, so a client had better stay below.
    """

    routes = Routes(
        {
            "POST /order/cancel-all": cancel(cancel_all, 5, "changes"),
            "POST /order/{id}/cancel": cancel(cancel_one, 5, "changes"),
            "POST /order/build": create(build, 5, "changes"),
            "POST /order/submit": create(submit, 5, "changes"),
            # A GET that changes something, for the old key is dead from here on: it counts as one, so that a test which
            # forbids changes sees it.
            "GET /accounts/new-api-key": create(
                lambda venue, call: {"api_key": venue.rotate_key(call.account), "created_at": iso(venue.server_now())},
                5,
                "changes",
            ),
            "GET /accounts/open-orders": listing(open_orders, 10),
            "GET /accounts/order-records": listing(order_records, 10),
            "GET /accounts/order/{id}": read(lambda venue, call: venue.rows(call, [_named(call)])[0], 10),
            "GET /accounts/order/": read(no_order, 10),
            "GET /accounts/trade-orders": read(history, 10, detail=ROW),
            "GET /accounts/trades": read(history, 10, detail=execution),
            "GET /accounts/api-key": read(lambda _, call: {"api_key": call.account.key, "created_at": _CREATED}, 10),
            "GET /accounts/spot-account": read(spot_account, 10),
            "GET /accounts/balance": read(balance, 10),
            "GET /app/market-config": public(
                lambda venue, call: market_config(without=venue.setting("delisted", call.request, ""))
            ),
            "GET /app/hydra-cycle": public(hydra_cycle),
            # The path is documented, its answer is not: this shape is made up.
            "GET /health/trading-lock-status": public(lambda venue, _: {"locked": venue.is_locked()}),
            "GET /market/market-price": public(market_price),
        }
    )

    def admit(self, request: SimRequest) -> Headers:
        """Seen on staging within one half hour of 2026-03-31; the internal error on an order's submission."""
        if self.fault("empty-403", request):
            raise bare(403)
        if self.fault("upstream-503", request):
            reason = "upstream connect error or disconnect/reset before headers. reset reason: connection timeout"
            raise bare(503, reason)
        if self.fault("internal-400", request):
            raise Refused(5000, "Internal Server Error", 400)
        return ()

    def authorize(self, call: Call) -> Call:
        call = super().authorize(call)
        if fault := self.fault("locked", call.request, lambda _: self.is_locked()):
            raise Refused(5002, "Trading is currently locked", int(fault.parts[1] or "400"))
        return call


FAKE = DeltaDeFi
