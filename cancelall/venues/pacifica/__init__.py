"""Pacifica: orders with stops and TP/SL, TWAPs of the engine, and order strategies that place orders of their own.

Proof: two complete empty listings of each, and the venue's own word. Anyone may read any account here, and one that
nobody has looks empty: so there has to be a signed answer for this account on this host. An accepted cancel is one.
Where none was due, it is a TWAP cancel of an id that cannot exist: success needs a key and agent of this account.
Besides, the counts of `/account` must fit the listing, and after the strategies are gone a last cancel of everything
must find nothing. Reading alone (`--dry-run`, `orders`) cannot tell a mistyped account from an empty one.

Handled on the safe side, because the documents leave it open:
- strategies are said nowhere to be stopped by a cancel of everything: each is cancelled by name, then everything again
- what `cancelled_count` counts is not said: it is information, but after the last cancel it must be 0
- whether `exclude_reduce_only` spares stops and TWAPs is not said: of each order its own `reduce_only` decides
- a strategy without a readable market or `reduce_only` is open; it is cancelled only where no selector depends on it
- `expiry_window` is always sent and signed; timestamps are one second late, since how far ahead they may be is not said
- numbers of errors have changed over the years, so the words decide first; a refusal may come as bare text
- a listing that says that there is more is never complete: no document tells how to read on
- how far a listing may lag is not said: one whose `last_order_id` is smaller than before is no second one
- a host without one of the listings (404) proves nothing

Documents: https://docs.pacifica.fi/api-documentation (2026-07 and, where those are silent, 2025-12), the venue's
python-sdk (583661a) and its live tests in pacifica-mcp (4748fec), read 2026-11-21.
"""

from __future__ import annotations

from cancelall.venues import Limit, Venue
from cancelall.venues.pacifica.calls import cancel_all
from cancelall.venues.pacifica.judging import judge
from cancelall.venues.pacifica.options import (
    API,
    HOSTS,
    NOWHERE,
    OPERATIONS,
    Facts,
    Options,
    Secrets,
    _unbase58,
    account,
    base58,
)
from cancelall.venues.pacifica.reading import discoveries, doubts
from cancelall.venues.pacifica.scope import segments
from cancelall.venues.pacifica.signing import _canonical, _signature, check_secrets, sign


def not_covered(options: Options, environment: str) -> tuple[str, ...]:
    """https://docs.pacifica.fi/api-documentation/api/rest-api/subaccounts: each has orders and keys of its own."""
    return ("orders of subaccounts (a profile for each)", "vaults")


def unwitnessed(options: Options, keep_protective: bool, reads_only: bool) -> str:
    """What the proof could not rest on."""
    if reads_only:
        return "reading needs no key here: a mistyped account would look empty, too"
    missing = ["the account's own counts (they are those of all markets)"] if options.symbol else []
    missing += ["a last cancel of everything"] if keep_protective else []
    return f"not witnessed: {' and '.join(missing)}" if missing else ""


VENUE = Venue(
    name="pacifica",
    title="Pacifica",
    hosts=HOSTS,
    options=Options,
    secrets=Secrets,
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
    settle_gap=1.0,
    # 100 credits in a rolling minute without a config key: https://docs.pacifica.fi/api-documentation/api/rate-limits
    # Every answer tells what is left of them; cancels by name go no faster than that can be heeded.
    limits={
        "cancel all": Limit(count=200, seconds=60.0),
        "read": Limit(count=100, seconds=60.0),
        "by name": Limit(count=4, seconds=0.1),
    },
    address_limit=None,
    block_seconds=60.0,
    late_ms=lambda options: options.expiry_window,
    clock_lead_ms=1000,
    unwitnessed=unwitnessed,
)

__all__ = [
    "API",
    "NOWHERE",
    "OPERATIONS",
    "VENUE",
    "Facts",
    "Options",
    "Secrets",
    "_canonical",
    "_signature",
    "_unbase58",
    "account",
    "base58",
    "cancel_all",
    "check_secrets",
    "discoveries",
    "doubts",
    "judge",
    "not_covered",
    "segments",
    "sign",
    "unwitnessed",
]
