"""Pacifica's credits: one quota for everything, per address or per API config key, over a rolling minute.

https://docs.pacifica.fi/api-documentation/api/rate-limits (2026): 100 credits for an unidentified address, 300 for an
API config key of the lowest tier; 1 for a request, 0.5 for a cancel, 3 to 12 (with a key 1 to 4) for heavy GETs, which
it does not list. Here the histories are the heavy ones, at the highest price. All numbers on the wire are times ten.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

from ..faults import Kind
from ..wire import Headers

WINDOW_MS = 60_000
ADDRESS_QUOTA = 1000
KEY_QUOTA = 3000


class Credits:
    """What each spender has spent within the last minute, in tenths of a credit."""

    def __init__(self) -> None:
        self._spent: dict[Hashable, deque[tuple[int, int]]] = {}

    def take(self, spender: Hashable, *, quota: int, cost: int, now_ms: int) -> tuple[bool, Headers]:
        """Spend `cost` if the quota has room for it, and tell what is left. A refused request costs nothing."""
        spent = self._spent.setdefault(spender, deque())
        while spent and spent[0][0] <= now_ms - WINDOW_MS:
            spent.popleft()
        left = quota - sum(each for _, each in spent)
        allowed = left >= cost
        if allowed:
            spent.append((now_ms, cost))
            left -= cost
        oldest = spent[0][0] if spent else now_ms
        return allowed, credit_headers(quota, max(0, left), -(-(oldest + WINDOW_MS - now_ms) // 1000))


def credit_headers(quota: int, remaining: int, seconds: int) -> Headers:
    """`ratelimit` and `ratelimit-policy` as every answer has them; the oldest spending is forgotten in `seconds`."""
    return (
        ("ratelimit", f'"credits";r={remaining};t={seconds}'),
        ("ratelimit-policy", f'"credits";q={quota};w={WINDOW_MS // 1000}'),
    )


def cost_of(path: str, kind: Kind, *, identified: bool, parts: int = 1) -> int:
    """What a request costs, in tenths of a credit. A batch is charged by its parts; the page does not say so."""
    if kind is Kind.CANCEL:
        return 5 * parts
    if path.endswith(("/history", "/history_by_id")):
        return 40 if identified else 120
    return 10 * parts
