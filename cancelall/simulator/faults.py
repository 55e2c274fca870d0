"""Faults that can be switched on while a fake venue runs.

One fault is written `NAME[:KIND][=VALUE][@N][+N][^SECONDS][~TEXT]`:

    ack-only                 every cancel is acknowledged and cancels nothing
    error-500=1@2            the first two requests, of any kind, are answered 500
    latency:listing=0.5      listings are answered half a second late
    permission=option        the key may not cancel options
    listing-fails~USDC       listings that speak of USDC (path, query, body or key) fail
    edge=403/json^1~/order/  for a second after the first request, paths with /order/ in them meet a gateway
    refused=key+6@1          the seventh request is refused once, as if the key were wrong

KIND is `cancel`, `create`, `listing`, `read` or `public`; without it each fault meets the requests that it is about.
`@N` bounds how often it strikes, `+N` skips the first N requests that it would meet, `^SECONDS` ends it so long after
the first request. TEXT restricts it to requests that contain that text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from textwrap import dedent

from .refusals import REACHES
from .spoil import ODD_ROWS, ODD_WAYS


class Kind(StrEnum):
    """What a request is for. Only the first two can change anything."""

    CANCEL = "cancel"
    CREATE = "create"
    LISTING = "listing"
    READ = "read"
    PUBLIC = "public"

    @property
    def changes(self) -> bool:
        return self in (Kind.CANCEL, Kind.CREATE)


ANY = frozenset(Kind)
SIGNED = ANY - {Kind.PUBLIC}


@dataclass(frozen=True)
class FaultSpec:
    """What a fault does, the value that it has if none is given (None: it takes no value), whom it meets, and what a
    value that is text has to match (empty: any text).
    """

    help: str
    default: str | float | None = None
    kinds: frozenset[Kind] = ANY
    pattern: str = ""


def declared(text: str, patterns: Mapping[str, str] | None = None) -> dict[str, FaultSpec]:
    """Faults as a table declares them: `NAME[:KIND][=DEFAULT]`, two blanks and the help, which goes on further inside.

    A default in quotes is text, another one a number; the kind `signed` is every kind but `public`.
    """
    specs = {}
    for entry in re.split(r"\n(?=\S)", re.sub(r"(?m)^ *#.*\n", "", dedent(text)).strip()):
        head, _, words = entry.partition("  ")
        left, equals, value = head.partition("=")
        name, _, kind = left.partition(":")
        default = None if not equals else value[1:-1] if value[0] == "'" else float(value)
        kinds = ANY if not kind else SIGNED if kind == "signed" else frozenset({Kind(kind)})
        specs[name] = FaultSpec(" ".join(words.split()), default, kinds, (patterns or {}).get(name, ""))
    return specs


SPECS: Mapping[str, FaultSpec] = declared(
    """
    # Before the request is processed.
    region  HTTP 403 with an HTML page: this country is not served
    maintenance  the venue's own words for maintenance
    html=502  a gateway's HTML page; the value is its HTTP status
    edge='403'  what stands in front of the venue answers: an HTTP status, and after a slash its form: html (if
        none is given), json (without a code of the venue's), text or empty
    status=503  an empty JSON object with this HTTP status, such as 401, 418 or 429
    error-500=0.3  this share of the requests (0 to 1) is answered 500 and not processed
    error-500-for=2  everything is answered 500 for so many seconds after the first request
    redirect='http://127.0.0.1:9'  302 to this origin
    rate-limit=1  so many requests per second and key, else the venue's own refusal
    key:signed  the key is refused
    ip:signed  the address is not on the key's list
    refused='key'  the venue's own refusal of this reach: request, product, address, key or host
    absent:signed  the venue's own word for: this account has no such product
    hint='60'  too many requests, come again in so many seconds; after a slash 503, or own for the venue's own
        words
    permission:cancel=''  the key may not cancel; the value narrows it to what it names
    listing-fails:listing  listings are answered 500
    listing-refused:listing  the key may not list
    stall  the request is read, not processed and never answered
    # What the book does.
    ack-only:cancel  a cancel is acknowledged and cancels nothing
    partial:cancel  a cancel of many takes only half of them, rounded up
    late-cancel:cancel=1.5  a cancel lands so many seconds after its answer
    fill:cancel=1  so many orders fill at the moment when they should be cancelled
    reappear:cancel=0.2  a running bot: so many seconds after each cancel that took an order, a like one appears
    bot=0.5  a running bot places an order in every account, every so many seconds
    lag:listing=1.5  listings show the state of so many seconds ago
    hidden:cancel=1.5  listings are empty for so many seconds after each cancel of orders, whatever rests
    replicas:listing=3  every second reading of each listing comes from a replica that is so many seconds behind
    clock=600  the venue's clock is so many seconds ahead (behind if negative)
    # How the answer looks.
    error-after  the request is processed and then answered 500
    empty-body  an answer without a body
    truncated  half of the JSON, with a Content-Length that fits the half
    json='[]'  this text instead of the body, such as [] or NaN
    deep-json  50,000 nested brackets
    duplicate-keys  each list comes twice under its key, the second time empty
    null-lists  empty lists are null
    hostile  control sequences, markup, NUL and lone surrogates in messages and order fields
    unknown-status:listing  the last order of a listing has a status that nobody documented
    odd-row:listing='date'  one row of a listing is odd: date, price, flag, status, symbol, side or type;
        string, null or list in its place; no-id, unknown (a field), twice, or foreign (an order of another
        market)
    odd-field:listing='price'  this field of a listing's first row is an object, or the text (or null) after a slash
    odd-way:listing='missing'  a listing's way on is odd: missing, null, number, object, itself, empty (an empty
        page before the first one), endless (each page names another), or total (a total that does not fit)
    cursor-loop:listing  a listing's next page is its first page again
    gzip-bomb  a small gzip body that unpacks to 64 MiB
    many-headers=200  so many headers more
    retry-after='1'  refusals carry this Retry-After: seconds, a date or rubbish
    # How the answer travels.
    latency=0.3  answers travel for so many seconds; the request is processed at once
    slow-listing:listing=1  listings are answered so many seconds late
    stall-after  the request is processed and never answered
    reset-after  the request is processed, then the connection is reset
    fin-after  the request is processed, then the connection is closed without an answer
    reset-body  the connection is reset in the middle of the body
    drip-body=0.3  one byte of the body every so many seconds
    drip-headers=0.1  one byte of the headers every so many seconds
    giant  a chunked body that never ends
    garbage  bytes that are not HTTP
    accept-stall  connections are accepted and nothing is read, so that TLS never begins
    """,
    {
        "edge": r"[1-5]\d\d(/(html|json|text|empty))?",
        "refused": "|".join(REACHES),
        "hint": r"\d+(/(503|own))?",
        "odd-row": "|".join(ODD_ROWS),
        "odd-way": "|".join(ODD_WAYS),
    },
)

FAULTS: Mapping[str, str] = {name: spec.help for name, spec in SPECS.items()}


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault, parsed and checked: it skips so many of the requests that it would meet, strikes at most so often
    (None: whenever it can), and ends so many seconds after the first request (None: never).
    """

    name: str
    value: str | float | None = None
    kinds: frozenset[Kind] = ANY
    limit: int | None = None
    text: str = ""
    skips: int = 0
    seconds: float | None = None

    @property
    def number(self) -> float:
        return float(self.value or 0.0)

    @property
    def parts(self) -> tuple[str, str]:
        """What stands before a slash in the value, and behind it."""
        before, _, behind = str(self.value).partition("/")
        return before, behind


Fits = Callable[[Fault], bool]
"""Whether a fault is about a request."""

_WRITTEN = re.compile(
    r"([^:=@+^~]*)(?::([^=@+^~]*))?(?:=([^~]*?))?((?:(?<!=)(?:[@+]\d+|\^\d+(?:\.\d+)?))*)(?:~(.*))?", re.DOTALL
)


def parse_fault(written: str, specs: Mapping[str, FaultSpec] = SPECS) -> Fault:
    """Read `NAME[:KIND][=VALUE][@N][+N][^SECONDS][~TEXT]`; `ValueError` says what is wrong with it."""
    parts = _WRITTEN.fullmatch(written)
    name, kind, value, marks, text = parts.groups() if parts else (written, None, None, "", None)
    spec = specs.get(name)
    if spec is None:
        nearest = get_close_matches(name, specs, n=1)
        raise ValueError(f"unknown fault {name!r}" + (f"; did you mean {nearest[0]!r}?" if nearest else ""))
    if kind and kind not in set(Kind):
        raise ValueError(f"{written!r}: {kind!r} is no kind of request ({', '.join(Kind)})")
    numbers = {mark[0]: mark[1:] for mark in re.findall(r"[@+^][\d.]+", marks)}
    return Fault(
        name=name,
        value=spec.default if value is None else _value(written, spec, value),
        kinds=frozenset({Kind(kind)}) if kind else spec.kinds,
        limit=int(numbers["@"]) if "@" in numbers else None,
        text=text or "",
        skips=int(numbers.get("+", "0")),
        seconds=float(numbers["^"]) if "^" in numbers else None,
    )


def _value(written: str, spec: FaultSpec, value: str) -> str | float:
    if spec.default is None:
        raise ValueError(f"{written!r}: this fault takes no value")
    if isinstance(spec.default, str):
        if spec.pattern and not re.fullmatch(spec.pattern, value):
            raise ValueError(f"{written!r}: {value!r} is no value of this fault: {spec.help}")
        return value
    try:
        return float(value)
    except ValueError:
        raise ValueError(f"{written!r}: {value!r} is not a number") from None


@dataclass(eq=False)
class _Armed:
    """A fault that is on: how many requests it has met, how often it has struck, and when for the last time."""

    fault: Fault
    met: int = 0
    struck: int = 0
    last: float = 0.0

    @property
    def used_up(self) -> bool:
        return self.fault.limit is not None and self.struck >= self.fault.limit

    def strike(self, now: float) -> None:
        self.struck, self.last = self.struck + 1, now


class FaultSet:
    """The faults that are on; `elapsed` tells seconds since the first request. Not thread-safe: the fake has a lock."""

    def __init__(self, faults: Iterable[Fault], elapsed: Callable[[], float] = lambda: 0.0) -> None:
        self._elapsed = elapsed
        self._armed: dict[str, list[_Armed]] = {}
        for fault in faults:
            self._armed.setdefault(fault.name, []).append(_Armed(fault))

    def _on(self, name: str) -> Iterator[_Armed]:
        for armed in self._armed.get(name, ()):
            if not armed.used_up and (armed.fault.seconds is None or self._elapsed() < armed.fault.seconds):
                yield armed

    def strike(self, name: str, kind: Kind, text: str = "", fits: Fits | None = None) -> Fault | None:
        """The fault of this name that strikes such a request, counted; None also where it skips the request."""
        for armed in self._on(name):
            fault = armed.fault
            if kind in fault.kinds and fault.text in text and (fits is None or fits(fault)):
                armed.met += 1
                if armed.met <= fault.skips:
                    return None
                armed.strike(self._elapsed())
                return fault
        return None

    def strikes(self, name: str) -> int:
        return sum(armed.struck for armed in self._armed.get(name, ()))

    def named(self, name: str, text: str = "") -> Fault | None:
        """The fault of this name, whomever it meets, unless it is over; with a text, only one that is about it."""
        if name not in self._armed:  # the usual case, dozens of times for each request
            return None
        return next((armed.fault for armed in self._on(name) if armed.fault.text in text or not text), None)

    def count(self, fault: Fault) -> None:
        """Count one strike of a fault that meets no requests."""
        for armed in self._armed.get(fault.name, ()):
            if armed.fault is fault:
                armed.strike(self._elapsed())

    def end(self, concerns: Fits = lambda fault: True) -> float | None:
        """Seconds after the first request at which the last of these faults is over; None: it still can strike."""
        meant = [armed for each in self._armed.values() for armed in each if concerns(armed.fault)]
        ends = [armed.last if armed.used_up else armed.fault.seconds for armed in meant]
        known = [each for each in ends if each is not None]
        return max(known, default=0.0) if len(known) == len(ends) else None
