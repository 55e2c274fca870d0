"""The embedded exchange: fake venues on a loopback port, to rehearse a kill on and to test against.

    from cancelall import simulator

    with simulator.start("bybit", orders=40, faults=["latency=0.2"]) as server:
        server.origin, server.credentials   # point a client there
        server.open_orders()                # what really rests
        server.requests                     # what arrived

It is written from the venues' documents and imports nothing of the client, so that a mistake in the client's signer
cannot hide in the checker. Standard library only.

How a new fake venue is added, in a package `cancelall/simulator/<venue>/` (CONTRIBUTING's page has a whole one):

1. `state.py`: a subclass of `fake.FakeVenue` with what handlers use: `name`, `key_header`, `secrets`, `refusals` (the
   venue's own words for a refused key, address or permission, a rate limit, an internal error and maintenance; for
   other reasons where it has some), `own_faults` (`faults.declared` reads them from a `faults.toml`), `address_limit`,
   `stock`, and `refusal`, its envelope of an error. `text_fields` and `status_fields` name the JSON fields that the
   faults `hostile` and `unknown-status` spoil. Handlers use this module, never the class that lists them.
2. Handlers `(venue, call) -> value`; they raise `Refused` in the venue's words, or `bare` for an answer without JSON.
   Orders are `book.SimOrder`: `segment` is what the venue cancels and lists as one, `kind` its sort of order, `extra`
   what the venue's own fields need. Put them on the book with `place` or `accept`, cancel them through `cancel` only,
   list them through `listed` only: every fault that is about orders lives in these two. `fault(name, request)` says
   whether a fault strikes, `setting` what value it sets; `cursor-loop` is the venue's to obey, where it has cursors.
   Rows are a `rows.Table`, in a `rows.txt` where there are many (`rows.written`); `stock.stock` reads a `stock.txt`;
   pages are those of `pages`. A batch whose items have codes of their own goes through `cancel_each`.
3. `venue.py`: a subclass of the state with its `routes`, and with `authorize` where a key in a header is not all that
   is checked, `answer` where answers have an envelope, `draws` where a call counts against other limits than its
   route's. Accounts of several modes need a fault `mode` of the venue's own, and `mode_of`. A route's kind is what it
   is for: the log, the faults and "may it change anything" hang on that. The class is `FAKE`, and the package's
   `__init__` has it.
4. Time is `now_ms()` for what happens and `server_now()` for what the venue says or checks; `later()` for what is due
   later. Never sleep, start a thread or read a clock.
5. Add it to `VENUES`.
"""

import ssl
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module

from .book import Account, SimOrder
from .fake import FakeVenue, LoggedRequest, wall_clock_ms
from .faults import FAULTS, SPECS, Fault, FaultSpec, Kind, parse_fault
from .server import SimServer
from .wire import Manner, SimReply, SimRequest

__all__ = ["FAULTS", "VENUES", "Account", "FakeVenue", "Fault", "Kind", "LoggedRequest", "Manner", "SimOrder"]
__all__ += ["SimReply", "SimRequest", "SimServer", "create", "every_fault", "fault_help", "parse_fault", "start"]
__all__ += ["venues_with"]

VENUES: Mapping[str, str] = {
    name: f"cancelall.simulator.{name}"
    for name in (
        *("bybit", "bitget", "ascendex", "pacifica", "deltadefi"),
        *("deribit", "kraken", "hyperliquid", "binance", "okx"),
    )
}


def venue_class(venue_name: str) -> type[FakeVenue]:
    """The class of a fake venue; only that venue's module is loaded."""
    if venue_name not in VENUES:
        raise ValueError(f"no fake venue {venue_name!r}: {', '.join(VENUES)}")
    fake: type[FakeVenue] = import_module(VENUES[venue_name]).FAKE
    return fake


def fault_help(venue_name: str) -> dict[str, str]:
    """Each fault that a venue knows, with one line of help."""
    return {name: spec.help for name, spec in venue_class(venue_name).fault_specs().items()}


def every_fault() -> list[tuple[str, str, str]]:
    """Each fault as it is written with the value that it has if none is given, its venue (none: all), and its help."""
    faults = [(_with_value(name, spec), "", spec.help) for name, spec in SPECS.items()]
    for venue in VENUES:
        faults += [(_with_value(name, one), venue, one.help) for name, one in venue_class(venue).own_faults.items()]
    return faults


def _with_value(name: str, spec: FaultSpec) -> str:
    if not spec.default:
        return name
    return f"{name}={spec.default}" if isinstance(spec.default, str) else f"{name}={spec.default:.10g}"


def venues_with(written: str) -> list[str]:
    """The venues that can have a fault, written so. Raises ValueError, in words, where there is none.

    A missing right cannot be rehearsed where a key has no rights: no check could tell it.
    """
    venues, problems = [], []
    for name in VENUES:
        venue = venue_class(name)
        try:
            fault = parse_fault(written, venue.fault_specs())
        except ValueError as error:
            problems.append(str(error))
        else:
            venues += [name] * (fault.name != "permission" or venue.key_has_rights)
    if not venues:
        raise ValueError(min(problems, key=lambda words: words.startswith("unknown fault")))
    return venues


def create(
    venue_name: str, *, orders: int = 40, seed: int = 1, now_ms: Callable[[], int] = wall_clock_ms, limits: bool = True
) -> FakeVenue:
    """A fake venue without a server, with one account full of orders: for tests under a clock of their own."""
    fake = venue_class(venue_name)(now_ms=now_ms, seed=seed, limits=limits)
    fake.add_account(orders=orders)
    return fake


def start(
    venue_name: str,
    *,
    orders: int = 40,
    faults: Iterable[Fault | str] = (),
    seed: int = 1,
    now_ms: Callable[[], int] = wall_clock_ms,
    ssl_context: ssl.SSLContext | None = None,
    limits: bool = True,
    speed: float = 1.0,
) -> SimServer:
    """Start a fake venue on a free loopback port, with one account full of orders of every kind that the venue has."""
    fake = create(venue_name, orders=orders, seed=seed, now_ms=now_ms, limits=limits)
    return SimServer(fake, faults=faults, ssl_context=ssl_context, speed=speed).start()
