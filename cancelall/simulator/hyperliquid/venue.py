"""The two paths of the API: reads by their `type`, and signed actions by theirs.

https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint and .../exchange-endpoint
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ..book import Account, SimOrder
from ..faults import Kind
from ..positions import SimPosition, held
from ..refusals import Refusal, Refused
from ..routes import Call, Routes, cancel, create, listing, public, read
from ..rows import tables
from ..wire import Headers, SimReply, SimRequest, json_reply
from . import markets
from .markets import CORE, TWAPS
from .schedule import schedule_cancel
from .state import GONE, MALFORMED, State, below

_MOST = 200
_WEIGHT = 1200
_WEIGHTS = {**dict.fromkeys(("clearinghouseState", "orderStatus", "exchangeStatus"), 2), "userRole": 60}
_HISTORY = 2000
_TWAP_ENDS = {"filled": "finished", "cancelled": "terminated"}


# --- reads -----------------------------------------------------------------------------------------------------------


def open_orders(venue: State, call: Call) -> object:
    """Of the first dex, with spot and outcomes, or of the one that is named."""
    account = call.account
    listed = venue.listed(account, call.request, str(call.payload.get("dex") or CORE))
    if venue.fault("orphans", call.request):
        listed = [one for one in listed if not account.book.is_open(str(one.extra.get("parent")))]
    return [markets.order_row(one, venue.to_server, below(one, account)) for one in listed]


def twaps(venue: State, call: Call) -> object:
    """A log: a row for each change of each TWAP, the newest first. How far back it goes is not documented."""
    listed = venue.listed(call.account, call.request, TWAPS)
    alive = {order.id for order in listed}
    over = [order for order in call.account.book.closed(TWAPS) if order.id not in alive]
    row = partial(markets.twap_row, to_server=venue.to_server)
    rows = [row(one, _TWAP_ENDS[one.status], one.updated_ms) for one in over]
    rows += [row(one, str(one.extra["status"]), one.created_ms) for one in (*listed, *over)]
    if venue.fault("long-log", call.request):
        old = (replace(markets.STOCK[2], id=str(number)) for number in range(1, _HISTORY + 1))
        rows += [row(one, "finished", venue.now_ms() - int(one.id) * 1000) for one in old]
    if venue.fault("nameless", call.request):
        rows = [{name: value for name, value in one.items() if name != "twapId"} for one in rows]
    return rows


def history(venue: State, call: Call) -> object:
    """Over all dexes, at most 2000; of an order that has ended, its opening stands there, too."""
    rows: list[dict[str, object]] = []
    for order in call.account.book.closed():
        if order.segment != TWAPS:
            rows += [_status(venue, order), _status(venue, replace(order, status="open"), order.created_ms)]
    rows += [_status(venue, order) for order in call.account.book.open() if order.segment != TWAPS]
    return rows[:_HISTORY]


def order_status(venue: State, call: Call) -> object:
    wanted = call.payload.get("oid")
    by_client = isinstance(wanted, str)
    order = call.account.book.find("" if by_client else str(wanted), str(wanted) if by_client else "")
    if order is None or order.segment == TWAPS:
        return {"status": "unknownOid"}
    return {"status": "order", "order": _status(venue, order)}


def _status(venue: State, order: SimOrder, at_ms: int | None = None) -> dict[str, object]:
    status: str = "canceled" if order.status == "cancelled" else order.status
    if order.extra.get("ended_by") == "countdown" and at_ms is None:
        status = "scheduledCancel"
    at = venue.to_server(order.updated_ms if at_ms is None else at_ms)
    return {"order": markets.order_row(order, venue.to_server), "status": status, "statusTimestamp": at}


def role(venue: State, call: Call) -> object:
    address = call.account.key
    if venue.has_fault("key"):
        return {"role": "missing"}
    if address in venue.agents:
        if fault := venue.fault("role", call.request):
            return {"role": str(fault.value)}
        return {"role": "agent", "data": {"user": venue.agents[address]}}
    if address in venue.masters:
        kind, master = venue.masters[address]
        return {"role": kind, **({"data": {"master": master}} if kind == "subAccount" else {})}
    return {"role": "user" if address in venue.accounts else "missing"}


def vault_details(venue: State, call: Call) -> object:
    kind, leader = venue.masters.get(str(call.payload.get("vaultAddress", "")).lower(), ("", ""))
    return {"name": "Vault", "leader": leader} if kind == "vault" else None


def agents(venue: State, call: Call) -> object:
    ends = venue.server_now() + 60 * 86_400_000
    mine = (agent for agent, master in venue.agents.items() if master == call.account.key)
    return [{"name": "kill", "address": agent, "validUntil": ends} for agent in mine]


def rate_limit(venue: State, call: Call) -> object:
    used = venue.sent.get(call.account.key, 0)
    return {"cumVlm": "0.0", "nRequestsUsed": used, "nRequestsCap": 10_000, "nRequestsSurplus": 0}


def _closes(order: SimOrder) -> SimPosition | None:
    closing = order.reduce_only and order.segment != TWAPS and order.symbol in markets.UNIVERSES[order.segment]
    return SimPosition(symbol=order.symbol, segment=order.segment, long=order.side == "sell") if closing else None


_BARE = SimPosition(symbol="HYPE", segment=CORE, long=False)
_POSITION = tables(
    {
        "signed": lambda one, _: one.size if one.long else f"-{one.size}",
        "value": lambda one, _: str(float(one.mark) * float(one.size)),
    }
)(
    "coin=.symbol szi=.signed entryPx=.entry positionValue=.value unrealizedPnl=0.5 liquidationPx=.liquidation "
    'leverage=#{"type":"cross","value":5}'
)


def positions(venue: State, call: Call) -> object:
    """`szi` is the size with its sign; the mark price is in no member of its own."""
    dex = str(call.payload.get("dex") or CORE)
    shown = [_POSITION(one) for one in held(call.account, _closes, _BARE) if one.segment == dex]
    rows = [{"type": "oneWay", "position": one} for one in shown]
    return {"assetPositions": rows, "withdrawable": "1000.0", "time": venue.server_now()}


# --- actions ---------------------------------------------------------------------------------------------------------


def cancel_orders(venue: State, call: Call) -> object:
    """One after another: with a parent its children go, and are gone when it is their turn."""
    entries, account = _entries(call), call.account
    found = [_named(account, entry) for entry in entries]
    venue.spend(account, call.request, len(entries))
    chosen = {order.id: order for order in found if order is not None}
    result = venue.cancel(account, list(chosen.values()), call.request)
    taken, failed = {order.id for order in result.accepted}, {order.id for order in result.failed}
    said: list[object] = []
    gone: set[object] = set()
    for entry, order in zip(entries, found, strict=True):
        number = entry.get("a", entry.get("asset"))
        if order is not None and order.id in failed:
            said.append({"error": f"Order could not be canceled now. asset={number}"})
        elif order is None or order.id not in taken or order.id in gone or order.extra.get("parent") in gone:
            said.append({"error": f"{GONE} asset={number}"})
        else:
            said.append("success")
            gone.add(order.id)
    return {"type": "cancel", "data": {"statuses": said}}


def _action(call: Call) -> dict[str, Any]:
    action = call.payload.get("action")
    if not isinstance(action, dict):
        raise MALFORMED
    return action


def _entries(call: Call) -> list[dict[str, object]]:
    entries = _action(call).get("cancels")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise MALFORMED
    if len(entries) > _MOST:
        raise Refused(0, f"Signed action over weight limit of {_MOST}.")
    if not entries:
        raise Refused(0, "Empty batch")
    return entries


def _named(account: Account, entry: Mapping[str, object]) -> SimOrder | None:
    """The open order that an entry names; of another market it names none."""
    number, client_id = entry.get("a", entry.get("asset")), str(entry.get("cloid", ""))
    order = account.book.find("" if client_id else str(entry.get("o")), client_id)
    if order is None or order.status != "open" or order.segment == TWAPS:
        return None
    return order if markets.number_of(order.symbol) == number else None


def cancel_twap(venue: State, call: Call) -> object:
    action = _action(call)
    venue.spend(call.account, call.request, 1)
    order = call.account.book.find(str(action.get("t")))
    known = order is not None and order.status == "open" and order.segment == TWAPS
    if order is None or not known or markets.number_of(order.symbol) != action.get("a"):
        return {"type": "twapCancel", "data": {"status": {"error": GONE.replace("Order", "TWAP")}}}
    venue.cancel(call.account, [order], call.request)
    return {"type": "twapCancel", "data": {"status": "success"}}


def place_orders(venue: State, call: Call) -> object:
    """Limit and trigger orders; none is matched."""
    said = []
    for each in _action(call)["orders"]:
        coin, trigger = markets.COINS[int(each["a"])], each["t"].get("trigger")
        word = {"sl": "Stop", "tp": "Take Profit"}[trigger["tpsl"]] if trigger else ""
        kind = f"{word} {'Market' if trigger['isMarket'] else 'Limit'}" if trigger else "Limit"
        order = SimOrder(
            symbol=coin,
            segment=coin.partition(":")[0] if ":" in coin else CORE,
            side="buy" if each["b"] else "sell",
            kind=kind,
            price=str(each["p"]),
            reduce_only=bool(each["r"]),
            extra={"trigger": trigger["triggerPx"]} if trigger else {"tif": each["t"]["limit"]["tif"]},
        )
        placed = venue.accept(call.account, order, str(each["s"]), str(each.get("c") or ""), fills=False)
        said.append({"resting": {"oid": int(placed.id)}})
    return {"type": "order", "data": {"statuses": said}}


class Calls(Routes):
    """What a request is for stands in its body."""

    def find(self, request: SimRequest) -> Call | None:
        body = _json(request)
        of = body.get("action") if request.path == "/exchange" else body
        kind = of.get("type") if isinstance(of, dict) else None
        found = super().find(replace(request, path=f"{request.path} {kind}"))
        return found and replace(found, request=request, payload=body)


class Hyperliquid(State):
    """The HTTP API, `https://api.hyperliquid.xyz` in real life."""

    routes = Calls(
        {
            "POST /info frontendOpenOrders": listing(open_orders),
            "POST /info openOrders": listing(open_orders),
            "POST /info twapHistory": listing(twaps),
            "POST /info historicalOrders": read(history),
            "POST /info orderStatus": read(order_status),
            "POST /info userRole": read(role),
            "POST /info vaultDetails": read(vault_details),
            "POST /info extraAgents": read(agents),
            "POST /info userRateLimit": read(rate_limit),
            "POST /info userToMultiSigSigners": read(lambda *_: None),
            "POST /info clearinghouseState": read(positions),
            "POST /info exchangeStatus": public(lambda venue, _: {"time": venue.server_now(), "specialStatuses": None}),
            "POST /info meta": public(lambda _, call: markets.meta(str(call.payload.get("dex") or CORE))),
            "POST /info allPerpMetas": public(lambda *_: [markets.meta(dex) for dex in markets.UNIVERSES]),
            "POST /info perpDexs": public(
                lambda *_: [{"name": dex} if dex != CORE else None for dex in markets.UNIVERSES]
            ),
            "POST /info spotMeta": public(lambda *_: markets.spot_meta()),
            "POST /exchange cancel": cancel(cancel_orders),
            "POST /exchange cancelByCloid": cancel(cancel_orders),
            "POST /exchange twapCancel": cancel(cancel_twap),
            "POST /exchange scheduleCancel": create(schedule_cancel),
            "POST /exchange noop": create(lambda *_: {"type": "default"}),
            "POST /exchange order": create(place_orders),
        }
    )

    def key_of(self, request: SimRequest) -> str:
        """The address that a read names; of an action nobody knows it before the signature is looked at."""
        return str(_json(request).get("user") or _json(request).get("vaultAddress") or "").lower()

    def classify(self, request: SimRequest) -> Kind:
        found = self.routes.find(request)
        return found.route.kind if found else Kind.READ if request.path == "/info" else Kind.CREATE

    def admit(self, request: SimRequest) -> Headers:
        """What the requests of a minute weigh, over both paths: 1 for each 40 cancels of an action, and 1."""
        if not self.limits:
            return ()
        body, scarce = _json(request), self.has_fault("weights")
        weight = 1 + request.body.count(b'"o":') // 40 if request.path == "/exchange" else 0
        weight = weight or _WEIGHTS.get(str(body.get("type")), 20)
        limit = scarce.number if scarce else _WEIGHT
        if self.weights.take(request.client, limit=limit, cost=weight, now_ms=self.now_ms()).allowed:
            return ()
        raise self.refusals[Refusal.RATE_LIMIT]

    def no_route(self, request: SimRequest) -> Exception:
        return MALFORMED

    def authorize(self, call: Call) -> Call:
        if call.request.path == "/exchange":
            return replace(call, account=self.authenticate(call.payload))
        return replace(call, account=self.account_at(call.payload.get("user", "")))

    def answer(self, value: object, call: Call, headers: Headers) -> SimReply:
        good = {"status": "ok", "response": value} if call.request.path == "/exchange" else value
        return json_reply(good, 200, headers)


def _json(request: SimRequest) -> dict[str, object]:
    try:
        return request.json_object()
    except ValueError:
        return {}


FAKE = Hyperliquid
