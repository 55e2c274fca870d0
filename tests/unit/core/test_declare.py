"""Declarations: what flags, types, choices and ranges follow from them, and what each value is refused for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.config import loader
from cancelall.core import declare
from cancelall.core.declare import Declared, Opt, Sec
from cancelall.core.errors import OptionError
from cancelall.core.secret import Secret
from cancelall.venues.registry import VENUES, schema


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One option of each sort."""

    symbol: Annotated[tuple[str, ...], Opt(help="Only this symbol.", metavar="SYMBOL", selector=True)] = ()
    kind: Annotated[tuple[Literal["limit", "stop_loss"], ...], Opt(help="Only this kind.", selector=True)] = ()
    words: Annotated[tuple[str, ...], Opt(help="A command.", text="free")] = ()
    side: Annotated[Literal["buy", "sell"] | None, Opt(help="Only this side.", selector=True)] = None
    recv_window: Annotated[int, Opt(help="In ms.", metavar="MS", minimum=1000, maximum=60000)] = 10000
    deadline: Annotated[float | None, Opt(help="In s.", minimum=0.5)] = None
    share: Annotated[float | None, Opt(help="A share.", maximum=1)] = None
    offset: Annotated[float | None, Opt(help="Anything.")] = None
    keep: Annotated[bool | None, Opt(help="Keep them.")] = None
    name: Annotated[str | None, Opt(help="A name.")] = None
    url: Annotated[str | None, Opt(help="A URL.", text="free")] = None


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Two secrets."""

    api_key: Annotated[Secret, Sec(help="The key.")]
    pem: Annotated[Secret | None, Sec(help="A PEM block.", form="pem", optional=True)] = None


ITEMS = {item.key: item for item in declare.declared(Sample)}


# --- what is declared -----------------------------------------------------------------------------------------------


def test_the_order_is_that_of_the_declaration() -> None:
    assert [item.key for item in declare.declared(Sample)] == [
        *("symbol", "kind", "words", "side", "recv_window", "deadline", "share", "offset", "keep", "name", "url")
    ]


@pytest.mark.parametrize(
    ("key", "base", "choices", "repeatable", "optional", "default", "words"),
    [
        ("symbol", str, (), True, False, (), "a list; each text"),
        ("kind", str, ("limit", "stop_loss"), True, False, (), "a list; each one of limit, stop_loss"),
        ("side", str, ("buy", "sell"), False, True, None, "one of buy, sell"),
        ("recv_window", int, (), False, False, 10000, "a whole number"),
        ("deadline", float, (), False, True, None, "a number"),
        ("keep", bool, (), False, True, None, "true or false"),
        ("name", str, (), False, True, None, "text"),
    ],
)
def test_an_option_is_taken_apart(
    key: str, base: type, choices: tuple[str, ...], repeatable: bool, optional: bool, default: object, words: str
) -> None:
    item = ITEMS[key]
    assert (item.flag, item.base, item.choices) == (f"--{key.replace('_', '-')}", base, choices)
    assert (item.repeatable, item.optional, item.default) == (repeatable, optional, default)
    assert item.type_words == words


def test_selectors_are_the_marked_ones() -> None:
    assert declare.selectors(Sample) == {"symbol", "kind", "side"}


def test_secrets_keep_their_form() -> None:
    found = declare.secrets_of(Keys)
    assert list(found) == ["api_key", "pem"]
    assert (found["api_key"].form, found["api_key"].optional) == ("token", False)
    assert (found["pem"].form, found["pem"].optional) == ("pem", True)


def test_a_declaration_is_read_once_and_cannot_be_changed() -> None:
    assert declare.declared(Sample) is declare.declared(Sample)
    with pytest.raises(TypeError):
        declare.secrets_of(Keys)["api_key"] = Sec(help="another")  # type: ignore[index]


NO_NAME = "may hold letters and digits of any script and _ - . / : @ only: no spaces, quotes or percent signs"

# --- typed values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("symbol", ["BTCUSDT", "ETHUSDT"], ("BTCUSDT", "ETHUSDT")),
        ("symbol", ("BTCUSDT",), ("BTCUSDT",)),
        ("symbol", "BTCUSDT", ("BTCUSDT",)),
        ("symbol", ["B", "A", "B"], ("B", "A")),
        ("symbol", [], ()),
        ("symbol", ["BTC-27DEC24-100000-C-USDT", "BTC/USDT"], ("BTC-27DEC24-100000-C-USDT", "BTC/USDT")),
        ("symbol", ["a_b.c:d@e"], ("a_b.c:d@e",)),
        (
            "symbol",
            ["币安人生USDT", "हिन्दीUSDT", "ไทย", "٣", "BTCUSDТ"],
            ("币安人生USDT", "हिन्दीUSDT", "ไทย", "٣", "BTCUSDТ"),
        ),
        ("kind", ["stop_loss", "limit"], ("stop_loss", "limit")),
        ("words", ["curl", "-H", "A: 1", "-H", "B: 2"], ("curl", "-H", "A: 1", "-H", "B: 2")),
        ("side", "buy", "buy"),
        ("recv_window", 1000, 1000),
        ("recv_window", 60000, 60000),
        ("deadline", 0.5, 0.5),
        ("deadline", 30, 30.0),
        ("share", -5, -5.0),
        ("offset", -0.0, -0.0),
        ("keep", False, False),
        ("url", "https://user@host:1/a b?c=“d”", "https://user@host:1/a b?c=“d”"),
    ],
)
def test_a_value_is_taken(key: str, value: object, expected: object) -> None:
    found = declare.from_value(ITEMS[key], value)
    assert found == expected
    assert type(found) is type(expected)


EMPTY, CONTROL = "must not be empty or have spaces around it", "must not hold control characters"
SIDE, WINDOW, WHOLE = "must be one of buy, sell", "must be from 1000 to 60000", "must be a whole number"
TEXTS = "must be a list; each text"
SYMBOLS: dict[str, list[object]] = {
    TEXTS: [7, {"a": 1}, [7], [["A"]]],
    EMPTY: [[""], [" BTCUSDT"]],
    NO_NAME: [
        *(["BTC USDT"], ["BTC%20USDT"], ["“BTCUSDT”"], ["'BTCUSDT'"], ["BTC，ETH"], ["BTC\ufe0f"], ["BTC?x=1"]),
        ["\u3164"],  # a letter that is not seen
    ],
    CONTROL: [["BTC\u200bUSDT"], ["BTC\u3000USDT"], ["BTC\u202eTDSU"]],
    "must not begin with a dash: that is an option": [["--json"]],
}


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        *(("symbol", value, problem) for problem, several in SYMBOLS.items() for value in several),
        ("kind", ["limit", "stoploss"], 'must be one of limit, stop_loss (did you mean "stop_loss"?)'),
        ("side", "Buy", f'{SIDE} (did you mean "buy"?)'),
        *(("side", value, SIDE) for value in ("xyzzy", 1, None)),
        *(("recv_window", value, WINDOW) for value in (999, 60001)),
        pytest.param("recv_window", 10**400, WINDOW, id="401 digits"),
        *(("recv_window", value, WHOLE) for value in (5000.0, "5000", True)),
        *(("deadline", value, "must be at least 0.5") for value in (0.4, float("nan"), float("inf"))),
        pytest.param("deadline", 10**400, "must be at least 0.5", id="401 digits as seconds"),
        *(("deadline", value, "must be a number") for value in (True, "30")),
        *(("share", value, "must be at most 1") for value in (1.1, float("-inf"))),
        ("offset", float("nan"), "must be a finite number"),
        pytest.param("offset", -(10**400), "must be a finite number", id="minus 401 digits"),
        *(("keep", value, "must be true or false") for value in (1, "true")),
        *(("name", "", EMPTY), ("name", "a\nb", CONTROL)),
        *(("url", value, CONTROL) for value in ("a\x1b]8;;b", "a\udcff")),
        *(("url", "", EMPTY), ("url", 5, "must be text")),
    ],
)
def test_a_value_is_refused_in_words(key: str, value: object, problem: str) -> None:
    with pytest.raises(OptionError) as caught:
        declare.from_value(ITEMS[key], value)
    assert caught.value.message == problem


# --- text from the environment --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("symbol", "BTCUSDT", ("BTCUSDT",)),
        ("symbol", " BTCUSDT , ETHUSDT ,,BTCUSDT", ("BTCUSDT", "ETHUSDT")),
        ("kind", "limit,stop_loss", ("limit", "stop_loss")),
        ("side", " sell ", "sell"),
        ("recv_window", " 5000 ", 5000),
        ("deadline", "30", 30.0),
        ("deadline", "1e3", 1000.0),
        *(("keep", text, True) for text in ("1", "TRUE", "Yes", " on ")),
        *(("keep", text, False) for text in ("0", "false", "no", "off")),
        ("url", " https://host ", "https://host"),
    ],
)
def test_text_is_taken(key: str, text: str, expected: object) -> None:
    found = declare.from_text(ITEMS[key], text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        *(("symbol", text, EMPTY) for text in (",", "  ")),
        ("symbol", "BTC USDT", NO_NAME),
        ("kind", "limit;stop", 'must be one of limit, stop_loss (did you mean "limit"?)'),
        ("side", "Sell", f'{SIDE} (did you mean "sell"?)'),
        *(("recv_window", text, WHOLE) for text in ("5000.0", "0x10")),
        pytest.param("recv_window", "9" * 5000, WHOLE, id="5000 digits"),
        ("recv_window", "1", WINDOW),
        ("deadline", "soon", "must be a number"),
        *(("deadline", text, "must be at least 0.5") for text in ("nan", "1e999")),
        *(("keep", text, "must be true or false") for text in ("2", "ja")),
        *(("name", " ", EMPTY), ("name", "a b", NO_NAME)),
    ],
)
def test_text_is_refused_in_words(key: str, text: str, problem: str) -> None:
    with pytest.raises(OptionError) as caught:
        declare.from_text(ITEMS[key], text)
    assert caught.value.message == problem


REAL = [*declare.declared(loader.Common), *(item for name in VENUES for item in declare.declared(schema(name).options))]


_ANYTHING: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(10**400) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)


def _taken_or_refused(item: Declared, take: Callable[[], object]) -> None:
    refusal = ""
    found: object = None
    try:
        found = take()
    except OptionError as error:
        refusal = error.message
    if refusal:
        assert refusal.startswith(("must ", "may hold "))
    else:
        assert declare.from_value(item, found) == found


@settings(deadline=None)
@given(item=st.sampled_from([*ITEMS.values(), *REAL]), value=_ANYTHING)
def test_any_value_is_taken_or_refused(item: Declared, value: object) -> None:
    _taken_or_refused(item, lambda: declare.from_value(item, value))


@settings(deadline=None)
@given(
    item=st.sampled_from([*ITEMS.values(), *REAL]), text=st.text() | st.from_regex(r"[-+]?[0-9.]{1,9}(e[0-9]{1,4})?")
)
def test_any_text_is_taken_or_refused(item: Declared, text: str) -> None:
    _taken_or_refused(item, lambda: declare.from_text(item, text))


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("settle_con", ' (did you mean "settle_coin"?)'),
        ("settle-coin", ' (did you mean "settle_coin"?)'),
        ("SETTLECOIN", ' (did you mean "settle_coin"?)'),
        ("usdt-futurs", ' (did you mean "USDT-FUTURES"?)'),
        ("xyzzy", ""),
        ("", ""),
    ],
)
def test_the_nearest_word(word: str, expected: str) -> None:
    assert declare.nearest(word, ("symbol", "settle_coin", "USDT-FUTURES")) == expected


def test_rules_across_fields_are_the_declarations_own() -> None:
    bybit = schema("bybit").options
    assert bybit(settle_coin="usdt").settle_coin == "USDT"
    with pytest.raises(OptionError, match="--symbol and --base-coin cannot be combined"):
        bybit(symbol=("BTCUSDT",), base_coin="BTC")


# --- what the real declarations must hold ---------------------------------------------------------------------------


@pytest.mark.parametrize("item", REAL, ids=lambda item: item.key)
def test_every_option_explains_itself_in_a_sentence(item: Declared) -> None:
    assert item.opt.help[0].isupper()
    assert "." in item.opt.help
    assert item.base not in (int, float) or item.opt.minimum is not None
    assert item.default is None or declare.from_value(item, item.default) == item.default


@pytest.mark.parametrize("name", VENUES)
def test_options_secrets_and_common_keys_do_not_collide(name: str) -> None:
    accepts = schema(name)
    secrets = list(declare.secrets_of(accepts.secrets))
    keys = [item.key for item in declare.declared(accepts.options)] + secrets
    keys += [item.key for item in declare.declared(loader.Common)] + ["venue", "secret_command", "credentials"]
    if "client_id" in secrets:  # a list under this name selects, a text is the secret
        keys.remove("client_id")
    assert len(keys) == len(set(keys))
    assert declare.selectors(accepts.options)
