"""A dataclass of the house against the standard library's: the same declaration, the same behaviour."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import KW_ONLY, FrozenInstanceError, field
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core import dataclass as module

T = TypeVar("T")
FLAGS = [
    {},
    {"frozen": True},
    {"kw_only": True},
    {"frozen": True, "kw_only": True},
    {"frozen": True, "kw_only": True, "repr": False},
    {"frozen": True, "kw_only": True, "eq": False, "repr": False},
]
MINE: Callable[..., Any] = module.dataclass
STANDARD: Callable[..., Any] = dataclasses.dataclass


def made(decorate: Callable[..., Any], **flags: bool) -> tuple[Any, Any]:
    """A class with every kind of field, and one that derives from it."""

    @decorate(**flags)
    class Base(Generic[T]):
        """Subject, verb, object."""

        first: T
        second: int
        third: str = "3"
        known: ClassVar[int] = 7
        hidden: str = field(default="h", repr=False)
        apart: int = field(default=0, compare=False)
        row: list[int] = field(default_factory=list)

        @cached_property
        def twice(self) -> int:
            return self.second * 2

    @decorate(**flags)
    class Further(Base[T]):
        """One field more, and a default of its own."""

        third: str = "33"
        _: KW_ONLY
        name: str = "x"

        def __post_init__(self) -> None:
            object.__setattr__(self, "name", self.name.upper())

    return Base, Further


def outcome(work: Callable[[], object]) -> object:
    """What a call gives, or the class of what it raises."""
    try:
        return work()
    except Exception as fault:
        return type(fault)


values = st.none() | st.integers(0, 2) | st.lists(st.integers(0, 2), max_size=2)
by_name = st.dictionaries(st.sampled_from("first second third hidden apart row name self other".split()), values)


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize("which", [0, 1])
@given(st.lists(values, max_size=7), by_name, by_name)
def test_it_behaves_as_the_standard_library_has_it(
    flags: dict[str, bool], which: int, in_order: list[Any], names: dict[str, Any], others: dict[str, Any]
) -> None:
    def facts(decorate: Callable[..., Any]) -> list[object]:
        cls = made(decorate, **flags)[which]
        one, other = outcome(lambda: cls(*in_order, **names)), outcome(lambda: cls(1, 2, **others))
        if isinstance(one, type):
            return [one]
        changed = outcome(lambda: dataclasses.replace(one, **others))
        return [
            repr(one) if flags.get("repr", True) else "",
            vars(one),
            list(vars(one)),
            dataclasses.asdict(one),
            dataclasses.astuple(one),
            vars(copy.copy(one)),
            one.twice if isinstance(one.second, int) else None,
            outcome(lambda: one == other),
            outcome(lambda: one == cls(*in_order, **names)),
            outcome(lambda: one != changed),
            one == vars(one),
            outcome(lambda: hash(one)) if flags.get("eq", True) else 0,
            isinstance(changed, type) or vars(changed),
            changed if isinstance(changed, type) else None,
        ]

    assert facts(MINE) == facts(STANDARD)


@pytest.mark.parametrize("flags", FLAGS)
def test_it_declares_as_the_standard_library_has_it(flags: dict[str, bool]) -> None:
    for mine, standard in zip(made(MINE, **flags), made(STANDARD, **flags), strict=True):
        assert [str(one) for one in dataclasses.fields(mine)] == [str(one) for one in dataclasses.fields(standard)]
        assert mine.__match_args__ == standard.__match_args__
        assert mine.__doc__ == standard.__doc__
        assert (mine.__hash__ is None) is (standard.__hash__ is None)
        assert mine.third == standard.third


def test_what_is_frozen_stays_as_it_is() -> None:
    base, _ = made(MINE, frozen=True)
    one = base(1, 2)
    for work in (lambda: setattr(one, "first", 2), lambda: setattr(one, "new", 2), lambda: delattr(one, "first")):
        with pytest.raises(FrozenInstanceError):
            work()
    assert (one.first, one.second) == (1, 2)
    free, _ = made(MINE)
    other = free(1, 2)
    other.first = 5
    assert other == free(5, 2)


def test_each_instance_has_a_list_of_its_own() -> None:
    base, _ = made(MINE)
    one, other = base(1, 2), base(1, 2)
    one.row.append(1)
    assert other.row == []


@module.dataclass(frozen=True)
class OfAModule:
    """Where pickle looks for it."""

    one: int = 1
    it: object = field(default=None, compare=False)


def test_it_can_be_pickled_and_may_hold_itself() -> None:
    assert pickle.loads(pickle.dumps(OfAModule(2))) == OfAModule(2)  # noqa: S301 - our own
    loop = OfAModule(3)
    object.__setattr__(loop, "it", loop)
    assert repr(loop) == "OfAModule(one=3, it=...)"


def test_methods_of_its_own_stay() -> None:
    @module.dataclass(frozen=True)
    class Own:
        """All that can be its own."""

        one: int = 1

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Own)

    assert (repr(Own()), Own(1) == Own(2), hash(Own(1)) == hash(Own(1))) == ("own", True, True)


def test_without_parentheses() -> None:
    @module.dataclass
    class Bare:
        """No flags."""

        one: int = 1

    assert Bare(2) == Bare(one=2)


def test_no_method_is_compiled_for_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def note(text: str, *words: Any) -> None:
        compiled.append(text)
        exec(text, *words)  # noqa: S102 - as the standard library does

    monkeypatch.setattr(dataclasses, "exec", note, raising=False)
    assert made(MINE, frozen=True)[0](1, 2).second == 2
    assert not [text for text in compiled if "def __init__" in text or "def __eq__" in text]
    made(STANDARD, frozen=True)
    assert [text for text in compiled if "def __init__" in text]
