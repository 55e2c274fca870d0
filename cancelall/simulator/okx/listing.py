"""OKX's reads of orders: the open ones, the recent past, and single ones.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-order-list, ...-algo-trading-get-algo-order-list and
https://www.okx.com/docs-v5/en/#spread-trading-rest-api-get-active-orders (as of 2026-07). A page ends with its oldest
order, after which the next one begins (`after`, of spread orders `endId`). All filters are optional, but that algo
orders are listed by their type.
"""

from collections.abc import Iterable

from ..book import SimOrder
from ..pages import after
from ..refusals import Refused, whole
from ..routes import Call
from ..rows import tables
from .instruments import ALGOS, EVENTS, ORDERS, SPREADS, TYPES
from .state import State, bad, missing, no_instrument

_GONE = Refused("51603", "Order does not exist")
_RECENT = 500


def _state(order: SimOrder, _: object) -> str:
    if order.status != "open":
        over = "effective" if order.kind in ALGOS else "filled"
        return "canceled" if order.status == "cancelled" else over
    return "partially_filled" if order.executed and order.kind not in ALGOS else "live"


def _source(order: SimOrder, _: object) -> str:
    """1: by its owner; 20: by Cancel All After."""
    return "" if order.status != "cancelled" else "20" if order.extra.get("ended_by") == "countdown" else "1"


_table = tables(
    {
        "state": _state,
        "px": lambda order, _: "" if order.price == "0" else order.price,
        "reduces": lambda order, _: str(order.reduce_only).lower(),
        "source": _source,
    }
)
_WHAT = "instId=.symbol instType=?instType side state tdMode=?tdMode posSide=?posSide|net sz=.quantity tag= lever="
_WHEN = "cTime=.created_text uTime=.updated_text reduceOnly=.reduces"
ORDER = _table(
    f"""{_WHAT} {_WHEN} ordId=.id clOrdId=.client_id ordType=.kind px accFillSz=.executed avgPx=.average algoId=
    algoClOrdId= attachAlgoOrds=?attachAlgoOrds|#[] cancelSource=.source category=?category|normal ccy= fee=0 feeCcy=
    fillPx= fillSz=0 fillTime= isTpLimit=?isTpLimit|false linkedAlgoOrd=#{{"algoId":""}} pnl=0 pxUsd= pxVol= rebate=0
    slTriggerPx= tpTriggerPx= source= stpMode=cancel_maker tgtCcy= tradeId="""
)
ALGO = _table(
    f"""{_WHAT} {_WHEN} algoId=.id algoClOrdId=.client_id ordType=.kind actualPx= actualSide= actualSz=0 ccy=
    closeFraction=?closeFraction| callbackRatio=?callbackRatio| callbackSpread=?callbackSpread| activePx=
    chaseType=?chaseType| last=100 linkedOrd=#{{"ordId":""}} ordIdList=#[] ordPx=?ordPx| pxLimit=?pxLimit|
    slOrdPx=?slOrdPx| slTriggerPx=?slTriggerPx| slTriggerPxType= tpOrdPx=?tpOrdPx| tpTriggerPx=?tpTriggerPx|
    tpTriggerPxType= triggerPx=?triggerPx| triggerPxType=last triggerTime="""
)
SPREAD = _table(
    """sprdId=.symbol ordId=.id clOrdId=.client_id tag= px sz=.quantity ordType=.kind side accFillSz=.executed fillSz=0
    fillPx= tradeId= pendingFillSz=.remaining pendingSettleSz=0 canceledSz=0 avgPx=.average state cancelSource=.source
    cTime=.created_text uTime=.updated_text"""
)


def row_of(venue: State, order: SimOrder) -> dict[str, object]:
    table = ALGO if order.kind in ALGOS else SPREAD if order.segment == SPREADS else ORDER
    return table(order, venue.to_server)


def _page(venue: State, call: Call, orders: Iterable[SimOrder], onward: str = "after") -> object:
    """A page of orders, newest first."""
    size = whole(call.query.get("limit", "100"), bad("limit"), least=1, most=100)
    last = whole(call.query.get(onward, "0") or "0", bad(onward))
    if venue.fault("cursor-loop", call.request):
        last = 0
    if last and venue.fault("page-refused", call.request):
        raise bad(onward)
    page = after(list(orders), lambda order: bool(last) and int(order.id) >= last, size)
    return [row_of(venue, order) for order in page.items]


def _fits(venue: State, call: Call, order: SimOrder) -> bool:
    type_, name = call.query.get("instType", ""), call.query.get("instId", "") or call.query.get("sprdId", "")
    return type_ in ("", order.extra["instType"]) and name in ("", order.symbol)


def _check(venue: State, call: Call) -> None:
    """An instrument that does not exist is no empty list; a type that does not is a wrong parameter."""
    name = call.query.get("instId") or call.query.get("sprdId")
    if name and name not in venue.instruments.known:
        raise no_instrument()
    if call.query.get("instType", "SPOT") not in TYPES:
        raise bad("instType")


def orders_pending(venue: State, call: Call) -> object:
    """Of all types without `instType`; whether event contracts are among them is not written (`events-among`)."""
    _check(venue, call)
    among = call.query.get("instType") == "EVENTS" or (
        "instType" not in call.query and venue.fault("events-among", call.request)
    )
    parts = (ORDERS, EVENTS) if among else (ORDERS,)
    shown = [order for order in venue.listed(call.account, call.request) if order.segment in parts]
    return _page(venue, call, (order for order in shown if _fits(venue, call, order)))


def algo_types(call: Call) -> tuple[str, ...]:
    """`ordType`: one, or `conditional,oco`."""
    if not (written := call.query.get("ordType", "")):
        raise missing("ordType")
    types = tuple(written.split(","))
    if not set(types) <= set(ALGOS) or (len(types) > 1 and set(types) != {"conditional", "oco"}):
        raise bad("ordType")
    return types


def algos_pending(venue: State, call: Call) -> object:
    types = algo_types(call)
    _check(venue, call)
    listed = venue.listed(call.account, call.request, ALGOS[types[0]])
    return _page(venue, call, (one for one in listed if one.kind in types and _fits(venue, call, one)))


def spreads_pending(venue: State, call: Call) -> object:
    _check(venue, call)
    listed = venue.listed(call.account, call.request, SPREADS)
    return _page(venue, call, (one for one in listed if _fits(venue, call, one)), "endId")


def one_order(venue: State, call: Call) -> object:
    """By its id, or that of a client; an algo order by `algoId`."""
    query, algo = call.query, call.path.endswith("algo")
    known = query.get("algoId" if algo else "ordId", ""), query.get("algoClOrdId" if algo else "clOrdId", "")
    order = call.account.book.find(*known)
    if order is None or (order.kind in ALGOS) is not algo or not _fits(venue, call, order):
        raise _GONE
    return [row_of(venue, order)]


def history(venue: State, call: Call) -> object:
    """What has ended lately: of one instrument type, of one type and state of algo orders, or of spread orders."""
    query = call.query
    if "algo" in call.path:
        types = algo_types(call)
        if not (query.get("state") or query.get("algoId")):
            raise Refused("50015", "Either parameter state or algoId is required", 400)
        parts = {ALGOS[one] for one in types}
    elif call.path.startswith("/api/v5/sprd/"):
        types, parts = (), {SPREADS}
    else:
        if not query.get("instType"):
            raise missing("instType")
        _check(venue, call)
        types, parts = (), {ORDERS, EVENTS}
    ended = [one for one in call.account.book.closed() if one.segment in parts and _fits(venue, call, one)]
    wanted = [one for one in ended if not types or one.kind in types]
    wanted = [one for one in wanted if query.get("state", "") in ("", _state(one, None))]
    newest = sorted(wanted[:_RECENT], key=lambda order: -int(order.id))
    return _page(venue, call, newest, "endId" if SPREADS in parts else "after")
