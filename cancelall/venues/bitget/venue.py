"""Bitget: what its calls make together, and what they leave out."""

from __future__ import annotations

from cancelall.venues.bitget import calls
from cancelall.venues.bitget.discovery import discoveries, doubts, learn_mode, remarks
from cancelall.venues.bitget.judging import judge
from cancelall.venues.bitget.options import FUTURES, SETTINGS, Facts, Options, selected
from cancelall.venues.bitget.scope import segments
from cancelall.venues.bitget.signing import account, check_secrets, headers, sign
from cancelall.venues.contract import Limit, Venue


def not_covered(options: Options, environment: str) -> tuple[str, ...]:
    """Margin accounts of a classic account are listed by symbol only: they cannot be proven empty."""
    chosen = selected(options)
    found = ["grid bots and other bots", "copy trading", "sub-accounts (each has its own key)"]
    if "MARGIN" in chosen or "SPOT" in chosen:
        found.insert(0, "margin orders of a classic account (cross and isolated)")
        found.append("Stock+ and other tokenised stocks")
    if options.margin_coin == "USDC" and "COIN-FUTURES" not in chosen:
        found.append("COIN-FUTURES orders with USDC as their margin")
    return tuple(found)


def unwitnessed(options: Options, keep_protective: bool, reads_only: bool) -> str:
    """Where Bitget's own word, 22001, is not to be had."""
    if not any(product in FUTURES for product in selected(options)):
        return ""
    why = "nothing was cancelled" if reads_only else "protective orders are kept" if keep_protective else ""
    why = why or ("it does not go by symbol" if options.symbol else "")
    return f'Bitget\'s own "no order to cancel" was not heard ({why}): this rests on the listings alone' if why else ""


VENUE = Venue(
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
    # That an account has no settings may be said before the signature is looked at.
    proves_key=lambda request: request.signed and request.path != SETTINGS,
    proof_gap=1.0,
    limits=calls.LIMITS,
    address_limit=Limit(count=6000, seconds=60.0),
    late_ms=lambda options: 30_000,
    headers=headers,
    remarks=remarks,
    unwitnessed=unwitnessed,
)
