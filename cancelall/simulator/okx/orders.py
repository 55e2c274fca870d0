"""OKX's calls about orders: lists of them, single ones, cancels, and placing.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order-list, ...-post-cancel-multiple-orders,
...-algo-trading-get-algo-order-list, ...-post-cancel-algo-order, and
https://www.okx.com/docs-v5/en/#spread-trading-rest-api-get-active-orders, ...-cancel-all-orders (as of 2026-07);
`cancel-advance-algos` as it was until April 2025, and still answered in June 2026.

All filters of lists are optional, but that algo orders are listed by their type. Each row of a cancel's answer has a
code of its own; an order that is unknown, filled or cancelled is 51400, all alike.

Placing is there for bots and other people's clients: limit orders rest, market orders fill at once, algo orders wait.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..book import SimOrder
from ..pages import after
from ..refusals import Refused, positive, string, whole
from ..routes import Call
from ..rows import tables, written
from ..stock import template
from .state import ADVANCE, ALGOS, EVENTS, NO_INSTRUMENT, ORDERS, SPREADS, TYPES, State, bad, missing, rows, segment_of

_RECENT = 500
_GONE = Refused("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
_WRONG_CALL = Refused("51403", "Cancellation failed as the order type doesn't support cancellation.")
_BUSY = Refused("51054", "Request timed out. Please try again.")
_KEPT = "slTriggerPx slOrdPx tpTriggerPx tpOrdPx triggerPx orderPx callbackRatio callbackSpread pxLimit posSide".split()


@dataclass(frozen=True)
class Way:
    """What names orders of some parts of the account, how many of them one call cancels, and its word for one gone."""

    segments: frozenset[str]
    key: str = "ordId"
    client: str = "clOrdId"
    most: int = 20
    gone: Refused = _GONE


ORDINARY, SPREAD = Way(frozenset({ORDERS, EVENTS})), Way(frozenset({SPREADS}))
ALGO = Way(frozenset(ALGOS.values()), "algoId", "algoClOrdId", 10)
OLD_ALGO = replace(ALGO, gone=Refused("51293", "The strategy does not exist or has stopped."))


def _text(values: Mapping[str, object], name: str) -> str:
    return string(values, name, bad(name))


def way_of(call: Call) -> Way:
    if "advance" in call.path:
        return OLD_ALGO
    return ALGO if "algo" in call.path else SPREAD if "/sprd/" in call.path else ORDINARY


_SOURCES = {"countdown": "20"}
"""`cancelSource`: 1 is its owner, 20 is Cancel All After."""


def _state(order: SimOrder, _: object) -> str:
    if order.status != "open":
        over = "effective" if order.kind in ALGOS else "filled"
        return "canceled" if order.status == "cancelled" else over
    return "partially_filled" if order.executed and order.kind not in ALGOS else "live"


_table = tables(
    {
        "state": _state,
        "px": lambda order, _: "" if order.price == "0" else order.price,
        "reduces": lambda order, _: str(order.reduce_only).lower(),
        "source": lambda order, _: (
            "" if order.status != "cancelled" else _SOURCES.get(order.extra.get("ended_by"), "1")
        ),
    }
)
_ORDER, _ALGO, _SPREAD = (_table(written(__file__)[name]) for name in ("order", "algo", "spread order"))


def _row(venue: State, order: SimOrder) -> dict[str, object]:
    table = _ALGO if order.kind in ALGOS else _SPREAD if order.segment == SPREADS else _ORDER
    return table(order, venue.to_server)


def _fits(call: Call, order: SimOrder) -> bool:
    """Whether the filters of a read leave an order: type of instrument, name, types of orders, state."""
    query, symbol = call.query, order.symbol
    facts = {"instType": order.extra["instType"], "instId": symbol, "sprdId": symbol, "state": _state(order, None)}
    named = all(query.get(name) in (None, "", value) for name, value in facts.items())
    return named and order.kind in (query.get("ordType") or order.kind).split(",")


def _check(venue: State, call: Call) -> None:
    """An instrument that does not exist is no empty list; a type that does not is a wrong parameter."""
    query = call.query
    if (name := query.get("instId") or query.get("sprdId")) and name not in venue.instruments.known:
        raise NO_INSTRUMENT
    if query.get("instType", "SPOT") not in TYPES:
        raise bad("instType")
    if way_of(call) is ALGO:
        types = set(query.get("ordType", "").split(","))
        if types == {""}:
            raise missing("ordType")
        if not types <= set(ALGOS) or (len(types) > 1 and types != {"conditional", "oco"}):
            raise bad("ordType")


def _page(venue: State, call: Call, orders: Iterable[SimOrder]) -> object:
    """A page of the orders that fit the filters, newest first. The next one begins after the last order of this one."""
    _check(venue, call)
    onward = "endId" if way_of(call) is SPREAD else "after"
    size = whole(call.query.get("limit", "100"), bad("limit"), least=1, most=100)
    last = whole(call.query.get(onward, "0") or "0", bad(onward))
    if venue.fault("cursor-loop", call.request):
        last = 0
    if last and venue.fault("page-refused", call.request):
        raise bad(onward)
    fitting = [order for order in orders if _fits(call, order)]
    page = after(fitting, lambda order: bool(last) and int(order.id) >= last, size)
    return [_row(venue, order) for order in page.items]


def pending(venue: State, call: Call) -> object:
    """Of all types without `instType`; whether event contracts are among them is not written (`events-among`)."""
    way, type_ = way_of(call), call.query.get("instType")
    among = type_ == "EVENTS" or (way is ORDINARY and type_ is None and venue.fault("events-among", call.request))
    parts = way.segments if among else way.segments - {EVENTS}
    return _page(venue, call, [one for one in venue.listed(call.account, call.request) if one.segment in parts])


def one_order(venue: State, call: Call) -> object:
    """By its id, or that of a client; an algo order by `algoId`."""
    way = way_of(call)
    order = call.account.book.find(call.query.get(way.key, ""), call.query.get(way.client, ""))
    if order is None or order.segment not in way.segments or not _fits(call, order):
        raise Refused("51603", "Order does not exist")
    return [_row(venue, order)]


def history(venue: State, call: Call) -> object:
    """What has ended lately: of one instrument type, of one type and state of algo orders, or of spread orders."""
    query, way = call.query, way_of(call)
    if way is ORDINARY and not query.get("instType"):
        raise missing("instType")
    if way is ALGO and not (query.get("state") or query.get("algoId")):
        raise Refused("50015", "Either parameter state or algoId is required", 400)
    ended = [one for one in call.account.book.closed() if one.segment in way.segments and _fits(call, one)]
    return _page(venue, call, sorted(ended[:_RECENT], key=lambda order: -int(order.id)))


def cancel(venue: State, call: Call) -> object:
    """Cancel what the items name. Ordinary orders may be of any instruments."""
    way, items = way_of(call), rows(call)
    if not 1 <= len(items) <= way.most:
        raise Refused("51406", f"Canceling order count exceeds the limit {way.most}", 400)
    found = [_named(way, venue, call, item) for item in items]
    reasons = venue.cancel_each(call.account, found, call.request, _BUSY)
    told = []
    for item, one, reason in zip(items, found, reasons, strict=True):
        names = {way.key: item.get(way.key, ""), way.client: item.get(way.client, "")}
        if isinstance(one, SimOrder):
            names = {way.key: one.id, way.client: one.client_id}
        said = {"sCode": reason.code, "sMsg": reason.message} if reason else {"sCode": "0", "sMsg": ""}
        told.append({**names, "ts": str(venue.server_now()), **said})
    return told


def _named(way: Way, venue: State, call: Call, item: Mapping[str, object]) -> SimOrder | Refused:
    """The open order that an item names, or why it names none."""
    name, identity, own = _text(item, "instId"), _text(item, way.key), _text(item, way.client)
    if way is not SPREAD and not name:
        return missing("instId")
    if way is not SPREAD and name not in venue.instruments.known:
        return NO_INSTRUMENT
    if not (identity or own):
        return Refused("51003", "Either client order ID or order ID is required.")
    order = call.account.book.find(identity, own)
    if order is None or order.status != "open" or order.segment not in way.segments or name not in ("", order.symbol):
        return way.gone
    advance = order.kind in ADVANCE
    if way is OLD_ALGO and not advance:
        return way.gone
    return _WRONG_CALL if way is ALGO and advance and venue.fault("old-kinds", call.request) else order


def cancel_spreads(venue: State, call: Call) -> object:
    """All, or those of one spread. What there is to cancel is not said."""
    (values,) = rows(call)
    name = _text(values, "sprdId")
    if venue.fault("false-result", call.request):
        return [{"result": False}]
    swept = [one for one in call.account.book.open(SPREADS) if name in ("", one.symbol)]
    venue.cancel(call.account, swept, call.request)
    return [{"result": True}]


def place(venue: State, call: Call) -> object:
    """Ordinary orders, one or several, or an algo order."""
    way = way_of(call)
    told = []
    for item in rows(call):
        name, kind, side = _text(item, "instId"), _text(item, "ordType"), _text(item, "side")
        type_ = next((one for one in TYPES if name in venue.instruments.of[one]), "")
        if not type_ or side not in ("buy", "sell") or (kind in ALGOS) is not (way is ALGO):
            raise bad("instId, ordType or side")
        if type_ == "SPOT" and _text(item, "tdMode") in ("cross", "isolated"):
            type_ = "MARGIN"
        resting = kind in ("limit", "post_only")
        price = positive(item, "px", bad("px")) if resting else "0"
        kept = {one: item[one] for one in _KEPT if one in item}
        extra = {"instType": type_, "tdMode": _text(item, "tdMode"), **kept}
        reduces = item.get("reduceOnly") in (True, "true")
        order = template(segment_of(kind, type_), name, side, price, kind, extra, reduces=reduces)
        quantity, waits = positive(item, "sz", bad("sz")), resting or way is ALGO
        done = venue.accept(call.account, order, quantity, _text(item, way.client), fills=not waits)
        told.append({way.key: done.id, way.client: done.client_id, "tag": "", "sCode": "0", "sMsg": ""})
    return told
