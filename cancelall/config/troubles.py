"""Everything that is wrong with a config, not only the first mistake of each profile. Reads nothing, sends nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cancelall.config import loader
from cancelall.config.guards import guard_troubles
from cancelall.config.toml_file import Document
from cancelall.core.errors import ConfigError
from cancelall.core.profile import BrokenProfile, Overrides
from cancelall.venues.registry import VENUES

_MOST = 50
"""Mistakes of one profile that are told."""
_NESTED = ("credentials", "secret_command")
"""Tables of a profile whose keys can be wrong one by one."""


def troubles(document: Document, environ: Mapping[str, str]) -> list[ConfigError]:
    """The mistakes of all profiles and guards, each once, in the order of the file.

    One at a time is taken out of the data, and the rest is read again: whatever can make a profile unusable is found
    so, by the very code that a kill reads it with.
    """
    mistakes: dict[str, ConfigError] = {}
    for name in document.tables:
        for error in _of_profile(document, name, environ):
            mistakes.setdefault(error.message, error)
    for error in guard_troubles(document):
        mistakes.setdefault(error.message, error)
    alone = _of_defaults(document, environ) if not document.tables else None
    return sorted([*mistakes.values(), *([alone] if alone else [])], key=_line)


def _line(error: ConfigError) -> int:
    line = re.search(r", line (\d+)", error.message)
    return int(line[1]) if line else 0


def _of_profile(document: Document, name: str, environ: Mapping[str, str]) -> Iterator[ConfigError]:
    for _ in range(_MOST):
        error = _error(document, name, environ)
        if error is None:
            return
        yield error
        table = document.tables[name]
        if not isinstance(table, dict) or table.get("venue") not in VENUES:
            return  # what else is in it cannot be judged
        others = _each_left_out(document, name)
        without = next((one for one in others if _error_of(one, name, environ) != error.message), None)
        if without is None:
            return
        document = without


def _of_defaults(document: Document, environ: Mapping[str, str]) -> ConfigError | None:
    """A mistake in `[defaults]` of a config without profiles: a profile that says nothing of its own would have it."""
    data = {**document.data, "profiles": {"bybit": {"venue": "bybit"}}}
    return _error(replace(document, data=data), "bybit", environ)


def _error(document: Document, name: str, environ: Mapping[str, str]) -> ConfigError | None:
    made = loader.profile(document, name, environ, Overrides())
    return made.error if isinstance(made, BrokenProfile) else None


def _error_of(document: Document, name: str, environ: Mapping[str, str]) -> str | None:
    error = _error(document, name, environ)
    return error.message if error is not None else None


def _each_left_out(document: Document, name: str) -> Iterator[Document]:
    """The config without one key of the profile or of `[defaults]`, for each of them."""
    table = document.tables[name]
    if isinstance(table, dict):
        for key, value in table.items():
            if key in _NESTED and isinstance(value, dict):
                for inner in value:
                    yield _with(document, name, {**table, key: _without(value, inner)})
        for key in table:
            if key != "venue":
                yield _with(document, name, _without(table, key))
    defaults = document.data.get("defaults")
    if isinstance(defaults, dict):
        for key in defaults:
            yield replace(document, data={**document.data, "defaults": _without(defaults, key)})


def _with(document: Document, name: str, table: Mapping[str, Any]) -> Document:
    return replace(document, data={**document.data, "profiles": {**document.tables, name: table}})


def _without(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {one: value for one, value in table.items() if one != key}
