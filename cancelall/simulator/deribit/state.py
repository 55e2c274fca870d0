"""What the fake Deribit remembers, its limits, and its own words for a refusal.

https://docs.deribit.com/articles/errors and …/articles/rate-limits. Which HTTP status goes with which code is not
documented: 400, and 401 for a bad signature, were seen.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from ..book import Account, SimOrder
from ..fake import FakeVenue
from ..faults import declared
from ..limits import Draw
from ..refusals import Refusal, Refused
from ..routes import Call
from ..wire import Headers, SimReply, SimRequest, json_reply
from . import auth
from .instruments import ACCOUNT, INSTRUMENTS, STOCK, TRIGGERED, Instrument, id_of

# Requests of a burst, and the milliseconds in which they are there again: the lowest tier.
_BUCKETS = {"cancel_all": (250, 1250), "matching": (20, 4000), "reads": (100, 5000)}

LOG_IN = "/api/v2/public/auth"
TOO_MANY = Refused(10028, "too_many_requests", 429)


def invalid(name: str, reason: str = "invalid value") -> Refused:
    return Refused(-32602, "Invalid params", members={"data": {"reason": reason, "param": name}})


class State(FakeVenue):
    name = "deribit"
    secrets: ClassVar = {"client_id": ("SIM", 5), "client_secret": ("DUMMY", 38)}  # as long as the real ones
    text_fields = frozenset({"message", "reason", "label", "instrument_name"})
    status_fields = frozenset({"order_state"})
    # An address that is not on the key's list: not documented, it sounds like a wrong key. Others have no word.
    refusals: ClassVar = {
        Refusal.KEY: auth.CREDENTIALS,
        Refusal.IP: auth.CREDENTIALS,
        Refusal.PERMISSION: Refused(13021, "forbidden"),
        Refusal.RATE_LIMIT: TOO_MANY,
        Refusal.INTERNAL: Refused(11094, "internal_server_error", 500),
        Refusal.MAINTENANCE: Refused(11051, "system_maintenance", 503),
        Refusal.REQUEST: invalid("type"),
        Refusal.PRODUCT: Refused(11098, "account_locked"),
    }
    own_faults = declared(__file__)

    def begin(self) -> None:
        self.tokens: dict[str, str] = {}  # client ids by token
        self.nonces: dict[str, set[str]] = defaultdict(set)
        self._number = 331_000

    def account_key(self, credentials: Mapping[str, str]) -> str:
        return credentials["client_id"]

    def key_of(self, request: SimRequest) -> str:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        named = auth.parts_of(request).get("id", "") or self.tokens.get(token, "")
        call = self.routes.find(request) if request.path == LOG_IN else None
        return named if call is None else str(params_of(call).get("client_id", ""))

    def authorize(self, call: Call) -> Call:
        """By a signature, or by a token of a log-in."""
        account, parts = self.accounts.get(self.key_of(call.request)), auth.parts_of(call.request)
        if account is None:
            raise auth.CREDENTIALS
        secret, now_ms, used = account.credentials["client_secret"], self.server_now(), self.nonces[account.key]
        if call.path == LOG_IN:
            auth.check_login(params_of(call), secret, now_ms, used)
        elif parts:
            auth.check_signature(call.request, parts, secret, now_ms, used)
        return replace(call, account=account)

    def draws(self, call: Call) -> Iterable[Draw]:
        name = call.route.bucket
        return [Draw(name, *_BUCKETS[name])] if name else ()

    def envelope(self, request: SimRequest, members: Mapping[str, object]) -> dict[str, object]:
        now_us = self.server_now() * 1000
        testnet = {} if self.fault("silent", request) else {"testnet": self.fault("testnet", request) is not None}
        return {"jsonrpc": "2.0", **members, "usIn": now_us, "usOut": now_us + 40, "usDiff": 40, **testnet}

    def answer(self, value: object, call: Call, headers: Headers) -> SimReply:
        return json_reply(self.envelope(call.request, {"result": value}), headers=headers)

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        error = {"message": refused.message, **refused.members, "code": refused.code}
        return json_reply(self.envelope(request, {"error": error}), refused.status or 400, headers)

    def too_many(self, seconds: float, request: SimRequest) -> SimReply:
        return self.refusal(Refused(TOO_MANY.code, TOO_MANY.message, 429, {"data": {"wait": round(seconds)}}), request)

    def no_route(self, request: SimRequest) -> Exception:
        return Refused(-32601, "Method not found")

    def stock(self, account: Account, orders: int) -> None:
        self.put_stock(account, STOCK, orders, named=True)

    def owner(self, order: SimOrder, number: int) -> str:
        """Linked orders have one owner: the step to the one before them is negative."""
        steps = [step for link in ("oco", "oto") if isinstance(step := order.extra.get(link), int)]
        return super().owner(order, number + min([0, *steps]))

    def new_id(self, like: SimOrder) -> str:
        self._number += self.random.randrange(1, 9)
        return id_of(like, self._number)

    def _land(self, account: Account, orders: Sequence[SimOrder], request: SimRequest, when_ms: int) -> None:
        """Those that work on a book come first: a trigger order has nothing that could fill."""
        super()._land(account, sorted(orders, key=lambda order: order.kind in TRIGGERED), request, when_ms)

    def on_cancelled(self, account: Account, order: SimOrder) -> None:
        """One leg of a pair takes the other along, and an order those that it would have placed."""
        for link in ("oco", "oto"):
            step = order.extra.get(link)
            if not isinstance(step, int) or (link == "oto" and step < 0):
                continue
            for other in list(account.book.open(ACCOUNT)):
                if other.sequence == order.sequence + step and other.extra.get(link) == -step:
                    account.book.close(other.id, "cancelled", order.updated_ms)


def params_of(call: Call) -> Mapping[str, object]:
    """The parameters of a call: a query, or those of a JSON-RPC body, which has to name its method, too."""
    if call.request.method == "GET":
        return call.query
    body = call.request.json_object(Refused(11050, "bad_request"))
    params = body.get("params", {})
    if f"/api/v2/{body.get('method')}" != call.path or not isinstance(params, dict):
        raise Refused(11050, "bad_request")
    return params


def instrument_of(params: Mapping[str, object]) -> Instrument:
    if known := INSTRUMENTS.get(str(params.get("instrument_name", ""))):
        return known
    raise Refused(13020, "not_found")
