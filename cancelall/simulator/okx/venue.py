"""The fake OKX: its routes, its checks in the venue's order, its limits, and its own words."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, ClassVar

from ..book import Account
from ..faults import declared
from ..limits import Allowance
from ..refusals import Refusal, Refused, bare
from ..routes import NOBODY, Call, Routes, cancel, create, listing, public, read
from ..wire import Headers, SimReply, SimRequest, json_reply
from . import account, countdown, orders
from . import listing as lists
from .instruments import ALGOS
from .state import KEY_HEADER, WRONG_ENVIRONMENT, State, authenticate, read_body, rows

_PER_MS = 2000
_BATCH, _BY_INSTRUMENT, _ONE = "batch", "instrument", ""
"""What a route's limit counts: the orders of a batch by their instruments, requests by instrument, requests."""
_TOO_MANY = Refused("50011", "Too Many Requests", 429)
_BOTS = "grid/orders-algo-pending dca/ongoing-list signal/orders-algo-pending recurring/orders-algo-pending".split()


class Okx(State):
    name = "okx"
    key_header = KEY_HEADER
    # In the form of the real ones: a UUID, 32 hex digits, whatever the user has chosen.
    secrets: ClassVar = {"api_key": ("51a0ca5e-", 27), "api_secret": ("D0D0", 28), "passphrase": ("DUMMY", 11)}
    text_fields = frozenset({"msg", "sMsg", "clOrdId", "algoClOrdId", "category", "tag"})
    status_fields = frozenset({"state"})
    # Requests, or orders, in two seconds: from each endpoint's section.
    routes = Routes(
        {
            "POST /api/v5/sprd/mass-cancel": cancel(orders.cancel_spreads, 10),
            "POST /api/v5/sprd/cancel-order": cancel(orders.cancel_spread, 20),
            "POST /api/v5/trade/cancel-batch-orders": cancel(orders.cancel_orders, 300, detail=_BATCH),
            "POST /api/v5/trade/cancel-order": cancel(orders.cancel_orders, 60, detail=_BY_INSTRUMENT),
            "POST /api/v5/trade/cancel-algos": cancel(orders.cancel_algos, 20, detail=_BATCH),
            "POST /api/v5/trade/cancel-advance-algos": cancel(orders.cancel_advance, 20, detail=_BATCH),
            "POST /api/v5/trade/cancel-all-after": create(countdown.orders, 2),
            "POST /api/v5/sprd/cancel-all-after": create(countdown.spreads, 2),
            "POST /api/v5/trade/order": create(orders.place, 60, detail=_BY_INSTRUMENT),
            "POST /api/v5/trade/batch-orders": create(orders.place, 300, detail=_BATCH),
            "POST /api/v5/trade/order-algo": create(orders.place, 20),
            "GET /api/v5/trade/orders-pending": listing(lists.orders_pending, 60),
            "GET /api/v5/trade/orders-algo-pending": listing(lists.algos_pending, 20),
            "GET /api/v5/sprd/orders-pending": listing(lists.spreads_pending, 10),
            "GET /api/v5/trade/order": read(lists.one_order, 60, detail=_BY_INSTRUMENT),
            "GET /api/v5/trade/order-algo": read(lists.one_order, 20),
            "GET /api/v5/sprd/order": read(lists.one_order, 20),
            "GET /api/v5/trade/orders-history": read(lists.history, 40),
            "GET /api/v5/trade/orders-algo-history": read(lists.history, 20),
            "GET /api/v5/sprd/orders-history": read(lists.history, 20),
            "GET /api/v5/account/config": read(account.config, 5),
            "GET /api/v5/account/positions": read(account.positions, 10),
            # Empty, but there: clients that load everything ask for it.
            "GET /api/v5/asset/currencies": read(account.nothing, 12),
            **{f"GET /api/v5/tradingBot/{path}": read(account.bots, 20, detail=path) for path in _BOTS},
            "GET /api/v5/public/time": public(account.time),
            "GET /api/v5/public/instruments": public(account.instruments),
            "GET /api/v5/public/underlying": public(account.underlying),
            "GET /api/v5/sprd/spreads": public(account.spreads),
        }
    )
    refusals: ClassVar = {
        Refusal.KEY: Refused("50119", "API key doesn't exist", 401),
        Refusal.IP: Refused("50110", "Your IP 127.0.0.1 is not included in your API key's IP whitelist.", 401),
        Refusal.PERMISSION: Refused("50120", "This API key doesn't have permission to use this function"),
        Refusal.RATE_LIMIT: _TOO_MANY,
        Refusal.INTERNAL: Refused("50026", "System error. Try again later", 500),
        Refusal.MAINTENANCE: Refused("50001", "Service temporarily unavailable. Please try again later.", 503),
        Refusal.REQUEST: Refused("51000", "Parameter instId error", 400),
        Refusal.PRODUCT: Refused("50051", "Due to compliance restrictions in your country or region, you cannot."),
        Refusal.ABSENT: Refused("51010", "Request unsupported under current account mode"),
    }
    own_faults = declared(__file__)
    _limited = 0

    def stock(self, account: Account, orders: int) -> None:
        self.put_stock(account, self.instruments.stock(), orders, named=True)

    def no_route(self, request: SimRequest) -> Exception:
        """A bare 404."""
        return bare(404)

    def authorize(self, call: Call) -> Call:
        """Headers, clock, key, environment, passphrase and signature, and what the key may do; then the body."""
        request = call.request
        found = self.accounts.get(self.key_of(request), NOBODY)
        authenticate(request, found.credentials, self.server_now())
        if (request.headers.get("x-simulated-trading") == "1") is not (self.fault("demo", request) is not None):
            raise WRONG_ENVIRONMENT
        if call.route.kind.changes and self.fault("read-only", request):
            raise self.refusals[Refusal.PERMISSION]
        payload: dict[str, object] = dict(call.query)
        if request.method == "POST":
            payload = read_body(request, batch=call.route.detail == _BATCH)
        return replace(call, account=found, payload=payload)

    def _costs(self, call: Call) -> Iterable[tuple[str, int, int]]:
        """What a call takes of which limits: their names, sizes, and the number of requests or orders."""
        path, limit = call.path.rpartition("/")[2], call.route.limit
        if call.route.detail not in (_BATCH, _BY_INSTRUMENT):
            return [(call.path, limit, 1)]
        named = rows(call) if call.request.method == "POST" else [dict(call.query)]
        names = [self._family(str(one.get("instId", ""))) for one in named]
        if path == "cancel-batch-orders" and len(names) == 1:  # it counts as a single cancel
            path, limit = "cancel-order", 60
        return [(f"{path} {name}", limit, names.count(name)) for name in dict.fromkeys(names)]

    @staticmethod
    def _family(name: str) -> str:
        """Options share the limit of their family."""
        return "-".join(name.split("-")[:2]) if name.endswith(("-C", "-P")) else name

    def draw(self, call: Call) -> Allowance:
        left = Allowance(allowed=True, limit=0, remaining=0, reset_ms=0)
        for name, limit, cost in self._costs(call) if self.limits and call.route.limit else ():
            key = call.account.key, name
            left = self.buckets.take(key, limit=limit, now_ms=self.now_ms(), per_ms=_PER_MS, cost=cost)
            if not left.allowed:
                return left
        return left

    def over_limit(self, allowance: Allowance, request: SimRequest) -> SimReply:
        """Code 50011, with HTTP 200 and 429 by turns, as documented."""
        self._limited += 1
        return self.refusal(_TOO_MANY if self._limited % 2 else Refused("50011", "Rate limit reached."), request)

    def check(self, call: Call) -> None:
        """What the account, or the site, does not have."""
        part = call.query.get("ordType") or call.query.get("instType") or call.path.split("/")[3]
        fault = self.fault("lacks", call.request, lambda each: each.parts[0] == part)
        if fault:
            code = fault.parts[1] or ("51000" if part in (*ALGOS, "EVENTS") else "51010")
            raise bare(404) if code == "404" else Refused(code, "This is not available to you")
        if call.path.endswith("advance-algos") and (gone := self.fault("no-advance", call.request)):
            raise bare(404) if gone.value == "404" else Refused("50005", "API endpoint is inactive.", 410)
        if call.path.endswith("cancel-batch-orders") and self.fault("no-batch", call.request):
            raise Refused("50030", "You don't have permission to use this API endpoint")

    def answer(self, value: Any, call: Call | None, headers: Headers) -> SimReply:
        """Cancels tell when the request came in and went out, in microseconds."""
        if isinstance(value, orders.Outcome):
            now, words = str(self.server_now() * 1000), "" if value.code == "0" else "Operation failed."
            said = {"code": value.code, "data": list(value.rows), "msg": words, "inTime": now, "outTime": now}
            return json_reply(said, headers=headers)
        return json_reply({"code": "0", "data": value, "msg": ""}, headers=headers)

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        said: dict[str, object] = {"code": refused.code, "msg": refused.message}
        return json_reply(said if refused.status == 401 else {**said, "data": []}, refused.status or 200, headers)


FAKE = Okx
