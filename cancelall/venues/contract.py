"""The contract of a venue and of its segments.

A venue is pure: no I/O, no clock, no other venue. Everything in it is a function of its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from cancelall.core.model import Acknowledgement, FinalStates, Judgement, Order, Page, Reply, Request, Signed

O = TypeVar("O")  # noqa: E741 - the venue's Options
S = TypeVar("S")  # the venue's Secrets
F = TypeVar("F")  # what the venue's discovery reads have told


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Witness:
    """The venue's own word, besides the listing, that nothing is left. A cancel is asked between two empty
    listings, a mere read beside the second.

    It agrees when the answer is judged NOTHING_OPEN, or when `read` returns True.
    """

    request: Request
    read: Callable[[Request, Reply], bool] = lambda request, reply: True
    """Raises Unreadable."""
    fits: Callable[[tuple[Order, ...], Request, Reply], bool] | None = None
    """Asked instead of `read` where the answer has to fit the orders that stay in place on request, which it is given.
    Raises Unreadable."""
    twice: Callable[[Request, Reply], bool] | None = None
    """Whether an answer of a cancel agrees when it is heard twice, a gap apart, with empty listings between: it took
    nothing, and does not say so in words. Raises Unreadable."""
    harmless: bool = False
    """It cancels nothing, though it is a cancel by its kind: it is also asked when protective orders are kept."""
    optional: bool = False
    """One that does not answer says nothing: only its contradiction counts."""
    signature: bool = False
    """It only shows that the key is good for this account on this host: spared once an accepted cancel has shown it."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Segment:
    """A part of an account that the venue cancels and lists as one, as a set of pure functions."""

    name: str
    mass_cancels: Callable[[tuple[Order, ...]], tuple[Request, ...]]
    """The requests that cancel without naming orders, given the orders known to be open. With none known: the blind
    ones, sent before anything else. The same request in two answers is one request."""
    listings: tuple[tuple[Request, ...], ...]
    """First pages of every pass that together show all open orders, in stages: a stage is read side by side, the next
    one after it. Trigger kinds stand before the ordinary ones that they turn into."""
    page: Callable[[Request, Reply], Page]
    """Raises Unreadable."""
    acknowledge: Callable[[Request, Reply], Acknowledgement]
    """Raises Unreadable."""
    cancels: Callable[[tuple[Order, ...], tuple[Order, ...] | None], tuple[tuple[Request, tuple[Order, ...]], ...]]
    """Cancels by name, in the venue's chunks, each with the orders that it names. Orders that the venue cannot cancel
    by name are left out. The second argument holds all other orders of the segment, None while they are not known."""
    singly: (
        Callable[[tuple[Order, ...], tuple[Order, ...] | None], tuple[tuple[Request, tuple[Order, ...]], ...]] | None
    ) = None
    """Another way to do the same, one order a request, for orders whose `cancels` was refused as a call or met a
    gateway; None where there is no other way."""
    final_states: Callable[[tuple[Order, ...], int], tuple[Request, ...]]
    """First pages of the reads that tell how orders ended; the int is the start of the run in ms."""
    final_page: Callable[[Request, Reply], FinalStates]
    """Raises Unreadable."""
    shares: Callable[[tuple[Order, ...]], tuple[Request, ...]] = lambda orders: ()
    """Mass cancels of parts of the segment, given the orders that the whole ones have left: they go beside these where
    these have a cap. None while the whole ones would do."""
    unnamed: bool = False
    """No answer names what a mass cancel took: `final_states` also reads what has ended lately, and orders that ended
    since the start of the run are told though no listing has shown them."""
    protective_kinds: bool = True
    """Whether a mass cancel here could remove protective orders."""
    spawns: bool = False
    """Orders of this segment turn into, or place, orders of others: it is read before them."""
    named_gap: float = 0.0
    """Seconds that must lie between two cancels that name the same order."""
    witnesses: tuple[Witness, ...] = ()
    """All of them must agree before the segment is clear. Those that could change something are left out of a dry run
    and, unless they are harmless, when protective orders are kept."""
    needs_acceptance: bool = False
    """Clear only after a cancel was accepted: the listing alone would look empty for a mistyped account, too."""
    keeps: Callable[[Order], bool] = lambda order: False
    """Orders that the scope itself leaves in place."""
    unsaid: Callable[[Order], bool] = lambda order: False
    """Orders of which it cannot be told whether the scope spares them: they are left, and are open."""

    @cached_property
    def blind(self) -> tuple[Request, ...]:
        """The mass cancels that need to know nothing: the first that leave."""
        return self.mass_cancels(())


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Names that a discovery read has shown, and the request for the next page."""

    names: tuple[str, ...]
    next: Request | None = None
    unsure: str = ""
    """Why these may not be all, in words: what they show counts, the read is as good as failed."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Discovery(Generic[F]):
    """A read beside the kill that may reveal further segments or an unknown selector. It never holds up a cancel."""

    name: str
    request: Request
    read: Callable[[Request, Reply], Batch]
    """Raises Unreadable."""
    learn: Callable[[F, tuple[str, ...]], F]
    """Facts, and with them perhaps segments, after all pages were read."""
    optional: bool = False
    """Its failure leaves nothing unknown; where it shows orders, only the venue's own refusal does."""
    shows_orders: bool = False
    """Its names are those of markets on which it shows orders, perhaps late, like any listing: it is read twice."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A documented rate limit: `count` requests in any `seconds`. `shared` ones count for the whole address."""

    count: int
    seconds: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Venue(Generic[O, S, F]):
    """One exchange: what it does. What a profile can say of it is its `Schema`."""

    facts: F
    """What is known before any discovery read."""
    segments: Callable[[O, F, str], tuple[Segment, ...]]
    """Options, facts and environment to segments. Raises OptionError when the options leave none."""
    discoveries: Callable[[O, F], tuple[Discovery[F], ...]]
    """The reads that these facts allow. It is asked again after each of them; a name that was there before is not
    read again."""
    doubts: Callable[[O, frozenset[str]], tuple[str, ...]]
    """Why a proof would not be one, from all names that the discovery reads have shown: above all selectors that the
    venue does not know, with the nearest right spelling. One sentence each; any makes the profile `unproven`. A
    symbol's name is `symbol X`; the engine adds that of every order that was listed, which proves that it exists."""
    learn_mode: Callable[[F, str], F]
    """Facts after a judgement revealed the account's mode."""
    sign: Callable[[Request, S, O, int, int], Signed]
    """Request, secrets, options, timestamp in ms, and by how much to widen the window (1 = as configured).
    Raises SecretError when a key cannot be used."""
    check_secrets: Callable[[S, O], None]
    """Offline checks of the key. Raises SecretError."""
    judge: Callable[[Request, Reply], Judgement]
    account: Callable[[S, O], str]
    """The account's public name, of which only the last four characters are shown."""
    not_covered: Callable[[O, str], tuple[str, ...]]
    """What no request of this scope reaches, in words; options and environment."""
    proof_gap: float
    """Seconds between two empty listings that prove a segment clear."""
    limits: Mapping[str, Limit]
    """Rate limits per key, by bucket."""
    address_limit: Limit | None
    """Rate limit per IP address over all requests."""
    cost: Callable[[Request], int] = lambda request: 1
    """How often a request counts against the limit of the address."""
    own_limit: Callable[[S], bool] = lambda secrets: False
    """Whether these secrets give a profile a limit of its own, whatever others use up behind the same address."""
    block_seconds: float
    """How long the venue's address block lasts."""
    late_ms: Callable[[O], int | None]
    """How long after its signature a cancel can still be executed; None = no known limit."""
    proves_key: Callable[[Request], bool] = lambda request: request.signed
    """Whether an accepted answer to this request shows that the key is good for this account."""
    alternates: Mapping[str, str] = field(default_factory=dict)
    """A second official name of a host, to which a copy of an unanswered request may go."""
    headers: Callable[[str], tuple[tuple[str, str], ...]] = lambda environment: ()
    """Headers that every request of an environment carries, outside the signature."""
    clock_lead_ms: int = 0
    """Taken off every timestamp so as never to be ahead of the venue."""
    remarks: Callable[[O, frozenset[str]], tuple[str, ...]] = lambda options, names: ()
    """Warnings, from all names that the discovery reads have shown: what stays in place whatever is cancelled."""
    unwitnessed: Callable[[O, bool, bool], str] = lambda options, keep_protective, reads_only: ""
    """What the proof of this scope cannot rest on, as a warning; keeping protective orders, only reading."""
    notice: str = ""
    """Shown with every run."""
    sunset: str = ""
    """When the venue closes or has closed, as year and month (`2026-07`); empty: nothing was announced."""
