"""The fake Pacifica: its signed calls about orders, its reads, which need no key, its routes and its gateway.

https://docs.pacifica.fi/api-documentation/api/rest-api/orders/cancel-all-orders, .../orders/create-limit-order,
.../orders/create-stop-order, .../orders/get-open-orders and their neighbours, .../account/get-account-info,
.../subaccounts, .../api/signing/api-agent-keys and .../api/rate-limits/api-config-keys. There is no balance, no margin
and no matching; the amount of a stop is not looked at before it triggers, as on the venue. Anyone may read any account;
one that nobody has is answered as one without orders (whether the venue does so is not known): a typo looks like
success.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import chain

from ..book import Side, SimOrder
from ..faults import Kind
from ..pages import by_offset
from ..refusals import Answered, Refused, bare, page, positive, whole
from ..routes import Call, Routes, cancel, create, listing, public, read
from ..rows import fixed
from ..wire import Headers, SimRequest, json_reply
from . import markets
from .auth import Fields, unparsable
from .markets import MARKETS, ORDERS, STRATEGIES, TWAP, is_stop
from .positions import positions
from .state import INVALID, NO_CREDITS, NO_STRATEGY, Answer, State

_SIDES: Mapping[str, Side] = {"bid": "buy", "ask": "sell"}
_BATCH_MAX = 10
_BATCH = "/api/v1/orders/batch"
_FUNDS = "balance account_equity available_to_spend available_to_withdraw".split()

# https://docs.pacifica.fi/api-documentation/api/rate-limits (2026): one quota for everything, per address or per API
# config key, over a rolling minute: 100 credits for an unidentified address, 300 for an API config key of the lowest
# tier; 1 for a request, 0.5 for a cancel, 3 to 12 (with a key 1 to 4) for heavy GETs, which it does not list. Here the
# histories are the heavy ones, at the highest price. All numbers on the wire are times ten.
_ADDRESS_QUOTA, _KEY_QUOTA = 1000, 3000


def cancel_all(venue: State, call: Call) -> object:
    """Orders, stops and TP/SL, and the TWAPs of the markets that it covers.

    Not documented, and here as they would hurt: strategies stay (and so place new orders), `exclude_reduce_only` keeps
    reduce-only stops and TWAPs too, an unknown symbol is a success that cancels nothing, and with `all_symbols` a
    symbol is ignored.
    """
    symbol = "" if call.payload["all_symbols"] else call.payload.get("symbol")
    if symbol is None:
        raise INVALID
    kept = venue.fault("keeps", call.request)
    venue.trigger_later(call.account, call.request)
    orders = [
        order
        for order in call.account.book.open()
        if order.segment != STRATEGIES
        and symbol in ("", order.symbol)
        and not (call.payload["exclude_reduce_only"] and order.reduce_only)
        and not (
            kept
            and {"stop": is_stop(order), "twap": order.segment == TWAP, "spot": "-" in order.symbol}[str(kept.value)]
        )
    ]
    answer = {"cancelled_count": len(venue.cancel(call.account, orders, call.request).accepted)}
    if venue.fault("bare", call.request):
        # The documents show some answers without the envelope that live ones have.
        raise Answered(json_reply(answer))
    return answer


def cancel_order(venue: State, call: Call) -> object:
    """Stops have a call of their own, which is for every order whose type begins with `stop_` or `take_profit_`."""
    order, stops = _named(call, ORDERS), call.route.detail == "cancel_stop_order"
    if order is None or is_stop(order) is not stops:
        # The second one was seen live, with the older numbering of the codes.
        raise Refused(400, "Stop order not found") if stops else Refused(5, "Failed to cancel order", 422)
    return _cancel(venue, call, order)


def cancel_twap(venue: State, call: Call) -> object:
    """A success for ids that do not exist. Of two ids the client's wins."""
    by_client_id = "client_order_id" in call.payload
    ids = {name: value for name, value in call.payload.items() if not (by_client_id and name == "order_id")}
    order = _named(replace(call, payload=ids), TWAP)
    if order is None and by_client_id:
        raise Refused(37, "Unused client order id", 422)
    return order and _cancel(venue, call, order)


def cancel_strategy(venue: State, call: Call) -> object:
    """Ends the strategy and cancels the orders that it still has open."""
    strategy = call.account.book.find(str(call.payload["strategy_id"]))
    if strategy is None or strategy.segment != STRATEGIES or strategy.status != "open":
        raise NO_STRATEGY
    children = [order for order in call.account.book.open(ORDERS) if order.extra.get("strategy") == strategy.id]
    venue.cancel(call.account, [strategy, *children], call.request)
    return None


def _named(call: Call, segment: str) -> SimOrder | None:
    """The open order of this part of the account that the ids name; a wrong symbol names nothing."""
    ids = call.payload
    if "order_id" not in ids and "client_order_id" not in ids:
        raise INVALID
    order = call.account.book.find(str(ids.get("order_id", "")), str(ids.get("client_order_id", "")))
    if order is None or order.segment != segment or order.status != "open" or order.symbol != ids["symbol"]:
        return None
    return order


def _cancel(venue: State, call: Call, order: SimOrder) -> object:
    venue.trigger_later(call.account, call.request)
    venue.cancel(call.account, [order], call.request)
    return None


def cancel_batch(venue: State, call: Call) -> object:
    """Up to ten actions, each signed by itself; only cancels and limit orders are known here. One bad signature refuses
    them all; what an action is refused for otherwise stands in its own result.
    """
    actions = call.payload.get("actions")
    if not isinstance(actions, list) or not 1 <= len(actions) <= _BATCH_MAX:
        raise INVALID
    results: list[dict[str, object]] = []
    for action in [_action(venue, call, each) for each in actions]:
        try:
            data = action.route.handler(venue, action)
        except Refused as refused:
            results.append({"success": False, "error": refused.message})
        else:
            results.append({"success": True, **(data if isinstance(data, dict) else {}), "error": None})
    return {"results": results}


def _action(venue: State, call: Call, action: object) -> Call:
    body = action.get("data") if isinstance(action, dict) else None
    route = _ACTIONS.get(str(action.get("type"))) if isinstance(action, dict) else None
    if route is None or not isinstance(body, dict):
        raise unparsable("actions")
    account, payload = venue.authenticate(route.detail, body)
    return replace(call, route=route, account=account, payload=payload)


def create_order(venue: State, call: Call) -> object:
    payload, order = call.payload, _order(call, "limit")
    amount = positive(payload, "amount", Refused(0, "Invalid amount", 422))
    client_id = str(payload.get("client_order_id", ""))
    priced = replace(order, price=_price(payload, "price", order))
    if client_id and call.account.book.find(client_id=client_id):
        raise Refused(38, "Client order id already used", 422)
    return {"order_id": int(venue.accept(call.account, priced, amount, client_id, fills=False).id)}


def create_stop(venue: State, call: Call) -> object:
    """With `limit_price` a stop-limit order, else a stop-market one."""
    stop = call.payload["stop_order"]
    if not isinstance(stop, dict) or "stop_price" not in stop:
        raise unparsable("stop_order: missing field `stop_price`")
    order = _order(call, "stop_market" if stop.get("limit_price") is None else "stop_limit")
    price = _price(stop, "limit_price", order) if order.kind == "stop_limit" else "0"
    priced = replace(order, price=price, extra={"stop_price": _price(stop, "stop_price", order)})
    amount, client_id = str(stop.get("amount", "0")), str(stop.get("client_order_id", ""))
    return {"order_id": int(venue.accept(call.account, priced, amount, client_id, fills=False).id)}


def _order(call: Call, kind: str) -> SimOrder:
    symbol, side = str(call.payload["symbol"]), _SIDES.get(str(call.payload["side"]))
    if symbol not in MARKETS:
        raise Refused(3, "Book not found", 422)
    if side is None:
        raise unparsable(f"side: unknown variant `{call.payload['side']}`, expected `bid` or `ask`")
    closing = call.payload["reduce_only"] is True
    return SimOrder(symbol=symbol, segment=ORDERS, side=side, kind=kind, reduce_only=closing)


def _price(values: Fields, name: str, order: SimOrder) -> str:
    tick = MARKETS[order.symbol].tick
    bad = Refused(400, f"Price {values[name]} is not a multiple of tick size {tick}")
    price = positive(values, name, bad)
    if Decimal(price) % Decimal(tick):
        raise bad
    return price


# What a batch may hold.
_ACTIONS = {
    "Cancel": cancel(cancel_order, detail="cancel_order"),
    "CancelStopOrder": cancel(cancel_order, detail="cancel_stop_order"),
    "Create": create(create_order, detail="create_order"),
}


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
    stops = [is_stop(order) for order in call.account.book.open(ORDERS)]
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
            "POST /api/v1/orders/cancel_all": cancel(cancel_all, detail="cancel_all_orders"),
            "POST /api/v1/orders/cancel": cancel(cancel_order, detail="cancel_order"),
            "POST /api/v1/orders/stop/cancel": cancel(cancel_order, detail="cancel_stop_order"),
            "POST /api/v1/orders/twap/cancel": cancel(cancel_twap, detail="cancel_twap_order"),
            "POST /api/v1/order_strategies/cancel": cancel(cancel_strategy, detail="cancel_order_strategy"),
            "POST /api/v1/orders/create": create(create_order, detail="create_order"),
            "POST /api/v1/orders/stop/create": create(create_stop, detail="create_stop_order"),
            f"POST {_BATCH}": cancel(cancel_batch),
            "GET /api/v1/orders": listing(open_orders),
            "GET /api/v1/orders/twap": listing(twaps),
            "GET /api/v1/order_strategies": listing(strategies),
            "GET /api/v1/order_strategies/{id}": read(strategy),
            "GET /api/v1/account": read(account_info),
            "GET /api/v1/positions": read(positions),
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
