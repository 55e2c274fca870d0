"""Rows 32 to 34 and 41: wrong clocks, attempts that are signed afresh, a process that sleeps."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from cancelall.core.model import Verdict
from cancelall.net import transport
from faults import raw
from faults.harness import TO_ITS_DEADLINE, Case, shows
from loopback import read_request
from ports import until

TIMES = {
    "ascendex": "x-auth-timestamp",
    "bitget": "access-timestamp",
    "bybit": "x-bapi-timestamp",
    "deribit": "authorization",
    "okx": "ok-access-timestamp",
}
"""The header that holds the time; Pacifica has it in the body."""


def stamp(venue: str, headers: Any, body: bytes, target: str = "") -> int:
    """The time that a request was signed with."""
    if venue == "binance":
        return int(re.findall(r"[?&]timestamp=(\d+)", target)[0])
    if venue == "kraken":  # in ms, and in ns after two refusals
        nonce = int(re.findall(rb"nonce\W+(\d+)", body)[0])
        return nonce // 1_000_000 if nonce > 10**15 else nonce
    if venue not in TIMES:
        return int(json.loads(body)["nonce" if venue == "hyperliquid" else "timestamp"])
    written = headers[TIMES[venue]]
    if venue == "okx":
        return round(datetime.fromisoformat(written).timestamp() * 1000)
    return int(re.findall(r"1\d{12}", written)[0])


DIFFER = ("pacifica", "hyperliquid", "kraken")
"""Venues whose requests of one path may differ, and whose bodies hold their time."""
NO_CLOCK = {"deltadefi": "requests are not signed and carry no time"}


@shows(
    32,
    "a wrong clock",
    injected="the venue's clock is 10 min ahead, 10 min behind, 2 s behind",
    expected="repaired from the refusal, signed again",
    codes=(0,),
    not_for=NO_CLOCK,
)
@pytest.mark.parametrize("ahead", [600, -600, -2, 2])
def test_a_wrong_clock(case: Case, venue: str, ahead: int) -> None:
    """`ahead` is the venue's clock against ours."""
    server = case.server(venue, f"clock={ahead}")
    ended = case.kill(venue, server, deadline=6)
    assert ended.report.error is None


@shows(32, venues=["bybit"])
def test_a_slow_way_to_the_venue_widens_the_window(case: Case, venue: str) -> None:
    """Each signature is older than the window when it arrives: the window is widened, the deadline is not."""
    real = transport.Transport._by

    def slow(self: Any, route: Any, out: Any, *more: Any) -> Any:
        if out.signed.request.changes:  # cancels alone
            time.sleep(1.3)
        return real(self, route, out, *more)

    case.monkeypatch.setattr(transport.Transport, "_by", slow)
    server = case.server(venue)
    case.kill(venue, server, options={"recv_window": 1000, "category": ["spread"]}, deadline=12)
    assert not [order for order in server.open_orders() if order.segment == "spread"]


REFUSED = {
    "ascendex": ("200 OK", '{"code":200001,"message":"Invalid timestamp"}'),
    "binance": ("400 Bad Request", '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}'),
    "bitget": ("400 Bad Request", '{"code":"40008","msg":"Request timestamp expired","data":null}'),
    "bybit": ("200 OK", '{"retCode":10002,"retMsg":"invalid request, please check your server timestamp"}'),
    "kraken": ("200 OK", '{"error":["EAPI:Invalid nonce"]}'),
    "okx": ("401 Unauthorized", '{"code":"50102","msg":"Timestamp request expired."}'),
    "pacifica": ("400 Bad Request", '{"success":false,"error":"Invalid message","code":400}'),
}
"""A clock refusal that does not tell the venue's time."""


READS = {"GET /api/v1/order_strategies": '{"success":true,"data":{"strategies":[]}}'}


class Refusing:
    """A server that refuses every signed request for its time, and says the time in a Date header or not at all."""

    def __init__(self, venue: str, date: Callable[[], str] | None = None) -> None:
        self.venue, self.date = venue, date
        self.ahead: list[float] = []
        """By how many ms the time that a cancel was signed with is ahead of that of its arrival."""

    def __call__(self, server: raw.Raw, connection: Any) -> None:
        head, _, body = read_request(connection).partition(b"\r\n\r\n")
        text = head.decode()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in text.split("\r\n")[1:])}
        status, answer = REFUSED[self.venue]
        if text.startswith(("POST", "DELETE")):
            self.ahead.append(stamp(self.venue, headers, body, text.split()[1]) - time.time() * 1000)
        elif self.venue == "pacifica":  # its reads are not signed
            status, answer = "200 OK", READS.get(text.split("?")[0], '{"success":true,"data":[]}')
        lines = [f"HTTP/1.1 {status}", *([f"Date: {self.date()}"] if self.date else []), "Connection: close"]
        connection.sendall("\r\n".join([*lines, f"Content-Length: {len(answer)}", "", answer]).encode())


@shows(
    33,
    "a wrong clock, and nothing that tells the time",
    injected="clock refusals without a time in the body; with and without a Date header",
    expected="the Date header is used; without it the output says that the clock is off",
    codes=(0, 4),
    not_for={
        **NO_CLOCK,
        "deribit": "it has no word for a wrong clock: each of its answers tells the time",
        "hyperliquid": "it signs nothing before an order was listed",
    },
    over={"date": [None, "rubbish", "Wed, 99 Xxx 0000 99:99:99 GMT", "Fri, 31 Dec 9999 23:59:59 -9999"]},
    share=2,
    alone=TO_ITS_DEADLINE,
)
def test_nothing_tells_the_time(case: Case, venue: str, date: str | None) -> None:
    server = case.raw(Refusing(venue, date and (lambda: date)))
    readable = venue == "pacifica"  # its listings need no key, and no clock
    ended = case.kill(venue, case.table(venue, server.origin()), codes=[4, 10] if readable else [4])
    error = ended.error
    assert ended.report.verdict is Verdict.REFUSED or (readable and ended.report.verdict is Verdict.OPEN)
    assert error.kind == "clock"
    assert "clock" in error.hint


@shows(33, alone=TO_ITS_DEADLINE)
def test_the_date_header_tells_the_time(case: Case, venue: str) -> None:
    """The venue is ten minutes ahead, and only the Date header says so."""
    refuse = Refusing(venue, lambda: time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 600)))
    server = case.raw(refuse)
    case.kill(venue, case.table(venue, server.origin()), codes=[4])
    assert abs(max(refuse.ahead) - 600_000) < 5000
    assert abs(min(refuse.ahead)) < 5000


@shows(
    34,
    "attempts that repeat an old signature",
    injected="cancels are processed and answered 500",
    expected="each attempt has a newer time, and a signature over the bytes that arrive",
    codes=(0,),
    not_for=NO_CLOCK,
)
def test_every_attempt_is_signed_afresh(case: Case, venue: str) -> None:
    """The fake venue checks each signature over the bytes that arrive; what it refuses is not among these."""
    server = case.server(venue, "error-after:cancel@4", "error-500:cancel=1@4")
    ended = case.kill(venue, server, deadline=8)
    cancels: dict[object, list[int]] = {}
    for request in server.requests:
        if request.changes:
            body = b"" if venue in DIFFER else request.body
            signed = stamp(venue, request.headers, request.body, request.target)
            target = re.sub(r"timestamp=.*", "", request.target)  # Binance's time and signature are in its query
            cancels.setdefault((target, body), []).append(signed)
    assert max(len(stamps) for stamps in cancels.values()) >= 2
    again = [tries for (_, request), tries in ended.tries().items() if request.changes and len(tries) > 1]
    assert again
    if venue not in DIFFER:
        assert all(stamps == sorted(set(stamps)) for stamps in cancels.values())
    assert {request.status for request in server.requests} <= {200, 400, 404, 422, 500}


@shows(
    41,
    "the process sleeps",
    injected="SIGSTOP and SIGCONT; a minute passes between signing and sending",
    expected="signed again; no negative waits; the deadline holds",
    codes=(0, 11),
)
def test_a_minute_between_signing_and_sending(case: Case, venue: str) -> None:
    """The machine sleeps with signed requests in hand. When they leave, both clocks are a minute further."""
    from cancelall.engine.signer import SystemClock

    slept = [0]

    class Clock(SystemClock):
        def now_ms(self) -> int:
            return super().now_ms() + slept[0]

    real = transport.Transport.send

    def send(self: Any, signed: Any, deadline: float, *sent: Any) -> Any:
        slept[0] = 60_000
        return real(self, signed, deadline, *sent)

    case.monkeypatch.setattr(transport.Transport, "send", send)
    server = case.server(venue, now_ms=lambda: time.time_ns() // 1_000_000 + slept[0])
    case.kill(venue, server, deadline=6, clock=Clock(), codes=[0])


@shows(41)
def test_a_process_that_is_stopped_for_a_while(case: Case, venue: str) -> None:
    server = case.server(venue, "latency=0.2")
    path = case.narrow(venue, server)
    began = time.monotonic()
    process = case.start(venue, "--json", "--config", str(path), deadline=9)
    until(lambda: server.requests)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1.0)
    process.send_signal(signal.SIGCONT)
    ran = case.ended(process, began, deadline=9)
    assert ran.line["verdict"] == "clear"


@shows(41, alone="the process is stopped until its deadline is over")
def test_a_process_that_sleeps_past_its_deadline(case: Case, venue: str) -> None:
    server = case.server(venue, "stall")
    path = case.narrow(venue, server)
    began = time.monotonic()
    process = case.start(venue, "--json", "--config", str(path), deadline=2)
    until(lambda: server.requests)
    process.send_signal(signal.SIGSTOP)
    time.sleep(max(0.0, began + 2 * case.slow + 0.3 - time.monotonic()))
    process.send_signal(signal.SIGCONT)
    ran = case.ended(process, began, deadline=2.5, codes=[11, 12])
    assert ran.line["verdict"] in ("unreachable", "unproven")
    assert min(ran.line["timing_ms"]["verdict"], ran.line["timing_ms"]["first_request"]) >= 0
