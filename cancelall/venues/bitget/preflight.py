"""Bitget: what tells whether a kill would work."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from cancelall.core.errors import Unreadable
from cancelall.core.model import Purpose, Reply, Request
from cancelall.core.preflight import KeyFacts, Preflight, Probe, Question, Window
from cancelall.venues import payload
from cancelall.venues.bitget import api
from cancelall.venues.bitget.options import FUTURES, BitgetOptions, selected

_KNOWN = frozenset("coor cpor stor smor ttor wtor taxr chor p2pr pllr coow cpow stow smow ttow wtow wwow chow".split())
"""Rights of a classic key by their codes; the document's own sample shows `trade` and `readonly` instead."""


def questions(options: BitgetOptions, now_ms: int) -> tuple[Question, ...]:
    """The venue's clock, the account's mode, and the key's rights as each of the two APIs names them."""
    time = api.public("/api/v2/public/time", Purpose.QUESTION)
    classic = api.get("/api/v2/spot/account/info", Purpose.QUESTION)
    unified = api.get("/api/v3/account/info", Purpose.QUESTION)
    return (
        Question(name="server time", request=time, read=_read_time),
        Question(name="account mode", request=api.account_mode(), read=_read_mode),
        Question(name="classic key", request=classic, read=partial(_read_classic, options)),
        Question(name="unified key", request=unified, read=_read_unified),
    )


def _read_time(request: Request, reply: Reply) -> KeyFacts:
    """https://www.bitget.com/api-doc/common/public/Get-Server-Time"""
    return KeyFacts(server_ms=payload.number(payload.as_object(api.data(reply), "data"), "serverTime"))


def _read_mode(request: Request, reply: Reply) -> KeyFacts:
    """https://www.bitget.com/api-doc/uta/account/Get-Account-Setting: a classic account has none."""
    code = api.code_of(reply)
    if code in api.UNIFIED_SAYS_NO:
        return KeyFacts(mode="classic")
    if code in api.NO_RIGHT:
        return KeyFacts(remarks=("the account's mode cannot be read: both APIs are tried, which costs a moment",))
    mode = payload.message(payload.field(payload.as_object(api.data(reply), "data"), "accountMode"))
    trouble = "" if mode in ("unified", "hybrid", "classic") else "nothing can be proven while it is being switched"
    return KeyFacts(mode=mode, mode_trouble=trouble)


def _read_classic(options: BitgetOptions, request: Request, reply: Reply) -> KeyFacts:
    """https://www.bitget.com/api-doc/spot/account/Get-Account-Info

    Whether a missing code means a missing right is inferred from their names: unknown words are only a warning.
    """
    key = payload.as_object(api.data(reply), "data")
    rights = _listed(key, "authorities")
    bound = bool(_listed(key, "ips"))
    chosen = selected(options)
    wanted = {product: "coow" if product in FUTURES else "stow" for product in chosen if product != "MARGIN"}
    lacking = tuple(product for product, right in wanted.items() if not {right, "trade"} & rights)
    if not rights & (_KNOWN | {"trade", "readonly"}):
        shown = ", ".join(sorted(payload.message(right) for right in rights)) or "none"
        return KeyFacts(can_list=True, bound=bound, remarks=(f"the key's rights have unknown names: {shown}",))
    return KeyFacts(
        can_list=True,
        can_cancel=len(lacking) < len(wanted) or not wanted,
        cannot=lacking,
        can_withdraw=bool(rights & {"wwow", "withdraw"}),
        can_transfer="wtow" in rights,
        bound=bound,
    )


def _read_unified(request: Request, reply: Reply) -> KeyFacts:
    """`permType` is hyphenated in the document, and underscored on the wire (tiagosiebler/bitget-api)."""
    key = payload.as_object(api.data(reply), "data")
    rights = _listed(key, "permissions")
    kind = (payload.maybe(key, "permType") or "").replace("-", "_")
    return KeyFacts(
        can_list=True,
        can_cancel="uta_trade" in rights and kind != "read_only",
        can_withdraw="withdraw" in rights,
        bound=bool(_listed(key, "ips")),
    )


def _listed(record: Mapping[str, Any], key: str) -> set[str]:
    """A list of names, which also comes as one text with commas, or as null."""
    value = [] if record.get(key) is None else record[key]
    names = value.split(",") if isinstance(value, str) else payload.as_list(value, key)
    if not all(isinstance(name, str) for name in names):
        raise Unreadable(f"{key} holds something else than text")
    return {name.strip() for name in names if name.strip()}


def probes(options: BitgetOptions, environment: str) -> tuple[Probe, ...]:
    """The mass cancel of a product that has nothing resting: its answer 22001 is the venue's own word for that.

    Only the classic account's: what a unified one answers to none is not written down. With a margin coin the listing
    shows no other, and coin-margined products have many.
    """
    chosen = selected(options)
    return tuple(
        Probe(
            request=api.whole_product(product, options.margin_coin),
            description=f"all ordinary {product} orders",
            empty=(product, f"{product} plan orders"),
        )
        for product in FUTURES
        if product in chosen and not chosen[product] and not (options.margin_coin and product == "COIN-FUTURES")
    )


PREFLIGHT = Preflight(
    questions=questions,
    window=lambda options: Window(behind_ms=30_000, ahead_ms=30_000),
    key_page="Bitget's page of API keys",
    probes=probes,
    no_probe="only futures of a classic account, without a symbol, have a cancel that says that there was nothing",
)
