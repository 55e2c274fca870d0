"""OKX's reads of the account: its configuration, positions, bots; and what is for everyone: time and instruments.

https://www.okx.com/docs-v5/en/#trading-account-rest-api-get-account-configuration, ...-get-positions and
https://www.okx.com/docs-v5/en/#public-data-rest-api-get-instruments (as of 2026-07).
"""

from ..book import SimOrder
from ..positions import SimPosition, held
from ..refusals import Refused
from ..routes import Call
from ..rows import fixed
from .state import State, bad, missing

_CONFIG = fixed(
    """acctStpMode=cancel_maker autoLoan=#false ctIsoMode=automatic enableSpotBorrow=#false greeksType=PA kycLv=3
    label=kill level=Lv1 levelTmp= liquidationGear=-1 mainUid=44705892343619584 mgnIsoMode=automatic opAuth=1
    posMode=net_mode spotBorrowAutoRepay=#false spotOffsetType= stgyType=0 traderInsts=#[] type=0
    uid=44705892343619584"""
)
_BARE = SimPosition(symbol="DOGE-USDT-SWAP", long=False, segment="SWAP")
_HELD = ("SWAP", "FUTURES", "OPTION")
_POSITION = fixed("mgnMode=cross lever=10 adl=1 availPos= ccy=USDT posCcy= imr= mmr= margin= mgnRatio=5 uplRatio=0.1")


def config(venue: State, call: Call) -> object:
    """A master key that may trade, bound to an address; faults make it another one."""
    request, refused = call.request, venue.has_fault("permission")
    usual = "read_only" if venue.has_fault("read-only") or (refused and not refused.value) else "read_only,trade"
    varied = {
        "acctLv": venue.setting("level", request, "2"),
        "perm": venue.setting("rights", request, usual).replace("+", ","),
        "ip": "" if venue.fault("unbound", request) else "127.0.0.1",
        "roleType": "1" if venue.fault("lead", request) else "0",
        "spotRoleType": "0",
    }
    return [_CONFIG | varied]


def _closes(order: SimOrder) -> SimPosition | None:
    long = {"long": True, "short": False}.get(str(order.extra.get("posSide")), order.side == "sell")
    closing = order.reduce_only or order.extra.get("closeFraction") or order.extra.get("isTpLimit")
    against = "posSide" in order.extra and (order.side == "sell") is long
    if order.extra["instType"] not in _HELD or not (closing or against):
        return None
    return SimPosition(symbol=order.symbol, long=long, segment=str(order.extra["instType"]))


def positions(venue: State, call: Call) -> object:
    """All in one answer; in net mode a short position has a negative size."""
    shown = [one for one in held(call.account, _closes, _BARE) if call.query.get("instId", one.symbol) == one.symbol]
    return [_position(venue, one) for one in shown if call.query.get("instType", one.segment) == one.segment]


def _position(venue: State, one: SimPosition) -> dict[str, object]:
    hedged = one.symbol == "BTC-USD-SWAP"
    return _POSITION | {
        "instId": one.symbol,
        "instType": one.segment,
        "posId": "1752810569801498626",
        "posSide": ("long" if one.long else "short") if hedged else "net",
        "pos": one.size if one.long or hedged else f"-{one.size}",
        "avgPx": one.entry,
        "markPx": one.mark,
        "upl": "0.5",
        "liqPx": one.liquidation,
        "notionalUsd": "50",
        "cTime": str(venue.server_now()),
        "uTime": str(venue.server_now()),
    }


def bots(venue: State, call: Call) -> object:
    """None, but with the fault `bots` one of the kind that it names."""
    fault = venue.fault("bots", call.request, lambda fault: str(fault.value) in call.request.text)
    return [{"algoId": "448965992920907776", "state": "running", "instId": "BTC-USDT"}] if fault else []


def nothing(venue: State, call: Call) -> object:
    return []


def time(venue: State, call: Call) -> object:
    return [{"ts": str(venue.server_now())}]


def instruments(venue: State, call: Call) -> object:
    """Of a type; options of a family only."""
    type_, known = call.query.get("instType", ""), venue.instruments
    family = call.query.get("instFamily") or call.query.get("uly") or ""
    if type_ not in known.of or type_ == "SPREAD":
        raise bad("instType")
    if type_ in ("OPTION", "EVENTS") and not family:
        raise Refused("50015", "Either parameter uly or instFamily is required", 400)
    return [known.row(type_, name) for name in known.of[type_] if name.startswith(family)]


def underlying(venue: State, call: Call) -> object:
    type_ = call.query.get("instType", "")
    if type_ not in _HELD:
        raise bad("instType") if type_ else missing("instType")
    return [venue.instruments.underlyings(type_)]


def spreads(venue: State, call: Call) -> object:
    return [venue.instruments.spread_row(name) for name in venue.instruments.of["SPREAD"]]
