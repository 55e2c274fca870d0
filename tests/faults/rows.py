"""The matrix as data: number, fault, how it is injected, what has to come of it, and where it does not apply."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cancelall.venues.registry import VENUES


@dataclass(frozen=True, kw_only=True)
class Row:
    """One fault. `codes` are the exit codes that may come of it; `not_for` names venues without it, and why."""

    number: int
    fault: str
    injection: str
    expectation: str
    codes: tuple[int, ...]
    not_for: Mapping[str, str] = field(default_factory=dict)
    one_venue: str = ""
    """Why one venue is enough."""
    on: str = "bybit"
    """That venue."""

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues for which its tests run."""
        able = tuple(venue for venue in VENUES if venue not in self.not_for)
        return (self.on,) if self.one_venue else able


_NO_CLOCK = {"deltadefi": "requests are not signed and carry no time"}
_OUTCOME = (0, 4, 10, 11, 12)

_ROWS = (
    Row(
        number=1,
        fault="DNS says no",
        injection="the resolver answers that there is no such name",
        expectation="tried again to the deadline, known not to be sent",
        codes=(12,),
    ),
    Row(
        number=2,
        fault="DNS says nothing",
        injection="the resolver sleeps for 30 s",
        expectation="abandoned at the deadline; the process ends all the same",
        codes=(12,),
    ),
    Row(
        number=3,
        fault="connection refused",
        injection="a closed port",
        expectation="again at once, then with growing random pauses",
        codes=(12,),
    ),
    Row(
        number=4,
        fault="connection goes nowhere",
        injection="a listener whose accept queue is full",
        expectation="tried again to the deadline; where the venue has a second host, a copy goes there and settles it",
        codes=(0, 12),
    ),
    Row(
        number=5,
        fault="the first of three addresses are dead",
        injection="the resolver names two full accept queues before the host",
        expectation="the addresses are raced, 250 ms apart",
        codes=(0,),
    ),
    Row(
        number=6,
        fault="TLS stalls",
        injection="connections are accepted and no byte is ever sent",
        expectation="known not to be sent; a copy goes to the second host, where there is one",
        codes=(0, 12),
    ),
    Row(
        number=7,
        fault="wrong certificate",
        injection="TLS with another host's name, an expired certificate, an unknown authority",
        expectation="one attempt, nothing sent, no retry; the words say that somebody may be listening",
        codes=(4,),
    ),
    Row(
        number=8,
        fault="the answer never comes",
        injection="requests are read, and processed or not, and never answered",
        expectation="sent again; the listing decides; a copy goes to the second host, where there is one",
        codes=(0, 12),
    ),
    Row(
        number=9,
        fault="a body that drips",
        injection="one byte every 0.3 s",
        expectation="abandoned at the deadline",
        codes=(12,),
    ),
    Row(
        number=10,
        fault="headers that drip",
        injection="one byte every 0.1 s",
        expectation="abandoned at the deadline",
        codes=(12,),
    ),
    Row(
        number=11,
        fault="the venue cancels, then resets in mid-answer",
        injection="RST after half of the body",
        expectation="sent again; the listing proves it",
        codes=(0,),
    ),
    Row(
        number=12,
        fault="the venue cancels, then closes without an answer",
        injection="FIN, and RST, before the first byte",
        expectation="sent again; the listing proves it",
        codes=(0,),
    ),
    Row(
        number=13,
        fault="429 with a short Retry-After",
        injection="the first cancel is answered 429, Retry-After: 1",
        expectation="waits for as long as it was asked to, then cancels",
        codes=(0,),
    ),
    Row(
        number=14,
        fault="429 with a long or senseless Retry-After",
        injection="everything is answered 429 with Retry-After: 600, a date, rubbish, or -1",
        expectation="no hammering; one listing is still tried; the output says how long the venue asked for",
        codes=(11,),
    ),
    Row(
        number=15,
        fault="418",
        injection="everything is answered 418",
        expectation="the same as a 429",
        codes=(11,),
    ),
    Row(
        number=16,
        fault="403 with a page (edge filter, region, address block)",
        injection="HTTP 403 with HTML to everything",
        expectation="a gateway's word: tried again, at most every 2 s, to the deadline; the page is not printed",
        codes=(4, 11),
    ),
    Row(
        number=17,
        fault="the key is refused",
        injection="the venue's own code for a revoked key; a bare 401",
        expectation="the code is believed when a second request hears it too; the bare 401 is a gateway's word",
        codes=(4, 11),
    ),
    Row(
        number=18,
        fault="the address is not on the key's list",
        injection="the venue's own code",
        expectation="believed after a try over the other address family, where there is one; the cure is named",
        codes=(4,),
        not_for={"deltadefi": "its keys have no address lists"},
    ),
    Row(
        number=19,
        fault="a right is missing for one product of several",
        injection="the venue's own code on the cancels of one product",
        expectation="the other products are cleared; what is left is listed",
        codes=(4, 10),
        not_for={
            "deltadefi": "its keys have no rights by product",
            "pacifica": "one cancel takes all products; an agent key has no rights by product",
        },
    ),
    Row(
        number=20,
        fault="5xx with a page, twice, then good",
        injection="HTTP 502 with HTML, the venue's own internal error, maintenance; 500 for 70 % of the deadline",
        expectation="sent again until it is done",
        codes=(0,),
    ),
    Row(
        number=21,
        fault="5xx after the orders were cancelled",
        injection="the request is processed and then answered 500",
        expectation="the listing proves it",
        codes=(0,),
    ),
    Row(
        number=22,
        fault="an answer that is not what the venue documents",
        injection="half of the JSON, [], NaN, keys twice, 50,000 brackets, other types, missing fields",
        expectation="the answer counts as none; the listing decides; an unreadable listing is never an empty one",
        codes=(0, 11),
    ),
    Row(
        number=23,
        fault="an answer without measure",
        injection="an endless chunked body, a gzip bomb, 200 headers",
        expectation="cut off at the limit; the process stays under 100 MB",
        codes=(11,),
    ),
    Row(
        number=24,
        fault="a redirect",
        injection="302 to another host; 302 with a body of 400 MB",
        expectation="not followed, not downloaded, nothing sent to the other host; asked again to the deadline",
        codes=(4, 11),
    ),
    Row(
        number=25,
        fault="hostile text",
        injection="control and OSC sequences, markup, RTL override, lone surrogate, NUL; a message of 1 MB",
        expectation="shown escaped and clipped, in tables, JSON lines and -v",
        codes=_OUTCOME,
    ),
    Row(
        number=26,
        fault="success, and the orders remain",
        injection="every cancel is acknowledged and cancels nothing",
        expectation="cancelled again; what remains is listed",
        codes=(10,),
    ),
    Row(
        number=27,
        fault="a cancel takes only some of the orders",
        injection="a cancel of several takes half of them, twice, or always",
        expectation="the rest is cancelled again",
        codes=(0, 10),
    ),
    Row(
        number=28,
        fault="orders appear during the sweep",
        injection="a bot places an order every 20 ms; or one more after each of three cancels",
        expectation="a new round for each; the output says that a bot is running",
        codes=(0, 10, 11),
    ),
    Row(
        number=29,
        fault="more orders than one call takes or one page shows",
        injection="1,700 orders, under the venue's rate limits",
        expectation="as many rounds as it takes, no limit broken",
        codes=(0,),
    ),
    Row(
        number=30,
        fault="pages that go in circles or change while they are read",
        injection="the next page is the first again; a bot places orders between the pages",
        expectation="bounded; never clear by such a listing",
        codes=(0, 10, 11),
        not_for={},
    ),
    Row(
        number=31,
        fault="the cancels work and the listing does not",
        injection="listings are answered 500",
        expectation="not proven",
        codes=(11,),
    ),
    Row(
        number=32,
        fault="a wrong clock",
        injection="the venue's clock is 10 min ahead, 10 min behind, 2 s behind",
        expectation="repaired from the refusal, signed again",
        codes=(0,),
        not_for=_NO_CLOCK,
    ),
    Row(
        number=33,
        fault="a wrong clock, and nothing that tells the time",
        injection="clock refusals without a time in the body; with and without a Date header",
        expectation="the Date header is used; without it the output says that the clock is off",
        codes=(0, 4),
        not_for=_NO_CLOCK,
    ),
    Row(
        number=34,
        fault="attempts that repeat an old signature",
        injection="cancels are processed and answered 500",
        expectation="each attempt has a newer time, and a signature over the bytes that arrive",
        codes=(0,),
        not_for=_NO_CLOCK,
    ),
    Row(
        number=35,
        fault="one venue of five is dead",
        injection="rows 1 to 9 on one of five servers",
        expectation="the other four finish at their own speed",
        codes=(12,),
    ),
    Row(
        number=36,
        fault="Ctrl-C, once and twice",
        injection="SIGINT while the venue does not answer, or cancels nothing, or a secret is being read",
        expectation="the first: no cancel any more, the orders are read once more, for 1 s; "
        "the second ends it at once, and tells what is known",
        codes=(130,),
    ),
    Row(
        number=37,
        fault="SIGTERM",
        injection="the signal while the venue does not answer",
        expectation="as Ctrl-C: no cancel any more, one last look, what is known is told",
        codes=(143,),
    ),
    Row(
        number=38,
        fault="the terminal is closed, ssh drops",
        injection="SIGHUP in the middle of the sweep",
        expectation="ignored; the sweep ends with its outcome",
        codes=_OUTCOME,
    ),
    Row(
        number=39,
        fault="the reader of the output goes away",
        injection="both pipes are closed before the first line; `| head -1`",
        expectation="the outcome decides the exit code",
        codes=_OUTCOME,
    ),
    Row(
        number=40,
        fault="stdout or stderr closed or full",
        injection=">&-, 2>&-, /dev/full",
        expectation="the outcome decides the exit code",
        codes=_OUTCOME,
    ),
    Row(
        number=41,
        fault="the process sleeps",
        injection="SIGSTOP and SIGCONT; a minute passes between signing and sending",
        expectation="signed again; no negative waits; the deadline holds",
        codes=(0, 11),
    ),
    Row(
        number=42,
        fault="the journal cannot be written",
        injection="a file size limit, a torn last line, a held lock, a directory in its place",
        expectation="the cancel goes on",
        codes=(0,),
        one_venue="the journal knows no venue",
    ),
    Row(
        number=43,
        fault="no home",
        injection="HOME missing, not set, read-only; no XDG directories",
        expectation="a kill from the environment needs none",
        codes=_OUTCOME,
    ),
    Row(
        number=44,
        fault="no terminal, no stdin",
        injection="stdin closed, in a session of its own",
        expectation="never asks for anything",
        codes=(0, 6),
    ),
    Row(
        number=45,
        fault="a config that cannot be read",
        injection="mode 000, directory, FIFO, not UTF-8, BOM, 2 MiB, symlink loop, bad TOML, missing",
        expectation="one line with the path, and the line number where there is one; no waiting on the FIFO",
        codes=(6,),
        one_venue="the file is read before any venue is known",
    ),
    Row(
        number=46,
        fault="1,000 profiles",
        injection="one server, 60 accounts, a limit of 256 open files; 1,000 in a test of its own",
        expectation="all clear; threads, sockets and memory stay bounded",
        codes=(0,),
        one_venue="what is shared between profiles knows no venue; this one has no limit per address",
        on="ascendex",
    ),
    Row(
        number=47,
        fault="one bad profile among 1,000",
        injection="a misspelt key, a refused key, a missing secret",
        expectation="all others fire and are clear",
        codes=(4, 6),
        one_venue="what is shared between profiles knows no venue; this one has no limit per address",
        on="ascendex",
    ),
    Row(
        number=48,
        fault="time zones and locales",
        injection="TZ with the clock change in this minute, LC_ALL=tr_TR and C, PYTHONIOENCODING=ascii and latin-1",
        expectation="no difference",
        codes=_OUTCOME,
    ),
    Row(
        number=49,
        fault="the proxy",
        injection="dead, answers 407, works, silent, SOCKS; from environment and profile; NO_PROXY; the word none",
        expectation="obeyed; the environment's is passed by and named if nothing gets through, the profile's is not",
        codes=(0, 12),
    ),
    Row(
        number=50,
        fault="netrc and SSLKEYLOGFILE",
        injection="an entry for the venue's host; a path to log session keys to",
        expectation="no effect",
        codes=(0,),
    ),
    Row(
        number=51,
        fault="the keyring",
        injection="none, locked, hanging, plain text, null, failing",
        expectation="bounded; the cure is named; other profiles fire",
        codes=(6,),
    ),
    Row(
        number=52,
        fault="secret_command",
        injection="hangs, prints without end, fails, prints nothing, wants a terminal, leaves children behind",
        expectation="bounded in time and size; other profiles fire",
        codes=(6,),
    ),
    Row(
        number=53,
        fault="a malformed secret",
        injection="line break, smart quote, NUL, blank, in the environment and in the config",
        expectation="the field is named, the value never shown",
        codes=(6,),
    ),
    Row(
        number=54,
        fault="two kills at once",
        injection="two processes on one account, under the venue's rate limits",
        expectation="both end clear",
        codes=(0,),
    ),
    Row(
        number=55,
        fault="kill -9 between the send and the answer",
        injection="SIGKILL while the venue keeps its answer back",
        expectation="another run finishes the job",
        codes=(0,),
    ),
    Row(
        number=56,
        fault="the listing says empty, then an order is back",
        injection="listings are empty for 0.8 of the venue's gap after a cancel that took nothing",
        expectation="the second listing catches it",
        codes=(0,),
    ),
    Row(
        number=57,
        fault="a key of another environment",
        injection="the venue's own code for a key that it does not know",
        expectation="the hint says what may not belong together",
        codes=(4,),
    ),
    Row(
        number=58,
        fault="trading is locked, or the venue restarts",
        injection="the venue's own words for it, for a while and for good",
        expectation="tried again to the deadline",
        codes=(0, 10, 11),
    ),
    Row(
        number=59,
        fault="a gateway answers for a while",
        injection="401, 403, 404, 405, 302, HTML with 200, JSON without a code, nothing: to every path, then health",
        expectation="all orders are gone, and it is clear",
        codes=(0,),
    ),
    Row(
        number=60,
        fault="a gateway answers for the whole run",
        injection="the same to the end, or before what is read alone",
        expectation="every cancel is tried to the deadline; what the venue could be told is done",
        codes=(4, 11),
    ),
    Row(
        number=61,
        fault="one refusal among good answers",
        injection="the third or the sixth request hears once that the key, the address or the call is refused",
        expectation="it ends nothing",
        codes=(0,),
    ),
    Row(
        number=62,
        fault="a product is said to be missing, and its listing is silent",
        injection="the venue's word for it to the cancels of a product whose listing hangs or is dropped",
        expectation="never clear while an order rests",
        codes=(4, 10, 11, 12),
        not_for={"pacifica": "it has no word for a missing product"},
    ),
    Row(
        number=63,
        fault="one row of a listing is odd",
        injection="a date with a fraction, a price that is an object, a flag that is maybe, null, another shape, twice",
        expectation="every order that can be named is cancelled; what is odd proves nothing",
        codes=(0, 10, 11),
    ),
    Row(
        number=64,
        fault="a listing's way on is odd",
        injection="missing, null, of another type, to the page itself, to an empty page, endless, a wrong total",
        expectation="what was read is cancelled; bounded; never clear while an order rests",
        codes=(0, 10, 11),
        not_for={"ascendex": "its listings have one page", "pacifica": "its listings name no next page"},
    ),
    Row(
        number=65,
        fault="one request is asked to wait for a minute",
        injection="429 and 503 with Retry-After: 60, or the venue's own limit with a reset in a minute, once",
        expectation="the verdict comes within seconds of when it would have come",
        codes=(0,),
    ),
    Row(
        number=66,
        fault="replicas that contradict each other",
        injection="every second reading of each listing is three gaps old",
        expectation="clear only when both are empty",
        codes=(0,),
    ),
    Row(
        number=67,
        fault="null in the place of a list",
        injection="every empty list is null",
        expectation="heard twice, it is empty",
        codes=(0,),
    ),
)

ROWS: Mapping[int, Row] = {row.number: row for row in _ROWS}
