"""What the fake AscendEX remembers, its faults, its codes and its own words.

Success is `code` 0 inside the JSON, whatever the HTTP status. The documents caption their error samples with status
200; which errors come with another one is not written anywhere, so the fault `error-status` can change it.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from ..book import Account, SimOrder
from ..fake import FakeVenue
from ..faults import declared
from ..refusals import Refusal, Refused, page
from ..routes import Call
from ..wire import Headers, SimReply, SimRequest, json_reply
from .products import STOCK, TYPES, row_v1, row_v2, status

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_PAGE = "<!DOCTYPE html><html><head><title>{}</title></head><body></body></html>\n"
_WINDOW_MS = 30_000


_CODES = """
    INVALID_ARGUMENT=100006 SYMBOL_ERROR=100008 AUTHORIZATION_NEEDED=100009 INVALID_OPERATION=100010
    INVALID_TIMESTAMP=100011 INVALID_JSON_FORMAT=150001 AUTHENTICATION_FAILED=200001 ACCOUNT_NOT_FOUND=200003
    RESTRICTED_ACCOUNT=200014 PERMISSION_DENIED=200015 INVALID_ORDER_ID=300006 INVALID_ORDER_PARAMETER=300008
    INVALID_PRODUCT=300012 INVALID_BATCH_ORDER=300013 NOT_CANCELLABLE=300019 INVALID_MARGIN_ACCOUNT=310002
    SERVER_ERROR=510001
"""
CODES = {name: int(code) for name, code in (word.split("=") for word in _CODES.split())}
"""By their `reason`: https://ascendex.github.io/ascendex-pro-api/#error-message (as of 2025-10-29), which lacks the one
of `NOT_CANCELLABLE`. Messages that no document and no report of a user holds are made up.
"""


def data(value: object, **more: object) -> dict[str, object]:
    return {**more, "data": value}


def ledger_of(call: Call) -> str:
    return call.names.get("api", "v2/futures").partition("/")[2]


def is_v2(call: Call) -> bool:
    return "/api/pro/v2/" in call.request.path


def is_retired(call: Call) -> bool:
    """Whether it is one of the futures paths whose support ended on 2021-02-28."""
    return call.names.get("api") == "v1/futures"


class State(FakeVenue):
    name = "ascendex"
    key_header = "x-auth-key"
    secrets: ClassVar = {"api_key": ("SIM", 29), "api_secret": ("DUMMY", 59)}  # 32 and 64 letters and digits
    text_fields = frozenset({"message", "reason", "symbol", "feeAsset"})
    status_fields = frozenset({"status"})
    refusals: ClassVar = {
        Refusal.KEY: Refused("AUTHENTICATION_FAILED", "API key is not found."),
        # For an address that is not on the list and for maintenance there are no words on record.
        Refusal.IP: Refused("AUTHENTICATION_FAILED", "IP address is not allowed."),
        Refusal.PERMISSION: Refused("PERMISSION_DENIED", "No enough permission for the operation"),
        # What users saw who were too fast: the page of the content delivery network, without a hint.
        # https://github.com/hummingbot/hummingbot/issues/4987 and https://github.com/hummingbot/hummingbot/issues/5832.
        Refusal.RATE_LIMIT: page(429, _PAGE.format("Too many requests")),
        Refusal.INTERNAL: Refused("SERVER_ERROR", "Something wrong with server.", 500),
        Refusal.MAINTENANCE: page(503, _PAGE.format("System maintenance")),
        Refusal.REQUEST: Refused("INVALID_OPERATION", "Invalid operation"),
        Refusal.PRODUCT: Refused("RESTRICTED_ACCOUNT", "The account is restricted"),
        Refusal.ABSENT: Refused("INVALID_PRODUCT", "Invalid product"),
    }
    own_faults = declared(__file__)

    def begin(self) -> None:
        self.cancelled_ms: dict[str, int] = {}  # by order: when it was last cancelled by name
        self.holders: set[str] = set()  # the keys of accounts with futures positions

    @property
    def retired(self) -> object:
        """What has become of the futures v1 paths: nothing (they refuse), `ack`, `empty` or `alive`."""
        fault = self.has_fault("futures-v1")
        return fault and fault.value

    def group_of(self, account: Account) -> int:
        """The account group, which is part of every private path. The first account's is 0, which is legal."""
        return int(str(account.options["account_group"]))

    def user_of(self, account: Account) -> str:
        """The user's id: U and ten digits, here made from the group."""
        return f"U{866_943_712 + self.group_of(account):010d}"

    def account_id(self, account: Account, ledger: str) -> str:
        """The account id of a ledger: its first letters, and what stands for the user."""
        return f"{'csh' if ledger == 'cash' else ledger[:3]}{self.user_of(account)}SIM"

    def head(self, call: Call, ledger_name: str = "ac") -> dict[str, object]:
        """Whose answer it is; the route of a call that changes orders says what it did."""
        ledger, action = ledger_of(call), call.route.detail
        head = {ledger_name: ledger.upper(), "accountId": self.account_id(call.account, ledger)}
        return {**head, **({"action": action} if action else {})}

    def row(self, call: Call, order: SimOrder, *, acked: bool = True) -> dict[str, object]:
        """An order in the form of the call's API. In v2 a live answer showed one that the matching engine had not taken
        yet with `status` "Ack" and `seqNum` -1: https://github.com/ccxt/ccxt/issues/11073.
        """
        if not is_v2(call):
            return row_v1(order, self.to_server)
        row = {**row_v2(order, self.to_server), "accountId": self.account_id(call.account, "futures")}
        return row if acked else {**row, "seqNum": -1, "status": "Ack"}

    def body(self, call: Call) -> dict[str, object]:
        """The JSON body. A DELETE needs one too: without it cancel-all had a bug (change log of 2021-03-03), and a form
        was refused (https://github.com/hummingbot/hummingbot/commit/83315122a0).
        """
        refused, headers = Refused("INVALID_JSON_FORMAT", "Require a valid json object"), call.request.headers
        if not (call.request.body and headers.get("content-type", "").lower().startswith("application/json")):
            raise refused
        return call.request.json_object(refused)

    def check_clock(self, timestamp: object) -> None:
        """At most 30 seconds apart, in either direction. The documents name neither the code nor the words."""
        if not (str(timestamp).isdecimal() and abs(int(str(timestamp)) - self.server_now()) <= _WINDOW_MS):
            raise Refused("INVALID_TIMESTAMP", "Timestamp is invalid or more than 30 seconds away")

    def acked_until_ms(self, request: SimRequest) -> int:
        """The matching engine has taken over what was placed by then; only the fault `unacked` makes that take time."""
        return self.now_ms() - round(float(self.setting("unacked", request, "0")) * 1000)

    def cancellable(self, call: Call, orders: Sequence[SimOrder]) -> list[SimOrder]:
        """The orders that neither the fault `stubborn` nor a retired path protects."""
        if is_retired(call) and self.retired != "alive":
            return []
        word = self.setting("stubborn", call.request, "none")
        return [each for each in orders if word not in (status(each), each.extra.get("execInst", ""), TYPES[each.kind])]

    def order_id(self, user: str, created_ms: int, client_id: str = "") -> str:
        """Origin, milliseconds in hex, user, and nine characters, which a client's own id may fill:
        https://ascendex.github.io/ascendex-pro-api/#generate-order-id.
        """
        random = "".join(self.random.choices(_LETTERS, k=9))
        return f"a{created_ms:x}{user}{client_id[-9:] if len(client_id) >= 9 else random}"

    def account_options(self, credentials: Mapping[str, str]) -> Mapping[str, object]:
        """The account group: what the credentials say, else the next free number, from 0 on."""
        return {"account_group": int(credentials.get("account_group", len(self.accounts)))}

    def new_id(self, like: SimOrder) -> str:
        return self.order_id(like.id[12:23], self.now_ms())

    def stock(self, account: Account, orders: int) -> None:
        user = self.user_of(account)
        self.put_stock(account, STOCK, orders, lambda order: self.order_id(user, order.created_ms))
        if orders:
            self.holders.add(account.key)

    def answer(self, value: object, call: Call, headers: Headers) -> SimReply:
        """A success: `code`, and what a handler gave. Without that it is the bare `{"code":0}`."""
        return json_reply({"code": 0, **(value if isinstance(value, dict) else {})})

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        name, usual = str(refused.code), float(self.setting("error-status", request, "200"))
        # The page of the single cancel documents the messages of 300019.
        reason = "INVALID_OPERATION" if name == "NOT_CANCELLABLE" else name
        value = {"code": CODES[name], **refused.members, "message": refused.message, "reason": reason}
        return json_reply(value, refused.status or int(usual))
