"""The fake Bybit: its routes, its checks in the venue's order, and its own words."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from ..book import Account, SimOrder
from ..faults import declared
from ..limits import AddressLimit, Allowance, Draw
from ..refusals import Answered, Refusal, Refused, bare, page
from ..routes import NOBODY, Call, Routes, cancel, create, listing, public, read
from ..wire import Headers, SimReply, SimRequest, json_reply
from .account import KEY_HEADER, account_info, authenticate, dcp_info, market_time, nothing, query_api
from .instruments import stock
from .listing import history, instruments_info, realtime, spread_instruments
from .orders import cancel_all, cancel_batch, cancel_one, create_order
from .positions import position_list
from .state import BIDIRECTIONAL, OCO, Answer, State, bad, product_of
from .strategies import child_cancelled, stock_strategies, stop_strategy, strategy_list

# Per second, key and path: https://bybit-exchange.github.io/docs/v5/rate-limit (as of 2026-07-24), default tier. Three
# numbers: futures (linear and inverse share one cell of the table), option, spot. 50 where the table names no number.
_TOO_MANY = Refused(10006, "Too many visits. Exceeded the API Rate Limit.")
_THREE, _FIFTY = (10, 10, 20), (50, 50, 50)
# What an account without a product answers; any other code goes by its number.
_ABSENT_WORDS = {
    "10028": "The API can only be accessed by unified account users.",
    "110132": "This product is not available in your region.",
}


def _gateway(status: int, sentence: str) -> Answered:
    """The HTML page of the content delivery network, which answers in front of the API."""
    head = "<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD>"
    return page(status, f"{head}<BODY>{sentence}</BODY></HTML>\n")


class Bybit(State):
    name = "bybit"
    key_header = KEY_HEADER
    # In the form of the real ones: 18 and 36 letters and digits.
    secrets: ClassVar = {"api_key": ("SIM", 15), "api_secret": ("DUMMY", 31)}
    text_fields = frozenset({"retMsg", "msg", "orderLinkId", "symbol", "rejectReason", "createType"})
    status_fields = frozenset({"orderStatus"})
    routes = Routes(
        {
            "POST /v5/order/cancel-all": cancel(cancel_all, detail=(10, 1, 20)),
            "POST /v5/order/cancel": cancel(cancel_one, detail=_THREE),
            "POST /v5/order/cancel-batch": cancel(cancel_batch, detail=_THREE),
            "POST /v5/spread/order/cancel-all": cancel(cancel_all, 5),
            "POST /v5/spread/order/cancel": cancel(cancel_one, 50),
            "POST /v5/strategy/stop": cancel(stop_strategy, 100),
            "POST /v5/order/create": create(create_order, detail=_THREE),
            "GET /v5/order/realtime": listing(realtime, detail=_FIFTY),
            "GET /v5/spread/order/realtime": listing(realtime, 50),
            "GET /v5/strategy/list": listing(strategy_list, 200),
            "GET /v5/order/history": read(history, detail=_FIFTY),
            "GET /v5/spread/order/history": read(history, 50),
            "GET /v5/position/list": read(position_list, 50),
            "GET /v5/user/query-api": read(query_api, 10),
            "GET /v5/account/info": read(account_info, 50),
            "GET /v5/account/query-dcp-info": read(dcp_info, 10),
            # Empty, but there: clients that load everything ask for it.
            "GET /v5/asset/coin/query-info": read(nothing("rows"), 50),
            "GET /v5/market/time": public(market_time),
            "GET /v5/market/instruments-info": public(instruments_info),
            "GET /v5/spread/instrument": public(spread_instruments),
            "GET /v5/system/status": public(nothing("list")),
        }
    )
    refusals: ClassVar = {
        Refusal.KEY: Refused(10003, "API key is invalid."),
        Refusal.IP: Refused(10010, "Unmatched IP, please check your API key's bound IP addresses."),
        Refusal.PERMISSION: Refused(10005, "Permission denied, please check your API key permissions."),
        Refusal.RATE_LIMIT: _TOO_MANY,
        Refusal.INTERNAL: _gateway(500, "Internal server error"),
        Refusal.MAINTENANCE: Refused(10016, "Server error."),
        Refusal.REQUEST: Refused(10001, "params error"),
        Refusal.PRODUCT: Refused(10024, "The product or service is not available for compliance reasons."),
        Refusal.HOST: Refused(10018, "Exceeded the IP Rate Limit."),
        Refusal.ABSENT: Refused(10028, _ABSENT_WORDS["10028"]),
    }
    own_faults = declared(__file__)
    unnamed_kinds = frozenset({OCO, BIDIRECTIONAL})
    # In milliseconds: 600 requests in 5 seconds from one address, and it is shut out for ten minutes.
    address_limit = AddressLimit(600, 5000, 600_000, _gateway(403, "access too frequent"))
    _limited = 0

    def stock(self, account: Account, orders: int) -> None:
        """Orders of every kind, and strategies of every type and state, of whose orders five are among the number."""
        children = 0 if orders < 10 else 1 if orders < 20 else 5
        self.put_stock(account, stock(self.instruments), orders - children, named=True)
        if orders:
            stock_strategies(self, account, children)

    def on_cancelled(self, account: Account, order: SimOrder) -> None:
        """A running strategy replaces its order, unless accounts lack strategies."""
        fault = self.has_fault("lacks")
        if fault is None or fault.parts[0] != "strategy":
            child_cancelled(self, account, order)

    def no_route(self, request: SimRequest) -> Refused:
        """A code in JSON, with HTTP 404."""
        return Refused(10017, "Route not found.", status=404)

    def authorize(self, call: Call) -> Call:
        """Key, clock and signature, and what the key may do; then the body has to be a JSON object."""
        request = call.request
        account = self.accounts.get(self.key_of(request), NOBODY)
        authenticate(request, account.credentials, self.server_now())
        if self.fault("expired", request):
            raise Refused(33004, "Your api key has expired.")
        if call.route.kind.changes and self.fault("read-only", request):
            raise self.refusals[Refusal.PERMISSION]
        try:
            payload = call.query if request.method == "GET" else request.json_object()
        except ValueError as error:
            raise bad("the body is not a JSON object") from error
        return replace(call, account=account, payload=payload)

    def draws(self, call: Call) -> Iterable[Draw]:
        """By path, and for some by category."""
        if call.route.detail is None:
            return super().draws(call)
        futures, option, spot = call.route.detail
        name = product_of(call) if product_of(call) in ("option", "spot") else "futures"
        return [Draw((call.path, name), {"futures": futures, "option": option, "spot": spot}[name])]

    def limit_headers(self, allowance: Allowance) -> Headers:
        return (
            ("X-Bapi-Limit", str(allowance.limit)),
            ("X-Bapi-Limit-Status", str(allowance.remaining)),
            ("X-Bapi-Limit-Reset-Timestamp", str(self.to_server(allowance.reset_ms))),
        )

    def over_limit(self, allowance: Allowance, request: SimRequest) -> SimReply:
        """Code 10006, every other time without the limit headers, as clients have found. Option cancels know 30035."""
        self._limited += 1
        if self._limited % 2 == 0:
            return self.refusal(_TOO_MANY, request)
        option = request.path == "/v5/order/cancel-all" and b'"option"' in request.body
        said = Refused(30035, "Cancel too fast, please try again later.") if option else _TOO_MANY
        return self.refusal(said, request, self.limit_headers(allowance))

    def check(self, call: Call) -> None:
        product = product_of(call)
        fault = self.fault("lacks", call.request, lambda each: each.parts[0] == product)
        answer = fault.parts[1] or "10028" if fault else ""
        if answer == "404":
            raise bare(404, "404 page not found")
        if answer:
            raise Refused(int(answer), _ABSENT_WORDS.get(answer, "This product is not available to you."))

    def answer(self, value: Any, call: Call | None, headers: Headers) -> SimReply:
        """Every V5 answer carries the server's time at the top level."""
        said = {"retCode": value.code, "retMsg": value.message, "result": value.result, "retExtInfo": value.ext}
        return json_reply({**said, "time": self.server_now()}, value.status, headers)

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        said = Answer(code=refused.code, message=refused.message, status=refused.status or 200)
        return self.answer(said, None, headers)

    def refuse(self, reason: Refusal, request: SimRequest) -> SimReply:
        """A limit that is full tells when it is not."""
        if reason is Refusal.RATE_LIMIT:
            return self.over_limit(self._full(1, seconds=1), request)
        return super().refuse(reason, request)

    def too_many(self, seconds: float, request: SimRequest) -> SimReply:
        """The limit header names the moment."""
        return self.refusal(Refused(10006, "Too many visits!"), request, self.limit_headers(self._full(10, seconds)))

    def _full(self, limit: int, seconds: float) -> Allowance:
        return Allowance(allowed=False, limit=limit, remaining=0, reset_ms=self.now_ms() + round(seconds * 1000))


FAKE = Bybit
