"""The fake Bitget: routes, checks in the venue's order, and its own words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..book import Account, SimOrder
from ..fake import FakeVenue, Refusal, wall_clock_ms
from ..faults import CANCELS, LISTINGS, READS, SIGNED, Fault, FaultSpec, Kind
from ..limits import Allowance
from ..wire import SimReply, SimRequest
from . import auth, create, futures, kinds, limits, margin, spot, unified
from .account import account_info, futures_accounts, public_time, settings, unified_info
from .answers import Refused, gateway_page, refusal_reply, success_reply, unknown_path
from .instruments import Instruments, coins, contracts, instruments_v3, margin_currencies, symbols
from .quirks import spoilt
from .rows import Row
from .stock import TEMPLATES, Template, stock_orders

Private = Callable[["Bitget", Account, SimRequest], object]
Public = Callable[["Bitget", SimRequest], object]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What a path does, and whether it needs a signature."""

    kind: Kind
    private: Private | None = None
    public: Public | None = None


def _cancel(handler: Private) -> Route:
    return Route(kind=Kind.CANCEL, private=handler)


def _create(handler: Private) -> Route:
    return Route(kind=Kind.CREATE, private=handler)


def _list(handler: Private) -> Route:
    return Route(kind=Kind.LISTING, private=handler)


def _read(handler: Private) -> Route:
    return Route(kind=Kind.READ, private=handler)


def _public(handler: Public) -> Route:
    return Route(kind=Kind.PUBLIC, public=handler)


_MIX, _SPOT, _V3 = "/api/v2/mix/order", "/api/v2/spot/trade", "/api/v3/trade"
_ROUTES: Mapping[tuple[str, str], Route] = {
    ("POST", f"{_MIX}/cancel-all-orders"): _cancel(futures.cancel_all),
    ("POST", f"{_MIX}/batch-cancel-orders"): _cancel(futures.batch_cancel),
    ("POST", f"{_MIX}/cancel-order"): _cancel(futures.cancel_one),
    ("POST", f"{_MIX}/cancel-plan-order"): _cancel(futures.cancel_plan),
    ("POST", f"{_MIX}/place-order"): _create(create.place_futures),
    ("POST", f"{_MIX}/place-plan-order"): _create(create.place_plan),
    ("POST", f"{_MIX}/place-tpsl-order"): _create(create.place_tpsl),
    ("GET", f"{_MIX}/orders-pending"): _list(futures.pending),
    ("GET", f"{_MIX}/orders-plan-pending"): _list(futures.plan_pending),
    ("GET", f"{_MIX}/orders-history"): _read(futures.history),
    ("GET", f"{_MIX}/orders-plan-history"): _read(futures.plan_history),
    ("GET", f"{_MIX}/detail"): _read(futures.detail),
    ("POST", f"{_SPOT}/cancel-symbol-order"): _cancel(spot.cancel_symbol),
    ("POST", f"{_SPOT}/batch-cancel-order"): _cancel(spot.batch_cancel),
    ("POST", f"{_SPOT}/cancel-order"): _cancel(spot.cancel_one),
    ("POST", f"{_SPOT}/batch-cancel-plan-order"): _cancel(spot.batch_cancel_plan),
    ("POST", f"{_SPOT}/cancel-plan-order"): _cancel(spot.cancel_plan),
    ("POST", f"{_SPOT}/place-order"): _create(create.place_spot),
    ("POST", f"{_SPOT}/place-plan-order"): _create(create.place_spot_plan),
    ("GET", f"{_SPOT}/unfilled-orders"): _list(spot.unfilled),
    ("GET", f"{_SPOT}/current-plan-order"): _list(spot.current_plan),
    ("GET", f"{_SPOT}/history-orders"): _read(spot.history),
    ("GET", f"{_SPOT}/history-plan-order"): _read(spot.plan_history),
    ("GET", f"{_SPOT}/orderInfo"): _read(spot.order_info),
    **{
        route: handler
        for mode in kinds.MARGIN_MODES
        for route, handler in {
            ("GET", f"/api/v2/margin/{mode}/open-orders"): _list(margin.open_orders),
            ("POST", f"/api/v2/margin/{mode}/batch-cancel-order"): _cancel(margin.batch_cancel),
            ("POST", f"/api/v2/margin/{mode}/cancel-order"): _cancel(margin.cancel_one),
            ("POST", f"/api/v2/margin/{mode}/place-order"): _create(create.place_margin),
        }.items()
    },
    ("GET", "/api/v2/spot/account/info"): _read(account_info),
    ("GET", "/api/v2/mix/account/accounts"): _read(futures_accounts),
    ("POST", f"{_V3}/cancel-symbol-order"): _cancel(unified.cancel_symbol),
    ("POST", f"{_V3}/cancel-batch"): _cancel(unified.cancel_batch),
    ("POST", f"{_V3}/cancel-order"): _cancel(unified.cancel_one),
    ("POST", f"{_V3}/cancel-strategy-order"): _cancel(unified.cancel_strategy),
    ("POST", f"{_V3}/place-order"): _create(create.place_unified),
    ("POST", f"{_V3}/place-strategy-order"): _create(create.place_strategy),
    ("GET", f"{_V3}/unfilled-orders"): _list(unified.unfilled),
    ("GET", f"{_V3}/unfilled-strategy-orders"): _list(unified.unfilled_strategies),
    ("GET", f"{_V3}/history-orders"): _read(unified.history),
    ("GET", f"{_V3}/history-strategy-orders"): _read(unified.strategy_history),
    ("GET", f"{_V3}/order-info"): _read(unified.order_info),
    ("GET", "/api/v3/account/settings"): _read(settings),
    ("GET", "/api/v3/account/info"): _read(unified_info),
    ("GET", "/api/v2/public/time"): _public(public_time),
    ("GET", "/api/v2/mix/market/contracts"): _public(contracts),
    ("GET", "/api/v2/spot/public/symbols"): _public(symbols),
    ("GET", "/api/v2/spot/public/coins"): _public(coins),
    ("GET", "/api/v2/margin/currencies"): _public(margin_currencies),
    ("GET", "/api/v3/market/instruments"): _public(instruments_v3),
}

_NOT_CLASSIC = (
    "40085",
    "You are in Unified Account mode, and the Classic Account API is not supported at this time",
)
_NOT_UNIFIED = (
    "40084",
    "You are in Classic Account mode, and the Unified Account API is not supported at this time",
)
_FIRST_ID = 1_190_000_000_000_000_000
_ID_STEP = 1_000_003


class Bitget(FakeVenue):
    """Both APIs, and accounts of every mode."""

    name = "bitget"
    text_fields = frozenset({"msg", "errorMsg", "clientOid", "symbol", "orderSource"})
    status_fields = frozenset({"status", "planStatus", "orderStatus"})
    wordless = frozenset({Refusal.HOST})
    own_faults: ClassVar[Mapping[str, FaultSpec]] = {
        "mode": FaultSpec(
            help="accounts are classic, unified or hybrid, and stocked anew if they were not; ~KEY picks one. It stays "
            "when the fault goes",
            default="unified",
        ),
        "margin": FaultSpec(help="classic accounts hold so many margin orders more, for good", default=2.0),
        "demo": FaultSpec(help="keys are demo keys: without the header paptrading they are refused", kinds=SIGNED),
        "account-mode": FaultSpec(
            help="account/settings names this mode, whatever the account is", default="upgrading", kinds=SIGNED
        ),
        "rights": FaultSpec(help="the key's rights as account info names them", default="coor+stor", kinds=SIGNED),
        "unbound": FaultSpec(help="the key is bound to no address", kinds=READS),
        "lacks": FaultSpec(
            help="private requests with this text in them are refused; after a slash the code, by default that for a "
            "copy-trading account",
            default="COIN-FUTURES/40731",
            kinds=SIGNED,
        ),
        "empty": FaultSpec(help="HTTP status of code 22001, which is 400 and 200 by turns", default=400.0),
        "error-status": FaultSpec(help="HTTP status of every refusal by code", default=200.0, kinds=SIGNED),
        "live-only": FaultSpec(
            help="a futures listing without `status` leaves out partly filled orders", kinds=LISTINGS
        ),
        "tpsl-only": FaultSpec(help="a listing of strategy orders without `type` shows TP/SL only", kinds=LISTINGS),
        "forgets": FaultSpec(
            help="listings leave out orders older than so many seconds", default=90.0 * 86_400, kinds=LISTINGS
        ),
        "lower-case": FaultSpec(help="symbols and coins are in lower case, as in the samples", kinds=LISTINGS),
        "batch": FaultSpec(help="classic batches hold so many orders, not 50", default=20.0, kinds=CANCELS),
        "trailing": FaultSpec(
            help="the planType that cancels a trailing trigger order: moving_plan or normal_plan", default="moving_plan"
        ),
        "hedge": FaultSpec(
            help="the account is in hedge mode: a cancel of moving_plan orders without ids is a silent no-op",
            kinds=CANCELS,
        ),
        "wants-symbol": FaultSpec(help="a cancel of plan orders without a symbol is refused, 43048", kinds=CANCELS),
        "hollow": FaultSpec(
            help="cancel-all-orders says nothing of having met no order: two empty lists in the place of 22001",
            kinds=CANCELS,
        ),
        "strategy-types": FaultSpec(
            help="the only types of strategy orders that unified listings know; others are refused",
            default="tpsl+trigger",
            kinds=LISTINGS,
        ),
        "bare-rows": FaultSpec(help="rows lack holdMode and reduceOnly, in hedge mode too", kinds=LISTINGS),
        "no-way-on": FaultSpec(
            help="pages with rows do not say where to read on: missing, null, empty or odd",
            default="missing",
            kinds=LISTINGS,
        ),
        "null-list": FaultSpec(help="null stands in the place of a listing's rows, whatever rests", kinds=LISTINGS),
        "odd-field": FaultSpec(
            help="this field of the first row of each listing is an object", default="price", kinds=LISTINGS
        ),
        "nothing": FaultSpec(
            help="the code of a unified mass cancel that meets no order, such as 25578", default="25204", kinds=CANCELS
        ),
        "bot-orders": FaultSpec(help="orders of the venue's own bots cannot be cancelled", kinds=CANCELS),
        "fires": FaultSpec(
            help="a trigger order fires right after each mass cancel, and turns into an ordinary one", kinds=CANCELS
        ),
    }

    def __init__(self, *, now_ms: Callable[[], int] = wall_clock_ms, seed: int = 1, limits: bool = True) -> None:
        super().__init__(now_ms=now_ms, seed=seed, limits=limits)
        self.instruments = Instruments(now_ms())
        self.struck_ms: dict[str, int] = {}
        """When each order was last meant by a cancel that could have taken it."""
        self._modes: dict[str, str] = {}
        self._stocked: dict[str, int] = {}
        self._ids = 0
        self._empties = 0
        self._blocked_until_ms: dict[str, int] = {}

    # What the handlers use.

    def mode_of(self, account: Account) -> str:
        """Whether an account is classic, unified or hybrid."""
        return self._modes.get(account.key, "classic")

    def set_mode(self, account: Account, mode: str) -> Account:
        """Open the account anew in this mode, with as many orders; the key stays."""
        if mode not in TEMPLATES:
            raise ValueError(f"no mode {mode!r}: {', '.join(TEMPLATES)}")
        with self.lock:
            self._modes[account.key] = mode
            opened = Account(key=account.key, credentials=account.credentials, options=account.options)
            self.accounts[account.key] = opened
            self.stock(opened, self._stocked[account.key])
            return opened

    def body(self, request: SimRequest) -> dict[str, object]:
        """The request's body, or Bitget's refusal of it."""
        try:
            return request.json_object()
        except ValueError as error:
            raise Refused("400172", "Parameter verification failed") from error

    def body_array(self, request: SimRequest) -> list[dict[str, object]]:
        """The request's body where it has to be an array of objects."""
        try:
            rows = json.loads(request.body or b"[]")
        except ValueError as error:
            raise Refused("25200", "body validation error") from error
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise Refused("25200", "body validation error")
        return rows

    def order_id(self) -> str:
        """A fresh order id: digits, higher than all before, because pages go by it."""
        self._ids += 1
        return str(_FIRST_ID + self._ids * _ID_STEP)

    def remembered(self, orders: Sequence[SimOrder], request: SimRequest) -> list[SimOrder]:
        """Without those that the fault `forgets` finds too old."""
        fault = self.fault("forgets", request)
        since_ms = self.now_ms() - round(fault.number * 1000) if fault else 0
        return [order for order in orders if order.created_ms >= since_ms]

    def rows(self, orders: Sequence[SimOrder], row: Row, request: SimRequest) -> list[dict[str, object]]:
        """Orders as a listing shows them."""
        rows = [row(order, self.to_server) for order in orders]
        if self.fault("lower-case", request):
            for cells in rows:
                cells |= {name: str(cells[name]).lower() for name in ("symbol", "marginCoin") if name in cells}
        return rows

    def cancelled_under(self, order: SimOrder) -> str:
        """The planType that reaches a futures plan order. For trailing trigger orders no document names one."""
        fault = self.has_fault("trailing")
        return str(fault.value) if fault and order.kind == "track_plan" else order.kind

    def fire_trigger(self, account: Account, waiting: str, market: str, request: SimRequest) -> None:
        """With the fault `fires`: the newest trigger order of the one segment becomes an order of the other."""
        triggers = ("normal_plan", "amount", "total", kinds.TRIGGER)
        order = next((each for each in account.book.open(waiting) if each.kind in triggers), None)
        if order is None or not self.fault("fires", request):
            return
        now_ms = self.now_ms()
        account.book.close(order.id, "filled", now_ms)
        fired = replace(order, segment=market, kind=kinds.NORMAL, type="limit", price="100")
        self.place_like(account, fired, now_ms)

    # What the framework asks for.

    def set_faults(self, faults: Iterable[Fault | str]) -> None:
        """Replace the faults that are on. `mode` and `margin` are about accounts and leave their mark for good."""
        super().set_faults(faults)
        with self.lock:
            for account in list(self.accounts.values()):
                mode = self._faults.find("mode", Kind.READ, account.key)
                if mode and mode.value != self.mode_of(account):
                    account = self.set_mode(account, str(mode.value))
                extra = self._faults.find("margin", Kind.READ, account.key)
                if extra and self.mode_of(account) == "classic":
                    self._stock_margin(account, int(extra.number))

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
        """Dummies in the form of the real ones."""
        return {
            "api_key": f"bg_SIM{self.random.getrandbits(116):029x}",
            "api_secret": f"DUMMY{self.random.getrandbits(236):059x}",
            "passphrase": f"DUMMY{self.random.getrandbits(44):011x}",
        }

    def new_id(self, like: SimOrder) -> str:
        """The next id."""
        return self.order_id()

    def stock(self, account: Account, orders: int) -> None:
        """Orders of every kind that an account of this mode can hold, but no margin orders of a classic one."""
        self._stocked[account.key] = orders
        templates = TEMPLATES[self.mode_of(account)](self.instruments)
        for order in stock_orders(templates, orders, self.now_ms(), self.order_id):
            self.place(account, order)

    def _stock_margin(self, account: Account, count: int) -> None:
        templates = [Template(segment=mode, symbol="BTCUSDT", price="60000") for mode in kinds.MARGIN_MODES]
        for order in stock_orders(templates, count, self.now_ms(), self.order_id):
            self.place(account, order)

    def refuse(self, reason: Refusal, request: SimRequest) -> SimReply:
        """Bitget's words; error 500 comes as a page of the gateway."""
        now_ms = self.server_now()
        match reason:
            case Refusal.KEY:
                return refusal_reply("40037", "Apikey does not exist", now_ms)
            case Refusal.IP:
                return refusal_reply("40018", "Invalid IP", now_ms)
            case Refusal.PERMISSION:
                return refusal_reply("40014", "Incorrect permissions, need trade permissions", now_ms)
            case Refusal.RATE_LIMIT:
                return self._too_many()
            case Refusal.INTERNAL:
                return gateway_page(500, "Internal server error")
            case Refusal.MAINTENANCE:
                return refusal_reply("40200", "Server upgrade, please try again later", now_ms)
            case Refusal.REQUEST:
                return refusal_reply("40404", "Request URL NOT FOUND", now_ms, status=404)
            case Refusal.PRODUCT | Refusal.HOST:
                return refusal_reply("40022", "The business of this account has been restricted", now_ms)
            case Refusal.ABSENT:
                return refusal_reply("40731", "This product is not open to copy trading accounts", now_ms)

    def respond(self, request: SimRequest) -> SimReply:
        """Address, route, headers, key, environment, mode, signature, rate limit, and then the request itself."""
        if self._blocked(request):
            return self._too_many()
        route = _ROUTES.get((request.method, request.path))
        try:
            if route is None:
                return self._no_route(request)
            if route.public:
                return success_reply(route.public(self, request), self.server_now())
            return self._respond_private(route, request)
        except Refused as refused:
            return self._refusal(refused, request)

    def _no_route(self, request: SimRequest) -> SimReply:
        if request.path.startswith(("/api/mix/v1/", "/api/spot/v1/")):
            raise Refused("30032", "The V1 API has been decommissioned, please use the V2 API", status=400)
        if request.path.startswith(("/api/v2/", "/api/v3/")):
            raise Refused("40404", "Request URL NOT FOUND", status=404)
        return unknown_path(request.path, self.server_now())

    def _respond_private(self, route: Route, request: SimRequest) -> SimReply:
        account = self._account(request)
        allowance = self._allowance(account, request)
        if allowance and not allowance.allowed:
            return self._too_many()
        headers = (("x-mbx-used-remain-limit", str(allowance.remaining)),) if allowance else ()
        lacks = self.fault("lacks", request, lambda fault: str(fault.value).rpartition("/")[0] in request.text)
        if lacks:
            raise Refused(str(lacks.value).rpartition("/")[2], "This product is not available to you")
        if route.private is None:
            raise AssertionError("a route is public or private")
        data = route.private(self, account, request)
        if route.kind is Kind.LISTING:
            data = spoilt(self, request, data)
        return success_reply(data, self.server_now(), headers)

    def _account(self, request: SimRequest) -> Account:
        """The account that the request is allowed to use. The mode is checked before the signature, as observed."""
        auth.check_headers(request)
        account = self.accounts.get(self.key_of(request))
        if account is None:
            raise Refused("40037", "Apikey does not exist")
        auth.check_environment(request, demo=self.fault("demo", request) is not None)
        mode = self.mode_of(account)
        if mode == "unified" and request.path.startswith("/api/v2/"):
            raise Refused(*_NOT_CLASSIC, status=400)
        if mode == "classic" and request.path.startswith("/api/v3/"):
            raise Refused(*_NOT_UNIFIED, status=400)
        auth.authenticate(request, account.credentials, self.server_now())
        return account

    def _refusal(self, refused: Refused, request: SimRequest) -> SimReply:
        """Both HTTP statuses occur in the wild; 22001 has them by turns here."""
        status = refused.status or 400
        if refused.code == "22001":
            self._empties += 1
            fixed = self.fault("empty", request)
            status = int(fixed.number) if fixed else (400, 200)[self._empties % 2]
        elif fault := self.fault("error-status", request):
            status = int(fault.number)
        return refusal_reply(refused.code, refused.message, self.server_now(), status=status)

    def _allowance(self, account: Account, request: SimRequest) -> Allowance | None:
        if not self.limits:
            return None
        limit = limits.PER_SECOND.get(request.path, limits.OTHERWISE)
        return self.buckets.take((account.key, request.path), limit=limit, now_ms=self.now_ms())

    def _blocked(self, request: SimRequest) -> bool:
        """6000 requests in a minute from one address, whatever the key, and it is shut out for five."""
        if not self.limits:
            return False
        now_ms, address = self.now_ms(), request.client
        if self._blocked_until_ms.get(address, 0) > now_ms:
            return True
        allowance = self.buckets.take(
            ("address", address), limit=limits.IP_LIMIT, per_ms=limits.IP_WINDOW_MS, now_ms=now_ms
        )
        if not allowance.allowed:
            self._blocked_until_ms[address] = now_ms + limits.IP_BLOCK_MS
        return not allowance.allowed

    def _too_many(self) -> SimReply:
        return refusal_reply("429", "Too Many Requests", self.server_now(), status=429)


FAKE = Bitget
