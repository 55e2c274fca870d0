"""One HTTP/1.1 answer, read from its socket: every byte counted, every wait bounded by the deadline.

It is read as RFC 9110 and RFC 9112 let anything on the way deliver it: interim answers before it, folded and odd header
lines, trailers, chunk extensions, bodies that end with the connection, HTTP/1.0. Only the headers that somebody reads
are kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from cancelall.core.dataclass import dataclass, field
from cancelall.core.errors import TransportFault

HEAD_LIMIT = 1 << 16
"""Bytes of an answer that are not its body: status lines, headers, interim answers, chunk heads, trailers together."""
HEADERS_AT_MOST = 100
"""Header lines of one head."""
_PIECE = 1 << 15
"""Bytes that are read, or come out of a compressed body, at once: many bombs must not unpack before anybody counts."""

_KEPT = frozenset(
    ("date", "retry-after", "content-type", "content-length", "traceid", "x-request-id", "x-trace-id", "cf-ray")
)
_KEPT_FROM = ("x-bapi-", "x-mbx-")


def is_kept(name: str) -> bool:
    """Whether somebody reads this header of an answer: how long to wait, limits, the venue's clock, what its support
    asks for. `name` is lower case."""
    return name in _KEPT or "limit" in name or name.startswith(_KEPT_FROM)


class Source(Protocol):
    """What is read of a socket."""

    def recv(self, most: int, /) -> bytes:
        """What is there; nothing at its end."""

    def settimeout(self, seconds: float | None, /) -> None:
        """For each further call."""


class Ended(Exception):
    """The connection ended in the middle of an answer, or before it."""


class Reader:
    """Takes bytes from a socket and counts those that are no body. Every wait ends with the deadline.

    Its methods raise Ended, OSError (TimeoutError when nothing came in time), TransportFault for heads without measure.
    """

    def __init__(
        self, source: Source, until: float, seconds: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`until` is the deadline, on that monotonic clock; `seconds` is the longest silence."""
        self._source = source
        self._until = until
        self._seconds = seconds
        self._monotonic = monotonic
        self._there = bytearray()
        self._head_left = HEAD_LIMIT
        self.begun = False
        """Whether any byte has come."""

    @property
    def empty(self) -> bool:
        """Whether nothing has come that nobody has taken yet."""
        return not self._there

    def line(self) -> bytes:
        """One line of a head, without its end."""
        seen = 0
        while (end := self._there.find(b"\n", seen)) < 0:
            seen = len(self._there)
            if seen > self._head_left:
                raise _head_too_large()
            self._fill()
        self._head_left -= end + 1
        if self._head_left < 0:
            raise _head_too_large()
        line = bytes(self._there[:end])
        del self._there[: end + 1]
        return line.removesuffix(b"\r")

    def some(self, most: int) -> bytes:
        """Some bytes of a body, at most so many. Raises Ended where there are none any more."""
        if not self._there:
            self._fill()
        taken = bytes(self._there[:most])
        del self._there[:most]
        return taken

    def _fill(self) -> None:
        left = self._until - self._monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._source.settimeout(min(self._seconds, left))
        came = self._source.recv(_PIECE)
        if not came:
            raise Ended
        self.begun = True
        self._there += came


@dataclass(frozen=True, kw_only=True)
class Head:
    """What stands before a body, and how its end is known."""

    status: int
    headers: Mapping[str, str]
    """Those that somebody reads, by their lower-case names; values of one name are joined."""
    length: int | None = None
    chunked: bool = False
    coding: str = ""
    """How the body is compressed; empty when it is not."""
    lasting: bool = field(default=False)
    """Whether the connection may be used again after it."""

    @property
    def bodiless(self) -> bool:
        """Whether no body can follow, whatever the headers say."""
        return self.status in (101, 204, 304)


def head(reader: Reader) -> Head:
    """Read the head of the answer; interim ones (1xx) are passed over. Raises as Reader, and TransportFault."""
    while True:
        version, status = _status(reader.line())
        read = _headers(reader)
        if status == 101 or not 100 <= status < 200:
            return _framed(version, status, read)


def body(reader: Reader, of: Head, limit: int, large: Callable[[int], None] = lambda size: None) -> bytes:
    """Read the body, decoded, of at most so many bytes. `large` is told the size after each piece.

    Raises as Reader, and TransportFault when it is too large or cannot be decoded.
    """
    if of.bodiless:
        return b""
    if of.length is not None and of.length > limit and not of.coding:
        raise _too_large(limit)
    decode = _decoder(of.coding)
    parts: list[bytes] = []
    came = size = 0
    for piece in _pieces(reader, of):
        came += len(piece)
        if came > limit:  # compressed nothing without end, too
            raise _too_large(limit)
        for part in decode.feed(piece, limit - size + 1):
            parts.append(part)
            size += len(part)
            if size > limit:
                raise _too_large(limit)
        large(size)
    decode.end()
    return b"".join(parts)


def _status(line: bytes) -> tuple[int, int]:
    """The minor version and the status of a status line."""
    version, _, rest = line.partition(b" ")
    if not version.startswith(b"HTTP/"):
        raise TransportFault("what came back is no HTTP")
    digits = rest.lstrip(b" ").partition(b" ")[0]
    if not (len(digits) == 3 and digits.isdigit() and digits[:1] != b"0"):
        raise TransportFault("what came back is no HTTP")
    if not (version.startswith(b"HTTP/1.") and version[7:].isdigit()):
        raise _no_head()
    return min(int(version[7:8]), 1), int(digits)


def _headers(reader: Reader) -> dict[str, list[str]]:
    """The header lines of a head, by their lower-case names.

    https://www.rfc-editor.org/rfc/rfc9112#section-5.2 (folded lines), #section-2.2 (bare line feeds)
    """
    fields: dict[str, list[str]] = {}
    last: list[str] | None = None
    for _ in range(HEADERS_AT_MOST + 1):
        line = reader.line()
        if not line:
            return fields
        text = line.decode("latin-1")
        if text[0] in " \t":
            if last:
                last[-1] = f"{last[-1]} {text.strip()}".strip()
            continue
        name, colon, value = text.partition(":")
        name = name.strip().lower()
        last = None
        if colon:
            last = fields.setdefault(name, [])
            last.append(value.strip())
    raise _no_head()


def _framed(version: int, status: int, headers: Mapping[str, list[str]]) -> Head:
    """How the end of the body is known: https://www.rfc-editor.org/rfc/rfc9112#section-6.3."""
    transfer = [coding for coding in _words(headers, "transfer-encoding") if coding != "identity"]
    lengths = set(_words(headers, "content-length"))
    codings = [coding for coding in _words(headers, "content-encoding") if coding != "identity"]
    connection = _words(headers, "connection")
    if transfer and (transfer[-1] != "chunked" or len(transfer) > 1):
        raise _undecodable()
    if len(lengths) > 1 or not all(one.isascii() and one.isdigit() and len(one) < 20 for one in lengths):
        if not transfer:
            raise _no_head()
        lengths = set()
    if len(codings) > 1:
        raise _undecodable()
    length = int(next(iter(lengths))) if lengths and not transfer else None
    framed = length is not None or bool(transfer) or status in (204, 304)
    trusted = not (transfer and (lengths or version == 0))  # two ways to tell the end: somebody may read it otherwise
    lasting = "close" not in connection and (version == 1 or "keep-alive" in connection)
    return Head(
        status=status,
        headers={name: ", ".join(values) for name, values in headers.items() if is_kept(name)},
        length=length,
        chunked=bool(transfer),
        coding=codings[0] if codings else "",
        lasting=lasting and framed and trusted and status != 101,
    )


def _words(headers: Mapping[str, list[str]], name: str) -> list[str]:
    """The members of a header that is a list, in lower case."""
    listed = ",".join(headers.get(name, ())).split(",")
    return [word.strip().lower() for word in listed if word.strip()]


def _pieces(reader: Reader, of: Head) -> Iterator[bytes]:
    """The body as it comes."""
    if of.chunked:
        yield from _chunks(reader)
    elif of.length is not None:
        yield from _exactly(reader, of.length)
    else:
        while True:
            try:
                piece = reader.some(_PIECE)
            except Ended:
                return
            yield piece


def _exactly(reader: Reader, length: int) -> Iterator[bytes]:
    while length:
        piece = reader.some(min(length, _PIECE))
        length -= len(piece)
        yield piece


def _chunks(reader: Reader) -> Iterator[bytes]:
    """https://www.rfc-editor.org/rfc/rfc9112#section-7.1: extensions and trailers are passed over."""
    while True:
        size = reader.line().partition(b";")[0].strip(b" \t")
        if not 0 < len(size) <= 16 or size.strip(b"0123456789abcdefABCDEF"):
            raise broken_off()
        length = int(size, 16)
        if length == 0:
            break
        yield from _exactly(reader, length)
        if reader.line():
            raise broken_off()
    while reader.line():
        pass


class _Identity:
    def feed(self, data: bytes, room: int) -> Iterator[bytes]:
        yield data

    def end(self) -> None:
        """Nothing is missing."""


class _Inflating(_Identity):
    """A body in gzip, which may have several members, or in deflate, which comes with and without its frame.

    https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1
    """

    def __init__(self, *frames: int) -> None:
        """`frames` are zlib's numbers for those that it may have, the likeliest first."""
        import zlib

        self._zlib = zlib
        self._frames = frames
        self._work = zlib.decompressobj(frames[0])
        self._begun = False

    def feed(self, data: bytes, room: int) -> Iterator[bytes]:
        """What comes out of it, at most so many bytes in one piece; whoever wants no more stops asking."""
        while data:
            if self._work.eof:
                self._work = self._zlib.decompressobj(self._frames[0])
            yield self._out(data, room)
            data = self._work.unused_data if self._work.eof else self._work.unconsumed_tail

    def _out(self, data: bytes, room: int) -> bytes:
        try:
            made = self._work.decompress(data, min(room, _PIECE))
        except self._zlib.error:
            if self._begun or len(self._frames) == 1:
                raise _undecodable() from None
            self._frames = self._frames[1:]
            self._work = self._zlib.decompressobj(self._frames[0])
            return self._out(data, room)
        self._begun = True
        return made

    def end(self) -> None:
        """Raises TransportFault when it is cut off, which the length of what was sent does not show."""
        if self._begun and not self._work.eof:
            raise _undecodable()


def _decoder(coding: str) -> _Identity:
    if not coding:
        return _Identity()
    if coding in ("gzip", "x-gzip"):
        return _Inflating(31)
    if coding == "deflate":
        return _Inflating(15, -15)
    raise _undecodable()


def broken_off() -> TransportFault:
    """An answer that has begun and is not complete."""
    return TransportFault("the answer broke off", kind="unreadable", sent="yes")


def _no_head() -> TransportFault:
    return TransportFault("the answer's head is not HTTP", kind="unreadable", sent="yes", answered=True)


def _head_too_large() -> TransportFault:
    words = f"the answer's head is larger than {HEAD_LIMIT} bytes"
    return TransportFault(words, kind="unreadable", sent="yes", answered=True)


def _too_large(limit: int) -> TransportFault:
    return TransportFault(f"the answer is larger than {limit} bytes", kind="unreadable", sent="yes", answered=True)


def _undecodable() -> TransportFault:
    return TransportFault("the answer could not be decoded", kind="unreadable", sent="yes", answered=True)
