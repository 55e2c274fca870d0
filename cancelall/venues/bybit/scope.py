"""Bybit: which segments the options choose."""

from __future__ import annotations

from functools import partial

from cancelall.core.errors import OptionError
from cancelall.core.model import Priority, Protection
from cancelall.venues.bybit.calls import cancels, get, listings, mass_cancels, post, query_string, shares, singly
from cancelall.venues.bybit.options import LINEAR_COINS, Category, Facts, Options, selected, symbols_of
from cancelall.venues.bybit.reading import acknowledge, final_page, keeps, read_page, strategy_page
from cancelall.venues.contract import Segment, segment_of


def segments(options: Options, facts: Facts, environment: str) -> tuple[Segment, ...]:
    """The segments in scope, strategies first: a running strategy places new orders in the others.

    Demo trading has no spread and no strategy calls: https://bybit-exchange.github.io/docs/v5/demo
    """
    found = []
    for category in selected(options):
        if environment == "demo" and category in ("spread", "strategy"):
            continue
        symbols = symbols_of(category, options)
        if category == "strategy":
            found.append(_strategy(symbols))
        elif category == "spread":
            found.append(_spread(symbols))
        elif category == "linear" and not (symbols or options.base_coin or options.settle_coin):
            found += [
                _orders(category, f"linear {coin}", ({"settleCoin": coin},), options, environment)
                for coin in LINEAR_COINS
            ]
        else:
            coin = options.settle_coin if category == "linear" else None
            found.append(
                _orders(
                    category, f"linear {coin}" if coin else category, _narrow(options, symbols), options, environment
                )
            )
    if not found:
        raise OptionError(
            "demo trading has none of the selected categories", "choose other categories for this profile"
        )
    return tuple(sorted(found, key=lambda segment: not segment.spawns))


def _narrow(options: Options, symbols: tuple[str, ...]) -> tuple[dict[str, str], ...]:
    """The one parameter that narrows a request; never two, Bybit would rank them silently."""
    if symbols:
        return tuple({"symbol": symbol} for symbol in symbols)
    if options.base_coin:
        return ({"baseCoin": options.base_coin},)
    return ({"settleCoin": options.settle_coin},) if options.settle_coin else ({},)


def _orders(
    category: Category, name: str, narrow: tuple[dict[str, str], ...], options: Options, environment: str
) -> Segment:
    """Linear, inverse, spot and option orders: the same calls with other parameters."""
    chosen = (options.order_filter,) if options.order_filter else ()
    return segment_of(
        name=name,
        mass_cancels=partial(mass_cancels, category, narrow, chosen, options.stop_order_type),
        shares=partial(shares, category, narrow, chosen, options.stop_order_type),
        listings=listings(category, narrow, chosen),
        page=partial(read_page, name),
        acknowledge=acknowledge,
        cancels=partial(cancels, category, environment == "demo"),
        singly=partial(singly, category),
        final_states=lambda orders, since_ms: tuple(
            get("/v5/order/history", query_string(category=category, **part, limit="50"), f"history {category}")
            for part in narrow
        ),
        final_page=partial(final_page, name),
        keeps=partial(keeps, options),
        unsaid=lambda order: options.order_filter == "OpenOrder" and order.protection is Protection.UNKNOWN,
    )


def _spread(symbols: tuple[str, ...]) -> Segment:
    bodies: tuple[dict[str, object], ...] = tuple({"symbol": symbol} for symbol in symbols) or ({"cancelAll": True},)
    narrow = tuple({"symbol": symbol} for symbol in symbols) or ({},)
    path = "/v5/spread/order"
    return segment_of(
        name="spread",
        mass_cancels=lambda survivors: tuple(post(f"{path}/cancel-all", body, "spread cancel-all") for body in bodies),
        listings=(
            tuple(get(f"{path}/realtime", query_string(**part, limit="50"), "spread realtime") for part in narrow),
        ),
        page=partial(read_page, "spread"),
        acknowledge=acknowledge,
        cancels=lambda orders, others: tuple(
            (post(f"{path}/cancel", {"orderId": order.id}, "spread cancel", Priority.CANCEL), (order,))
            for order in orders
        ),
        final_states=lambda orders, since_ms: tuple(
            get(f"{path}/history", query_string(**part, limit="50"), "spread realtime") for part in narrow
        ),
        final_page=partial(final_page, "spread"),
    )


def _strategy(symbols: tuple[str, ...]) -> Segment:
    """TWAP, iceberg, chase and POV strategies. There is no call that stops all: list, then stop each.

    https://bybit-exchange.github.io/docs/v5/strategy/strategy-list - 2 running, 6 untriggered, 5 paused.
    """
    narrow = tuple({"symbol": symbol} for symbol in symbols) or ({},)
    return segment_of(
        name="strategy",
        mass_cancels=lambda survivors: (),
        listings=(
            tuple(
                get("/v5/strategy/list", query_string(status=status, **part, pageSize="50"), "strategy list")
                for status in ("2", "6", "5")
                for part in narrow
            ),
        ),
        page=strategy_page,
        acknowledge=acknowledge,
        cancels=lambda orders, others: tuple(
            (post("/v5/strategy/stop", {"strategyId": order.id}, "strategy stop", Priority.CANCEL), (order,))
            for order in orders
        ),
        final_states=lambda orders, since_ms: (),
        final_page=partial(final_page, "strategy"),
        spawns=True,
    )
