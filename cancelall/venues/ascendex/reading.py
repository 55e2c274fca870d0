"""AscendEX: what its answers say: pages, acknowledgements, how orders ended."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from functools import partial

from cancelall.core.errors import Unreadable
from cancelall.core.model import Acknowledgement, FinalStates, Order, Page, Protection, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.ascendex.options import LEDGERS, Ledger
from cancelall.venues.payload import Row

_CLOSED = ("Filled", "Canceled", "Rejected")
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


def read_page(ledger: Ledger, symbols: tuple[str, ...], request: Request, reply: Reply) -> Page:
    """https://ascendex.github.io/ascendex-pro-api/#list-open-orders: all at once, without any documented limit."""
    answer = Row(reply.json, "answer")
    entries, null = payload.null_or_list(answer.record, "data")
    for key in ("ac", "accountCategory"):
        _same_ledger(ledger, answer, key)
    orders, odd = payload.orders(entries, partial(_listed, ledger, symbols))
    cut = f"{len(entries)} rows: the listing may be cut off there" if entries and len(entries) % 50 == 0 else ""
    return Page(orders=orders, unsure="; ".join(filter(None, (*answer.oddities, odd, cut))), null=null)


def _listed(ledger: Ledger, symbols: tuple[str, ...], row: Row) -> Order | None:
    """An open order of a listing; None for one that is not open, of another symbol, or of another ledger."""
    if not _same_ledger(ledger, row, "ac") or row.record.get("status") in _CLOSED:
        return None
    order = _order(ledger, row)
    return order if not symbols or order.symbol is None or order.symbol in symbols else None


def _same_ledger(ledger: Ledger, row: Row, key: str) -> bool:
    """Whether this is about the ledger that was asked for, as far as it says: the signature would have been good for
    another one as well. Anything but its name is odd."""
    told = (row.text(key) or ledger).lower()
    if told in (ledger, payload.UNREADABLE):
        return True
    return row.odd(f"it is about {payload.words(told)}, not about {ledger}", told not in LEDGERS)


def _order(ledger: Ledger, row: Row) -> Order:
    """One order, whatever else is wrong with its row. Raises Unreadable without an id."""
    identity, status = row.identity("orderId"), row.text("status", needed=True)
    symbol, kind, price = row.text("symbol", needed=True), row.text("orderType"), row.text("price")
    quantity, side, instruction = row.text("orderQty"), row.text("side"), row.text("execInst")
    return Order(
        id=identity,
        symbol=None if symbol == payload.UNREADABLE else symbol,
        side=side.lower() if side else None,
        type=kind.lower() if kind else None,
        price=row.text("stopPrice") if price in (None, "0") else price,
        quantity=quantity,
        remaining=_minus(quantity, row.text("cumFilledQty")),
        segment=ledger,
        protection=_protection(ledger, status or "", kind or "", side, (instruction or "null_val").lower()),
        origin="liquidation" if (instruction or "").lower() == "liquidation" else "",
        created_ms=row.number("time"),
    )


def _minus(whole: str | None, part: str | None) -> str | None:
    """What is left of a quantity; None if either is no plain number."""
    if not (whole and _NUMBER.fullmatch(whole) and part and _NUMBER.fullmatch(part)):
        return None
    return str(Decimal(whole) - Decimal(part))


def _protection(ledger: Ledger, status: str, kind: str, side: str | None, instruction: str) -> Protection:
    """Protective: what can only reduce a position, and in cash a sell that waits for its trigger.

    A triggered sell in margin can open a short position.
    """
    if instruction in _REDUCING:
        return Protection.PROTECTIVE
    if instruction not in _PLAIN or kind not in _TYPES:
        return Protection.UNKNOWN
    if ledger == "cash" and kind in _CONDITIONAL and side != "Buy":
        if status in ("New", "PartiallyFilled"):  # it has triggered: an ordinary order from then on
            return Protection.NONE
        # Of one that is closed nobody can tell any more whether it had triggered: its loss is reported.
        known = status in ("PendingNew", *_CLOSED) and side == "Sell"
        return Protection.PROTECTIVE if known else Protection.UNKNOWN
    return Protection.NONE


def acknowledge(ledger: Ledger, request: Request, reply: Reply) -> Acknowledgement:
    """An answer to a cancel names nothing that was cancelled; futures v2 answers with the bare code.

    The symbol that it repeats is the only sign that a filter has arrived: the signature does not cover it.
    The older futures document shows CASH in such answers, so there the ledger is not compared.
    """
    told = payload.as_object(reply.json).get("data")
    row = Row(told if isinstance(told, dict) else {})
    if (row.text("status") or "ack").lower() == "err":
        raise Unreadable("the answer is a success and an error at once")
    if "/v1/futures/" not in request.path:
        _same_ledger(ledger, row, "ac")
    info = row.record.get("info")
    if request.path.endswith("/order/all") and isinstance(info, dict) and "symbol" in info:
        asked = payload.as_object(json.loads(request.body)).get("symbol", "")
        echoed = Row(info).text("symbol") or ""
        if echoed != asked:
            words = f"orders of {asked or 'every symbol'}, and the answer is about"
            row.odd(f"the cancel was for {words} {payload.words(echoed) or 'every symbol'}", None)
    return Acknowledgement(remark=f"{ledger}: {'; '.join(row.oddities)}" if row.oddities else "")


def final_page(ledger: Ledger, symbols: tuple[str, ...], request: Request, reply: Reply) -> FinalStates:
    """How orders ended. https://ascendex.github.io/ascendex-pro-api/#query-order and #list-current-history-orders

    One id is answered with an object, several with a list.
    """
    data = payload.as_object(reply.json).get("data")
    entries = [data] if isinstance(data, dict) else payload.as_list(data, "data")
    ends = tuple(end for entry in entries if (end := _end(ledger, entry)) is not None)
    cut = request.path.endswith("/hist/current") and entries and len(entries) % 100 == 0
    more = f"{ledger}: more than the {len(entries)} orders of the venue's recent history may have ended"
    return FinalStates(
        orders=tuple(end for end in ends if not symbols or end[0].symbol in symbols), more=more if cut else ""
    )


def _end(ledger: Ledger, entry: object) -> tuple[Order, State, str] | None:
    """How an order ended; None for a row that names none."""
    try:
        row = Row(entry)
        order = _order(ledger, row)
    except Unreadable:
        return None
    status, executed = row.text("status"), row.text("cumFilledQty") or "0"
    if status in _CLOSED:
        order = replace(order, ended_ms=row.number("lastExecTime"))
    if status == "Filled":
        return order, State.FILLED, ""
    if status == "Canceled":
        return order, State.CANCELLED, f"{executed} filled before" if executed.strip("0.") else ""
    return order, State.GONE, f"not listed any more, but its record says {payload.words(status) or 'nothing'}"
