"""Streams written in the background: what is slow, closed or broken loses text and delays nothing."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

import ports
from cancelall.cli.execute import Output
from cancelall.core.secret import Secret
from cancelall.report import streams
from cancelall.report.streams import Outlet


def text_of(buffer: io.BytesIO) -> str:
    return buffer.getvalue().decode()


def stream(encoding: str = "utf-8") -> tuple[TextIO, io.BytesIO]:
    """A stream as `sys.stdout` is one, and what has reached its file."""
    buffer = io.BytesIO()
    return io.TextIOWrapper(buffer, encoding=encoding), buffer


def said(outlet_of: TextIO | None, *renders: Callable[[], str]) -> None:
    """Write all of it, and wait until it is written."""
    outlet = Outlet(outlet_of, "test")
    for render in renders:
        outlet.write(render)
    outlet.close(5)


def _raise(fault: BaseException) -> Callable[[], str]:
    def render() -> str:
        raise fault

    return render


def test_lines_are_written_in_their_order() -> None:
    made, buffer = stream()
    outlet = Outlet(made, "test")
    for number in range(200):
        outlet.line(f"line {number}")
    outlet.close(None)
    assert text_of(buffer) == "".join(f"line {number}\n" for number in range(200))


def test_writing_is_somebody_elses_work() -> None:
    made, buffer = stream()
    outlet = Outlet(made, "the writer")
    outlet.write(lambda: threading.current_thread().name)
    outlet.close(5)
    assert text_of(buffer) == "the writer"


def test_nothing_begins_before_there_is_something_to_write() -> None:
    made, buffer = stream()
    before = threading.active_count()
    outlet = Outlet(made, "idle")
    assert threading.active_count() == before
    outlet.close(None)
    assert text_of(buffer) == ""


@pytest.fixture
def full_pipe() -> Iterator[tuple[TextIO, int]]:
    """A pipe that is full to the brim, and its reading end."""
    reading, writing = ports.full_pipe()
    with open(writing, "w", encoding="utf-8") as made:  # noqa: PTH123 - a descriptor
        yield made, reading
        os.close(reading)


@pytest.mark.alone("measures how long a reader is waited for")
def test_a_stream_that_blocks_delays_nobody(full_pipe: tuple[TextIO, int]) -> None:
    made, reading = full_pipe
    outlet = Outlet(made, "blocked")
    began = time.monotonic()
    for _ in range(1000):
        outlet.line("y" * 1000)
    outlet.write(lambda: "the end")
    assert time.monotonic() - began < 0.5
    began = time.monotonic()
    outlet.close(0.05)
    assert time.monotonic() - began < 0.5
    got = b""
    while not got.endswith(b"the end"):
        got += os.read(reading, 1 << 20)
    assert got.count(b"y") == 1_000_000
    outlet.close(5)


def test_a_text_that_would_end_the_thread_ends_neither_it_nor_who_waits_for_it() -> None:
    made, buffer = stream()
    outlet = Outlet(made, "dying")

    def dies() -> str:
        raise SystemExit(3)

    outlet.write(dies)
    outlet.line("the next one")
    closing = threading.Thread(target=outlet.close, args=(None,), daemon=True)
    closing.start()
    closing.join(5)
    assert not closing.is_alive()
    assert "(SystemExit)" in text_of(buffer)
    assert text_of(buffer).endswith("the next one\n")


class Broken(io.TextIOBase):
    """A stream that fails as it is told to, and counts how often that was tried."""

    encoding = "utf-8"

    def __init__(self, fault: BaseException) -> None:
        self.fault = fault
        self.tries = 0

    def write(self, text: str) -> int:
        self.tries += 1
        raise self.fault

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize(
    "fault", [BrokenPipeError(32, "Broken pipe"), OSError(28, "No space left"), ValueError("I/O on closed file")]
)
def test_a_broken_stream_is_given_up_after_one_try(fault: Exception) -> None:
    broken = Broken(fault)
    said(broken, *(lambda: "x" for _ in range(5)))
    assert broken.tries == 1


def test_a_closed_stream_loses_its_text_and_nothing_else() -> None:
    made, _ = stream()
    made.close()
    outlet = Outlet(made, "closed")
    assert outlet.is_terminal is False
    outlet.line("x")
    outlet.close(5)


def test_a_reader_that_has_gone_away_breaks_nothing() -> None:
    drawn: list[int] = []

    def draw() -> str:
        drawn.append(1)
        return "x" * 100_000

    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as made:  # noqa: PTH123 - a descriptor
        said(made, draw, draw, draw)
    assert drawn == [1], "what nobody reads is not even drawn"


def test_no_stream_at_all() -> None:
    outlet = Outlet(None, "none")
    assert outlet.is_terminal is False
    outlet.write(_raise(AssertionError("this must not be drawn")))
    outlet.line("x")
    outlet.close(None)


def test_a_stream_without_a_file_below_it() -> None:
    made = io.StringIO()
    said(made, lambda: "é…", lambda: "\n")
    assert made.getvalue() == "é…\n"


def test_what_cannot_be_drawn_does_not_lose_the_rest() -> None:
    made, buffer = stream()
    said(made, lambda: "before\n", _raise(KeyError("hunter2")), _raise(RecursionError()), lambda: "", lambda: "after\n")
    assert text_of(buffer) == (
        "before\n"
        "cancelall: this output could not be drawn (KeyError)\n"
        "cancelall: this output could not be drawn (RecursionError)\n"
        "after\n"
    )


def test_secrets_are_taken_out_also_those_that_came_later() -> None:
    made, buffer = stream()

    def render() -> str:
        Secret("hunter2-canary")
        return "a hunter2-canary b\n"

    said(made, render, lambda: "hunter2-canary\n")
    assert text_of(buffer) == "a *** b\n***\n"


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "é … 😀 \\udcff".encode()),
        ("ascii", b"\\xe9 \\u2026 \\U0001f600 \\udcff"),
        ("latin-1", b"\xe9 \\u2026 \\U0001f600 \\udcff"),
        ("cp1252", b"\xe9 \x85 \\U0001f600 \\udcff"),
    ],
)
def test_what_an_encoding_cannot_say_is_spelt_out(encoding: str, expected: bytes) -> None:
    made, buffer = stream(encoding)
    said(made, lambda: "é … 😀 \udcff")
    assert buffer.getvalue() == expected


def test_a_terminal_is_one() -> None:
    parent, child = os.openpty()
    with open(child, "w", encoding="utf-8") as made:  # noqa: PTH123
        assert Outlet(made, "terminal").is_terminal is True
    os.close(parent)


def test_a_commands_data_goes_to_stdout(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    streams.emit("data é\n")
    assert capsysbinary.readouterr().out == "data é\n".encode()


def test_no_outlet_lets_a_secret_through(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    Secret("CANARY-of-a-secret")
    streams.emit("data CANARY-of-a-secret\n")
    Output().note("a note CANARY-of-a-secret")
    told = capsysbinary.readouterr()
    assert (told.out, told.err) == (b"data ***\n", b"cancelall: a note ***\n")


@pytest.mark.parametrize("gone", [None, Broken(BrokenPipeError(32, "Broken pipe"))])
def test_a_commands_data_that_nobody_reads(gone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", gone)
    streams.emit("data\n")
    assert gone is None or gone.tries == 1


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with open("/dev/full", "w", encoding="utf-8") as made:  # noqa: PTH123
        said(made, lambda: "x" * 100_000, lambda: "y")
