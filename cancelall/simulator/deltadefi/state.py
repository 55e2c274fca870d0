"""What the fake DeltaDeFi remembers, its faults, and its own words for a refusal.

https://docs.deltadefi.io/start-trading/developers/status-code (as of 2026-04-17): `{"error": text, "code": number}`.
The page ties no HTTP status to a code; the team's bot logs show 400 with 4200 and with 5000. Words that neither the
page nor the logs hold are made up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from ..book import Account, SimOrder
from ..fake import FakeVenue
from ..faults import declared
from ..refusals import Refusal, Refused
from ..routes import Call
from ..rows import Table
from ..wire import Headers, SimReply, SimRequest, json_reply
from .markets import QUANTITIES, ROW, YOUNG_MS, Style, is_young, template, templates

# One cancel in so many lands late. The latest fill after a cancel that the bot logs show came after 1.85 s, the median
# after 0.36 s: a power of an even distribution has both.
_LATE_ONE_IN = 10
_LATEST_MS = 1850
_LATE_POWER = 2.36


NO_ORDER = Refused(4200, "Order not found")
"""The OpenAPI text of cancel-all says 404, the logs say 400."""
UNKNOWN_SYMBOL = Refused(4106, "Invalid trading pair symbol")
UNAUTHORIZED = Refused(4010, "Unauthorized", 401)


def invalid(what: str) -> Refused:
    """4000, with the one HTTP status that the OpenAPI text of cancel-all names for it."""
    return Refused(4000, f"Invalid request: {what}", 422)


class State(FakeVenue):
    """The accounts, and what is on its way."""

    name = "deltadefi"
    key_has_rights = False
    key_header = "x-api-key"
    secrets: ClassVar = {"api_key": ("d0d0d0d0", 24)}  # in the form of the real one: 32 hex digits
    text_fields = frozenset({"error", "symbol", "account_id"})
    status_fields = frozenset({"status"})
    # It documents no address lists and no rights of a key: those sound like a wrong key. For a host it has no word.
    refusals: ClassVar = {
        **dict.fromkeys((Refusal.KEY, Refusal.IP, Refusal.PERMISSION), UNAUTHORIZED),
        Refusal.RATE_LIMIT: Refused(4290, "Rate limit exceeded", 429),
        Refusal.INTERNAL: Refused(5000, "Internal Server Error", 500),
        Refusal.MAINTENANCE: Refused(5001, "Resources temporarily unavailable", 503),
        Refusal.REQUEST: invalid("a parameter"),
        Refusal.PRODUCT: Refused(4406, "Operation key not found"),
        Refusal.ABSENT: UNKNOWN_SYMBOL,
    }
    own_faults = declared(__file__)

    def begin(self) -> None:
        self.building: dict[str, SimOrder] = {}
        self._account_ids: dict[str, str] = {}
        self._landing: set[str] = set()
        self._straggled: set[str] = set()

    def account_id(self, account: Account) -> str:
        """The account's id, which outlives its keys."""
        return self._account_ids.setdefault(account.key, self.uuid())

    def rows(self, call: Call, orders: Iterable[SimOrder], table: Table = ROW) -> list[dict[str, object]]:
        """The rows of an answer. The fault `numbers` makes JSON numbers of an order's quantities."""
        sdk_words, numbers = (self.fault(name, call.request) for name in ("sdk-words", "numbers"))
        style = Style(self.account_id(call.account), self.now_ms(), sdk_words is not None)
        names = QUANTITIES if numbers and table is ROW else ()
        rows = [table(order, style) for order in orders]
        return [{**row, **{name: float(str(row[name])) for name in names}} for row in rows]

    def can_cancel(self, order: SimOrder) -> bool:
        """Whether a cancel can take this open order now: none of it is on its way, and the engine has it."""
        return order.id not in self._landing and not is_young(order, self.now_ms())

    def is_locked(self) -> bool:
        fault = self.has_fault("locked")
        return fault is not None and self._elapsed() < float(fault.parts[0])

    def rotate_key(self, account: Account) -> str:
        credentials = {**account.credentials, **self.new_credentials()}
        key = self.account_key(credentials)
        self._account_ids[key] = self.account_id(account)
        del self.accounts[account.key]
        self.accounts[key] = replace(account, key=key, credentials=credentials)
        return key

    def send_straggler(self, account: Account, symbol: str, request: SimRequest) -> None:
        """The fault `straggler`: an order that was on its way all along, once per account."""
        if account.key in self._straggled or not (fault := self.fault("straggler", request)):
            return
        self._straggled.add(account.key)

        def land(when_ms: int) -> None:
            # It is old enough for a cancel to reach it.
            self.place(account, template(symbol).placed(self.uuid(), when_ms - YOUNG_MS))

        self.later(self.now_ms() + round(fault.number * 1000), land)

    def stock(self, account: Account, orders: int) -> None:
        self.put_stock(account, templates(), orders)

    def _land(self, account: Account, orders: Sequence[SimOrder], request: SimRequest, when_ms: int) -> None:
        """Some cancels land late, as the matching engine carries them out when it gets to them."""
        prompt = self.fault("prompt", request) is not None
        late = [] if prompt else [order for order in orders if self.random.randrange(_LATE_ONE_IN) == 0]
        super()._land(account, [order for order in orders if order not in late], request, when_ms)
        for order in late:
            self._landing.add(order.id)
            delay_ms = round(_LATEST_MS * self.random.random() ** _LATE_POWER)
            self.later(when_ms + delay_ms, partial(super()._land, account, [order], request))

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        """An error in JSON, its members in the order that the logs show."""
        return json_reply({"error": refused.message, "code": refused.code}, refused.status or 400, headers)
