"""AscendEX: what tells whether a kill would work."""

from __future__ import annotations

from cancelall.core.model import Purpose, Reply, Request
from cancelall.core.preflight import KeyFacts, Preflight, Probe, Question, Window
from cancelall.venues import payload
from cancelall.venues.ascendex.api import account_info, cancel_all, get, home_of
from cancelall.venues.ascendex.options import AscendexOptions, Ledger, selected
from cancelall.venues.payload import Row

_LIQUID: dict[Ledger, str] = {"cash": "BTC/USDT", "margin": "BTC/USDT", "futures": "BTC-PERP"}


def questions(options: AscendexOptions, now_ms: int) -> tuple[Question, ...]:
    """The venue's clock, and what it says of the key and its account."""
    clock = get("/api/pro/v1/exchange-info", Purpose.QUESTION, f"requestTime={now_ms}", signed=False)
    return (
        Question(name="server time", request=clock, read=_read_time),
        Question(name="key", request=account_info(), read=_read_key),
    )


def _read_time(request: Request, reply: Reply) -> KeyFacts:
    """https://ascendex.github.io/ascendex-pro-api/#exchange-latency-info"""
    data = payload.as_object(payload.as_object(reply.json).get("data"), "data")
    return KeyFacts(server_ms=payload.number(data, "requestReceiveAt"))


def _read_key(request: Request, reply: Reply) -> KeyFacts:
    """https://ascendex.github.io/ascendex-pro-api/#account-info: `expireTime` is -1 for a key that does not expire."""
    row = Row(payload.as_object(reply.json).get("data"), "data")
    expires, addresses = row.number("expireTime"), row.record.get("allowedIps") or []
    return KeyFacts(
        can_list=row.flag("viewPermission"),
        can_cancel=row.flag("tradePermission"),
        can_transfer=row.flag("transferPermission"),
        withdraw_note="the venue does not show whether the key can withdraw",
        bound=bool(addresses) if isinstance(addresses, list) else None,
        expires_ms=None if expires is None or expires < 0 else expires,
        endless=expires is not None and expires < 0,
        account_group=row.number("accountGroup"),
    )


def probes(options: AscendexOptions, environment: str) -> tuple[Probe, ...]:
    """One symbol's orders of a ledger that is empty as a whole: the signature does not cover the symbol.

    Without a stored account group there is no path to send it to; with selectors the listing shows only what they
    leave, and the retired futures v1 may show nothing at all.
    """
    if options.account_group is None or options.symbol:
        return ()
    ledgers = [one for one in selected(options) if not (one == "futures" and options.futures_api == "v1")]
    return tuple(
        Probe(
            request=cancel_all(home_of(options.account_group, ledger), _LIQUID[ledger]),
            description=f"all {ledger} orders of {_LIQUID[ledger]}",
            empty=(ledger,),
        )
        for ledger in ledgers
    )


PREFLIGHT = Preflight(
    questions=questions,
    window=lambda options: Window(behind_ms=30_000, ahead_ms=30_000),
    key_page="https://ascendex.com (API management)",
    probes=probes,
    no_probe="it needs a stored account_group and a profile without --symbol: whole ledgers must be seen to be empty",
)
