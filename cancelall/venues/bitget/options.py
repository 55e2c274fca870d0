"""Bitget: what a profile can say: hosts, options, secrets."""

import re
from typing import Annotated, Literal

from cancelall.core.dataclass import dataclass, field
from cancelall.core.declare import Opt, Sec
from cancelall.core.errors import OptionError
from cancelall.core.secret import Secret
from cancelall.venues.bitget.hosts import HOSTS
from cancelall.venues.registry import Schema, selector

Product = Literal["USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES", "SPOT"]
FUTURES = ("USDT-FUTURES", "COIN-FUTURES", "USDC-FUTURES")
_MARGIN = "Only futures orders with this margin coin. In a unified account: settled in it."


@dataclass(frozen=True, kw_only=True)
class BitgetOptions:
    """What a Bitget profile can say. With no selector: everything."""

    product_type: Annotated[tuple[Product, ...], Opt(help="Only this product type.", selector=True)] = ()
    margin_coin: Annotated[str | None, selector(help=_MARGIN, metavar="COIN", example="USDT")] = None
    symbol: Annotated[tuple[str, ...], selector(help="Only this symbol.", metavar="SYMBOL", example="BTCUSDT")] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbol", tuple(symbol.upper() for symbol in self.symbol))
        object.__setattr__(self, "margin_coin", self.margin_coin and self.margin_coin.upper())
        for word in (*self.symbol, self.margin_coin or "X"):
            if not word or not all(_fits_a_name(letter) for letter in word):
                raise OptionError(f"{word} is no name of Bitget: letters, digits, _ and - only")
        if self.margin_coin and "SPOT" in self.product_type:
            raise OptionError("--margin-coin does not narrow SPOT: spot orders have none")
        for product in FUTURES if self.margin_coin else ():
            if product in self.product_type and not _takes(product, self.margin_coin or ""):
                raise OptionError(f"{product} has no margin coin {self.margin_coin}")
        if not selected(self):
            raise OptionError(
                "these selectors leave nothing that Bitget could cancel", "drop one of them, or use --everything"
            )


@dataclass(frozen=True, kw_only=True)
class BitgetSecrets:
    """An API key with the right to trade. A secret that is a PEM private key makes it an RSA key."""

    api_key: Annotated[Secret, Sec(help="API key.")] = field(repr=False)
    api_secret: Annotated[
        Secret, Sec(help="API secret, or the PEM private key of an RSA key.", form="token or pem")
    ] = field(repr=False)
    passphrase: Annotated[Secret, Sec(help="Passphrase chosen when the key was made.", chosen=True)] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class BitgetFacts:
    """The account's mode as far as it is known, and what the two APIs have shown of it."""

    mode: Literal["", "classic", "unified", "hybrid"] = ""
    closed: frozenset[str] = frozenset()
    """Which of them have refused the account for its mode."""
    served: bool = False
    """The classic one has served it, whatever anybody says."""


def _fits_a_name(letter: str) -> bool:
    """Whether a symbol can hold this character: of other scripts any letter, sign or digit."""
    if letter.isascii():
        return letter.isalnum() or letter in "_-"
    return letter.isprintable() and not letter.isspace()


def _takes(product: str, coin: str) -> bool:
    """Whether contracts of a product can have this margin coin. Coin-margined ones take many, and never USDT."""
    if product == "COIN-FUTURES":
        return coin != "USDT"
    return {"USDT-FUTURES": "USDT", "USDC-FUTURES": "USDC"}[product] == coin


def _holds(product: str, symbol: str) -> bool:
    """Whether a symbol of this shape can exist in the product: BTCUSDT, BTCUSD, BTCUSDM26, BTCPERP."""
    if symbol.endswith("PERP"):
        return product == "USDC-FUTURES"
    if re.fullmatch(r".+USD([HMUZ]\d{2})?", symbol):
        return product in ("COIN-FUTURES", "SPOT", "MARGIN")
    return product in ("SPOT", "MARGIN") or (product == "USDT-FUTURES" and "USDT" in symbol)


def selected(options: BitgetOptions) -> dict[str, tuple[str, ...]]:
    """The products that the selectors leave, each with the symbols that it is narrowed to."""
    chosen = {}
    for product in (*FUTURES, "SPOT", "MARGIN"):
        if options.product_type and product not in options.product_type:
            continue
        symbols = tuple(one for one in options.symbol if options.product_type or _holds(product, one))
        if options.symbol and not symbols:
            continue
        if options.margin_coin and not options.product_type:
            # A stable coin means its own contracts; coin-margined ones could take USDC too, which `not_covered` says.
            own = {"USDT": "USDT-FUTURES", "USDC": "USDC-FUTURES"}.get(options.margin_coin, "COIN-FUTURES")
            if product != own:
                continue
        chosen[product] = symbols
    return chosen


SCHEMA = Schema(hosts=HOSTS, options=BitgetOptions, secrets=BitgetSecrets)
