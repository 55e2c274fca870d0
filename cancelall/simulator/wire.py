"""What crosses the wire: a request as it arrived, and the reply with the manner of its delivery.

Neither knows a socket. A test may build a `SimRequest` by hand, give it to a fake venue under a clock of its own, and
read from the `SimReply` what a client would have lived through, a connection reset included.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import unquote_plus

Headers = tuple[tuple[str, str], ...]

MADE_UP = "19990000000000"
"""What cursors begin with that no venue gave out: digits, which every venue's own could be."""

PAGING = ("cursor", "idLessThan", "page", "offset", "after", "endId")
"""Parameters that name one page of a listing."""


def came_by(query: str) -> str:
    """What names the page that is requested: a cursor, a number; empty for a first page."""
    pairs = (part.partition("=") for part in query.split("&"))
    values = {name: unquote_plus(value) for name, _, value in pairs if name in PAGING}
    first = values.get("page") == "1" or values.get("offset") == "0"
    return "" if first else next(iter(values.values()), "")


class Manner(Enum):
    """How a reply is delivered; everything but `WHOLE` is a fault."""

    WHOLE = "whole"
    NEVER = "never"
    RESET = "reset"
    CLOSE = "close"
    RESET_IN_BODY = "reset in body"
    DRIP_BODY = "drip body"
    DRIP_HEADERS = "drip headers"
    ENDLESS = "endless"
    GARBAGE = "garbage"

    @property
    def answers(self) -> bool:
        """Whether the client gets to see at least a status line."""
        return self not in (Manner.NEVER, Manner.RESET, Manner.CLOSE, Manner.GARBAGE)


@dataclass(frozen=True, kw_only=True)
class SimRequest:
    """One HTTP request, with the very bytes that were signed."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    received_ms: int = 0
    client: str = "127.0.0.1"

    @property
    def target(self) -> str:
        """Path and query."""
        return self.path + (f"?{self.query}" if self.query else "")

    @property
    def text(self) -> str:
        """Path, query and body in one string, for faults that look for a word."""
        return f"{self.path}?{self.query} {self.body.decode('utf-8', 'replace')}"

    def parameters(self) -> dict[str, str]:
        """The query, decoded, the last of each name. A way on that `odd-way` made up leads to the first page."""
        pairs = (part.partition("=") for part in self.query.split("&") if part)
        read = {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}
        return {name: value for name, value in read.items() if not value.startswith(MADE_UP)}

    def json_object(self, otherwise: Exception | None = None) -> dict[str, object]:
        """The body as a JSON object without the members that are null; `otherwise` or `ValueError` if it is none."""
        try:
            value = json.loads(self.body or b"{}")
            return {name: member for name, member in value.items() if member is not None}
        except (ValueError, AttributeError, RecursionError) as error:
            raise otherwise or ValueError("the body is not a JSON object") from error

    def json_rows(self, otherwise: Exception) -> list[dict[str, object]]:
        """The body as a JSON array of objects; `otherwise` if it is none."""
        try:
            rows = json.loads(self.body or b"[]")
        except (ValueError, RecursionError):
            raise otherwise from None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise otherwise
        return rows


@dataclass(frozen=True, kw_only=True)
class SimReply:
    """One HTTP reply and how it reaches the client."""

    status: int = 200
    headers: Headers = ()
    body: bytes = b""
    manner: Manner = Manner.WHOLE
    delay_seconds: float = 0.0
    pace_seconds: float = 0.0


def json_reply(value: object, status: int = 200, headers: Headers = ()) -> SimReply:
    """A JSON reply. Escaped to ASCII, so that even a lone surrogate can travel."""
    body = json.dumps(value, separators=(",", ":")).encode("ascii")
    return SimReply(status=status, headers=(("Content-Type", "application/json"), *headers), body=body)


def text_reply(text: str, status: int, content_type: str = "text/html", headers: Headers = ()) -> SimReply:
    """A reply that is not JSON: the page of a gateway, or a bare sentence."""
    return SimReply(status=status, headers=(("Content-Type", content_type), *headers), body=text.encode("utf-8"))
