"""A secret that cannot be printed, and the net under every outlet that takes out what slipped through."""

from __future__ import annotations

import re
from _thread import allocate_lock
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NoReturn

MASK = "***"
_SHORTEST = 6
"""Shorter values would be found in ordinary text; they are masked by `Secret` alone."""

_FEW = 64
"""Values up to which looking for each of them is quicker than looking at each place of a text."""

_lock = allocate_lock()
_registry: set[str] = set()
_longest_first: tuple[str, ...] = ()
"""The registry as `scrub` needs it while the values are few."""
_by_start: dict[str, list[str]] = {}
"""The same by how the values begin: those of 1,000 profiles are too many to look for each of them in each text."""

PART = 12
"""Characters of a secret in a row that are taken out even where the rest of it is missing."""
_GRAM = 6
"""A row of PART holds seven of these. Of a value every third is known, of a text every second is looked up: one of any
six in a row is both."""
_KNOWN_STEP, _LOOKED_UP_STEP = 3, 2
_by_gram: dict[str, list[str]] = {}
"""The values and the signatures by what is in them."""
_ALIKE = 64
"""Values with the same few characters that are told apart; what more of them share says nothing."""
_passing: deque[str] = deque()
"""The signatures of the requests that were sent last."""
_PASSING = 1024
"""So many of them: an echo is told in the answer to its own request, and kept as it was cleaned then."""
_LONGEST = 100_000
"""Characters of a text up to which parts are looked for: what is longer was put together of texts that were cleaned."""
_SIGNATURE = 60
"""Characters in a row of a body or query that can only be a signature: no id and no address is as long."""

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
    global _longest_first, _harmless  # made new on the next use
    if len(value) < _SHORTEST:
        return
    import base64
    import json  # with base64 and urllib, what connections need not wait for
    from urllib.parse import quote, quote_plus

    raw = value.encode("utf-8", "surrogatepass")
    quoted = {quote(raw), quote(raw, safe=""), quote_plus(raw)}
    forms = {
        value,
        *quoted,
        *(re.sub(r"%..", lambda escape: escape[0].lower(), one) for one in quoted),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        json.dumps(value)[1:-1],
        repr(value)[1:-1],
    }
    lines = {line for line in value.splitlines() if len(line) >= 16 and "KEY-----" not in line}  # of a PEM block
    forms |= lines
    parts = lines if "KEY-----" in value else {value}
    with _lock:
        new = forms - _registry
        for form in new:
            _by_start.setdefault(form[:_SHORTEST], []).append(form)
        for part in parts - _registry:
            _index(part)
        _registry.update(new)
        if new:
            _longest_first = tuple(sorted(_registry, key=len, reverse=True)) if len(_registry) <= _FEW else ()
            _harmless = set()  # a new one, last of all: whoever is about to add to the old one adds in vain


def passes(headers: Iterable[tuple[str, str]], body: bytes, target: str) -> None:
    """A signed request is about to leave: `scrub` takes its signature out, should the venue say it back.

    The signature is in a header or a field of the query whose name says so, or it is the only row of letters in the
    body, or in the header `Authorization`, that is as long. It takes some microseconds, and is to be called before each
    send.
    """
    values: list[str] = []
    rows = [body]
    for name, value in headers:
        if "sign" in name.lower() and len(value) >= PART:
            values.append(value)
        elif name == "Authorization":
            rows.append(value.encode())
    for row in rows:
        if len(row) >= _SIGNATURE:
            values += [one.decode() for one in re.findall(_LONG_ROW, row)]
    if "signature=" in target:
        from urllib.parse import unquote

        values.append(unquote(target.partition("signature=")[2].partition("&")[0]))
    with _lock:
        for value in values:
            if value not in _registry:
                _passing.append(value)
                _index(value)
        while len(_passing) > _PASSING:
            _forget(_passing.popleft())


_LONG_ROW = rb"[A-Za-z0-9+/=_-]{%d,200}" % _SIGNATURE


def _grams(value: str) -> Iterator[str]:
    for place in range(0, len(value) - _GRAM + 1, _KNOWN_STEP):
        yield value[place : place + _GRAM]


def _index(value: str) -> None:
    """Make the parts of a value known, with `_lock` held."""
    if len(value) < PART:
        return
    for gram in _grams(value):
        known = _by_gram.get(gram)
        if known is None:
            _by_gram[gram] = [value]
        elif len(known) < _ALIKE and known[-1] is not value:
            known.append(value)


def _forget(value: str) -> None:
    """Take a signature out again, with `_lock` held. Lists are replaced: `scrub` goes through them without a lock."""
    for gram in _grams(value):
        left = [one for one in _by_gram.get(gram, ()) if one is not value]
        if left:
            _by_gram[gram] = left
        else:
            _by_gram.pop(gram, None)


def scrub(text: str) -> str:
    """The text without any registered secret, any signature that has just been sent, and any long part of one.

    It takes no lock: whoever hangs may hold it.
    """
    harmless = _harmless
    if text in harmless:
        return text
    given = text
    for value in _longest_first if len(_registry) <= _FEW else _in_question(text):
        if value in text:
            text = text.replace(value, MASK)
    if _by_gram and PART <= len(text) <= _LONGEST:
        text = _without_parts(text)
    if text == given and len(text) <= _REMEMBERED and len(harmless) < _HARMLESS:
        harmless.add(text)
    return text


def scrubbed_already(texts: Sequence[str]) -> bool:
    """Whether `scrub` would leave each of these texts as it is. Those that are new are looked at together."""
    harmless = _harmless
    new = [text for text in texts if text not in harmless]
    together = "\n".join(new)
    if len(together) > _LONGEST or scrub(together) != together:  # perhaps only where two of them meet
        return all(scrub(text) == text for text in new)
    if len(harmless) < _HARMLESS:
        harmless.update(text for text in new if len(text) <= _REMEMBERED)
    return True


def _in_question(text: str) -> list[str]:
    """The values whose beginning is in a text, longest first."""
    starts = {text[place : place + _SHORTEST] for place in range(len(text) - _SHORTEST + 1)}
    candidates = [value for start in starts for value in _by_start.get(start, ())]
    return sorted(candidates, key=len, reverse=True)


def _without_parts(text: str) -> str:
    """The text without rows of PART or more characters of any value."""
    rows: list[tuple[int, int]] = []
    end = 0
    for place in range(0, len(text) - _GRAM + 1, _LOOKED_UP_STEP):
        values = _by_gram.get(text[place : place + _GRAM])
        if values is None or place < end:
            continue
        begin, end = max((_row(text, place, value, end) for value in values), key=lambda row: row[1] - row[0])
        if end - begin >= PART:
            rows.append((begin, end))
        else:
            end = rows[-1][1] if rows else 0
    for begin, end in reversed(rows):
        text = f"{text[:begin]}{MASK}{text[end:]}"
    return text


def _row(text: str, place: int, value: str, after: int) -> tuple[int, int]:
    """The longest row around a place of a text that is in a value, too; it begins at `after` or later."""
    gram = text[place : place + _GRAM]
    at, best = value.find(gram), (place, place)
    while at >= 0:
        begin, end, left, right = place, place + _GRAM, at, at + _GRAM
        while begin > after and left and text[begin - 1] == value[left - 1]:
            begin, left = begin - 1, left - 1
        while end < len(text) and right < len(value) and text[end] == value[right]:
            end, right = end + 1, right + 1
        best = max(best, (begin, end), key=lambda row: row[1] - row[0])
        at = value.find(gram, at + 1)
    return best
