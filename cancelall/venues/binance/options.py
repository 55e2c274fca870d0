"""Binance: what a profile can say: hosts, options, secrets."""

import re
from typing import Annotated, Literal

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt, Sec
from cancelall.core.errors import OptionError
from cancelall.core.secret import Secret
from cancelall.venues.binance.hosts import FURTHER, HOSTS
from cancelall.venues.registry import Schema, selector

Product = Literal["spot", "margin", "isolated", "usdm", "coinm", "option", "pm"]
PRODUCTS: tuple[Product, ...] = ("spot", "margin", "isolated", "usdm", "coinm", "option", "pm")
_SERVED: dict[str, tuple[Product, ...]] = {"live": PRODUCTS, "testnet": ("spot",), "demo": ("spot", "usdm", "coinm")}
_USES = {"spot": ("", "sapi"), "margin": ("sapi",), "isolated": ("sapi",), "usdm": ("fapi", "sapi"), "coinm": ("dapi",)}
_USES |= {"option": ("eapi",), "pm": ("papi", "sapi")}
_MODE_OF = ("margin", "usdm", "coinm")
"""Products that are reached by another host once portfolio margin is on."""


@dataclass(frozen=True, kw_only=True)
class BinanceOptions:
    """What a Binance profile can say. With no selector: everything."""

    product: Annotated[tuple[Product, ...], Opt(help="Only this product; pm: portfolio margin.", selector=True)] = ()
    symbol: Annotated[tuple[str, ...], selector(help="Only this symbol.", metavar="SYMBOL", example="BTCUSDT")] = ()
    recv_window: Annotated[
        int, Opt(help="How long a signed request stays valid, in ms.", metavar="MS", minimum=1000, maximum=59999)
    ] = 5000

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbol", tuple(symbol.upper() for symbol in self.symbol))
        for symbol in self.symbol:
            if not symbol.isprintable() or set(symbol) & set(" &=?#%/\"'"):
                raise OptionError(f"{symbol!r} is no symbol of Binance")
            fitting = [one for one in PRODUCTS if can_hold(one, symbol)]
            if self.product and not set(fitting) & set(self.product):
                raise OptionError(
                    f"--product {' '.join(self.product)} cannot hold --symbol {symbol}",
                    f"by its name it is of {', '.join(fitting)}",
                )


@dataclass(frozen=True, kw_only=True)
class BinanceSecrets:
    """An API key that may trade. A secret that is a PEM private key makes it an Ed25519 or an RSA key."""

    api_key: Annotated[Secret, Sec(help="API key.")] = field(repr=False)
    api_secret: Annotated[
        Secret, Sec(help="API secret, or the PEM private key of an Ed25519 or RSA key.", form="token or pem")
    ] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class BinanceFacts:
    """What the reads of a run have shown of the account, and what an earlier run had seen."""

    mode: Literal["", "classic", "pm"] = ""
    """Whether portfolio margin is on; empty while that is not known."""
    lacks: frozenset[str] = frozenset()
    """Wallets that the account was never opened for, in the venue's words."""
    pairs: tuple[str, ...] = ()
    """Pairs that have an isolated margin account."""
    remembered: tuple[tuple[str, tuple[str, ...]], ...] = ()


def can_hold(product: str, symbol: str) -> bool:
    """Whether a symbol of this shape can be of it: BTCUSDT, BTCUSDT_261225, BTCUSD_PERP, BTC-261225-90000-C."""
    if re.fullmatch(r".+-\d{6}-[\d.]+-[CP]", symbol):
        return product == "option"
    if re.fullmatch(r".+USD_(PERP|\d{6})", symbol):
        return product in ("coinm", "pm")
    if "_" in symbol:
        return product in ("usdm", "pm") or (product == "coinm" and not re.search(r"USD[TC]_", symbol))
    return product in ("spot", "margin", "isolated", "usdm", "pm")


def selected(options: BinanceOptions, environment: str) -> tuple[Product, ...]:
    """The products that the selectors leave, of those that the environment has."""
    chosen = options.product or PRODUCTS
    return tuple(
        one
        for one in _SERVED[environment]
        if one in chosen and (not options.symbol or any(can_hold(one, symbol) for symbol in options.symbol))
    )


def symbols_of(product: str, options: BinanceOptions) -> tuple[str, ...]:
    """The selected symbols that go to a product."""
    return tuple(symbol for symbol in options.symbol if can_hold(product, symbol))


def asks_for_mode(options: BinanceOptions, environment: str) -> bool:
    """Whether the scope has products that an account may hold in another place, or not at all."""
    return environment == "live" and bool({*selected(options, environment)} - {"spot", "pm"})


def uses(options: BinanceOptions, environment: str) -> tuple[str, ...]:
    """The hosts of a scope."""
    chosen = selected(options, environment)
    names = [name for product in chosen for name in _USES[product]]
    if set(chosen) & set(_MODE_OF):
        names += ["papi", "sapi"]
    known = ("", *FURTHER[environment])
    return tuple(dict.fromkeys(name for name in names if name in known)) or ("",)


SCHEMA = Schema(hosts=HOSTS, options=BinanceOptions, secrets=BinanceSecrets, further=FURTHER, uses=uses)
