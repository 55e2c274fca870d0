"""A clock that tests turn by hand, and a signing desk that talks to a fake Bybit without a socket."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from cancelall import simulator
from cancelall.simulator import Account, FakeVenue, SimReply, SimRequest


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
    """Signs as Bybit's guide says and hands requests straight to the fake."""

    fake: FakeVenue
    clock: Clock
    account: Account

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
        key = self.account.credentials["api_key"]
        payload = query.encode() if method == "GET" else body
        signed = f"{stamp}{key}{window}".encode() + payload
        secret = self.account.credentials["api_secret"].encode()
        made: dict[str, str | None] = {
            "x-bapi-api-key": key,
            "x-bapi-timestamp": stamp,
            "x-bapi-recv-window": str(window),
            "x-bapi-sign": hmac.new(secret, signed, hashlib.sha256).hexdigest(),
            **(headers or {}),
        }
        present = {name: value for name, value in made.items() if value is not None}
        return SimRequest(method=method, path=path, query=query, body=body, headers=present, received_ms=self.clock())

    def reply(self, method: str, path: str, values: Mapping[str, object] | None = None, **more: Any) -> SimReply:
        if method == "GET":
            return self.fake.handle(self.request(method, path, query=urlencode(values or {}), **more))
        return self.fake.handle(self.request(method, path, body=json.dumps(values or {}).encode(), **more))

    @staticmethod
    def read(reply: SimReply) -> dict[str, Any]:
        """The JSON object of a reply."""
        value = json.loads(reply.body)
        assert isinstance(value, dict)
        return value

    def at(self, account: Account) -> Desk:
        """A desk of another account of the same venue."""
        return Desk(self.fake, self.clock, account)

    def get(self, path: str, **values: object) -> dict[str, Any]:
        return self.read(self.reply("GET", path, values))

    def post(self, path: str, **values: object) -> dict[str, Any]:
        return self.read(self.reply("POST", path, values))

    def cancel_all(self, **values: object) -> list[str]:
        """A mass cancel that must succeed; the ids that it took."""
        answer = self.post("/v5/order/cancel-all", **values)
        assert answer["retCode"] == 0, answer
        return [row["orderId"] for row in answer["result"]["list"]]

    def listing(self, **values: object) -> list[dict[str, Any]]:
        """Every row of a listing, page by page."""
        rows: list[dict[str, Any]] = []
        query = urlencode({"limit": 50, **values})
        cursor = ""
        while True:
            request = self.request("GET", "/v5/order/realtime", query=query + (cursor and f"&cursor={cursor}"))
            answer = self.read(self.fake.handle(request))
            assert answer["retCode"] == 0, answer
            if not answer["result"]["list"]:
                assert answer["result"]["nextPageCursor"] == ""
                return rows
            rows += answer["result"]["list"]
            cursor = answer["result"]["nextPageCursor"]
            assert cursor, "the cursor is there even on the last page"

    def open(self, segment: str | None = None) -> list[simulator.SimOrder]:
        """What really rests."""
        return [order for order in self.fake.open_orders(self.account) if segment in (None, order.segment)]


Opener = Callable[..., Desk]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_desk(clock: Clock) -> Opener:
    """Make a desk at a new fake Bybit; rate limits are off unless asked for, because the clock stands still."""

    def make(*, orders: int = 40, faults: Iterable[str] = (), seed: int = 1, limits: bool = False) -> Desk:
        fake = simulator.create("bybit", orders=orders, seed=seed, now_ms=clock, limits=limits)
        fake.set_faults(faults)
        return Desk(fake, clock, next(iter(fake.accounts.values())))

    return make


@pytest.fixture
def desk(open_desk: Opener) -> Desk:
    return open_desk()
