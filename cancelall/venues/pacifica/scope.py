"""Pacifica: which segments the options choose."""

from __future__ import annotations

from functools import partial

from cancelall.core.model import Order, Priority
from cancelall.venues.contract import Segment, Witness, segment_of
from cancelall.venues.pacifica.calls import (
    account_of,
    cancel_all,
    cancel_strategies,
    cancel_twaps,
    cancels,
    get,
    signed_answer,
)
from cancelall.venues.pacifica.options import STRATEGIES_PAGE, Facts, Options
from cancelall.venues.pacifica.reading import (
    REDUCE_ONLY,
    UNSAID,
    acknowledge,
    counts_fit,
    final_page,
    found_nothing,
    orders_page,
    strategies_page,
    twaps_page,
)

_STRATEGY_GAP = 2.0


def segments(options: Options, facts: Facts, environment: str) -> tuple[Segment, ...]:
    """Strategies and TWAPs first: they place orders of their own."""
    return (_strategies(options), _twaps(options), _orders(options))


def _orders(options: Options) -> Segment:
    """Resting orders, stop orders and TP/SL: one listing without pages, one cancel for all of them."""
    counts = Witness(request=get("/account", account_of(options)), fits=counts_fit)
    return segment_of(
        name="orders",
        mass_cancels=lambda survivors: cancel_all(options),
        listings=((get("/orders", account_of(options)),),),
        page=partial(orders_page, options),
        acknowledge=acknowledge,
        cancels=cancels,
        final_states=lambda orders, since_ms: (
            get("/orders/history", f"{account_of(options)}&limit=100", Priority.OTHER),
        ),
        final_page=partial(final_page, "orders", options),
        unnamed=True,
        # The counts are those of all markets.
        witnesses=(signed_answer(), counts) if not options.symbol else (signed_answer(),),
        keeps=partial(_spares, options),
        unsaid=partial(_unsaid, options),
    )


def _twaps(options: Options) -> Segment:
    """TWAPs of the engine: the cancel of everything covers them too; what it leaves is cancelled by name.

    https://docs.pacifica.fi/api-documentation/api/rest-api/twap/cancel-twap-order
    """
    return segment_of(
        name="TWAP",
        mass_cancels=lambda survivors: (),
        listings=((get("/orders/twap", account_of(options)),),),
        page=partial(twaps_page, options),
        acknowledge=acknowledge,
        cancels=cancel_twaps,
        final_states=lambda orders, since_ms: (
            get("/orders/twap/history", f"{account_of(options)}&limit=100", Priority.OTHER),
        ),
        final_page=partial(final_page, "TWAP", options),
        unnamed=True,
        spawns=True,
        witnesses=(signed_answer(),),
        keeps=partial(_spares, options),
        unsaid=partial(_unsaid, options),
    )


def _strategies(options: Options) -> Segment:
    """OCO, conditional, trailing, chase, swarm and TWAP strategies: there is no call that cancels all of them.

    A cancel by name is what a mass cancel is elsewhere; one that does not help is not repeated without a pause.

    https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies
    """
    last = tuple(Witness(request=request, read=found_nothing) for request in cancel_all(options))
    return segment_of(
        name="strategies",
        mass_cancels=lambda survivors: (),
        listings=((get("/order_strategies", f"{account_of(options)}&limit={STRATEGIES_PAGE}&offset=0"),),),
        page=partial(strategies_page, options),
        acknowledge=acknowledge,
        cancels=lambda orders, others: cancel_strategies(
            tuple(order for order in orders if order.symbol or not options.symbol), others
        ),
        named_gap=_STRATEGY_GAP,
        final_states=lambda orders, since_ms: (),
        final_page=partial(final_page, "strategies", options),
        spawns=True,
        witnesses=(*last, signed_answer()),
        keeps=partial(_spares, options),
        unsaid=partial(_unsaid, options),
    )


def _unsaid(options: Options, order: Order) -> bool:
    """Whether it is to be spared if it is reduce-only, and does not tell."""
    return options.exclude_reduce_only and order.kind.endswith(UNSAID)


def _spares(options: Options, order: Order) -> bool:
    """What `--exclude-reduce-only` leaves in place."""
    return options.exclude_reduce_only and order.kind.endswith(REDUCE_ONLY)
