"""An account full of orders of every kind that Pacifica has."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import TYPE_CHECKING, Literal

from ..book import Account, SimOrder
from . import kinds
from .markets import MARKETS

if TYPE_CHECKING:
    from .venue import Pacifica

_AGE_MS = 3_600_000
_STEP_MS = 100


@dataclass(frozen=True, kw_only=True)
class Template:
    """What an order of the stock looks like. A `child` is the one resting order of the chase before it."""

    kind: str
    symbol: str = "BTC"
    segment: str = kinds.ORDERS
    side: Literal["buy", "sell"] = "buy"
    remaining: str = "1"
    quantity: str = "1"
    reduce_only: bool = False
    child: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)


def _stop(kind: str, symbol: str = "BTC", *, closing: bool = True, **extra: object) -> Template:
    price = MARKETS[symbol].price
    side: Literal["buy", "sell"] = "sell" if closing else "buy"
    return Template(kind=kind, symbol=symbol, side=side, reduce_only=closing, extra={"stop_price": price, **extra})


def _twap(symbol: str, *, closing: bool = False) -> Template:
    side: Literal["buy", "sell"] = "sell" if closing else "buy"
    return Template(kind="twap", symbol=symbol, segment=kinds.TWAP, side=side, remaining="0.6", reduce_only=closing)


def _strategy(kind: str, lifecycle: str, symbol: str = "BTC", *, closing: bool = False) -> Template:
    return Template(
        kind=kind,
        symbol=symbol,
        segment=kinds.STRATEGIES,
        side="sell" if closing else "buy",
        reduce_only=closing,
        extra={"lifecycle": lifecycle},
    )


def templates() -> list[Template]:
    """One of each. The first ten reach every part of the account, so that a small stock does too."""
    limit = Template(kind="limit")
    return [
        limit,
        _stop("stop_market", closing=False),
        _twap("BTC"),
        _strategy("auto_chase", "open", "ETH"),
        replace(limit, symbol="ETH", child=True),
        _stop("stop_loss_market"),
        _stop("take_profit_limit"),
        replace(limit, symbol="SOL", side="sell", reduce_only=True),
        _strategy("oco", "open", closing=True),
        replace(limit, symbol="SOL-USDC"),
        _stop("stop_limit", "ETH", closing=False),
        _stop("take_profit_market", "ETH"),
        _stop("stop_loss_limit", "SOL", stop_parent_order_id=1_557_000_001),
        _twap("ETH", closing=True),
        _strategy("conditional", "open"),
        _strategy("trailing_stop", "open", "ETH", closing=True),
        _strategy("swarm", "pending", "SOL"),
        _strategy("trigger_swarm", "open", "kBONK"),
        _strategy("twap", "paused", "XRP"),
        replace(limit, symbol="kBONK"),
        replace(limit, remaining="0.6"),
        # The amount of a stop is not looked at before it triggers: 0 rests too.
        replace(_stop("stop_market", "HYPE", closing=False), quantity="0", remaining="0"),
        _twap("kPEPE"),
        _strategy("trailing_stop", "open", "HYPE"),
        _strategy("oco", "pending", "SOL"),
        replace(limit, symbol="BTC-USDC", side="sell"),
        replace(limit, symbol="XPL", side="sell", remaining="0.25"),
        _stop("take_profit", "kPEPE"),
        _stop("stop_loss", "XRP"),
        replace(limit, symbol="URNM"),
    ]


def _chosen(count: int) -> Iterator[Template]:
    """So many templates, over and over, but never more TWAPs and strategies than the venue allows."""
    placed: Counter[str] = Counter()
    for template in cycle(templates()):
        if placed["all"] == count:
            return
        crowd = template.segment if template.segment == kinds.STRATEGIES else f"{template.segment} {template.symbol}"
        at_most = {kinds.TWAP: kinds.TWAPS_AT_MOST, kinds.STRATEGIES: kinds.STRATEGIES_AT_MOST}.get(template.segment)
        orphan = template.child and placed["child"] >= placed["auto_chase"]
        if not orphan and (at_most is None or placed[crowd] < at_most):
            placed.update(["all", crowd, "child" if template.child else template.kind])
            yield template


def stock_account(venue: Pacifica, account: Account, count: int) -> None:
    """So many orders, placed one after another in the hour before now, ordinary ones last: a bot copies the newest."""
    chases: deque[str] = deque()
    chosen = sorted(enumerate(_chosen(count)), key=lambda pair: pair[1].segment == kinds.ORDERS)
    for step, (number, template) in enumerate(chosen):
        strategy = template.segment == kinds.STRATEGIES
        order_id = venue.uuid() if strategy else venue.order_id()
        if template.kind == "auto_chase":
            chases.append(order_id)
        extra = dict(template.extra)
        if strategy:
            extra["account"] = account.key
        if template.child:
            extra["strategy"] = chases.popleft()
        created_ms = venue.now_ms() - _AGE_MS + step * _STEP_MS
        venue.place(
            account,
            SimOrder(
                id=order_id,
                client_id="" if number % 3 != 1 or strategy else venue.uuid(),
                symbol=template.symbol,
                segment=template.segment,
                side=template.side,
                type="market" if template.kind.endswith("market") else "limit",
                kind=template.kind,
                price=MARKETS[template.symbol].price,
                quantity=template.quantity,
                remaining=template.remaining,
                reduce_only=template.reduce_only,
                created_ms=created_ms,
                updated_ms=created_ms,
                extra=extra,
            ),
        )
