"""Bybit: what tells whether a kill would work."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from cancelall.core.model import Priority, Purpose, Reply, Request
from cancelall.core.preflight import KeyFacts, Preflight, Probe, Question, Window, share
from cancelall.venues import payload
from cancelall.venues.bybit.api import get, post
from cancelall.venues.bybit.options import LINEAR_COINS, BybitOptions, Category, holds, selected

_RIGHTS: dict[Category, frozenset[str]] = {
    "linear": frozenset({"ContractTrade.Order", "Derivatives.DerivativesTrade", "Options.OptionsTrade"}),
    "inverse": frozenset({"ContractTrade.Order", "Derivatives.DerivativesTrade"}),
    "spot": frozenset({"Spot.SpotTrade"}),
    "option": frozenset({"Options.OptionsTrade", "Derivatives.DerivativesTrade"}),
    "spread": frozenset({"ContractTrade.Order", "Derivatives.DerivativesTrade", "Spot.SpotTrade"}),
    "strategy": frozenset({"ContractTrade.Order", "Derivatives.DerivativesTrade", "Spot.SpotTrade"}),
}
"""Rights of which one ought to be enough. Which right a cancel needs is not documented: a missing one is a warning."""

_THIRD = ("the key is bound to a third-party application: Bybit may refuse it here",)
_CLASSIC = ("a classic account: the documents speak of unified ones only, some products may be refused",)
_TRANSFERS = frozenset({"Wallet.AccountTransfer", "Wallet.SubMemberTransfer"})


def questions(options: BybitOptions, now_ms: int) -> tuple[Question, ...]:
    """The venue's clock, and what it says of the key."""
    time = get("/v5/market/time", "", Purpose.QUESTION, {}, signed=False)
    key = get("/v5/user/query-api", "query-api key", Purpose.QUESTION, {})
    return (
        Question(name="server time", request=time, read=_read_time),
        Question(name="key", request=key, read=partial(_read_key, options)),
    )


def _read_time(request: Request, reply: Reply) -> KeyFacts:
    """https://bybit-exchange.github.io/docs/v5/market/time"""
    answer = payload.as_object(reply.json)
    nanoseconds = payload.number(payload.as_object(answer.get("result"), "result"), "timeNano")
    return KeyFacts(server_ms=payload.number(answer, "time") if nanoseconds is None else nanoseconds // 1_000_000)


def _read_key(options: BybitOptions, request: Request, reply: Reply) -> KeyFacts:
    """https://bybit-exchange.github.io/docs/v5/user/apikey-info

    `deadlineDay` and `expiredAt` mean something only for keys without bound addresses; else they are -2 and 1970.
    """
    key = payload.as_object(payload.as_object(reply.json).get("result"), "result")
    rights = {
        f"{product}.{right}"
        for product, named in payload.as_object(key.get("permissions"), "permissions").items()
        for right in payload.as_list(named or [], product)
    }
    read_only = payload.number(key, "readOnly") == 1
    lacking = tuple(one for one in selected(options) if not rights & _RIGHTS[one])
    bound = bool([one for one in payload.as_list(key.get("ips") or [], "ips") if one not in ("", "*")])
    days = payload.number(key, "deadlineDay")
    unified = payload.number(key, "uta")
    third = payload.number(key, "type") == 2
    return KeyFacts(
        can_list=True,
        can_cancel=not read_only and len(lacking) < len(selected(options)),
        cannot=() if read_only else lacking,
        can_withdraw="Wallet.Withdraw" in rights,
        can_transfer=bool(rights & _TRANSFERS),
        bound=bound,
        days_left=None if bound or days is None or days < 0 else days,
        expires_at="" if bound else payload.maybe(key, "expiredAt") or "",
        endless=bound,
        mode="" if unified is None else "unified" if unified == 1 else "classic",
        remarks=(*_THIRD[:third], *_CLASSIC[: unified == 0]),
    )


def probes(options: BybitOptions, environment: str) -> tuple[Probe, ...]:
    """One symbol's orders of a category whose listing is empty. `success` comes for nothing, too, if the key may.

    The listings of the profile must show at least what the cancel reaches: a filter or a base coin would hide orders.
    """
    if options.order_filter or options.stop_order_type or options.base_coin:
        return ()
    probes = []
    for category in selected(options):
        symbol = _symbol(category, options)
        if symbol is None:
            continue
        coins = (options.settle_coin,) if options.settle_coin else LINEAR_COINS
        linear = ("linear",) if options.symbol else tuple(f"linear {coin}" for coin in coins)
        narrow = {"category": category, "symbol": symbol}
        bucket = f"cancel-all {'spot' if category == 'spot' else 'futures'}"
        probes.append(
            Probe(
                request=post("/v5/order/cancel-all", bucket, Purpose.MASS_CANCEL, narrow, Priority.MASS_CANCEL),
                description=f"all {category} orders of {symbol}",
                empty=linear if category == "linear" else (category,),
            )
        )
    return tuple(probes)


def _symbol(category: Category, options: BybitOptions) -> str | None:
    """A symbol that exists, and whose orders the listings of this scope show."""
    if category not in ("linear", "inverse", "spot"):
        return None
    if options.symbol:
        return next((one for one in options.symbol if holds(category, one)), None)
    if category == "linear":
        return "BTCPERP" if options.settle_coin == "USDC" else "BTCUSDT"
    return f"{options.settle_coin or 'BTC'}USD" if category == "inverse" else "BTCUSDT"


def budget(host: str, headers: Mapping[str, str]) -> float | None:
    """Of the limit that the request counted against: https://bybit-exchange.github.io/docs/v5/rate-limit"""
    left, most = headers.get("x-bapi-limit-status", ""), headers.get("x-bapi-limit", "")
    return share(left, most)


PREFLIGHT = Preflight(
    budget=budget,
    questions=questions,
    # `server - recv_window <= timestamp < server + 1000`: https://bybit-exchange.github.io/docs/v5/guide
    # Timestamps are 200 ms late on purpose.
    window=lambda options: Window(behind_ms=options.recv_window - 200, ahead_ms=1200),
    key_page="https://www.bybit.com/app/user/api-management",
    probes=probes,
    no_probe="only linear, inverse and spot, without a filter or a base coin, have one that stays within the listing",
)
