"""How long the documented limits of a venue make requests wait, whoever sends them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from cancelall.core.model import Request
from cancelall.venues.contract import Limit


def wait(requests: Iterable[Request], limits: Mapping[str, Limit], times: int = 1) -> float:
    """Seconds between the first and the last of these requests, each sent so many times, under the limits of a key."""
    costs: Counter[str] = Counter()
    for request in requests:
        costs[request.bucket] += request.cost * times
    known = {name: limits.get(name) or limits.get(name.partition(":")[0]) for name in costs}
    return max((_window(limit, costs[name]) for name, limit in known.items() if limit is not None), default=0.0)


def _window(limit: Limit, cost: int) -> float:
    if limit.falls:
        return max(0, cost - limit.count) * limit.seconds / limit.count
    return (cost - 1) // limit.count * limit.seconds
