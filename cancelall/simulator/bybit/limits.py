"""Bybit's rate limits per key, endpoint and category, and per address.

https://bybit-exchange.github.io/docs/v5/rate-limit (as of 2026-07-24), default tier.
"""

from __future__ import annotations

from collections.abc import Mapping

IP_LIMIT = 600
IP_WINDOW_MS = 5000
IP_BAN_MS = 600_000

# Per second: futures (linear and inverse share one cell of the table), option, spot.
_BY_CATEGORY: Mapping[str, tuple[int, int, int]] = {
    "/v5/order/cancel-all": (10, 1, 20),
    "/v5/order/cancel": (10, 10, 20),
    "/v5/order/cancel-batch": (10, 10, 20),
    "/v5/order/create": (10, 10, 20),
    "/v5/order/realtime": (50, 50, 50),
    "/v5/order/history": (50, 50, 50),
}
_FLAT: Mapping[str, int] = {
    "/v5/user/query-api": 10,
    "/v5/account/info": 50,
    "/v5/spread/order/cancel-all": 5,
    "/v5/spread/order/realtime": 50,
    "/v5/strategy/list": 200,
    "/v5/strategy/stop": 100,
}
# For signed paths that the table does not name.
_OTHERWISE = 50


def limit_of(path: str, category: str) -> tuple[str, int]:
    """The name of the bucket that a request draws from, and how much it holds and gains in a second."""
    if path not in _BY_CATEGORY:
        return path, _FLAT.get(path, _OTHERWISE)
    futures, option, spot = _BY_CATEGORY[path]
    if category in ("option", "spot"):
        return f"{path} {category}", option if category == "option" else spot
    return f"{path} futures", futures
