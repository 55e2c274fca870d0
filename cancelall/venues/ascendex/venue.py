"""AscendEX: what its calls make together, and what they leave out."""

from __future__ import annotations

from cancelall.venues.ascendex.beside import discoveries, doubts, remarks
from cancelall.venues.ascendex.judging import judge
from cancelall.venues.ascendex.options import Facts, Options, selected
from cancelall.venues.ascendex.scope import segments
from cancelall.venues.ascendex.signing import account, check_secrets, sign
from cancelall.venues.contract import Limit, Venue


def not_covered(options: Options, environment: str) -> tuple[str, ...]:
    """https://ascendex.github.io/ascendex-futures-pro-api-v2/#position (exits belong to the position)."""
    futures = ("take-profits and stop-losses of positions",) if "futures" in selected(options) else ()
    return (*futures, "orders of sub-accounts (they have keys of their own)")


def unwitnessed(options: Options, keep_protective: bool, reads_only: bool) -> str:
    """The retired futures paths may answer without meaning it."""
    if options.futures_api == "v1" and "futures" in selected(options):
        return "futures v1 was retired on 2021-02-28 and proves nothing: v2 is cancelled and listed as well"
    return ""


VENUE = Venue(
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
    proof_gap=1.0,
    # None is documented. A user was told 10 in a second (https://github.com/bitmax-exchange/api-doc/issues/17);
    # hummingbot sent up to 50 order calls and 100 in all for years.
    limits={"cancels": Limit(count=10), "reads": Limit(count=10)},
    address_limit=None,
    late_ms=lambda options: 30_000,
    unwitnessed=unwitnessed,
    notice="AscendEX was reported closed in July 2026; this module could not be tried on the live venue",
    sunset="2026-07",
)
