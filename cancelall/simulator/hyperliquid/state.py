"""What the fake Hyperliquid remembers: accounts, their agents and sub-accounts, nonces, weights. And its own words.

Every refusal of an action is HTTP 200 with `{"status":"err","response":text}`; its texts are those that clients met.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import ClassVar

from ..book import Account, SimOrder
from ..ethereum import address, recovered
from ..fake import FakeVenue
from ..faults import Fault, Fits, declared
from ..limits import SlidingWindows
from ..refusals import Refusal, Refused, bare
from ..routes import Call
from ..wire import Headers, SimReply, SimRequest, json_reply, text_reply
from .auth import digest_of
from .markets import STOCK, TWAPS

_OWNERS = {"mine": "f00d0000", "desk": "de50de50"}
_DAY_MS = 86_400_000
_NONCES = 100
_ONE_IN_TEN_MS = 10_000

MALFORMED = Refused(422, "Failed to deserialize the JSON body into the target type", 422)
GONE = "Order was never placed, already canceled, or filled."


def unknown_key(signer: str) -> Refused:
    return Refused(0, f"User or API Wallet {signer} does not exist.")


class State(FakeVenue):
    """Accounts by their addresses. A key belongs to the account itself or to an agent of it."""

    name = "hyperliquid"
    key_has_rights = False
    text_fields = frozenset({"response", "error", "coin", "cloid"})
    status_fields = frozenset({"status", "orderType"})
    # Keys have no lists of addresses and no rights: what sounds like that is a key that is not known.
    refusals: ClassVar = {
        **dict.fromkeys((Refusal.KEY, Refusal.PERMISSION), unknown_key("0x" + "0" * 40)),
        Refusal.RATE_LIMIT: Refused(429, "null", 429),
        Refusal.INTERNAL: bare(500, "Internal Server Error"),
        Refusal.MAINTENANCE: bare(502, "<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
        Refusal.REQUEST: Refused(0, "Signed action over weight limit of 200."),
    }
    own_faults = declared(__file__)
    source = "a"
    """`b` makes it the test network, where a signature is another one."""

    def begin(self) -> None:
        self.last_id = 430_938_000_000
        self.agents: dict[str, str] = {}
        """Whose agent an address is."""
        self.masters: dict[str, tuple[str, str]] = {}
        """Of a sub-account or vault its role, and its master or leader."""
        self.weights = SlidingWindows(60_000)
        self.used: dict[str, list[int]] = {}
        """The highest nonces of each signer."""
        self.sent: dict[str, int] = {}
        self.parent = ""

    # Accounts.

    def new_credentials(self) -> Mapping[str, str]:
        """The key of an agent, and behind it an account that nobody has the key of."""
        credentials = self._new_key()
        self.agents[address(credentials["private_key"])] = self._new_address()
        return credentials

    def _new_key(self) -> Mapping[str, str]:
        return {"private_key": f"0xe3bedded{self.random_of_keys.getrandbits(224):056x}"}

    def _new_address(self) -> str:
        return f"0x{self.random_of_keys.getrandbits(160):040x}"

    def account_key(self, credentials: Mapping[str, str]) -> str:
        own = address(credentials["private_key"])
        return self.agents.get(own, own)

    def account_options(self, credentials: Mapping[str, str]) -> Mapping[str, object]:
        return {"account": self.account_key(credentials)}

    def add_own_key(self, *, orders: int = 40) -> Account:
        """An account whose own key is used."""
        return self.add_account(self._new_key(), orders=orders)

    def add_below(self, account: Account, role: str = "subAccount", *, orders: int = 12) -> Account:
        """A sub-account, or a vault that the account leads: it has no key, and orders of its own."""
        with self.lock:
            vault = self._new_address()
            below = Account(key=vault, credentials=account.credentials, options={**account.options, "vault": vault})
            self.masters[vault], self.accounts[vault] = (role, account.key), below
            self.stock(below, orders)
            return below

    def account_at(self, user: object) -> Account:
        """Whatever an address is, it can be listed; one without orders has none."""
        return self.accounts.get(str(user).lower()) or Account(key=str(user).lower(), credentials={})

    def new_id(self, like: SimOrder) -> str:
        self.last_id += self.random.randrange(1, 9)
        return str(self.last_id % 10_000_000 if like.segment == TWAPS else self.last_id)

    def stock(self, account: Account, orders: int) -> None:
        self.put_stock(account, STOCK, orders, named=True)

    def owner(self, order: SimOrder, number: int) -> str:
        """Nobody names TWAPs; children are cancelled with their parent, whatever their own names are."""
        alone = order.segment != TWAPS and not {"parent", "children"} & order.extra.keys()
        return super().owner(order, number) if alone else ""

    def client_id(self, owner: str, number: int, order_id: str) -> str:
        """128 bits in hex."""
        return f"0x{_OWNERS[owner]}{self.random.getrandbits(96):024x}"

    def place(self, account: Account, order: SimOrder) -> SimOrder:
        """Children of the stock belong to the parent before them."""
        if "children" in order.extra:
            self.parent = order.id
        return super().place(account, order.but(parent=self.parent) if "parent" in order.extra else order)

    def place_like(self, account: Account, order: SimOrder, when_ms: int) -> SimOrder:
        """What a bot places anew belongs to no other order."""
        alone = {name: value for name, value in order.extra.items() if name not in ("parent", "children")}
        return super().place_like(account, replace(order, extra=alone), when_ms)

    def on_cancelled(self, account: Account, order: SimOrder) -> None:
        """With an order its children go; those of a filled one stay."""
        for child in below(order, account):
            account.book.close(child.id, "cancelled", order.updated_ms)

    # Signed actions.

    def authenticate(self, body: Mapping[str, object]) -> Account:
        """The account for which an action is; or the venue's refusal. Which check comes first is not documented."""
        action, nonce, vault, expires = (body.get(name) for name in ("action", "nonce", "vaultAddress", "expiresAfter"))
        signature = body.get("signature")
        if not isinstance(nonce, int) or not isinstance(expires, int | None) or not isinstance(signature, dict):
            raise MALFORMED
        if not isinstance(vault, str | None):
            raise MALFORMED
        try:
            r, s, v = int(str(signature["r"]), 16), int(str(signature["s"]), 16), int(str(signature["v"]))
            digest = digest_of(action, nonce, vault, expires, self.source)
        except (KeyError, ValueError, OverflowError):
            raise MALFORMED from None
        signer = recovered(digest, r, s, v)
        if signer is None:
            raise Refused(0, "Unable to recover signer.")
        account = self.accounts.get(self.agents.get(signer, signer))
        if account is None:
            raise unknown_key(signer)
        self._check_nonce(signer, nonce)
        if isinstance(expires, int) and expires < self.server_now():
            raise Refused(0, "Action already expired")
        if vault is None:
            return account
        if self.masters.get(vault.lower(), ("", ""))[1] != account.key:
            raise Refused(0, f"Vault not registered: {vault.lower()}")
        return self.accounts[vault.lower()]

    def _check_nonce(self, signer: str, nonce: int) -> None:
        """Unused, higher than the lowest of the hundred highest, from two days ago to a day ahead.

        https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/nonces-and-api-wallets
        """
        now_ms, used = self.server_now(), self.used.setdefault(signer, [])
        bot = self.has_fault("busy-key")
        floor = max(now_ms - 2 * _DAY_MS, min(used) if len(used) >= _NONCES else 0)
        floor = max(floor, now_ms + round(bot.number * 1000)) if bot else floor
        if nonce in used:
            raise Refused(0, f"Invalid nonce: duplicate nonce {nonce}")
        if nonce < floor:
            raise Refused(0, f"Invalid nonce: nonce too low {nonce} < {floor}")
        if nonce > now_ms + _DAY_MS:
            raise Refused(0, f"Invalid nonce: nonce too high {nonce} > {now_ms + _DAY_MS}")
        used[:] = sorted([*used, nonce])[-_NONCES:]

    def spend(self, account: Account, request: SimRequest, count: int) -> None:
        """Take so many actions off what the account may send, or refuse them all: beyond it one goes in ten seconds."""
        fault = self.fault("budget", request)
        if fault is None:
            return
        sent, beyond = self.sent.get(account.key, 0), ("beyond", account.key)
        one_in_ten = partial(self.buckets.take, limit=1, per_ms=_ONE_IN_TEN_MS, now_ms=self.now_ms())
        if sent >= fault.number and not one_in_ten(beyond).allowed:
            words = f"Too many cumulative requests sent ({sent} > {fault.number:.0f}) for cumulative volume traded $0.0"
            raise Refused(0, f"{words}. Place taker orders to free up 1 request per USDC traded.")
        self.sent[account.key] = sent + count

    # Answers.

    def fault(self, name: str, request: SimRequest, fits: Fits | None = None) -> Fault | None:
        """As everywhere, but a read needs no key."""
        reads = request.path != "/exchange"
        if reads and name in ("key", "permission"):
            return None
        if reads and name == "refused":
            return super().fault(name, request, lambda each: each.value == "request")
        return super().fault(name, request, fits)

    def refuse(self, reason: Refusal, request: SimRequest) -> SimReply:
        if reason is Refusal.PERMISSION and request.path != "/exchange":
            return text_reply("<html><body><h1>403 Forbidden</h1></body></html>", 403)
        return super().refuse(reason, request)

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        """Of a read, and of a body that is none, 422 with a sentence; of too many requests, 429 with `null`."""
        if refused.status == 429:
            return json_reply(None, 429, headers)
        if refused.status == 422 or request.path != "/exchange":
            return text_reply(MALFORMED.message, 422, "text/plain", headers)
        return json_reply({"status": "err", "response": refused.message}, 200, headers)

    def check(self, call: Call) -> None:
        if self.fault("duplicate-nonce", call.request):
            raise Refused(0, f"Invalid nonce: duplicate nonce {call.payload.get('nonce')}")
        if self.fault("restarted", call.request):
            raise Refused(0, "Only post-only orders allowed immediately after a network upgrade")


def below(order: SimOrder, account: Account) -> tuple[SimOrder, ...]:
    """The open children of an order."""
    if "children" not in order.extra:
        return ()
    return tuple(one for one in account.book.open(order.segment) if one.extra.get("parent") == order.id)
