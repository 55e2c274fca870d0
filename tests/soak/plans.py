"""Random schedules: an account, a profile, a network, faults that come and go, bots. All of it follows from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cancelall.simulator.spoil import ODD_ROWS, ODD_WAYS
from cancelall.venues.registry import VENUES, load
from tests.soak.virtual import Trouble, Weather

STALE = 0.8
"""Longest lag of a listing, as a share of the venue's gap between two listings: a longer one nobody could notice."""


@dataclass(frozen=True, kw_only=True)
class Bot:
    """Places orders like those of the account's stock, from one moment to another, every so many seconds."""

    first: float
    last: float
    pause: float


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One schedule."""

    seed: int
    venue: str
    orders: int = 10
    options: Mapping[str, Any] = field(default_factory=dict)
    environment: str = "live"
    mode: str = ""
    """Of a Bitget account."""
    keep: bool = False
    dry_run: bool = False
    hold: float = 0.0
    deadline: float = 30.0
    skew_ms: int = 0
    weather: Weather = field(default_factory=Weather)
    faults: tuple[tuple[float, tuple[str, ...]], ...] = ()
    """From which second on which faults are on."""
    bots: tuple[Bot, ...] = ()
    firings: tuple[float, ...] = ()
    """When the price comes that some order of each account waits for."""
    accounts: int = 1
    interrupted: float | None = None

    @property
    def fault_names(self) -> frozenset[str]:
        """All faults that are ever on, without their values."""
        return frozenset(name_of(fault) for _, faults in self.faults for fault in faults)

    def written(self) -> str:
        """The schedule as Python, over several lines."""
        simplest = Plan(seed=self.seed, venue=self.venue)
        parts = [
            f"    {name}={value!r},"
            for name, value in vars(self).items()
            if name in ("seed", "venue") or value != getattr(simplest, name)
        ]
        return "\n".join(["Plan(", *parts, ")"])


def name_of(fault: str) -> str:
    """The name of a written fault."""
    for mark in ":=@+^~":
        fault = fault.partition(mark)[0]
    return fault


# --- faults ---------------------------------------------------------------------------------------------------------

Value = Callable[[random.Random, float], str]
"""From the generator and the venue's gap to what stands behind the equals sign."""


def one_of(*words: str) -> Value:
    """One of these."""
    return lambda rng, gap: rng.choice(words)


def seconds(least: float, most: float) -> Value:
    """A time."""
    return lambda rng, gap: f"{rng.uniform(least, most):.2f}"


def stale(rng: random.Random, gap: float) -> str:
    """How far a listing may be behind."""
    return f"{rng.uniform(0, STALE * gap):.2f}"


def nothing(rng: random.Random, gap: float) -> str:
    """No value."""
    return ""


Table = tuple[tuple[str, Value], ...]


def table(text: str) -> Table:
    """Faults with values: `a|b` one of these (`~` a blank), `0..3` a time, `stale` how far a listing may be behind."""
    entries: list[tuple[str, Value]] = []
    for word in text.split():
        name, _, value = word.partition("=")
        if value == "stale" or not value:
            entries.append((name, stale if value else nothing))
        elif ".." in value:
            entries.append((name, seconds(*map(float, value.split("..")))))
        else:
            entries.append((name, one_of(*value.replace("~", " ").split("|"))))
    return tuple(entries)


_BOOK = table("""
    ack-only partial partial late-cancel=0..4 fill=1|3|20 reappear=0..3 bot=0.05..3 lag=stale hidden=stale
    hidden=stale replicas=stale
""")
"""What becomes of orders: the heart of the matter."""

_ANSWER = table("""
    maintenance html=502|500 status=408|418|429|500|503 error-500=0.1|0.3|0.6|1 error-500-for=0..6 rate-limit=1|2|5
    listing-fails error-after error-after empty-body truncated
    json={}|null|NaN|{"code":0}|"x"|0|[1]|{"data":[]}|{"retCode":0,"result":{}} deep-json duplicate-keys null-lists
    hostile unknown-status cursor-loop gzip-bomb many-headers
    retry-after=1|0|600|-1|soon|Wed,~21~Oct~2099~07:28:00~GMT clock=600|-600|2|-2|31|-8
""")
"""What is wrong with answers."""

_WAY = table("""
    stall latency=0..3 slow-listing=0..3 stall-after reset-after fin-after reset-body drip-body=0..0.3
    drip-headers=0..0.1 giant garbage accept-stall
""")
"""What happens on their way."""

_REFUSAL = table("""
    region html=403|200 status=401|400|403|451 redirect key ip permission listing-refused
""")
"""What ended a kill soon, once."""

_EDGE = table("""
    edge=401|403|404|405|451|302|200|502 edge=401/json|403/json|404/json|200/json|403/empty|404/empty|404/text
""")
"""What something in front of the venue says: for a while, to some paths, or to the end."""

_WORD = table("""
    refused=request|product|address|key|host absent hint=60|60/503|60/own|20
""")
"""Words of the venue that are said once, or for a moment."""

_ODD = table(f"""
    odd-row={"|".join(ODD_ROWS)} odd-row={"|".join(ODD_ROWS)} odd-way={"|".join(ODD_WAYS)} null-lists
""")
"""One thing wrong with a listing."""

_OWN: Mapping[str, Table] = {
    "ascendex": table("""
        conditional-left conditional-left stubborn=PendingNew|New|Limit|StopLimit|ReduceOnly
        unnamable=Liquidation|Post|ReduceOnly unacked=0..2 ack-form=data|bare symbol-lost lenient-symbols
        capped=1|7|50|100 futures-v1=ack|alive foreign-group group-moved expired error-status=400|500
    """),
    "binance": table("""
        lacks=usdm/-2015|coinm/-1022|option/-4109|algo/-1002|margin/-4402
        no-mass=algoOpenOrders/404|algoOpenOrders/-5000
        trigger=0..3 trigger=0..3 ghosts lists-stay used=0.5|0.95 other-id
    """),
    "bitget": table("""
        account-mode=upgrading|switching|hybrid|another rights
        lacks=COIN-FUTURES/40731|USDC-FUTURES/40081|SPOT/40014|spot/40725|COIN-FUTURES/40022 empty=400|200
        error-status=400|200 live-only tpsl-only lower-case batch=20 trailing=moving_plan|normal_plan
        nothing=25204|25578 bot-orders fires fires
    """),
    "bybit": table("""
        lacks=option|spread/10028|inverse/110132|option/10024|strategy/404|spot/404 success=missing|0
        ack-list=absent|null
    """),
    "deltadefi": table("""
        bare-list symbol-needed lenient-symbols delisted=ADAUSDX|IAGUSDM count-off=1|-1|300 unlisted=stale
        straggler=0..3 straggler=0..3 sdk-words numbers nothing=404|200 short-ack prompt locked=2/400|2/503|6/400
        internal-400 empty-403 upstream-503
    """),
    "deribit": table("""
        shape=number|order group-error=10047|10041|13021|987 quotes-left quotes-left quotes-refused testnet silent
        lenient-names
    """),
    "kraken": table("""
        nonces=us|ns|60 rival invalid-nonce nonce-window locked-out close=0..3 close=0..3 no-count pending
        no-batch=EOrder:Rate~limit~exceeded|EOrder:Unknown~order counted=0|1 warns
        error=EService:Busy|EService:Unavailable|EAPI:Rate~limit~exceeded|EService:Deadline~elapsed|EGeneral:X
    """),
    "okx": table("""
        lacks=EVENTS|chase|twap/404|smart_iceberg/50030|sprd|sprd/50038|sprd/404 old-kinds no-advance=404|50005
        no-batch events-among false-result page-refused level=1|3|4 read-only
    """),
    "pacifica": table("""
        no-json bare account-list counts=1|-1 lacks=strategies|twap older keeps=stop|twap|spot trigger=0..3
        trigger=0..3 ahead=0|5 credits=20|60
    """),
    "hyperliquid": table("""
        budget=0|1|5 weights=300|600 role=missing|user duplicate-nonce busy-key=60|3600 orphans nameless long-log
        restarted
    """),
}

_KINDS = ("cancel", "listing", "read", "public")
_TEXTS: Mapping[str, tuple[str, ...]] = {
    "ascendex": ("cash", "margin", "futures", "order/all", "info"),
    "binance": ("/api/v3", "margin", "fapi", "dapi", "eapi", "papi", "algo", "allOpenOrders", "BTCUSDT"),
    "bitget": ("USDT-FUTURES", "plan", "spot", "cancel-all", "settings", "v3", "normal"),
    "bybit": ("linear", "inverse", "spot", "option", "strategy", "USDC", "StopOrder", "cancel-all"),
    "deltadefi": ("ADAUSDM", "ADAUSDX", "cancel-all", "market-config", "limit=250&page=1"),
    "deribit": ("cancel_all", "get_open_orders", "private/", "private/cancel?", "BTC"),
    "kraken": ("CancelAll", "OpenOrders", "AssetPairs", "private", "Batch"),
    "okx": ("conditional", "trigger", "orders-pending?limit", "sprd", "EVENTS", "cancel-algos", "batch", "config"),
    "pacifica": ("/orders?", "twap", "strategies", "cancel_all", "/account"),
    "hyperliquid": ("twap", "xyz", "frontendOpenOrders", "/exchange", "userRole", "allPerpMetas", '"dex":""'),
}
_OF_THE_ACCOUNT = frozenset({"lacks"})
"""These say what an account has: they do not change in the middle of a run."""


def _fault(rng: random.Random, venue: str, gap: float, banned: frozenset[str]) -> str:
    tables = (_BOOK, _OWN[venue], _ANSWER, _WAY, _REFUSAL, _EDGE, _WORD, _ODD)
    entries = rng.choices(tables, (10, 8, 5, 4, 1, 3, 3, 3))[0]
    name, value = rng.choice([entry for entry in entries if entry[0] not in banned])
    if entries is _EDGE or entries is _WORD:
        return _said(rng, venue, name, value(rng, gap))
    passing = 0.4 if entries in (_BOOK, _OWN[venue], _ODD) else 0.8
    text = name
    if rng.random() < 0.15 and name != "bot":
        text += f":{rng.choice(_KINDS)}"
    if written := value(rng, gap):
        text += f"={written}"
    if name not in _OF_THE_ACCOUNT and rng.random() < passing:
        text += f"@{rng.choice((1, 1, 2, 3, 5, 12, 40))}"
    if name not in _OF_THE_ACCOUNT and rng.random() < 0.2 and name != "bot":
        text += f"~{rng.choice(_TEXTS[venue])}"
    return text


def _said(rng: random.Random, venue: str, name: str, word: str) -> str:
    """A word, the requests that it answers, and when. A missing product is so for a second, or for some only."""
    if name == "absent":
        one_way = rng.random() < 0.5  # not to both ways for long: then nobody could tell
        ways = ("cancel",) if venue == "bitget" else ("cancel", "listing")  # some of whose products have but listings
        text = f"absent:{rng.choice(ways)}^{rng.choice((1, 3, 30))}" if one_way else "absent^1"
        return f"{text}~{rng.choice(_TEXTS[venue])}"
    text = f"{name}:{rng.choice(_KINDS)}={word}" if rng.random() < 0.3 else f"{name}={word}"
    once = {"edge": 0.0, "hint": 1.0}.get(name, 0.6)
    chance = rng.random()
    if chance < once:
        text += f"+{rng.choice((0, 0, 1, 2, 4, 8, 16, 30))}@1"
    elif chance < 0.9:
        text += f"^{rng.choice((0.3, 1, 1, 2, 5))}"
    return f"{text}~{rng.choice(_TEXTS[venue])}" if rng.random() < 0.4 else text


def _silent(rng: random.Random, venue: str) -> Any:
    """A cancel meets a word for a missing product, while the listing of the same part says nothing at all."""
    text = rng.choice(_TEXTS[venue])
    silence = rng.choice(("stall:listing", "fin-after:listing", "reset-after:listing", "edge:listing=404"))
    until = rng.choice(("", "^1", "^3", "^8"))
    return ((0.0, (f"absent:cancel{rng.choice(('', until))}~{text}", f"{silence}{until}~{text}")),)


def _odd(rng: random.Random, venue: str) -> Any:
    """One thing is wrong with each listing, or with those of one part, and stays so."""
    fault = rng.choice((f"odd-row={rng.choice(ODD_ROWS)}",) * 2 + (f"odd-way={rng.choice(ODD_WAYS)}",))
    return ((0.0, (f"{fault}~{rng.choice(_TEXTS[venue])}" if rng.random() < 0.4 else fault,)),)


def _once(phases: Sequence[tuple[float, tuple[str, ...]]]) -> Any:
    """Without a second word for a missing product in a later phase: two of them, a gap apart, are believed."""
    said = False
    found = []
    for moment, faults in phases:
        found.append((moment, tuple(one for one in faults if not (said and name_of(one) == "absent"))))
        said |= any(name_of(one) == "absent" for one in faults)
    return tuple(found)


def _faults(rng: random.Random, venue: str, deadline: float, banned: frozenset[str]) -> Any:
    gap = load(venue).proof_gap
    moments = [0.0, *sorted(round(rng.uniform(0, min(deadline, 20)), 3) for _ in range(rng.choice((0, 0, 1, 2, 4))))]
    lasting = [_fault(rng, venue, gap, banned) for _ in range(rng.choice((0, 0, 1)))]
    if rng.random() < 0.4:
        name = rng.choice([one for one in ("hidden", "lag") if one not in banned])
        lasting.append(f"{name}={rng.uniform(0.3, STALE) * gap:.2f}")
    phases = []
    for moment in moments:
        here = [_fault(rng, venue, gap, banned) for _ in range(rng.choice((0, 1, 1, 2, 3)))]
        phases.append((moment, tuple(dict.fromkeys([*lasting, *here]))))
    if rng.random() < 0.3:
        phases.append((round(rng.uniform(0, min(deadline, 12)) + moments[-1], 3), ()))
    return _once(phases)


_LIES = {
    "bitget": "forgets=60~orders-pending",
    "pacifica": 'json:listing={"success":true,"data":[]}~/orders?',
}
"""Listings that show nothing, whatever rests, where another answer of the venue tells."""


def _combined(rng: random.Random, venue: str, banned: frozenset[str], *, witnessed: bool) -> Any:
    """Faults that help each other: orders survive, and what would show them lies, is late or cannot be read."""
    gap = load(venue).proof_gap
    times = rng.choice(("", "", "@1", "@2", "@6"))
    until = round(rng.uniform(0.5, 6), 3)
    feeder = {"pacifica": "strategies", "bitget": "plan", "bybit": "strategy/list", "binance": "/algo/"}.get(
        venue, "all-of-them"
    )
    slow = rng.choice(("latency:cancel", "drip-headers:cancel", "late-cancel"))
    parts = {
        "survive": rng.choice((f"ack-only{times}", f"partial{times}", f"reappear={rng.uniform(0, 2):.2f}{times}")),
        "hide": "lag=0.5" if "hidden" in banned else f"hidden={rng.uniform(0.3, STALE) * gap:.2f}",
        "spoil": rng.choice(("listing-fails", "truncated:listing", "json:listing={}", "error-500:listing=0.6")) + times,
        "slow": f"{slow}={rng.uniform(0.05, 2):.2f}@{rng.randint(1, 12)}",
        "blind": f"listing-fails~{feeder}",
        "fire": {
            "pacifica": f"trigger={rng.uniform(0, until):.2f}",
            "binance": f"trigger={rng.uniform(0, until):.2f}",
            "bitget": "fires",
            "deltadefi": f"straggler={rng.uniform(0, gap):.2f}",
        }.get(venue, "late-cancel=1"),
    }
    if witnessed and venue in _LIES and rng.random() < 0.25:
        return (
            (0.0, (_LIES[venue], rng.choice(("bot-orders" if venue == "bitget" else "ack-only", parts["survive"])))),
        )
    chosen = tuple(parts[name] for name in rng.sample(list(parts), rng.choice((1, 2, 2, 3))))
    if rng.random() < 0.5:
        return ((0.0, chosen),)
    return ((0.0, chosen), (until, tuple(one for one in chosen if rng.random() < 0.4)))


# --- options --------------------------------------------------------------------------------------------------------


def _some(rng: random.Random, words: Sequence[str], most: int = 3) -> list[str]:
    return rng.sample(list(words), rng.randint(1, min(most, len(words))))


def _bybit(rng: random.Random) -> dict[str, Any]:
    categories = ("linear", "inverse", "spot", "option", "spread", "strategy")
    found: dict[str, Any] = {}
    if rng.random() < 0.4:
        found["category"] = _some(rng, categories)
    match rng.randrange(6):
        case 0:
            found["symbol"] = _some(rng, ("BTCUSDT", "ETHUSDT", "BTCPERP", "BTCUSD", "XRPUSD", "BTCUSTD"))
        case 1:
            found["settle_coin"] = rng.choice(("USDT", "USDC", "BTC", "XRP", "usdt", "USTD"))
        case 2:
            found["base_coin"] = rng.choice(("BTC", "ETH", "SOL"))
    if rng.random() < 0.2:
        found["order_filter"] = rng.choice(("Order", "StopOrder", "OpenOrder", "tpslOrder", "OcoOrder"))
        if found["order_filter"] == "StopOrder" and rng.random() < 0.5:
            found["stop_order_type"] = "Stop"
    if found.get("category") == ["strategy"] and "BTCUSTD" in found.get("symbol", ()):
        del found["symbol"]  # strategies have no instrument list: of a misspelt symbol nobody can tell there
    if rng.random() < 0.2:
        found["recv_window"] = rng.choice((1000, 5000, 60000))
    return found


def _bitget(rng: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if rng.random() < 0.4:
        found["product_type"] = _some(rng, ("USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES", "SPOT"))
    if rng.random() < 0.2:
        found["margin_coin"] = rng.choice(("USDT", "USDC", "BTC", "ETH", "XYZ"))
    if rng.random() < 0.3:
        found["symbol"] = _some(rng, ("BTCUSDT", "ETHUSDT", "BTCUSD", "ETHUSD", "BTCPERP", "BTCUSTD"))
    return found


def _ascendex(rng: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if rng.random() < 0.4:
        found["account_category"] = _some(rng, ("cash", "margin", "futures"))
    if rng.random() < 0.3:
        found["symbol"] = _some(rng, ("BTC/USDT", "ETH/USDT", "BTC-PERP", "ETH-PERP", "BTCUSDT"))
    if rng.random() < 0.15:
        found["futures_api"] = "v1"
    if rng.random() < 0.5:
        found["account_group"] = rng.choice((0, 0, 0, 0, 7))
    return found


def _pacifica(rng: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if rng.random() < 0.35:
        found["symbol"] = _some(rng, ("BTC", "ETH", "SOL", "kBONK", "SOL-USDC", "KBONK"))
    if rng.random() < 0.2:
        found["exclude_reduce_only"] = True
    if rng.random() < 0.2:
        found["expiry_window"] = rng.choice((5000, 60000))
    return found


def _deltadefi(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.4:
        return {"symbol": _some(rng, ("ADAUSDM", "NIGHTUSDM", "adausdcx", "ADAUSDX", "SNEKUSDM", "ADAUSDQ"))}
    return {}


def _binance(rng: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if rng.random() < 0.4:
        found["product"] = _some(rng, ("spot", "margin", "isolated", "usdm", "coinm", "option", "pm"))
    if rng.random() < 0.3:
        found["symbol"] = _some(rng, ("BTCUSDT", "ETHUSDT", "BTCUSD_PERP", "BTCUSTD"))
    if rng.random() < 0.2:
        found["recv_window"] = rng.choice((1000, 20000, 59999))
    return found


def _deribit(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.4:
        names = ("BTC-PERPETUAL", "BTC_USDC", "ETH-25DEC26-4000-P", "BTC-FS-25DEC26_PERP", "BTC-PERPETAUL")
        return {"instrument": _some(rng, names)}
    found: dict[str, Any] = {}
    if rng.random() < 0.6:
        found["currency"] = _some(rng, ("BTC", "ETH", "USDC", "btc", "EURR", "BCT"))
    if rng.random() < 0.5:
        found["kind"] = rng.choice(("future", "option", "spot", "future_combo", "option_combo"))
    return found


def _hyperliquid(rng: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    match rng.randrange(4):
        case 0:
            found["coin"] = _some(rng, ("BTC", "ETH", "SOL", "xyz:TSLA", "@107", "PURR/USDC", "XBT"))
        case 1:
            found["dex"] = _some(rng, ("core", "xyz", "flx", "zyx"))
        case 2:
            found["account"] = None
    return found


def _kraken(rng: random.Random) -> dict[str, Any]:
    if rng.random() < 0.4:
        return {"pair": _some(rng, ("XBTUSD", "XBT/USD", "btc/usd", "XETHZUSD", "USDTZUSD", "SOL/USD", "XBTUSX"))}
    return {}


def _okx(rng: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    match rng.randrange(6):
        case 0 | 1:
            found["instrument_type"] = _some(rng, ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION", "SPREAD"))
        case 2:
            found["underlying"] = rng.choice(("BTC-USD", "BTC-USDT", "eth-usdt", "BTC-USTD"))
        case 3:
            names = ("BTC-USDT", "BTC-USDT-SWAP", "eth-usdt-swap", "BTC-USD-SWAP", "BTC-USDT_BTC-USDT-SWAP", "BTC-USTD")
            found["instrument"] = _some(rng, names)
    return found


_OPTIONS = {
    "okx": _okx,
    **{"ascendex": _ascendex, "bitget": _bitget, "bybit": _bybit, "deltadefi": _deltadefi, "pacifica": _pacifica},
    "deribit": _deribit,
    "hyperliquid": _hyperliquid,
    "kraken": _kraken,
    "binance": _binance,
}
_OWNERS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("bitget", "bybit", "deribit"), ("mine-", "desk-", "mine-1", "nobody-")),
    "okx": ("mine", "desk", "mine1", "nobody"),
    "pacifica": ("f00d0000", "de50", "f00d0000-1", "dead"),
    "hyperliquid": ("0xf00d", "de50", "0Xdead", "f"),
    "binance": ("desk-", "desk-1", "nobody-"),
}
"""How client ids begin, where listings show any."""
_CLIENT_ID_FIELDS = {
    "bitget": "clientOid",
    "bybit": "orderLinkId",
    "deribit": "label",
    "okx": "clOrdId",
    "pacifica": "client_order_id",
    "binance": "clientOrderId",
    "hyperliquid": "cloid",
}
UNKNOWN_WORDS: Mapping[str, frozenset[str]] = {
    "ascendex": frozenset({"BTCUSDT"}),
    "binance": frozenset({"BTCUSTD"}),
    "bitget": frozenset({"BTCUSTD", "XYZ"}),
    "bybit": frozenset({"BTCUSTD", "USTD"}),
    "deltadefi": frozenset({"ADAUSDQ"}),
    "kraken": frozenset({"XBTUSX"}),
    "deribit": frozenset({"BTC-PERPETAUL", "BCT"}),
    "okx": frozenset({"BTC-USTD"}),
    "pacifica": frozenset({"KBONK"}),
    "hyperliquid": frozenset({"XBT", "zyx"}),
}
"""Selectors that no venue knows: what they select can never be proven clear."""


_MODES = {"binance": ("classic", "classic", "pm"), "bitget": ("classic", "unified", "hybrid")}

# --- the whole ------------------------------------------------------------------------------------------------------


def plan_of(seed: int) -> Plan:
    """The schedule of a seed."""
    rng = random.Random(seed)
    return drawn(rng, seed, rng.choice(list(VENUES)))


def drawn(rng: random.Random, seed: int, venue: str) -> Plan:
    """A schedule from a source of chance; the seed is for what happens by chance during the run.

    Half of them are calm: there the network is fair and the time long, so that most end with a claim.
    """
    if venue == "bitget" and rng.random() < 0.1:
        return _last_trigger(rng, seed)
    calm = rng.random() < 0.5
    options = _OPTIONS[venue](rng) if rng.random() < 0.5 else {}
    deadline = rng.choice((12.0, 30.0, 30.0)) if calm else rng.choice((0.3, 2.5, 5.0, 8.0, 12.0, 20.0, 30.0, 30.0))
    weather = Weather(
        latency=rng.choice((0.0, 0.02, 0.1, 0.3) if calm else (0.0, 0.1, 0.3, 1.0, 3.0)),
        trouble=0.0 if calm else rng.choice((0.0, 0.0, 0.0, 0.05, 0.2, 0.5)),
        kinds=tuple(rng.sample(list(Trouble), rng.randint(1, 4))),
    )
    keep = rng.random() < 0.2
    own = random.Random(f"client ids {seed}")
    chosen = _by_client_id(own, venue)
    banned = _cannot_be_told(rng, venue, options)
    chance = rng.random()
    faults: Any = ()
    if chance < (0.65 if calm else 0.15):
        faults = _combined(
            rng, venue, banned, witnessed=not (keep or chosen) and not {"symbol", "pair"} & options.keys()
        )
    elif chance < 0.72:
        faults = rng.choice((_silent, _odd))(rng, venue)
    elif chance < 0.94:
        faults = _faults(rng, venue, deadline, banned)
    if chosen and own.random() < 0.3:
        faults = _unreadable_ids(own, venue, faults)
    on = [fault for _, some in faults for fault in some]
    blind, lying = any(fault.startswith("listing-fails~") for fault in on), _LIES.get(venue) in on
    prices = rng.choice((6, 12, 20) if blind else (0, 0, 0, 1, 3, 6, 12))
    demo = venue == "bybit" and rng.random() < 0.1
    plan = Plan(
        seed=seed,
        venue=venue,
        orders=rng.choice((25, 40) if lying else (0, 3, 8, 8, 12, 12, 25, 40, 40, 60, 120)),
        options={**options, **chosen},
        environment="demo" if demo else "live",
        mode=rng.choice(_MODES.get(venue, ("",))),
        keep=keep,
        dry_run=rng.random() < 0.08,
        deadline=deadline,
        skew_ms=rng.choice((0, 0, 0, 700, -700, 3000, -3000, 45_000, -45_000, 600_000)),
        weather=weather,
        faults=faults,
        bots=_bots(rng),
        firings=tuple(round(rng.uniform(0, 6), 3) for _ in range(prices)),
        accounts=rng.choice((1,) * 9 + (2,)),
        interrupted=round(rng.uniform(0, min(deadline, 8)), 3) if not calm and rng.random() < 0.1 else None,
    )
    holds = rng.random() < 0.15 and not plan.dry_run  # which go together nowhere
    return replace(plan, hold=round(rng.choice((1, 3, 10, 20)) * rng.uniform(0.5, 1.5), 3)) if holds else plan


def _by_client_id(rng: random.Random, venue: str) -> dict[str, Any]:
    """Now and then only some owners' orders are to go, or all but theirs; from chance of its own."""
    if venue not in _OWNERS or rng.random() > 0.12:
        return {}
    prefixes = _some(rng, _OWNERS[venue], 2)
    return rng.choice(({"client_id": prefixes}, {"not_client_id": prefixes}, {"client_id": prefixes[:1]}))


def _unreadable_ids(rng: random.Random, venue: str, faults: Any) -> Any:
    """The same faults, and the client ids of some rows cannot be read, for a while or to the end."""
    fault = f"odd-field={_CLIENT_ID_FIELDS[venue]}{rng.choice(('', '/missing'))}{rng.choice(('', '', '@5'))}"
    (moment, first), *rest = faults or ((0.0, ()),)
    return ((moment, (*first, fault)), *rest)


def _last_trigger(rng: random.Random, seed: int) -> Plan:
    """All is done but for one trigger order that nobody can list for a while, and that fires meanwhile."""
    product = rng.choice(("USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES"))
    until = rng.uniform(3, 8)
    return Plan(
        seed=seed,
        venue="bitget",
        orders=rng.choice((8, 10)),
        options={"product_type": [product]},
        mode=rng.choice(("classic", "unified")),
        weather=Weather(latency=rng.choice((0.0, 0.05, 0.3))),
        faults=((0.0, ("listing-fails~plan", "listing-fails~strategy")), (round(until, 3), ())),
        firings=tuple(round(rng.uniform(1.5, until + 0.2), 3) for _ in range(3)),
    )


def _bots(rng: random.Random) -> tuple[Bot, ...]:
    found = []
    for _ in range(rng.choice((0, 0, 0, 0, 1, 2))):
        first = rng.uniform(0, 5)
        last = first + rng.choice((0.5, 2.0, 8.0, 1e9))
        found.append(Bot(first=round(first, 3), last=last, pause=rng.choice((0.07, 0.3, 0.9, 1.3, 2.7))))
    return tuple(found)


def _cannot_be_told(rng: random.Random, venue: str, options: Mapping[str, Any]) -> frozenset[str]:
    """Faults that together make a venue lie consistently: nobody could tell them from an empty account."""
    banned = {"lag", "unlisted", "replicas"} if rng.random() < 0.6 else {"hidden"}
    if venue == "ascendex" and "account_group" not in options:
        banned |= {"foreign-group"} if rng.random() < 0.5 else {"group-moved"}
    return frozenset(banned)
