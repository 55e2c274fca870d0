"""AscendEX (formerly BitMax): the cash, margin and futures ledgers of one account, each with calls of its own.

Proof: two complete empty listings of each ledger, and the account group of `info`, which must be the one that was used.
An `Ack` only says that a request was received: the venue cancels "with best effort". The signature covers neither the
ledger nor the group nor the body, so what an answer repeats of them is compared with what was asked.

Handled on the safe side, because the documents leave it open:
- whether cancel-all takes conditional orders (`PendingNew`): they are listed, and cancelled by name if they stay
- whether the venue's own liquidation orders can be cancelled: they are tried one by one, as one may spoil a batch
- a position's take-profit and stop-loss are no orders, and nothing here removes them: they are reported
- a limit of the listing: one with a round number of rows (50, 100, 150 …) may be cut off, and proves nothing
- the listing of futures documents no symbol filter: whole ledgers are listed, and narrowed here
- futures v1 was retired on 2021-02-28: with it, a listing by v2 that can be read must be empty too
- an unknown order status is open, an unknown code is ambiguous; the meaning of several `execInst` words is not written
  down, so they are never taken for plain orders
- the secret's own bytes are the key of the HMAC, as in all documents; some demo programs decode it from base64 first

The exchange was reported closed in July 2026: nobody could try this on the live venue.

Documents: https://ascendex.github.io/ascendex-pro-api/ (cash and margin, 2025-10-29),
https://ascendex.github.io/ascendex-futures-pro-api-v2/ (2022-08-16) and
https://github.com/bitmax-exchange/bitmax-futures-api-doc (futures v1, 2021-02-19), read 2026-11-21.
"""

from __future__ import annotations

from cancelall.venues import Limit, Venue
from cancelall.venues.ascendex.beside import discoveries, doubts, remarks
from cancelall.venues.ascendex.judging import judge
from cancelall.venues.ascendex.options import HOSTS, Facts, Options, Secrets, selected
from cancelall.venues.ascendex.scope import segments
from cancelall.venues.ascendex.signing import account, api_path, check_secrets, sign


def not_covered(options: Options, environment: str) -> tuple[str, ...]:
    """https://ascendex.github.io/ascendex-futures-pro-api-v2/#position (exits belong to the position)."""
    futures = ("take-profits and stop-losses of positions",) if "futures" in selected(options) else ()
    return (*futures, "orders of sub-accounts (they have keys of their own)")


def unwitnessed(options: Options, keep_protective: bool, reads_only: bool) -> str:
    """The retired futures paths may answer without meaning it."""
    if options.futures_api == "v1" and "futures" in selected(options):
        return "futures v1 was retired on 2021-02-28: its answers are weak evidence, prefer --futures-api v2"
    return ""


VENUE = Venue(
    name="ascendex",
    title="AscendEX",
    hosts=HOSTS,
    options=Options,
    secrets=Secrets,
    facts=Facts(),
    segments=segments,
    discoveries=discoveries,
    doubts=doubts,
    remarks=remarks,
    learn_mode=lambda facts, mode: facts,
    sign=sign,
    check_secrets=check_secrets,
    judge=judge,
    account=account,
    not_covered=not_covered,
    settle_gap=1.0,
    # None is documented. A user was told 10 in a second (https://github.com/bitmax-exchange/api-doc/issues/17);
    # hummingbot sent up to 50 order calls and 100 in all for years.
    limits={"cancels": Limit(count=10), "reads": Limit(count=10)},
    address_limit=None,
    block_seconds=0.0,
    late_ms=lambda options: 30_000,
    unwitnessed=unwitnessed,
    notice="AscendEX was reported closed in July 2026; this module could not be tried on the live venue",
)

__all__ = [
    "VENUE",
    "Facts",
    "Options",
    "Secrets",
    "account",
    "api_path",
    "check_secrets",
    "discoveries",
    "doubts",
    "judge",
    "not_covered",
    "remarks",
    "segments",
    "sign",
    "unwitnessed",
]
