"""A clock that tests turn by hand, and signing desks that talk to a fake venue without a socket."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from cancelall import simulator
from cancelall.simulator import Account, FakeVenue, SimOrder, SimReply, SimRequest


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
