"""Pacifica: what its calls make together, and what they leave out."""

from __future__ import annotations

from cancelall.venues.contract import Limit, Venue
from cancelall.venues.pacifica.judging import judge
from cancelall.venues.pacifica.options import Facts, Options, account
from cancelall.venues.pacifica.reading import discoveries, doubts, remarks
from cancelall.venues.pacifica.scope import segments
from cancelall.venues.pacifica.signing import check_secrets, sign


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
    proves_key=lambda request: request.method == "POST",  # reads need no key
    proof_gap=1.0,
    # 100 or 125 credits in a rolling minute without a config key, by the document's age: https://docs.pacifica.fi/api-documentation/api/rate-limits
    # Every answer tells what is left of them; cancels by name go no faster than that can be heeded.
    limits={
        "cancel all": Limit(count=200, seconds=60.0),
        "read": Limit(count=125, seconds=60.0),
        "by name": Limit(count=4, seconds=0.1),
    },
    # In halves of a credit. A config key has credits of its own, which its answers tell.
    address_limit=Limit(count=250, seconds=60.0),
    cost=lambda request: 1 if request.changes else 2,
    own_limit=lambda secrets: secrets.api_config_key is not None,
    late_ms=lambda options: options.expiry_window,
    clock_lead_ms=1000,
    unwitnessed=unwitnessed,
)
