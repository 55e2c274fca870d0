"""AscendEX: which ledgers the options choose."""

from __future__ import annotations

from functools import partial

from cancelall.core.model import Priority
from cancelall.venues.ascendex.calls import cancels, delete, final_states, get, home_of, singly
from cancelall.venues.ascendex.options import Facts, Ledger, Options, group_of, holds, selected
from cancelall.venues.ascendex.reading import acknowledge, final_page, read_page
from cancelall.venues.contract import Segment, Witness, segment_of


def segments(options: Options, facts: Facts, environment: str) -> tuple[Segment, ...]:
    """One segment for each ledger in scope; none while the account group is not known."""
    group = group_of(options, facts)
    return () if group is None else tuple(_ledger(group, ledger, options) for ledger in selected(options))


def _ledger(group: int, ledger: Ledger, options: Options) -> Segment:
    """One ledger. With futures v1 the cancels go to the retired paths as well; only the current ones prove anything."""
    symbols = tuple(symbol for symbol in options.symbol if holds(ledger, symbol))
    retired = home_of(group, ledger, "v1") if ledger == "futures" and options.futures_api == "v1" else ""
    home = home_of(group, ledger)
    bodies = tuple({"symbol": symbol} for symbol in symbols) or ({},)
    return segment_of(
        name=ledger,
        mass_cancels=lambda survivors: tuple(
            delete(f"{one}/order/all", body, Priority.MASS_CANCEL) for one in (retired, home) if one for body in bodies
        ),
        listings=((get(f"{home}/order/open"),),),
        page=partial(read_page, ledger, symbols),
        acknowledge=partial(acknowledge, ledger),
        cancels=partial(cancels, home),
        singly=partial(singly, home),
        final_states=lambda orders, since_ms: final_states(home, orders),
        final_page=partial(final_page, ledger, symbols),
        unnamed=True,
        witnesses=(_retired_listing(retired, symbols),) if retired else (),
    )


def _retired_listing(home: str, symbols: tuple[str, ...]) -> Witness:
    """What the retired path lists: nothing proves that it means it, so only orders that it shows count."""
    return Witness(
        request=get(f"{home}/order/open"),
        read=lambda request, reply: not read_page("futures", symbols, request, reply).orders,
        optional=True,
    )
