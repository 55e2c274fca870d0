"""The fake Pacifica: its routes, its gateway, and its reads. Reads need no key: anyone may read any account.

https://docs.pacifica.fi/api-documentation/api/rest-api/orders/get-open-orders and its neighbours,
.../account/get-account-info, .../subaccounts, .../api/signing/api-agent-keys and .../api/rate-limits/api-config-keys.
An address that nobody has is answered as an account without orders (whether the venue does so is not known): a typo
looks like success.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain

from ..faults import Kind
from ..pages import by_offset
from ..refusals import Answered, Refused, bare, page
from ..routes import Call, Routes, cancel, create, listing, public, read
from ..rows import fixed
from ..values import whole
from ..wire import Headers, SimRequest
from . import markets, orders
from .markets import MARKETS, ORDERS, STRATEGIES, TWAP
from .state import INVALID, NO_CREDITS, NO_STRATEGY, Answer, State

_BATCH = "/api/v1/orders/batch"
_FUNDS = "balance account_equity available_to_spend available_to_withdraw".split()

# https://docs.pacifica.fi/api-documentation/api/rate-limits (2026): one quota for everything, per address or per API
# config key, over a rolling minute: 100 credits for an unidentified address, 300 for an API config key of the lowest
# tier; 1 for a request, 0.5 for a cancel, 3 to 12 (with a key 1 to 4) for heavy GETs, which it does not list. Here the
# histories are the heavy ones, at the highest price. All numbers on the wire are times ten.
_ADDRESS_QUOTA, _KEY_QUOTA = 1000, 3000


def open_orders(venue: State, call: Call) -> object:
    """Every open order in one answer, stops and TP/SL among them; no TWAPs, no strategies."""
    rows = [markets.order_row(order, venue.to_server) for order in venue.listed(call.account, call.request, ORDERS)]
    late = venue.strikes("older") if venue.fault("older", call.request) else 0
    return Answer(rows, {"last_order_id": venue.last_order_id - late})


def twaps(venue: State, call: Call) -> object:
    """Open TWAPs of the engine; TWAP strategies are not here."""
    return [markets.twap_row(order, venue.to_server) for order in venue.listed(call.account, call.request, TWAP)]


def strategies(venue: State, call: Call) -> object:
    limit = whole(call.query.get("limit", "100"), INVALID, least=1, most=500)
    offset, kind = whole(call.query.get("offset", "0"), INVALID), call.query.get("type", "")
    start = 0 if venue.fault("cursor-loop", call.request) else offset
    listed = venue.listed(call.account, call.request, STRATEGIES)
    shown = by_offset([order for order in listed if kind in ("", order.kind)], start, limit)
    return {"strategies": [markets.strategy_row(order, venue.to_server) for order in shown.items]}


def strategy(venue: State, call: Call) -> object:
    order = call.account.book.find(call.names["id"])
    if order is None or order.segment != STRATEGIES:
        raise NO_STRATEGY
    return markets.strategy_row(order, venue.to_server)


def history(venue: State, call: Call) -> object:
    """Every order in its latest state. It sorts by order id; here the newest comes first."""
    segment, row = call.route.detail
    limit = whole(call.query.get("limit", "100"), INVALID)
    start = whole(call.query.get("cursor", "") or "0", INVALID)
    known = chain(call.account.book.open(segment), call.account.book.closed(segment))
    shown = by_offset(sorted(known, key=lambda order: int(order.id), reverse=True), start, min(max(limit, 1), 100))
    cursor = {"next_cursor": str(shown.end)} if shown.more else {}
    return Answer([row(order, venue.to_server) for order in shown.items], {"has_more": shown.more, **cursor})


def history_by_id(venue: State, call: Call) -> object:
    """The events of one order, whosever it is. One that nobody knows has none: the document answers 404, the venue's
    own tools say that live it is an empty list.
    """
    order_id = call.query.get("order_id", "")
    if not order_id.isdecimal():
        raise bare(400, "Failed to deserialize query string: missing field `order_id`")
    order = next((order for each in venue.accounts.values() if (order := each.book.find(order_id))), None)
    return markets.event_rows(order, venue.to_server) if order and order.segment == ORDERS else []


def account_info(venue: State, call: Call) -> object:
    """`orders_count` leaves out stops, which `stop_orders_count` counts, and TWAPs and strategies.

    `data` is an object in the newer documents and a list of one in the older ones. The counts are those of the book
    itself: unlike a listing they do not lag. What an address that nobody has opened gets is not documented.
    """
    opened = call.account.key in venue.accounts
    if not opened and not venue.fault("strangers", call.request, lambda fault: fault.value == "shown"):
        raise Refused(1, "Account not found", 404)
    stops = [markets.is_stop(order) for order in call.account.book.open(ORDERS)]
    more = venue.fault("counts", call.request)
    data = {
        **dict.fromkeys(_FUNDS, "10000.000000" if opened else "0"),
        **fixed("fee_level=#0 maker_fee=0.00015 taker_fee=0.0004 pending_balance=0 total_margin_used=0 cross_mmr=0"),
        "positions_count": 0,
        "orders_count": stops.count(False) + (int(more.number) if more else 0),
        "stop_orders_count": stops.count(True),
        "spot_balances": [],
        "updated_at": venue.server_now(),
    }
    return [data] if venue.fault("account-list", call.request) else data


def prices(venue: State, call: Call) -> object:
    """With the only server time that a public body holds."""
    names, when = ("mark", "mid", "oracle"), {"timestamp": venue.server_now()}
    return [{"symbol": each.symbol, **dict.fromkeys(names, each.price), **when} for each in MARKETS.values()]


class Pacifica(State):
    """The REST API, `https://api.pacifica.fi/api/v1` in real life. Of a signed call the detail is the `type`."""

    routes = Routes(
        {
            "POST /api/v1/orders/cancel_all": cancel(orders.cancel_all, detail="cancel_all_orders"),
            "POST /api/v1/orders/cancel": cancel(orders.cancel_order, detail="cancel_order"),
            "POST /api/v1/orders/stop/cancel": cancel(orders.cancel_stop, detail="cancel_stop_order"),
            "POST /api/v1/orders/twap/cancel": cancel(orders.cancel_twap, detail="cancel_twap_order"),
            "POST /api/v1/order_strategies/cancel": cancel(orders.cancel_strategy, detail="cancel_order_strategy"),
            "POST /api/v1/orders/create": create(orders.create_order, detail="create_order"),
            "POST /api/v1/orders/stop/create": create(orders.create_stop, detail="create_stop_order"),
            f"POST {_BATCH}": cancel(orders.cancel_batch),
            "GET /api/v1/orders": listing(open_orders),
            "GET /api/v1/orders/twap": listing(twaps),
            "GET /api/v1/order_strategies": listing(strategies),
            "GET /api/v1/order_strategies/{id}": read(strategy),
            "GET /api/v1/account": read(account_info),
            "GET /api/v1/positions": read(lambda venue, _: Answer([], {"last_order_id": venue.last_order_id})),
            "GET /api/v1/orders/history": read(history, detail=(ORDERS, markets.history_row)),
            "GET /api/v1/orders/twap/history": read(history, detail=(TWAP, markets.twap_history_row)),
            "GET /api/v1/orders/history_by_id": read(history_by_id),
            "GET /api/v1/info": public(lambda *_: [market.row() for market in MARKETS.values()]),
            "GET /api/v1/info/prices": public(prices),
            "POST /api/v1/agent/list": read(
                lambda venue, call: {"agent_wallets": sorted(venue.agents_of(call.account.key))},
                detail="list_agent_wallets",
            ),
            "POST /api/v1/account/subaccount/list": read(lambda *_: {"subaccounts": []}, detail="list_subaccounts"),
            # Tickets for more credits, which give no right to trade.
            "POST /api/v1/account/api_keys/create": read(
                lambda venue, _: {"api_key": venue.new_api_config_key()}, detail="create_api_key"
            ),
            "POST /api/v1/account/api_keys": read(
                lambda venue, _: {"active_api_keys": sorted(venue.api_config_keys), "api_key_limit": 5},
                detail="list_api_keys",
            ),
        }
    )

    def classify(self, request: SimRequest) -> Kind:
        places = any(isinstance(one, dict) and one.get("type") == "Create" for one in _actions(request))
        return Kind.CREATE if places else super().classify(request)

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

        A config key spends its own credits; one that nobody knows counts as none. A batch is charged by its parts; the
        page does not say so.
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
        key, scarce = request.headers.get("pf-api-key", ""), self.has_fault("credits")
        spender, quota, heavy = request.client, round(scarce.number * 10) if scarce else _ADDRESS_QUOTA, 120
        if key in self.api_config_keys:
            spender, quota, heavy = key, _KEY_QUOTA, 40
        cost = 5 if self.classify(request) is Kind.CANCEL else 10
        if request.path.endswith(("/history", "/history_by_id")):
            cost = heavy
        allowed, headers = self.spend(spender, quota=quota, cost=cost * max(1, len(_actions(request))))
        if not allowed:
            raise Answered(self.refusal(NO_CREDITS, request, headers))
        return headers

    def no_route(self, request: SimRequest) -> Exception:
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
    actions = (_json(request) or {}).get("actions") if request.path == _BATCH else None
    return actions if isinstance(actions, list) else []


FAKE = Pacifica
