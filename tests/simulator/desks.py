"""A clock that tests turn by hand, and signing desks that talk to a fake venue without a socket."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

import pytest

from cancelall import simulator
from cancelall.simulator import Account, FakeVenue, SimOrder, SimReply, SimRequest
from cancelall.simulator.pacifica import auth


class Clock:
    """A clock that stands still until it is told to tick."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def tick(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)


@dataclass
class Desk:
    """Signs as the venue's documents say and hands requests straight to the fake."""

    fake: FakeVenue
    clock: Clock
    key: str

    @classmethod
    def open_at(cls, venue: str, clock: Clock, faults: Iterable[str], **options: Any) -> Self:
        """A desk at a new fake venue."""
        fake = simulator.create(venue, now_ms=clock, **options)
        fake.set_faults(faults)
        return cls(fake, clock, next(iter(fake.accounts)))

    @property
    def account(self) -> Account:
        return self.fake.accounts[self.key]

    def at(self, account: Account) -> Self:
        """A desk of another account of the same venue."""
        return type(self)(self.fake, self.clock, account.key)

    def headers(
        self, stamp: str, method: str, path: str, query: str, body: bytes, window: int
    ) -> Mapping[str, str | None]:
        raise NotImplementedError

    def request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        headers: Mapping[str, str | None] | None = None,
        window: int = 5000,
        timestamp: int | None = None,
    ) -> SimRequest:
        stamp = str(self.clock() if timestamp is None else timestamp)
        made = {**self.headers(stamp, method, path, query, body, window), **(headers or {})}
        present = {name: value for name, value in made.items() if value is not None}
        return SimRequest(method=method, path=path, query=query, body=body, headers=present, received_ms=self.clock())

    def reply(self, method: str, path: str, values: Any = None, **more: Any) -> SimReply:
        """The reply to these values, in the query of a GET and the body of a POST."""
        if method == "GET":
            return self.fake.handle(self.request(method, path, query=urlencode(values or {}), **more))
        return self.fake.handle(self.request(method, path, body=json.dumps(values or {}).encode(), **more))

    @staticmethod
    def read(reply: SimReply) -> dict[str, Any]:
        """The JSON object of a reply."""
        value = json.loads(reply.body)
        assert isinstance(value, dict)
        return value

    def ask(self, method: str, path: str, values: Any = None, **more: Any) -> dict[str, Any]:
        """The whole answer."""
        return self.read(self.reply(method, path, values, **more))

    def open(self, *segments: str) -> list[SimOrder]:
        """What really rests."""
        return [order for order in self.fake.open_orders(self.key) if not segments or order.segment in segments]

    def one(self, kind: str) -> SimOrder:
        return next(order for order in self.open() if order.kind == kind)

    def rests(self, order_id: object) -> bool:
        return order_id in {order.id for order in self.open()}


class BybitDesk(Desk):
    """https://bybit-exchange.github.io/docs/v5/guide."""

    def headers(
        self, stamp: str, method: str, path: str, query: str, body: bytes, window: int
    ) -> Mapping[str, str | None]:
        signed = f"{stamp}{self.key}{window}".encode() + (query.encode() if method == "GET" else body)
        secret = self.account.credentials["api_secret"].encode()
        return {
            "x-bapi-api-key": self.key,
            "x-bapi-timestamp": stamp,
            "x-bapi-recv-window": str(window),
            "x-bapi-sign": hmac.new(secret, signed, hashlib.sha256).hexdigest(),
        }

    def query(self, path: str, query: str) -> dict[str, Any]:
        """The answer to a query as it is written."""
        return self.read(self.fake.handle(self.request("GET", path, query=query)))

    def get(self, path: str, **values: object) -> dict[str, Any]:
        return self.ask("GET", path, values)

    def post(self, path: str, **values: object) -> dict[str, Any]:
        return self.ask("POST", path, values)

    def cancel_all(self, **values: object) -> list[str]:
        """A mass cancel that must succeed; the ids that it took."""
        answer = self.post("/v5/order/cancel-all", **values)
        assert answer["retCode"] == 0, answer
        return [row["orderId"] for row in answer["result"]["list"]]

    def rows(self, path: str, **values: object) -> list[dict[str, Any]]:
        """The rows of one answer."""
        listed = self.get(path, **values)["result"]["list"]
        assert isinstance(listed, list)
        return listed

    def listing(self, path: str = "/v5/order/realtime", **values: object) -> list[dict[str, Any]]:
        """Every row of a listing, page by page."""
        rows: list[dict[str, Any]] = []
        query = urlencode({"limit": 50, **values})
        cursor = ""
        while True:
            answer = self.query(path, query + (cursor and f"&cursor={cursor}"))
            assert answer["retCode"] == 0, answer
            cursor = answer["result"]["nextPageCursor"]
            assert bool(cursor) == bool(answer["result"]["list"]), "the cursor is there even on the last page"
            if not cursor:
                return rows
            rows += answer["result"]["list"]


class BitgetDesk(Desk):
    """https://www.bitget.com/api-doc/common/signature."""

    def headers(
        self, stamp: str, method: str, path: str, query: str, body: bytes, window: int
    ) -> Mapping[str, str | None]:
        credentials = self.account.credentials
        signed = f"{stamp}{method}{path}" + (f"?{query}" if query else "")
        digest = hmac.new(credentials["api_secret"].encode(), signed.encode() + body, hashlib.sha256).digest()
        return {
            "access-key": credentials["api_key"],
            "access-passphrase": credentials["passphrase"],
            "access-timestamp": stamp,
            "access-sign": base64.b64encode(digest).decode(),
            "content-type": "application/json" if method == "POST" else None,
        }

    def get(self, path: str, **values: object) -> Any:
        """The data of an answer that must be a success."""
        return self.good(self.ask("GET", path, values))

    def post(self, path: str, values: object = None) -> Any:
        """The data of an answer that must be a success."""
        return self.good(self.ask("POST", path, values))

    @staticmethod
    def good(answer: Mapping[str, Any]) -> Any:
        assert answer["code"] == "00000", answer
        return answer["data"]

    def code(self, method: str, path: str, values: object = None, **more: Any) -> str:
        return str(self.ask(method, path, values, **more)["code"])

    def listing(self, path: str = "/api/v2/mix/order/orders-pending", **values: object) -> list[dict[str, Any]]:
        """Every row of a futures listing, page by page."""
        rows: list[dict[str, Any]] = []
        last = ""
        while True:
            page = self.get(path, **values, **({"idLessThan": last} if last else {}))
            if page["entrustedList"] is None:
                assert page["endId"] is None
                return rows
            rows += page["entrustedList"]
            last = page["endId"]


def opener(kind: type[Desk], venue: str, *quirks: str) -> Any:
    """The fixture that makes desks at a new fake venue. Nothing is limited unless a test needs it, because the clock
    stands still; `quirks` are faults that are on unless a test says otherwise.
    """

    @pytest.fixture
    def open_desk(clock: Clock) -> Callable[..., Desk]:
        def make(
            *,
            faults: Iterable[str] = (),
            credentials: Mapping[str, str] | None = None,
            quirky: bool = True,
            **more: Any,
        ) -> Desk:
            on = [*(quirks if quirky else ()), *faults]
            desk = kind.open_at(venue, clock, on, **{"limits": False, **more})
            return desk.at(desk.fake.add_account(credentials, orders=more.get("orders", 40))) if credentials else desk

        return make

    return open_desk


def rsa_key() -> tuple[Any, str]:
    """A private RSA key, and its public one as PEM."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return private, private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def rsa_signature(private: Any, signed: bytes) -> str:
    """PKCS#1 v1.5 over SHA-256, in base64."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return base64.b64encode(private.sign(signed, PKCS1v15(), SHA256())).decode()


class AscendexDesk(Desk):
    """https://ascendex.github.io/ascendex-pro-api/#authenticate-a-restful-request."""

    apis: ClassVar = {"cash": "v1/cash", "margin": "v1/margin", "futures": "v2/futures"}

    def path(self, ledger: str, call: str) -> str:
        return f"/{self.account.options['account_group']}/api/pro/{self.apis[ledger]}/{call}"

    def api_path(self, path: str) -> str:
        """What of a path is signed, by the table of the documents."""
        return re.sub(r"^/\d+/api/pro/v1/\w+/|^.*/api/pro/(v1/)?", "", path)

    def headers(
        self, stamp: str, method: str, path: str, query: str, body: bytes, window: int
    ) -> Mapping[str, str | None]:
        message, secret = f"{stamp}+{self.api_path(path)}".encode(), self.account.credentials["api_secret"].encode()
        signature = base64.b64encode(hmac.new(secret, message, hashlib.sha256).digest()).decode()
        signed = {"x-auth-key": self.key, "x-auth-timestamp": stamp, "x-auth-signature": signature}
        return {**signed, "content-type": "application/json"}

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


@dataclass
class PacificaDesk(Desk):
    """https://docs.pacifica.fi/api-documentation/api/signing/implementation. Its key may be of its own choice."""

    secret: str = ""
    agent: str = ""

    api: ClassVar = "/api/v1"
    all: ClassVar = {"all_symbols": True, "exclude_reduce_only": False}
    types: ClassVar = {
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

    def headers(
        self, stamp: str, method: str, path: str, query: str, body: bytes, window: int
    ) -> Mapping[str, str | None]:
        return {}

    def sign(self, message: Mapping[str, Any]) -> str:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        seed = auth.unbase58(self.secret or self.account.credentials["secret_key"])[:32]
        text = json.dumps(message, sort_keys=True, separators=(",", ":")).encode()
        return auth.base58(Ed25519PrivateKey.from_private_bytes(seed).sign(text))

    def body(self, path: str, payload: Mapping[str, Any], **changes: object) -> dict[str, object]:
        """A flat signed body. `changes` are made after signing; None takes a field out."""
        stamp: dict[str, object] = {"timestamp": self.clock(), "expiry_window": 30_000}
        stamp.update({name: value for name, value in changes.items() if name in stamp})
        signature = self.sign({**stamp, "type": self.types[path], "data": payload})
        made = {"account": self.key, "signature": signature, **stamp, **payload}
        made |= {"agent_wallet": self.agent} if self.agent else {}
        return {name: value for name, value in {**made, **changes}.items() if value is not None}

    def raw(self, path: str, body: object, *, client: str = "127.0.0.1", **more: Any) -> SimReply:
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.fake.handle(replace(self.request("POST", self.api + path, body=text, **more), client=client))

    def post(self, path: str, payload: Mapping[str, Any], **changes: object) -> SimReply:
        return self.raw(path, self.body(path, payload, **changes))

    def get(self, path: str, **values: object) -> SimReply:
        return self.reply("GET", self.api + path, {"account": self.key, **values})

    def data(self, path: str, **values: object) -> Any:
        answer = self.read(self.get(path, **values))
        assert (answer["success"], answer["error"], answer["code"]) == (True, None, None), answer
        return answer["data"]

    def cancel_all(self, **changes: object) -> int:
        """A mass cancel that must succeed; what it counts."""
        answer = self.read(self.post("/orders/cancel_all", {**self.all, **changes}))
        assert answer["success"], answer
        return int(answer["data"]["cancelled_count"])

    def sweep(self) -> None:
        self.cancel_all()

    def rows(self) -> list[dict[str, Any]]:
        return list(self.data("/orders"))


class DeribitDesk(Desk):
    """https://docs.deribit.com/articles/authentication."""

    api = "/api/v2/"
    nonces: ClassVar[Iterator[int]] = count(1)

    def headers(
        self, stamp: str, method: str, path: str, query: str, body: bytes, window: int
    ) -> Mapping[str, str | None]:
        uri, nonce = path + (f"?{query}" if query else ""), f"n{next(self.nonces)}"
        signed = f"{stamp}\n{nonce}\n{method}\n{uri}\n".encode() + body + b"\n"
        signature = hmac.new(self.account.credentials["client_secret"].encode(), signed, hashlib.sha256).hexdigest()
        return {"authorization": f"deri-hmac-sha256 id={self.key},ts={stamp},nonce={nonce},sig={signature}"}

    def call(self, method: str, values: Mapping[str, object] | None = None, **more: Any) -> dict[str, Any]:
        """The whole answer to a method, as a GET."""
        return self.ask("GET", f"{self.api}{method}", values or {}, **more)

    def good(self, method: str, **values: object) -> Any:
        """The result of a call that must be a success."""
        answer = self.call(method, values)
        assert "error" not in answer, answer
        return answer["result"]

    def code(self, method: str, values: Mapping[str, object] | None = None, **more: Any) -> tuple[int, int]:
        """HTTP status and the venue's code, 0 if there is none."""
        reply = self.reply("GET", f"{self.api}{method}", values or {}, **more)
        return reply.status, int(self.read(reply).get("error", {}).get("code", 0))

    def sweep(self) -> None:
        self.good("private/cancel_all")

    def rows(self, **values: object) -> list[dict[str, Any]]:
        return list(self.good("private/get_open_orders", **values))


class OkxDesk(Desk):
    """https://www.okx.com/docs-v5/en/#overview-rest-authentication."""

    api: ClassVar = "/api/v5/"

    def headers(
        self, stamp: str, method: str, path: str, query: str, body: bytes, window: int
    ) -> Mapping[str, str | None]:
        at = datetime.fromtimestamp(int(stamp) / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        signed = f"{at}{method}{path}{'?' if query else ''}{query}".encode() + body
        keys = self.account.credentials
        digest = hmac.new(keys["api_secret"].encode(), signed, hashlib.sha256).digest()
        return {
            "ok-access-key": self.key,
            "ok-access-sign": base64.b64encode(digest).decode(),
            "ok-access-timestamp": at,
            "ok-access-passphrase": keys["passphrase"],
            "content-type": "application/json" if method == "POST" else None,
        }

    def get(self, path: str, **values: object) -> dict[str, Any]:
        """The whole answer of a read."""
        return self.ask("GET", self.api + path, values)

    def post(self, path: str, body: object) -> dict[str, Any]:
        """The whole answer of a cancel, or of placing something."""
        return self.read(self.fake.handle(self.request("POST", self.api + path, body=json.dumps(body).encode())))

    def data(self, path: str, **values: object) -> list[dict[str, Any]]:
        answer = self.get(path, **values)
        assert answer["code"] == "0", answer
        return list(answer["data"])

    def cancel(self, path: str, *orders: SimOrder) -> dict[str, Any]:
        """A batch that names these orders."""
        key = "algoId" if "algo" in path else "ordId"
        return self.post(path, [{"instId": one.symbol, key: one.id} for one in orders])


CANCEL, LIST = "/order/cancel-all", "/accounts/open-orders"
"""Two paths of DeltaDeFi's."""


class DeltadefiDesk(Desk):
    """https://docs.deltadefi.io: the key is all that there is."""

    def headers(
        self, stamp: str, method: str, path: str, query: str, body: bytes, window: int
    ) -> Mapping[str, str | None]:
        return {"x-api-key": self.key}

    def get(self, path: str, **values: object) -> Any:
        reply = self.reply("GET", path, values)
        assert reply.status == 200, reply
        return json.loads(reply.body)

    def code(self, method: str, path: str, values: Any = None, **more: Any) -> tuple[int, int]:
        """HTTP status and the venue's code, 0 if there is none."""
        reply = self.reply(method, path, values, **more)
        return reply.status, self.read(reply).get("code", 0)

    def cancel_all(self, symbol: str = "ADAUSDM") -> list[str]:
        """A mass cancel that must find something; the ids that it names."""
        reply = self.reply("POST", CANCEL, {"symbol": symbol})
        assert reply.status == 200, reply
        assert self.read(reply)["symbol"] == symbol
        return list(self.read(reply)["order_ids"])

    def sweep(self) -> None:
        for symbol in {order.symbol for order in self.open()}:
            self.cancel_all(symbol)

    def listing(self, **values: object) -> list[dict[str, Any]]:
        """Every row of a listing, page by page."""
        first = self.get(LIST, limit=250, **values)
        pages = (self.get(LIST, limit=250, page=page, **values) for page in range(2, first["total_page"] + 1))
        rows = [row for answer in (first, *pages) for row in answer["data"]]
        assert len(rows) == first["total_count"]
        return rows

    def rows(self) -> list[dict[str, Any]]:
        return list(self.get(LIST, limit=250)["data"])

    def place(self, symbol: str = "ADAUSDM") -> str:
        """An order that is placed now."""
        body = {"symbol": symbol, "side": "buy", "type": "limit", "price": "0.5", "base_quantity": "7"}
        order_id = str(self.ask("POST", "/order/build", body)["order_id"])
        assert self.reply("POST", "/order/submit", {"order_id": order_id, "signed_tx": "84a0"}).status == 200
        return order_id
