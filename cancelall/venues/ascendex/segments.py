"""AscendEX: a segment for each ledger of an account, and what its answers say."""

from __future__ import annotations

import json
from functools import cached_property, partial

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import Unreadable
from cancelall.core.model import Acknowledgement, FinalStates, Order, Page, Protection, Purpose, Reply, Request, State
from cancelall.venues import payload
from cancelall.venues.ascendex import api
from cancelall.venues.ascendex.options import LEDGERS, Ledger
from cancelall.venues.contract import Named, Segment, Witness, in_chunks, one_by_one
from cancelall.venues.payload import Row

_BATCH = 10
"""Orders in one batch, at most: https://ascendex.github.io/ascendex-futures-pro-api-v2/#cancel-batch-orders"""
_SINGLY = 5
"""So many orders go one by one, the venue's own liquidations first, and only the others in batches: a batch fails as a
whole if one of its orders fails the venue's check, and would every time it is sent."""
_IDS = 50
"""Ids in one read of final states. The documents name no limit."""


@dataclass(frozen=True, kw_only=True)
class LedgerOrders(Segment):
    """One ledger, by which its segment is named.

    With futures v1 the cancels go to the retired paths as well; only the current ones prove anything.
    """

    name: Ledger
    group: int
    symbols: tuple[str, ...] = ()
    """Those that it can hold, of those that the options choose."""
    retired: str = ""
    """Where the calls of futures v1 lived, if they are used as well."""
    unnamed = True

    @cached_property
    def home(self) -> str:
        """Where its calls live."""
        return api.home_of(self.group, self.name)

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        homes = (self.retired, self.home) if self.retired else (self.home,)
        return tuple(api.cancel_all(home, symbol) for home in homes for symbol in self.symbols or ("",))

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((api.open_orders(self.home),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """https://ascendex.github.io/ascendex-pro-api/#list-open-orders: all at once, without any documented limit."""
        answer = Row(reply.json, "answer")
        entries, null = payload.null_or_list(answer.record, "data")
        for key in ("ac", "accountCategory"):
            _same_ledger(self.name, answer, key)
        orders, odd = payload.orders(entries, self._listed)
        cut = f"{len(entries)} rows: the listing may be cut off there" if entries and len(entries) % 50 == 0 else ""
        return Page(orders=orders, unsure=payload.why(*answer.oddities, odd, cut), null=null)

    def _listed(self, row: Row) -> Order | None:
        """An open order of a listing; None for one that is not open, of another symbol, or of another ledger."""
        if not _same_ledger(self.name, row, "ac") or row.record.get("status") in _CLOSED:
            return None
        order = _order(self.name, row)
        return order if not self.symbols or order.symbol is None or order.symbol in self.symbols else None

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        """An answer to a cancel names nothing that was cancelled; futures v2 answers with the bare code.

        The symbol that it repeats is the only sign that a filter has arrived: the signature does not cover it.
        The older futures document shows CASH in such answers, so there the ledger is not compared.
        """
        data = payload.as_object(reply.json).get("data")
        row = Row(data if isinstance(data, dict) else {})
        if (row.text("status") or "ack").lower() == "err":
            raise Unreadable("the answer is a success and an error at once")
        if "/v1/futures/" not in request.path:
            _same_ledger(self.name, row, "ac")
        info = row.record.get("info")
        if request.purpose in (Purpose.MASS_CANCEL, api.SYMBOL_CANCEL) and isinstance(info, dict) and "symbol" in info:
            sent, echoed = json.loads(request.body).get("symbol", ""), Row(info).text("symbol") or ""
            if echoed != sent:
                about = f"orders of {sent or 'every symbol'}, and the answer is about"
                row.odd(f"the cancel was for {about} {payload.message(echoed) or 'every symbol'}", None)
        return Acknowledgement(remark=f"{self.name}: {'; '.join(row.oddities)}" if row.oddities else "")

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        named = tuple(sorted((order for order in orders if order.symbol), key=lambda order: not order.origin))
        batches = in_chunks(named[_SINGLY:], _BATCH, partial(api.cancel_batch, self.home))
        return self.singly(named[:_SINGLY], others) + batches

    def singly(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """For a batch that failed as a whole, and where there are no batches."""
        return one_by_one((order for order in orders if order.symbol), partial(api.cancel, self.home))

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """What the retired path lists: nothing proves that it means it, so only orders that it shows count."""
        if not self.retired:
            return ()
        request = api.open_orders(self.retired)
        return (Witness(request=request, read=lambda *answer: not self.page(*answer).orders, optional=True),)

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """What has ended lately, since no answer to a cancel names anything, and the records of orders once seen."""
        records = in_chunks(orders, _IDS, partial(api.records, self.home))
        return (api.recent_ends(self.home), *(request for request, _ in records))

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        """How orders ended. https://ascendex.github.io/ascendex-pro-api/#query-order and #list-current-history-orders

        One id is answered with an object, several with a list.
        """
        data = payload.as_object(reply.json).get("data")
        entries = [data] if isinstance(data, dict) else payload.as_list(data, "data")
        ends = payload.ends(entries, partial(_end, self.name))
        cut = request.purpose == api.RECENT_ENDS and entries and len(entries) % 100 == 0
        more = f"{self.name}: more than the {len(entries)} orders of the venue's recent history may have ended"
        chosen = tuple(end for end in ends if not self.symbols or end[0].symbol in self.symbols)
        return FinalStates(orders=chosen, more=more if cut else "")


# --- rows -----------------------------------------------------------------------------------------------------------

_CLOSED = ("Filled", "Canceled", "Rejected")
"""Every other status, also an unknown one, is open. https://ascendex.github.io/ascendex-futures-pro-api-v2/#order-status-status"""

_TYPES = frozenset({"Limit", "Market", "StopLimit", "StopMarket"})
_CONDITIONAL = frozenset({"StopLimit", "StopMarket"})
_ORDINARY = frozenset("null_val post stoponmarket stoponmark stoponref poststopmarket poststopmark poststopref".split())
_REDUCING = frozenset(
    "reduceonly postreduceonly reduceonlymarket reduceonlymark reduceonlyref postreducemarket postreducemark "
    "postreduceref".split()
)
"""Words of `execInst`, which the documents spell in several cases. Those that stand in neither set (`Liquidation`,
`OpenStop…`, `PosStop…`, `InternalPost`) are listed without a meaning:
https://ascendex.github.io/ascendex-futures-pro-api-v2/#execution-instruction-execinst"""


def _same_ledger(ledger: Ledger, row: Row, key: str) -> bool:
    """Whether this is about the ledger of the request, as far as it says: the signature would have been good for
    another one as well. Anything but its name is odd."""
    named = (row.text(key) or ledger).lower()
    if named in (ledger, payload.UNREADABLE):
        return True
    return row.odd(f"it is about {payload.message(named)}, not about {ledger}", named not in LEDGERS)


def _order(ledger: Ledger, row: Row) -> Order:
    """One order, whatever else is wrong with its row. Raises Unreadable without an id."""
    identity, status = row.identity("orderId"), row.text("status", needed=True)
    symbol, kind, price = row.name("symbol", needed=True), row.text("orderType"), row.text("price")
    quantity, side, instruction = row.text("orderQty"), row.text("side"), row.text("execInst")
    filled = row.text("cumFilledQty")
    return Order(
        id=identity,
        symbol=symbol,
        side=side.lower() if side else None,
        type=kind.lower() if kind else None,
        price=row.text("stopPrice") if price in (None, "0") else price,
        quantity=quantity,
        remaining=payload.minus(quantity, filled) if filled else None,
        segment=ledger,
        protection=_protection(ledger, status or "", kind or "", side, (instruction or "null_val").lower()),
        origin="liquidation" if (instruction or "").lower() == "liquidation" else "",
        created_ms=row.number("time"),
    )


def _protection(ledger: Ledger, status: str, kind: str, side: str | None, instruction: str) -> Protection:
    """Protective: what can only reduce a position, and in cash a sell that waits for its trigger.

    A triggered sell in margin can open a short position.
    """
    if instruction in _REDUCING:
        return Protection.PROTECTIVE
    if instruction not in _ORDINARY or kind not in _TYPES:
        return Protection.UNKNOWN
    if ledger == "cash" and kind in _CONDITIONAL and side != "Buy":
        if status in ("New", "PartiallyFilled"):  # it has triggered: an ordinary order from then on
            return Protection.NONE
        # Of one that is closed nobody can tell any more whether it had triggered: its loss is reported.
        known = status in ("PendingNew", *_CLOSED) and side == "Sell"
        return Protection.PROTECTIVE if known else Protection.UNKNOWN
    return Protection.NONE


def _end(ledger: Ledger, row: Row) -> tuple[Order, State, str]:
    order, status = _order(ledger, row), row.text("status")
    if status in _CLOSED:
        order = replace(order, ended_ms=row.number("lastExecTime"))
    if status == "Filled":
        return order, State.FILLED, ""
    if status == "Canceled":
        return order, State.CANCELLED, payload.filled_before(row.text("cumFilledQty"))
    return order, State.GONE, f"not listed any more, but its record says {payload.message(status) or 'nothing'}"
