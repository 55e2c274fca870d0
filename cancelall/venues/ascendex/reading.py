"""AscendEX: what its answers say: pages, acknowledgements, how orders ended."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

from cancelall import payload
from cancelall.errors import Unreadable
from cancelall.model import Acknowledgement, Order, Page, Protection, Reply, Request, Settlement, State
from cancelall.venues.ascendex.options import Ledger

_CLOSED = frozenset({"Filled", "Canceled", "Rejected"})
"""Every other status, also an unknown one, is open. https://ascendex.github.io/ascendex-futures-pro-api-v2/#order-status-status"""

_TYPES = frozenset({"Limit", "Market", "StopLimit", "StopMarket"})
_CONDITIONAL = frozenset({"StopLimit", "StopMarket"})
_PLAIN = frozenset(
    "null_val post stoponmarket stoponmark stoponref poststopmarket poststopmark poststopref".split(),
)
_REDUCING = frozenset(
    "reduceonly postreduceonly reduceonlymarket reduceonlymark reduceonlyref postreducemarket postreducemark "
    "postreduceref".split()
)
"""Words of `execInst`, which the documents spell in several cases. Those that stand in neither set (`Liquidation`,
`OpenStop…`, `PosStop…`, `InternalPost`) are listed without a meaning:
https://ascendex.github.io/ascendex-futures-pro-api-v2/#execution-instruction-execinst"""

_NUMBER = re.compile(r"\d{1,40}(\.\d{1,40})?")


def _answer(ledger: Ledger, reply: Reply) -> Any:
    """The answer, if it is about this ledger: the signature would have been good for another one as well."""
    answer = payload.as_object(payload.parse(reply.body))
    for key in ("ac", "accountCategory"):
        _same_ledger(ledger, payload.maybe(answer, key))
    return answer


def _same_ledger(ledger: Ledger, told: str | None) -> None:
    if told is not None and told.lower() != ledger:
        raise Unreadable(f"the answer is about {payload.words(told)}, not about {ledger}")


def read_page(ledger: Ledger, symbols: tuple[str, ...], request: Request, reply: Reply) -> Page:
    """https://ascendex.github.io/ascendex-pro-api/#list-open-orders: all at once, without any documented limit."""
    rows = [payload.as_object(row, "order") for row in payload.as_list(_answer(ledger, reply).get("data"), "data")]
    found = []
    for row in rows:
        _same_ledger(ledger, payload.maybe(row, "ac"))
        identity, status, symbol = (payload.field(row, key) for key in ("orderId", "status", "symbol"))
        if status not in _CLOSED and (not symbols or symbol in symbols):
            found.append(_order(ledger, identity, status, symbol, row))
    cut = bool(rows) and len(rows) % 50 == 0
    return Page(orders=tuple(found), unsure=f"{len(rows)} rows: the listing may be cut off there" if cut else "")


def _order(ledger: Ledger, identity: str, status: str, symbol: str, row: Any) -> Order:
    kind = payload.maybe(row, "orderType") or ""
    price = payload.maybe(row, "price")
    quantity = payload.maybe(row, "orderQty")
    return Order(
        id=identity,
        symbol=symbol,
        side=(payload.maybe(row, "side") or "").lower() or None,
        type=kind.lower() or None,
        price=payload.maybe(row, "stopPrice") if price in (None, "0") else price,
        quantity=quantity,
        remaining=_minus(quantity, payload.maybe(row, "cumFilledQty")),
        segment=ledger,
        protection=_protection(ledger, status, kind, row),
        origin="liquidation" if (payload.maybe(row, "execInst") or "").lower() == "liquidation" else "",
        created_ms=payload.number(row, "time"),
    )


def _minus(whole: str | None, part: str | None) -> str | None:
    """What is left of a quantity; None if either is no plain number."""
    if not (whole and _NUMBER.fullmatch(whole) and part and _NUMBER.fullmatch(part)):
        return None
    return str(Decimal(whole) - Decimal(part))


def _protection(ledger: Ledger, status: str, kind: str, row: Any) -> Protection:
    """Protective: what can only reduce a position, and in cash a sell that waits for its trigger.

    A triggered sell in margin can open a short position.
    """
    instruction = (payload.maybe(row, "execInst") or "null_val").lower()
    if instruction in _REDUCING:
        return Protection.PROTECTIVE
    if instruction not in _PLAIN or kind not in _TYPES:
        return Protection.UNKNOWN
    if ledger == "cash" and kind in _CONDITIONAL and payload.maybe(row, "side") != "Buy":
        if status in ("New", "PartiallyFilled"):  # it has triggered: an ordinary order from then on
            return Protection.NONE
        # Of one that is closed nobody can tell any more whether it had triggered: its loss is reported.
        known = status in ("PendingNew", *_CLOSED) and payload.maybe(row, "side") == "Sell"
        return Protection.PROTECTIVE if known else Protection.UNKNOWN
    return Protection.NONE


def acknowledge(ledger: Ledger, request: Request, reply: Reply) -> Acknowledgement:
    """An answer to a cancel names nothing that was cancelled; futures v2 answers with the bare code.

    The symbol that it repeats is the only sign that a filter has arrived: the signature does not cover it.
    The older futures document shows CASH in such answers, so there the ledger is not compared.
    """
    answer = payload.as_object(payload.parse(reply.body))
    told = payload.as_object(answer["data"], "data") if answer.get("data") is not None else {}
    if "/v1/futures/" not in request.path:
        _same_ledger(ledger, payload.maybe(told, "ac"))
    if (payload.maybe(told, "status") or "ack").lower() == "err":
        raise Unreadable("the answer is a success and an error at once")
    info = told.get("info")
    if not request.path.endswith("/order/all") or not isinstance(info, dict) or "symbol" not in info:
        return Acknowledgement()
    asked = payload.as_object(json.loads(request.body)).get("symbol", "")
    echoed = payload.maybe(info, "symbol") or ""
    if echoed == asked:
        return Acknowledgement()
    words = f"orders of {asked or 'every symbol'}, and the answer is about {payload.words(echoed) or 'every symbol'}"
    return Acknowledgement(remark=f"{ledger}: the cancel was for {words}")


def settled(ledger: Ledger, symbols: tuple[str, ...], request: Request, reply: Reply) -> Settlement:
    """How orders ended. https://ascendex.github.io/ascendex-pro-api/#query-order and #list-current-history-orders

    One id is answered with an object, several with a list.
    """
    data = payload.as_object(payload.parse(reply.body)).get("data")
    rows = [data] if isinstance(data, dict) else payload.as_list(data, "data")
    ends = (_end(ledger, payload.as_object(row, "order")) for row in rows)
    cut = request.path.endswith("/hist/current") and rows and len(rows) % 100 == 0
    return Settlement(
        orders=tuple(end for end in ends if not symbols or end[0].symbol in symbols),
        more=f"{ledger}: more than the {len(rows)} orders of the venue's recent history may have ended" if cut else "",
    )


def _end(ledger: Ledger, row: Any) -> tuple[Order, State, str]:
    identity, status, symbol = (payload.field(row, key) for key in ("orderId", "status", "symbol"))
    order = replace(
        _order(ledger, identity, status, symbol, row),
        ended_ms=payload.number(row, "lastExecTime") if status in _CLOSED else None,
    )
    executed = payload.maybe(row, "cumFilledQty") or "0"
    if status == "Filled":
        return order, State.FILLED, ""
    if status == "Canceled":
        return order, State.CANCELLED, f"{executed} filled before" if executed.strip("0.") else ""
    return order, State.GONE, f"not listed any more, but its record says {payload.words(status)}"
