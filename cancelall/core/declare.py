"""Declare an option or a secret once; flags, environment names, config keys, docs and redaction follow from it.

A venue module holds two frozen dataclasses, `Options` and `Secrets`, whose fields are annotated with `Opt` and
`Sec`. Nothing here knows Typer, TOML or a venue.
"""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from cancelall.core.dataclass import dataclass, fields
from cancelall.core.errors import OptionError

Form = Literal["token", "pem", "token or pem", "base58", "base58 or json"]
"""What a secret looks like: printable ASCII without spaces, a PEM block, base58 text or a JSON array of numbers."""
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_LARGEST = 10**300
"""A larger whole number has no floating-point number that is near it."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Opt:
    """An option of a profile. `help` starts with one sentence that can stand alone."""

    help: str
    metavar: str = ""
    selector: bool = False
    """Narrows a profile to a part of the account."""
    defaults: bool = False
    """Makes sense for every profile: a key of `[defaults]`, too."""
    minimum: float | None = None
    maximum: float | None = None
    text: Literal["word", "free", "command"] = "word"
    """`word`: a name that goes into a request: letters and digits of any script, and the few signs that names have.
    `command`: the words of one, which a variable and a flag have in one text that is split as a shell does."""
    example: str = ""
    commands: tuple[str, ...] = ()
    """Those whose lines take it, where it is not a venue's own: `VENUE` stands for each of those of venues."""
    short: str = ""
    """Its flag of one letter."""
    on_line: str = ""
    """What the help of its flag says, where that is not what is said of the key."""
    may_be_empty: bool = False
    """An empty value on the line is meant."""
    completes: Literal["", "profiles", "environments", "faults", "files"] = ""
    """What a shell offers for its value."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Sec:
    """A secret of a profile. It is never an option."""

    help: str
    form: Form = "token"
    optional: bool = False
    chosen: bool = False
    """Somebody made it up, so it may look like anything: like a placeholder, or like a variable."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Declared:
    """One field of a declaration, with its type taken apart."""

    key: str
    opt: Opt
    base: type
    choices: tuple[str, ...]
    repeatable: bool
    optional: bool
    default: object
    flags: tuple[str, ...]
    """The command-line spellings, the long one first."""

    @property
    def flag(self) -> str:
        """The long spelling."""
        return self.flags[0]

    @property
    def on_line(self) -> str:
        """What the help of its flag says."""
        return (self.opt.on_line or self.opt.help) + (" Repeatable." if self.repeatable else "")

    @property
    def type_words(self) -> str:
        """What a value must be, in words for an error message."""
        if self.choices:
            one = "one of " + ", ".join(self.choices)
        else:
            one = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}[self.base]
        return f"a list; each {one}" if self.repeatable else one


def _declared(declaration: Any) -> tuple[Declared, ...]:  # a dataclass
    hints = get_type_hints(declaration, include_extras=True)
    items = []
    for field in fields(declaration):
        if get_origin(hints[field.name]) is not Annotated:
            continue
        hint, *marks = get_args(hints[field.name])
        opt = next(mark for mark in marks if isinstance(mark, Opt))
        repeatable = get_origin(hint) is tuple
        inner = get_args(hint)[0] if repeatable else hint
        optional = get_origin(inner) in (Union, types.UnionType)
        if optional:
            inner = next(part for part in get_args(inner) if part is not type(None))
        choices = get_args(inner) if get_origin(inner) is Literal else ()
        default = field.default if field.default is not MISSING else None
        items.append(
            Declared(
                key=field.name,
                opt=opt,
                base=str if choices else inner,
                choices=choices,
                repeatable=repeatable,
                optional=optional,
                default=default,
                flags=("--" + field.name.replace("_", "-"), *([opt.short] if opt.short else ())),
            )
        )
    return tuple(items)


declared: Callable[[type], tuple[Declared, ...]] = functools.cache(_declared)
"""Every option of a declaration, in the order in which it is written; fields without an `Opt` are none."""


def _secrets_of(declaration: Any) -> Mapping[str, Sec]:  # a dataclass
    hints = get_type_hints(declaration, include_extras=True)
    secrets = {}
    for field in fields(declaration):
        hint = hints[field.name]
        marks = get_args(hint) if get_origin(hint) is Annotated else ()
        secrets[field.name] = next(mark for mark in marks if isinstance(mark, Sec))
    return types.MappingProxyType(secrets)


secrets_of: Callable[[type], Mapping[str, Sec]] = functools.cache(_secrets_of)
"""Every secret of a declaration by its field name."""


def required(declaration: type) -> list[str]:
    """The secrets without which nothing works."""
    return [name for name, sec in secrets_of(declaration).items() if not sec.optional]


def selectors(declaration: type) -> frozenset[str]:
    """The keys that narrow a profile to a part of the account."""
    return frozenset(item.key for item in declared(declaration) if item.opt.selector)


AGE_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
"""Seconds of the units in which an age is written."""


def nearest(word: str, valid: Iterable[str]) -> str:
    """The valid word that was probably meant, as ` (did you mean …?)`, or nothing."""
    import difflib

    by_fold = {known.casefold().replace("-", "_"): known for known in valid}
    close = difflib.get_close_matches(word.casefold().replace("-", "_"), by_fold, n=1, cutoff=0.6)
    return f' (did you mean "{by_fold[close[0]]}"?)' if close else ""


def from_value(item: Declared, value: object) -> object:
    """A typed value (TOML, Typer) as declared. Raises OptionError for another type, or one out of range."""
    if item.repeatable:
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list | tuple):
            raise OptionError(f"must be {item.type_words}")
        values = [_single(item, one) for one in value]
        return tuple(dict.fromkeys(values) if item.opt.selector else values)
    return _single(item, value)


def from_text(item: Declared, text: str) -> object:
    """A value from an environment variable. Lists are separated by commas; an empty one is no list.

    Raises OptionError when the text does not spell a value of the declared type.
    """
    if item.opt.text == "command":
        import shlex

        try:
            return from_value(item, shlex.split(text))
        except ValueError:
            raise OptionError("is not a command line") from None
    if item.repeatable:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return from_value(item, parts or [""])
    if item.base is bool:
        value = text.strip().lower()
        if value not in _TRUE + _FALSE:
            raise OptionError("must be true or false")
        return value in _TRUE
    if item.base in (int, float):
        try:
            return from_value(item, item.base(text.strip()))
        except ValueError:
            raise OptionError(f"must be {item.type_words}") from None
    return from_value(item, text.strip())


def _single(item: Declared, value: object) -> object:
    if item.base is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < _LARGEST else math.inf
    if not isinstance(value, item.base) or (item.base is not bool and isinstance(value, bool)):
        raise OptionError(f"must be {item.type_words}")
    if item.choices and value not in item.choices:
        raise OptionError(f"must be one of {', '.join(item.choices)}{nearest(str(value), item.choices)}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = item.opt.minimum, item.opt.maximum
        finite = isinstance(value, int) or math.isfinite(value)
        if not finite or (low is not None and value < low) or (high is not None and value > high):
            raise OptionError(f"must be {_range_words(low, high)}")
    if isinstance(value, str):
        _check_text(item, value)
    return value


def _range_words(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"from {low:g} to {high:g}"
    if low is None and high is None:
        return "a finite number"
    return f"at least {low:g}" if low is not None else f"at most {high:g}"


def _check_text(item: Declared, value: str) -> None:
    if not value or value != value.strip():
        raise OptionError("must not be empty or have spaces around it")
    if not all(letter.isprintable() for letter in value):
        raise OptionError("must not hold control characters")
    if item.opt.text != "word":
        return
    if not all(_is_of_a_name(letter) for letter in value):
        raise OptionError(
            "may hold letters and digits of any script and _ - . / : @ only: no spaces, quotes or percent signs"
        )
    if value.startswith("-"):
        raise OptionError("must not begin with a dash: that is an option")


_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
"""Characters that Unicode calls letters or marks, and that no reader can see."""


def _is_of_a_name(letter: str) -> bool:
    """Whether a venue's name can hold it: a letter or digit of any script, a mark that belongs to one, or a sign."""
    if letter.isascii():
        return letter.isalnum() or letter in "_-./:@"
    if letter in _UNSEEN:
        return False
    if letter.isalnum():
        return True
    import unicodedata  # for scripts whose vowels are marks; most names need none of it

    return unicodedata.category(letter) in ("Mn", "Mc") and "VARIATION SELECTOR" not in unicodedata.name(letter, "")
