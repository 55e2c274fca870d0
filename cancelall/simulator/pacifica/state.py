"""What the fake Pacifica remembers: accounts, agents, credits, strategies. And its faults and its own words.

https://docs.pacifica.fi/api-documentation/api/error-codes: HTTP 400 for signature and format, 422 for business errors
with a number in `code`; other refusals repeat their status there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ..book import Account, SimOrder
from ..fake import FakeVenue
from ..faults import Fault, declared
from ..refusals import Answered, Refusal, Refused, bare
from ..routes import Call
from ..wire import Headers, SimReply, SimRequest, json_reply, text_reply
from . import auth, kinds
from .credits import Credits, credit_headers
from .markets import MARKETS, chosen

_NEXT_CHILD_MS = 200
_STOCK_AGE_MS = 3_600_000
_DUMMY = b"EMBEDDED-EXCHANGE-DUMMY-"


@dataclass(frozen=True)
class Answer:
    """What a handler answers where more than `data` stands at the top level."""

    data: object
    beside: Mapping[str, object] = field(default_factory=dict)


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
        Refusal.KEY: auth.mismatch(),
        # For an address that is not on an agent's list no words are known: these are made up.
        Refusal.IP: Refused(403, "IP address is not whitelisted for this agent wallet"),
        Refusal.PERMISSION: auth.unauthorized_agent(),
        Refusal.INTERNAL: Refused(500, "Internal server error"),
        Refusal.MAINTENANCE: bare(503, "Service Unavailable"),
        Refusal.REQUEST: Refused(400, "Invalid parameters"),
    }
    own_faults = declared("""
        plain-text  refusals are a bare sentence instead of JSON
        bare:cancel  cancel_all answers `cancelled_count` without the envelope
        account-list:read  `/account` answers a list of one
        counts:read=1  `/account` counts so many orders more than rest
        older:listing  each listing of orders comes from an older state than the one before
        lacks='strategies'  the host has no such calls: strategies or twap; they are 404
        strangers='shown'  an address that nobody has opened, such as an agent's own, may cancel like an account
            without orders; `shown`: /account shows it, with nothing in it, too
        spares:cancel='stop'  cancel_all leaves these alone, which no document excludes: stop, twap or spot
        trigger:cancel=0.5  so many seconds after a cancel, the waiting strategies that still run place an order
        ahead=5  a timestamp more than so many seconds ahead is refused
        credits=20  an address without a config key has so many credits in a minute
    """)

    def begin(self) -> None:
        self.last_order_id = 1_557_370_000
        self.api_config_keys: set[str] = set()
        self.credits = Credits()
        self._agents: dict[str, set[str]] = {}

    # Keys and accounts.

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

    def authenticate(
        self, operation: auth.Operation, body: Mapping[str, object]
    ) -> tuple[Account, Mapping[str, object]]:
        """The account that a flat signed body may act for, and the payload; or the venue's refusal.

        What an account that nobody has opened is told is not documented: the words here follow the list of codes.
        """
        payload = operation.payload_of(body)
        ahead = self.has_fault("ahead")
        auth.check_clock(body, self.server_now(), round(ahead.number * 1000) if ahead else None)
        address = str(body["account"])
        auth.check_signature(operation, body, payload, self.agents_of(address))
        if address not in self.accounts and not self.has_fault("strangers"):
            raise Refused(1, "Account not found", 422)
        return self.account_at(address), payload

    def account_at(self, address: str) -> Account:
        """The account of an address; an empty one if nobody has opened it."""
        return self.accounts.get(address) or Account(key=address, credentials={})

    def account_key(self, credentials: Mapping[str, str]) -> str:
        """The address: the second half of the key pair."""
        return auth.base58(auth.unbase58(credentials["secret_key"])[32:])

    def new_credentials(self) -> Mapping[str, str]:
        """A key pair whose seed says in plain letters that it is none to fund."""
        seed = _DUMMY + self.random.randbytes(8)
        return {"secret_key": auth.base58(seed + auth.public_key(seed))}

    # Orders and strategies.

    def check_feature(self, feature: str, call: Call) -> None:
        """Raise if this host does not have it."""
        if self.fault("lacks", call.request, lambda fault: fault.value == feature):
            raise bare(404)

    def order_id(self) -> str:
        """A fresh order id. Everything that happens on the exchange moves the counter."""
        self.last_order_id += self.random.randrange(1, 9)
        return str(self.last_order_id)

    def last_order_id_of(self, request: SimRequest) -> int:
        """What a listing of orders tells of that counter."""
        return self.last_order_id - (self._faults.strikes("older") if self.fault("older", request) else 0)

    def new_id(self, like: SimOrder) -> str:
        """A number for orders and TWAPs, a UUID for strategies."""
        return self.uuid() if like.segment == kinds.STRATEGIES else self.order_id()

    def stock(self, account: Account, orders: int) -> None:
        """Orders of every type, TWAPs, and strategies of every type and state, all of which count.

        Placed one after another in the hour before now, ordinary ones last: a bot copies the newest.
        """
        chases: deque[str] = deque()
        wanted = sorted(enumerate(chosen(orders)), key=lambda pair: pair[1].segment == kinds.ORDERS)
        for step, (number, template) in enumerate(wanted):
            order_id = self.new_id(template)
            if template.kind == "auto_chase":
                chases.append(order_id)
            if template.segment == kinds.STRATEGIES:
                template = template.but(account=account.key)
            elif "strategy" in template.extra:
                template = template.but(strategy=chases.popleft())
            client_id = self.uuid() if number % 3 == 1 and template.segment != kinds.STRATEGIES else ""
            self.place(account, template.placed(order_id, self.now_ms() - _STOCK_AGE_MS + step * 100, client_id))

    def runs(self, account: Account, strategy_id: object) -> SimOrder | None:
        """The strategy of this id if it can place orders now."""
        strategy = account.book.find(str(strategy_id or ""))
        alive = strategy and strategy.status == "open" and strategy.extra.get("lifecycle") == "open"
        return strategy if alive else None

    def _place_child(self, account: Account, strategy: SimOrder, when_ms: int) -> None:
        child = SimOrder(
            symbol=strategy.symbol,
            segment=kinds.ORDERS,
            side=strategy.side,
            kind="limit",
            price=MARKETS[strategy.symbol].price,
            reduce_only=strategy.reduce_only,
            extra={"strategy": strategy.id},
        )
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
            for strategy in [each for each in account.book.open(kinds.STRATEGIES) if each.kind in kinds.WAITING]:
                if self.runs(account, strategy.id):
                    account.book.close(strategy.id, "filled", due_ms)
                    self._place_child(account, strategy, due_ms)

        self.later(self.now_ms() + round(fault.number * 1000), trigger)

    # Answers and refusals.

    def fault(self, name: str, request: SimRequest, fits: Callable[[Fault], bool] | None = None) -> Fault | None:
        """As everywhere, but a key or an address list cannot be refused where no key is needed."""
        keyless = request.method == "GET"
        if keyless and name in ("key", "ip"):
            return None
        if keyless and name == "refused":
            return super().fault(name, request, lambda each: each.value == "request")
        return super().fault(name, request, fits)

    def answer(self, value: object, call: Call, headers: Headers) -> SimReply:
        """A success in its envelope."""
        shown = value if isinstance(value, Answer) else Answer(value)
        return json_reply(
            {"success": True, "data": shown.data, "error": None, "code": None, **shown.beside}, 200, headers
        )

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        """A refusal in JSON, or as a bare sentence: both are seen live."""
        status = refused.status or int(refused.code)
        if self.fault("plain-text", request):
            return text_reply(refused.message, status, "text/plain", headers)
        value = {"success": False, "data": None, "error": refused.message, "code": refused.code, **refused.beside}
        return json_reply(value, status, headers)

    def refuse(self, reason: Refusal, request: SimRequest) -> SimReply:
        """As everywhere, but reads need no key, and the limit tells its headers."""
        if reason is Refusal.RATE_LIMIT:
            return self.too_many(1, request)
        if reason is Refusal.PERMISSION and request.method == "GET":
            return self.refusal(Refused(401, "Unauthorized access"), request)
        return super().refuse(reason, request)

    def too_many(self, seconds: float, request: SimRequest) -> SimReply:
        """429; the header tells when the oldest spending is forgotten."""
        return self.over(credit_headers(10, 0, round(seconds)), request).reply

    def over(self, headers: Headers, request: SimRequest) -> Answered:
        """The refusal of a request for which the credits do not last."""
        return Answered(self.refusal(Refused(429, "Rate limit exceeded"), request, headers))
