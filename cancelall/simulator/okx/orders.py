"""OKX's calls that change orders: cancel them, place them.

https://www.okx.com/docs-v5/en/#order-book-trading-trade-post-cancel-multiple-orders, ...-post-cancel-algo-order and
https://www.okx.com/docs-v5/en/#spread-trading-rest-api-cancel-all-orders (as of 2026-07); `cancel-advance-algos` as it
was until April 2025, and still answered in June 2026. Each row of an answer has a code of its own; the outer one is 1
if all have failed, 2 if some have. An order that is unknown, filled or cancelled is 51400, all alike.

Placing is there so that bots and other people's clients can trade against the fake: limit orders rest, market orders
fill at once, algo orders wait. There is no balance and no matching.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ..book import SimOrder
from ..refusals import Refused, positive
from ..routes import Call
from ..stock import template
from .instruments import ADVANCE, ALGOS, EVENTS, ORDERS, SPREADS, TYPES, segment_of
from .state import State, bad, rows, text

_GONE = Refused("51400", "Cancellation failed as the order has been filled, canceled or does not exist.")
_ADVANCE_GONE = Refused("51293", "The strategy does not exist or has stopped.")
_WRONG_CALL = Refused("51403", "Cancellation failed as the order type doesn't support cancellation.")
_BUSY = Refused("51054", "Request timed out. Please try again.")
_NO_ID = Refused("51003", "Either client order ID or order ID is required.")
_KEPT = "slTriggerPx slOrdPx tpTriggerPx tpOrdPx triggerPx orderPx callbackRatio callbackSpread pxLimit posSide".split()

Item = Mapping[str, object]
"""What names one order."""


@dataclass(frozen=True)
class Outcome:
    """What became of each item, in their order."""

    rows: tuple[dict[str, object], ...]

    @property
    def code(self) -> str:
        """The outer code."""
        failed = [row for row in self.rows if row["sCode"] != "0"]
        return "0" if not failed else "1" if len(failed) == len(self.rows) else "2"


def _cancel(venue: State, call: Call, segments: frozenset[str], key: str, client: str, gone: Refused) -> Outcome:
    """Cancel what the items name, as far as it is of these parts of the account."""
    found: list[tuple[Item, SimOrder | Refused]] = []
    for item in rows(call):
        try:
            found.append((item, _named(venue, call, item, segments, key, client, gone)))
        except Refused as refused:
            found.append((item, refused))
    wanted = {one.id: one for _, one in found if isinstance(one, SimOrder)}
    failed = {one.id for one in venue.cancel(call.account, list(wanted.values()), call.request).failed}
    told = []
    for named, one in found:
        reason = one if isinstance(one, Refused) else _BUSY if one.id in failed else None
        names: dict[str, object] = {key: named.get(key, ""), client: named.get(client, "")}
        if isinstance(one, SimOrder):
            names = {key: one.id, client: one.client_id}
        said = {"sCode": reason.code, "sMsg": reason.message} if reason else {"sCode": "0", "sMsg": ""}
        told.append({**names, "ts": str(venue.server_now()), **said})
    return Outcome(tuple(told))


def _named(
    venue: State,
    call: Call,
    item: Item,
    segments: frozenset[str],
    key: str,
    client: str,
    gone: Refused,
) -> SimOrder:
    """The open order that an item names."""
    name, identity, own = text(item, "instId"), text(item, key), text(item, client)
    if SPREADS not in segments:
        if not name:
            raise Refused("50014", "Parameter instId can not be empty.")
        if name not in venue.instruments.known:
            raise Refused("51001", "Instrument ID does not exist")
    if not (identity or own):
        raise _NO_ID
    order = call.account.book.find(identity, own)
    if order is None or order.status != "open" or order.segment not in segments or (name and order.symbol != name):
        raise gone
    advance = order.kind in ADVANCE
    if gone is _ADVANCE_GONE and not advance:
        raise gone
    if gone is _GONE and advance and venue.fault("old-kinds", call.request):
        raise _WRONG_CALL
    return order


_ORDINARY, _SPREAD = frozenset({ORDERS, EVENTS}), frozenset({SPREADS})
_ALGO = frozenset(ALGOS.values())


def _at_most(call: Call, most: int) -> None:
    if not 1 <= len(rows(call)) <= most:
        raise Refused("51406", f"Canceling order count exceeds the limit {most}", 400)


def cancel_orders(venue: State, call: Call) -> Outcome:
    """One, or up to 20 of any instruments."""
    _at_most(call, 20)
    return _cancel(venue, call, _ORDINARY, "ordId", "clOrdId", _GONE)


def cancel_algos(venue: State, call: Call) -> Outcome:
    _at_most(call, 10)
    return _cancel(venue, call, _ALGO, "algoId", "algoClOrdId", _GONE)


def cancel_advance(venue: State, call: Call) -> Outcome:
    _at_most(call, 10)
    return _cancel(venue, call, _ALGO, "algoId", "algoClOrdId", _ADVANCE_GONE)


def cancel_spread(venue: State, call: Call) -> Outcome:
    return _cancel(venue, call, _SPREAD, "ordId", "clOrdId", _GONE)


def cancel_spreads(venue: State, call: Call) -> object:
    """All, or those of one spread. What there is to cancel is not said."""
    (values,) = rows(call)
    name = text(values, "sprdId")
    if venue.fault("false-result", call.request):
        return [{"result": False}]
    swept = [one for one in call.account.book.open(SPREADS) if name in ("", one.symbol)]
    venue.cancel(call.account, swept, call.request)
    return [{"result": True}]


# --- placing ----------------------------------------------------------------------------------------------------------


def place(venue: State, call: Call) -> Outcome:
    """Ordinary orders, one or several, or an algo order."""
    algo = call.path.endswith("algo")
    key, client = ("algoId", "algoClOrdId") if algo else ("ordId", "clOrdId")
    told: list[dict[str, object]] = []
    for item in rows(call):
        name, kind, side = text(item, "instId"), text(item, "ordType"), text(item, "side")
        type_ = next((one for one in TYPES if name in venue.instruments.of[one]), "")
        if not type_ or side not in ("buy", "sell") or (kind in ALGOS) is not algo:
            raise bad("instId, ordType or side")
        if type_ == "SPOT" and text(item, "tdMode") in ("cross", "isolated"):
            type_ = "MARGIN"
        resting = kind in ("limit", "post_only")
        price = positive(item, "px", bad("px")) if resting else "0"
        kept = {one: item[one] for one in _KEPT if one in item}
        extra = {"instType": type_, "tdMode": text(item, "tdMode"), **kept}
        reduces = item.get("reduceOnly") in (True, "true")
        order = template(segment_of(kind, type_), name, side, price, kind, extra, reduces=reduces)
        quantity = positive(item, "sz", bad("sz"))
        done = venue.accept(call.account, order, quantity, text(item, client), fills=not (resting or algo))
        told.append({key: done.id, client: done.client_id, "tag": "", "sCode": "0", "sMsg": ""})
    return Outcome(tuple(told))
