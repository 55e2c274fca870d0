"""The fake DeltaDeFi: routes, the key, and its own words."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

from ..book import Account, SimOrder
from ..fake import FakeVenue, Refusal, wall_clock_ms
from ..faults import CANCELS, LISTINGS, SIGNED, FaultSpec, Kind
from ..wire import SimReply, SimRequest, json_reply
from . import account as reads
from .answers import (
    INTERNAL,
    INVALID_SYMBOL,
    LOCKED,
    NO_OPERATION_KEY,
    RATE_LIMIT,
    UNAUTHORIZED,
    UNAVAILABLE,
    Refused,
    RefusedBare,
    bare_reply,
    error_reply,
    invalid,
    no_route,
)
from .cancel import cancel_all, cancel_one
from .create import build, submit
from .listing import one_order, open_orders, order_records, trade_orders, trades
from .rows import YOUNG_MS, Style
from .stock import Template, stock_orders, templates

Private = Callable[["DeltaDeFi", Account, SimRequest], object]
Public = Callable[["DeltaDeFi", SimRequest], object]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What a path does, and whether it needs a key."""

    kind: Kind
    private: Private | None = None
    public: Public | None = None


_CANCEL_ONE = re.compile(r"/order/[^/]+/cancel")
_ORDER = "/accounts/order/"

_ROUTES: Mapping[tuple[str, str], Route] = {
    ("POST", "/order/cancel-all"): Route(kind=Kind.CANCEL, private=cancel_all),
    ("POST", "/order/{id}/cancel"): Route(kind=Kind.CANCEL, private=cancel_one),
    ("POST", "/order/build"): Route(kind=Kind.CREATE, private=build),
    ("POST", "/order/submit"): Route(kind=Kind.CREATE, private=submit),
    # A GET that changes something: it counts as one, so that a test which forbids changes sees it.
    ("GET", "/accounts/new-api-key"): Route(kind=Kind.CREATE, private=reads.new_api_key),
    ("GET", "/accounts/open-orders"): Route(kind=Kind.LISTING, private=open_orders),
    ("GET", "/accounts/order-records"): Route(kind=Kind.LISTING, private=order_records),
    ("GET", "/accounts/order/{id}"): Route(kind=Kind.READ, private=one_order),
    ("GET", "/accounts/trade-orders"): Route(kind=Kind.READ, private=trade_orders),
    ("GET", "/accounts/trades"): Route(kind=Kind.READ, private=trades),
    ("GET", "/accounts/api-key"): Route(kind=Kind.READ, private=reads.api_key),
    ("GET", "/accounts/spot-account"): Route(kind=Kind.READ, private=reads.spot_account),
    ("GET", "/accounts/balance"): Route(kind=Kind.READ, private=reads.balance),
    ("GET", "/app/market-config"): Route(kind=Kind.PUBLIC, public=reads.markets),
    ("GET", "/app/hydra-cycle"): Route(kind=Kind.PUBLIC, public=reads.hydra_cycle),
    ("GET", "/health/trading-lock-status"): Route(kind=Kind.PUBLIC, public=reads.trading_lock),
    ("GET", "/market/market-price"): Route(kind=Kind.PUBLIC, public=reads.market_price),
}

# Per second and key. The docs name the code 4290 without numbers: the team's bot throttles itself to 5 cancels and 10
# reads of an endpoint per second and was refused all the same, so a client had better stay below.
_CANCELS_PER_SECOND = 5
_READS_PER_SECOND = 10

# One cancel in so many lands late. The latest fill after a cancel that the bot logs show came after 1.85 s, the median
# after 0.36 s: a power of an even distribution has both.
_LATE_ONE_IN = 10
_LATEST_MS = 1850
_LATE_POWER = 2.36


class DeltaDeFi(FakeVenue):
    """The API of a spot account."""

    name = "deltadefi"
    text_fields = frozenset({"error", "symbol", "account_id"})
    status_fields = frozenset({"status"})
    wordless = frozenset({Refusal.HOST})
    own_faults: ClassVar[Mapping[str, FaultSpec]] = {
        "bare-list": FaultSpec(help="open orders come as a bare list, without totals", kinds=LISTINGS),
        "symbol-needed": FaultSpec(help="open orders are refused without a symbol", kinds=LISTINGS),
        "lenient-symbols": FaultSpec(help="an unknown symbol is answered like one without orders"),
        "delisted": FaultSpec(
            help="this symbol has left the market config, and calls that name it call it invalid; its orders rest",
            default="ADAUSDX",
        ),
        "count-off": FaultSpec(help="total_count is so much too high", default=1.0, kinds=LISTINGS),
        "unlisted": FaultSpec(help="orders younger than so many seconds are not listed", default=1.0, kinds=LISTINGS),
        "straggler": FaultSpec(
            help="so many seconds after an account's first empty listing, an order lands on that symbol",
            default=1.5,
            kinds=LISTINGS,
        ),
        "sdk-words": FaultSpec(help="statuses as the python SDK knows them: partially_filled and the like"),
        "numbers": FaultSpec(help="prices and quantities are JSON numbers"),
        "nothing": FaultSpec(
            help="the HTTP status of a cancel-all that finds nothing: 404, or 200 and then without an error",
            default="404",
            kinds=CANCELS,
        ),
        "short-ack": FaultSpec(help="cancel-all names only half of the orders that it takes", kinds=CANCELS),
        "prompt": FaultSpec(help="every cancel lands at once; without this, one in ten is late", kinds=CANCELS),
        "locked": FaultSpec(
            help="trading is locked for so many seconds after the first request; after a slash the HTTP status",
            default="2/400",
            kinds=SIGNED,
        ),
        "internal-400": FaultSpec(help="an internal error that comes with HTTP 400; nothing is processed"),
        "empty-403": FaultSpec(help="the gateway answers 403 without a body"),
        "upstream-503": FaultSpec(help="the gateway answers 503 with a sentence in plain text"),
    }

    def __init__(self, *, now_ms: Callable[[], int] = wall_clock_ms, seed: int = 1, limits: bool = True) -> None:
        super().__init__(now_ms=now_ms, seed=seed, limits=limits)
        self.building: dict[str, SimOrder] = {}
        self._account_ids: dict[str, str] = {}
        self._landing: set[str] = set()
        self._straggled: set[str] = set()

    # What the handlers use.

    def body(self, request: SimRequest) -> dict[str, object]:
        """The request's body, or DeltaDeFi's refusal of it."""
        try:
            return request.json_object()
        except ValueError as error:
            raise invalid("the body is not a JSON object") from error

    def uuid(self) -> str:
        """A fresh UUID, the same for the same seed."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def account_id(self, account: Account) -> str:
        """The account's id, which outlives its keys."""
        return self._account_ids.setdefault(account.key, self.uuid())

    def style(self, account: Account, request: SimRequest) -> Style:
        """How the rows of this answer are written."""
        return Style(
            account_id=self.account_id(account),
            now_ms=self.now_ms(),
            sdk_words=self.fault("sdk-words", request) is not None,
            numbers=self.fault("numbers", request) is not None,
        )

    def delisted(self, request: SimRequest) -> str:
        """The symbol that no call may name any more, if there is one."""
        fault = self.fault("delisted", request)
        return str(fault.value) if fault else ""

    def is_landing(self, order_id: str) -> bool:
        """Whether a cancel of this order was acknowledged and has not landed yet."""
        return order_id in self._landing

    def is_locked(self) -> bool:
        """Whether trading is locked now."""
        fault = self.has_fault("locked")
        return fault is not None and self._since_first_ms() < float(str(fault.value).partition("/")[0]) * 1000

    def _since_first_ms(self) -> int:
        return self.now_ms() - (self._first_request_ms if self._first_request_ms is not None else self.now_ms())

    def rotate_key(self, account: Account) -> str:
        """Give the account a new key. The old one opens nothing any more."""
        credentials = {**account.credentials, **self.new_credentials()}
        key = self.account_key(credentials)
        self._account_ids[key] = self.account_id(account)
        del self.accounts[account.key]
        self.accounts[key] = replace(account, key=key, credentials=credentials)
        return key

    def send_straggler(self, account: Account, symbol: str, request: SimRequest) -> None:
        """The fault `straggler`: an order that was on its way all along, once per account."""
        if account.key in self._straggled or not (fault := self.fault("straggler", request)):
            return
        self._straggled.add(account.key)
        template = next((each for each in templates() if each.symbol == symbol), Template(symbol=symbol))
        due_ms = self.now_ms() + round(fault.number * 1000)
        # When it lands it is old enough for a cancel to reach it.
        self.later(due_ms, lambda when_ms: self.place(account, template.order(self.uuid(), when_ms - YOUNG_MS)))

    # What the framework asks for.

    def classify(self, request: SimRequest) -> Kind:
        """By the route; an unknown path that is not read counts as one that changes something."""
        route = _route(request)
        if route:
            return route.kind
        return Kind.PUBLIC if request.method == "GET" else Kind.CREATE

    def key_of(self, request: SimRequest) -> str:
        """The key of the header: the only authentication there is."""
        return request.headers.get("x-api-key", "")

    def account_key(self, credentials: Mapping[str, str]) -> str:
        """The key as the header carries it."""
        return credentials["api_key"]

    def new_credentials(self) -> Mapping[str, str]:
        """A dummy in the form of the real one: 32 hex digits."""
        return {"api_key": f"d0d0d0d0{self.random.getrandbits(96):024x}"}

    def new_id(self, like: SimOrder) -> str:
        """A UUID, as every order has."""
        return self.uuid()

    def stock(self, account: Account, orders: int) -> None:
        """Limit orders and remainders of market orders, in every symbol and phase."""
        for order in stock_orders(orders, self.now_ms(), self.uuid):
            self.place(account, order)

    def _land(self, account: Account, orders: Sequence[SimOrder], request: SimRequest, when_ms: int) -> None:
        """Some cancels land late, as the matching engine carries them out when it gets to them."""
        prompt = self.fault("prompt", request) is not None
        late = [] if prompt else [order for order in orders if self.random.randrange(_LATE_ONE_IN) == 0]
        super()._land(account, [order for order in orders if order not in late], request, when_ms)
        for order in late:
            self._landing.add(order.id)
            delay_ms = round(_LATEST_MS * self.random.random() ** _LATE_POWER)
            self.later(when_ms + delay_ms, partial(self._land_late, account, order, request))

    def _land_late(self, account: Account, order: SimOrder, request: SimRequest, when_ms: int) -> None:
        self._landing.discard(order.id)
        super()._land(account, [order], request, when_ms)

    def refuse(self, reason: Refusal, request: SimRequest) -> SimReply:
        """DeltaDeFi's words. It documents no address lists and no rights of a key: those sound like a wrong key."""
        match reason:
            case Refusal.KEY | Refusal.IP | Refusal.PERMISSION:
                return error_reply(_unauthorized())
            case Refusal.RATE_LIMIT:
                return error_reply(_too_many())
            case Refusal.INTERNAL:
                return error_reply(_internal(500))
            case Refusal.MAINTENANCE:
                return error_reply(Refused(UNAVAILABLE, "Resources temporarily unavailable", status=503))
            case Refusal.REQUEST:
                return error_reply(invalid("a parameter"))
            case Refusal.PRODUCT | Refusal.HOST:
                return error_reply(Refused(NO_OPERATION_KEY, "Operation key not found"))
            case Refusal.ABSENT:
                return error_reply(Refused(INVALID_SYMBOL, "Invalid trading pair symbol"))

    def respond(self, request: SimRequest) -> SimReply:
        """Gateway, route, key, lock, rate limit, and then the request itself."""
        try:
            self._check_gateway(request)
            route = _route(request)
            if route is None:
                raise no_route()
            if route.public:
                return json_reply(route.public(self, request))
            return json_reply(self._private(route, request))
        except Refused as refused:
            return error_reply(refused)
        except RefusedBare as refused:
            return bare_reply(refused)

    def _check_gateway(self, request: SimRequest) -> None:
        """Seen on staging within one half hour of 2026-03-31; the internal error on an order's submission."""
        if self.fault("empty-403", request):
            raise RefusedBare(403, "")
        if self.fault("upstream-503", request):
            words = "upstream connect error or disconnect/reset before headers. reset reason: connection timeout"
            raise RefusedBare(503, words)
        if self.fault("internal-400", request):
            raise _internal(400)

    def _private(self, route: Route, request: SimRequest) -> object:
        account = self.accounts.get(self.key_of(request))
        if account is None or route.private is None:
            raise _unauthorized()
        if fault := self.fault("locked", request, lambda _: self.is_locked()):
            status = str(fault.value).partition("/")[2] or "400"
            raise Refused(LOCKED, "Trading is currently locked", status=int(status))
        if self.limits and not self._within_limits(account, route, request):
            raise _too_many()
        return route.private(self, account, request)

    def _within_limits(self, account: Account, route: Route, request: SimRequest) -> bool:
        """All changes draw from one bucket, reads from one per endpoint; the ids in a path are not part of it."""
        if route.kind.changes:
            bucket, limit = "changes", _CANCELS_PER_SECOND
        else:
            bucket, limit = _pattern(request)[1], _READS_PER_SECOND
        return self.buckets.take((account.key, bucket), limit=limit, now_ms=self.now_ms()).allowed


def _pattern(request: SimRequest) -> tuple[str, str]:
    """Method and path as the table of routes has them: an order's id becomes `{id}`."""
    path = request.path
    if request.method == "POST" and _CANCEL_ONE.fullmatch(path):
        path = "/order/{id}/cancel"
    elif path.startswith(_ORDER) and "/" not in path.removeprefix(_ORDER):
        path = _ORDER + "{id}"
    return request.method, path


def _route(request: SimRequest) -> Route | None:
    return _ROUTES.get(_pattern(request))


def _unauthorized() -> Refused:
    return Refused(UNAUTHORIZED, "Unauthorized", status=401)


def _too_many() -> Refused:
    return Refused(RATE_LIMIT, "Rate limit exceeded", status=429)


def _internal(status: int) -> Refused:
    return Refused(INTERNAL, "Internal Server Error", status=status)


FAKE = DeltaDeFi
