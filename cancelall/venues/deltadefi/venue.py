"""DeltaDeFi: what its calls make together, and what they leave out."""

from __future__ import annotations

from cancelall.venues.contract import Limit, Venue
from cancelall.venues.deltadefi.judging import judge
from cancelall.venues.deltadefi.options import Facts, Options
from cancelall.venues.deltadefi.reading import discoveries, doubts
from cancelall.venues.deltadefi.scope import segments
from cancelall.venues.deltadefi.signing import account, check_secrets, sign


def not_covered(options: Options, environment: str) -> tuple[str, ...]:
    """https://docs.deltadefi.io/start-trading/l1-swap-integration/apis (a swap intent is cancelled with the wallet)."""
    return ("on-chain L1 swap intents (they need the wallet)", "orders of vault accounts")


VENUE = Venue(
    facts=Facts(),
    segments=segments,
    discoveries=discoveries,
    doubts=doubts,
    learn_mode=lambda facts, mode: facts,
    sign=sign,
    check_secrets=check_secrets,
    judge=judge,
    account=account,
    not_covered=not_covered,
    proof_gap=2.0,
    limits={
        "cancels": Limit(count=1, seconds=0.25),
        "open-orders": Limit(count=8),
        "trade-orders": Limit(count=8),
        "order": Limit(count=8),
    },
    address_limit=None,
    block_seconds=0.0,
    late_ms=lambda options: None,
)
