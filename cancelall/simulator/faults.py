"""Faults that can be switched on while a fake venue runs.

One fault is written `NAME[:KIND][=VALUE][@N][~TEXT]`:

    ack-only                 every cancel is acknowledged and cancels nothing
    error-500=1@2            the first two requests, of any kind, are answered 500
    latency:listing=0.5      listings are answered half a second late
    permission=option        the key may not cancel options
    listing-fails~USDC       listings that speak of USDC (path, query, body or key) fail

KIND is `cancel`, `create`, `listing`, `read` or `public`; without it each fault meets the requests that it is about.
N bounds how often it strikes. TEXT restricts it to requests that contain that text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum


class Kind(StrEnum):
    """What a request is for. Only the first two can change anything."""

    CANCEL = "cancel"
    CREATE = "create"
    LISTING = "listing"
    READ = "read"
    PUBLIC = "public"

    @property
    def changes(self) -> bool:
        """Whether a request of this kind could change an order."""
        return self in (Kind.CANCEL, Kind.CREATE)


SIGNED = frozenset({Kind.CANCEL, Kind.CREATE, Kind.LISTING, Kind.READ})
ANY = frozenset(Kind)
CANCELS = frozenset({Kind.CANCEL})
LISTINGS = frozenset({Kind.LISTING})
READS = frozenset({Kind.READ})


@dataclass(frozen=True, kw_only=True)
class FaultSpec:
    """What a fault does, the value that it has if none is given (None: it takes no value), and whom it meets."""

    help: str
    default: str | float | None = None
    kinds: frozenset[Kind] = ANY


SPECS: Mapping[str, FaultSpec] = {
    # Before the request is processed.
    "region": FaultSpec(help="HTTP 403 with an HTML page: this country is not served"),
    "maintenance": FaultSpec(help="the venue's own words for maintenance"),
    "html": FaultSpec(help="a gateway's HTML page; the value is its HTTP status", default=502.0),
    "status": FaultSpec(help="an empty JSON object with this HTTP status, such as 401, 418 or 429", default=503.0),
    "error-500": FaultSpec(help="this share of the requests (0 to 1) is answered 500 and not processed", default=0.3),
    "error-500-for": FaultSpec(
        help="everything is answered 500 for so many seconds after the first request", default=2.0
    ),
    "redirect": FaultSpec(help="302 to this origin", default="http://127.0.0.1:9"),
    "rate-limit": FaultSpec(help="so many requests per second and key, else the venue's own refusal", default=1.0),
    "key": FaultSpec(help="the key is refused", kinds=SIGNED),
    "ip": FaultSpec(help="the address is not on the key's list", kinds=SIGNED),
    "permission": FaultSpec(
        help="the key may not cancel; the value narrows it to what it names", default="", kinds=CANCELS
    ),
    "listing-fails": FaultSpec(help="listings are answered 500", kinds=LISTINGS),
    "listing-refused": FaultSpec(help="the key may not list", kinds=LISTINGS),
    "stall": FaultSpec(help="the request is read, not processed and never answered"),
    # What the book does.
    "ack-only": FaultSpec(help="a cancel is acknowledged and cancels nothing", kinds=CANCELS),
    "partial": FaultSpec(help="a cancel of many takes only half of them, rounded up", kinds=CANCELS),
    "late-cancel": FaultSpec(help="a cancel lands so many seconds after its answer", default=1.5, kinds=CANCELS),
    "fill": FaultSpec(
        help="so many orders fill at the moment when they should be cancelled", default=1.0, kinds=CANCELS
    ),
    "reappear": FaultSpec(
        help="a running bot: so many seconds after each cancel that took an order, a like one appears",
        default=0.2,
        kinds=CANCELS,
    ),
    "bot": FaultSpec(help="a running bot places an order in every account, every so many seconds", default=0.5),
    "lag": FaultSpec(help="listings show the state of so many seconds ago", default=1.5, kinds=LISTINGS),
    "hidden": FaultSpec(
        help="listings are empty for so many seconds after each cancel of orders, whatever rests",
        default=1.5,
        kinds=CANCELS,
    ),
    "clock": FaultSpec(help="the venue's clock is so many seconds ahead (behind if negative)", default=600.0),
    # How the answer looks.
    "error-after": FaultSpec(help="the request is processed and then answered 500"),
    "empty-body": FaultSpec(help="an answer without a body"),
    "truncated": FaultSpec(help="half of the JSON, with a Content-Length that fits the half"),
    "json": FaultSpec(help="this text instead of the body, such as [] or NaN", default="[]"),
    "deep-json": FaultSpec(help="50,000 nested brackets"),
    "duplicate-keys": FaultSpec(help="each list comes twice under its key, the second time empty"),
    "null-lists": FaultSpec(help="empty lists are null"),
    "hostile": FaultSpec(help="control sequences, markup, NUL and lone surrogates in messages and order fields"),
    "unknown-status": FaultSpec(help="the last order of a listing has a status that nobody documented", kinds=LISTINGS),
    "cursor-loop": FaultSpec(help="a listing's next page is its first page again", kinds=LISTINGS),
    "gzip-bomb": FaultSpec(help="a small gzip body that unpacks to 64 MiB"),
    "many-headers": FaultSpec(help="so many headers more", default=200.0),
    "retry-after": FaultSpec(help="refusals carry this Retry-After: seconds, a date or rubbish", default="1"),
    # How the answer travels.
    "latency": FaultSpec(help="answers travel for so many seconds; the request is processed at once", default=0.3),
    "slow-listing": FaultSpec(help="listings are answered so many seconds late", default=1.0, kinds=LISTINGS),
    "stall-after": FaultSpec(help="the request is processed and never answered"),
    "reset-after": FaultSpec(help="the request is processed, then the connection is reset"),
    "fin-after": FaultSpec(help="the request is processed, then the connection is closed without an answer"),
    "reset-body": FaultSpec(help="the connection is reset in the middle of the body"),
    "drip-body": FaultSpec(help="one byte of the body every so many seconds", default=0.3),
    "drip-headers": FaultSpec(help="one byte of the headers every so many seconds", default=0.1),
    "giant": FaultSpec(help="a chunked body that never ends"),
    "garbage": FaultSpec(help="bytes that are not HTTP"),
    "accept-stall": FaultSpec(help="connections are accepted and nothing is read, so that TLS never begins"),
}

FAULTS: Mapping[str, str] = {name: spec.help for name, spec in SPECS.items()}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault, parsed and checked."""

    name: str
    value: str | float | None = None
    kinds: frozenset[Kind] = ANY
    limit: int | None = None
    text: str = ""

    @property
    def number(self) -> float:
        """The value of a fault whose value is a number."""
        return float(self.value or 0.0)


def parse_fault(written: str, specs: Mapping[str, FaultSpec] = SPECS) -> Fault:
    """Read `NAME[:KIND][=VALUE][@N][~TEXT]`; `ValueError` says what is wrong with it."""
    rest, _, text = written.partition("~")
    head, at, count = rest.rpartition("@")
    limited = bool(at) and count.isdecimal()
    rest = head if limited else rest
    left, equals, value = rest.partition("=")
    name, _, kind = left.partition(":")
    spec = specs.get(name)
    if spec is None:
        nearest = get_close_matches(name, specs, n=1)
        raise ValueError(f"unknown fault {name!r}" + (f"; did you mean {nearest[0]!r}?" if nearest else ""))
    if kind and kind not in set(Kind):
        raise ValueError(f"{written!r}: {kind!r} is no kind of request ({', '.join(Kind)})")
    return Fault(
        name=name,
        value=_value(written, spec, value) if equals else spec.default,
        kinds=frozenset({Kind(kind)}) if kind else spec.kinds,
        limit=int(count) if limited else None,
        text=text,
    )


def _value(written: str, spec: FaultSpec, value: str) -> str | float:
    if spec.default is None:
        raise ValueError(f"{written!r}: this fault takes no value")
    if isinstance(spec.default, str):
        return value
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{written!r}: {value!r} is not a number") from None


class FaultSet:
    """The faults that are on, and how often each has struck. Not thread-safe: the fake venue holds its lock."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self._by_name: dict[str, list[tuple[int, Fault]]] = {}
        for index, fault in enumerate(faults):
            self._by_name.setdefault(fault.name, []).append((index, fault))
        self._struck: dict[int, int] = {}

    def find(self, name: str, kind: Kind, text: str = "", fits: Callable[[Fault], bool] | None = None) -> Fault | None:
        """The fault of this name that meets such a request, or None. Asking does not count as striking."""
        for index, fault in self._by_name.get(name, ()):
            used_up = fault.limit is not None and self._struck.get(index, 0) >= fault.limit
            meets = not used_up and kind in fault.kinds and fault.text in text
            if meets and (fits is None or fits(fault)):
                return fault
        return None

    def strike(self, fault: Fault) -> None:
        """Count one strike of this fault."""
        for index, known in self._by_name.get(fault.name, ()):
            if known is fault:
                self._struck[index] = self._struck.get(index, 0) + 1

    def strikes(self, name: str) -> int:
        """How often faults of this name have struck."""
        return sum(self._struck.get(index, 0) for index, _ in self._by_name.get(name, ()))

    def named(self, name: str) -> Fault | None:
        """The fault of this name, whomever it meets, unless it is used up."""
        for index, fault in self._by_name.get(name, ()):
            if fault.limit is None or self._struck.get(index, 0) < fault.limit:
                return fault
        return None
