"""What a fault does to a body that a fake venue has already written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache

from .wire import SimReply

# Clears the screen, sets the window's title, plants a link, closes a Rich tag that was never opened, turns the writing
# direction, ends the string for C, and cannot be encoded as UTF-8.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x1b]8;;http://example.invalid\x1b\\[/x][red]\u202egnp\r\n\x00\ud800"

UNKNOWN_STATUS = "Limbo"

_BOMB_BYTES = 64 * 1024 * 1024
_DEPTH = 50_000


def with_body(reply: SimReply, body: bytes) -> SimReply:
    """The same reply around another body."""
    return replace(reply, body=body)


def truncated(reply: SimReply) -> SimReply:
    """Half of the body; Content-Length will fit the half, so that only the JSON shows the damage."""
    return with_body(reply, reply.body[: len(reply.body) // 2])


def deep_json(reply: SimReply) -> SimReply:
    """More nested brackets than a recursive parser survives."""
    return with_body(reply, b"[" * _DEPTH + b"]" * _DEPTH)


def gzip_bomb(reply: SimReply) -> SimReply:
    """A body that is small on the wire and 64 MiB in memory. Blanks, because JSON allows any number of them."""
    return replace(reply, body=_bomb(), headers=(*reply.headers, ("Content-Encoding", "gzip")))


@cache
def _bomb() -> bytes:
    return gzip.compress(b" " * _BOMB_BYTES, mtime=0)


def many_headers(reply: SimReply, count: int) -> SimReply:
    """The same reply with `count` headers more."""
    more = tuple((f"X-Padding-{number}", "0") for number in range(count))
    return replace(reply, headers=(*reply.headers, *more))


def duplicate_keys(reply: SimReply) -> SimReply:
    """Each list that holds something comes a second time, empty: most parsers silently keep the last."""
    return _rewrite(reply, _dump_twice)


def null_lists(reply: SimReply) -> SimReply:
    """Empty lists become null, as several venues do by themselves."""
    return _edit(reply, lambda _, value: None if value == [] else value)


def hostile(reply: SimReply, fields: Collection[str]) -> SimReply:
    """Hostile text in every one of these fields that holds text."""
    return _edit(reply, lambda name, value: HOSTILE if name in fields and isinstance(value, str) else value)


def unknown_status(reply: SimReply, fields: Collection[str]) -> SimReply:
    """The last status in the body becomes a word that nobody documented."""
    found = 0

    def count(name: str, value: object) -> object:
        nonlocal found
        found += name in fields
        return value

    _edit(reply, count)
    last = found
    found = 0

    def change(name: str, value: object) -> object:
        count(name, value)
        return UNKNOWN_STATUS if name in fields and found == last else value

    return _edit(reply, change)


def _rewrite(reply: SimReply, dump: Callable[[object], str]) -> SimReply:
    try:
        value: object = json.loads(reply.body)
    except ValueError:
        return reply
    return with_body(reply, dump(value).encode("ascii"))


def _edit(reply: SimReply, change: Callable[[str, object], object]) -> SimReply:
    def walk(name: str, value: object) -> object:
        if isinstance(value, dict):
            return {key: walk(key, member) for key, member in value.items()}
        if isinstance(value, list) and value:
            return [walk("", item) for item in value]
        return change(name, value)

    return _rewrite(reply, lambda value: json.dumps(walk("", value), separators=(",", ":")))


def _dump_twice(value: object) -> str:
    if isinstance(value, list):
        return "[" + ",".join(_dump_twice(item) for item in value) + "]"
    if not isinstance(value, dict):
        return json.dumps(value)
    members = [f"{json.dumps(key)}:{_dump_twice(member)}" for key, member in value.items()]
    members += [f"{json.dumps(key)}:[]" for key, member in value.items() if isinstance(member, list) and member]
    return "{" + ",".join(members) + "}"
