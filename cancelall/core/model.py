"""The words of the house as frozen dataclasses. Times are seconds of one monotonic clock unless a name says `_ms`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum, IntEnum, StrEnum
from functools import cached_property
from typing import Any, NoReturn

from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import ErrorKind, ExitStatus, Unreadable


class Verdict(StrEnum):
    """What is known about a scope at the end of a run."""

    CLEAR = "clear"
    OPEN = "open"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    UNCONFIGURED = "unconfigured"
    UNPROVEN = "unproven"
    ABSENT = "absent"
    """Of a segment only: the account has no such product, in the venue's words."""

    @property
    def exit_status(self) -> ExitStatus:
        """The exit code that stands for this verdict."""
        return ExitStatus.CLEAR if self is Verdict.ABSENT else ExitStatus[self.name]


GRAVITY = (
    Verdict.OPEN,
    Verdict.UNREACHABLE,
    Verdict.REFUSED,
    Verdict.UNCONFIGURED,
    Verdict.UNPROVEN,
    Verdict.CLEAR,
)
"""Worst first: the verdict of a profile is its segments' first in this order, and so is the exit code of several."""


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that decides over several; ABSENT must have been taken out before."""
    return min(verdicts, key=GRAVITY.index)


class Priority(IntEnum):
    """Who goes first where several requests share a limit."""

    MASS_CANCEL = 0
    CANCEL = 1
    LISTING = 2
    PROOF = 3
    """A read that shows no order for the first time, where reads are scarce: only a proof needs it."""
    WITNESS = 4
    OTHER = 5


class Purpose(StrEnum):
    """What a request asks a venue for. A venue has further words of its own where its answers have to be told apart."""

    MASS_CANCEL = "cancel all orders"
    CANCEL = "cancel one order"
    BATCH = "cancel several orders by name"
    LISTING = "list open orders"
    FINAL_STATES = "tell how orders ended"
    DISCOVERY = "tell what there is"
    QUESTION = "tell whether a kill would work"
    ARM = "arm the venue's own switch"
    """Start its countdown, or start it anew."""
    DISARM = "disarm the venue's own switch"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request before it is signed: the exact query and body bytes that will be signed and sent.

    `changes` says whether it can change anything at the venue; a dry run refuses to send it. `bucket` names the
    venue's rate limit that it counts against: the limit of that name, or where none has it, one of its own like the
    limit whose name stands before the colon (`algos:BTC-USDT-SWAP`).
    """

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    changes: bool = False
    signed: bool = True
    priority: Priority = field(default=Priority.OTHER, compare=False)
    """How urgent it is now; it is the same request at any other time."""
    bucket: str = ""
    cost: int = field(default=1, compare=False)
    """How often it counts against the limit of its bucket."""
    host: str = ""
    """The venue's further host that it goes to, by the name that the venue's `Schema` has for it; empty: the first."""
    purpose: str = ""
    """What it asks for, a `Purpose` or a word of the venue's module, whose `judge` and readers go by it. It belongs to
    what a request is: where the same bytes are sent for two purposes, the answer to one is judged by other rules, and a
    refusal of one says nothing of the other."""

    @property
    def target(self) -> str:
        """Path and query as they go on the wire."""
        return f"{self.path}?{self.query}" if self.query else self.path


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What signing adds to a request: headers, and the body or the query where something of it travels in them."""

    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    query: str | None = field(default=None, repr=False)
    """The query that is sent instead of the request's; None leaves it."""


@dataclass
class Wire:
    """What a transport tells of a request while it is under way."""

    quiet: bool = False
    """Not one byte of it has left. Set by a transport that knows, taken back right before the first byte."""
    kept: bool = False
    """It goes on a connection that was opened before there was anything to send."""
    answering: bool = False
    """The head of its answer is there."""
    left_on: Any = field(default=None, repr=False)
    """The connection on which it has left already, for whoever reads its answer."""


@dataclass(frozen=True, kw_only=True)
class SignedRequest:
    """A request from its signature to the socket: what is sent, how it has to be sent, what the journal keeps of it.

    Its headers, query and body hold secrets: the repr shows none of them.
    """

    request: Request = field(repr=False)
    origin: str
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    """As it goes on the wire, which may be more than what was signed."""
    target: str = field(repr=False)
    """Path and query as they go on the wire, the signature included."""
    about: str = ""
    """The segment, where the request is about one."""
    tries: int = 1
    """1 for the first attempt at this request."""
    signed_ms: int = 0
    """The timestamp that was signed, in ms of the venue's clock."""
    made_ms: int = 0
    """When it was signed, in this machine's time."""
    window_ms: int | None = None
    """How long after its signature it can be executed; None: no known limit, or it changes nothing."""
    copy_of: SignedRequest | None = None
    """The request to the host's first name that it copies; whatever ends that one ends both."""
    rested_connection: bool = False
    """Its answer may end a proof: it goes on a connection that has been silent for a while, or on a new one. So a peer
    that says everything twice cannot pass the answer to another question off as this one's."""
    once: bool = False
    """Its signature is good for one arrival: it is not sent again where a connection broke before any answer."""
    new_connection: bool = False
    """It goes on a connection of its own that is opened for it."""
    body_limit: int = 4 << 20
    """Bytes after which an answer is cut off and counts as unreadable."""
    family: int | None = None
    """The only address family over which it may go (`socket.AF_INET`, `AF_INET6`); None: whichever answers first."""
    recalled: Callable[[], bool] = field(default=lambda: False, repr=False, compare=False)
    """Asked, in the attempt's own thread, right before the first byte leaves: True, and it does not leave."""
    wire: Wire = field(default_factory=Wire, repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """A complete HTTP answer. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    family: int | None = None
    """The address family over which it came; None where nobody knows, as behind a proxy."""

    @property
    def json(self) -> object:
        """The body as JSON, parsed once, when it is first needed. Raises Unreadable."""
        value, fault = self._parsed
        if fault is not None:
            raise Unreadable(fault)
        return value

    @cached_property
    def _parsed(self) -> tuple[object, str | None]:
        try:
            return parse(self.body), None
        except Unreadable as fault:
            return None, fault.message

    @property
    def date_ms(self) -> int | None:
        """The clock of whoever answered, from the Date header: ms since the epoch, to the second. None without one."""
        if "date" not in self.headers:
            return None
        try:
            from email.utils import parsedate_to_datetime

            return int(parsedate_to_datetime(self.headers["date"]).timestamp() * 1000)
        except (ValueError, TypeError, OverflowError, ImportError, OSError):  # or it cannot be loaded any more
            return None


def parse(body: bytes) -> object:
    """JSON as strict as a proof needs it: no duplicate keys, no NaN, no infinities. Decimal numbers stay the text that
    the venue sent. Raises Unreadable.

    Python's own parser keeps the last of two equal keys, so `"success":"0","success":"1"` would read as success.
    """
    import json

    try:
        return json.loads(body, parse_constant=_refuse, parse_float=str, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as fault:
        raise Unreadable("the answer is not valid JSON") from fault


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate key")
    return members


GATEWAY_PAUSE = 2.0
"""Seconds between two tries where a gateway says 401 or 403: more of them may make it worse."""


class Answer(Enum):
    """How a venue module reads a reply."""

    ACCEPTED = "accepted"
    NOTHING_OPEN = "nothing open"
    """A good answer to a cancel: there was nothing to cancel."""
    AGAIN = "try again"
    CLOCK = "clock is off"
    REFUSED = "refused"
    ABSENT = "absent"
    """This account has no such product."""
    AMBIGUOUS = "ambiguous"
    """The venue may or may not have done it: sent again, then decided by reading."""
    GATEWAY = "a gateway's word"
    """A status without a code of the venue's: it says nothing of account or orders, and the request is sent again."""


class Reach(Enum):
    """How far a refusal of the venue goes. It is believed only when nothing in the same run contradicts it."""

    REQUEST = "this call"
    """The next way to do the same takes over."""
    PRODUCT = "this product"
    """A right, a region, a ban, a mode: its segments, and no others."""
    ADDRESS = "this key from this address"
    """The profile, after one try over the host's other address family."""
    KEY = "every request with this key"
    """The profile, if nothing was ever accepted with this key, and a second request is refused too."""
    HOST = "every request from this address"
    """All reads on this host; each profile's mass cancels still get their own answer."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A reply in the sweep's own words. `message` is the venue's, without any secret that it echoed."""

    answer: Answer
    kind: ErrorKind | None = None
    message: str = ""
    hint: str = ""
    reach: Reach = Reach.REQUEST
    after: float | None = None
    """Seconds that the venue asks to wait."""
    hold: float | None = None
    """Seconds for which no cancel by name may go: what is left of a limit is for mass cancels and the proof."""
    server_ms: int | None = None
    """The venue's clock at this answer, where it tells (ms since the epoch)."""
    mode: str = ""
    """The account mode that this answer reveals, where it does; the set of segments follows from it."""
    perhaps_clock: bool = False
    """A refusal in words that the venue also has for a timestamp that is off: whether it is about the clock is told by
    how far `server_ms` is off."""
    suspended: bool = False
    """The venue is halted: until it answers a cancel otherwise, an empty listing proves nothing."""


UNREADABLE = "?"
"""What is shown in the place of a field that cannot be read."""


class Protection(Enum):
    """Whether an order can only shrink a position."""

    NONE = "none"
    PROTECTIVE = "protective"
    UNKNOWN = "unknown"
    """A kind that the venue's table does not hold: kept when protective orders are kept, and reported as open."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One working order. Prices and quantities are the venue's decimal strings."""

    id: str
    segment: str
    client_id: str | None = None
    """The name that its owner gave it; None where it has none, `UNREADABLE` where that is not known."""
    symbol: str | None = None
    side: str | None = None
    type: str | None = None
    price: str | None = None
    quantity: str | None = None
    remaining: str | None = None
    protection: Protection = Protection.NONE
    kind: str = ""
    """The venue's own kind of order, which a cancel by name may have to say."""
    origin: str = ""
    """Who created it, where the venue tells: a bot, a strategy."""
    created_ms: int | None = None
    ended_ms: int | None = None
    """When it ended, in an answer about orders that are no longer open."""
    row: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The venue's own row of it, where it is protective or may be: who loses it may want to place it again."""


@dataclass(frozen=True, kw_only=True)
class ClientIds:
    """A selection of orders by how their client ids begin."""

    only: tuple[str, ...] = ()
    """Orders whose client id begins with one of these."""
    but: tuple[str, ...] = ()
    """No order whose client id begins with one of these."""

    def selects(self, client_id: str | None, begins: Callable[[str, str], bool]) -> bool | None:
        """Whether an order with this client id is selected; None where the id is not known.

        `begins` tells whether a client id begins with a prefix.
        """
        if client_id is None:  # it has none: it is nobody's
            return not self.only
        if client_id == UNREADABLE:
            return None
        chosen = not self.only or any(begins(client_id, prefix) for prefix in self.only)
        return chosen and not any(begins(client_id, prefix) for prefix in self.but)


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of open orders, and the request for the next one."""

    orders: tuple[Order, ...]
    next: Request | None = None
    unsure: str = ""
    """Why this page cannot prove that nothing else is open, in words; empty when it can. Its orders are acted on, and
    its next page is read, all the same."""
    full: bool = False
    """It holds as many rows as were requested: one more page that cannot be requested leaves it unsure."""
    null: bool = False
    """A null stands in the place of a documented array: empty if the same request hears it twice."""
    total: int | None = None
    """How many orders all pages of this pass hold together, where the venue tells."""
    serial: int | None = None
    """A number of the venue's that only grows: an answer with a smaller one is older, whenever it came."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An order that the venue would not cancel. An empty id means the request as a whole."""

    id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Acknowledgement:
    """What an accepted cancel says. `count` is a number without ids, `capped` that there may be more than it took."""

    cancelled: tuple[str, ...] = ()
    client_ids: Mapping[str, str] = field(default_factory=dict)
    orders: tuple[Order, ...] = field(default=(), compare=False)
    """The cancelled orders as the answer shows them, where it shows more than their ids."""
    failed: tuple[Failure, ...] = ()
    count: int | None = None
    capped: bool = False
    remark: str = ""
    """A warning: the answer is about something else than the request."""


class State(StrEnum):
    """What became of an order."""

    CANCELLED = "cancelled"
    FILLED = "filled"
    GONE = "gone"
    OPEN = "open"
    FAILED = "failed"
    KEPT = "kept"


@dataclass(frozen=True, kw_only=True)
class FinalStates:
    """What the venue's history says of orders that are no longer open, and where to read on."""

    orders: tuple[tuple[Order, State, str], ...]
    """Order, how it ended, and a remark such as a partial fill."""
    next: Request | None = None
    more: str = ""
    """Why there may be more orders that ended lately than these, in words; a warning where nothing else names them."""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One reading of a segment's open orders, all passes and pages. An incomplete one proves nothing."""

    began: float
    ended: float
    orders: tuple[Order, ...]
    complete: bool
    why: str = ""
    """Why it is incomplete."""
    superseded: bool = False
    """It was not read to the end, because a later cancel had made it worthless; nothing is wrong with it."""
    serial: int | None = None
    """The lowest serial number on its pages."""

    def older_than(self, other: Listing) -> bool:
        """Whether the venue says that this one, which came later, is the older one."""
        return None not in (self.serial, other.serial) and (self.serial or 0) < (other.serial or 0)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of its orders."""
        return frozenset(order.id for order in self.orders)
