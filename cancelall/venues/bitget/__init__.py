"""Bitget: a classic account by product type (REST v2), or a unified one by category (v3), and whatever both hold.

Nobody has to say which it is. The classic cancels leave first; code 40085 says that the account is unified, 40084
that it is not, and `account/settings`, read beside the kill, tells which of the two, or both (`hybrid`). Nothing else
is taken for an answer: while that read fails, or the account is being switched, it is never called clear.

Proof: two complete empty listings and, for classic futures, a `cancel-all-orders` between them that answers 22001, "no
order to cancel": the venue's own word, and not bound to the three months that a listing may look back. Elsewhere no
such answer is documented; there the cancel is asked all the same (plan orders: one for each type), and that it took an
order is a contradiction. By symbol, keeping protective orders or only reading there is no such witness, and a warning
says so.

Handled on the safe side, because the documents leave it open:
- a cancel of plan orders with the wrong `planType`, or none, is a success that cancels nothing: each goes by its own
- the listing without a status may leave out partly filled orders: they are asked for by name, afterwards
- `cancel-all-orders` may ignore a symbol: it never gets one
- a listing may look back three months only: what is older is found by the cancel of a whole product, and by nothing
  where there is none (ordinary spot orders, trailing trigger orders, strategy orders, everything by symbol)
- code and HTTP status disagree (errors come with 400 and 200): the code decides
- a list that is null inside its object is empty, as observed; a null in the place of the object is unreadable
- an unknown order status is open, an unknown code is ambiguous, an unknown plan type is never called harmless

Documents: https://www.bitget.com/api-doc/ (classic and uta, as of 2025-12-05) and what clients have observed since,
read 2026-11-21.
"""

from __future__ import annotations

from cancelall.venues import Limit, Venue
from cancelall.venues.bitget import calls
from cancelall.venues.bitget.discovery import discoveries, doubts, learn_mode
from cancelall.venues.bitget.judging import judge
from cancelall.venues.bitget.options import FUTURES, HOSTS, Facts, Options, Secrets, selected
from cancelall.venues.bitget.scope import segments
from cancelall.venues.bitget.signing import account, check_secrets, headers, sign


def not_covered(options: Options, environment: str) -> tuple[str, ...]:
    """Margin accounts of a classic account are listed by symbol only: they cannot be proven empty."""
    chosen = selected(options)
    found = ["bots and copy trading", "sub-accounts (each has its own key)"]
    if "MARGIN" in chosen or "SPOT" in chosen:
        found.insert(0, "margin orders of a classic account (cross and isolated)")
        found.append("tokenised stocks of a unified account")
    if options.margin_coin in ("USDT", "USDC") and "COIN-FUTURES" not in chosen:
        found.append(f"COIN-FUTURES orders with {options.margin_coin} as their margin")
    return tuple(found)


def unwitnessed(options: Options, keep_protective: bool, reads_only: bool) -> str:
    """Where Bitget's own word, 22001, is not to be had."""
    if not any(product in FUTURES for product in selected(options)):
        return ""
    why = "nothing was cancelled" if reads_only else "protective orders are kept" if keep_protective else ""
    why = why or ("it does not go by symbol" if options.symbol else "")
    return f'Bitget\'s own "no order to cancel" was not heard ({why}): this rests on the listings alone' if why else ""


VENUE = Venue(
    name="bitget",
    title="Bitget",
    hosts=HOSTS,
    options=Options,
    secrets=Secrets,
    facts=Facts(),
    segments=segments,
    discoveries=discoveries,
    doubts=doubts,
    learn_mode=learn_mode,
    sign=sign,
    check_secrets=check_secrets,
    judge=judge,
    account=account,
    not_covered=not_covered,
    settle_gap=1.0,
    limits=calls.LIMITS,
    address_limit=Limit(count=6000, seconds=60.0),
    block_seconds=300.0,
    late_ms=lambda options: 30_000,
    headers=headers,
    unwitnessed=unwitnessed,
)

__all__ = [
    "Facts",
    "Options",
    "Secrets",
    "VENUE",
    "check_secrets",
    "discoveries",
    "doubts",
    "headers",
    "judge",
    "learn_mode",
    "not_covered",
    "segments",
    "sign",
    "unwitnessed",
]
