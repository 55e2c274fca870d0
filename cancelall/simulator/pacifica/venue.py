"""The fake Pacifica: its routes, its gateway, and its reads. Reads need no key: anyone may read any account.

https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-open-orders and its neighbours,
.../account/get-account-info, .../subaccounts, .../api/signing/api-agent-keys and .../api/rate-limits/api-config-keys.
An address that nobody has is answered as an account without orders (whether the venue does so is not known): a typo
looks like success.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain

from ..book import SimOrder
from ..faults import Kind
from ..pages import by_offset
from ..refusals import Refused, bare, page
from ..routes import Call, Routes, cancel, listing, public, read
from ..rows import fixed
from ..values import whole
from ..wire import Headers, SimRequest
from . import kinds
from .auth import Operation
from .credits import ADDRESS_QUOTA, KEY_QUOTA, cost_of
from .markets import MARKETS
from .orders import ORDERS, cancel_batch
from .positions import positions
from .rows import Clock, event_rows, history_row, order_row, strategy_row, twap_history_row, twap_row
from .state import Answer, State

_BATCH = "/api/v1/orders/batch"
_FUNDS = "balance account_equity available_to_spend available_to_withdraw".split()


def orders(venue: State, call: Call) -> object:
    """`GET /orders`: every open order in one answer, stops and TP/SL among them; no TWAPs, no strategies."""
    found = venue.listed(call.account, call.request, kinds.ORDERS)
    rows = [order_row(order, venue.to_server) for order in found]
    return Answer(rows, {"last_order_id": venue.last_order_id_of(call.request)})


def twaps(venue: State, call: Call) -> object:
    """`GET /orders/twap`: open TWAPs of the engine; TWAP strategies are not here."""
    venue.check_feature("twap", call)
    return [twap_row(order, venue.to_server) for order in venue.listed(call.account, call.request, kinds.TWAP)]


def strategies(venue: State, call: Call) -> object:
    """`GET /order_strategies`: the unfinished ones, by `limit` and `offset`."""
    venue.check_feature("strategies", call)
    bad, wanted = Refused(400, "Invalid parameters"), call.query.get("type", "")
    limit = whole(call.query.get("limit", "100"), bad, least=1, most=500)
    offset = whole(call.query.get("offset", "0"), bad)
    start = 0 if venue.fault("cursor-loop", call.request) else offset
    found = venue.listed(call.account, call.request, kinds.STRATEGIES)
    shown = by_offset([order for order in found if wanted in ("", order.kind)], start, limit)
    return {"strategies": [strategy_row(order, venue.to_server) for order in shown.items]}


def strategy(venue: State, call: Call) -> object:
    """`GET /order_strategies/{strategy_id}`, finished ones too."""
    venue.check_feature("strategies", call)
    found = call.account.book.find(call.names["id"])
    if found is None or found.segment != kinds.STRATEGIES:
        raise Refused(404, "STRATEGIST_NOT_FOUND")
    return strategy_row(found, venue.to_server)


def order_history(venue: State, call: Call) -> object:
    """`GET /orders/history`: every order in its latest state. It sorts by order id; here the newest comes first."""
    return _history(venue, call, kinds.ORDERS, history_row)


def twap_history(venue: State, call: Call) -> object:
    """`GET /orders/twap/history`."""
    return _history(venue, call, kinds.TWAP, twap_history_row)


def _history(venue: State, call: Call, segment: str, row: Callable[[SimOrder, Clock], Mapping[str, object]]) -> object:
    bad, book = Refused(400, "Invalid parameters"), call.account.book
    limit = whole(call.query.get("limit", "100"), bad)
    start = whole(call.query.get("cursor", "") or "0", bad)
    found = sorted(chain(book.open(segment), book.closed(segment)), key=lambda order: int(order.id), reverse=True)
    shown = by_offset(found, start, min(max(limit, 1), 100))
    beside = {"next_cursor": str(shown.end)} if shown.more else {}
    return Answer([row(order, venue.to_server) for order in shown.items], {"has_more": shown.more, **beside})


def history_by_id(venue: State, call: Call) -> object:
    """`GET /orders/history_by_id`: the events of one order, whosever it is. One that nobody knows has none.

    The document answers 404 for those, the venue's own tools say that live it is an empty list.
    """
    wanted = call.query.get("order_id", "")
    if not wanted.isdecimal():
        raise bare(400, "Failed to deserialize query string: missing field `order_id`")
    found = next((order for each in venue.accounts.values() if (order := each.book.find(wanted))), None)
    return event_rows(found, venue.to_server) if found and found.segment == kinds.ORDERS else []


def account_info(venue: State, call: Call) -> object:
    """`GET /account`. `orders_count` leaves out stops, which `stop_orders_count` counts, and TWAPs and strategies.

    `data` is an object in the newer documents and a list of one in the older ones. The counts are those of the book
    itself: unlike a listing they do not lag. What an address that nobody has opened gets is not documented.
    """
    opened = call.account.key in venue.accounts
    if not opened and not venue.fault("strangers", call.request, lambda fault: fault.value == "shown"):
        raise Refused(1, "Account not found", 404)
    resting = list(call.account.book.open(kinds.ORDERS))
    stops = sum(kinds.is_stop(order) for order in resting)
    more = venue.fault("counts", call.request)
    data = {
        **dict.fromkeys(_FUNDS, "10000.000000" if opened else "0"),
        **fixed("fee_level=#0 maker_fee=0.00015 taker_fee=0.0004 pending_balance=0 total_margin_used=0 cross_mmr=0"),
        "positions_count": 0,
        "orders_count": len(resting) - stops + (int(more.number) if more else 0),
        "stop_orders_count": stops,
        "spot_balances": [],
        "updated_at": venue.server_now(),
    }
    return [data] if venue.fault("account-list", call.request) else data


def prices(venue: State, call: Call) -> object:
    """`GET /info/prices`, with the only server time that a public body holds."""
    names, when = ("mark", "mid", "oracle"), {"timestamp": venue.server_now()}
    return [{"symbol": each.symbol, **dict.fromkeys(names, each.price), **when} for each in MARKETS.values()]


_LIST_AGENTS = Operation("list_agent_wallets", owner_only=True)
_LIST_SUBACCOUNTS = Operation("list_subaccounts", owner_only=True)
_CREATE_KEY, _LIST_KEYS = Operation("create_api_key"), Operation("list_api_keys")

ROUTES = Routes(
    {
        **ORDERS,
        f"POST {_BATCH}": cancel(cancel_batch),
        "GET /api/v1/orders": listing(orders),
        "GET /api/v1/orders/twap": listing(twaps),
        "GET /api/v1/order_strategies": listing(strategies),
        "GET /api/v1/order_strategies/{id}": read(strategy),
        "GET /api/v1/account": read(account_info),
        "GET /api/v1/positions": read(positions),
        "GET /api/v1/orders/history": read(order_history),
        "GET /api/v1/orders/history_by_id": read(history_by_id),
        "GET /api/v1/orders/twap/history": read(twap_history),
        "GET /api/v1/info": public(lambda *_: [market.row() for market in MARKETS.values()]),
        "GET /api/v1/info/prices": public(prices),
        "POST /api/v1/agent/list": read(
            lambda venue, call: {"agent_wallets": sorted(venue.agents_of(call.account.key))}, detail=_LIST_AGENTS
        ),
        "POST /api/v1/account/subaccount/list": read(lambda *_: {"subaccounts": []}, detail=_LIST_SUBACCOUNTS),
        # A ticket for more credits. It gives no right to trade.
        "POST /api/v1/account/api_keys/create": read(
            lambda venue, _: {"api_key": venue.new_api_config_key()}, detail=_CREATE_KEY
        ),
        "POST /api/v1/account/api_keys": read(
            lambda venue, _: {"active_api_keys": sorted(venue.api_config_keys), "api_key_limit": 5}, detail=_LIST_KEYS
        ),
    }
)


class Pacifica(State):
    """The REST API, `https://api.pacifica.fi/api/v1` in real life."""

    routes = ROUTES

    def classify(self, request: SimRequest) -> Kind:
        """By the route; a batch that places orders is no cancel."""
        if request.path == _BATCH and any(
            isinstance(one, dict) and one.get("type") == "Create" for one in _actions(request)
        ):
            return Kind.CREATE
        return super().classify(request)

    def key_of(self, request: SimRequest) -> str:
        """The account that the request is about: reads name it too, though they need no key."""
        if request.method == "GET":
            return request.parameters().get("account", "")
        body: object = _json(request)
        if request.path == _BATCH:
            first = next(iter(_actions(request)), None)
            body = first.get("data") if isinstance(first, dict) else None
        return str(body.get("account", "")) if isinstance(body, dict) else ""

    def admit(self, request: SimRequest) -> Headers:
        """The content delivery network, and then the credits, of which every answer tells.

        A config key spends its own credits; one that nobody knows counts as none.
        """
        if request.method == "GET" and request.body:
            # https://docs.pacifica.fi/api-documentation/api/api-faq/403-cloudfront
            raise page(
                403,
                "<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY><H1>403 ERROR</H1>"
                "<H2>The request could not be satisfied.</H2>Bad request. We can't connect to the server for this app "
                "or website.<ADDRESS>Generated by cloudfront (CloudFront)</ADDRESS></BODY></HTML>",
            )
        if not self.limits:
            return ()
        key = request.headers.get("pf-api-key", "")
        identified = key in self.api_config_keys
        scarce = self.has_fault("credits")
        quota = round(scarce.number * 10) if scarce else ADDRESS_QUOTA
        parts = max(1, len(_actions(request))) if request.path == _BATCH else 1
        allowed, headers = self.credits.take(
            key if identified else request.client,
            quota=KEY_QUOTA if identified else quota,
            cost=cost_of(request.path, self.classify(request), identified=identified, parts=parts),
            now_ms=self.now_ms(),
        )
        if not allowed:
            raise self.over(headers, request)
        return headers

    def no_route(self, request: SimRequest) -> Exception:
        """Nothing but the status."""
        return bare(404)

    def authorize(self, call: Call) -> Call:
        """Reads name an account, if they are not about one order; signed calls show that they may act for it."""
        if call.request.method == "GET":
            address = call.query.get("account", "")
            if not address and call.route.handler is not history_by_id:
                raise bare(400, "Failed to deserialize query string: missing field `account`")
            return replace(call, account=self.account_at(address))
        body = _json(call.request)
        if body is None:
            raise bare(400, "Failed to parse the request body as JSON")
        if call.route.detail is None:
            return replace(call, payload=body)
        account, payload = self.authenticate(call.route.detail, body)
        return replace(call, account=account, payload=payload)


def _json(request: SimRequest) -> Mapping[str, object] | None:
    try:
        return request.json_object()
    except ValueError:
        return None


def _actions(request: SimRequest) -> list[object]:
    """What a batch holds; nothing if it is none."""
    actions = (_json(request) or {}).get("actions")
    return actions if isinstance(actions, list) else []


FAKE = Pacifica
