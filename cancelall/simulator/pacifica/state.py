"""What the fake Pacifica remembers: accounts, agents, credits, strategies. And its faults and its own words.

https://docs.pacifica.fi/api-documentation/api/error-codes: HTTP 400 for signature and format, 422 for business errors
with a number in `code`; other refusals repeat their status there.
"""

from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import replace
from typing import ClassVar, NamedTuple

from ..book import Account, SimOrder
from ..fake import FakeVenue
from ..faults import Fault, Fits, declared
from ..limits import SlidingWindows
from ..refusals import Refusal, Refused, bare
from ..routes import Call
from ..wire import Headers, SimReply, SimRequest, json_reply, text_reply
from . import auth
from .markets import ORDERS, STRATEGIES, WAITING, chosen

_NEXT_CHILD_MS = 200
_STOCK_AGE_MS = 3_600_000
_DEFAULT_EXPIRY_MS = 30_000
_DUMMY = b"EMBEDDED-EXCHANGE-DUMMY-"
_WINDOW_MS = 60_000
_OWNERS = {"mine": "f00d0000", "desk": "de500000"}
"""How the client ids of an owner begin."""

INVALID = Refused(400, "Invalid parameters")
NO_CREDITS = Refused(429, "Rate limit exceeded")
NO_STRATEGY = Refused(404, "STRATEGIST_NOT_FOUND")


class Answer(NamedTuple):
    """What a handler answers where more than `data` stands at the top level."""

    data: object
    members: Mapping[str, object] = {}


class State(FakeVenue):
    """The accounts, and what runs on the venue's side.

    A chase whose order is cancelled places another (not documented: assumed), and a strategy that waits for a price
    places its order when the fault `trigger` says that the price has come: whoever sweeps orders without stopping
    strategies (https://docs.pacifica.fi/api-documentation/api/rest-api/order-strategies) never comes to an end.
    """

    name = "pacifica"
    key_has_rights = False
    text_fields = frozenset({"error", "client_order_id", "symbol", "strategy_type"})
    status_fields = frozenset({"lifecycle", "order_type"})
    refusals: ClassVar = {
        Refusal.KEY: auth.MISMATCH,
        # For an address that is not on an agent's list no words are known: these are made up.
        Refusal.IP: Refused(403, "IP address is not whitelisted for this agent wallet"),
        Refusal.PERMISSION: auth.UNAUTHORIZED_AGENT,
        Refusal.INTERNAL: Refused(500, "Internal server error"),
        Refusal.MAINTENANCE: bare(503, "Service Unavailable"),
        Refusal.REQUEST: INVALID,
    }
    own_faults = declared(__file__)

    def begin(self) -> None:
        self.last_order_id = 1_557_370_000
        self.api_config_keys: set[str] = set()
        self._agents: dict[str, set[str]] = {}
        self._spent = SlidingWindows(_WINDOW_MS)

    def agents_of(self, address: str) -> set[str]:
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
        key = f"SIMDUMMY_{auth.base58(self.random_of_keys.randbytes(16))}"
        self.api_config_keys.add(key)
        return key

    def spend(self, spender: Hashable, *, quota: int, cost: int) -> tuple[bool, Headers]:
        """Spend `cost` if the quota of the last minute has room for it; the headers say what is left. A refused request
        costs nothing. All numbers are tenths of a credit, as on the wire.
        """
        now_ms = self.now_ms()
        after = self._spent.take(spender, limit=quota, cost=cost, now_ms=now_ms)
        return after.allowed, _credit_headers(quota, after.remaining, -(-(after.reset_ms - now_ms) // 1000))

    def authenticate(self, operation: str, body: auth.Fields) -> tuple[Account, auth.Fields]:
        """The account that a flat signed body may act for, and the payload; or the venue's refusal. `timestamp +
        expiry_window` must not have passed. How far ahead a timestamp may be is not documented: only the fault `ahead`
        bounds it. What an account that nobody has opened gets is not documented either: the words here follow the list
        of codes.
        """
        payload, now_ms, ahead = auth.payload_of(operation, body), self.server_now(), self.has_fault("ahead")
        timestamp, window = int(str(body["timestamp"])), int(str(body.get("expiry_window", _DEFAULT_EXPIRY_MS)))
        if timestamp + window < now_ms or (ahead and timestamp > now_ms + round(ahead.number * 1000)):
            raise Refused(400, "Invalid message")
        address = str(body["account"])
        auth.check_signature(operation, body, payload, self.agents_of(address))
        if address not in self.accounts and not self.has_fault("strangers"):
            raise Refused(1, "Account not found", 422)
        return self.account_at(address), payload

    def account_at(self, address: str) -> Account:
        return self.accounts.get(address) or Account(key=address, credentials={})

    def account_key(self, credentials: Mapping[str, str]) -> str:
        """The address: the second half of the key pair."""
        return auth.base58(auth.unbase58(credentials["secret_key"])[32:])

    def new_credentials(self) -> Mapping[str, str]:
        """A key pair whose seed says in letters that it is none to fund."""
        seed = _DUMMY + self.random_of_keys.randbytes(8)
        return {"secret_key": auth.base58(seed + auth.public_key(seed))}

    def check(self, call: Call) -> None:
        kind = "" if call.path.endswith("history") else call.path
        if self.fault("lacks", call.request, lambda fault: str(fault.value) in kind):
            raise bare(404)

    def order_id(self) -> str:
        """A fresh order id. Everything that happens on the exchange moves the counter."""
        self.last_order_id += self.random.randrange(1, 9)
        return str(self.last_order_id)

    def client_id(self, owner: str, number: int, order_id: str) -> str:
        """They are UUIDs."""
        return f"{_OWNERS[owner]}{self.uuid()[8:]}"

    def new_id(self, like: SimOrder) -> str:
        return self.uuid() if like.segment == STRATEGIES else self.order_id()

    def stock(self, account: Account, orders: int) -> None:
        """Placed one after another in the hour before now, ordinary ones last: a bot copies the newest."""
        chases: deque[str] = deque()
        wanted = sorted(enumerate(chosen(orders)), key=lambda pair: pair[1].segment == ORDERS)
        for step, (number, template) in enumerate(wanted):
            order_id = self.new_id(template)
            if template.kind == "auto_chase":
                chases.append(order_id)
            if template.segment == STRATEGIES:
                template = template.but(account=account.key)
            elif "strategy" in template.extra:
                template = template.but(strategy=chases.popleft())
            placed_by_a_client = template.segment != STRATEGIES and "strategy" not in template.extra
            owner = ("", "mine", "desk")[number % 3] if placed_by_a_client else ""
            client_id = self.client_id(owner, number, order_id) if owner else ""
            self.place(account, template.placed(order_id, self.now_ms() - _STOCK_AGE_MS + step * 100, client_id))

    def runs(self, account: Account, strategy_id: object) -> SimOrder | None:
        strategy = account.book.find(str(strategy_id or ""))
        alive = strategy and strategy.status == "open" and strategy.extra.get("lifecycle") == "open"
        return strategy if alive else None

    def _place_child(self, account: Account, strategy: SimOrder, when_ms: int) -> None:
        child = replace(strategy, segment=ORDERS, kind="limit", extra={"strategy": strategy.id})
        self.place(account, child.placed(self.order_id(), when_ms))

    def on_cancelled(self, account: Account, order: SimOrder) -> None:
        """A running chase replaces an order of its own, a moment later if it is still running then."""
        self.last_order_id += 1
        strategy_id = order.extra.get("strategy")

        def replace_child(due_ms: int) -> None:
            strategy = self.runs(account, strategy_id)
            if strategy and strategy.kind == "auto_chase":
                self._place_child(account, strategy, due_ms)

        if self.runs(account, strategy_id):
            self.later(order.updated_ms + _NEXT_CHILD_MS, replace_child)

    def trigger_later(self, account: Account, request: SimRequest) -> None:
        """With the fault `trigger`, the price comes that every waiting strategy waits for: each places its order."""
        fault = self.fault("trigger", request)
        if fault is None:
            return

        def trigger(due_ms: int) -> None:
            for strategy in [each for each in account.book.open(STRATEGIES) if each.kind in WAITING]:
                if self.runs(account, strategy.id):
                    account.book.close(strategy.id, "filled", due_ms)
                    self._place_child(account, strategy, due_ms)

        self.later(self.now_ms() + round(fault.number * 1000), trigger)

    def fault(self, name: str, request: SimRequest, fits: Fits | None = None) -> Fault | None:
        """As everywhere, but a key or an address list cannot be refused where no key is needed."""
        if request.method == "GET" and name in ("key", "ip"):
            return None
        if request.method == "GET" and name == "refused":
            return super().fault(name, request, lambda each: each.value == "request")
        return super().fault(name, request, fits)

    def answer(self, value: object, call: Call, headers: Headers) -> SimReply:
        shown = value if isinstance(value, Answer) else Answer(value)
        envelope = {"success": True, "data": shown.data, "error": None, "code": None, **shown.members}
        return json_reply(envelope, 200, headers)

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        """A refusal in JSON, or as a bare sentence: both are seen live."""
        status = refused.status or int(refused.code)
        if self.fault("no-json", request):
            return text_reply(refused.message, status, "text/plain", headers)
        value = {"success": False, "data": None, "error": refused.message, "code": refused.code, **refused.members}
        return json_reply(value, status, headers)

    def refuse(self, reason: Refusal, request: SimRequest) -> SimReply:
        """As everywhere, but reads need no key, and the limit tells its headers."""
        if reason is Refusal.RATE_LIMIT:
            return self.too_many(1, request)
        if reason is Refusal.PERMISSION and request.method == "GET":
            return self.refusal(Refused(401, "Unauthorized access"), request)
        return super().refuse(reason, request)

    def too_many(self, seconds: float, request: SimRequest) -> SimReply:
        """The header tells when the oldest spending is forgotten."""
        return self.refusal(NO_CREDITS, request, _credit_headers(10, 0, round(seconds)))


def _credit_headers(quota: int, remaining: int, seconds: int) -> Headers:
    """`ratelimit` and `ratelimit-policy` as every answer has them; the oldest spending is forgotten in `seconds`."""
    return (
        ("ratelimit", f'"credits";r={remaining};t={seconds}'),
        ("ratelimit-policy", f'"credits";q={quota};w={_WINDOW_MS // 1000}'),
    )
