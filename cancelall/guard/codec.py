"""What goes between a guard and its commands: frozen dataclasses as JSON, and back.

The reader is strict in types and lenient in names: of another version's fields those that are unknown are left out, and
those that lack have their defaults.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """A value as JSON has it. Raises TypeError for one that cannot be written."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: to_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_json(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [to_json(one) for one in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def from_json(kind: type[T], value: Any) -> T:
    """A dataclass from what `to_json` made of one. Raises ValueError for anything else."""
    if not isinstance(value, dict):
        raise ValueError(f"{kind.__name__} must be an object")
    made: dict[str, Any] = {}
    for name, hint, needed in _fields_of(kind):
        if name in value:
            made[name] = _read(hint, value[name], name)
        elif needed:
            raise ValueError(f"{name} is missing")
    return kind(**made)


def _fields(kind: Any) -> tuple[tuple[str, Any, bool], ...]:
    """Each field of a dataclass: its name, its type, and whether it has no default."""
    hints = get_type_hints(kind)
    return tuple(
        (one.name, hints[one.name], one.default is MISSING and one.default_factory is MISSING) for one in fields(kind)
    )


_fields_of: Callable[[Any], tuple[tuple[str, Any, bool], ...]] = functools.cache(_fields)


def _read(hint: Any, value: Any, name: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        (inner,) = (one for one in get_args(hint) if one is not type(None))
        return _read(inner, value, name)
    if origin is Literal:
        fits = isinstance(value, str) and value in get_args(hint)
    elif origin is tuple:
        if isinstance(value, list):
            return tuple(_read(get_args(hint)[0], one, name) for one in value)
        fits = False
    elif isinstance(hint, type) and is_dataclass(hint):
        return from_json(hint, value)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    elif hint is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif origin is not None or not isinstance(hint, type):
        if isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
            return dict(value)
        fits = False
    else:
        fits = isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
    if not fits:
        raise ValueError(f"{name} has another type")
    return value
