"""Answers as HTTP lets anything on the way deliver them, from bytes that come in pieces of any size."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cancelall.core.errors import TransportFault
from cancelall.net import answer
from cancelall.net.answer import HEAD_LIMIT, Ended, Head, Reader

LIMIT = 1000


class Pieces:
    """A socket that gives these bytes in pieces of some sizes, and then its end."""

    def __init__(self, data: bytes, *sizes: int) -> None:
        self._data = data
        self._sizes = sizes or (65536,)
        self._turn = 0

    def recv(self, most: int, /) -> bytes:
        size = min(most, self._sizes[self._turn % len(self._sizes)])
        self._turn += 1
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def settimeout(self, seconds: float | None, /) -> None:
        assert seconds is not None
        assert seconds > 0


def read(data: bytes, *sizes: int, limit: int = LIMIT) -> tuple[Head, bytes, Reader]:
    """The answer in these bytes."""
    reader = Reader(Pieces(data, *sizes), 1.0, 1.0, lambda: 0.0)
    head = answer.head(reader)
    return head, answer.body(reader, head, limit), reader


START = b"HTTP/1.1 200 OK\r\n"


def ok(lines: bytes, body: bytes = b"{}", start: bytes = START) -> bytes:
    """An answer with these lines in its head."""
    return start + lines + b"\r\n\r\n" + body


CHUNKED = ok(b"Transfer-Encoding: chunked", b"")
PACKED = gzip.compress(b'{"a":1}')
RAW = zlib.compress(b'{"a":1}')
KEPT = {
    "the same length twice": ok(b"Content-Length: 2\r\ncontent-length: 2"),
    "the same length in one line": ok(b"Content-Length: 2, 2"),
    "names in capitals": ok(b"CONTENT-LENGTH:2"),
    "names in small letters": ok(b"content-length:   2  "),
    "a blank before the colon": ok(b"Content-Length : 2"),
    "no reason": ok(b"Content-Length: 2", start=b"HTTP/1.1 200\r\n"),
    "an empty reason": ok(b"Content-Length: 2", start=b"HTTP/1.1 200 \r\n"),
    "a reason in another script": ok(b"Content-Length: 2", start=b"HTTP/1.1 200 \xe5\xa5\xbd\r\n"),
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}",
    "a folded line": ok(b"X-Old: a\r\n b: c\r\nContent-Length: 2"),
    "a folded length": ok(b"Content-Length:\r\n\t2"),
    "a fold before any line": ok(b" Content-Length: 9\r\nContent-Length: 2"),
    "a line that is no header": ok(b"nonsense\r\n: x\r\nContent-Length: 2"),
    "a header of raw bytes": ok(b"X: \xff\x00\xfe\r\nContent-Length: 2"),
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"Content-Length: 2"),
    "chunks": CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    "chunks with extensions": CHUNKED + b'2;a="b;c" ; d\r\n{}\r\n0;last\r\n\r\n',
    "sizes with zeros and blanks": CHUNKED + b"0002 \r\n{}\r\n000\r\n\r\n",
    "trailers": CHUNKED + b"2\r\n{}\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n",
    "chunks in other letters": ok(b"TRANSFER-ENCODING: Chunked", b"2\r\n{}\r\n0\r\n\r\n"),
    "HTTP/1.0 that is kept": ok(b"Connection: keep-alive\r\nContent-Length: 2", start=b"HTTP/1.0 200 OK\r\n"),
    "not compressed, as it says": ok(b"Content-Encoding: identity\r\nContent-Length: 2"),
}
CLOSED = {
    "chunks, and a connection that closes": ok(
        b"Transfer-Encoding: chunked\r\nConnection: close", b"2\r\n{}\r\n0\r\n\r\n"
    ),
    "chunks and a length": ok(b"Content-Length: 1\r\nTransfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n"),
    "until the end": b"HTTP/1.1 200 OK\r\n\r\n{}",
    "until the end, as it says": ok(b"Connection: close"),
    "a length, and close": ok(b"Connection: x, Close\r\nContent-Length: 2"),
    "HTTP/1.0": ok(b"Content-Length: 2", start=b"HTTP/1.0 200 OK\r\n"),
    "HTTP/1.0 until the end": ok(b"Server: x", start=b"HTTP/1.0 200 OK\r\n"),
}
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"
GZIP, DEFLATE = (
    b"Content-Encoding: %s\r\nContent-Length: %d" % one for one in ((b"x-gzip", len(PACKED)), (b"deflate", len(RAW)))
)
ORDINARY: dict[str, tuple[bytes, int, bytes, bool]] = {
    **{name: (data, 200, b"{}", True) for name, data in KEPT.items()},
    **{name: (data, 200, b"{}", False) for name, data in CLOSED.items()},
    "a length": (ok(b"Content-Length: 7", b'{"a":1}'), 200, b'{"a":1}', True),
    "a length of nothing": (ok(b"Content-Length: 0", b""), 200, b"", True),
    "early hints": (ok(b"Content-Length: 2", start=HINTS + b"HTTP/1.1 404 Not Found\r\n"), 404, b"{}", True),
    "no content": (b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", 204, b"", True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, b"", True),
    "compressed": (ok(GZIP, PACKED), 200, b'{"a":1}', True),
    "compressed twice over": (ok(b"Content-Encoding: GZIP", PACKED + PACKED), 200, b'{"a":1}{"a":1}', False),
    "deflated": (ok(DEFLATE, RAW), 200, b'{"a":1}', True),
}
"""Each with its status and its body, and whether its connection may be used again."""


@pytest.mark.parametrize("name", ORDINARY)
@pytest.mark.parametrize("sizes", [(65536,), (1,), (3, 7)])
def test_what_http_allows_is_read_right(name: str, sizes: tuple[int, ...]) -> None:
    data, status, body, lasting = ORDINARY[name]
    head, read_body, reader = read(data, *sizes)
    assert (head.status, read_body, head.lasting) == (status, body, lasting)
    assert reader.empty


def test_deflate_without_its_frame() -> None:
    packer = zlib.compressobj(wbits=-15)
    raw = packer.compress(b'{"a":1}') + packer.flush()
    assert read(b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + raw)[1] == b'{"a":1}'


@pytest.mark.parametrize("more", [b"H", b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"])
@pytest.mark.parametrize("name", ["a length", "chunks", "trailers", "no content", "compressed"])
def test_what_follows_an_answer_is_seen(name: str, more: bytes) -> None:
    data, _, body, _ = ORDINARY[name]
    _, read_body, reader = read(data + more)
    assert read_body == body
    assert not reader.empty


SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\n\r\nhello"
BROKEN: dict[tuple[str, str], dict[str, bytes]] = {
    ("unreadable", "head is not"): {
        "two lengths": ok(b"Content-Length: 2\r\nContent-Length: 3"),
        "two lengths in one line": ok(b"Content-Length: 2, 3"),
        "a length below nothing": ok(b"Content-Length: -2"),
        "a length with a sign": ok(b"Content-Length: +2"),
        "a length in Arabic": ok(b"Content-Length: \xb2"),
        "a length without end": ok(b"Content-Length: " + b"9" * 5000, b""),
        "version 2": b"HTTP/2 200\r\n\r\n",
    },
    ("unreadable", "larger than 1000 bytes"): {"a huge length": ok(b"Content-Length: 9999999999", b"")},
    ("unreadable", "could not be decoded"): {
        "another coding": ok(b"Content-Encoding: br", b"x"),
        "two codings": ok(b"Content-Encoding: gzip, gzip", b"x"),
        "another transfer": ok(b"Transfer-Encoding: gzip, chunked", b""),
        "gzip that is cut": ok(b"Content-Encoding: gzip", PACKED[:-9]),
        "gzip and rubbish": ok(b"Content-Encoding: gzip", PACKED + b"x" * 20),
    },
    ("unreadable", "broke off"): {
        "a size with an underscore": CHUNKED + b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n",
        "a size with a sign": CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n",
        "a size of 17 digits": CHUNKED + b"00000000000000002\r\n{}\r\n0\r\n\r\n",
        "a chunk that is longer": CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n",
    },
    ("network", "no HTTP"): {
        "no status": b"HTTP/1.1\r\n\r\n",
        "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
        "a status in Arabic": b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n",
        "an empty line first": b"\r\nHTTP/1.1 200 OK\r\n\r\n",
    },
}


@pytest.mark.parametrize(
    ("kind", "words", "data"),
    [pytest.param(*fault, data, id=name) for fault, several in BROKEN.items() for name, data in several.items()],
)
def test_what_http_does_not_allow_is_no_answer(kind: str, words: str, data: bytes) -> None:
    with pytest.raises(TransportFault, match=words) as caught:
        read(data)
    assert (caught.value.kind, caught.value.final) == (kind, False)


def test_another_protocol_has_no_body_and_ends_the_connection() -> None:
    head, body, _ = read(SWITCHED)
    assert (head.status, body, head.lasting) == (101, b"", False)


@pytest.mark.parametrize(
    "name", [name for name in ORDINARY if "until the end" not in name and "twice over" not in name]
)
def test_what_is_cut_anywhere_is_no_answer(name: str) -> None:
    data = ORDINARY[name][0]
    for at in range(len(data)):
        with pytest.raises((Ended, TransportFault)):
            read(data[:at])


# --- measure --------------------------------------------------------------------------------------------------------

FILLERS = {
    "headers": [b"HTTP/1.1 200 OK\r\n", *[b"X-%d: " % one + b"a" * 6000 + b"\r\n" for one in range(50)]],
    "one line": [b"HTTP/1.1 200 OK\r\nX: ", *[b"a" * 65536] * 40],
    "a status line": [b"HTTP/1.1 200 ", *[b"a" * 65536] * 40],
    "interim answers": [b"HTTP/1.1 102 Processing\r\nX: y\r\n\r\n"] * 9999,
    "a fold": [b"HTTP/1.1 200 OK\r\nRetry-After: 1\r\n", *[b" a" + b"b" * 999 + b"\r\n"] * 99],
    "chunk heads": [CHUNKED, *[b"1;" + b"e" * 4000 + b"\r\na\r\n"] * 40],
    "small chunks": [CHUNKED, *[b"1\r\na\r\n"] * 60_000],
    "trailers": [CHUNKED, b"0\r\n", *[b"X: " + b"a" * 500 + b"\r\n"] * 400],
}


@pytest.mark.parametrize("name", FILLERS)
def test_all_that_is_no_body_is_counted_together(name: str) -> None:
    data = b"".join(FILLERS[name])
    assert len(data) > HEAD_LIMIT
    with pytest.raises(TransportFault, match="the answer's head is larger than 65536 bytes") as caught:
        read(data, limit=1 << 20)
    assert (caught.value.kind, caught.value.sent, caught.value.answered) == ("unreadable", "yes", True)


def test_a_hundred_headers_and_no_more() -> None:
    head = b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-Limit-%d: 1\r\n" % one for one in range(99))
    assert len(read(head + b"Content-Length: 0\r\n\r\n")[0].headers) == 100
    with pytest.raises(TransportFault, match="head is not HTTP"):
        read(head + b"Date: x\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
@pytest.mark.parametrize("sizes", [(65536,), (1,), (100,)])
def test_a_body_of_the_limit_and_one_byte_more(coding: str, sizes: tuple[int, ...]) -> None:
    pack = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[coding]
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n".encode()
    assert read(head + pack(b"ab" * 500), *sizes)[1] == b"ab" * 500
    with pytest.raises(TransportFault, match="larger than 1000 bytes"):
        read(head + pack(b"ab" * 500 + b"c"), *sizes)


def test_compressed_nothing_without_end_has_an_end() -> None:
    with pytest.raises(TransportFault, match="larger than 1000 bytes"):
        read(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"") * 100)


def test_a_bomb_takes_no_more_than_the_limit() -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(bytes(64 << 20), compresslevel=9)
    tracemalloc.start()
    try:
        with pytest.raises(TransportFault, match="larger than 1048576 bytes"):
            read(data, limit=1 << 20)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_only_headers_that_somebody_reads_are_kept() -> None:
    kept = ["Retry-After", "Date", "X-Bapi-Limit-Reset-Timestamp", "ratelimit", "ratelimit-policy", "CF-Ray", "Traceid"]
    kept += ["x-mbx-used-remain-limit", "X-RateLimit-Remaining", "Content-Type", "X-Request-Id"]
    others = ["Set-Cookie", "Server", "X-Padding", "Content-Security-Policy", "Connection", "Transfer-Encoding"]
    lines = "".join(f"{name}: 1\r\n" for name in (*kept, *others[:-2]))
    head, _, _ = read(f"HTTP/1.1 200 OK\r\nConnection: close\r\n{lines}\r\n".encode())
    assert set(head.headers) == {name.lower() for name in kept}
    assert not any(answer.is_kept(name.lower()) for name in others)


# --- anything -------------------------------------------------------------------------------------------------------


ANSWERS = [
    SWITCHED,
    *(one[0] for one in ORDINARY.values()),
    *(one for some in BROKEN.values() for one in some.values()),
]


@given(
    data=st.binary(max_size=300), cut=st.integers(0, 200), insert=st.binary(max_size=8), known=st.sampled_from(ANSWERS)
)
def test_anything_is_an_answer_or_a_fault(data: bytes, cut: int, insert: bytes, known: bytes) -> None:
    for sent in (data, START + data, CHUNKED + data, known[:cut] + insert + known[cut:]):
        try:
            head, body, _ = read(sent, 5)
        except (Ended, TransportFault):
            continue
        assert 101 <= head.status <= 999
        assert len(body) <= LIMIT


@given(
    body=st.binary(max_size=200),
    sizes=st.lists(st.integers(1, 40), min_size=1),
    pieces=st.lists(st.integers(1, 9), min_size=1),
)
def test_chunks_of_any_size_in_pieces_of_any_size(body: bytes, sizes: list[int], pieces: list[int]) -> None:
    data, at, turn = CHUNKED, 0, 0
    while at < len(body):
        chunk = body[at : at + sizes[turn % len(sizes)]]
        data += b"%x\r\n" % len(chunk) + chunk + b"\r\n"
        at, turn = at + len(chunk), turn + 1
    head, read_body, reader = read(data + b"0\r\n\r\n", *pieces)
    assert (head.status, read_body, reader.empty) == (200, body, True)
