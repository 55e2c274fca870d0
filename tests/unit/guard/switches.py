"""What the tests know of the venues' own switches, in words that are not the client's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from cancelall.simulator import SimOrder
from standing import Stand


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """What the tests know of a venue's switch, in words that are not the client's."""

    path: str
    """What names its requests."""
    arms: str
    """How 60 seconds stand in the request, after the field's name."""
    off: str
    taken: frozenset[str]
    """Parts of the account that it cancels."""
    options: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    """What makes the account one that has it."""

    def takes(self, order: SimOrder) -> bool:
        """Whether its timer is to cancel this order."""
        return order.segment in self.taken and order.symbol in self.options.get("symbol", [order.symbol])

    seconds: ClassVar[int] = 60


MECHANISMS = {
    "okx": Mechanism(path="/trade/cancel-all-after", arms="60", off="0", taken=frozenset({"orders"})),
    "kraken": Mechanism(path="/CancelAllOrdersAfter", arms="60", off="0", taken=frozenset({"spot"})),
    "binance": Mechanism(
        path="/countdownCancelAll",
        arms="60000",
        off="0",
        taken=frozenset({"coinm"}),
        options={"symbol": ["BTCUSD_PERP"]},
    ),
    "hyperliquid": Mechanism(path="scheduleCancel", arms="60000", off="", taken=frozenset({"core", "xyz", "flx"})),
    "bitget": Mechanism(
        path="/countdown-cancel-all",
        arms="60",
        off="0",
        taken=frozenset(f"unified {one}-FUTURES" for one in ("USDT", "COIN", "USDC"))
        | {"unified SPOT", "unified MARGIN"},
        faults=("mode=unified",),
    ),
}


def stand(venue: str, *faults: str, **more: Any) -> Stand:
    told = MECHANISMS[venue]
    return Stand(venue=venue, faults=(*told.faults, *faults), options=told.options, **more)
