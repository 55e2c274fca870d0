"""What the handlers of Bybit's requests share: its instruments, each account's strategies, its answers and refusals.

Codes: https://bybit-exchange.github.io/docs/v5/error (as of 2026-07-24). HTTP 200 with a `retCode` is the normal case,
for errors too. Where the document names a code without its words, the words here are made up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..book import Account
from ..fake import FakeVenue
from ..refusals import Refused
from ..routes import Call
from ..values import text as read_text
from .instruments import CATEGORIES, Instruments

RUNNING, TERMINATED, TERMINATED_WITH_ORDERS, PAUSED, UNTRIGGERED = 2, 3, 4, 5, 6


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a handler answers. The document says that a success may read OK, success, SUCCESS or be empty."""

    result: Mapping[str, object]
    ext: Mapping[str, object] = field(default_factory=dict)
    message: str = "OK"


@dataclass(frozen=True)
class Strategy:
    """One strategy of an account; `create_type` is the mark that its orders carry."""

    id: str
    created_ms: int
    type: str
    create_type: str
    category: str
    symbol: str
    status: int

    @property
    def alive(self) -> bool:
        """Whether it can still place orders."""
        return self.status in (RUNNING, PAUSED, UNTRIGGERED)


class State(FakeVenue):
    """A fake Bybit as its handlers know it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.instruments = Instruments(self.now_ms())
        self.strategies: dict[str, dict[str, Strategy]] = defaultdict(dict)
        """Each account's, by the account's key and their id."""

    def strategies_alive(self, account: Account) -> list[Strategy]:
        """The strategies of an account that can still place orders."""
        with self.lock:
            return [strategy for strategy in self.strategies[account.key].values() if strategy.alive]

    def order_id(self, segment: str) -> str:
        """A fresh order id: digits on spot, a UUID elsewhere."""
        return str(self.random.randrange(10**18, 2 * 10**18)) if segment == "spot" else self.uuid()

    def takes_another(self, call: Call) -> bool:
        """Whether the limit holds one more order of a batch, which counts as a request of its own."""
        bucket, limit = self.limit_of(call)
        taken = self.buckets.take((call.account.key, bucket), limit=limit, now_ms=self.now_ms())
        return taken.allowed or not self.limits


def bad(what: str) -> Refused:
    """The refusal of a parameter."""
    return Refused(10001, f"params error: {what}")


def text(values: Mapping[str, object], name: str) -> str:
    """A text parameter; absent is empty."""
    return read_text(values, name, bad(f"{name} is not a string"))


def product_of(call: Call) -> str:
    """The product that a request is about: what its path says, else its category, whatever that is."""
    named = call.path.split("/")[2]
    return named if named in ("spread", "strategy") else str(call.payload.get("category", ""))


def segment_of(call: Call) -> str:
    """Whose orders a request is about: those of a category, or spread orders (two legs traded as one) by its path."""
    product = product_of(call)
    if product not in CATEGORIES and not call.path.startswith("/v5/spread/"):
        raise bad("Category is invalid")
    return product
