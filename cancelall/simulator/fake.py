"""What every fake venue shares: accounts, the injected clock, effects that land later, faults and the request log.

A fake venue answers synchronously and knows no socket. Time comes from the injected clock alone: whatever is due later
(a cancel that lands late, a bot's next order) waits in a queue that is worked off when the next request, or a test's
question, arrives.
"""

import heapq
import random
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from math import ceil
from typing import ClassVar

from . import spoil
from .book import Account, Book, SimOrder
from .countdowns import Countdowns
from .faults import SPECS, Fault, FaultSet, FaultSpec, Fits, Kind, parse_fault
from .limits import UNLIMITED, AddressLimit, Allowance, Draw, TokenBuckets
from .refusals import Answered, Refusal, Refused, bare
from .routes import Call, Routes
from .wire import PAGING, Headers, Manner, SimReply, SimRequest, came_by, json_reply, text_reply

_STOCK_AGE_MS = 3_600_000
_STOCK_STEP_MS = 100

NewId = Callable[[SimOrder], str] | None


@dataclass(frozen=True, kw_only=True)
class LoggedRequest(SimRequest):
    """One request as it arrived, and how it was answered (`status` is None if no answer was sent)."""

    arrived: float
    kind: Kind
    key_hint: str
    status: int | None

    @property
    def changes(self) -> bool:
        return self.kind.changes


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """What a cancel took, or only claims to have (`ignored`: the fault `ack-only`), and what it could not take."""

    accepted: tuple[SimOrder, ...] = ()
    failed: tuple[SimOrder, ...] = ()
    ignored: bool = False


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class FakeVenue(ABC):
    """A stateful fake of one venue. Subclasses write down what is particular to it; see the package's docstring."""

    name: ClassVar[str]
    routes: ClassVar[Routes] = Routes({})
    refusals: ClassVar[Mapping[Refusal, Refused | Answered]] = {}
    """The venue's words. Where it has none for a reason, faults that are about them do not strike."""
    secrets: ClassVar[Mapping[str, tuple[str, int]]] = {}
    """What each secret's dummy begins with, and how many hex digits make it differ from others."""
    key_header: ClassVar[str] = ""
    own_faults: ClassVar[Mapping[str, FaultSpec]] = {}
    text_fields: ClassVar[frozenset[str]] = frozenset()
    status_fields: ClassVar[frozenset[str]] = frozenset()
    unnamed_kinds: ClassVar[frozenset[str]] = frozenset()
    """Kinds of orders that no client can place, so that none has a client id."""
    key_has_rights: ClassVar[bool] = True
    """Whether a key has rights that can be taken away. Where it has none, nobody can rehearse that one is missing."""
    address_limit: ClassVar[AddressLimit | None] = None

    def __init__(self, *, now_ms: Callable[[], int] = wall_clock_ms, seed: int = 1, limits: bool = True) -> None:
        self.now_ms = now_ms
        self.limits = limits
        self.random = random.Random(seed)  # it has to repeat itself, not to be secret
        self.random_of_keys = random.Random(f"credentials {seed}")  # no id of an order holds a piece of one
        self.buckets = TokenBuckets()
        self.accounts: dict[str, Account] = {}
        self.modes: dict[str, str] = {}
        """Those of accounts, where a venue has several."""
        self._stocked: dict[str, int] = {}
        self.requests: list[LoggedRequest] = []
        self.lock = threading.RLock()
        self.countdowns = Countdowns(self.now_ms, self.later, self.run_out)
        self._faults = FaultSet(())
        self._later: list[tuple[int, int, Callable[[int], object]]] = []
        self._later_count = 0
        self._fills_left = 0
        self._first_request_ms: int | None = None
        self._shut_out_until_ms: dict[str, int] = {}
        self._hidden_until_ms: dict[str, int] = {}
        self._readings: dict[tuple[str, str, str], int] = {}
        self.begin()

    # What a venue writes: these two, and of what follows as much as it needs.

    @abstractmethod
    def stock(self, account: Account, orders: int) -> None:
        """Fill a new account with so many orders, of every kind that the venue has."""

    @abstractmethod
    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        """A refusal in the venue's envelope."""

    def begin(self) -> None:  # noqa: B027
        """Set up what the venue remembers besides accounts and orders."""

    def answer(self, value: object, call: Call, headers: Headers) -> SimReply:
        """What a handler has answered, in the venue's envelope."""
        return json_reply(value, headers=headers)

    def admit(self, request: SimRequest) -> Headers:
        """The gateway, before any route is looked for: raise, or give the headers that every answer carries."""
        if self.address_limit and self.limits and self._shut_out(request.client, self.address_limit):
            raise self.address_limit.refused
        return ()

    def authorize(self, call: Call) -> Call:
        """Check key, clock and signature of a call that is not public: raise, or give the call its account.

        Here a key in a header is all that there is.
        """
        if account := self.accounts.get(self.key_of(call.request)):
            return replace(call, account=account)
        raise self.refusals[Refusal.KEY]

    def draws(self, call: Call) -> Iterable[Draw]:
        """What an account's call takes from which of its buckets; from one without a limit nothing."""
        return [Draw(call.route.bucket or call.path, call.route.limit)]

    def limit_headers(self, allowance: Allowance) -> Headers:
        """How an answer tells of the limit."""
        return ()

    def over_limit(self, allowance: Allowance, request: SimRequest) -> SimReply:
        """The refusal of a request that its bucket did not hold."""
        return self.refuse(Refusal.RATE_LIMIT, request)

    def check(self, call: Call) -> None:  # noqa: B027
        """Raise for what the venue looks at after the limit."""

    def no_route(self, request: SimRequest) -> Exception:
        """The answer to a path that does not exist."""
        return bare(404, "404 page not found")

    def classify(self, request: SimRequest) -> Kind:
        """What this request is for: an unknown path that is not read counts as one that changes something."""
        call = self.routes.find(request)
        return call.route.kind if call else Kind.PUBLIC if request.method == "GET" else Kind.CREATE

    def key_of(self, request: SimRequest) -> str:
        """The key or account that the request names, not yet verified; empty if it names none."""
        return request.headers.get(self.key_header, "")

    def new_credentials(self) -> Mapping[str, str]:
        """Credentials for one more account, under the names that a profile gives them: obvious dummies."""
        return {
            name: f"{start}{self.random_of_keys.getrandbits(4 * digits):0{digits}x}"
            for name, (start, digits) in self.secrets.items()
        }

    def new_id(self, like: SimOrder) -> str:
        """An id for a new order of the same kind."""
        return self.uuid()

    def owner(self, order: SimOrder, number: int) -> str:
        """Whose a named order of the stock is: the desk's, mine, or nobody's."""
        return "" if order.kind in self.unnamed_kinds else ("desk", "mine", "")[number % 3]

    def client_id(self, owner: str, number: int, order_id: str) -> str:
        """An id of a client's own, of a form that the venue takes; those of one owner begin alike."""
        return f"{owner}-{number}-{order_id[-4:]}"

    def account_key(self, credentials: Mapping[str, str]) -> str:
        """What `key_of` will see in the requests of the owner of these credentials."""
        return credentials["api_key"]

    def account_options(self, credentials: Mapping[str, str]) -> Mapping[str, object]:
        """Keys that a client's profile needs beyond the credentials, such as an account group."""
        return {}

    def refuse(self, reason: Refusal, request: SimRequest) -> SimReply:
        """The venue's own answer for this reason."""
        said = self.refusals[reason]
        return said.reply if isinstance(said, Answered) else self.refusal(said, request)

    def too_many(self, seconds: float, request: SimRequest) -> SimReply:
        """The venue's refusal of a request too many, with a limit that is full again in so many seconds."""
        return spoil.with_headers(self.refuse(Refusal.RATE_LIMIT, request), ("Retry-After", f"{seconds:.0f}"))

    def on_cancelled(self, account: Account, order: SimOrder) -> None:  # noqa: B027
        """Called for each order that was really cancelled."""

    # What a venue uses.

    def uuid(self) -> str:
        """A fresh UUID, the same for the same seed."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def _shut_out(self, address: str, limit: AddressLimit) -> bool:
        """Whether this address is shut out, or is from this request on."""
        now_ms = self.now_ms()
        if self._shut_out_until_ms.get(address, 0) > now_ms:
            return True
        allowance = self.buckets.take(("address", address), limit=limit.requests, per_ms=limit.per_ms, now_ms=now_ms)
        if not allowance.allowed:
            self._shut_out_until_ms[address] = now_ms + limit.ban_ms
        return not allowance.allowed

    def put_stock(
        self, account: Account, templates: Sequence[SimOrder], count: int, new_id: NewId = None, *, named: bool = False
    ) -> None:
        """Place so many orders, one after another some time before now. With `named`, a third each has a client id of
        the desk's, one of mine, and none.
        """
        first_ms = self.now_ms() - max(_STOCK_AGE_MS, 2 * count * _STOCK_STEP_MS)
        for number, template in enumerate(islice(cycle(templates), count)):
            order = template.placed("", first_ms + number * _STOCK_STEP_MS)
            order_id = (new_id or self.new_id)(order)
            owner = self.owner(order, number) if named else ""
            client_id = self.client_id(owner, number, order_id) if owner else ""
            self.place(account, replace(order, id=order_id, client_id=client_id))

    # Accounts.

    def add_account(self, credentials: Mapping[str, str] | None = None, *, orders: int = 40) -> Account:
        """Open an account, with made-up credentials unless some are given, and stock it with orders."""
        with self.lock:
            given = dict(credentials if credentials is not None else self.new_credentials())
            account = Account(key=self.account_key(given), credentials=given, options=self.account_options(given))
            self.accounts[account.key] = account
            self._stocked[account.key] = orders
            self.stock(account, orders)
            return account

    def mode_of(self, account: Account) -> str:
        return self.modes.get(account.key, "classic")

    def open_orders(self, account: Account | str | None = None) -> list[SimOrder]:
        """What really rests now, newest first, of one account or of all; no fault touches this."""
        return self._orders(account, Book.open)

    def closed_orders(self, account: Account | str | None = None) -> list[SimOrder]:
        """What was cancelled or filled, the last first."""
        return self._orders(account, Book.closed)

    def _orders(self, account: Account | str | None, which: Callable[[Book], Iterable[SimOrder]]) -> list[SimOrder]:
        with self.lock:
            self.catch_up()
            one = self.accounts[account] if isinstance(account, str) else account
            return [order for each in ([one] if one else self.accounts.values()) for order in which(each.book)]

    # Time.

    def server_now(self) -> int:
        """The venue's own clock, which the fault `clock` sets wrong."""
        return self.to_server(self.now_ms())

    def to_server(self, when_ms: int) -> int:
        """A moment as the venue's own clock names it."""
        wrong = self._faults.named("clock")
        return when_ms + (round(wrong.number * 1000) if wrong else 0)

    def later(self, due_ms: int, action: Callable[[int], object]) -> None:
        """Have something happen at that moment of the injected clock; the action gets the moment."""
        self._later_count += 1
        heapq.heappush(self._later, (due_ms, self._later_count, action))

    def catch_up(self) -> None:
        """Let everything happen that is due by now, each at its own moment."""
        while self._later and self._later[0][0] <= self.now_ms():
            due_ms, _, action = heapq.heappop(self._later)
            action(due_ms)

    # Faults.

    @classmethod
    def fault_specs(cls) -> dict[str, FaultSpec]:
        """The faults that this venue knows: those of all venues and its own."""
        return {**SPECS, **cls.own_faults}

    def set_faults(self, faults: Iterable[Fault | str]) -> None:
        """Replace the faults that are on; their counters begin anew. A mode of an account stays, though."""
        specs = self.fault_specs()
        parsed = [parse_fault(each, specs) if isinstance(each, str) else each for each in faults]
        with self.lock:
            self.catch_up()
            self._faults = FaultSet(parsed, self._elapsed)
            self._first_request_ms = None
            self._hidden_until_ms, self._readings = {}, {}
            fill, bot = self._faults.named("fill"), self._faults.named("bot")
            self._fills_left = int(fill.number) if fill else 0
            if bot:
                self._schedule_bot(bot, self._faults, self.now_ms())
            for account in list(self.accounts.values()):
                self._change_mode(account)

    def _change_mode(self, account: Account) -> None:
        """Open an account anew, with as many orders, if a fault gives it another mode; the key stays."""
        mode = self._faults.named("mode", account.key)
        if mode and mode.value != self.mode_of(account):
            self.modes[account.key] = str(mode.value)
            self.accounts[account.key] = replace(account, book=Book())
            self.stock(self.accounts[account.key], self._stocked[account.key])

    def fault(self, name: str, request: SimRequest, fits: Fits | None = None) -> Fault | None:
        """The fault of this name (and that fits) if it strikes this request; asking counts as a strike."""
        if not self._faults.named(name):
            return None
        return self._faults.strike(name, self.classify(request), f"{request.text} {self.key_of(request)}", fits)

    def setting(self, name: str, request: SimRequest, usual: str) -> str:
        """The value of the fault of this name if it strikes this request, else the usual one."""
        fault = self.fault(name, request)
        return str(fault.value) if fault else usual

    def has_fault(self, name: str) -> Fault | None:
        """The fault of this name if it is on, whomever it meets; asking does not count."""
        return self._faults.named(name)

    def strikes(self, name: str) -> int:
        """How often faults of this name have struck since they were set."""
        with self.lock:
            return self._faults.strikes(name)

    def faults_end_ms(self, concerns: Fits = lambda fault: True) -> int | None:
        """When the last of these faults is over, on the injected clock; None while one can still strike."""
        with self.lock:
            end = self._faults.end(concerns)
            first_ms = self.now_ms() if self._first_request_ms is None else self._first_request_ms
            return None if end is None else first_ms + ceil(end * 1000)

    def _elapsed(self) -> float:
        """Seconds since the first request that met these faults."""
        return 0.0 if self._first_request_ms is None else (self.now_ms() - self._first_request_ms) / 1000

    def connection_stalls(self) -> bool:
        """Whether a new connection should be left unread."""
        with self.lock:
            stall = self._faults.named("accept-stall")
            if stall:
                self._faults.count(stall)
            return stall is not None

    # The way of a request.

    def handle(self, request: SimRequest) -> SimReply:
        arrived = time.monotonic()
        with self.lock:
            self.catch_up()
            if self._first_request_ms is None:
                self._first_request_ms = self.now_ms()
            reply = self._answer(request)
            status = reply.status if reply.manner.answers else None
            kind, key_hint = self.classify(request), self.key_of(request)[-4:]
            self.requests.append(
                LoggedRequest(**vars(request), arrived=arrived, kind=kind, key_hint=key_hint, status=status)
            )
            return reply

    def respond(self, request: SimRequest) -> SimReply:
        """The gateway, the route, key and signature, the limit, and then the request itself."""
        headers: Headers = ()
        try:
            headers = self.admit(request)
            call = self.routes.find(request)
            if call is None:
                raise self.no_route(request)
            if call.route.kind is not Kind.PUBLIC:
                call = self.authorize(call)
                allowance = self.draw(call)
                if not allowance.allowed:
                    raise Answered(self.over_limit(allowance, request))
                headers += self.limit_headers(allowance) if allowance.limit else ()
                self.check(call)
            return self.answer(call.route.handler(self, call), call, headers)
        except Refused as refused:
            # Many are constants: what they would hold on to is not theirs.
            return self.refusal(refused.with_traceback(None), request, headers)
        except Answered as answered:
            return spoil.with_headers(answered.with_traceback(None).reply, *headers)

    def draw(self, call: Call) -> Allowance:
        """What is left of the last limit of such calls after this one, or of the first that it is over."""
        left = UNLIMITED
        for one in self.draws(call) if self.limits else ():
            if one.limit and left.allowed:
                name, now_ms = (call.account.key, one.bucket), self.now_ms()
                left = self.buckets.take(name, limit=one.limit, now_ms=now_ms, per_ms=one.per_ms, cost=one.cost)
        return left

    def _answer(self, request: SimRequest) -> SimReply:
        if self.fault("stall", request):
            return SimReply(manner=Manner.NEVER)
        reply = self._refused_at_the_door(request)
        if reply is None:
            reply = self.respond(request)
            if self.fault("error-after", request):
                reply = self.refuse(Refusal.INTERNAL, request)
        return self._deliver(self._spoil(reply, request), request)

    def _refused_at_the_door(self, request: SimRequest) -> SimReply | None:
        """The answer of a fault that keeps a request from being processed."""
        for name, page in _PAGES.items():
            if fault := self.fault(name, request):
                return page(fault, request)
        for name, reason in _REFUSALS:
            if reason in self.refusals and self.fault(name, request):
                return self.refuse(reason, request)
        if fault := self.fault("refused", request, lambda fault: Refusal(fault.value) in self.refusals):
            return self.refuse(Refusal(fault.value), request)
        if fault := self.fault("hint", request):
            seconds, form = fault.parts
            if form == "own":
                return self.too_many(float(seconds), request)
            slow = text_reply("<html><body><h1>Slow down</h1></body></html>", int(form or "429"))
            return spoil.with_headers(slow, ("Retry-After", seconds))
        if self.fault("error-500", request, lambda fault: self.random.random() < fault.number) or self.fault(
            "error-500-for", request, lambda fault: self._elapsed() < fault.number
        ):
            return self.refuse(Refusal.INTERNAL, request)
        if self.fault("permission", request, lambda fault: str(fault.value) in request.text):
            return self.refuse(Refusal.PERMISSION, request)
        if (fault := self.fault("rate-limit", request)) and not self.buckets.take(
            ("fault", self.key_of(request)), limit=max(1, int(fault.number)), now_ms=self.now_ms()
        ).allowed:
            return self.refuse(Refusal.RATE_LIMIT, request)
        return None

    def _spoil(self, reply: SimReply, request: SimRequest) -> SimReply:
        """Faults of the body and the headers."""
        if reply.status >= 400 and (fault := self.fault("retry-after", request)):
            reply = spoil.with_headers(reply, ("Retry-After", str(fault.value)))
        facts = spoil.Facts(self.text_fields, self.status_fields, came_by(request.query), self.strikes("odd-way"))
        for name, change in spoil.SPOILS.items():
            if self.has_fault(name):
                reply = self._spoiled(name, change, reply, request, facts)
        return reply

    def _spoiled(
        self, name: str, change: spoil.Spoil, reply: SimReply, request: SimRequest, facts: spoil.Facts
    ) -> SimReply:
        """The reply as the fault of this name leaves it. One of a listing that changes nothing does not strike."""
        changed = reply

        def strikes(fault: Fault) -> bool:
            nonlocal changed
            changed = change(reply, str(fault.value), facts)
            return changed is not reply or name not in spoil.OF_LISTINGS

        return changed if self.fault(name, request, strikes) else reply

    def _deliver(self, reply: SimReply, request: SimRequest) -> SimReply:
        """Faults of the connection."""
        delays = [fault.number for name in ("latency", "slow-listing") if (fault := self.fault(name, request))]
        reply = replace(reply, delay_seconds=reply.delay_seconds + sum(delays))
        for name, manner in _MANNERS:
            if fault := self.fault(name, request):
                return replace(reply, manner=manner, pace_seconds=fault.number if fault.value is not None else 0.0)
        return reply

    # What happens to orders.

    def place(self, account: Account, order: SimOrder) -> SimOrder:
        return account.book.add(order)

    def accept(self, account: Account, order: SimOrder, quantity: str, client_id: str, *, fills: bool) -> SimOrder:
        """Put an order of this size that a client places now on the book, or fill it at once."""
        sized = replace(order, quantity=quantity, remaining=quantity)
        placed = self.place(account, sized.placed(self.new_id(sized), self.now_ms(), client_id))
        if fills:
            account.book.close(placed.id, "filled", placed.created_ms)
        return placed

    def run_out(self, account: Account, covers: Callable[[SimOrder], bool], when_ms: int) -> None:
        """A countdown has come to its end: the orders that it covers go, and their ends say why."""
        for order in [one for one in account.book.open() if covers(one)]:
            if after := account.book.close(order.id, "cancelled", when_ms, ended_by="countdown"):
                self.on_cancelled(account, after)

    def place_like(self, account: Account, order: SimOrder, when_ms: int) -> SimOrder:
        """Put a fresh copy of an order on the book, as a bot would: its client id is the owner's next one."""
        fresh, order_id = replace(order, remaining=order.quantity, status="open"), self.new_id(order)
        client_id = order.client_id and order.client_id[:-4] + order_id[-4:]
        return self.place(account, fresh.placed(order_id, when_ms, client_id))

    def cancel(self, account: Account, orders: Sequence[SimOrder], request: SimRequest) -> Cancelled:
        """Cancel these open orders as the venue would. All venues do it here, so that faults about cancels work."""
        now_ms = self.now_ms()
        if orders and (fault := self.fault("hidden", request)):
            # From its arrival: where a venue lets a cancel land later, its answer is long known by then.
            until_ms = (request.received_ms or now_ms) + round(fault.number * 1000)
            self._hidden_until_ms[account.key] = max(until_ms, self._hidden_until_ms.get(account.key, 0))
        if self.fault("ack-only", request):
            return Cancelled(accepted=tuple(orders), ignored=True)
        count = ceil(len(orders) / 2) if len(orders) > 1 and self.fault("partial", request) else len(orders)
        taken, failed = tuple(orders[:count]), tuple(orders[count:])
        if late := self.fault("late-cancel", request):
            self.later(now_ms + round(late.number * 1000), lambda due_ms: self._land(account, taken, request, due_ms))
        else:
            self._land(account, taken, request, now_ms)
        return Cancelled(accepted=taken, failed=failed)

    def cancel_each(
        self, account: Account, named: Sequence[SimOrder | Refused], request: SimRequest, busy: Refused
    ) -> list[Refused | None]:
        """Cancel those of a batch that name an open order; for each why it was not cancelled, or None."""
        orders = {one.id: one for one in named if isinstance(one, SimOrder)}
        failed = self.cancel(account, list(orders.values()), request).failed
        return [one if isinstance(one, Refused) else busy if one in failed else None for one in named]

    def _land(self, account: Account, orders: Sequence[SimOrder], request: SimRequest, when_ms: int) -> None:
        """Take orders off the book; one that should fill, fills instead."""
        gone: list[SimOrder] = []
        for order in orders:
            if not account.book.is_open(order.id):
                continue
            if self._fills_left > 0 and self.fault("fill", request):
                self._fills_left -= 1
                account.book.close(order.id, "filled", when_ms)
            elif after := account.book.close(order.id, "cancelled", when_ms):
                gone.append(order)
                self.on_cancelled(account, after)
        if gone and (fault := self.fault("reappear", request)):
            self.later(when_ms + round(fault.number * 1000), lambda due_ms: self.place_like(account, gone[0], due_ms))

    def _schedule_bot(self, fault: Fault, faults: FaultSet, since_ms: int) -> None:
        """A bot that places an order in every account, until the faults change or its count is used up."""
        template: dict[str, SimOrder] = {}

        def tick(due_ms: int) -> None:
            if self._faults is not faults or faults.named("bot") is not fault:
                return
            faults.count(fault)
            for key, account in self.accounts.items():
                like = template.get(key) or next(account.book.open(), None) or next(account.book.closed(), None)
                if like:
                    template[key] = like
                    self.place_like(account, like, due_ms)
            self.later(due_ms + step_ms, tick)

        step_ms = max(1, round(fault.number * 1000))
        self.later(since_ms + step_ms, tick)

    def listed(self, account: Account, request: SimRequest, segment: str | None = None) -> list[SimOrder]:
        """The open orders that a listing shows, newest first: the faults `lag`, `hidden` and `replicas` included."""
        if self._hidden_until_ms.get(account.key, 0) > self.now_ms():
            return []
        behind = self.fault("lag", request)
        if not behind and (replica := self.fault("replicas", request)) and self._reading(account, request) % 2:
            behind = replica
        if behind:
            return account.book.open_as_of(self.now_ms() - round(behind.number * 1000), segment)
        return list(account.book.open(segment))

    def _reading(self, account: Account, request: SimRequest) -> int:
        """How often this listing has been begun anew: its later pages belong to the same reading."""
        scope = {name: value for name, value in request.parameters().items() if name not in PAGING}
        key = account.key, request.path, repr((sorted(scope.items()), request.body))
        self._readings[key] = self._readings.get(key, -1) + (not came_by(request.query))
        return self._readings[key]


_PAGES: Mapping[str, Callable[[Fault, SimRequest], SimReply]] = {
    "region": lambda *_: text_reply("<html><body>The service is not available in your country.</body></html>", 403),
    "html": lambda fault, _: text_reply("<html><body><h1>Bad gateway</h1></body></html>", int(fault.number)),
    "edge": lambda fault, request: spoil.edge_page(str(fault.value), request.path),
    "status": lambda fault, _: json_reply({}, int(fault.number)),
    "redirect": lambda fault, request: SimReply(status=302, headers=(("Location", f"{fault.value}{request.target}"),)),
}
"""What faults answer that something in front of the venue obeys."""

_REFUSALS = (
    ("maintenance", Refusal.MAINTENANCE),
    ("key", Refusal.KEY),
    ("ip", Refusal.IP),
    ("listing-refused", Refusal.PERMISSION),
    ("listing-fails", Refusal.INTERNAL),
    ("absent", Refusal.ABSENT),
)

_MANNERS = (
    ("stall-after", Manner.NEVER),
    ("reset-after", Manner.RESET),
    ("fin-after", Manner.CLOSE),
    ("reset-body", Manner.RESET_IN_BODY),
    ("drip-body", Manner.DRIP_BODY),
    ("drip-headers", Manner.DRIP_HEADERS),
    ("giant", Manner.ENDLESS),
    ("garbage", Manner.GARBAGE),
)
