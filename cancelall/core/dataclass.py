"""`dataclass` as the standard library has it, but its methods are there already.

`dataclasses` writes up to six functions for each class as text, and compiles them: half a millisecond. A kill has some
eighty classes before its first cancel, and that was a third of its start. What the six do can be said of all classes at
once. To a type checker it is the standard library's own; what else there is of dataclasses is.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field, fields, replace
from operator import attrgetter
from reprlib import recursive_repr

TYPE_CHECKING = False
"""Not `typing`'s, which takes longer to import than all of this."""
if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass
    from typing import Any, NoReturn
else:

    def dataclass(cls=None, /, *, frozen=False, kw_only=False, eq=True, repr=True):
        """As `dataclasses.dataclass`, with those of its parameters that somebody here needs."""

        def made(cls):
            return _made(cls, frozen=frozen, kw_only=kw_only, eq=eq, shown=repr)

        return made if cls is None else made(cls)


def _made(cls: type[Any], *, frozen: bool, kw_only: bool, eq: bool, shown: bool) -> type[Any]:
    """The class with its methods. Those that it has itself stay."""
    dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(cls)
    methods: dict[str, object] = {"__init__": _init_of(cls)}
    if shown:
        methods["__repr__"] = _repr
    if eq:
        methods |= _comparing(cls, frozen=frozen)
    if frozen:
        methods |= {"__setattr__": _setattr, "__delattr__": _delattr}
    for name, method in methods.items():
        if cls.__dict__.get(name) is None:  # a class that has `__eq__` has None for `__hash__`
            setattr(cls, name, method)
    return cls


def _init_of(cls: type[Any]) -> Callable[..., None]:
    its = fields(cls)
    names = {one.name: None for one in its}
    in_order = [one.name for one in its if not one.kw_only]
    defaults = {one.name: one.default for one in its if one.default is not dataclasses.MISSING}
    factories = [(one.name, one.default_factory) for one in its if one.default_factory is not dataclasses.MISSING]
    put, looks = object.__setattr__, hasattr(cls, "__post_init__")

    def __init__(self: Any, /, *values: object, **given: object) -> None:
        if values:
            given = _together(cls, in_order, values, given)
        known = {**defaults, **given}
        for name, make in factories:
            if name not in given:
                known[name] = make()
        if known.keys() != names.keys():
            raise TypeError(f"{cls.__name__}: missing or unknown: {sorted(known.keys() ^ names.keys())}")
        for name in names:
            put(self, name, known[name])
        if looks:
            self.__post_init__()

    return __init__


def _together(
    cls: type[Any], in_order: list[str], values: tuple[object, ...], given: dict[str, object]
) -> dict[str, object]:
    """Values in order and values by name. Raises TypeError where they are too many, or one is given twice."""
    named = dict(zip(in_order, values, strict=False))
    if len(named) < len(values) or named.keys() & given.keys():
        raise TypeError(f"{cls.__name__}: more values than fields, or one given twice")
    return named | given


def _comparing(cls: type[Any], *, frozen: bool) -> dict[str, object]:
    names = [one.name for one in fields(cls) if one.compare]
    values: Callable[[Any], object] = (
        attrgetter(*names) if len(names) > 1 else lambda one: tuple(getattr(one, name) for name in names)
    )

    def __eq__(self: Any, other: object) -> Any:  # a bool or NotImplemented
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(values(self))

    return {"__eq__": __eq__, "__hash__": __hash__ if frozen else None}


@recursive_repr()
def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _setattr(self: object, name: str, value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


__all__ = ["dataclass", "field", "fields", "replace"]
