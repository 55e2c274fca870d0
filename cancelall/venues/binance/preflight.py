"""Binance: what tells whether a kill would work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from cancelall.core.model import Priority, Purpose, Reply, Request
from cancelall.core.preflight import KeyFacts, Preflight, Probe, Question, Window, share
from cancelall.venues import payload
from cancelall.venues.binance.api import LIMIT_OF, MODE, NO_SUCH_CALL, WEIGHTS, delete, get
from cancelall.venues.binance.books import BOOKS
from cancelall.venues.binance.options import BinanceOptions, selected, symbols_of

_RIGHTS = {
    "spot": ("enableSpotAndMarginTrading",),
    "margin": ("enableMargin", "enablePortfolioMarginTrading"),
    "isolated": ("enableMargin",),
    "usdm": ("enableFutures", "enablePortfolioMarginTrading"),
    "coinm": ("enableFutures", "enablePortfolioMarginTrading"),
    "option": ("enableVanillaOptions",),
    "pm": ("enablePortfolioMarginTrading",),
}
"""Rights of which one is needed to cancel: there is none for cancels alone."""
_TRANSFERS = ("enableInternalTransfer", "permitsUniversalTransfer")
_UNTOLD = ("demo trading and the testnet do not tell what a key may do",)
_PROBES = {"spot": "BTCUSDT", "usdm": "BTCUSDT", "coinm": "BTCUSD_PERP"}


def questions(options: BinanceOptions, now_ms: int) -> tuple[Question, ...]:
    """The venue's clock, and what it says of the key."""
    time = replace(get("/api/v3/time", Purpose.QUESTION), signed=False)
    key = get("/sapi/v1/account/apiRestrictions", MODE)
    return (
        Question(name="server time", request=time, read=_read_time),
        Question(name="key", request=key, read=partial(_read_key, options)),
    )


def _read_time(request: Request, reply: Reply) -> KeyFacts:
    return KeyFacts(server_ms=payload.number(payload.as_object(reply.json), "serverTime"))


def _read_key(options: BinanceOptions, request: Request, reply: Reply) -> KeyFacts:
    """https://developers.binance.com/docs/wallet/account/api-key-permission - the end of the right to trade
    spot and margin is in older documents, and is read where it is there.
    """
    key = payload.as_object(reply.json)
    if payload.Row(key).number("code") == NO_SUCH_CALL:
        return KeyFacts(remarks=_UNTOLD)
    chosen = [one for one in selected(options, "live") if one != "pm" or one in options.product]
    lacking = tuple(one for one in chosen if not any(payload.flag(key, right) for right in _RIGHTS[one]))
    ends = payload.number(key, "tradingAuthorityExpirationTime") or None
    return KeyFacts(
        can_list=payload.flag(key, "enableReading"),
        can_cancel=len(lacking) < len(chosen),
        cannot=lacking if len(lacking) < len(chosen) else (),
        can_withdraw=payload.flag(key, "enableWithdrawals"),
        can_transfer=any(payload.flag(key, right) for right in _TRANSFERS),
        bound=payload.flag(key, "ipRestrict"),
        expires_ms=ends,
    )


def probes(options: BinanceOptions, environment: str) -> tuple[Probe, ...]:
    """One symbol's orders of a product whose listing is empty: spot says so, futures answer as if it had been some."""
    found = []
    for product, usual in _PROBES.items():
        if product in selected(options, environment):
            symbol = next(iter(symbols_of(product, options)), usual)
            path = BOOKS[product][-1].cancel_all
            request = delete(path, Purpose.MASS_CANCEL, {"symbol": symbol}, Priority.MASS_CANCEL)
            found.append(Probe(request=request, description=f"all {product} orders of {symbol}", empty=(product,)))
    return tuple(found)


def public(options: BinanceOptions) -> Mapping[str, Question]:
    """The clock of each further host. Portfolio margin tells none, but answers a ping:
    https://developers.binance.com/docs/derivatives/portfolio-margin/market-data
    """

    def of(host: str, path: str, read: Callable[[Request, Reply], KeyFacts]) -> Question:
        request = replace(get(path, Purpose.QUESTION), signed=False, host=host)
        return Question(name="server time", request=request, read=read)

    clocks = {host: of(host, f"/{host}/v1/time", _read_time) for host in ("fapi", "dapi", "eapi")}
    return clocks | {"papi": of("papi", "/papi/v1/ping", lambda request, reply: KeyFacts())}


def budget(host: str, headers: Mapping[str, str]) -> float | None:
    """Each answer has the weight that this address has used in the minute:
    https://developers.binance.com/docs/binance-spot-api-docs/rest-api/limits
    """
    used = next((value for name, value in headers.items() if name.startswith("x-mbx-used-weight-1m")), "")
    spent = share(used, str(WEIGHTS[LIMIT_OF[host]]))
    return None if spent is None else max(0.0, 1 - spent)


PREFLIGHT = Preflight(
    budget=budget,
    questions=questions,
    # `serverTime - recvWindow <= timestamp < serverTime + 1000`. Timestamps are 200 ms late on purpose.
    window=lambda options: Window(behind_ms=options.recv_window - 200, ahead_ms=1200),
    public=public,
    key_page="https://www.binance.com/en/my/settings/api-management",
    probes=probes,
    no_probe="only spot, USD-M and COIN-M have one that stays within a listing",
)
