"""DeltaDeFi: which segments the options choose."""

from __future__ import annotations

import json
from functools import partial

from cancelall.core.model import Order, Priority, Reply, Request
from cancelall.venues.contract import Segment, Witness
from cancelall.venues.deltadefi.calls import get, open_orders, post, query_string
from cancelall.venues.deltadefi.options import CONFIRMED, PAGE_ROWS, RECORDS, STRAGGLERS, UNCONFIRMED, Facts, Options
from cancelall.venues.deltadefi.reading import acknowledge, final_page, read_page, read_wide


def segments(options: Options, facts: Facts, environment: str) -> tuple[Segment, ...]:
    """One segment for each pair, named by it."""
    known = tuple(dict.fromkeys((*CONFIRMED, *facts.symbols, *UNCONFIRMED)))
    chosen = tuple(one for symbol in options.symbol for one in _spellings(symbol, known)) if options.symbol else known
    return tuple(_pair(symbol, options, facts) for symbol in dict.fromkeys(chosen))


def _spellings(symbol: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """How the venue spells a symbol. `ADAUSDCx` shows that its case matters; what nobody knows is sent as given."""
    if symbol in known:
        return (symbol,)
    return tuple(one for one in known if one.casefold() == symbol.casefold()) or (symbol,)


def _pair(symbol: str, options: Options, facts: Facts) -> Segment:
    """One pair. If it is apart, only the listing of all pairs is sure to show it: its own may call it unknown.

    The mass cancel of a pair that nothing but an SDK names goes behind those of all others, until orders are listed.
    """
    apart, own = symbol in facts.apart, open_orders(1, symbol)
    doubtful = symbol in UNCONFIRMED and symbol not in (*options.symbol, *facts.symbols)
    # The body is the document's, blank included.
    body = json.dumps({"symbol": symbol}).encode()
    urgent = post("/order/cancel-all", body, Priority.MASS_CANCEL)
    blind = post("/order/cancel-all", body, Priority.CANCEL if doubtful else Priority.MASS_CANCEL)
    return Segment(
        name=symbol,
        mass_cancels=lambda survivors: (urgent if survivors else blind,),
        listings=((open_orders(1),),) if apart else ((own,),),
        page=partial(read_wide, symbol, not options.symbol) if apart else partial(read_page, symbol),
        acknowledge=partial(acknowledge, symbol),
        cancels=lambda orders, others: tuple(
            (post(f"/order/{order.id}/cancel", b"", Priority.CANCEL), (order,)) for order in orders[:STRAGGLERS]
        ),
        final_states=partial(_final_states, symbol),
        final_page=partial(final_page, symbol),
        protective_kinds=False,
        witnesses=(Witness(request=own, read=partial(_shows_none, symbol), optional=True),) if apart else (),
    )


def _shows_none(symbol: str, request: Request, reply: Reply) -> bool:
    return not read_page(symbol, request, reply).orders


def _final_states(symbol: str, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
    """Orders with executions in pages (a fill is what matters most), and single records, unlisted orders first."""
    one_by_one = sorted(orders, key=lambda order: order.symbol is not None)[:RECORDS]
    executed = get(
        "/accounts/trade-orders", query_string(symbol=symbol, limit=str(PAGE_ROWS), page="1"), "trade-orders"
    )
    return executed, *(get(f"/accounts/order/{order.id}", "", "order") for order in one_by_one)
