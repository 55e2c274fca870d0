"""What the fake Kraken remembers: keys with their nonces, orders, its words for a refusal, and how rows are written.

Errors stand in a list, with HTTP 200: https://docs.kraken.com/exchange/guides/rest/errors. Signatures, nonces and the
one-time password: .../exchange/guides/rest/authentication, and https://support.kraken.com/articles/360001491786.
"""

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar
from urllib.parse import parse_qsl

from ..book import Account, SimOrder
from ..fake import FakeVenue
from ..faults import declared
from ..limits import Draw
from ..refusals import Refusal, Refused, whole
from ..routes import Call
from ..rows import tables
from ..stock import stock, template
from ..wire import Headers, SimReply, SimRequest, json_reply

SPOT = "spot"
_LOCKOUT_AFTER, _LOCKOUT_MS = 4, 900_000
"""Refused nonces after which a key is locked out, and for how long. How many they are is not documented."""
_UNITS = {"us": 1000, "10ns": 100_000, "ns": 1_000_000}
_COUNTER, _FALLS_IN_MS = 15, 45_000
"""The lowest tier: https://docs.kraken.com/exchange/guides/rest/ratelimits"""


def refused(code: str) -> Refused:
    return Refused(code, code)


ARGUMENTS = refused("EGeneral:Invalid arguments")
NO_ORDER = refused("EOrder:Unknown order")
_SIGNATURE, _NONCE, _LOCKED = map(
    refused, ("EAPI:Invalid signature", "EAPI:Invalid nonce", "EGeneral:Temporary lockout")
)


@dataclass(frozen=True)
class Pair:
    """A pair in its three spellings, and what its orders cost."""

    id: str
    altname: str
    wsname: str
    price: str


_PAIRS = """
    XXBTZUSD XBTUSD XBT/USD 60000; XETHZUSD ETHUSD ETH/USD 2500; XETHXXBT ETHXBT ETH/XBT 0.04; SOLUSD SOLUSD SOL/USD 99;
    XXDGZUSD XDGUSD XDG/USD 0.1; USDTZUSD USDTUSD USDT/USD 1; ADAUSD ADAUSD ADA/USD 0.5
"""
PAIRS = {one.altname: one for one in (Pair(*words.split()) for words in _PAIRS.split(";"))}


def pair_named(name: str) -> Pair | None:
    """The pair of any of its spellings."""
    return next((one for one in PAIRS.values() if name in (one.id, one.altname, one.wsname)), None)


def make(kind: str, pair: str, side: str, left: str = "1", **extra: object) -> SimOrder:
    """An order at the pair's price; one that waits has a trigger there."""
    return template(SPOT, pair, side, PAIRS[pair].price, kind, extra, left=left)


# --- rows -----------------------------------------------------------------------------------------------------------


def _descr(order: SimOrder, _: object) -> dict[str, object]:
    leverage, close = order.extra.get("leverage", "none"), str(order.extra.get("close", ""))
    words = f"{order.side} {order.quantity} {order.symbol} @ {order.kind} {order.price}"
    return {
        "pair": order.symbol,
        "aclass": "forex",
        "type": order.side,
        "ordertype": order.kind,
        "price": order.price,
        "price2": order.price if order.kind.endswith("-limit") else "0",
        "leverage": leverage,
        "order": words if leverage == "none" else f"{words} with {leverage} leverage",
        "close": f"close position @ {close} {order.price}" if close else "",
    }


def _reason(order: SimOrder, _: object) -> str | None:
    """Which one the dead-man's timer leaves is not documented: none, here."""
    ours = order.status == "cancelled" and order.extra.get("ended_by") != "countdown"
    return "User requested" if ours else None


_STATUSES = {"cancelled": "canceled", "filled": "closed"}
_table = tables(
    {
        "descr": _descr,
        "seconds": lambda order, to_server: to_server(order.created_ms) / 1000,
        "closed": lambda order, to_server: to_server(order.updated_ms) / 1000,
        "status": lambda order, _: _STATUSES.get(order.status, order.extra.get("status", "open")),
        "margin": lambda order, _: "leverage" in order.extra,
        "reason": _reason,
    }
)
_ROW = """
    refid=#null userref=#0 cl_ord_id=.client_id_or_null status opentm=.seconds starttm=#0 expiretm=#0 descr
    vol=.quantity vol_exec=.executed cost=0.00000 fee=0.00000 price=0.00000 stopprice=0.00000 limitprice=0.00000 margin
    misc= oflags=fciq
"""
open_row, closed_row = _table(_ROW), _table(f"{_ROW} closetm=.closed reason")


# --- state ----------------------------------------------------------------------------------------------------------


class State(FakeVenue):
    name = "kraken"
    key_header = "api-key"
    text_fields = frozenset({"pair", "ordertype", "order", "close", "altname", "wsname", "cl_ord_id", "misc"})
    status_fields = frozenset({"status"})
    # What an address off a key's list is answered with is not documented.
    refusals: ClassVar = {
        Refusal.KEY: refused("EAPI:Invalid key"),
        Refusal.IP: refused("EAPI:Invalid key"),
        Refusal.PERMISSION: refused("EGeneral:Permission denied"),
        Refusal.RATE_LIMIT: refused("EAPI:Rate limit exceeded"),
        Refusal.INTERNAL: Refused("EGeneral:Internal error", "EGeneral:Internal error", 500),  # as what is before it
        Refusal.MAINTENANCE: refused("EService:Unavailable"),
        Refusal.REQUEST: ARGUMENTS,
        Refusal.PRODUCT: refused("EGeneral:Permission denied"),
    }
    own_faults = declared(__file__)

    def begin(self) -> None:
        self.nonces: dict[str, int] = {}
        """The highest that each key has had."""
        self._refused_nonces: Counter[str] = Counter()
        self._locked_until_ms: dict[str, int] = {}

    def new_credentials(self) -> Mapping[str, str]:
        """A secret is 64 bytes in base64."""
        secret = self.random_of_keys.randbytes(64)
        return {
            "api_key": f"KRAKEN{self.random_of_keys.getrandbits(200):050x}",
            "api_secret": base64.b64encode(secret).decode(),
        }

    def new_id(self, like: SimOrder) -> str:
        """`O` and sixteen letters and digits, as OQCLML-BW3P3-BUCMWZ."""
        letters = "".join(self.random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
        return f"O{letters[:5]}-{letters[5:10]}-{letters[10:]}"

    def stock(self, account: Account, orders: int) -> None:
        self.put_stock(account, stock(__file__, make), orders, named=True)

    def authorize(self, call: Call) -> Call:
        """Key, signature with the one-time password, and then the nonce: in which order is not documented."""
        account = self.accounts.get(self.key_of(call.request))
        if account is None:
            raise self.refusals[Refusal.KEY]
        fields = self._fields(call.request)
        nonce = fields.pop("nonce", "")
        self._check_signature(account, call.request, str(nonce))
        otp = self.has_fault("otp")
        wanted = str(otp.value) if otp else account.credentials.get("otp", "")
        if fields.pop("otp", "") != wanted:
            raise _SIGNATURE
        self._check_nonce(account.key, str(nonce), call.request)
        if fault := self.fault("error", call.request):
            raise refused(str(fault.value))
        return replace(call, account=account, payload=fields)

    def _fields(self, request: SimRequest) -> dict[str, object]:
        """What stands in the body: a form, or JSON."""
        if request.headers.get("content-type", "").startswith("application/json"):
            return request.json_object(ARGUMENTS)
        return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))

    def _check_signature(self, account: Account, request: SimRequest, nonce: str) -> None:
        digest = hashlib.sha256(nonce.encode() + request.body).digest()
        key = base64.b64decode(account.credentials["api_secret"])
        signature = hmac.new(key, request.path.encode() + digest, hashlib.sha512).digest()
        given = request.headers.get("api-sign", "")
        if not hmac.compare_digest(base64.b64encode(signature), given.encode("utf-8", "replace")):
            raise _SIGNATURE

    def _check_nonce(self, key: str, written: str, request: SimRequest) -> None:
        """It has to be higher than any before, as far as the window goes. Too many that are not lock the key out."""
        now_ms = self.server_now()
        if self.fault("locked-out", request) or self._locked_until_ms.get(key, 0) > now_ms:
            raise _LOCKED
        highest = self.nonces.get(key, 0)
        if (other := self.has_fault("nonces")) and not self.strikes("nonces"):
            value = str(other.value)
            before = now_ms * _UNITS[value] if value in _UNITS else now_ms + 1000 * int(value)
            highest = max(highest, before) if self.fault("nonces", request) else highest
        if self.fault("rival", request):
            highest = max(highest, now_ms)
        self.nonces[key] = highest
        window = self.fault("nonce-window", request)
        nonce = whole(written, _NONCE, least=1, most=2**64 - 1)
        if nonce <= highest - (round(window.number) if window else 0) or self.fault("invalid-nonce", request):
            self._refused_nonces[key] += 1
            if self._refused_nonces[key] >= _LOCKOUT_AFTER:
                self._locked_until_ms[key] = now_ms + _LOCKOUT_MS
            raise _NONCE
        self.nonces[key] = max(highest, nonce)

    def _reading(self, account: Account, request: SimRequest) -> int:
        """As everywhere: a nonce makes no other listing of it."""
        return super()._reading(account, replace(request, body=b""))

    def draws(self, call: Call) -> Iterable[Draw]:
        """The key's counter, which falls by one in three seconds."""
        return [Draw("counter", _COUNTER, _FALLS_IN_MS, call.route.detail)] if call.route.detail else ()

    def answer(self, value: object, call: Call, headers: Headers) -> SimReply:
        warnings = ["WGeneral:Something is not as usual"] if self.fault("warns", call.request) else []
        return json_reply({"error": warnings, "result": value}, headers=headers)

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        return json_reply({"error": [refused.message]}, refused.status or 200, headers)

    def no_route(self, request: SimRequest) -> Exception:
        return refused("EGeneral:Unknown method")

    def too_many(self, seconds: float, request: SimRequest) -> SimReply:
        """The moment from which requests are taken again."""
        return self.refusal(refused(f"EService:Throttled: {round(self.server_now() / 1000 + seconds)}"), request)
