"""What a fault does to a body that a fake venue has already written."""

import gzip
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from http.client import responses
from typing import Any

from .wire import MADE_UP, SimReply, json_reply, text_reply

# Clears the screen, sets the window's title, plants a link, closes a Rich tag that was never opened, turns the writing
# direction, ends the string for C, and cannot be encoded as UTF-8.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://example.invalid\x1b\\[/x][red]\u202egnp\r\n\x00\ud800"

UNKNOWN_STATUS = "Limbo"

_BOMB_BYTES = 64 * 1024 * 1024
_DEPTH = 50_000


@dataclass(frozen=True)
class Facts:
    """What a fault has to know of a reply: which of the venue's fields hold text or a status, the cursor with which
    this page was requested (empty for a first one), and a number for cursors that are made up.
    """

    text_fields: Collection[str] = ()
    status_fields: Collection[str] = ()
    came_by: str = ""
    number: int = 0


def with_body(reply: SimReply, body: bytes) -> SimReply:
    return replace(reply, body=body)


def with_headers(reply: SimReply, *headers: tuple[str, str]) -> SimReply:
    return replace(reply, headers=(*reply.headers, *headers))


@cache
def _bomb() -> bytes:
    """A body that is small on the wire and 64 MiB in memory. Blanks, because JSON allows any number of them."""
    return gzip.compress(b" " * _BOMB_BYTES, mtime=0)


def edge_page(written: str, path: str) -> SimReply:
    """What something in front of the venue answers: `STATUS[/FORM]`, without a word of the venue's."""
    number, _, form = written.partition("/")
    status = int(number)
    sentence = responses.get(status, "Unknown")
    html = f"<html><head><title>{status} {sentence}</title></head><body><h1>{sentence}</h1></body></html>"
    forms = {
        "json": json_reply({"message": sentence}, status),
        "text": text_reply(f"{status} {sentence.lower()}", status, "text/plain"),
        "empty": SimReply(status=status),
    }
    location = [("Location", f"https://login.example.invalid{path}")] if 300 <= status < 400 else []
    return with_headers(forms.get(form) or text_reply(html, status), *location)


# --- listings -------------------------------------------------------------------------------------------------------

_MAP_ID, _INNER = "txid", "descr"
"""Where rows are a map by their ids: how these are called while it is a list, and what a row of it holds inside."""
_IDS = ("orderId", "order_id", "strategyId", "strategy_id", "id", "oid", "twapId", _MAP_ID, "ordId", "algoId")
_WAYS = ("nextPageCursor", "nextCursor", "endId", "idLessThan", "cursor", "total_page")
_FIELDS: Mapping[str, str] = {
    "date": "createdTime createdTimeE3 cTime lastExecTime created_at creation_timestamp timestamp time opentm"
    " createTime bookTime",
    "price": "vol price triggerPrice executePrice initial_price initial_amount size definition limitPx px triggerPx",
    "flag": "reduceOnly reduce_only execInst margin",
    "status": "",
    "symbol": "symbol instrument_name coin instId sprdId state pair",
    "side": "side direction type",
    "type": "orderType order_type strategyType strategy_type planType ordertype type ordType",
}
"""The names under which venues have what can be odd in a row; each venue says itself which fields are its statuses."""
_IN_PLACE: Mapping[str, object] = {"string": "order", "null": None, "list": []}

ODD_ROWS = (*_FIELDS, *_IN_PLACE, "no-id", "unknown", "twice", "foreign")
ODD_WAYS = ("missing", "null", "number", "object", "itself", "empty", "endless", "total")


def _odd_row(root: object, oddity: str, facts: Facts) -> bool:
    """Make one row, in the middle, odd in this way, if there is such a row."""
    rows = _rows(root)
    index = len(rows) // 2
    row = rows[index] if rows else None
    odd = _odd(row, oddity, facts.status_fields) if isinstance(row, dict) else []
    rows[index : index + 1] = odd or rows[index : index + 1]
    return bool(odd)


def _odd(row: dict[str, object], oddity: str, status_fields: Collection[str]) -> list[object]:
    """What stands in the place of a row; nothing where the row has nothing that could be odd in this way."""
    if oddity in _IN_PLACE:
        return [_IN_PLACE[oddity]]
    match oddity:
        case "no-id":
            return [{name: value for name, value in row.items() if name not in _IDS}]
        case "unknown":
            return [{**row, "surprise": {"of": ["an", "unknown", "kind"]}}]
        case "twice":
            return [row, dict(row)]
        case "foreign":
            name, text = next((name, str(row[name])) for name in _IDS if name in row)
            another = text[:-1] + ("1" if text[-1] != "1" else "2")
            number = isinstance(row[name], int)
            named = (one for one in _FIELDS["symbol"].split() if isinstance(row.get(one), str))
            elsewhere = dict.fromkeys(named, "ELSEWHEREUSDT")
            return [row, {**row, name: int(text) + 7_000_000_000 if number else another, **elsewhere}]
    names = _FIELDS[oddity].split() or status_fields
    field, inner = next((name for name in names if name in row), None), row.get(_INNER)
    if field is None:
        within = _odd(inner, oddity, status_fields) if isinstance(inner, dict) else []
        return [{**row, _INNER: one} for one in within]
    moment, text = row[field], str(row[field])
    # A date that is no whole number of milliseconds.
    date = moment + 0.5 if isinstance(moment, int) else f"{text}.5" if text.isdecimal() else 1_700_000_000.5
    values: Mapping[str, object] = {"date": date, "price": {"value": "1"}, "flag": "maybe"}
    return [{**row, field: values.get(oddity)}]


def _odd_field(root: object, value: str, facts: Facts) -> bool:
    """Give one field of the first row another shape, if there is a row."""
    name, slash, text = value.partition("/")
    for row in _rows(root)[:1]:
        if isinstance(row, dict):
            if text == "missing":
                row.pop(name, None)
            else:
                row[name] = None if text == "null" else text if slash else {}
    return bool(_rows(root))


def _odd_way(root: object, oddity: str, facts: Facts) -> bool:
    """Make the way on odd, if the listing names one."""
    names = ("total_count",) if oddity == "total" else _WAYS
    own, fresh = facts.came_by or MADE_UP, f"{MADE_UP}{facts.number + 1}"
    values: Mapping[str, object] = {"null": None, "number": 7.5, "object": {"next": 1}, "itself": own}
    holder = _holder(root, names)
    if holder is None or (oddity == "empty" and facts.came_by):
        return False
    for name in [name for name in names if name in holder]:
        if oddity == "missing":
            del holder[name]
        elif oddity == "total":
            holder[name] = int(str(holder[name])) + 1
        elif name == "total_page" and oddity in ("itself", "empty", "endless"):
            holder[name] = 1_000_000
        else:
            holder[name] = values.get(oddity, fresh)
    if oddity == "empty":
        _rows(root).clear()
    return True


def _rows(value: object) -> list[object]:
    """The first list of orders in an answer, to be changed in place; an empty one if there is none."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and any(name in value[0] for name in _IDS):
        return value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((rows for each in inside if (rows := _rows(each))), [])


def _holder(value: object, names: Collection[str]) -> dict[str, object] | None:
    """The object around the rows that holds one of these names, to be changed in place."""
    if not isinstance(value, dict) or any(name in value for name in names):
        return value if isinstance(value, dict) else None
    return next((holder for each in value.values() if (holder := _holder(each, names)) is not None), None)


# --- bodies ---------------------------------------------------------------------------------------------------------


_dump = partial(json.dumps, separators=(",", ":"))


def _changed(reply: SimReply, change: Callable[[object], bool], dump: Callable[[object], str] = _dump) -> SimReply:
    """The reply with its JSON, the only member of what `change` gets, changed in place; itself if nothing changes."""
    try:
        root: dict[str, object] = {"": json.loads(reply.body)}
    except ValueError:
        return reply
    return with_body(reply, dump(root[""]).encode("ascii")) if change(root) else reply


def _edited(root: object, meant: Callable[[str, object], bool], value: object, *, last: bool = False) -> bool:
    """Put this value in the place of the members that are meant, by their name and what they hold."""
    places = [(holder, name) for holder, name, member in _members(root) if meant(name, member)]
    for holder, name in places[-1:] if last else places:
        holder[name] = value
    return True


def _members(value: object) -> Iterator[tuple[dict[str, object], str, object]]:
    """Every member that holds neither an object nor a list of something, in the order of the text."""
    if isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(member, dict | list) or member == []:
                yield value, name, member
            else:
                yield from _members(member)
    elif isinstance(value, list):
        for item in value:
            yield from _members(item)


def _dump_twice(value: object) -> str:
    if isinstance(value, list):
        return "[" + ",".join(_dump_twice(item) for item in value) + "]"
    if not isinstance(value, dict):
        return json.dumps(value)
    members = [f"{json.dumps(key)}:{_dump_twice(member)}" for key, member in value.items()]
    members += [f"{json.dumps(key)}:[]" for key, member in value.items() if isinstance(member, list) and member]
    members += [f"{json.dumps(name)}:{{}}" for holder, name, _ in _maps(value) if holder is value]
    return "{" + ",".join(members) + "}"


# --- the table ------------------------------------------------------------------------------------------------------

Spoil = Callable[[SimReply, str, Facts], SimReply]
"""Changes a reply as the value of a fault says."""


def _json(edit: Callable[[object, str, Facts], bool]) -> Spoil:
    """Changes the JSON of a reply in place."""
    return lambda reply, value, facts: _changed(reply, lambda root: edit(root, value, facts))


def _in_rows(edit: Callable[[object, str, Facts], bool]) -> Spoil:
    """The same, where rows may be a map by their ids: meanwhile they are a list."""

    def change(root: object, value: str, facts: Facts) -> bool:
        maps = list(_maps(root))
        for holder, name, rows in maps:
            holder[name] = [{_MAP_ID: identity, **row} for identity, row in rows.items()]
        changed = not (maps and value == "twice") and edit(root, value, facts)
        for holder, name, rows in maps:
            holder[name] = _mapped(holder[name], list(rows))
        return changed

    return _json(change)


def _maps(value: object) -> Iterator[tuple[dict[str, Any], str, dict[str, Any]]]:
    """Every map of rows by their ids, and where it is."""
    if not isinstance(value, dict):
        return
    for name, member in value.items():
        rows = member.values() if isinstance(member, dict) else ()
        if rows and all(isinstance(one, dict) and _INNER in one for one in rows):
            yield value, name, member
        else:
            yield from _maps(member)


def _mapped(rows: list[Any], ids: list[str]) -> dict[str, Any]:
    """Rows as a map again. What is no object keeps its id, which stands outside of it."""
    return {(row.pop(_MAP_ID, "") if isinstance(row, dict) else ids[place]): row for place, row in enumerate(rows)}


SPOILS: Mapping[str, Spoil] = {
    # Empty lists become null, as several venues do by themselves.
    "null-lists": _json(lambda root, _, facts: _edited(root, lambda _, value: value == [], None)),
    "odd-row": _in_rows(_odd_row),
    "odd-field": _in_rows(_odd_field),
    "odd-way": _json(_odd_way),
    # The last status in the body becomes a word that nobody documented.
    "unknown-status": _json(
        lambda root, _, facts: _edited(root, lambda name, _: name in facts.status_fields, UNKNOWN_STATUS, last=True)
    ),
    "hostile": _json(
        lambda root, _, facts: _edited(
            root, lambda name, value: name in facts.text_fields and isinstance(value, str), HOSTILE
        )
    ),
    # Each list that holds something comes a second time, empty: most parsers silently keep the last.
    "duplicate-keys": lambda reply, _, facts: _changed(reply, lambda root: True, _dump_twice),
    # Content-Length will fit the half, so that only the JSON shows the damage.
    "truncated": lambda reply, _, facts: with_body(reply, reply.body[: len(reply.body) // 2]),
    "json": lambda reply, text, facts: with_body(reply, text.encode("utf-8", "surrogatepass")),
    # More nested brackets than a recursive parser survives.
    "deep-json": lambda reply, _, facts: with_body(reply, b"[" * _DEPTH + b"]" * _DEPTH),
    "empty-body": lambda reply, _, facts: with_body(reply, b""),
    "gzip-bomb": lambda reply, _, facts: with_headers(with_body(reply, _bomb()), ("Content-Encoding", "gzip")),
    "many-headers": lambda reply, count, facts: with_headers(
        reply, *((f"X-Padding-{number}", "0") for number in range(int(float(count))))
    ),
}
"""What the faults of these names make of a reply, one after another."""

OF_LISTINGS = ("odd-row", "odd-field", "odd-way")
