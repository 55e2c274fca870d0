"""Bybit: what its answers say: pages, acknowledgements, how orders ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from cancelall.core.errors import Unreadable
from cancelall.core.model import Acknowledgement, Failure, FinalStates, Order, Page, Protection, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.bybit.options import CAP, SPOT_FILTERS, Options
from cancelall.venues.payload import UNREADABLE, Row

_CLOSED = frozenset({"Rejected", "PartiallyFilledCanceled", "Filled", "Cancelled", "Deactivated"})
"""Every other status, also an unknown one, is open: https://bybit-exchange.github.io/docs/v5/enum#orderstatus"""


_WORKING = frozenset({"New", "PartiallyFilled", "Triggered", "Created", "Active", "PendingCancel"})
"""Statuses of an order that is an ordinary one by now; the last three are known from clients only."""


_PLAIN = frozenset({"", "UNKNOWN"})


_CLOSING = frozenset({"TakeProfit", "StopLoss", "TrailingStop", "PartialTakeProfit", "PartialStopLoss", "MmRateClose"})
"""Stop types that belong to a position: they can only shrink it."""


_SPOT_KINDS = {"Stop": "StopOrder", "tpslOrder": "tpslOrder", "OcoOrder": "OcoOrder"} | {
    "BidirectionalTpslOrder": "BidirectionalTpslOrder"
}


_RUNNING = frozenset({"2", "5", "6"})
"""Strategies that can still place orders: running, paused, untriggered."""


_TERMINATED = frozenset({"3", "4"})
"""Of 4 orders may still rest; they are ordinary ones. https://bybit-exchange.github.io/docs/v5/strategy/strategy-list"""


GONE = frozenset({110001, 170213, 175007, 110008, 110010, 170139, 170142, 170190, 20001, 140001}) | {
    60062,  # two meanings: it has been terminated, or it is a part of another one, which is stopped itself
    60065,
    60068,
    60074,
}
"""The order or strategy is finished or unknown: a cancel by name has nothing left to do. The listing decides."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One page of any list, its rows still unread."""

    rows: tuple[object, ...]
    next: Request | None = None
    unsure: str = ""
    full: bool = False
    null: bool = False


def sheet(request: Request, reply: Reply) -> Sheet:
    """The rows of a page and the request for the next one. Raises Unreadable where there is no list at all.

    `nextPageCursor` is set even on the last page, and may point to that page itself; an empty one is the end, and so is
    a missing or odd one on a page that is not full. An empty page with a new cursor is followed. The cursor comes
    percent-encoded and goes back as received. https://bybit-exchange.github.io/docs/v5/order/open-order
    """
    result = payload.as_object(payload.as_object(reply.json).get("result"), "result")
    rows, null = payload.null_or_list(result, "list")
    asked = asked_for(request)
    category, answered = asked.get("category"), result.get("category")
    if category and isinstance(answered, str) and answered not in ("", category):
        return Sheet(rows=(), unsure=f"the listing is of {payload.words(answered)}, not of {category}")
    limit = int(asked.get("limit") or asked.get("pageSize") or "0")
    full = 0 < limit <= len(rows)
    cursor, why = _cursor(result)
    following = None if cursor is None else _continued(request, cursor)
    if following == request and not full:
        following = None
    return Sheet(rows=tuple(rows), next=following, unsure=why if full else "", full=full, null=null)


def asked_for(request: Request) -> Mapping[str, str]:
    """The parameters of a read."""
    return dict(parse_qsl(request.query))


def _cursor(result: Mapping[str, Any]) -> tuple[str | None, str]:
    """The cursor of the next page, None at the end; and why it is none if that is not the documented end."""
    value = result.get("nextPageCursor")
    value = result.get("nextCursor") if value in (None, "") and result.get("nextCursor") is not None else value
    if value == "":
        return None, ""
    if value is None:
        return None, "the page is full and has no cursor"
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not re.fullmatch(r"(?:[A-Za-z0-9._~!$'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})+", text):
        return None, "the cursor cannot be sent back"
    return re.sub("%..", lambda escape: escape[0].upper(), text), ""  # urllib3 would, after the signature


def _continued(request: Request, cursor: str) -> Request:
    kept = [part for part in request.query.split("&") if not part.startswith("cursor=")]
    return replace(request, query="&".join([*kept, f"cursor={cursor}"]))


def _page(found: Sheet, orders: tuple[Order, ...], unsure: str) -> Page:
    words = "; ".join(one for one in (found.unsure, unsure) if one)
    return Page(orders=orders, next=found.next, unsure=words, full=found.full, null=found.null)


def read_page(segment: str, request: Request, reply: Reply) -> Page:
    """One page of open orders. Only an id is needed to act on one, and the symbol that it names or was asked for."""
    found, asked = sheet(request, reply), asked_for(request)

    def read(row: Row) -> Order | None:
        status = row.text("orderStatus", needed=True)
        if status in _CLOSED:
            return None
        if status not in (None, UNREADABLE, "Untriggered", *_WORKING):
            row.odd(f"orderStatus {payload.words(status)} is unknown", None)
        return _order(segment, asked, status, row)

    return _page(found, *payload.orders(found.rows, read))


def _order(segment: str, asked: Mapping[str, str], status: str | None, row: Row) -> Order:
    """An order as the listing shows it. Raises Unreadable without an id, and for another symbol than was asked for."""
    identity = row.identity("orderId")
    symbol = _symbol(row, asked.get("symbol"))
    category, kind = asked.get("category", ""), asked.get("orderFilter", "")
    stop_type = row.text("stopOrderType") or ""
    side, price, trigger, ordinary = (
        row.text("side"),
        row.text("price"),
        row.text("triggerPrice"),
        row.text("orderType"),
    )
    triggers = stop_type not in _PLAIN or (category == "spot" and kind in SPOT_FILTERS[1:])
    return Order(
        id=identity,
        client_id=row.text("orderLinkId"),
        symbol=symbol,
        side=(side or "").lower() or None,
        type=(stop_type if stop_type not in _PLAIN else ordinary or "").lower() or None,
        price=trigger if price in (None, "0") else price,
        quantity=row.text("qty"),
        remaining=row.text("leavesQty"),
        segment=segment,
        protection=_protection(category, stop_type, triggers, (side or "").lower(), row),
        kind=_kind(kind or _SPOT_KINDS.get(stop_type, "Order"), status) if category == "spot" else "",
        origin=(row.text("createType") or "").removeprefix("CreateByUser"),
        created_ms=row.number("createdTime"),
    )


def _symbol(row: Row, asked: str | None) -> str | None:
    """The symbol of a row, or the one that was asked for where it cannot be read.

    Raises Unreadable when it is another one: the row is out of scope.
    """
    symbol = row.text("symbol", needed=True)
    if symbol is None or symbol == UNREADABLE:
        return asked
    if asked and symbol.upper() != asked.upper():
        raise Unreadable("symbol is not the one that was asked for")
    return symbol


def _kind(kind: str, status: str | None) -> str:
    """The order filter that reaches a spot order. One that has triggered is an ordinary order from then on."""
    return "Order" if status in _WORKING else kind


def _protection(category: str, stop_type: str, triggers: bool, side: str, row: Row) -> Protection:
    """Protective: what can only shrink a position; on spot a triggered sell. Unknown kinds are never called plain."""
    shrinks = row.flag("reduceOnly"), row.flag("closeOnTrigger")
    if True in shrinks or stop_type in _CLOSING:
        return Protection.PROTECTIVE
    if None in shrinks:
        return Protection.UNKNOWN
    if category == "spot" and triggers:
        if (stop_type not in _PLAIN and stop_type not in _SPOT_KINDS) or side not in ("buy", "sell"):
            return Protection.UNKNOWN
        return Protection.PROTECTIVE if side == "sell" else Protection.NONE
    return Protection.NONE if stop_type in _PLAIN or stop_type == "Stop" else Protection.UNKNOWN


def keeps(options: Options, order: Order) -> bool:
    """`OpenOrder` leaves what closes a position, `stopOrderType=Stop` leaves TP/SL and trailing stops."""
    if options.order_filter == "OpenOrder":
        return order.protection is Protection.PROTECTIVE
    return bool(options.stop_order_type) and (order.type or "") in {one.lower() for one in _CLOSING}


_SHRINKS = {True: Protection.PROTECTIVE, False: Protection.NONE}


def strategy_page(request: Request, reply: Reply) -> Page:
    """One page of strategies; only its id is needed to stop one."""
    found, asked = sheet(request, reply), asked_for(request)

    def read(row: Row) -> Order | None:
        status = row.text("status", needed=True)
        if status in _TERMINATED:
            return None
        if status not in (None, UNREADABLE, *_RUNNING):
            row.odd(f"status {payload.words(status)} is unknown", None)
        shrinks = row.flag("reduceOnly")
        return Order(
            id=row.identity("strategyId"),
            symbol=_symbol(row, asked.get("symbol")),
            side=(row.text("side") or "").lower() or None,
            type=(row.text("strategyType") or "strategy").lower(),
            price=row.text("triggerPrice"),
            quantity=row.text("size"),
            segment="strategy",
            protection=Protection.UNKNOWN if shrinks is None else _SHRINKS[shrinks],
            created_ms=row.number("createdTimeE3"),
        )

    return _page(found, *payload.orders(found.rows, read, "strategy"))


def acknowledge(request: Request, reply: Reply) -> Acknowledgement:
    """Ids that the venue took. `list` may be absent (documents before 2024-02-08); `success` "0" was judged before.

    A row that cannot be read names nobody, and the listing tells of it. Raises Unreadable where `list` is no list.
    """
    answer = payload.as_object(reply.json)
    result = answer.get("result")
    if not isinstance(result, dict) or result.get("list") is None:
        single = _identity(result, "orderId", "strategyId")
        return Acknowledgement(cancelled=(single,) if single else ())
    rows = payload.as_list(result["list"], "list")
    outcomes = _outcomes(answer) if request.path.endswith("/cancel-batch") else None
    cancelled, failed, client_ids = [], [], {}
    for index, entry in enumerate(rows):
        identity = _identity(entry, "orderId")
        if identity is None:
            continue
        if client_id := Row(entry).text("orderLinkId"):
            client_ids[identity] = client_id
        code, words = (0, "") if outcomes is None else _outcome(outcomes, index)
        if code == 0:
            cancelled.append(identity)
        elif code is not None and code not in GONE:  # a finished order is settled by the listing
            failed.append(Failure(id=identity, reason=f"{code} {words}".strip()))
    capped = len(rows) >= CAP and request.bucket == "cancel-all futures"  # spot and options know no cap
    return Acknowledgement(cancelled=tuple(cancelled), client_ids=client_ids, failed=tuple(failed), capped=capped)


def _identity(entry: object, *keys: str) -> str | None:
    """An id, None where there is none that could be used."""
    try:
        return Row(entry).identity(*keys)
    except Unreadable:
        return None


def _outcomes(answer: Mapping[str, Any]) -> list[Any]:
    """What became of each order of a batch, by position: https://bybit-exchange.github.io/docs/v5/order/batch-cancel"""
    extra = answer.get("retExtInfo")
    outcomes = extra.get("list") if isinstance(extra, dict) else None
    return outcomes if isinstance(outcomes, list) else []


def _outcome(outcomes: list[Any], index: int) -> tuple[int | None, str]:
    """Code and words for one order of a batch; no code where it cannot be read."""
    outcome = outcomes[index] if index < len(outcomes) else None
    if not isinstance(outcome, dict):
        return None, ""
    return Row(outcome).number("code"), payload.words(outcome.get("msg"))


def final_page(segment: str, request: Request, reply: Reply) -> FinalStates:
    """How orders ended. https://bybit-exchange.github.io/docs/v5/order/order-list (cancelled ones stay 24 h)."""
    found, asked = sheet(request, reply), asked_for(request)
    ends: list[tuple[Order, State, str]] = []

    def read(row: Row) -> None:
        status = row.text("orderStatus")
        if status in _CLOSED:
            order = _order(segment, asked, status, row)
            executed = row.text("cumExecQty") or "0"
            partly = status != "Filled" and executed != UNREADABLE and executed.strip("0.") != ""
            state = State.FILLED if status == "Filled" else State.CANCELLED
            ends.append((order, state, f"{executed} filled before" if partly else ""))

    payload.orders(found.rows, read)
    return FinalStates(orders=tuple(ends), next=found.next)
