"""The contract of a venue and of its segments. A venue is pure: no I/O, no clock, no other venue, arguments only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import ClassVar, Generic, Protocol, TypeVar
from urllib.parse import parse_qsl, quote

from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.declare import nearest
from cancelall.core.model import Acknowledgement, FinalStates, Judgement, Order, Page, Reply, Request, Signed
from cancelall.venues import signing

O = TypeVar("O")  # noqa: E741 - the venue's options
S = TypeVar("S")  # the venue's secrets
F = TypeVar("F")  # what the venue's discovery reads have shown

Named = tuple[tuple[Request, tuple[Order, ...]], ...]
"""Cancels by name, each with the orders that it names."""


class NamedCancels(Protocol):
    """A way to cancel orders by name; see `Segment.cancels`."""

    def __call__(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None, /) -> Named:
        """The requests, each with the orders that it names."""


def in_chunks(orders: tuple[Order, ...], size: int, request: Callable[[tuple[Order, ...]], Request]) -> Named:
    """Cancels by name of at most so many orders each."""
    chunks = (orders[start : start + size] for start in range(0, len(orders), size))
    return tuple((request(chunk), chunk) for chunk in chunks)


def one_by_one(orders: Iterable[Order], request: Callable[[Order], Request]) -> Named:
    """Cancels by name, one order a request."""
    return tuple((request(order), (order,)) for order in orders)


def query(**values: str) -> str:
    """Parameters of a read as they are signed and sent: in this order, each value encoded once."""
    return "&".join(f"{key}={quote(value, safe='')}" for key, value in values.items())


def parameters(request: Request) -> Mapping[str, str]:
    """The parameters of a read, decoded."""
    return dict(parse_qsl(request.query))


def with_parameters(request: Request, **values: str) -> Request:
    """The same read with these parameters: where one has another value the next page begins."""
    return replace(request, query=query(**{**parameters(request), **values}))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Witness:
    """The venue's own word, besides the listing, that nothing is left. A cancel is sent between two empty listings, a
    mere read at the same time as the second.

    It agrees when the answer is judged NOTHING_OPEN, or when `read` returns True.
    """

    request: Request
    read: Callable[[Request, Reply], bool] = lambda request, reply: True
    """Raises Unreadable."""
    fits: Callable[[tuple[Order, ...], Request, Reply], bool] | None = None
    """Replaces `read` where the answer has to fit the orders that stay in place on request. Raises Unreadable."""
    twice: Callable[[Request, Reply], bool] | None = None
    """Whether an answer of a cancel agrees when it comes twice, a gap apart, with empty listings between: it took
    nothing, and does not say so in words. Raises Unreadable."""
    harmless: bool = False
    """It cancels nothing, though it is a cancel by its kind: it is also sent when protective orders are kept."""
    optional: bool = False
    """One that does not answer says nothing: only its contradiction counts."""
    signature: bool = False
    """It only shows that the key is good for this account and host: not sent once an accepted cancel has done so."""


@dataclass(frozen=True, kw_only=True)
class Segment(ABC):
    """A part of an account that the venue cancels and lists as one.

    A venue has a class for each kind of segment, whose fields are what tells two of a kind apart. Its methods are pure
    functions of fields and arguments; what is used often and needs no argument is a `cached_property`.
    """

    name: str
    """Unique within a profile, and shown."""

    protective_kinds: ClassVar[bool] = True
    """Whether a mass cancel here could remove protective orders."""
    learns: ClassVar[bool] = False
    """Discovery reads show how its orders are named: one with the same listings that differs takes its place."""
    spawns: ClassVar[bool] = False
    """Orders of this segment turn into, or place, orders of others: it is read before them."""
    unnamed: ClassVar[bool] = False
    """No answer names what a mass cancel took: `final_states` also reads what has ended lately, and orders that ended
    since the start of the run are reported though no listing has shown them."""
    fixed_groups: ClassVar[bool] = False
    """What a cancel by name takes along was placed together with the order that it names: nothing joins it later."""
    named_gap: ClassVar[float] = 0.0
    """Seconds that must lie between two cancels that name the same order."""
    singly: ClassVar[NamedCancels | None] = None
    """Another way to do what `cancels` does, one order a request, for orders whose cancel was refused as a call or met
    a gateway; a method where there is another way."""

    # --- cancelling ---

    def mass_cancels(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """The requests that cancel without naming orders, given the orders known to be open. With none known: the
        blind ones, sent before anything else. The same request in two answers is one request.
        """
        return ()

    @cached_property
    def blind(self) -> tuple[Request, ...]:
        """The mass cancels that need to know nothing: the first that leave."""
        return self.mass_cancels(())

    def shares(self, survivors: tuple[Order, ...]) -> tuple[Request, ...]:
        """Mass cancels of parts of the segment, given the orders that the whole ones have left: they go at the same
        time as these where these have a cap. None while the whole ones would do.
        """
        return ()

    @abstractmethod
    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        """Cancels by name, in the venue's chunks, each with the orders that it names. Orders that the venue cannot
        cancel by name are left out. The second argument holds all other orders of the segment, None while they are not
        known.
        """

    @abstractmethod
    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        """What an accepted cancel says. Raises Unreadable."""

    def keeps(self, order: Order) -> bool:
        """Whether the scope itself leaves this order in place."""
        return False

    def begins(self, client_id: str, prefix: str) -> bool:
        """Whether a client id begins with a prefix that a user gave, as the venue compares them."""
        return client_id.startswith(prefix)

    def unsaid(self, order: Order) -> bool:
        """Whether the order does not say if the scope keeps it: it is left, and is open."""
        return False

    # --- listing and proof ---

    @property
    @abstractmethod
    def listings(self) -> tuple[tuple[Request, ...], ...]:
        """First pages of every pass that together show all open orders, in stages: a stage is read in parallel, the
        next one after it. Trigger kinds stand before the ordinary ones that they turn into.
        """

    @abstractmethod
    def page(self, request: Request, reply: Reply) -> Page:
        """One page of a listing. Raises Unreadable."""

    @cached_property
    def witnesses(self) -> tuple[Witness, ...]:
        """All of them must agree before the segment is clear. Those that could change something are left out of a dry
        run and, unless they are harmless, when orders are kept.
        """
        return ()

    # --- afterwards ---

    def final_states(self, orders: tuple[Order, ...], since_ms: int) -> tuple[Request, ...]:
        """First pages of the reads that tell how orders ended; `since_ms` is the start of the run."""
        return ()

    def final_page(self, request: Request, reply: Reply) -> FinalStates:
        """One page of such a read. Raises Unreadable."""
        return FinalStates(orders=())


@dataclass(frozen=True)
class Known:
    """Something that exists at the venue, as a discovery read has shown: a symbol, a coin, a mode of the account."""

    kind: str
    name: str
    """As the venue spells it."""
    alias: str = ""
    """Another name of it, by which a user may call it."""


SYMBOL = "symbol"
"""The kind of `Known` that the engine adds for every order that was listed, which proves that its symbol exists."""


def names_of(known: Iterable[Known], kind: str) -> list[str]:
    """The names of a kind, sorted."""
    return sorted({one.name for one in known if one.kind == kind})


def unknown_selectors(beginning: str, selectors: Iterable[str], names: Iterable[Known], kind: str) -> tuple[str, ...]:
    """A doubt for each selector that the venue does not know, with the nearest right spelling.

    `beginning` is that of the sentence: `Bybit knows no --symbol`.
    """
    known = names_of(names, kind)
    return tuple(f"{beginning} {one}{nearest(one, known)}" for one in selectors if one not in known)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What a page of a discovery read has shown, and the request for the next one."""

    names: tuple[Known, ...]
    next: Request | None = None
    unsure: str = ""
    """Why these may not be all, in words: what they show counts, the read is as good as failed."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Discovery(Generic[F]):
    """A read during the kill that may reveal further segments or an unknown selector. It never delays a cancel."""

    name: str
    request: Request
    read: Callable[[Request, Reply], Batch]
    """Raises Unreadable."""
    learn: Callable[[F, tuple[Known, ...]], F] = lambda facts, names: facts
    """Facts, and with them perhaps segments, after all pages were read."""
    optional: bool = False
    """Its failure leaves nothing unknown; where it shows orders, only the venue's own refusal does."""
    shows_orders: bool = False
    """Its names are those of markets on which it shows orders, perhaps late, like any listing: it is read twice."""


Remembered = tuple[tuple[str, tuple[str, ...]], ...]
"""Names of segments, each with symbols that had open orders when they were last read, perhaps long ago."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A documented rate limit: `count` requests in any `seconds`."""

    count: int
    seconds: float = 1.0
    falls: bool = False
    """It is a counter instead: each request raises it by one, `count` at most, and it falls by so many in `seconds`."""
    lasting: float = 0.0
    """Seconds for which a request really counts, where a kill may go faster for its short time: a hold may not."""


@dataclass(frozen=True, kw_only=True)
class Serial:
    """A key's requests have to arrive one at a time, each with a higher number (nonce) than any that it has had before.

    So the timestamps that are signed only ever grow, over all profiles with that key; the next request leaves when the
    one before is answered or given up, mass cancels first; no copy is sent, and no signature twice. A refused number
    is judged CLOCK: it is repaired by the venue's clock and by a wider window, which may be another unit of the number.
    """

    refusals: int
    """Refused numbers in a run after which nothing is sent any more: the venue locks out keys that have too many."""
    lead_ms: int
    """Added to timestamps once a number was refused: another program may be using the key right now."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Venue(Generic[O, S, F]):
    """One exchange: what it does. What a profile can say of it is its `Schema`."""

    # --- what is sent ---

    facts: F
    """What is known before any discovery read; None where none adds to it."""
    with_key: Callable[[F, S], F] = lambda facts, secrets: facts
    """The same with what the key itself shows, such as its address."""
    segments: Callable[[O, F, str], tuple[Segment, ...]]
    """Options, facts and environment to segments. Raises OptionError when the options leave none."""
    discoveries: Callable[[O, F], tuple[Discovery[F], ...]] = lambda options, facts: ()
    """The reads that these facts allow. It is called again after each; a known name is not read again."""
    never: Callable[[F], frozenset[str]] = lambda facts: frozenset()
    """Names of segments that the account was never opened for, or has elsewhere, as the venue has said to a discovery
    read. There a refusal of every request, twice, is the word that there is no such product."""
    learn_mode: Callable[[F, str], F] = lambda facts, mode: facts
    """Facts after a judgement revealed the account's mode."""

    recall: Callable[[F, Remembered], F] | None = None
    """Facts with what is remembered of an earlier run, for a venue whose first cancels need symbols: they are fired at
    unseen. What is remembered may be out of date: it proves nothing, and a cancel of it must be harmless."""

    # --- how it is sent ---

    sign: Callable[[Request, S, O, int, int], Signed]
    """Request, secrets, options, timestamp in ms, and by how much to widen the window (1 = as configured).
    Raises SecretError when a key cannot be used."""
    account: Callable[[S, O], str] = signing.api_key
    """The account's public name, of which only the last four characters are shown: one key is one account."""
    check_secrets: Callable[[S, O], None] = lambda secrets, options: None
    """Offline checks of the key, where the documents describe its form. Raises SecretError."""
    headers: Callable[[str], tuple[tuple[str, str], ...]] = lambda environment: ()
    """Headers that every request of an environment carries, outside the signature."""
    nonces: Callable[[S], str] | None = None
    """Who signs, where the venue takes each of a signer's timestamps once: they only grow, whatever profiles of this
    process share the signer. None: a timestamp may come again."""
    clock_lead_ms: int = 0
    """Taken off every timestamp so as never to be ahead of the venue."""
    limits: Mapping[str, Limit]
    """Rate limits per key, by bucket."""
    address_limit: Limit | None = None
    """Rate limit per IP address over all requests."""
    further_limits: Mapping[str, tuple[str, Limit]] = field(default_factory=dict)
    """The same of further hosts, by their names: what the limit is called, and the limit. Hosts that count against one
    limit together have the same name for it."""
    listings: int | None = None
    """How many listings the limit of the address allows in a minute, where they have to be made to last."""
    cost: Callable[[Request], int] = lambda request: 1
    """How often a request counts against the limit of the address."""
    own_limit: Callable[[S], bool] = lambda secrets: False
    """Whether these secrets give a profile a limit of its own, whatever others use up behind the same address."""
    serial: Serial | None = None
    """Where requests with one key have to arrive in the order of their timestamps; None where they need not."""
    alternates: Mapping[str, str] = field(default_factory=dict)
    """A second official name of a host, to which a copy of an unanswered request may go."""

    # --- what the answers mean ---

    judge: Callable[[Request, Reply], Judgement]
    proves_key: Callable[[Request], bool] = lambda request: request.signed
    """Whether an accepted answer to this request shows that the key is good for this account."""
    proof_gap: float = 1.0
    """Seconds between two empty listings that prove a segment clear."""
    late_ms: Callable[[O], int | None]
    """How long after its signature a cancel can still be executed; None = no known limit."""
    doubts: Callable[[O, frozenset[Known]], tuple[str, ...]] = lambda options, names: ()
    """Why a proof would not be one, from all that the discovery reads have shown: above all selectors that the venue
    does not know. One sentence each; any makes the profile `unproven`."""
    remarks: Callable[[O, frozenset[Known]], tuple[str, ...]] = lambda options, names: ()
    """Warnings, from all that the discovery reads have shown: what stays in place whatever is cancelled."""
    not_covered: Callable[[O, str], tuple[str, ...]]
    """What no request of this scope reaches, in words; options and environment."""
    unwitnessed: Callable[[O, bool, bool], str] = lambda options, keeps_some, reads_only: ""
    """What the proof of this scope cannot rest on, as a warning; where orders are kept, by kind or by client id, and no
    mass cancel is sent, or where the run only reads."""
    notice: str = ""
    """Shown with every run."""
    sunset: str = ""
    """When the venue closes or has closed, as year and month (`2026-07`); empty: nothing was announced."""
