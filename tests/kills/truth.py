"""What the same kills have to come to on each venue: the tables of the contract suite.

A further venue is a further `Truth`. What no other venue has stands in the venue's own file of tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Options = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account that holds orders of every kind. `mode` is that of an account of Bitget."""

    mode: str = ""
    orders: int = 40
    segments: tuple[str, ...]
    """Those that are clear at the end, in the order in which they are shown."""
    absent: tuple[str, ...] = ()
    kinds: int
    """The least number of different kinds of orders in it."""

    @property
    def faults(self) -> tuple[str, ...]:
        """What makes an embedded exchange over sockets have it."""
        return (f"mode={self.mode}",) if self.mode else ()


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Faults to everything that is sent, and what a kill that meets them says: its error's kind, words of its hint."""

    faults: tuple[str, ...]
    kind: str
    hint: str = ""
    twice: bool = False
    """Whether the same request may be sent more than once."""
    orders: int = 30


@dataclass(frozen=True, kw_only=True)
class Part:
    """What an account lacks, or may not trade: the fault, the scope, and the part of the account that it is about."""

    fault: str
    options: Options = field(default_factory=dict)
    part: str
    """How the names of its segments begin."""
    words: str = ""
    """What stands with a segment that is absent."""
    open: bool = False
    """Whether its orders are seen although they cannot be cancelled."""


@dataclass(frozen=True, kw_only=True)
class Narrow:
    """A narrower scope: what goes and what stays follows from its words. `segments` are those that it names."""

    options: Options
    segments: tuple[str, ...] = ()
    mode: str = ""
    warning: str = ""
    blind: bool = False
    """Whether a cancel goes before anything is looked up."""
    unseen: bool = False
    """Whether a cancel may take orders before anything has named them."""
    never: str = ""
    """A path that must not be requested."""


@dataclass(frozen=True, kw_only=True)
class Misspelt:
    """A selector that the venue does not know, and the right spelling. `fault`: how the venue takes it."""

    options: Options
    right: str
    fault: str = ""
    mode: str = ""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """One venue."""

    accounts: tuple[Account, ...]
    warnings: tuple[str, ...] = ()
    not_covered: tuple[str, ...]
    first: str
    """The path of the first request."""
    lists_first: bool = False
    """Whether no cancel can go before orders are listed."""
    account_shown: bool = False
    """Whether the end of the account's address stands with the host."""
    would_send: tuple[str, ...]
    """Requests that a dry run names."""
    parts: tuple[str, ...]
    """What the requests about one product or kind of order have in common."""
    stored: Options = field(default_factory=dict)
    """What a profile knows of its account (0: the right group), without which no request can be made."""
    selected: Options
    product: Options
    """The scope of one product."""
    paged: int = 0
    """How many orders make some listings have a page that follows, where these name it."""
    modes: tuple[str, ...] = ("",)
    passing: tuple[str, ...]
    """Troubles that pass, and variants of what the venue says: all of them end clear."""
    unreadable: tuple[str, ...] = ()
    """Listings of another shape, besides those that every venue shows."""
    quirks: tuple[str, ...] = ()
    """What switches off quirks that are not the point."""
    nulls: tuple[str, ...] = ("null-lists", "null-lists@1")
    """Nulls that are empty lists, when they are read twice."""
    circles: tuple[str, ...] = ()
    """Pages that go in circles while orders rest."""
    refusals: tuple[Refusal, ...]
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Fields of which a wrong value is refused by the venue, with the words."""
    absent: tuple[Part, ...] = ()
    refused: tuple[Part, ...] = ()
    """Products that are refused: what rests there rests on, and no other product is concerned."""
    narrow: tuple[Narrow, ...]
    misspelt: tuple[Misspelt, ...]
    keep: int = 0
    """More protective orders than this are in the account."""
    keep_warning: str = ""
    mine: str = ""
    """How client ids of the stock begin that are one owner's; empty where no listing shows any."""
    blind: str = ""
    """The path of a cancel that must not be sent while protective orders are kept."""
    unseen: tuple[str, ...] = ()
    """Segments whose orders a cancel may take before anything has named them."""
    filled: tuple[str, ...]
    """Faults by which some orders fill while they are cancelled."""
    hidden: tuple[str, ...] = ("hidden=0.8",)
    """Faults by which listings hide what rests, for less than the venue's gap."""
    clocks: tuple[int, ...] = ()
    """Seconds by which the venue's clock is off."""
    unnamed: tuple[int, ...] = ()
    """Those of them at which no cancel is refused though its clock is behind: in its history what was cancelled then
    has ended before the run began."""
    stamp: str = ""
    """The header with the time of a request, or with a question mark the parameter; empty: it stands in the body, or
    nowhere if there are no `clocks`."""
    many: int
    """More orders than one call takes or one page shows."""
    many_warning: str = ""
    """What a kill of so many says."""


COMMON = (
    *("error-500=0.2", "html@3", "maintenance@3", "reset-after:cancel@3", "fin-after:cancel@2"),
    *("error-after:cancel@4", "truncated:cancel@2", "json:cancel=[]@2", "partial@2", "late-cancel=0.3", "lag=0.3"),
    *("reappear=0.05@3", "fill=3"),
)
"""What passes in a while on every venue."""

_SPOT_KINDS = tuple(f"{kind}Order" for kind in ("Stop", "tpsl", "Oco", "BidirectionalTpsl"))

BYBIT = Truth(
    accounts=(
        Account(segments=("strategy", "linear USDT", "linear USDC", "inverse", "spot", "option", "spread"), kinds=13),
    ),
    not_covered=("trading bots (grid, DCA, martingale)",),
    first="/v5/order/cancel-all",
    would_send=('POST /v5/order/cancel-all {"category":"linear","settleCoin":"USDT"}',),
    parts=("linear", "inverse", "spot", "option", "spread", "strategy"),
    selected={"category": ["linear", "option"]},
    product={"category": ["linear", "strategy"]},
    paged=200,
    passing=(
        *(*COMMON, "ack-list=absent", "ack-list=null", "success=missing", "success=0@2"),
        # An account that is just being upgraded; a gateway's word that passes.
        *("lacks=linear@7", "lacks=spot@15", "lacks=option@3", "lacks=linear/404@6", "lacks=spot/404@9"),
        *("html=404@12", "html=403@2", "status=401@2"),
        *(f"odd-field={field}" for field in ("price", "createdTime/1.5", "reduceOnly/maybe", "orderStatus/null")),
        *("odd-field=stopOrderType", "odd-field=side", "odd-field=symbol/null@9"),
        *("odd-field=orderId@9", "odd-field=orderId/null@9"),
    ),
    circles=("cursor-loop",),
    refusals=(
        Refusal(faults=("key",), kind="auth", hint="key and host do not match"),
        Refusal(faults=("ip",), kind="ip"),
        Refusal(faults=("region",), kind="region", twice=True),
        Refusal(faults=("redirect=http://127.0.0.1:9/",), kind="redirect", twice=True),
    ),
    secrets={"api_secret": "10004"},
    absent=tuple(Part(fault=f"lacks=option/{code}", part="option", words=code) for code in ("10028", "10020")),
    refused=(
        Part(fault="permission=option", part="option"),
        *(
            Part(fault=f"lacks=option/{code}", part="option")
            for code in ("110132", "10024", "10027", "10008", "10009", "110067", "181014", "110102")
        ),
    ),
    narrow=(
        Narrow(options={"settle_coin": "USDT"}, segments=("linear USDT",)),
        Narrow(options={"symbol": ["BTCUSDT"]}, segments=("strategy", "linear", "spot")),
        Narrow(options={"category": ["option"], "base_coin": "BTC"}, segments=("option",)),
    ),
    misspelt=(
        Misspelt(options={"symbol": ["BTCUSTD"]}, right="BTCUSDT"),
        Misspelt(options={"base_coin": "BCT"}, right="BTC"),
        Misspelt(options={"settle_coin": "BTX"}, right="BTC"),
    ),
    keep=8,
    mine="mine-",
    blind="/v5/spread/order/cancel-all",
    filled=("fill=3",),
    clocks=(-600, -5, 2, 600),
    stamp="x-bapi-timestamp",
    many=3800,
)

_FUTURES = ("USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES")
_CLASSIC = (*_FUTURES, *(f"{product} plan orders" for product in (*_FUTURES, "SPOT")), "SPOT")
_CATEGORIES = (*_FUTURES, "SPOT", "MARGIN")
_UNIFIED = (*_CATEGORIES, *(f"{category} strategy orders" for category in _CATEGORIES))
_MIX = "/api/v2/mix/order"
_ONE = {"product_type": ["USDT-FUTURES"]}
_ETH = {"symbol": ["ethusdt"]}
_WITH_COIN, _WITH_USDC = ({"product_type": ["USDT-FUTURES", other]} for other in ("COIN-FUTURES", "USDC-FUTURES"))

BITGET = Truth(
    accounts=(
        Account(segments=_CLASSIC, kinds=21),
        Account(mode="unified", segments=_UNIFIED, kinds=21),
        Account(mode="hybrid", segments=(*_CLASSIC, *(f"unified {one}" for one in _UNIFIED)), kinds=21, orders=60),
    ),
    warnings=("protective order(s)",),
    not_covered=("margin orders of a classic account (cross and isolated)",),
    first=f"{_MIX}/cancel-all-orders",
    would_send=(f'POST {_MIX}/cancel-all-orders {{"productType":"USDT-FUTURES"}}',),
    parts=("USDT-FUTURES", "COIN-FUTURES", "spot"),
    selected={"product_type": ["USDT-FUTURES", "SPOT"]},
    product=_ONE,
    paged=350,
    modes=("", "unified"),
    passing=(*COMMON, "error-status=200"),
    unreadable=("status:listing=404",),
    circles=("cursor-loop", "ack-only"),
    refusals=(
        Refusal(faults=("key",), kind="auth", hint="wrong or deleted key"),
        Refusal(faults=("ip",), kind="ip", hint="add this machine's address"),
        Refusal(faults=("demo",), kind="environment", hint="environment demo"),
    ),
    secrets={"api_secret": "40009", "passphrase": "40012"},
    absent=(Part(fault="lacks=COIN-FUTURES/40731", options=_WITH_COIN, part="COIN-FUTURES"),),
    refused=(
        Part(fault="permission=USDC-FUTURES", options=_WITH_USDC, part="USDC-FUTURES", open=True),
        # Neither demo trading's word, on live, nor those of a parameter, a right or a ban is absence.
        *(
            Part(fault=f"lacks=COIN-FUTURES/{code}", options=_WITH_COIN, part="COIN-FUTURES")
            for code in ("40081", "40105", "40110", "22030", "40034", "40199", "40022", "40031")
        ),
    ),
    narrow=(
        *(Narrow(options=_ONE, mode=mode) for mode in ("", "unified")),
        Narrow(options=_ETH, warning="does not go by symbol", never=f"{_MIX}/cancel-all-orders"),
        Narrow(options=_ETH, warning="does not go by symbol", mode="unified"),
        *(Narrow(options={"margin_coin": coin}) for coin in ("BTC", "ETH")),
        Narrow(options={"margin_coin": "BTC"}, mode="unified", never="/api/v3/trade/cancel-symbol-order"),
    ),
    misspelt=tuple(
        Misspelt(options=options, right=right, mode=mode)
        for mode in ("", "unified")
        for options, right in (
            ({"symbol": ["BTCUSTD"], "product_type": ["SPOT"]}, "BTCUSDT"),
            ({"symbol": ["BTCPREP"], "product_type": ["USDC-FUTURES"]}, "BTCPERP"),
            ({"margin_coin": "BCT", "product_type": ["COIN-FUTURES"]}, "BTC"),
        )
    ),
    keep=12,
    keep_warning="some orders are kept",
    mine="mine-",
    blind=f"{_MIX}/cancel-all-orders",
    filled=("fill=2~cancel-all-orders", "fill=2~cancel-symbol-order"),
    clocks=(-600, 600),
    stamp="access-timestamp",
    many=1200,
)

ASCENDEX = Truth(
    accounts=(Account(segments=("cash", "margin", "futures"), kinds=6),),
    warnings=(
        "AscendEX was reported closed in July 2026",
        "BTC-PERP keeps its take-profit at 90000 and stop-loss at 50000",
        "protective order(s)",
    ),
    not_covered=("take-profits and stop-losses of positions",),
    first="/0/api/pro/v1/cash/order/all",
    would_send=("DELETE /0/api/pro/v1/margin/order/all {}", "DELETE /0/api/pro/v2/futures/order/all {}"),
    parts=("cash", "margin", "futures"),
    stored={"account_group": 0},
    selected={"account_category": ["cash", "futures"]},
    product={},
    passing=(
        *(*COMMON, "html=429@3", "ack-form=data", "ack-form=bare", "unacked=0.2", "rate-limit=5"),
        *("error-status=400", "hostile"),
    ),
    unreadable=('json:listing={"code":0}',),
    nulls=("null-lists", "null-lists@1", 'json:listing={"code":0,"data":null}'),
    refusals=tuple(
        Refusal(
            faults=(fault, *status),
            kind=kind,
            twice=kind in ("redirect", "region", "permission"),
            orders=0 if kind == "permission" else 30,
        )
        for status in ((), ("error-status=403",))
        for fault, kind in (
            *(("key", "auth"), ("ip", "ip"), ("expired", "auth"), ("region", "region"), ("permission", "permission")),
            *(("redirect=http://127.0.0.1:9", "redirect"), ("listing-refused", "permission")),
        )
    ),
    secrets={"api_secret": "200001 API signature mismatch"},
    absent=(Part(fault="no-margin", part="margin"),),
    refused=(Part(fault="permission=/margin/", part="margin", open=True),),
    narrow=(
        *(Narrow(options={"account_category": [one]}, segments=(one,)) for one in ("cash", "margin", "futures")),
        Narrow(options={"symbol": ["BTC/USDT", "ETH-PERP"]}),
        Narrow(options={"symbol": ["DOGE/USDT", "BTC/USDT"]}),
    ),
    misspelt=tuple(
        Misspelt(options={"symbol": [symbol]}, right=right, fault=fault)
        for fault in ("lenient-symbols", "capped=1000")
        for symbol, right in (("BTCUSDT", "BTC-PERP"), ("btc/usdt", "BTC/USDT"), ("BTC/USTD", "BTC/USDT"))
    ),
    keep=5,
    blind="/0/api/pro/v1/cash/order/all",
    filled=("fill=3", "slow-listing=0.05"),
    clocks=(-600, -25, 25, 600),
    unnamed=(-25,),
    stamp="x-auth-timestamp",
    many=5000,
    many_warning="recent history",
)

PACIFICA = Truth(
    accounts=(Account(segments=("strategies", "TWAP", "orders"), kinds=9 + 1 + 7),),
    not_covered=("subaccounts",),
    first="/api/v1/orders/cancel_all",
    account_shown=True,
    would_send=('POST /api/v1/orders/cancel_all {"all_symbols":true,"exclude_reduce_only":false}',),
    parts=("/orders", "twap", "strategies"),
    selected={"symbol": ["BTC", "SOL"]},
    product={},
    passing=(
        *(*COMMON, "bare", "account-list", "no-json", "status=409@2", "latency=0.05", "trigger=0.2@1"),
        *("hostile", "keeps=stop", "keeps=twap", "keeps=spot"),
    ),
    refusals=(
        Refusal(faults=("key",), kind="auth", twice=True),
        Refusal(faults=("key", "no-json"), kind="auth", twice=True),
        Refusal(faults=("permission",), kind="permission", twice=True),
        Refusal(faults=("ip",), kind="ip", twice=True),
        Refusal(faults=("region",), kind="region", twice=True),
    ),
    narrow=(
        Narrow(options={"symbol": ["BTC"]}, blind=True),
        Narrow(options={"symbol": ["BTC", "kBONK"]}, blind=True, warning="not witnessed: the account's own counts"),
        Narrow(options={"exclude_reduce_only": True}),
    ),
    misspelt=tuple(
        Misspelt(options={"symbol": [symbol]}, right=right)
        for symbol, right in (("btc", "BTC"), ("KBONK", "kBONK"), ("SOL-USD", "SOL-USDC"))
    ),
    keep=3,
    mine="f00d",
    keep_warning="not witnessed: a last cancel of everything",
    blind="/api/v1/orders/cancel_all",
    filled=("fill=3",),
    clocks=(-600, -25, 25, 40, 600),
    unnamed=(-600, -25),
    many=2000,
)

_ADA = {"symbol": ["ADAUSDM"]}
_PAIRS = ("ADAUSDM", "ADAUSDCx", "NIGHTUSDM", "NIGHTUSDCx", "IAGUSDM", "SNEKUSDM")

DELTADEFI = Truth(
    accounts=(Account(segments=(*_PAIRS, "ADAUSDX"), absent=("HOSKYUSDM",), kinds=9),),
    not_covered=("L1 swap intents",),
    first="/order/cancel-all",
    would_send=('POST /order/cancel-all {"symbol": "ADAUSDM"}',),
    parts=("ADAUSDM", "NIGHTUSDM"),
    selected={"symbol": ["ADAUSDM", "NIGHTUSDM"]},
    product=_ADA,
    paged=60,
    passing=(
        *(*COMMON, "empty-403@4", "upstream-503@4", "internal-400@4", "rate-limit:cancel=1", "nothing=404"),
        *("nothing=200", "bare-list", "sdk-words", "numbers", "short-ack", "unknown-status@2", "count-off@2"),
        *("locked=1.5", "locked:cancel=1.5", "empty-403@3~HOSKYUSDM"),
    ),
    unreadable=(
        *("json:listing=[null]", 'json:listing={"data":[]}', 'json:listing={"error":"Order not found","code":4200}'),
        *("count-off", "empty-403:listing", "internal-400:listing"),
    ),
    quirks=("prompt",),
    nulls=("null-lists", "null-lists@1", 'json:listing={"data":null,"total_count":0,"total_page":0}'),
    circles=("cursor-loop", "ack-only"),
    refusals=(
        *(
            Refusal(faults=faults, kind="auth", hint="key and host do not match", twice=True)
            for faults in (("key",), ('json={"error":"Unauthorized","code":"4010"}', "status=401"))  # a number as text
        ),
        Refusal(faults=("json=404 page not found", "status=404"), kind="environment", twice=True),
    ),
    narrow=(
        Narrow(options={"symbol": ["IAGUSDM"]}, segments=("IAGUSDM",)),
        Narrow(options={"symbol": ["adausdcx"]}, segments=("ADAUSDCx",)),
    ),
    misspelt=tuple(
        Misspelt(options={"symbol": ["NIGHTUSD"]}, right="NIGHTUSDM", fault=fault)
        for fault in ("prompt", "lenient-symbols")
    ),
    filled=("fill=2",),
    hidden=("unlisted=1.0", "bot=0.7@2"),
    many=2000,
)

_INSTRUMENTS = {"instrument": ["BTC-PERPETUAL", "BTC-CS-25DEC26-100000_110000"]}

DERIBIT = Truth(
    accounts=(Account(segments=("account",), kinds=8),),
    warnings=("protective order(s)",),
    not_covered=("orders of direct access", "block RFQs", "other subaccounts"),
    first="/api/v2/private/cancel_all",
    would_send=("GET /api/v2/private/cancel_all?detailed=true",),
    parts=("private/",),
    selected={"currency": ["BTC", "ETH"]},
    product={"kind": "future"},
    passing=(
        *(*COMMON, "shape=number", "shape=order", "group-error=10047@3", "group-error=10041@1", "group-error=13021@2"),
        *("quotes-left", "hostile", "html=429@3", "html=403@2", "status=401@2", "silent:listing@2"),
        *(
            f"odd-field={field}"
            for field in ("price", "creation_timestamp/1.5", "reduce_only/maybe", "order_state/null")
        ),
        *("odd-field=order_type", "odd-field=direction", "odd-field=label", "odd-field=amount", "odd-field=quote"),
        *("odd-field=instrument_name/null", "odd-field=order_id@3"),
    ),
    unreadable=("silent:listing", 'json:listing={"result":[]}', 'json:listing={"jsonrpc":"2.0","testnet":false}'),
    refusals=(
        Refusal(faults=("key",), kind="auth", hint="check client_id and client_secret"),
        Refusal(faults=("ip",), kind="auth"),
        Refusal(faults=("permission",), kind="permission", hint="trade:read_write", twice=True, orders=0),
        Refusal(faults=("region",), kind="region", twice=True),
        Refusal(faults=("redirect=http://127.0.0.1:9/",), kind="redirect", twice=True),
    ),
    secrets={"client_id": "13004", "client_secret": "13009"},
    narrow=(
        Narrow(options={"currency": ["BTC"]}, segments=("BTC",), blind=True, never="/api/v2/private/cancel_all"),
        Narrow(
            options={"currency": ["USDC", "ETH"], "kind": "option"}, segments=("USDC option", "ETH option"), blind=True
        ),
        Narrow(options={"kind": "future_combo"}, segments=("future_combo",), blind=True),
        Narrow(options={"kind": "spot"}, segments=("spot",), blind=True, never="/api/v2/private/cancel_all"),
        Narrow(options=_INSTRUMENTS, segments=("instruments",), blind=True, never="/api/v2/private/cancel_all"),
    ),
    misspelt=tuple(
        Misspelt(options={"instrument": [name]}, right=right, fault=fault)
        for fault in ("", "lenient-names")
        for name, right in (
            ("BTC-PERPETAUL", "BTC-PERPETUAL"),
            ("btc_usdc", "BTC_USDC"),
            ("BTC-25DEC26-10000-C", "BTC-25DEC26-100000-C"),
            ("BTC-FS-25DEC26_PREP", "BTC-FS-25DEC26_PERP"),
        )
    ),
    keep=8,
    keep_warning="not witnessed: a last cancel of everything",
    mine="mine-",
    blind="/api/v2/private/cancel_all",
    filled=("fill=3",),
    clocks=(-600, -25, 25, 600),
    stamp="authorization",
    many=2000,
)

_AT_TWO = {"dex": ["core", "xyz"]}

HYPERLIQUID = Truth(
    accounts=(Account(segments=("TWAPs", "core", "xyz", "flx"), kinds=10, orders=44),),
    warnings=("protective order(s)",),
    not_covered=("orders of sub-accounts and vaults (a profile for each)", "staking"),
    first="/info",
    lists_first=True,
    mine="0xf00d",
    account_shown=True,
    would_send=(),
    parts=("twap", "xyz", '"dex":""'),
    selected=_AT_TWO,
    product={"dex": ["core"]},
    passing=(
        *(*COMMON, "orphans", "duplicate-nonce@2", "busy-key", "restarted@2", "latency=0.05"),
        *("null-lists@1", "html=429@3"),
    ),
    unreadable=("json:listing=null", "status:listing=422"),
    nulls=(),
    refusals=(
        Refusal(faults=("key",), kind="auth", hint="the venue knows no such key", twice=True),
        Refusal(faults=("permission",), kind="auth", twice=True),
        Refusal(faults=("region",), kind="region", twice=True),
        Refusal(faults=("redirect=http://127.0.0.1:9/",), kind="redirect", twice=True),
    ),
    narrow=(
        Narrow(options={"dex": ["core"]}, segments=("TWAPs", "core")),
        Narrow(options={"dex": ["xyz"]}, segments=("TWAPs", "xyz")),
        Narrow(options={"coin": ["BTC", "xyz:TSLA"]}, segments=("TWAPs", "core", "xyz")),
        Narrow(options={"coin": ["PURR/USDC", "@107"]}, segments=("TWAPs", "core")),
    ),
    misspelt=(
        Misspelt(options={"coin": ["BTCC"]}, right="BTC"),
        Misspelt(options={"coin": ["xyz:TLSA"]}, right="xyz:TSLA"),
        Misspelt(options={"coin": ["PURR/USDT"]}, right="PURR/USDC"),
        Misspelt(options={"dex": ["xzy"]}, right="xyz"),
    ),
    keep=12,
    filled=("fill=3",),
    hidden=("hidden=1.5",),
    clocks=(-600, -5, 2, 600),
    unnamed=(),
    many=1500,
)

_PRIVATE = "/0/private"
_ERRORS = ("EService:Busy", "EGeneral:Internal error", "EAPI:Rate limit exceeded", "EService:Unavailable")

KRAKEN = Truth(
    accounts=(Account(segments=("spot",), kinds=9),),
    warnings=("protective order(s)",),
    not_covered=("derivatives of Kraken Futures", "perpetuals of Kraken's US venue", "sub-accounts"),
    first=f"{_PRIVATE}/CancelAll",
    would_send=(f"POST {_PRIVATE}/CancelAll",),
    parts=("CancelAll", "OpenOrders"),
    selected={"pair": ["XBTUSD", "ETHUSD"]},
    product={},
    passing=(
        *(*COMMON, "warns", "no-count@2", "pending", "no-batch", "counted", "snake", "hostile", "close=0.5@1"),
        *("nonces=us", "nonces=10ns", "nonces=ns", "nonces=30", "nonce-window", "rival", "invalid-nonce@2"),
        *(f"error={code}@3" for code in _ERRORS),
    ),
    unreadable=(
        *('json:listing={"error":[]}', 'json:listing={"error":[],"result":{}}', 'json:listing={"result":{"open":{}}}'),
        *('json:listing={"error":[],"result":{"open":[]}}', "counted:listing=1"),
    ),
    nulls=("null-lists", "null-lists@1", 'json:listing={"error":[],"result":{"open":null}}'),
    refusals=(
        Refusal(faults=("key",), kind="auth", hint="key wrong or deleted"),
        Refusal(faults=("otp",), kind="auth", hint="two-factor"),
        Refusal(faults=("permission",), kind="permission", hint="cancel and close orders", twice=True, orders=0),
        Refusal(faults=("invalid-nonce",), kind="clock", hint="a key for this command alone"),
        Refusal(faults=("locked-out",), kind="rate_limit", hint="quarter of an hour"),
        Refusal(faults=("region",), kind="region", twice=True),
        Refusal(faults=("redirect=http://127.0.0.1:9/",), kind="redirect", twice=True),
    ),
    narrow=(
        Narrow(
            options={"pair": ["XBT/USD"]},
            segments=("spot",),
            warning="not witnessed: a last cancel of everything",
            never=f"{_PRIVATE}/CancelAll",
        ),
        Narrow(options={"pair": ["XXDGZUSD", "btc/usd"]}, never=f"{_PRIVATE}/CancelAll"),
        Narrow(options={"pair": ["USDTZUSD"]}, never=f"{_PRIVATE}/CancelAll"),
    ),
    misspelt=tuple(
        Misspelt(options={"pair": [pair]}, right=right)
        for pair, right in (("XBTUSX", "XBTUSD"), ("SOLUST", "SOLUSD"), ("ETH-USD", "ETHUSD"))
    ),
    keep=8,
    keep_warning="not witnessed: a last cancel of everything",
    blind=f"{_PRIVATE}/CancelAll",
    filled=("fill=3",),
    mine="mine-",
    many=1500,
    many_warning="200 of them were read",
)

_ALGOS = ("TP/SL", "triggers", "trailing stops", "chase orders", "TWAP", "icebergs", "smart icebergs")
_SWAPS = {"instrument_type": ["SWAP"]}

OKX = Truth(
    accounts=(Account(segments=("orders", "events", *_ALGOS, "spreads"), kinds=14),),
    warnings=("protective order(s)",),
    not_covered=("trading bots", "RFQs and quotes"),
    first="/api/v5/sprd/mass-cancel",
    would_send=("POST /api/v5/sprd/mass-cancel {}",),
    parts=("orders-pending?limit", "ordType=trigger", "sprd", "EVENTS"),
    selected={"instrument_type": ["SWAP", "SPREAD"]},
    product={"instrument_type": ["SWAP", "SPREAD"]},
    passing=(
        *(*COMMON, "old-kinds", "no-advance=404", "no-advance=50005", "no-batch", "events-among", "false-result@2"),
        *("level=4", "html=404@12", "html=403@2", "status=401@2", "hostile"),
        *(f"odd-field={field}" for field in ("px", "cTime/1.5", "reduceOnly/maybe", "state/null", "ordType", "side")),
        *("odd-field=instId/null@9", "odd-field=ordId@9", "odd-field=ordId/null@9", "odd-field=algoId@9"),
    ),
    unreadable=("status:listing=404", 'json:listing={"code":"0"}'),
    refusals=(
        Refusal(faults=("key",), kind="auth", hint="another OKX site (environment eea, us or tr"),
        Refusal(faults=("ip",), kind="ip", hint="add this machine's address"),
        Refusal(faults=("demo",), kind="environment", hint="environment demo"),
        Refusal(faults=("region",), kind="region", twice=True),
        Refusal(faults=("redirect=http://127.0.0.1:9/",), kind="redirect", twice=True),
    ),
    secrets={"api_secret": "50113", "passphrase": "50105"},
    absent=(
        Part(fault="lacks=EVENTS", part="events", words="51000"),
        Part(fault="lacks=chase", part="chase", words="51000"),
        Part(fault="lacks=smart_iceberg", part="smart", words="51000"),
        *(Part(fault=f"lacks=sprd/{code}", part="spreads", words=code) for code in ("51010", "50038")),
    ),
    refused=(
        Part(fault="lacks=trigger/51000", part="triggers"),
        Part(fault="permission=sprd", part="spreads"),
        *(Part(fault=f"lacks=sprd/{code}", part="spreads") for code in ("50030", "50051", "50059", "51000", "50067")),
        *(Part(fault=f"lacks=chase/{code}", part="chase") for code in ("50120", "50052", "50027", "404")),
    ),
    narrow=(
        Narrow(options=_SWAPS, segments=("orders", *_ALGOS), never="/api/v5/sprd/mass-cancel"),
        Narrow(options={"instrument_type": ["SPREAD"]}, segments=("spreads",), blind=True),
        Narrow(options={"instrument_type": ["SPOT", "OPTION"]}),
        Narrow(options={"instrument": ["btc-usdt-swap"]}, segments=("orders", *_ALGOS)),
        Narrow(options={"instrument": ["BTC-USDT_BTC-USDT-SWAP", "BTC-USDT"]}, blind=True),
        Narrow(options={"underlying": "BTC-USD"}, segments=("orders", *_ALGOS), never="/api/v5/sprd/mass-cancel"),
    ),
    misspelt=(
        Misspelt(options={"instrument": ["BTC-USTD"]}, right="BTC-USDT"),
        Misspelt(options={"instrument": ["BTC-USTD-SWAP", "ETH-USDT-SWPA"]}, right="ETH-USDT-SWAP"),
        Misspelt(options={"instrument": ["BTC-USTD_BTC-USDT-SWAP"]}, right="BTC-USDT_BTC-USDT-SWAP"),
        Misspelt(options={"underlying": "BTC-USTD"}, right="BTC-USD"),
    ),
    keep=12,
    blind="/api/v5/trade/mass-cancel",
    filled=("fill=3",),
    clocks=(-600, -25, 25, 600),
    unnamed=(-25,),
    stamp="ok-access-timestamp",
    mine="mine",
    many=1000,
)

_USDM = {"product": ["usdm"]}
_BOTH = tuple(f"{one} TWAP{'/VP' * (one == 'usdm')}" for one in ("spot", "usdm"))
_ISOLATED = ("isolated BTCUSDT", "isolated ETHUSDT")

BINANCE = Truth(
    accounts=(
        Account(segments=(*_BOTH, "option", "spot", "margin", "usdm", "coinm", *_ISOLATED), kinds=20),
        Account(
            mode="pm",
            segments=(*_BOTH, "option", "spot", *_ISOLATED, "pm margin", "pm usdm", "pm coinm"),
            absent=("margin", "usdm", "coinm"),
            kinds=20,
        ),
    ),
    unseen=("option",),
    not_covered=("convert limit orders", "stocks"),
    first="/eapi/v1/allOpenOrdersByUnderlying",
    would_send=("DELETE /fapi/v1/algoOpenOrders?symbol=BTCUSDT", "DELETE /fapi/v1/allOpenOrders?symbol=BTCUSDT"),
    parts=("/api/v3", "/sapi/v1/margin", "fapi", "dapi", "eapi", "/sapi/v1/algo"),
    selected={"product": ["spot", "usdm"]},
    product=_USDM,
    modes=("", "pm"),
    passing=(
        *(
            *COMMON,
            "ghosts",
            "lists-stay@1",
            "used=0.5",
            "other-id@1",
            "trigger=0.5@1",
            "rate-limit:cancel=20",
        ),
        *(
            "no-mass=algoOpenOrders/404@4",
            "no-mass=algoOpenOrders/-5000@4",
            "html=404@12",
            "html=403@2",
            "status=401@2",
        ),
        *(f"odd-field={field}" for field in ("price", "time/1.5", "clientOrderId", "side")),
    ),
    unreadable=('json:listing={"code":200}', "json:listing=null"),
    nulls=(),
    refusals=(
        Refusal(faults=("key",), kind="auth", hint="no such key"),
        Refusal(faults=("ip",), kind="ip", hint="add this machine's address"),
        Refusal(faults=("region",), kind="region", twice=True),
        Refusal(faults=("redirect=http://127.0.0.1:9/",), kind="redirect", twice=True),
    ),
    secrets={"api_secret": "-1022"},
    absent=(Part(fault="lacks=margin/-3003", part="margin", words="-3003"),),
    refused=(
        Part(fault="permission=/eapi/", part="option", open=True),
        *(
            Part(fault=f"lacks={product}/{code}", part=product)
            for product, code in (
                *(("usdm", "-2015"), ("usdm", "-4109"), ("coinm", "-1022"), ("coinm", "-1002"), ("option", "-2015")),
                *(("option", "-4402"), ("margin", "-1109"), ("margin", "200003903")),
            )
        ),
    ),
    narrow=(
        Narrow(options=_USDM, segments=("usdm TWAP/VP", "usdm")),
        Narrow(options=_USDM, segments=("usdm TWAP/VP", "usdm", "pm usdm"), mode="pm"),
        Narrow(options={"product": ["isolated"]}, segments=_ISOLATED),
        Narrow(options={"product": ["option"]}, segments=("option",), blind=True),
        Narrow(options={"symbol": ["ethusdt"]}, blind=True, unseen=True),
        Narrow(options={"product": ["pm"]}, mode="pm"),
    ),
    misspelt=tuple(
        Misspelt(options=options, right=right)
        for options, right in (({"symbol": ["BTCUSTD"]}, "BTCUSDT"), ({"symbol": ["BTCUSD_PREP"]}, "BTCUSD_PERP"))
    ),
    keep=8,
    mine="desk-",
    blind="/fapi/v1/allOpenOrders",
    filled=("fill=3~v1/allOpenOrders", "fill=3~um/allOpenOrders"),
    clocks=(-600, -7, 7, 600),
    stamp="?timestamp",
    many=1500,
)

TRUTHS: Mapping[str, Truth] = {
    "bybit": BYBIT,
    "bitget": BITGET,
    "ascendex": ASCENDEX,
    "pacifica": PACIFICA,
    "deltadefi": DELTADEFI,
    "kraken": KRAKEN,
    "deribit": DERIBIT,
    "hyperliquid": HYPERLIQUID,
    "okx": OKX,
    "binance": BINANCE,
}
PARTS = {name: truth.parts for name, truth in TRUTHS.items()}
STORED = {name: truth.stored for name, truth in TRUTHS.items()}
SELECTED = {name: truth.selected for name, truth in TRUTHS.items()}
PAGED = {name: truth.paged for name, truth in TRUTHS.items() if truth.paged}
MODES: Mapping[str, Mapping[str, Any]] = {
    "whole": {},
    "dry-run": {"dry_run": True},
    "hold": {"hold": 3.0},
    "keep-protective": {"keep": True},
    "selector": {},
}
"""Ways to run a kill."""
