"""The fake AscendEX: routes, checks in the venue's order, and its own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from ..book import Account, Book, SimOrder
from ..fake import FakeVenue, Refusal, wall_clock_ms
from ..faults import CANCELS, LISTINGS, READS, SIGNED, FaultSpec, Kind
from ..wire import SimReply, SimRequest, text_reply
from . import account as reads
from . import auth
from .answers import (
    ACCOUNT_NOT_FOUND,
    AUTHENTICATION_FAILED,
    INVALID_JSON_FORMAT,
    INVALID_MARGIN_ACCOUNT,
    INVALID_OPERATION,
    INVALID_PRODUCT,
    PERMISSION_DENIED,
    RESTRICTED_ACCOUNT,
    SERVER_ERROR,
    Answer,
    Refused,
    RefusedBare,
    answer_reply,
    page_reply,
    refusal_reply,
    too_many_reply,
)
from .cancel import cancel_all, cancel_batch, cancel_one
from .create import place_order
from .listing import history, open_orders, order_status, recent
from .products import assets, cash_products, contracts, legacy_products, margin_products
from .rows import status
from .stock import stock_orders


@dataclass(frozen=True, kw_only=True)
class Call:
    """A signed request after its path has been read: whose it is, and which ledger and API it is about."""

    account: Account
    ledger: str
    route: str

    @property
    def v2(self) -> bool:
        """Whether the answer has the form of v2."""
        return self.route.startswith("v2/")

    @property
    def retired(self) -> bool:
        """Whether it is one of the futures paths whose support ended on 2021-02-28."""
        return not self.v2 and self.ledger == "futures"

    @property
    def batch(self) -> bool:
        """Whether it is about several orders."""
        return self.route.endswith("/batch")

    @property
    def action(self) -> str:
        """The word that answers repeat."""
        return {"all": "cancel-all", "batch": "batch-cancel-order"}.get(self.route.rpartition("/")[2], "cancel-order")


Private = Callable[["AscendEX", Call, SimRequest], Answer]
Public = Callable[["AscendEX", SimRequest], Answer]


@dataclass(frozen=True, kw_only=True)
class Route:
    """What a path does, and whether it needs a signature."""

    kind: Kind
    private: Private | None = None
    public: Public | None = None


@dataclass(frozen=True, kw_only=True)
class Exits:
    """A futures position, with the take-profit and stop-loss that hang on it."""

    position: str
    take_profit: str = "0"
    stop_loss: str = "0"


def _order_routes(prefix: str) -> dict[tuple[str, str], Route]:
    """The order calls, which v1 has per ledger and v2 for futures."""
    return {
        ("DELETE", f"{prefix}/order/all"): Route(kind=Kind.CANCEL, private=cancel_all),
        ("DELETE", f"{prefix}/order"): Route(kind=Kind.CANCEL, private=cancel_one),
        ("DELETE", f"{prefix}/order/batch"): Route(kind=Kind.CANCEL, private=cancel_batch),
        ("POST", f"{prefix}/order"): Route(kind=Kind.CREATE, private=place_order),
        ("GET", f"{prefix}/order/open"): Route(kind=Kind.LISTING, private=open_orders),
        ("GET", f"{prefix}/order/status"): Route(kind=Kind.READ, private=order_status),
        ("GET", f"{prefix}/order/hist/current"): Route(kind=Kind.READ, private=recent),
    }


_ROUTES: Mapping[tuple[str, str], Route] = {
    **_order_routes("v1/{ledger}"),
    **_order_routes("v2/futures"),
    ("GET", "v1/{ledger}/balance"): Route(kind=Kind.READ, private=reads.balance),
    ("GET", "v2/futures/position"): Route(kind=Kind.READ, private=reads.position),
    ("GET", "data/v2/order/hist"): Route(kind=Kind.READ, private=history),
    ("GET", "v1/info"): Route(kind=Kind.READ, private=reads.info),
    ("GET", "v2/account/info"): Route(kind=Kind.READ, private=reads.info),
    ("GET", "v1/exchange-info"): Route(kind=Kind.PUBLIC, public=reads.exchange_info),
    ("GET", "v1/cash/products"): Route(kind=Kind.PUBLIC, public=cash_products),
    ("GET", "v1/margin/products"): Route(kind=Kind.PUBLIC, public=margin_products),
    ("GET", "v1/products"): Route(kind=Kind.PUBLIC, public=legacy_products),
    ("GET", "v2/assets"): Route(kind=Kind.PUBLIC, public=assets),
    ("GET", "v2/futures/contract"): Route(kind=Kind.PUBLIC, public=contracts),
}
# Paths that carry no group, signed or not.
_WITHOUT_GROUP = frozenset({"v1/info", "v2/account/info", "data/v2/order/hist"})

# Per key, of requests that change something and of reads. No limit is documented; a user was told 10 per second
# (https://github.com/bitmax-exchange/api-doc/issues/17), while hummingbot sent up to 50 order calls and 100 in all.
_PER_SECOND = 10

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class AscendEX(FakeVenue):
    """The APIs of an account with a cash, a margin and a futures ledger."""

    name = "ascendex"
    text_fields = frozenset({"message", "reason", "symbol", "feeAsset"})
    status_fields = frozenset({"status"})
    wordless = frozenset({Refusal.HOST})
    own_faults: ClassVar[Mapping[str, FaultSpec]] = {
        "conditional-left": FaultSpec(help="cancel-all leaves orders that wait for their trigger", kinds=CANCELS),
        "stubborn": FaultSpec(
            help="orders with this status, type or execution instruction cannot be cancelled",
            default="PendingNew",
            kinds=CANCELS,
        ),
        "unnamable": FaultSpec(
            help="orders with this execution instruction fail the basic check of a cancel by name, and with them their "
            "whole batch",
            default="Liquidation",
            kinds=CANCELS,
        ),
        "unacked": FaultSpec(
            help="orders younger than so many seconds are not in the engine yet: futures show them as Ack, and "
            "cancel-all misses them",
            default=1.0,
        ),
        "ack-form": FaultSpec(
            help="another documented form of a mass cancel's answer: data (futures v2 with data, v1 with an empty "
            "orderType) or bare (v1 without data)",
            default="data",
            kinds=CANCELS,
        ),
        "symbol-lost": FaultSpec(help="a mass cancel's symbol gets lost: it takes the whole ledger", kinds=CANCELS),
        "lenient-symbols": FaultSpec(help="an unknown symbol is answered like one without orders"),
        "capped": FaultSpec(help="open orders show so many orders at most", default=100.0, kinds=LISTINGS),
        "futures-v1": FaultSpec(
            help="the retired futures paths answer instead of refusing: ack (and nothing is cancelled), empty (and "
            "nothing is listed either) or alive (as their document says)",
            default="ack",
            kinds=SIGNED,
        ),
        "foreign-group": FaultSpec(
            help="a wrong account group is answered like an account without orders", kinds=SIGNED
        ),
        "group-moved": FaultSpec(
            help="the account info names another account group", default=9.0, kinds=frozenset({Kind.READ})
        ),
        "no-margin": FaultSpec(help="the account cannot trade on margin", kinds=SIGNED),
        "expired": FaultSpec(help="the key has expired", kinds=SIGNED),
        "rights": FaultSpec(
            help="what account info says that the key may do: view, trade, transfer", default="view", kinds=READS
        ),
        "unbound": FaultSpec(help="the key is bound to no address", kinds=READS),
        "key-days": FaultSpec(help="the key ends in so many days; with -1 it has no end", default=5.0, kinds=READS),
        "error-status": FaultSpec(help="refusals in JSON come with this HTTP status instead of 200", default=400.0),
    }

    def __init__(self, *, now_ms: Callable[[], int] = wall_clock_ms, seed: int = 1, limits: bool = True) -> None:
        super().__init__(now_ms=now_ms, seed=seed, limits=limits)
        self.asked_ms: dict[str, int] = {}
        self._exits: dict[str, dict[str, Exits]] = {}

    # What the handlers use.

    @property
    def retired(self) -> str:
        """What has become of the futures v1 paths: empty (they refuse), `ack`, `empty` or `alive`."""
        fault = self.has_fault("futures-v1")
        return str(fault.value) if fault else ""

    def exits_of(self, account: Account) -> dict[str, Exits]:
        """An account's futures positions, by symbol."""
        return self._exits.setdefault(account.key, {})

    def group_of(self, account: Account) -> int:
        """The account group, which is part of every private path. The first account's is 0, which is legal."""
        return int(str(account.options["account_group"]))

    def user_of(self, account: Account) -> str:
        """The user's id: U and ten digits, here made from the group."""
        return f"U{866_943_712 + self.group_of(account):010d}"

    def account_id(self, account: Account, ledger: str) -> str:
        """The account id of a ledger: its first letters, and what stands for the user."""
        return f"{'csh' if ledger == 'cash' else ledger[:3]}{self.user_of(account)}SIM"

    def body(self, request: SimRequest) -> dict[str, object]:
        """The request's JSON body, or AscendEX's refusal of it.

        A DELETE needs one too: without it cancel-all had a bug (change log of 2021-03-03), and a body that was sent as
        a form was refused (https://github.com/hummingbot/hummingbot/commit/83315122a0).
        """
        if not request.headers.get("content-type", "").lower().startswith("application/json") or not request.body:
            raise Refused(INVALID_JSON_FORMAT, "Require a valid json object")
        try:
            return request.json_object()
        except ValueError as error:
            raise Refused(INVALID_JSON_FORMAT, "Require a valid json object") from error

    def acked_until_ms(self, request: SimRequest) -> int:
        """The matching engine has taken over what was placed by then; only the fault `unacked` makes that take time."""
        fault = self.fault("unacked", request)
        return self.now_ms() - (round(fault.number * 1000) if fault else 0)

    def cancellable(self, call: Call, orders: Sequence[SimOrder], request: SimRequest) -> list[SimOrder]:
        """The orders that neither the fault `stubborn` nor a retired path protects."""
        if call.retired and self.retired != "alive":
            return []
        fault = self.fault("stubborn", request)
        if fault is None:
            return list(orders)
        word = str(fault.value)
        return [
            order
            for order in orders
            if word not in (status(order), str(order.extra.get("execInst", "")), order.type.title().replace("_", ""))
        ]

    def order_id(self, user: str, created_ms: int, client_id: str = "") -> str:
        """An order id: origin, milliseconds in hex, user, and nine characters, which a client's own id may fill.

        https://ascendex.github.io/ascendex-pro-api/#generate-order-id.
        """
        random = "".join(self.random.choices(_LETTERS, k=9))
        return f"a{created_ms:x}{user}{client_id[-9:] if len(client_id) >= 9 else random}"

    # What the framework asks for.

    def classify(self, request: SimRequest) -> Kind:
        """By the route; an unknown path that is not read counts as one that changes something."""
        route = _route(request)
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
        """Dummies in the form of the real ones: 32 and 64 letters and digits."""
        return {
            "api_key": f"SIM{self.random.getrandbits(116):029x}",
            "api_secret": f"DUMMY{self.random.getrandbits(236):059x}",
        }

    def account_options(self, credentials: Mapping[str, str]) -> Mapping[str, object]:
        """The account group: what the credentials say, else the next free number, from 0 on."""
        return {"account_group": int(credentials.get("account_group", len(self.accounts)))}

    def new_id(self, like: SimOrder) -> str:
        """An id of the same user, made now."""
        return self.order_id(like.id[12:23], self.now_ms())

    def stock(self, account: Account, orders: int) -> None:
        """Orders of every kind, and two positions: one with take-profit and stop-loss, one without."""
        user = self.user_of(account)
        for order in stock_orders(orders, self.now_ms(), lambda created_ms: self.order_id(user, created_ms)):
            self.place(account, order)
        if orders:
            self.exits_of(account).update(
                {
                    "BTC-PERP": Exits(position="0.5", take_profit="90000", stop_loss="50000"),
                    "ETH-PERP": Exits(position="-2"),
                }
            )

    def refuse(self, reason: Refusal, request: SimRequest) -> SimReply:
        """AscendEX's words; for an address that is not on the list and for maintenance there are none on record."""
        match reason:
            case Refusal.KEY:
                return self._refusal(Refused(AUTHENTICATION_FAILED, "API key is not found."), request)
            case Refusal.IP:
                return self._refusal(Refused(AUTHENTICATION_FAILED, "IP address is not allowed."), request)
            case Refusal.PERMISSION:
                return self._refusal(Refused(PERMISSION_DENIED, "No enough permission for the operation"), request)
            case Refusal.RATE_LIMIT:
                return too_many_reply()
            case Refusal.INTERNAL:
                return refusal_reply(Refused(SERVER_ERROR, "Something wrong with server."), 500)
            case Refusal.MAINTENANCE:
                return page_reply(503, "System maintenance")
            case Refusal.REQUEST:
                return self._refusal(Refused(INVALID_OPERATION, "Invalid operation"), request)
            case Refusal.PRODUCT | Refusal.HOST:
                return self._refusal(Refused(RESTRICTED_ACCOUNT, "The account is restricted"), request)
            case Refusal.ABSENT:
                return self._refusal(Refused(INVALID_PRODUCT, "Invalid product"), request)

    def respond(self, request: SimRequest) -> SimReply:
        """Route, key and signature, rate limit, account group, and then the request itself."""
        try:
            route, target = _route(request), auth.target_of(request.path)
            if route is None or target is None:
                raise RefusedBare(404, "404 page not found")
            if route.public:
                return answer_reply(route.public(self, request))
            return self._respond_private(route, target, request)
        except Refused as refused:
            return self._refusal(refused, request)
        except RefusedBare as refused:
            return text_reply(refused.text, refused.status, "text/plain")

    def _respond_private(self, route: Route, target: auth.Target, request: SimRequest) -> SimReply:
        if self.fault("expired", request):
            raise Refused(AUTHENTICATION_FAILED, "API key is expired.")
        account = self.accounts.get(self.key_of(request))
        auth.authenticate(request, target.api_path, account.credentials if account else None, self.server_now())
        if account is None or route.private is None:
            raise AssertionError("authenticate() lets no unknown key pass, and a route is public or private")
        bucket = (account.key, route.kind.changes)
        if self.limits and not self.buckets.take(bucket, limit=_PER_SECOND, now_ms=self.now_ms()).allowed:
            return too_many_reply()
        call = Call(account=self._in_group(account, target, request), ledger=target.ledger, route=target.route)
        if call.ledger == "margin" and self.fault("no-margin", request):
            raise Refused(INVALID_MARGIN_ACCOUNT, "Not a valid account for margin trading")
        if call.retired and not self.fault("futures-v1", request):
            # What the retired paths really answer is not on record.
            raise Refused(INVALID_OPERATION, "This API is no longer supported")
        return answer_reply(route.private(self, call, request))

    def _in_group(self, account: Account, target: auth.Target, request: SimRequest) -> Account:
        """The account, if the path's group is its own. What a wrong one is answered with is not documented."""
        if target.route in _WITHOUT_GROUP or target.group == self.group_of(account):
            return account
        if self.fault("foreign-group", request):
            return replace(account, key="", book=Book())
        raise Refused(ACCOUNT_NOT_FOUND, "Account not exist")

    def _refusal(self, refused: Refused, request: SimRequest) -> SimReply:
        fault = self.fault("error-status", request)
        return refusal_reply(refused, int(fault.number) if fault else 200)


def _route(request: SimRequest) -> Route | None:
    target = auth.target_of(request.path)
    if target is None:
        return None
    route = _ROUTES.get((request.method, target.route))
    if route is None or (target.group is None) != (route.public is not None or target.route in _WITHOUT_GROUP):
        return None
    return None if target.route.endswith("/balance") and target.ledger == "futures" else route


FAKE = AscendEX
