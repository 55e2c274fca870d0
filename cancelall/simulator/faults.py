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

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path


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
_KINDS: Mapping[str, frozenset[Kind]] = {
    **{kind: frozenset({kind}) for kind in Kind},
    "signed": ANY - {Kind.PUBLIC},
}


@dataclass(frozen=True)
class FaultSpec:
    """What a fault does, the value that it has if none is given (None: it takes no value), whom it meets, and what a
    value that is text has to match (empty: any text).
    """

    help: str
    default: str | float | None = None
    kinds: frozenset[Kind] = ANY
    pattern: str = ""


def declared(module: str) -> dict[str, FaultSpec]:
    """The faults in `faults.toml` next to this module's file; the simulator's own says what its columns are."""
    rows = tomllib.loads(Path(module).with_name("faults.toml").read_text(encoding="utf-8"))
    return {name: FaultSpec(kinds=_KINDS.get(row.pop("kind", ""), ANY), **row) for name, row in rows.items()}


SPECS: Mapping[str, FaultSpec] = declared(__file__)
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
