"""Desks: each signs as its venue's documents say and hands requests straight to the fake, without a socket."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cancelall import simulator
from cancelall.simulator import Account, SimOrder, SimReply, SimRequest
from cancelall.simulator.pacifica import auth

Values = Mapping[str, Any]


class Clock(Protocol):
    """The clock of the tests, which stands still until it is turned."""

    now_ms: int

    def __call__(self) -> int: ...

    def tick(self, seconds: float) -> None: ...


@dataclass
class Desk:
    """What all of them do."""

    fake: Any
    clock: Clock
    account: Account

    venue: ClassVar[str]

    def send(self, method: str, path: str, *, query: str = "", body: bytes = b"", **more: Any) -> SimReply:
        request = SimRequest(method=method, path=path, query=query, body=body, received_ms=self.clock(), **more)
        return self.fake.handle(request)  # type: ignore[no-any-return]

    def open(self, segment: str | None = None) -> list[SimOrder]:
        """What really rests."""
        return [order for order in self.fake.open_orders(self.account) if segment in (None, order.segment)]

    def one(self, kind: str) -> SimOrder:
        return next(order for order in self.open() if order.kind == kind)

    def rests(self, order_id: object) -> bool:
        return order_id in {order.id for order in self.open()}


AnyDesk = TypeVar("AnyDesk", bound=Desk)
Opener = Callable[..., Any]


def opened(
    kind: type[AnyDesk],
    clock: Clock,
    *,
    orders: int = 40,
    faults: Iterable[str] = (),
    limits: bool = False,
    credentials: Mapping[str, str] | None = None,
) -> AnyDesk:
    """A desk at a new fake venue. Nothing is limited unless asked for, because the clock stands still."""
    fake = simulator.venue_class(kind.venue)(now_ms=clock, limits=limits)
    account = fake.add_account(credentials, orders=orders)
    fake.set_faults(faults)
    return kind(fake, clock, account)


def read(reply: SimReply) -> dict[str, Any]:
    """The JSON object of a reply."""
    value = json.loads(reply.body)
    assert isinstance(value, dict)
    return value


class AscendexDesk(Desk):
    venue = "ascendex"
    apis: ClassVar = {"cash": "v1/cash", "margin": "v1/margin", "futures": "v2/futures"}

    def path(self, ledger: str, call: str) -> str:
        return f"/{self.account.options['account_group']}/api/pro/{self.apis[ledger]}/{call}"

    @staticmethod
    def api_path(path: str) -> str:
        """What of a path is signed, by the table of the documents."""
        rest = path.partition("/api/pro/")[2]
        return rest.split("/", 2)[2] if rest.startswith("v1/") and path[1].isdigit() else rest.removeprefix("v1/")

    def headers(self, path: str, timestamp: int | None = None, signed: str | None = None) -> dict[str, str]:
        stamp = str(self.clock() if timestamp is None else timestamp)
        message = f"{stamp}+{self.api_path(path) if signed is None else signed}".encode()
        digest = hmac.new(self.account.credentials["api_secret"].encode(), message, hashlib.sha256).digest()
        return {
            "x-auth-key": self.account.key,
            "x-auth-timestamp": stamp,
            "x-auth-signature": base64.b64encode(digest).decode(),
            "content-type": "application/json",
        }

    def reply(
        self,
        method: str,
        path: str,
        values: Values | None = None,
        *,
        headers: Mapping[str, str | None] | None = None,
        body: bytes | None = None,
        **signing: Any,
    ) -> SimReply:
        """A signed request. A header that is None is left out."""
        made = {**self.headers(path, **signing), **(headers or {})}
        shown = {name: value for name, value in made.items() if value is not None}
        if method == "GET":
            return self.send(method, path, query=urlencode(values or {}), headers=shown)
        return self.send(method, path, body=json.dumps(values or {}).encode() if body is None else body, headers=shown)

    def ask(self, method: str, path: str, values: Values | None = None, **more: Any) -> dict[str, Any]:
        return read(self.reply(method, path, values, **more))

    def cancel_all(self, ledger: str, **values: object) -> dict[str, Any]:
        """A mass cancel that must be acknowledged."""
        answer = self.ask("DELETE", self.path(ledger, "order/all"), values)
        assert answer["code"] == 0, answer
        return answer

    def sweep(self) -> None:
        for ledger in self.apis:
            self.cancel_all(ledger)

    def named(self, order: SimOrder) -> dict[str, object]:
        return {"orderId": order.id, "symbol": order.symbol, "time": self.clock()}

    def cancel(self, order: SimOrder, **values: object) -> dict[str, Any]:
        return self.ask("DELETE", self.path(order.segment, "order"), {**self.named(order), **values})

    def batch(self, ledger: str, orders: Iterable[SimOrder]) -> dict[str, Any]:
        items = [{"id": "", **self.named(order)} for order in orders]
        return self.ask("DELETE", self.path(ledger, "order/batch"), {"orders": items})

    def listing(self, ledger: str, **values: object) -> list[dict[str, Any]]:
        answer = self.ask("GET", self.path(ledger, "order/open"), values)
        assert answer["code"] == 0, answer
        return list(answer["data"])

    def rows(self) -> list[dict[str, Any]]:
        return [row for ledger in self.apis for row in self.listing(ledger)]


TYPES = {
    "/orders/cancel_all": "cancel_all_orders",
    "/orders/cancel": "cancel_order",
    "/orders/stop/cancel": "cancel_stop_order",
    "/orders/twap/cancel": "cancel_twap_order",
    "/order_strategies/cancel": "cancel_order_strategy",
    "/orders/create": "create_order",
    "/orders/stop/create": "create_stop_order",
    "/agent/list": "list_agent_wallets",
    "/account/subaccount/list": "list_subaccounts",
    "/account/api_keys/create": "create_api_key",
    "/account/api_keys": "list_api_keys",
}
"""Of each of Pacifica's signed calls its `type` in the signed message."""


@dataclass
class PacificaDesk(Desk):
    secret: str = ""
    """A key of its own choice instead of the account's."""
    agent: str = ""

    venue = "pacifica"
    api: ClassVar = "/api/v1"
    all: ClassVar = {"all_symbols": True, "exclude_reduce_only": False}

    def sign(self, message: Values) -> str:
        seed = auth.unbase58(self.secret or self.account.credentials["secret_key"])[:32]
        text = json.dumps(message, sort_keys=True, separators=(",", ":")).encode()
        return auth.base58(Ed25519PrivateKey.from_private_bytes(seed).sign(text))

    def body(self, path: str, payload: Values, **changes: object) -> dict[str, object]:
        """A flat signed body. `changes` are made after signing; None takes a field out."""
        stamp: dict[str, object] = {"timestamp": self.clock(), "expiry_window": 30_000}
        stamp.update({name: value for name, value in changes.items() if name in stamp})
        signature = self.sign({**stamp, "type": TYPES[path], "data": payload})
        made = {"account": self.account.key, "signature": signature, **stamp, **payload}
        made |= {"agent_wallet": self.agent} if self.agent else {}
        return {name: value for name, value in {**made, **changes}.items() if value is not None}

    def raw(self, path: str, body: object, **more: Any) -> SimReply:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", self.api + path, body=text, **more)

    def post(self, path: str, payload: Values, **changes: object) -> SimReply:
        return self.raw(path, self.body(path, payload, **changes))

    def get(self, path: str, **values: object) -> SimReply:
        return self.send("GET", self.api + path, query=urlencode({"account": self.account.key, **values}))

    def data(self, path: str, **values: object) -> Any:
        answer = read(self.get(path, **values))
        assert (answer["success"], answer["error"], answer["code"]) == (True, None, None), answer
        return answer["data"]

    def cancel_all(self, **changes: object) -> int:
        """A mass cancel that must succeed; what it counts."""
        answer = read(self.post("/orders/cancel_all", {**self.all, **changes}))
        assert answer["success"], answer
        return int(answer["data"]["cancelled_count"])

    def sweep(self) -> None:
        self.cancel_all()

    def rows(self) -> list[dict[str, Any]]:
        return list(self.data("/orders"))


CANCEL, LIST = "/order/cancel-all", "/accounts/open-orders"


class DeltadefiDesk(Desk):
    venue = "deltadefi"

    def reply(self, method: str, path: str, values: Values | None = None, key: str | None = None) -> SimReply:
        headers = {"x-api-key": self.account.key if key is None else key}
        if method == "GET":
            return self.send(method, path, query=urlencode(values or {}), headers=headers)
        return self.send(method, path, body=b"" if values is None else json.dumps(values).encode(), headers=headers)

    def get(self, path: str, **values: object) -> Any:
        reply = self.reply("GET", path, values)
        assert reply.status == 200, reply
        return json.loads(reply.body)

    def code(self, method: str, path: str, values: Values | None = None, **more: Any) -> tuple[int, int]:
        """HTTP status and the venue's code, 0 if there is none."""
        reply = self.reply(method, path, values, **more)
        answer = json.loads(reply.body)
        return reply.status, answer.get("code", 0) if isinstance(answer, dict) else 0

    def cancel_all(self, symbol: str = "ADAUSDM") -> Any:
        """A mass cancel that must find something; the ids that it names."""
        reply = self.reply("POST", CANCEL, {"symbol": symbol})
        assert reply.status == 200, reply
        assert read(reply)["symbol"] == symbol
        return read(reply)["order_ids"]

    def sweep(self) -> None:
        for symbol in {order.symbol for order in self.open()}:
            self.cancel_all(symbol)

    def listing(self, **values: object) -> Any:
        """Every row of a listing, page by page."""
        rows: Any = []
        for page in range(1, 1000):
            answer = self.get(LIST, limit=250, page=page, **values)
            rows += answer["data"]
            if page >= answer["total_page"]:
                assert len(rows) == answer["total_count"]
                break
        return rows

    def rows(self) -> Any:
        return self.get(LIST, limit=250)["data"]

    def place(self, symbol: str = "ADAUSDM") -> str:
        """An order that is placed now."""
        body = {"symbol": symbol, "side": "buy", "type": "limit", "price": "0.5", "base_quantity": "7"}
        order_id = str(read(self.reply("POST", "/order/build", body))["order_id"])
        assert self.reply("POST", "/order/submit", {"order_id": order_id, "signed_tx": "84a0"}).status == 200
        return order_id
