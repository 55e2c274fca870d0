"""One routing table a venue: method and path → what a request is for, who answers it, and how often it may come.

    ROUTES = Routes({
        "POST /order/cancel-all": cancel(cancel_all, limit=5, bucket="changes"),
        "GET /accounts/order/{id}": read(one_order, limit=10),
        "GET /{group:[0-9]+}/orders/{ledger:cash|margin}": listing(open_orders),
    })

`{name}` stands for one part of a path, `{name:PATTERN}` for what the pattern matches; the call tells what they were.
"""

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


# What cancels orders, what may change anything else, what lists open orders, what reads anything else of an account,
# and what is for everyone, without a key.
cancel, create, listing, read, public = (
    partial(Route, kind) for kind in (Kind.CANCEL, Kind.CREATE, Kind.LISTING, Kind.READ, Kind.PUBLIC)
)


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
        self._table = table
        self._patterns = {re.compile(_expression(written)): written for written in table if "{" in written}

    def find(self, request: SimRequest) -> Call | None:
        """The call that a request makes, by nobody yet; None if there is no such path."""
        line = f"{request.method} {request.path}"
        if route := self._table.get(line):
            return Call(request=request, route=route, path=request.path)
        for pattern, written in self._patterns.items():
            if match := pattern.fullmatch(line):
                path = written.partition(" ")[2]
                return Call(request=request, route=self._table[written], path=path, names=match.groupdict())
        return None


def _expression(written: str) -> str:
    """The regular expression of a path with placeholders."""
    text, *parts = re.split(r"\{(\w+)(?::([^}]*))?\}", written)
    groups = zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    return re.escape(text) + "".join(
        f"(?P<{name}>{pattern or '[^/]+'}){re.escape(rest)}" for name, pattern, rest in groups
    )
