"""What the fake AscendEX remembers, its faults, and its own words.

Success is `code` 0 inside the JSON, whatever the HTTP status. The documents caption their error samples with status
200; which errors come with another one is not written anywhere, so the fault `error-status` can change it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..book import Account, SimOrder
from ..fake import FakeVenue
from ..faults import declared
from ..refusals import Refusal, Refused, page
from ..routes import Call
from ..wire import Headers, SimReply, SimRequest, json_reply
from .auth import Code
from .products import STOCK
from .rows import View, status

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_PAGE = "<!DOCTYPE html><html><head><title>{}</title></head><body></body></html>\n"


@dataclass(frozen=True)
class Exits:
    """A futures position, with the take-profit and stop-loss that hang on it."""

    position: str = "0"
    take_profit: str = "0"
    stop_loss: str = "0"


def data(value: object, **beside: object) -> dict[str, object]:
    """What a handler answers: `data`, and what stands beside it at the top level."""
    return {**beside, "data": value}


def ledger_of(call: Call) -> str:
    """The part of the account that a call is about."""
    return call.names.get("ledger", "futures")


def is_v2(call: Call) -> bool:
    """Whether the answer has the form of v2."""
    return "/api/pro/v2/" in call.path


def is_retired(call: Call) -> bool:
    """Whether it is one of the futures paths whose support ended on 2021-02-28."""
    return call.names.get("ledger") == "futures"


class State(FakeVenue):
    """Accounts with a cash, a margin and a futures ledger."""

    name = "ascendex"
    key_header = "x-auth-key"
    secrets: ClassVar = {"api_key": ("SIM", 29), "api_secret": ("DUMMY", 59)}  # 32 and 64 letters and digits
    text_fields = frozenset({"message", "reason", "symbol", "feeAsset"})
    status_fields = frozenset({"status"})
    refusals: ClassVar = {
        Refusal.KEY: Refused(Code.AUTHENTICATION_FAILED, "API key is not found."),
        # For an address that is not on the list and for maintenance there are no words on record.
        Refusal.IP: Refused(Code.AUTHENTICATION_FAILED, "IP address is not allowed."),
        Refusal.PERMISSION: Refused(Code.PERMISSION_DENIED, "No enough permission for the operation"),
        # What users saw when they asked too fast: the page of the content delivery network, without a hint.
        # https://github.com/hummingbot/hummingbot/issues/4987 and https://github.com/hummingbot/hummingbot/issues/5832.
        Refusal.RATE_LIMIT: page(429, _PAGE.format("Too many requests")),
        Refusal.INTERNAL: Refused(Code.SERVER_ERROR, "Something wrong with server.", 500),
        Refusal.MAINTENANCE: page(503, _PAGE.format("System maintenance")),
        Refusal.REQUEST: Refused(Code.INVALID_OPERATION, "Invalid operation"),
        Refusal.PRODUCT: Refused(Code.RESTRICTED_ACCOUNT, "The account is restricted"),
        Refusal.ABSENT: Refused(Code.INVALID_PRODUCT, "Invalid product"),
    }
    own_faults = declared("""
        conditional-left:cancel  cancel-all leaves orders that wait for their trigger
        stubborn:cancel='PendingNew'  orders with this status, type or execution instruction cannot be cancelled
        unnamable:cancel='Liquidation'  orders with this execution instruction fail the basic check of a cancel by
            name, and with them their whole batch
        unacked=1  orders younger than so many seconds are not in the engine yet: futures show them as Ack, and
            cancel-all misses them
        ack-form:cancel='data'  another documented form of a mass cancel's answer: data (futures v2 with data, v1 with
            an empty orderType) or bare (v1 without data)
        symbol-lost:cancel  a mass cancel's symbol gets lost: it takes the whole ledger
        lenient-symbols  an unknown symbol is answered like one without orders
        capped:listing=100  open orders show so many orders at most
        futures-v1:signed='ack'  the retired futures paths answer instead of refusing: ack (and nothing is cancelled),
            empty (and nothing is listed either) or alive (as their document says)
        foreign-group:signed  a wrong account group is answered like an account without orders
        group-moved:read=9  the account info names another account group
        no-margin:signed  the account cannot trade on margin
        expired:signed  the key has expired
        rights:read='view'  what account info says that the key may do: view, trade, transfer
        unbound:read  the key is bound to no address
        key-days:read=5  the key ends in so many days; with -1 it has no end
        error-status=400  refusals in JSON come with this HTTP status instead of 200
    """)

    def begin(self) -> None:
        self.asked_ms: dict[str, int] = {}
        self._exits: dict[str, dict[str, Exits]] = {}

    @property
    def retired(self) -> str:
        """What has become of the futures v1 paths: empty (they refuse), `ack`, `empty` or `alive`."""
        fault = self.has_fault("futures-v1")
        return str(fault.value) if fault else ""

    def exits_of(self, account: Account) -> dict[str, Exits]:
        """An account's futures positions, by symbol."""
        return self._exits.setdefault(account.key, {})

    def group_of(self, account: Account) -> int:
        """The account group, which is part of every private path. The first account's is 0, which is legal."""
        return int(str(account.options["account_group"]))

    def user_of(self, account: Account) -> str:
        """The user's id: U and ten digits, here made from the group."""
        return f"U{866_943_712 + self.group_of(account):010d}"

    def account_id(self, account: Account, ledger: str) -> str:
        """The account id of a ledger: its first letters, and what stands for the user."""
        return f"{'csh' if ledger == 'cash' else ledger[:3]}{self.user_of(account)}SIM"

    def view(self, call: Call, acked: Callable[[SimOrder], bool] = lambda order: True) -> View:
        """How an answer shows the orders of its ledger."""
        return View(clock=self.to_server, account_id=self.account_id(call.account, ledger_of(call)), acked=acked)

    def body(self, call: Call) -> dict[str, object]:
        """The request's JSON body, or AscendEX's refusal of it.

        A DELETE needs one too: without it cancel-all had a bug (change log of 2021-03-03), and a body that was sent as
        a form was refused (https://github.com/hummingbot/hummingbot/commit/83315122a0).
        """
        refused, headers = Refused(Code.INVALID_JSON_FORMAT, "Require a valid json object"), call.request.headers
        if not (call.request.body and headers.get("content-type", "").lower().startswith("application/json")):
            raise refused
        return call.request.json_object(refused)

    def acked_until_ms(self, request: SimRequest) -> int:
        """The matching engine has taken over what was placed by then; only the fault `unacked` makes that take time."""
        fault = self.fault("unacked", request)
        return self.now_ms() - (round(fault.number * 1000) if fault else 0)

    def cancellable(self, call: Call, orders: Sequence[SimOrder]) -> list[SimOrder]:
        """The orders that neither the fault `stubborn` nor a retired path protects."""
        if is_retired(call) and self.retired != "alive":
            return []
        fault = self.fault("stubborn", call.request)
        word = str(fault.value) if fault else None
        return [
            order
            for order in orders
            if word not in (status(order), order.extra.get("execInst", ""), order.type.title().replace("_", ""))
        ]

    def order_id(self, user: str, created_ms: int, client_id: str = "") -> str:
        """An order id: origin, milliseconds in hex, user, and nine characters, which a client's own id may fill.

        https://ascendex.github.io/ascendex-pro-api/#generate-order-id.
        """
        random = "".join(self.random.choices(_LETTERS, k=9))
        return f"a{created_ms:x}{user}{client_id[-9:] if len(client_id) >= 9 else random}"

    def account_options(self, credentials: Mapping[str, str]) -> Mapping[str, object]:
        """The account group: what the credentials say, else the next free number, from 0 on."""
        return {"account_group": int(credentials.get("account_group", len(self.accounts)))}

    def new_id(self, like: SimOrder) -> str:
        """An id of the same user, made now."""
        return self.order_id(like.id[12:23], self.now_ms())

    def stock(self, account: Account, orders: int) -> None:
        """Orders of every kind, and two positions: one with take-profit and stop-loss, one without."""
        user = self.user_of(account)
        self.put_stock(account, STOCK, orders, lambda order: self.order_id(user, order.created_ms))
        if orders:
            self.exits_of(account).update({"BTC-PERP": Exits("0.5", "90000", "50000"), "ETH-PERP": Exits("-2")})

    def answer(self, value: object, call: Call, headers: Headers) -> SimReply:
        """A success: the members beside `code`. Without any it is the bare `{"code":0}`."""
        return json_reply({"code": 0, **(value if isinstance(value, dict) else {})})

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        """An error in JSON."""
        fault = self.fault("error-status", request)
        status = refused.status or (int(fault.number) if fault else 200)
        code = Code(int(refused.code))
        return json_reply({"code": code, **refused.members, "message": refused.message, "reason": code.reason}, status)
