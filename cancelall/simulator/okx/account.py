"""OKX's reads of the account: its configuration, positions, bots; and the instruments, for everyone.

https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-account-configuration, ...-get-positions and
https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments (as of 2026-07).
"""

from ..book import SimOrder
from ..positions import SimPosition, held
from ..refusals import Refused
from ..routes import Call
from ..rows import fixed, tables, written
from .state import State, bad, missing, underlying

_ROWS = written(__file__)
_BARE = SimPosition(symbol="DOGE-USDT-SWAP", long=False, segment="SWAP")
_HELD = ("SWAP", "FUTURES", "OPTION")
_HEDGED = "BTC-USD-SWAP"
"""Positions in it are held in hedge mode."""
_position = tables(
    {
        "held": lambda one, _: ("long" if one.long else "short") if one.symbol == _HEDGED else "net",
        "size_held": lambda one, _: one.size if one.symbol == _HEDGED else one.signed,
        "now": lambda _, now_ms: str(now_ms),
    }
)(_ROWS["position"])


def config(venue: State, call: Call) -> object:
    """A master key that may trade, bound to an address; faults make it another one."""
    request, refused = call.request, venue.has_fault("permission")
    usual = "read_only" if venue.has_fault("read-only") or (refused and not refused.value) else "read_only,trade"
    varied = {
        "acctLv": venue.setting("level", request, "2"),
        "perm": venue.setting("rights", request, usual).replace("+", ","),
        "ip": "" if venue.fault("unbound", request) else "127.0.0.1",
        "roleType": "1" if venue.fault("lead", request) else "0",
    }
    return [fixed(_ROWS["config"]) | varied]


def _closes(order: SimOrder) -> SimPosition | None:
    long = {"long": True, "short": False}.get(str(order.extra.get("posSide")), order.side == "sell")
    closing = order.reduce_only or order.extra.get("closeFraction") or order.extra.get("isTpLimit")
    against = "posSide" in order.extra and (order.side == "sell") is long
    if order.extra["instType"] not in _HELD or not (closing or against):
        return None
    return SimPosition(symbol=order.symbol, long=long, segment=str(order.extra["instType"]))


def positions(venue: State, call: Call) -> object:
    """All in one answer; in net mode a short position has a negative size."""
    query, now_ms = call.query, venue.server_now()
    shown = [one for one in held(call.account, _closes, _BARE) if query.get("instId", one.symbol) == one.symbol]
    return [_position(one, now_ms) for one in shown if query.get("instType", one.segment) == one.segment]


def bots(venue: State, call: Call) -> object:
    """None, but with the fault `bots` one of the kind that it names."""
    fault = venue.fault("bots", call.request, lambda fault: str(fault.value) in call.request.text)
    return [{"algoId": "448965992920907776", "state": "running", "instId": "BTC-USDT"}] if fault else []


def instruments(venue: State, call: Call) -> object:
    """Of a type; options of a family only."""
    type_, known = call.query.get("instType", ""), venue.instruments
    family = call.query.get("instFamily") or call.query.get("uly") or ""
    if type_ not in known.of or type_ == "SPREAD":
        raise bad("instType")
    if type_ in ("OPTION", "EVENTS") and not family:
        raise Refused("50015", "Either parameter uly or instFamily is required", 400)
    return [known.row(type_, name) for name in known.of[type_] if name.startswith(family)]


def underlyings(venue: State, call: Call) -> object:
    type_ = call.query.get("instType", "")
    if type_ not in _HELD:
        raise bad("instType") if type_ else missing("instType")
    return [sorted({underlying(name) for name in venue.instruments.of[type_]})]
