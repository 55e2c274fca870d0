"""Answers as HTTP lets anything on the way deliver them, from bytes that come in pieces of any size."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator

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


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PACKED = gzip.compress(b'{"a":1}')
RAW = zlib.compress(b'{"a":1}')
ORDINARY: dict[str, tuple[bytes, int, bytes, bool]] = {
    "a length": (b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}', 200, b'{"a":1}', True),
    "a length of nothing": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
    "the same length twice": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-length: 2\r\n\r\n{}", 200, b"{}", True),
    "the same length in one line": (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", 200, b"{}", True),
    "names in capitals": (b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH:2\r\n\r\n{}", 200, b"{}", True),
    "names in small letters": (b"HTTP/1.1 200 OK\r\ncontent-length:   2  \r\n\r\n{}", 200, b"{}", True),
    "a blank before the colon": (b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}", 200, b"{}", True),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}", True),
    "an empty reason": (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}", 200, b"{}", True),
    "a reason in another script": (b"HTTP/1.1 200 \xe5\xa5\xbd\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}", True),
    "bare line feeds": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", 200, b"{}", True),
    "a folded line": (b"HTTP/1.1 200 OK\r\nX-Old: a\r\n b: c\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}", True),
    "a folded length": (b"HTTP/1.1 200 OK\r\nContent-Length:\r\n\t2\r\n\r\n{}", 200, b"{}", True),
    "a fold before any line": (
        b"HTTP/1.1 200 OK\r\n Content-Length: 9\r\nContent-Length: 2\r\n\r\n{}",
        200,
        b"{}",
        True,
    ),
    "a line that is no header": (
        b"HTTP/1.1 200 OK\r\nnonsense\r\n: x\r\nContent-Length: 2\r\n\r\n{}",
        200,
        b"{}",
        True,
    ),
    "a header of raw bytes": (b"HTTP/1.1 200 OK\r\nX: \xff\x00\xfe\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}", True),
    "continue": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}", True),
    "early hints": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\n"
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}",
        404,
        b"{}",
        True,
    ),
    "chunks": (CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, b"{}", True),
    "chunks with extensions": (CHUNKED + b'2;a="b;c" ; d\r\n{}\r\n0;last\r\n\r\n', 200, b"{}", True),
    "sizes with zeros and blanks": (CHUNKED + b"0002 \r\n{}\r\n000\r\n\r\n", 200, b"{}", True),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\nX-Sum: 1\r\nContent-Length: 7\r\n\r\n", 200, b"{}", True),
    "chunks, and a connection that closes": (
        CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + b"2\r\n{}\r\n0\r\n\r\n",
        200,
        b"{}",
        False,
    ),
    "chunks in other letters": (
        b"HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        200,
        b"{}",
        True,
    ),
    "chunks and a length": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        200,
        b"{}",
        False,
    ),
    "until the end": (b"HTTP/1.1 200 OK\r\n\r\n{}", 200, b"{}", False),
    "until the end, as it says": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}", 200, b"{}", False),
    "a length, and close": (
        b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\n{}",
        200,
        b"{}",
        False,
    ),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, b"{}", False),
    "HTTP/1.0 until the end": (b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n{}", 200, b"{}", False),
    "HTTP/1.0 that is kept": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
        200,
        b"{}",
        True,
    ),
    "no content": (b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", 204, b"", True),
    "not modified": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, b"", True),
    "compressed": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: x-gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED,
        200,
        b'{"a":1}',
        True,
    ),
    "compressed twice over": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: GZIP\r\n\r\n" + PACKED + PACKED,
        200,
        b'{"a":1}{"a":1}',
        False,
    ),
    "deflated": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: %d\r\n\r\n" % len(RAW) + RAW,
        200,
        b'{"a":1}',
        True,
    ),
    "not compressed, as it says": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
        200,
        b"{}",
        True,
    ),
}


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


BROKEN: dict[str, tuple[bytes, str, str]] = {
    "two lengths": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "unreadable",
        "head is not",
    ),
    "two lengths in one line": (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}", "unreadable", "head is not"),
    "a length below nothing": (b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", "unreadable", "head is not"),
    "a length with a sign": (b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}", "unreadable", "head is not"),
    "a length in Arabic": (b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n{}", "unreadable", "head is not"),
    "a length without end": (
        b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        "unreadable",
        "head is not",
    ),
    "a huge length": (b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n", "unreadable", "larger than 1000 bytes"),
    "another protocol": (b"HTTP/1.1 101 Switching Protocols\r\n\r\nhello", "", ""),
    "version 2": (b"HTTP/2 200\r\n\r\n", "unreadable", "head is not"),
    "another coding": (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nx", "unreadable", "could not be decoded"),
    "two codings": (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\nx", "unreadable", "could not be decoded"),
    "another transfer": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "unreadable", "could not be"),
    "gzip that is cut": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + PACKED[:-9],
        "unreadable",
        "could not be",
    ),
    "gzip and rubbish": (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + PACKED + b"x" * 20,
        "unreadable",
        "could not",
    ),
    "a size with an underscore": (CHUNKED + b"1_0\r\n" + b"x" * 16 + b"\r\n0\r\n\r\n", "unreadable", "broke off"),
    "a size with a sign": (CHUNKED + b"+2\r\n{}\r\n0\r\n\r\n", "unreadable", "broke off"),
    "a size of 17 digits": (CHUNKED + b"00000000000000002\r\n{}\r\n0\r\n\r\n", "unreadable", "broke off"),
    "a chunk that is longer": (CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n", "unreadable", "broke off"),
    "no status": (b"HTTP/1.1\r\n\r\n", "network", "no HTTP"),
    "a status of four digits": (b"HTTP/1.1 2000 OK\r\n\r\n", "network", "no HTTP"),
    "a status in Arabic": (b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n", "network", "no HTTP"),
    "an empty line first": (b"\r\nHTTP/1.1 200 OK\r\n\r\n", "network", "no HTTP"),
}


@pytest.mark.parametrize("name", [name for name in BROKEN if BROKEN[name][1]])
def test_what_http_does_not_allow_is_no_answer(name: str) -> None:
    data, kind, words = BROKEN[name]
    with pytest.raises(TransportFault, match=words) as caught:
        read(data)
    assert (caught.value.kind, caught.value.final) == (kind, False)


def test_another_protocol_has_no_body_and_ends_the_connection() -> None:
    head, body, _ = read(BROKEN["another protocol"][0])
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


def _answers() -> Iterator[bytes]:
    for data, *_ in (*ORDINARY.values(), *BROKEN.values()):
        yield data


@given(
    data=st.binary(max_size=300),
    cut=st.integers(0, 200),
    insert=st.binary(max_size=8),
    known=st.sampled_from(list(_answers())),
)
def test_anything_is_an_answer_or_a_fault(data: bytes, cut: int, insert: bytes, known: bytes) -> None:
    for sent in (data, b"HTTP/1.1 200 OK\r\n" + data, CHUNKED + data, known[:cut] + insert + known[cut:]):
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
