"""The fake Pacifica: routes, checks in the venue's order, and its own words."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from ..book import Account, Book, SimOrder
from ..fake import FakeVenue, Refusal, wall_clock_ms
from ..faults import CANCELS, LISTINGS, Fault, FaultSpec, Kind
from ..wire import SimReply, SimRequest, text_reply
from . import auth, kinds, operations
from .account import account_info, create_api_key, list_agents, list_api_keys, list_subaccounts, positions
from .answers import Answer, Refused, RefusedBare, answer_reply, gateway_page, refusal_reply
from .cancel import Handler, cancel_all, cancel_batch, cancel_order, cancel_stop, cancel_strategy, cancel_twap
from .create import create_order, create_stop
from .limits import ADDRESS_QUOTA, KEY_QUOTA, Allowance, Credits, cost_of
from .listing import history_by_id, order_history, orders, strategies, strategy, twap_history, twaps
from .markets import info, prices
from .operations import Operation
from .stock import stock_account
from .strategies import child_cancelled

PREFIX = "/api/v1"
_BATCH = f"{PREFIX}/orders/batch"
_STRATEGY = f"{PREFIX}/order_strategies/"
_DUMMY = b"EMBEDDED-EXCHANGE-DUMMY-"


@dataclass(frozen=True, kw_only=True)
class Route:
    """What a path does: a read that anyone may make, or a signed operation."""

    kind: Kind
    read: Callable[[Pacifica, SimRequest], Answer] | None = None
    operation: Operation | None = None
    handler: Handler | None = None


def _signed(kind: Kind, operation: Operation, handler: Handler) -> Route:
    return Route(kind=kind, operation=operation, handler=handler)


_ROUTES: Mapping[tuple[str, str], Route] = {
    ("GET", "/orders"): Route(kind=Kind.LISTING, read=orders),
    ("GET", "/orders/twap"): Route(kind=Kind.LISTING, read=twaps),
    ("GET", "/order_strategies"): Route(kind=Kind.LISTING, read=strategies),
    ("GET", "/account"): Route(kind=Kind.READ, read=account_info),
    ("GET", "/positions"): Route(kind=Kind.READ, read=positions),
    ("GET", "/orders/history"): Route(kind=Kind.READ, read=order_history),
    ("GET", "/orders/history_by_id"): Route(kind=Kind.READ, read=history_by_id),
    ("GET", "/orders/twap/history"): Route(kind=Kind.READ, read=twap_history),
    ("GET", "/info"): Route(kind=Kind.PUBLIC, read=info),
    ("GET", "/info/prices"): Route(kind=Kind.PUBLIC, read=prices),
    ("POST", "/orders/cancel_all"): _signed(Kind.CANCEL, operations.CANCEL_ALL, cancel_all),
    ("POST", "/orders/cancel"): _signed(Kind.CANCEL, operations.CANCEL, cancel_order),
    ("POST", "/orders/stop/cancel"): _signed(Kind.CANCEL, operations.CANCEL_STOP, cancel_stop),
    ("POST", "/orders/twap/cancel"): _signed(Kind.CANCEL, operations.CANCEL_TWAP, cancel_twap),
    ("POST", "/order_strategies/cancel"): _signed(Kind.CANCEL, operations.CANCEL_STRATEGY, cancel_strategy),
    ("POST", "/orders/create"): _signed(Kind.CREATE, operations.CREATE, create_order),
    ("POST", "/orders/stop/create"): _signed(Kind.CREATE, operations.CREATE_STOP, create_stop),
    ("POST", "/agent/list"): _signed(Kind.READ, operations.LIST_AGENTS, list_agents),
    ("POST", "/account/subaccount/list"): _signed(Kind.READ, operations.LIST_SUBACCOUNTS, list_subaccounts),
    ("POST", "/account/api_keys/create"): _signed(Kind.READ, operations.CREATE_API_KEY, create_api_key),
    ("POST", "/account/api_keys"): _signed(Kind.READ, operations.LIST_API_KEYS, list_api_keys),
}


class Pacifica(FakeVenue):
    """The REST API, `https://api.pacifica.fi/api/v1` in real life."""

    name = "pacifica"
    text_fields = frozenset({"error", "client_order_id", "symbol", "strategy_type"})
    status_fields = frozenset({"lifecycle", "order_type"})
    wordless = frozenset({Refusal.PRODUCT, Refusal.HOST, Refusal.ABSENT})
    own_faults: ClassVar[Mapping[str, FaultSpec]] = {
        "plain-text": FaultSpec(help="refusals are a bare sentence instead of JSON"),
        "bare": FaultSpec(help="cancel_all answers `cancelled_count` without the envelope", kinds=CANCELS),
        "account-list": FaultSpec(help="`/account` answers a list of one", kinds=frozenset({Kind.READ})),
        "counts": FaultSpec(
            help="`/account` counts so many orders more than rest", default=1.0, kinds=frozenset({Kind.READ})
        ),
        "older": FaultSpec(help="each listing of orders comes from an older state than the one before", kinds=LISTINGS),
        "lacks": FaultSpec(help="the host has no such calls: strategies or twap; they are 404", default="strategies"),
        "strangers": FaultSpec(
            help="an address that nobody has opened, such as an agent's own, may cancel like an account without "
            "orders; `shown`: /account shows it, with nothing in it, too",
            default="shown",
        ),
        "spares": FaultSpec(
            help="cancel_all leaves these alone, which no document excludes: stop, twap or spot",
            default="stop",
            kinds=CANCELS,
        ),
        "trigger": FaultSpec(
            help="so many seconds after a cancel, the waiting strategies that still run place an order",
            default=0.5,
            kinds=CANCELS,
        ),
        "ahead": FaultSpec(help="a timestamp more than so many seconds ahead is refused", default=5.0),
        "credits": FaultSpec(help="an address without a config key has so many credits in a minute", default=20.0),
    }

    def __init__(self, *, now_ms: Callable[[], int] = wall_clock_ms, seed: int = 1, limits: bool = True) -> None:
        super().__init__(now_ms=now_ms, seed=seed, limits=limits)
        self.last_order_id = 1_557_370_000
        self.api_config_keys: set[str] = set()
        self._credits = Credits()
        self._agents: dict[str, set[str]] = {}

    # What the handlers use.

    def agents_of(self, address: str) -> set[str]:
        """The agent keys that are bound to this account."""
        return self._agents.get(address, set())

    def bind_agent(self, account: Account) -> tuple[Mapping[str, str], Mapping[str, object]]:
        """Bind a new agent key to an account: the credentials of who uses it, and the options that its profile needs.

        The venue does this in the app or with `POST /agent/bind`, signed by the owner.
        """
        with self.lock:
            credentials = self.new_credentials()
            agent = self.account_key(credentials)
            self._agents.setdefault(account.key, set()).add(agent)
            return credentials, {"account": account.key, "agent_wallet": agent}

    def new_api_config_key(self) -> str:
        """A ticket for more credits, as the venue forms them: eight characters and a UUID in base58."""
        key = f"SIMDUMMY_{auth.base58(self.random.randbytes(16))}"
        self.api_config_keys.add(key)
        return key

    def check_feature(self, feature: str, request: SimRequest) -> None:
        """Raise if this host does not have it."""
        if self.fault("lacks", request, lambda fault: fault.value == feature):
            raise RefusedBare(404, "")

    def authenticate(self, operation: Operation, body: Mapping[str, object]) -> tuple[Account, Mapping[str, object]]:
        """The account that a flat signed body may act for, and the payload; or the venue's refusal.

        What an account that nobody has opened is told is not documented: the words here follow the list of codes.
        """
        payload = operations.payload_of(operation, body)
        ahead = self.has_fault("ahead")
        auth.check_clock(body, self.server_now(), round(ahead.number * 1000) if ahead else None)
        address = str(body["account"])
        auth.check_signature(operation, body, payload, self.agents_of(address))
        account = self.accounts.get(address)
        if account is None and not self.has_fault("strangers"):
            raise Refused(422, "Account not found", code=1)
        return account or Account(key=address, credentials={}, options={}, book=Book()), payload

    def knows(self, address: str, request: SimRequest) -> bool:
        """Whether an account that nobody has opened is shown all the same, with nothing in it."""
        return self.fault("strangers", request, lambda fault: fault.value == "shown") is not None

    def uuid(self) -> str:
        """A fresh UUID, the same for the same seed."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def order_id(self) -> str:
        """A fresh order id. Everything that happens on the exchange moves the counter."""
        self.last_order_id += self.random.randrange(1, 9)
        return str(self.last_order_id)

    def last_order_id_of(self, request: SimRequest) -> int:
        """What a listing of orders tells of that counter."""
        return self.last_order_id - (self._faults.strikes("older") if self.fault("older", request) else 0)

    # What the framework asks for.

    def classify(self, request: SimRequest) -> Kind:
        """By the route; an unknown POST counts as one that changes something."""
        if request.method == "POST" and request.path == _BATCH:
            creates = any(isinstance(each, dict) and each.get("type") == "Create" for each in _actions(request))
            return Kind.CREATE if creates else Kind.CANCEL
        route = self._route(request)
        if route:
            return route.kind
        return Kind.PUBLIC if request.method == "GET" else Kind.CREATE

    def key_of(self, request: SimRequest) -> str:
        """The account that the request is about: reads name it too, though they need no key."""
        if request.method == "GET":
            return request.parameters().get("account", "")
        body: object = _json(request)
        if request.path == _BATCH:
            first = next(iter(_actions(request)), None)
            body = first.get("data") if isinstance(first, dict) else None
        return str(body.get("account", "")) if isinstance(body, dict) else ""

    def account_key(self, credentials: Mapping[str, str]) -> str:
        """The address: the second half of the key pair."""
        return auth.base58(auth.unbase58(credentials["secret_key"])[32:])

    def new_credentials(self) -> Mapping[str, str]:
        """A key pair whose seed says in plain letters that it is none to fund."""
        seed = _DUMMY + self.random.randbytes(8)
        return {"secret_key": auth.base58(seed + auth.public_key(seed))}

    def new_id(self, like: SimOrder) -> str:
        """A number for orders and TWAPs, a UUID for strategies."""
        return self.uuid() if like.segment == kinds.STRATEGIES else self.order_id()

    def stock(self, account: Account, orders: int) -> None:
        """Orders of every type, TWAPs, and strategies of every type and state, all of which count."""
        stock_account(self, account, orders)

    def on_cancelled(self, account: Account, order: SimOrder) -> None:
        """A running chase replaces its order."""
        self.last_order_id += 1
        child_cancelled(self, account, order)

    def fault(self, name: str, request: SimRequest, fits: Callable[[Fault], bool] | None = None) -> Fault | None:
        """As everywhere, but a key or an address list cannot be refused where no key is needed."""
        keyless = request.method == "GET"
        if keyless and name in ("key", "ip"):
            return None
        if keyless and name == "refused":
            return super().fault(name, request, lambda each: each.value == "request")
        return super().fault(name, request, fits)

    def refuse(self, reason: Refusal, request: SimRequest) -> SimReply:
        """Pacifica's words. For an address that is not on an agent's list none are known: these are made up."""
        match reason:
            case Refusal.KEY:
                refused = auth.mismatch()
            case Refusal.IP:
                refused = Refused(403, "IP address is not whitelisted for this agent wallet")
            case Refusal.PERMISSION if request.method == "GET":
                refused = Refused(401, "Unauthorized access")
            case Refusal.PERMISSION:
                refused = auth.unauthorized_agent()
            case Refusal.RATE_LIMIT:
                return self._too_many(Allowance(allowed=False, quota=10, remaining=0, seconds=1), request)
            case Refusal.INTERNAL:
                refused = Refused(500, "Internal server error")
            case Refusal.MAINTENANCE:
                return text_reply("Service Unavailable", 503, "text/plain")
            case Refusal.REQUEST:
                refused = Refused(400, "Invalid parameters")
            case Refusal.PRODUCT | Refusal.HOST:
                refused = Refused(403, "Unauthorized access")
            case Refusal.ABSENT:
                return text_reply("", 404, "text/plain")
        return refusal_reply(refused, plain=self.fault("plain-text", request) is not None)

    def too_many(self, seconds: float, request: SimRequest) -> SimReply:
        """429; the header tells when the oldest spending is forgotten."""
        return self._too_many(Allowance(allowed=False, quota=10, remaining=0, seconds=round(seconds)), request)

    def respond(self, request: SimRequest) -> SimReply:
        """The gateway, the credits, the route, the parser, the clock, the signature, and then the request itself."""
        headers: tuple[tuple[str, str], ...] = ()
        try:
            if request.method == "GET" and request.body:
                raise gateway_page(403, "Bad request. We can't connect to the server for this app or website.")
            if self.limits:
                allowance = self._spend(request)
                if not allowance.allowed:
                    return self._too_many(allowance, request)
                headers = allowance.headers
            return answer_reply(self._process(request), headers)
        except Refused as refused:
            return refusal_reply(refused, headers, plain=self.fault("plain-text", request) is not None)
        except RefusedBare as refused:
            return text_reply(refused.text, refused.status, refused.content_type, headers)

    def _process(self, request: SimRequest) -> Answer:
        if request.method == "POST" and request.path == _BATCH:
            return cancel_batch(self, _body(request), request)
        route = self._route(request)
        if route is None:
            raise RefusedBare(404, "")
        if route.read:
            return route.read(self, request)
        if route.operation is None or route.handler is None:
            raise AssertionError("a route reads or is signed")
        account, payload = self.authenticate(route.operation, _body(request))
        return route.handler(self, account, payload, request)

    def _route(self, request: SimRequest) -> Route | None:
        if request.method == "GET" and request.path.startswith(_STRATEGY):
            return Route(kind=Kind.READ, read=strategy)
        if not request.path.startswith(PREFIX):
            return None
        return _ROUTES.get((request.method, request.path.removeprefix(PREFIX)))

    def _spend(self, request: SimRequest) -> Allowance:
        """A config key spends its own credits; one that nobody knows counts as none."""
        key = request.headers.get("pf-api-key", "")
        identified = key in self.api_config_keys
        scarce = self.has_fault("credits")
        quota = round(scarce.number * 10) if scarce else ADDRESS_QUOTA
        parts = len(_actions(request)) if request.path == _BATCH else 1
        return self._credits.take(
            key if identified else request.client,
            quota=KEY_QUOTA if identified else quota,
            cost=cost_of(request.path, self.classify(request), identified=identified, parts=max(1, parts)),
            now_ms=self.now_ms(),
        )

    def _too_many(self, allowance: Allowance, request: SimRequest) -> SimReply:
        refused = Refused(429, "Rate limit exceeded")
        return refusal_reply(refused, allowance.headers, plain=self.fault("plain-text", request) is not None)


def _json(request: SimRequest) -> Mapping[str, object] | None:
    try:
        return request.json_object()
    except (ValueError, RecursionError):
        return None


def _body(request: SimRequest) -> Mapping[str, object]:
    body = _json(request)
    if body is None:
        raise RefusedBare(400, "Failed to parse the request body as JSON")
    return body


def _actions(request: SimRequest) -> list[object]:
    """What a batch holds; nothing if it is none."""
    actions = (_json(request) or {}).get("actions")
    return actions if isinstance(actions, list) else []


FAKE = Pacifica
