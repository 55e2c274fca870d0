"""OKX: what tells whether a kill would work."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from cancelall.core.model import Purpose, Reply, Request
from cancelall.core.preflight import KeyFacts, Preflight, Probe, Question, Window
from cancelall.venues import payload
from cancelall.venues.okx import api
from cancelall.venues.okx.options import OkxOptions
from cancelall.venues.okx.venue import account
from cancelall.venues.payload import Row

_LEVELS = {"1": "spot mode", "2": "futures mode", "3": "multi-currency margin", "4": "portfolio margin"}
_HEDGE = {"long_short_mode": "hedge mode", "net_mode": "net mode"}
_LEADS = "a lead trader's account: TP/SL of its copied positions are not covered"
_IDLE = "it ends after 14 days without a call, as it is bound to no address (keys of demo trading never do)"
_BOTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("grid bots", "grid/orders-algo-pending", {"algoOrdType": "grid"}),
    ("contract grid bots", "grid/orders-algo-pending", {"algoOrdType": "contract_grid"}),
    ("DCA bots", "dca/ongoing-list", {"algoOrdType": "spot_dca"}),
    ("contract DCA bots", "dca/ongoing-list", {"algoOrdType": "contract_dca"}),
    ("signal bots", "signal/orders-algo-pending", {"algoOrdType": "contract"}),
    ("recurring buys", "recurring/orders-algo-pending", {}),
)
"""https://www.okx.com/docs-v5/en/#order-book-trading-grid-trading and so on. No kill stops one: its stop may sell."""


def questions(options: OkxOptions, now_ms: int) -> tuple[Question, ...]:
    """The venue's clock, what it says of key and account, and which bots are running."""
    time = replace(api.get("public/time", "", Purpose.QUESTION), signed=False)
    bots = (
        Question(
            name=name,
            request=api.get(f"tradingBot/{path}", "bots", Purpose.QUESTION, values),
            read=partial(_read_bots, name),
        )
        for name, path, values in _BOTS
    )
    return (
        Question(name="server time", request=time, read=_read_time),
        Question(name="key", request=account(Purpose.QUESTION), read=_read_key),
        *bots,
    )


def _read_time(request: Request, reply: Reply) -> KeyFacts:
    """https://www.okx.com/docs-v5/en/#public-data-rest-api-get-system-time"""
    return KeyFacts(server_ms=payload.number(api.first_row(reply), "ts"))


def _read_key(request: Request, reply: Reply) -> KeyFacts:
    """https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-account-configuration

    `perm` is a list with commas, `ip` likewise, empty for a key that works from everywhere. The right to trade holds
    that of transfers within the account: nobody can take it away.
    """
    row = Row(api.first_row(reply), "data")
    rights = {one.strip() for one in payload.field(row.record, "perm").split(",")}
    level, position = row.text("acctLv") or "", row.text("posMode") or ""
    bound = bool(row.text("ip"))
    leads = "1" in (row.text("roleType"), row.text("spotRoleType"))
    words = [_LEVELS.get(level, f"account level {payload.message(level)}" if level else ""), _HEDGE.get(position, "")]
    return KeyFacts(
        can_list=True,
        can_cancel="trade" in rights,
        can_withdraw="withdraw" in rights,
        bound=bound,
        mode=", ".join(filter(None, words)),
        remarks=(*([] if bound else [_IDLE]), *([_LEADS] if leads else [])),
    )


def _read_bots(name: str, request: Request, reply: Reply) -> KeyFacts:
    rows, _ = api.rows_of(reply)
    running = f"{len(rows)} of {name} running: it goes on placing orders, and no kill stops it"
    return KeyFacts(remarks=(running,) if rows else ())


def probes(options: OkxOptions, environment: str) -> tuple[Probe, ...]:
    """The cancel of an order that cannot exist: ids have 18 digits. It is answered 51400 if the key may cancel."""
    body = {"instId": "BTC-USDT", "ordId": "1"}
    request = api.post("trade/cancel-order", "cancel:BTC-USDT", Purpose.CANCEL, body)
    return (Probe(request=request, description="an order that cannot exist"),)


PREFLIGHT = Preflight(
    questions=questions,
    window=lambda options: Window(behind_ms=30_000, ahead_ms=30_000),
    key_page="OKX's page of API keys (of the site where the account is)",
    probes=probes,
)
