"""A secret that cannot be printed, and the net under every outlet that takes out what slipped through."""

from __future__ import annotations

import re
import threading
import urllib.parse
from typing import NoReturn

MASK = "***"
_SHORTEST = 6
"""Shorter values would be found in ordinary text; they are masked by `Secret` alone."""

_FEW = 64
"""Values up to which looking for each of them is quicker than looking at each place of a text."""

_lock = threading.Lock()
_registry: set[str] = set()
_longest_first: tuple[str, ...] | None = None
"""The registry as `scrub` needs it while the values are few; None after a change."""
_by_start: dict[str, list[str]] = {}
"""The same by how the values begin: those of 1,000 profiles are too many to look for each of them in each text."""

_harmless: set[str] = set()
"""Short texts without any of them, until a value comes along: hosts, paths and symbols are said all the time."""
_HARMLESS = 20_000
"""So many of them at most, of so many characters."""
_REMEMBERED = 200


class Secret:
    """A secret value. Only `reveal` gives it out, and only signing code calls that."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value
        register(value)

    def reveal(self) -> str:
        """The value itself, for a signature or a header."""
        return self.__value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        import hmac  # 2 ms, which connections need not wait for

        return isinstance(other, Secret) and hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __hash__(self) -> int:
        return id(type(self))

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret cannot be copied or pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret has no state to show")


def last_four(value: str) -> str:
    """`…abcd`, if that leaves enough hidden."""
    return f"…{value[-4:]}" if len(value) > 12 else MASK


def register(value: str) -> None:
    """Make `scrub` take this value out, in the spellings that it could have in a message."""
    global _longest_first, _harmless  # noqa: PLW0603 - made new on the next use
    if len(value) < _SHORTEST:
        return
    import base64
    import json  # with base64, a ms that connections need not wait for

    raw = value.encode("utf-8", "surrogatepass")
    quoted = {urllib.parse.quote(raw), urllib.parse.quote(raw, safe=""), urllib.parse.quote_plus(raw)}
    forms = {
        value,
        *quoted,
        *(re.sub(r"%..", lambda escape: escape[0].lower(), one) for one in quoted),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
    }
    forms |= {
        line for line in value.splitlines() if len(line) >= 16 and "KEY-----" not in line
    }  # the lines of a PEM block
    with _lock:
        for form in forms - _registry:
            _by_start.setdefault(form[:_SHORTEST], []).append(form)
            _longest_first = None
        if not forms <= _registry:
            _harmless = set()  # a new one: whoever is about to add to the old one adds in vain
        _registry.update(forms)


def scrub(text: str) -> str:
    """The text without any registered secret."""
    harmless = _harmless
    if text in harmless:
        return text
    given = text
    for value in _few() if len(_registry) <= _FEW else _in_question(text):
        if value in text:
            text = text.replace(value, MASK)
    if text == given and len(text) <= _REMEMBERED and len(harmless) < _HARMLESS:
        harmless.add(text)
    return text


def _few() -> tuple[str, ...]:
    """All values, longest first."""
    global _longest_first  # noqa: PLW0603
    known = _longest_first
    if known is None:
        with _lock:
            known = _longest_first = tuple(sorted(_registry, key=len, reverse=True))
    return known


def _in_question(text: str) -> list[str]:
    """The values whose beginning is in a text, longest first."""
    starts = {text[place : place + _SHORTEST] for place in range(len(text) - _SHORTEST + 1)}
    with _lock:
        found = [value for start in starts if start in _by_start for value in _by_start[start]]
    return sorted(found, key=len, reverse=True)
