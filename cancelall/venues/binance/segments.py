"""Binance: the wallets, whose orders are cancelled by symbol and book, and options, cancelled by underlying."""

from __future__ import annotations

from functools import cached_property, partial
from typing import ClassVar

from cancelall.core.dataclass import dataclass, replace
from cancelall.core.errors import Unreadable
from cancelall.core.model import (
    Acknowledgement,
    Failure,
    FinalStates,
    Order,
    Page,
    Priority,
    Protection,
    Purpose,
    Reply,
    Request,
    State,
)
from cancelall.venues import payload
from cancelall.venues.binance.api import PARENTS, delete, get
from cancelall.venues.binance.books import BOOKS, LISTS, OPEN, Book, identity
from cancelall.venues.contract import Named, Segment, Witness, one_by_one, parameters
from cancelall.venues.payload import UNREADABLE, Row

_STATES_AT_MOST = 100
"""Orders of a segment of which is read how they ended: each takes a request."""
_SAYS = {True: Protection.PROTECTIVE, False: Protection.NONE, None: Protection.UNKNOWN}
_AGAINST = {("LONG", "SELL"), ("SHORT", "BUY")}
_TRIGGERS = ("STOP", "TAKE_PROFIT", "TRAILING")
_LIST = "list "
"""What the kind of an order that is a leg of a list begins with; the list's number follows."""
_ORDINARY = frozenset({"LIMIT", "MARKET", "LIMIT_MAKER"})


@dataclass(frozen=True, kw_only=True)
class Wallet(Segment):
    """A wallet whose orders are cancelled by symbol and book.

    Both books are listed at once: an order moves once, from the conditional ones to the ordinary ones, so that of two
    listings, one after the other, at least one shows it.
    """

    wallet: str
    symbols: tuple[str, ...] = ()
    """Those that it is narrowed to."""
    remembered: tuple[str, ...] = ()
    """Those that had open orders at an earlier run."""
    pair: str = ""
    """That of an isolated margin account."""
    unnamed = True

    @property
    def books(self) -> tuple[Book, ...]:
        return BOOKS[self.wallet]

    @property
    def _account(self) -> dict[str, str]:
        return {"isIsolated": "TRUE"} if self.pair else {}

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """One for each symbol and book, conditional orders first: what is seen in one of them is cancelled in both."""
        known = dict.fromkeys(order.symbol for order in survivors if order.symbol)
        unseen = (self.pair,) if self.pair else self.symbols or self.remembered
        return tuple(self._all(book.cancel_all, symbol=symbol) for symbol in known or unseen for book in self.books)

    def _all(self, path: str, **of: str) -> Request:
        return delete(path, Purpose.MASS_CANCEL, {**of, **self._account}, Priority.MASS_CANCEL)

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return one_by_one((one for one in orders if one.symbol or not self._of(one).needs_symbol), self._single)

    def _of(self, order: Order) -> Book:
        return next((book for book in self.books if book.kind == order.kind), self.books[-1])

    def _named(self, order: Order) -> dict[str, str]:
        book = self._of(order)
        symbol = {"symbol": order.symbol} if order.symbol and book.needs_symbol else {}
        return {**symbol, book.key: order.id.rpartition(":")[2], **self._account}

    def _single(self, order: Order) -> Request:
        return delete(self._of(order).cancel, Purpose.CANCEL, self._named(order))

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        """Orders, and lists with the reports of their legs; of futures a code alone.

        An answer about another conditional order than the one that was named is a warning: their ids are said to count
        up within a symbol, and go without one.
        """
        answer = reply.json
        entries = answer if isinstance(answer, list) else [answer]
        reports = [leg for entry in entries for leg in _legs(entry)]
        book = next((one for one in self.books if request.path in (one.cancel, one.cancel_all)), self.books[-1])
        wanted = parameters(request)
        cancelled: dict[str, Row] = {}
        failed, remark = [], ""
        for entry in reports:
            number = payload.usable_id(entry, book.key)
            if number is None:
                continue
            row = Row(entry)
            if book.key in wanted and number != wanted[book.key] and book.kind:
                remark = f"{self.name}: the cancel was of {wanted[book.key]}, and the answer is about {number}"
                continue
            order_id = identity(book, row, row.name("symbol") or wanted.get("symbol"))
            code = row.number("code")
            if code not in (None, 0, 200):
                failed.append(Failure(id=order_id, reason=f"{code} {payload.message(row.record.get('msg'))}".strip()))
                continue
            cancelled[order_id] = row
        if request.purpose == Purpose.CANCEL and not (cancelled or failed or remark):
            raise Unreadable("the answer names no order")
        client_ids = {key: own for key, row in cancelled.items() if (own := row.text(_client_key(book, row)))}
        shown = [row.record for row in cancelled.values()] if request.purpose == Purpose.MASS_CANCEL else []
        orders, _ = payload.orders(shown, partial(self._order, book))
        said = partial(Acknowledgement, cancelled=tuple(cancelled), failed=tuple(failed), client_ids=client_ids)
        return said(orders=orders, remark=remark)

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        """Without a symbol, whatever the scope: it is narrowed here. Isolated margin wants one."""
        narrow = {"symbol": self.pair, **self._account} if self.pair else {}
        return (tuple(get(book.listing, Purpose.LISTING, narrow) for book in self.books),)

    @cached_property
    def _by_listing(self) -> dict[str, Book]:
        return {book.listing: book for book in self.books}

    def page(self, request: Request, reply: Reply) -> Page:
        """The open orders that are in scope. There are no pages."""
        rows = payload.as_list(reply.json, "the listing")
        orders, odd = payload.orders(rows, partial(self._listed, self._by_listing[request.path]))
        return Page(orders=orders, unsure=odd)

    def _listed(self, book: Book, row: Row) -> Order | None:
        status = row.text(book.status, needed=True)
        if status in book.ends:
            return None
        if status not in (None, UNREADABLE, *OPEN):
            row.odd(f"{book.status} {payload.message(status)} is unknown", None)
        order = self._order(book, row)
        return order if not self.symbols or order.symbol in self.symbols else None

    def _order(self, book: Book, row: Row) -> Order:
        """A row as an order. One whose symbol cannot be read is not cancelled where the scope has some."""
        symbol = row.name("symbol", needed=True)
        quantity, filled = row.text(book.quantity), row.text("executedQty")
        type_, side = row.text(book.type) or row.text("origType") or "", row.text("side") or ""
        prices = (row.text(name) for name in ("price", "stopPrice", "triggerPrice"))
        return Order(
            id=identity(book, row, symbol),
            client_id=row.client_id(_client_key(book, row)),
            symbol=symbol,
            side=side.lower() or None,
            type=type_.lower() or None,
            price=next((price for price in prices if price and price.strip("0.")), None),
            quantity=quantity,
            remaining=payload.minus(quantity, filled) if filled else quantity,
            segment=self.name,
            protection=self._protection(row, type_, side),
            kind=self._kind(book, row),
            created_ms=row.number(book.created),
        )

    def _kind(self, book: Book, row: Row) -> str:
        return book.kind

    def _protection(self, row: Row, type_: str, side: str) -> Protection:
        """Of futures: what closes a position, or only reduces one; in hedge mode the sides tell."""
        reduces, closes = row.flag("reduceOnly"), row.flag("closePosition")
        held = row.text("positionSide") or "BOTH"
        if closes or (held, side) in _AGAINST or (held == "BOTH" and reduces):
            return Protection.PROTECTIVE
        if None in (reduces, closes) or held not in ("BOTH", "LONG", "SHORT") or side not in ("BUY", "SELL"):
            return Protection.UNKNOWN
        return Protection.NONE

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """Each by its id; and the newest ones of each symbol that was fired at unseen, for no answer names those."""
        some = [one for one in orders if one.symbol or not self._of(one).needs_symbol][:_STATES_AT_MOST]
        read = partial(get, purpose=Purpose.FINAL_STATES, priority=Priority.OTHER)
        seen = (read(self._of(one).state or self._of(one).cancel, values=self._named(one)) for one in some)
        unseen = [read(book.history, values=part) for part in self._unseen() for book in self.books]
        return (*seen, *unseen[:_STATES_AT_MOST])

    def _unseen(self) -> list[dict[str, str]]:
        """Of what the histories are read, where no answer names an order."""
        return [{"symbol": symbol} for symbol in self.symbols or self.remembered] if self.unnamed else []

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        answer = reply.json
        rows = answer if isinstance(answer, list) else [payload.as_object(answer)]
        book = next(one for one in self.books if request.path in (one.history, one.state or one.cancel))
        return FinalStates(orders=payload.ends(rows, partial(self._ended, book)))

    def _ended(self, book: Book, row: Row) -> tuple[Order, State, str] | None:
        """A conditional order that has triggered names the one that it placed; its own quantity is no fill."""
        state, note = book.ends.get(row.text(book.status) or "", (None, ""))
        order = replace(self._order(book, row), ended_ms=row.number("updateTime"))
        if state is None or (self.symbols and order.symbol not in self.symbols):
            return None
        placed = row.text("actualOrderId") if note == "triggered" else None
        note = f"triggered, as order {placed}" if placed else note
        filled = payload.filled_before(row.text("executedQty")) if state is State.CANCELLED else ""
        return order, state, filled or note


def _legs(entry: object) -> list[object]:
    """The reports of a list of orders; an order by itself."""
    reports = entry.get("orderReports") if isinstance(entry, dict) else None
    return reports if isinstance(reports, list) else [entry]


def _client_key(book: Book, row: Row) -> str:
    """Where a row has the owner's id: in the report of a cancel the usual field names the cancel."""
    return "origClientOrderId" if "origClientOrderId" in row.record else book.client_key


class SpotWallet(Wallet):
    """Spot and margin orders, which may belong to lists of orders. A cancel tells what it took."""

    unnamed = False
    fixed_groups = True
    borrows: ClassVar[bool] = False
    """Whether a position can be short, so that a buy may protect one."""

    def _protection(self, row: Row, type_: str, side: str) -> Protection:
        """A sell that waits for its trigger, or is a leg of a list, protects what is held, unless it waits for another
        leg to fill. No row tells more. On margin a buy that waits may protect a short position: it cannot be known.
        """
        if row.text("status") == "PENDING_NEW":
            return Protection.NONE
        waits, number = any(word in type_ for word in _TRIGGERS), row.number("orderListId")
        if type_ == "LIMIT_MAKER" and "orderListId" not in row.record and (side != "BUY" or self.borrows):
            return Protection.UNKNOWN  # the profit-taking leg of a list has this type: its cancel would take the stop
        leg = number is not None and number >= 0
        surely_not = type_ in _ORDINARY and not leg and (number is not None or "orderListId" not in row.record)
        if surely_not:
            return Protection.NONE
        if side == "SELL" and (waits or leg):
            return Protection.PROTECTIVE
        known = side == "BUY" and (waits or type_ in _ORDINARY)
        return Protection.NONE if known and not (self.borrows and waits) else Protection.UNKNOWN

    def _kind(self, book: Book, row: Row) -> str:
        number = row.number("orderListId")
        return _LIST + str(number) if number is not None and number >= 0 else ""

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """The cancel of a leg takes its whole list: it waits until no other leg of it is known to stay."""
        staying = {order.kind for order in others or ()}
        free = (one for one in orders if not one.kind or (others is not None and one.kind not in staying))
        return super().cancels(tuple(free), others)

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """That no list of orders is open: legs that wait for another one need not be in the listing of orders."""
        narrow = {"symbol": self.pair, **self._account} if self.pair else {}
        request = get(LISTS[self.wallet], "list open lists of orders", narrow)
        return (Witness(request=request, fits=self._no_other_lists, optional=True),)

    def _no_other_lists(self, kept: tuple[Order, ...], request: Request, reply: Reply) -> bool:
        """Whether each open list in scope has a leg that stays in place. Raises Unreadable."""
        ids = {order.id for order in kept}
        for entry in payload.as_list(reply.json, "the lists"):
            found = payload.as_object(entry, "a list of orders")
            symbol = payload.maybe(found, "symbol")
            if payload.maybe(found, "listStatusType") == "ALL_DONE" or (self.symbols and symbol not in self.symbols):
                continue
            legs = [payload.usable_id(leg, "orderId") for leg in payload.as_list(found.get("orders"), "orders")]
            if not ids & {f"{symbol}:{leg}" for leg in legs}:
                return False
        return True


class MarginWallet(SpotWallet):
    """Orders of a margin account: the cross one, that of a pair, or that of portfolio margin."""

    borrows = True


class OptionWallet(Wallet):
    """Options. Cancelled by underlying, of which there are few and well-known ones: they are fired at unseen.

    A listing of a hundred orders may be cut off: https://developers.binance.com/docs/derivatives/options-trading/trade
    """

    known: ClassVar[tuple[str, ...]] = ("BTCUSDT", "ETHUSDT")
    longest: ClassVar[int] = 100

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        if self.symbols:
            return tuple(self._all("/eapi/v1/allOpenOrders", symbol=symbol) for symbol in self.symbols)
        symbols = [order.symbol for order in survivors if order.symbol] or [*self.known, *self.remembered]
        underlyings = dict.fromkeys(map(underlying_of, symbols))
        return tuple(self._all(self.books[0].cancel_all, underlying=underlying) for underlying in underlyings)

    def _unseen(self) -> list[dict[str, str]]:
        return [{}]  # one history of all

    def page(self, request: Request, reply: Reply) -> Page:
        page = super().page(request, reply)
        cut_off = len(payload.as_list(reply.json, "the listing")) >= self.longest
        why = f"a listing of {self.longest} orders may be cut off" if cut_off else ""
        return Page(orders=page.orders, unsure=payload.why(page.unsure, why), full=cut_off)

    def _protection(self, row: Row, type_: str, side: str) -> Protection:
        return _SAYS[row.flag("reduceOnly")]


def underlying_of(symbol: str) -> str:
    """BTC-261225-100000-C is an option on BTCUSDT."""
    return f"{symbol.partition('-')[0]}USDT" if "-" in symbol else symbol


class Parents(Wallet):
    """TWAP and VP orders, which place others: list, then cancel each. They never protect a position.

    https://developers.binance.com/docs/algo
    """

    spawns = True
    unnamed = False
    protective_kinds = False

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        return ()

    @cached_property
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        return ((get(self.books[0].listing, PARENTS),),)

    def page(self, request: Request, reply: Reply) -> Page:
        """A total that is not the number of rows leaves the page unsure."""
        answer = payload.as_object(reply.json)
        rows = payload.as_list(answer.get("orders"), "orders")
        orders, odd = payload.orders(rows, partial(self._listed, self.books[0]))
        total = Row(answer).number("total")
        short = f"it shows {len(rows)} of {total} orders" if total is not None and total != len(rows) else ""
        return Page(orders=orders, unsure=payload.why(odd, short))

    def _protection(self, row: Row, type_: str, side: str) -> Protection:
        return Protection.NONE

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        answer = payload.as_object(reply.json)
        number = payload.field(answer, "algoId")
        if not payload.flag(answer, "success"):
            return Acknowledgement(failed=(Failure(id=number, reason="the venue says that it failed"),))
        return Acknowledgement(cancelled=(number,))

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        return (get(self.books[0].state, Purpose.FINAL_STATES, priority=Priority.OTHER),)

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        rows = payload.as_list(payload.as_object(reply.json).get("orders"), "orders")
        return FinalStates(orders=payload.ends(rows, partial(self._ended, self.books[0])))
