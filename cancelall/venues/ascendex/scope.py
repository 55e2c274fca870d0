"""AscendEX: which ledgers the options choose."""

from __future__ import annotations

from functools import partial

from cancelall.model import Priority
from cancelall.venues.ascendex.calls import cancels, delete, get, home_of, settle
from cancelall.venues.ascendex.options import Facts, Ledger, Options, group_of, holds, selected
from cancelall.venues.ascendex.reading import acknowledge, read_page, settled
from cancelall.venues.contract import Segment, Witness


def segments(options: Options, facts: Facts, environment: str) -> tuple[Segment, ...]:
    """One segment for each ledger in scope; none while the account group is not known."""
    group = group_of(options, facts)
    return () if group is None else tuple(_ledger(group, ledger, options) for ledger in selected(options))


def _ledger(group: int, ledger: Ledger, options: Options) -> Segment:
    symbols = tuple(symbol for symbol in options.symbol if holds(ledger, symbol))
    retired = ledger == "futures" and options.futures_api == "v1"
    home = home_of(group, ledger, "v1" if retired else "v2")
    bodies = tuple({"symbol": symbol} for symbol in symbols) or ({},)
    return Segment(
        name=ledger,
        mass_cancels=lambda survivors: tuple(
            delete(f"{home}/order/all", body, Priority.MASS_CANCEL) for body in bodies
        ),
        listings=((get(f"{home}/order/open"),),),
        page=partial(read_page, ledger, symbols),
        acknowledge=partial(acknowledge, ledger),
        cancels=partial(cancels, home),
        settle=lambda orders, since_ms: settle(home, orders),
        settled=partial(settled, ledger, symbols),
        unnamed=True,
        witnesses=(_current(group, symbols),) if retired else (),
    )


def _current(group: int, symbols: tuple[str, ...]) -> Witness:
    """The listing of futures v2, where v1 was asked for."""
    return Witness(
        request=get(f"{home_of(group, 'futures')}/order/open"),
        read=lambda request, reply: not read_page("futures", symbols, request, reply).orders,
        optional=True,
    )
