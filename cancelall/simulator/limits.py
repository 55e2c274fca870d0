"""Rate limits, under the injected clock: token buckets, and windows that slide."""

from collections import defaultdict, deque
from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What a bucket said about one request."""

    allowed: bool
    limit: int
    remaining: int
    reset_ms: int


UNLIMITED = Allowance(allowed=True, limit=0, remaining=0, reset_ms=0)


@dataclass(frozen=True)
class Draw:
    """What a request takes from a bucket of an account's."""

    bucket: Hashable
    limit: int
    per_ms: int = 1000
    cost: float = 1.0


@dataclass(frozen=True)
class AddressLimit:
    """How many requests one address may send within a while, whatever the key, before it is shut out for another."""

    requests: int
    per_ms: int
    ban_ms: int
    refused: Exception


class TokenBuckets:
    """Buckets by name; each holds `limit` tokens and gains `limit` tokens per `per_ms`."""

    def __init__(self) -> None:
        self._buckets: dict[Hashable, tuple[float, int]] = {}

    def take(self, name: Hashable, *, limit: int, now_ms: int, per_ms: int = 1000, cost: float = 1.0) -> Allowance:
        """Take `cost` tokens if they are there. A refused request costs nothing."""
        tokens, then_ms = self._buckets.get(name, (float(limit), now_ms))
        tokens = min(float(limit), tokens + max(0, now_ms - then_ms) * limit / per_ms)
        allowed = tokens >= cost
        if allowed:
            tokens -= cost
        self._buckets[name] = (tokens, now_ms)
        wait_ms = 0 if allowed else int((cost - tokens) * per_ms / limit) + 1
        return Allowance(allowed=allowed, limit=limit, remaining=int(tokens), reset_ms=now_ms + wait_ms)


class SlidingWindows:
    """What each spender has spent within the last `per_ms`."""

    def __init__(self, per_ms: int) -> None:
        self._per_ms = per_ms
        self._spent: dict[Hashable, deque[tuple[int, int]]] = defaultdict(deque)

    def take(self, name: Hashable, *, limit: float, now_ms: int, cost: int) -> Allowance:
        """Spend so much if it is there; a refusal costs nothing. The reset is when the oldest spending is forgotten."""
        spent = self._spent[name]
        while spent and spent[0][0] <= now_ms - self._per_ms:
            spent.popleft()
        left = limit - sum(each for _, each in spent)
        allowed = left >= cost
        if allowed:
            spent.append((now_ms, cost))
            left -= cost
        reset_ms = (spent[0][0] if spent else now_ms) + self._per_ms
        return Allowance(allowed=allowed, limit=int(limit), remaining=max(0, int(left)), reset_ms=reset_ms)
