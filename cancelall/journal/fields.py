"""What the fields of a line may hold: no secret, and no more than is useful."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cancelall.core.secret import scrub, scrubbed_already
from cancelall.journal.file import digest

TEXT_LIMIT = 500
"""Characters of a text that are kept."""
IDS_LIMIT = 1000
"""Ids of one event that are kept; of more there is a count and a hash."""


def id_fields(ids: Iterable[str]) -> dict[str, object]:
    """Ids as the journal keeps them: all, or so many of them with the number and the hash of all."""
    known = tuple(ids)
    if len(known) <= IDS_LIMIT:
        return {"count": len(known), "ids": known}
    return {
        "count": len(known),
        "ids": known[:IDS_LIMIT],
        "ids_sha256": digest("\n".join(known).encode("utf-8", "surrogatepass")),
    }


def harmless(fields: Mapping[str, object]) -> Mapping[str, object]:
    """The fields as JSON may hold them. Most hold nothing that has to be taken out, and are left as they are."""
    texts = _texts(fields)
    if max(map(len, texts), default=0) <= TEXT_LIMIT and scrubbed_already(texts):
        return fields
    return {key: _json_value(value) for key, value in fields.items()}


def _texts(fields: Mapping[str, object]) -> list[str]:
    """Every text in them, however deep, keys too."""
    found: list[str] = []
    left: list[object] = [fields]
    while left:
        value = left.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            found += map(str, value)
            left += value.values()
        elif isinstance(value, list | tuple):
            left += value
    return found


def _json_value(value: object) -> object:
    """A value as JSON may hold it: no secret in it, and no more than is useful. What is no ASCII is escaped later."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {_text(str(key)): _json_value(one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [_json_value(one) for one in value]
    return _text(str(value))


def _text(value: str) -> str:
    scrubbed = scrub(value)  # before it is clipped: half of a secret could not be recognised any more
    return scrubbed if len(scrubbed) <= TEXT_LIMIT else scrubbed[:TEXT_LIMIT] + "…"
