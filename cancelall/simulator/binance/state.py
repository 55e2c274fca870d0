"""What the fake Binance remembers and checks: keys, clock, weights by address; and its words.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security and .../limits: the signature is
over the query as it came, with the body behind it, and `signature` is the last parameter. Too many requests are
answered 429, and who goes on is banned (418).
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count
from typing import ClassVar
from urllib.parse import parse_qsl, unquote_plus

from ..auth import as_hex, genuine
from ..book import Account, SimOrder
from ..fake import FakeVenue
from ..faults import declared
from ..refusals import Answered, Refusal, Refused, page
from ..routes import Call
from ..wire import Headers, SimReply, SimRequest, json_reply
from .wallets import Symbols, conditional, number_of, waits

_GROUPS = {"api": ("api", 6000), "sapi": ("sapi", 12_000), "fapi": ("futures", 2400), "dapi": ("futures", 2400)}
_GROUPS |= {"eapi": ("eapi", 2400), "papi": ("papi", 6000)}
_PRODUCTS = {"api": "spot", "fapi": "usdm", "dapi": "coinm", "eapi": "option", "papi": "pm"}
_MINUTE_MS, _BAN_MS, _PATIENCE = 60_000, 120_000, 20
_NEXT_CHILD_MS = 200
_MISSING = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."
NO_KEY = Refused(-2008, "Invalid Api-Key ID.", 401)
NO_RIGHT = Refused(-2015, "Invalid API-key, IP, or permissions for action, request ip: 203.0.113.7", 401)
UNKNOWN_ORDER = Refused(-2011, "Unknown order sent.")
NO_SUCH_ORDER = Refused(-2013, "Order does not exist.")
BAD_SYMBOL = Refused(-1121, "Invalid symbol.")


def missing(name: str) -> Refused:
    return Refused(-1102, _MISSING.format(name))


def is_isolated(call: Call) -> bool:
    """Whether a call on margin is about the account of a pair."""
    return str(call.payload.get("isIsolated", "")).upper() == "TRUE"


class State(FakeVenue):
    name = "binance"
    key_header = "x-mbx-apikey"
    secrets: ClassVar = {"api_key": ("SIMBINANCE", 24), "api_secret": ("sim-dummy-secret-", 24)}
    text_fields = frozenset({"msg", "symbol", "clientOrderId", "clientAlgoId"})
    status_fields = frozenset({"status", "algoStatus", "strategyStatus"})
    refusals: ClassVar = {
        Refusal.KEY: NO_KEY,
        Refusal.IP: Refused(-1011, "This IP cannot access this route.", 401),
        Refusal.PERMISSION: Refused(-1002, "You are not authorized to execute this request.", 401),
        Refusal.RATE_LIMIT: Refused(-1003, "Too much request weight used; current limit is 6000 per 1 MINUTE.", 429),
        Refusal.INTERNAL: Refused(-1000, "An unknown error occurred while processing the request.", 500),
        Refusal.MAINTENANCE: Refused(-1016, "This service is no longer available.", 503),
        Refusal.REQUEST: missing("symbol"),
        Refusal.PRODUCT: Refused(-4109, "This account is inactive, please activate your account first."),
        Refusal.HOST: Refused(-1003, "Way too many requests; IP banned until 1999999999999.", 418),
        Refusal.ABSENT: Refused(-11001, "Isolated margin account does not exist."),
    }
    own_faults = declared(__file__)

    def begin(self) -> None:
        self.symbols = Symbols(self.now_ms())
        self._numbers = count(28)
        self._used: dict[tuple[str, str, int], int] = {}
        self._banned_until_ms: dict[tuple[str, str], int] = {}

    def stock(self, account: Account, orders: int) -> None:
        self.put_stock(account, self.symbols.stock(self.mode_of(account)), orders, named=True)

    def new_id(self, like: SimOrder) -> str:
        """The symbol, the book and a number. Numbers of different symbols and books are equal now and then."""
        if like.segment.startswith("algo-"):
            return str(14_500_000 + next(self._numbers))
        kind = like.segment.rpartition(" ")[2] if conditional(like) else ""
        number = next(self._numbers) // 2 if not kind else next(self._numbers)
        number += (1 << 62) * (like.segment == "option")
        made = ":".join(filter(None, (like.symbol if kind != "algo" else "", kind, str(number))))
        taken = any(account.book.find(made) for account in self.accounts.values())
        return self.new_id(like) if taken else made

    def place(self, account: Account, order: SimOrder) -> SimOrder:
        """A parent and what it places have no client id; the legs of a list are of one owner."""
        if "child" in order.extra or order.extra.get("list") == "1930" or order.segment.startswith("algo-"):
            order = replace(order, client_id="")
        elif "list" in order.extra:
            order = replace(order, client_id=f"desk-{number_of(order)}")
        return super().place(account, order)

    def on_cancelled(self, account: Account, order: SimOrder) -> None:
        """A parent that works places the next order in the place of one that was cancelled."""
        if not order.extra.get("child"):
            return

        def place_child(due_ms: int) -> None:
            if any(parent.symbol == order.symbol for parent in account.book.open("algo-futures")):
                self.place_like(account, order, due_ms)

        self.later(order.updated_ms + _NEXT_CHILD_MS, place_child)

    def trigger_later(self, account: Account, request: SimRequest) -> None:
        """With the fault `trigger` the price comes: conditional orders turn into ordinary ones."""
        if (fault := self.fault("trigger", request)) is None:
            return

        def fire(due_ms: int) -> None:
            for order in [each for each in account.book.open() if conditional(each)]:
                account.book.close(order.id, "filled", due_ms)
                self.place_like(account, fired(order), due_ms)

        self.later(self.now_ms() + round(fault.number * 1000), fire)

    def admit(self, request: SimRequest) -> Headers:
        """The weight of this address in this minute, by the limit that its host has."""
        group, most = _GROUPS.get(request.path.split("/")[1], ("api", 6000))
        now_ms = self.now_ms()
        key, place = (group, request.client, now_ms // _MINUTE_MS), (group, request.client)
        call = self.routes.find(request)
        weight = call.route.detail if call and isinstance(call.route.detail, int) else 1
        used = self._used[key] = self._used.get(key, 0) + weight * self.limits
        if self._banned_until_ms.get(place, 0) > now_ms or used > most + _PATIENCE * weight:
            until = self._banned_until_ms.setdefault(place, now_ms + _BAN_MS)
            raise Refused(-1003, f"Way too much request weight used; IP banned until {until}.", 418)
        if used > most:
            self._used[key] += weight
            wait = str((_MINUTE_MS - now_ms % _MINUTE_MS) // 1000 + 1)
            words = f"Too much request weight used; current limit is {most} request weight per 1 MINUTE."
            raise Answered(json_reply({"code": -1003, "msg": words}, 429, (("Retry-After", wait),)))
        shown = used + int(most * fault.number) if (fault := self.fault("used", request)) else used
        name = "X-SAPI-USED-IP-WEIGHT-1M" if group == "sapi" else "X-MBX-USED-WEIGHT-1M"
        return ((name, str(shown)),)

    def authorize(self, call: Call) -> Call:
        """Key, clock and signature; and which host serves the account."""
        request = call.request
        account = self.accounts.get(self.key_of(request))
        if account is None:
            if self.fault("not-json", request):
                raise page(403, "<html><body>403 Forbidden</body></html>")
            raise NO_KEY
        query, body = request.query, request.body.decode("latin-1")
        text, mark, signature = (body or query).rpartition("&signature=")
        if not mark:
            raise missing("signature")
        signed, values = query + text if body else text, {**dict(parse_qsl(body)), **dict(parse_qsl(query))}
        self._check_clock(values)
        made, keys = unquote_plus(signature), account.credentials
        if not any(name.endswith("_public_key") for name in keys):
            made = made.lower()  # hex digits, whose case is not significant
        if not genuine(signed.encode("latin-1"), made, keys, as_hex):
            raise Refused(-1022, "Signature for this request is not valid.")
        return replace(call, account=account, payload=values)

    def _check_clock(self, values: Mapping[str, str]) -> None:
        stamp, window, now_ms = values.get("timestamp", ""), values.get("recvWindow", "5000"), self.server_now()
        if not stamp.isdecimal():
            raise missing("timestamp")
        if not window.isdecimal() or int(window) > 60_000:
            raise Refused(-1131, "recvWindow must be less than 60000")
        if int(stamp) >= now_ms + 1000:
            raise Refused(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
        if now_ms - int(stamp) > int(window):
            raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")

    def check(self, call: Call) -> None:
        """Which wallets the account has, and what it was told to lack."""
        path, pm = call.path, self.mode_of(call.account) == "pm"
        isolated = "isolated" in path or is_isolated(call)
        if pm and path.startswith(("/fapi/", "/dapi/", "/sapi/v1/margin/")) and not isolated:
            raise NO_RIGHT
        if path.startswith("/papi/") and not pm:
            raise Refused(-21001, "USER_IS_NOT_UNIACCOUNT")
        margin = "isolated" if isolated else path.split("/")[3]
        product = {**_PRODUCTS, "sapi": margin}.get(path.split("/")[1], "")
        if fault := self.fault("lacks", call.request, lambda one: one.parts[0] == product):
            raise Refused(int(fault.parts[1] or -3003), "the account lacks this")

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        return json_reply({"code": refused.code, "msg": refused.message}, refused.status or 400, headers)

    def no_route(self, request: SimRequest) -> Refused:
        return Refused(-5000, f"Path {request.path}, Method {request.method} is invalid", 404)


def fired(order: SimOrder) -> SimOrder:
    """What rests after its price has come."""
    where = order.segment.rpartition(" ")[0]
    return replace(order, segment=where, kind="LIMIT" if waits(order) else order.kind, type="limit", price="100")
