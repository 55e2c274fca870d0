"""One routing table a venue: method and path → what a request is for, who answers it, and how often it may come.

    ROUTES = Routes({
        "POST /order/cancel-all": cancel(cancel_all, limit=5, bucket="changes"),
        "GET /accounts/order/{id}": read(one_order, limit=10),
        "GET /{group:[0-9]+}/orders/{ledger:cash|margin}": listing(open_orders),
    })

`{name}` stands for one part of a path, `{name:PATTERN}` for what the pattern matches; the call tells what they were.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from .book import Account
from .faults import Kind
from .wire import SimRequest

Handler = Callable[[Any, "Call"], object]
"""Answers a call with what the venue's envelope goes around; the first argument is the venue's state."""

NOBODY = Account(key="", credentials={})


@dataclass(frozen=True)
class Route:
    """What a path does. `limit` is per second and key, for all routes of the same `bucket`; 0: none of its own.

    `detail` is what only the venue understands, such as the fields that a signed call may have.
    """

    kind: Kind
    handler: Handler
    limit: int = 0
    bucket: str = ""
    detail: Any = None


cancel = partial(Route, Kind.CANCEL)
"""A route that cancels orders."""
create = partial(Route, Kind.CREATE)
"""A route that may change anything else, such as one that places an order."""
listing = partial(Route, Kind.LISTING)
"""A route that lists open orders."""
read = partial(Route, Kind.READ)
"""A route that reads anything else of an account."""
public = partial(Route, Kind.PUBLIC)
"""A route for everyone: nobody is asked for a key."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request whose route is known, and whose account if it has shown a key.

    `names` is what the placeholders of the path stand for, `payload` what the venue has read from a signed body.
    """

    request: SimRequest
    route: Route
    path: str
    names: Mapping[str, str] = field(default_factory=dict)
    account: Account = NOBODY
    payload: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def query(self) -> dict[str, str]:
        return self.request.parameters()


class Routes:
    def __init__(self, table: Mapping[str, Route]) -> None:
        self._plain = {written: route for written, route in table.items() if "{" not in written}
        self._patterns = [(re.compile(_expression(each)), each, route) for each, route in table.items() if "{" in each]

    def find(self, request: SimRequest) -> Call | None:
        """The call that a request makes, by nobody yet; None if there is no such path."""
        asked = f"{request.method} {request.path}"
        if route := self._plain.get(asked):
            return Call(request=request, route=route, path=request.path)
        for pattern, written, route in self._patterns:
            if match := pattern.fullmatch(asked):
                return Call(request=request, route=route, path=written.partition(" ")[2], names=match.groupdict())
        return None


def _expression(written: str) -> str:
    """The regular expression of a path with placeholders."""
    parts = re.split(r"\{(\w+)(?::([^}]*))?\}", written)
    groups = (f"(?P<{name}>{pattern or '[^/]+'})" for name, pattern in zip(parts[1::3], parts[2::3], strict=True))
    return re.escape(parts[0]) + "".join(
        group + re.escape(rest) for group, rest in zip(groups, parts[3::3], strict=True)
    )
