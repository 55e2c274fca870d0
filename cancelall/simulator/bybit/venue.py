"""The fake Bybit: routes, checks in the venue's order, and its own words."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..book import Account, SimOrder
from ..fake import FakeVenue, Refusal, wall_clock_ms
from ..faults import CANCELS, LISTINGS, READS, SIGNED, FaultSpec, Kind
from ..limits import Allowance
from ..wire import SimReply, SimRequest, text_reply
from . import auth, limits
from .account import account_info, coin_info, market_time, query_api, system_status
from .answers import Answer, Refused, RefusedBare, answer_reply, gateway_page, refusal_reply
from .cancel import cancel_all, cancel_batch, cancel_one
from .create import create_order
from .instruments import CATEGORIES, Instruments, instruments_info, spread_instruments
from .listing import history, realtime
from .spread import spread_cancel, spread_cancel_all, spread_history, spread_realtime
from .stock import stock_orders
from .strategies import Strategy, child_cancelled, stock_strategies, stop_strategy, strategy_list

Private = Callable[["Bybit", Account, SimRequest], Answer]
Public = Callable[["Bybit", SimRequest], Answer]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What a path does, and whether it needs a signature."""

    kind: Kind
    private: Private | None = None
    public: Public | None = None


_ROUTES: Mapping[tuple[str, str], Route] = {
    ("POST", "/v5/order/cancel-all"): Route(kind=Kind.CANCEL, private=cancel_all),
    ("POST", "/v5/order/cancel"): Route(kind=Kind.CANCEL, private=cancel_one),
    ("POST", "/v5/order/cancel-batch"): Route(kind=Kind.CANCEL, private=cancel_batch),
    ("POST", "/v5/spread/order/cancel-all"): Route(kind=Kind.CANCEL, private=spread_cancel_all),
    ("POST", "/v5/spread/order/cancel"): Route(kind=Kind.CANCEL, private=spread_cancel),
    ("POST", "/v5/strategy/stop"): Route(kind=Kind.CANCEL, private=stop_strategy),
    ("POST", "/v5/order/create"): Route(kind=Kind.CREATE, private=create_order),
    ("GET", "/v5/order/realtime"): Route(kind=Kind.LISTING, private=realtime),
    ("GET", "/v5/spread/order/realtime"): Route(kind=Kind.LISTING, private=spread_realtime),
    ("GET", "/v5/strategy/list"): Route(kind=Kind.LISTING, private=strategy_list),
    ("GET", "/v5/order/history"): Route(kind=Kind.READ, private=history),
    ("GET", "/v5/spread/order/history"): Route(kind=Kind.READ, private=spread_history),
    ("GET", "/v5/user/query-api"): Route(kind=Kind.READ, private=query_api),
    ("GET", "/v5/account/info"): Route(kind=Kind.READ, private=account_info),
    ("GET", "/v5/asset/coin/query-info"): Route(kind=Kind.READ, private=coin_info),
    ("GET", "/v5/market/time"): Route(kind=Kind.PUBLIC, public=market_time),
    ("GET", "/v5/market/instruments-info"): Route(kind=Kind.PUBLIC, public=instruments_info),
    ("GET", "/v5/spread/instrument"): Route(kind=Kind.PUBLIC, public=spread_instruments),
    ("GET", "/v5/system/status"): Route(kind=Kind.PUBLIC, public=system_status),
}

# What an account without a product answers; any other code can be asked for by its number.
_ABSENT_WORDS = {
    "10028": "The API can only be accessed by unified account users.",
    "110132": "This product is not available in your region.",
}


class Bybit(FakeVenue):
    """The V5 API of a unified account."""

    name = "bybit"
    text_fields = frozenset({"retMsg", "msg", "orderLinkId", "symbol", "rejectReason", "createType"})
    status_fields = frozenset({"orderStatus"})
    own_faults: ClassVar[Mapping[str, FaultSpec]] = {
        "lacks": FaultSpec(
            help="the account lacks a product: linear, inverse, spot, option, spread or strategy; after a slash what "
            "it answers: 10028, 110132, another code, or 404",
            default="option",
            kinds=SIGNED,
        ),
        "success": FaultSpec(
            help="a mass cancel's `success`: missing, or 0 and then nothing is cancelled",
            default="missing",
            kinds=CANCELS,
        ),
        "ack-list": FaultSpec(help="a mass cancel's `list`: absent or null", default="absent", kinds=CANCELS),
        "no-batch": FaultSpec(
            help="the account has no batch cancel: 404 without JSON, or this code", default="404", kinds=CANCELS
        ),
        "page-refused": FaultSpec(help="the second and later pages of a listing are refused", kinds=LISTINGS),
        "cursor-stays": FaultSpec(help="the last page's cursor points to that page itself", kinds=LISTINGS),
        "empty-page": FaultSpec(help="a listing's first page is empty and has a cursor", kinds=LISTINGS),
        "odd-field": FaultSpec(
            help="this field of a page's first row is an object, or the text (or null) after a slash",
            default="price",
            kinds=LISTINGS,
        ),
        "rights": FaultSpec(
            help="the key's rights as query-api names them", default="Spot.SpotTrade+Wallet.Withdraw", kinds=READS
        ),
        "read-only": FaultSpec(help="the key may read and cannot cancel", kinds=SIGNED),
        "bound": FaultSpec(help="the key is bound to this address", default="127.0.0.1", kinds=READS),
        "key-days": FaultSpec(help="the key ends in so many days", default=5.0, kinds=READS),
        "expired": FaultSpec(help="the key has expired", kinds=SIGNED),
        "classic": FaultSpec(help="the account is no unified one", kinds=READS),
    }

    def __init__(self, *, now_ms: Callable[[], int] = wall_clock_ms, seed: int = 1, limits: bool = True) -> None:
        super().__init__(now_ms=now_ms, seed=seed, limits=limits)
        self.instruments = Instruments(now_ms())
        self._strategies: dict[str, dict[str, Strategy]] = {}
        self._banned_until_ms: dict[str, int] = {}
        self._limited = 0

    # What the handlers use.

    def strategies_of(self, account: Account) -> dict[str, Strategy]:
        """An account's strategies by their id."""
        return self._strategies.setdefault(account.key, {})

    def strategies_alive(self, account: Account) -> list[Strategy]:
        """The strategies of an account that can still place orders."""
        with self.lock:
            return [strategy for strategy in self.strategies_of(account).values() if strategy.alive]

    def lacks(self, product: str) -> bool:
        """Whether accounts lack this product, whatever the request."""
        fault = self.has_fault("lacks")
        return fault is not None and str(fault.value).partition("/")[0] == product

    def body(self, request: SimRequest) -> dict[str, object]:
        """The request's body, or Bybit's refusal of it."""
        try:
            return request.json_object()
        except ValueError as error:
            raise Refused(10001, "params error: the body is not a JSON object") from error

    def category(self, values: Mapping[str, object]) -> str:
        """A request's category, or Bybit's refusal of it."""
        category = values.get("category")
        if category not in CATEGORIES:
            raise Refused(10001, "params error: Category is invalid")
        return str(category)

    def uuid(self) -> str:
        """A fresh UUID, the same for the same seed."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def order_id(self, segment: str) -> str:
        """A fresh order id: digits on spot, a UUID elsewhere."""
        return str(self.random.randrange(10**18, 2 * 10**18)) if segment == "spot" else self.uuid()

    # What the framework asks for.

    def classify(self, request: SimRequest) -> Kind:
        """By the route; an unknown POST counts as one that changes something."""
        route = _ROUTES.get((request.method, request.path))
        if route:
            return route.kind
        return Kind.PUBLIC if request.method == "GET" else Kind.CREATE

    def key_of(self, request: SimRequest) -> str:
        """The key of the headers."""
        return auth.key_of(request)

    def account_key(self, credentials: Mapping[str, str]) -> str:
        """The key as the headers carry it."""
        return credentials["api_key"]

    def new_credentials(self) -> Mapping[str, str]:
        """Dummies in the form of the real ones: 18 and 36 letters and digits."""
        return {"api_key": f"SIM{self.random.getrandbits(60):015x}", "api_secret": f"DUMMY{self._hex(31)}"}

    def _hex(self, digits: int) -> str:
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def new_id(self, like: SimOrder) -> str:
        """An id as the order's segment has them."""
        return self.order_id(like.segment)

    def stock(self, account: Account, orders: int) -> None:
        """Orders of every kind, and strategies of every type and state, of whose orders five are among the number."""
        children = 0 if orders < 10 else 1 if orders < 20 else 5
        for order in stock_orders(self.instruments, orders - children, self.now_ms(), self.order_id):
            self.place(account, order)
        if orders:
            stock_strategies(self, account, children)

    def on_cancelled(self, account: Account, order: SimOrder) -> None:
        """A running strategy replaces its order."""
        child_cancelled(self, account, order)

    def refuse(self, reason: Refusal, request: SimRequest) -> SimReply:
        """Bybit's words; error 500 comes as a page of the gateway."""
        now_ms = self.server_now()
        match reason:
            case Refusal.KEY:
                return refusal_reply(10003, "API key is invalid.", now_ms)
            case Refusal.IP:
                return refusal_reply(10010, "Unmatched IP, please check your API key's bound IP addresses.", now_ms)
            case Refusal.PERMISSION:
                return refusal_reply(10005, "Permission denied, please check your API key permissions.", now_ms)
            case Refusal.RATE_LIMIT:
                return self._too_many(
                    request, Allowance(allowed=False, limit=1, remaining=0, reset_ms=self.now_ms() + 1000)
                )
            case Refusal.INTERNAL:
                return gateway_page(500, "Internal server error")
            case Refusal.MAINTENANCE:
                return refusal_reply(10016, "Server error.", now_ms)
            case Refusal.REQUEST:
                return refusal_reply(10001, "params error", now_ms)
            case Refusal.PRODUCT:
                return refusal_reply(10024, "The product or service is not available for compliance reasons.", now_ms)
            case Refusal.HOST:
                return refusal_reply(10018, "Exceeded the IP Rate Limit.", now_ms)
            case Refusal.ABSENT:
                return refusal_reply(10028, _ABSENT_WORDS["10028"], now_ms)

    def too_many(self, seconds: float, request: SimRequest) -> SimReply:
        """Code 10006; the limit header names the moment."""
        reset_ms = self.now_ms() + round(seconds * 1000)
        headers = self._limit_headers(Allowance(allowed=False, limit=10, remaining=0, reset_ms=reset_ms))
        return refusal_reply(10006, "Too many visits!", self.server_now(), headers=headers)

    def respond(self, request: SimRequest) -> SimReply:
        """Address, route, product, key and signature, rate limit, and then the request itself."""
        if self._banned(request):
            return gateway_page(403, "access too frequent")
        try:
            route = _ROUTES.get((request.method, request.path))
            if route is None:
                raise Refused(10017, "Route not found.", status=404)
            if route.public:
                return answer_reply(route.public(self, request), self.server_now())
            return self._respond_private(route, request)
        except Refused as refused:
            return refusal_reply(refused.code, refused.message, self.server_now(), status=refused.status)
        except RefusedBare as refused:
            return text_reply(refused.text, refused.status, "text/plain")

    def _respond_private(self, route: Route, request: SimRequest) -> SimReply:
        account = self.accounts.get(self.key_of(request))
        auth.authenticate(request, account.credentials if account else None, self.server_now())
        if account is None or route.private is None:
            raise AssertionError("authenticate() lets no unknown key pass, and a route is public or private")
        if self.fault("expired", request):
            raise Refused(33004, "Your api key has expired.")
        if route.kind.changes and self.fault("read-only", request):
            raise Refused(10005, "Permission denied, please check your API key permissions.")
        product = self._product(request)
        headers: tuple[tuple[str, str], ...] = ()
        if self.limits:
            bucket, limit = limits.limit_of(request.path, product)
            allowance = self.buckets.take((account.key, bucket), limit=limit, now_ms=self.now_ms())
            if not allowance.allowed:
                return self._too_many(request, allowance)
            headers = self._limit_headers(allowance)
        self._check_product(product, request)
        try:
            return answer_reply(route.private(self, account, request), self.server_now(), headers)
        except Refused as refused:
            now_ms = self.server_now()
            return refusal_reply(refused.code, refused.message, now_ms, status=refused.status, headers=headers)

    def _product(self, request: SimRequest) -> str:
        """The product that a request is about: its category, or what its path says."""
        for product in ("spread", "strategy"):
            if request.path.startswith(f"/v5/{product}/"):
                return product
        if request.method == "GET":
            return request.parameters().get("category", "")
        return str(self.body(request).get("category", ""))

    def _check_product(self, product: str, request: SimRequest) -> None:
        fault = self.fault("lacks", request, lambda each: str(each.value).partition("/")[0] == product)
        if fault is None:
            return
        answer = str(fault.value).partition("/")[2] or "10028"
        if answer == "404":
            raise RefusedBare(404, "404 page not found")
        raise Refused(int(answer), _ABSENT_WORDS.get(answer, "This product is not available to you."))

    def _banned(self, request: SimRequest) -> bool:
        """600 requests in 5 seconds from one address, whatever the key, and it is shut out for ten minutes."""
        if not self.limits:
            return False
        now_ms, address = self.now_ms(), request.client
        if self._banned_until_ms.get(address, 0) > now_ms:
            return True
        allowance = self.buckets.take(
            ("address", address), limit=limits.IP_LIMIT, per_ms=limits.IP_WINDOW_MS, now_ms=now_ms
        )
        if not allowance.allowed:
            self._banned_until_ms[address] = now_ms + limits.IP_BAN_MS
        return not allowance.allowed

    def may_take_another(self, account: Account, path: str, category: str) -> bool:
        """Whether the limit holds one more order of a batch, which counts as a request of its own."""
        if not self.limits or category == "option":
            return True
        bucket, limit = limits.limit_of(path, category)
        return self.buckets.take((account.key, bucket), limit=limit, now_ms=self.now_ms()).allowed

    def _limit_headers(self, allowance: Allowance) -> tuple[tuple[str, str], ...]:
        return (
            ("X-Bapi-Limit", str(allowance.limit)),
            ("X-Bapi-Limit-Status", str(allowance.remaining)),
            ("X-Bapi-Limit-Reset-Timestamp", str(self.to_server(allowance.reset_ms))),
        )

    def _too_many(self, request: SimRequest, allowance: Allowance) -> SimReply:
        """Code 10006, every other time without the limit headers, as clients have found. Option cancels know 30035."""
        self._limited += 1
        bare = self._limited % 2 == 0
        headers = () if bare else self._limit_headers(allowance)
        if not bare and request.path == "/v5/order/cancel-all" and b'"option"' in request.body:
            return refusal_reply(30035, "Cancel too fast, please try again later.", self.server_now(), headers=headers)
        words = "Too many visits. Exceeded the API Rate Limit."
        return refusal_reply(10006, words, self.server_now(), headers=headers)


FAKE = Bybit
