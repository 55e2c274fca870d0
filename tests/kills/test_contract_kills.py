"""The same kills on every venue, by the tables of `truth`: under virtual time, but where sockets are the point."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cancelall import simulator
from cancelall.core.model import State, Verdict
from cancelall.simulator import FakeVenue, Kind, SimOrder, SimRequest
from cancelall.venues.registry import VENUES, load
from kills.truth import COMMON, TRUTHS, Account, Misspelt, Narrow, Part, Refusal
from kills.virtual import Faced, cleared, faced, ids
from soak.virtual import Sent, Weather
from support import cancelall, kill, profile_table, swept, write_config
from turns import later
from unit.venues.kinds import EVERY

each_venue = pytest.mark.parametrize("venue", VENUES)


def each(table: str, name: str = "", *, modes: bool = False, turns: Sequence[str] = ()) -> pytest.MarkDecorator:
    """One test for each row of this table of each venue; with `modes` in each mode of an account.

    What every venue has is in `turns`; a row that only one has is always soon in its usual mode.
    """
    rows = [
        pytest.param(
            *(venue, row, *([mode] if modes else [])),
            id="-".join([venue, _shown(row), mode]).strip("-"),
            marks=later(venue, number) if row in turns or mode not in ("", truth.modes[0]) else (),
        )
        for venue, truth in TRUTHS.items()
        for number, row in enumerate(getattr(truth, table))
        for mode in (truth.modes if modes else ("",))
    ]
    return pytest.mark.parametrize(("venue", name or table, *(["account"] if modes else [])), rows)


def _shown(row: object) -> str:
    shown = row if isinstance(row, str | int) else getattr(row, "fault", None) or getattr(row, "faults", None) or row
    return str(shown).replace(" ", "")[:60]


each_account = pytest.mark.parametrize(
    ("venue", "account"), [(venue, mode) for venue, truth in TRUTHS.items() for mode in truth.modes]
)


def sent(log: list[Sent]) -> list[tuple[str, str, bytes]]:
    """What was sent, in the order in which it left."""
    return [(one.request.path, one.request.query, one.request.body) for one in log]


# --- everything -----------------------------------------------------------------------------------------------------


@each("accounts", "account")
@pytest.mark.turns(1)
def test_the_command_empties_an_account_that_holds_every_kind(venue: str, account: Account, home: Path) -> None:
    """The real command over sockets, the client's own signer against the exchange's own checks."""
    truth = TRUTHS[venue]
    with simulator.start(venue, orders=account.orders, faults=account.faults) as server:
        before = {order.id for order in server.open_orders() if order.segment not in truth.unseen}
        assert len({(order.segment, order.kind, order.type) for order in server.open_orders()}) >= account.kinds
        file = write_config(home / "c.toml", {venue: profile_table(venue, server)})
        ran = cancelall(venue, "--config", str(file), "--json", home=home)
        assert (ran.code, server.open_orders()) == (0, []), ran.err
        strategies = getattr(server.fake, "strategies_alive", lambda account: [])
        assert strategies(server.account) == []
    line = ran.line
    assert (line["verdict"], line["exit_code"], line["error"], line["scope"]) == ("clear", 0, None, {})
    ended = {one["name"]: one["verdict"] for one in line["segments"]}
    assert ended == {**dict.fromkeys(account.segments, "clear"), **dict.fromkeys(account.absent, "absent")}
    assert before <= {row["id"] for row in line["orders"]}
    assert line["counts"]["cancelled"] == len(line["orders"]), "each of them is known to be cancelled"
    for words in truth.warnings if not account.mode else ():
        assert any(words in one for one in line["warnings"])
    for words in truth.not_covered:
        assert any(words in one for one in line["not_covered"])
    assert server.account.key[-4:] in ran.err or not truth.account_shown
    for value in server.credentials.values():
        assert value not in ran.out + ran.err


@each("accounts", "account")
def test_the_first_request_is_a_cancel_and_all_keep_within_the_limits(venue: str, account: Account) -> None:
    """In the order in which they leave: two requests on two connections may change places on the way."""
    result = cleared(faced(venue, account=account.mode, orders=account.orders))
    first = result.log[0]
    assert first.request.path == TRUTHS[venue].first
    assert (first.kind is Kind.CANCEL) is not TRUTHS[venue].lists_first
    assert 429 not in result.statuses


@pytest.mark.parametrize(
    ("venue", "mode"),
    [
        pytest.param(venue, mode, marks=later(venue, 0) if mode == "dry-run" else ())
        for venue in VENUES
        for mode in ("whole", "dry-run")
    ],
)
@pytest.mark.turns(4)
def test_more_orders_than_one_call_takes_or_one_page_shows(venue: str, mode: str) -> None:
    """Within the venue's limits."""
    orders = TRUTHS[venue].many if mode == "whole" else min(600, TRUTHS[venue].many)
    result = faced(venue, mode=mode, orders=orders, options=TRUTHS[venue].product, deadline=60.0)
    cleared(result)
    assert 429 not in result.statuses
    assert mode != "whole" or any(TRUTHS[venue].many_warning in words for words in (*result.report.warnings, ""))
    shown = {row.order.id for row in result.report.orders}
    assert mode == "whole" or shown >= {order.id for order in result.stock if result.holds(order, "in_scope")}


def _ms(written: str) -> int:
    """The time that stands in a header or a field: in ms, among other words, or as ISO 8601."""
    known = re.findall(r"1\d{12}", written)
    return int(known[0] if known else re.sub(r"\D", "", written))


@each_venue
def test_every_attempt_is_signed_afresh(venue: str) -> None:
    stamp = TRUTHS[venue].stamp
    weather = Weather(latency=0.2)
    cancels = cleared(faced(venue, "error-after:cancel@4", options=TRUTHS[venue].product, weather=weather)).changes
    if not TRUTHS[venue].clocks:
        assert all(b"time" not in one.body for one in cancels)
        return
    stamps = [_stamp(venue, stamp, one) for one in cancels]
    assert len(set(stamps)) >= 2
    assert stamps == sorted(stamps)  # two tries may fall into one millisecond
    signatures = {
        str([text for name, text in one.headers.items() if "-sign" in name or name == stamp] or one.body or one.query)
        for one in cancels
    }
    assert len(signatures) >= len(set(stamps))


def _stamp(venue: str, stamp: str, request: SimRequest) -> int:
    """The time of a request, from where it stands."""
    if stamp.startswith("?"):
        return _ms(request.parameters()[stamp[1:]])
    if stamp:
        return _ms(request.headers[stamp])
    return _ms(str(json.loads(request.body)["nonce" if venue == "hyperliquid" else "timestamp"]))


@each_account
def test_bodies_are_compact_and_hold_no_null(venue: str, account: str) -> None:
    bodies = [one.request.body for one in faced(venue, account=account).log if one.request.method != "GET"]
    assert any(bodies) or venue in ("deribit", "binance"), "all of it stands in the query"
    separators = (", ", ": ") if venue == "deltadefi" else (",", ":")  # as its own document has them
    for body in (one for one in bodies if one.startswith((b"{", b"["))):  # Kraken's are forms
        assert b"null" not in body
        assert json.dumps(json.loads(body), separators=separators, ensure_ascii=False).encode() == body


# --- reads only -----------------------------------------------------------------------------------------------------


@each("accounts", "account")
def test_a_dry_run_changes_nothing(venue: str, account: Account) -> None:
    result = faced(venue, mode="dry-run", account=account.mode, orders=account.orders)
    report = result.report
    assert not result.changes
    assert (report.verdict, report.exit_status, ids(result.left)) == (Verdict.OPEN, 0, ids(result.stock))
    assert result.ended("open") == {row.order.id for row in report.orders} >= ids(result.stock)
    assert any("nothing was cancelled" in words for words in report.warnings) or venue != "bitget"
    assert set(TRUTHS[venue].would_send) <= set(report.would_send) or account.mode in ("unified", "pm")
    assert not any("sign" in words.lower() for words in report.would_send)


@each_venue
def test_a_dry_run_of_the_command_is_exit_0(venue: str, home: Path) -> None:
    with simulator.start(venue, orders=12) as server:
        file = write_config(home / "c.toml", {venue: profile_table(venue, server)})
        ran = cancelall(venue, "--config", str(file), "--dry-run", "--json", home=home)
        assert not any(request.changes for request in server.requests)
        assert {order.id for order in server.open_orders()} <= {row["id"] for row in ran.line["orders"]}
    assert (ran.code, ran.line["verdict"]) == (0, "open"), ran.err


@each_account
@pytest.mark.turns(0)
def test_a_status_that_nobody_documented_is_open(venue: str, account: str) -> None:
    result = faced(venue, "unknown-status", mode="dry-run", account=account, orders=12)
    assert result.verdict is Verdict.OPEN
    assert result.ended("open") >= ids(result.stock)


# --- what cannot be cancelled or read -------------------------------------------------------------------------------


@each_account
@pytest.mark.turns(2)
def test_orders_that_cannot_be_cancelled_are_listed(venue: str, account: str) -> None:
    result = faced(venue, "ack-only", account=account, orders=12, options=TRUTHS[venue].product, deadline=6.0)
    assert (result.verdict, result.report.exit_status) == (Verdict.OPEN, 10)
    left = {order.id for order in result.left if result.holds(order, "in_scope")}
    assert len(left) >= 3
    assert left <= result.ended("open", "failed")
    if venue == "deltadefi":
        named = {request.path for request in result.changes}
        assert named >= {f"/order/{one}/cancel" for one in left}


SHAPES = (
    *("json:listing=[]", "json:listing={}", "truncated:listing", "empty-body:listing", "html:listing"),
    *("html:listing=200", "duplicate-keys:listing", "listing-fails"),
)


@pytest.mark.parametrize(
    ("venue", "fault", "account"),
    [
        pytest.param(venue, fault, mode, marks=later(venue, number) if fault in SHAPES else ())
        for venue, truth in TRUTHS.items()
        for number, fault in enumerate((*SHAPES, *truth.unreadable))
        for mode in truth.modes
    ],
)
@pytest.mark.turns(1)
def test_listings_of_another_shape_never_prove_anything(venue: str, fault: str, account: str) -> None:
    """An unreadable listing is never an empty one. The cancels go out all the same."""
    if fault.startswith("duplicate-keys") and venue in ("bybit", "binance"):
        pytest.skip("its keys stand once in an answer that is empty")
    if venue in ("hyperliquid", "binance") and fault in ("json:listing=[]", "duplicate-keys:listing"):
        pytest.skip("a bare list is its empty answer")
    bare = venue == "deltadefi" and fault == "json:listing=[]"  # documented: some clients were given a bare list
    faults = [*TRUTHS[venue].quirks, fault, *(["ack-only"] if fault.startswith("duplicate") else [])]
    result = faced(venue, *faults, account=account, orders=12, options=TRUTHS[venue].product, deadline=6.0)
    proven = (Verdict.CLEAR, 0) if bare else (Verdict.UNPROVEN, 11)
    assert (result.verdict, result.report.exit_status) == proven
    assert bare or {segment.listings for segment in result.report.segments} == {0}
    assert result.changes or TRUTHS[venue].lists_first or venue == "binance"  # whose cancels want symbols


@each("nulls", "fault", modes=True)
def test_a_null_that_stays_in_the_place_of_a_list_is_an_empty_one(venue: str, fault: str, account: str) -> None:
    cleared(faced(venue, fault, account=account, orders=12, options=TRUTHS[venue].product))


@each_account
@pytest.mark.turns(1)
def test_pages_that_go_in_circles_never_prove_anything(venue: str, account: str) -> None:
    truth = TRUTHS[venue]
    if not truth.circles:
        pytest.skip("its listings name no page that follows")
    result = faced(venue, *truth.circles, account=account, orders=truth.paged, keep=True, deadline=5.0)
    assert result.verdict in (Verdict.OPEN, Verdict.UNPROVEN)


@each("passing", "fault", modes=True, turns=COMMON)
def test_troubles_that_pass_and_variants_end_clear(venue: str, fault: str, account: str) -> None:
    scarce = load(venue).listings is not None  # of what fails now and then few are left to be read again
    result = cleared(faced(venue, fault, account=account, orders=40, deadline=60.0 if scarce else 20.0))
    assert result.report.error is None


@each("clocks", "seconds", modes=True)
@pytest.mark.turns(3)
def test_a_wrong_clock_is_repaired_from_the_refusal(venue: str, seconds: int, account: str) -> None:
    result = cleared(faced(venue, f"clock={seconds}", account=account))
    cancelled = result.ended("cancelled")
    assert cancelled == {row.order.id for row in result.report.orders}
    named = [order for order in result.stock if order.segment not in TRUTHS[venue].unseen]
    assert cancelled >= ids(named) or seconds in TRUTHS[venue].unnamed


# --- refusals -------------------------------------------------------------------------------------------------------


@each("refusals", "refusal")
def test_a_refusal_says_what_it_is_and_is_not_asked_for_again(venue: str, refusal: Refusal) -> None:
    """But for a gateway's word, which may pass. On some venues orders are read without a key, and may be known."""
    result = faced(venue, *refusal.faults, orders=refusal.orders, deadline=4.0)
    report = result.report
    readable = venue in ("pacifica", "hyperliquid") and report.verdict is Verdict.OPEN
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4) or readable
    assert report.error is not None
    assert report.error.kind == refusal.kind
    assert report.error.hint or refusal.twice
    assert refusal.hint in report.error.hint
    assert ids(result.left) == ids(result.stock)
    if not refusal.twice:
        assert len(set(sent(result.log))) == len(result.log), "the first volley, and nothing twice"
    if refusal.kind not in ("region", "redirect", "environment") and venue in ("pacifica", "deltadefi"):
        sent_first = [one.request.path for one in result.log].count(TRUTHS[venue].first)
        assert sent_first in (1, 2), "one word is not believed, a second one is"


@pytest.mark.parametrize(
    ("venue", "field", "words"),
    [(venue, field, words) for venue, truth in TRUTHS.items() for field, words in truth.secrets.items()],
)
def test_a_wrong_secret_is_refused(venue: str, field: str, words: str) -> None:
    with simulator.start(venue, orders=12) as server:
        table = profile_table(venue, server)
        table["credentials"] = {**server.credentials, field: "DUMMYwrong"}
        (report,) = swept({venue: table})
        assert len(server.open_orders()) == 12
    assert (report.verdict, report.exit_status) == (Verdict.REFUSED, 4)
    assert report.error is not None
    assert words in report.error.message


@each("absent", "part")
def test_what_the_account_lacks_is_absent(venue: str, part: Part) -> None:
    result = faced(venue, part.fault, options=part.options, absent=part.part)
    lacking = {name: verdict for name, verdict in result.segments.items() if name.startswith(part.part)}
    assert result.verdict is Verdict.CLEAR
    assert set(lacking.values()) == {"absent"}
    assert {order.segment.split()[0] for order in result.left if result.holds(order, "in_scope")} == {part.part}
    for segment in result.report.segments:
        assert segment.name not in lacking or part.words in (segment.detail or "")


@each("refused", "part")
@pytest.mark.turns(2)
def test_a_product_that_is_refused_may_still_hold_orders(venue: str, part: Part) -> None:
    """A region, a ban, a mode, a right: what rests there rests on, and the other products are not concerned."""
    result = faced(venue, part.fault, options=part.options, deadline=10.0)
    refused = {name: verdict for name, verdict in result.segments.items() if name.startswith(part.part)}
    others = {verdict for name, verdict in result.segments.items() if name not in refused}
    assert others == {"clear"}
    assert "absent" not in refused.values()
    assert result.report.exit_status in ((10, 4) if part.open or "permission" in part.fault else (4, 11))
    assert {order.segment.split()[0] for order in result.resting} == {part.part}


# --- scope ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("venue", "scope", "keep"),
    [
        pytest.param(venue, scope, keep, id=f"{venue}-{number}-{name}", marks=later(venue, number) if keep else ())
        for venue, truth in TRUTHS.items()
        for number, scope in enumerate(truth.narrow)
        for keep, name in ((False, "all"), (True, "keep"))
    ],
)
def test_a_selector_leaves_the_rest_of_the_account_alone(venue: str, scope: Narrow, keep: bool) -> None:
    """What is in scope is gone, and nothing else; with protective orders kept all of it but those."""
    result = faced(venue, account=scope.mode, options=scope.options, orders=80, keep=keep, deadline=30.0)
    goes = [order for order in result.stock if result.holds(order, "in_scope")]
    assert goes
    assert len(goes) < len(result.stock)
    if keep:
        kept = {order.id for order in goes if result.holds(order, "protective")}
        assert ids(cleared(result).left) == ids(result.stock) - ids(goes) | kept
        return
    assert ids(cleared(result).left) == ids(result.stock) - ids(goes)
    named = [order for order in goes if order.segment not in TRUTHS[venue].unseen]
    assert scope.unseen or {row.order.id for row in result.report.orders} >= ids(named)
    assert not scope.segments or tuple(result.segments) == scope.segments
    assert not scope.warning or any(scope.warning in words for words in result.report.warnings)
    assert scope.never not in {one.request.path for one in result.log}
    assert keep or result.log[0].kind is Kind.CANCEL or not scope.blind, "looking up a symbol never holds up the kill"
    shown = {
        key: list(value) if isinstance(value, tuple) else value for key, value in dict(result.report.scope).items()
    }
    assert json.dumps(shown).casefold() == json.dumps(scope.options).casefold()


@each("misspelt", "selector")
def test_a_misspelt_selector_is_never_clear(venue: str, selector: Misspelt) -> None:
    faults = [selector.fault] if selector.fault else []
    result = faced(venue, *faults, account=selector.mode, options=selector.options, deadline=8.0)
    assert (result.verdict, result.report.exit_status) == (Verdict.UNPROVEN, 11)
    assert ids(result.left) == ids(result.stock)
    assert f'did you mean "{selector.right}"' in result.error.message


@each_venue
def test_keep_protective_is_exact(venue: str) -> None:
    """What can only shrink a position, written down once more and not by the client."""
    truth = TRUTHS[venue]
    result = cleared(faced(venue, mode="keep-protective", orders=80))
    keep = {order.id for order in result.stock if result.holds(order, "protective")}
    assert len(keep) >= truth.keep
    assert ids(result.left) == keep == result.ended("kept", "open") & ids(result.left)
    paths = {one.request.path for one in result.log}
    assert bool(keep) is bool(truth.blind) or truth.lists_first, "where nothing is protective, nothing is kept"
    assert truth.blind or truth.first in paths
    assert truth.blind not in paths, "not even as a witness"
    assert any(truth.keep_warning in words for words in result.report.warnings) or not truth.keep_warning
    assert 429 not in result.statuses


# --- orders that fill, hide or come back ----------------------------------------------------------------------------


@each_account
def test_orders_that_filled_meanwhile_are_told_apart(venue: str, account: str) -> None:
    result = cleared(faced(venue, *TRUTHS[venue].filled, account=account, orders=40, options=TRUTHS[venue].product))
    filled = {one.id for one in result.world.owners[0].account.book.closed() if one.status == "filled"}
    assert filled
    assert result.ended("filled") == filled


@each_account
@pytest.mark.turns(3)
def test_orders_that_listings_hide_for_less_than_the_gap_are_caught(venue: str, account: str) -> None:
    for faults in (("hidden=0.8",), TRUTHS[venue].hidden):
        cleared(faced(venue, *faults, account=account))


@each_account
def test_a_bot_that_keeps_placing_orders_is_never_clear(venue: str, account: str) -> None:
    result = faced(venue, "reappear=0.05", account=account, orders=12, options=TRUTHS[venue].product, deadline=6.0)
    assert result.verdict is not Verdict.CLEAR
    assert any("a bot is still running" in warning for warning in result.report.warnings)


# --- over sockets ---------------------------------------------------------------------------------------------------


@pytest.fixture
def server(venue: str) -> Iterator[simulator.SimServer]:
    with simulator.start(venue, orders=20, faults=["hostile"]) as running:
        yield running


@each_venue
def test_the_result_can_be_printed_and_holds_no_secret(venue: str, server: Any) -> None:
    from cancelall.report import tables
    from cancelall.report.lines import profile_line

    report = kill(venue, server, dry_run=True, deadline=5)
    line = profile_line(report)
    json.loads(line)
    for width in (40, 80, 200):
        shown = tables.profile_table(report, tables.console(width, terminal=True, environ={"TERM": "dumb"}))
        assert max(map(len, shown.rstrip().splitlines()[:-1])) <= width  # the verdict is one line there
        for value in server.credentials.values():
            assert value not in shown + line


# --- client ids -----------------------------------------------------------------------------------------------------

each_named = pytest.mark.parametrize(
    ("venue", "account"), [(venue, mode) for venue, truth in TRUTHS.items() if truth.mine for mode in truth.modes]
)


def selecting(venue: str, account: str, *faults: str, **more: Any) -> Faced:
    """A kill of what is mine alone. No cancel that reaches the venue means an order of somebody else's."""
    options = {"client_id": [TRUTHS[venue].mine], **more.pop("options", {})}
    result = faced(venue, *faults, account=account, options=options, **{"orders": 60, **more})
    orders = {order.id: order for order in every_order(result)}
    touched = [orders[one] for one in result.world.requested if one in orders]
    assert all(result.holds(order, "wanted") or "strategy" in order.extra for order in touched)
    blind = TRUTHS[venue].first
    assert TRUTHS[venue].lists_first or blind not in {one.request.path for one in result.log}, "not even as a witness"
    return result


def every_order(result: Faced) -> list[SimOrder]:
    """Every order that has rested."""
    return [life.order for life in result.world.owners[0].history.lives.values()]


def in_scope(result: Faced) -> list[SimOrder]:
    """The orders of the stock that a kill without client ids would cancel."""
    return [order for order in result.stock if result.holds(order, "in_scope")]


@each_named
@pytest.mark.parametrize("keep", [False, True], ids=["all", "keep"])
def test_a_client_id_selects_just_its_orders(venue: str, account: str, keep: bool) -> None:
    """The rest of the account is as it was, is listed as kept, and is no reason for doubt."""
    if keep and account:
        pytest.skip("some of its kinds do not say whether they protect: they are left, and open")
    result = cleared(selecting(venue, account, keep=keep))
    mine = {order.id for order in result.stock if order.client_id.startswith(TRUTHS[venue].mine)}
    kept = {order.id for order in result.stock if order.id not in mine or (keep and result.holds(order, "protective"))}
    assert 3 <= len(mine - kept) < len(result.stock) / 2
    assert ids(result.left) == kept
    assert result.ended("kept") & ids(result.stock) == kept & ids(in_scope(result))
    assert result.ended("cancelled") == mine - kept
    assert result.ended("open", "failed", "gone") == set()
    assert {segment.mass_cancels for segment in result.report.segments} == {0}
    assert dict(result.report.scope) == {"client_id": (TRUTHS[venue].mine,)}


@each_named
def test_all_but_those_of_a_client_id_go_and_those_without_one_too(venue: str, account: str) -> None:
    truth = TRUTHS[venue]
    options = {**truth.product, "client_id": None, "not_client_id": [truth.mine]}
    result = cleared(selecting(venue, account, options=options))
    kept = {order.id for order in in_scope(result) if order.client_id.startswith(truth.mine)}
    nameless = {order.id for order in in_scope(result) if not order.client_id}
    assert kept
    assert nameless
    assert nameless <= result.ended("cancelled")
    assert ids(in_scope(result)) & ids(result.left) == kept == result.ended("kept") & ids(result.stock)


@each_named
def test_what_begins_with_one_and_with_none_of_the_others_is_selected(venue: str, account: str) -> None:
    mine = sorted(order.client_id for order in faced(venue, account=account, dry_run=True, orders=60).stock)
    mine = [one for one in mine if one.startswith(TRUTHS[venue].mine)]
    options = {"client_id": [TRUTHS[venue].mine, mine[0]], "not_client_id": [mine[0], mine[1], "0000"]}
    result = cleared(selecting(venue, account, options=options))
    gone = {order.client_id for order in result.stock if order.id not in ids(result.left)}
    assert gone == set(mine[2:])


@each_named
@pytest.mark.turns(0)
def test_mine_that_come_during_the_kill_go_and_others_are_no_bot(venue: str, account: str) -> None:
    result = cleared(selecting(venue, account, "reappear=0.05@3"))
    assert len(result.ended("cancelled")) > sum(result.holds(order, "wanted") for order in result.stock)

    def trades(fake: FakeVenue, account: simulator.Account) -> None:
        """Somebody else places orders, while what is mine survives for a while."""
        like = next(order for order in account.book.open() if not order.client_id.startswith(TRUTHS[venue].mine))
        for ms in (300, 1500, 2500):
            fake.later(fake.now_ms() + ms, lambda due_ms: fake.place_like(account, like, due_ms))

    busy = cleared(selecting(venue, account, "late-cancel=1", before=trades))
    assert len(busy.left) > len(busy.stock) - len(busy.ended("cancelled"))
    assert not any("a bot is still running" in words for words in busy.report.warnings)


ODD = ("odd-row=date@4", "odd-row=string@4", "odd-row=price@6", "listing-fails@2", "html@3")


@pytest.mark.parametrize(
    ("venue", "account", "odd"),
    [
        pytest.param(venue, mode, odd, marks=later(venue, number))
        for venue, truth in TRUTHS.items()
        if truth.mine
        for mode in truth.modes
        for number, odd in enumerate(ODD)
    ],
)
def test_one_bad_row_and_troubles_that_pass_keep_nothing_of_mine(venue: str, account: str, odd: str) -> None:
    cleared(selecting(venue, account, odd))


def lacks_nothing(venue: str) -> bool:
    """Whether a row without the field tells that the order has no client id."""
    return not any(kind.names_all for kind in EVERY.values() if kind.venue == venue)


def client_id_field(venue: str) -> str:
    return next(kind.client_id for kind in EVERY.values() if kind.venue == venue and kind.client_id)


@pytest.mark.parametrize(
    ("venue", "account", "how"),
    [
        pytest.param(venue, mode, how, marks=later(venue, number) if how else ())
        for venue, truth in TRUTHS.items()
        if truth.mine
        for number, mode in enumerate(truth.modes)
        for how in ("", "/missing")
    ],
)
@pytest.mark.turns(4)
def test_whose_client_id_is_not_known_is_left_and_is_open(venue: str, account: str, how: str) -> None:
    """Never cancelled, and never kept without a word."""
    if how and lacks_nothing(venue):
        pytest.skip("a row without the field is one of an order without a client id")
    fault = f"odd-field={client_id_field(venue)}{how}"
    result = selecting(venue, account, fault, deadline=8.0, options=TRUTHS[venue].product)
    left = {order.id for order in in_scope(result) if order.id in ids(result.left)}
    unknown = {row.order.id for row in result.report.orders if row.state is State.OPEN and row.order.client_id == "?"}
    unread = {row.order.id for row in result.report.orders if (row.reason or "").endswith("not read back")}
    assert (result.verdict, result.report.exit_status) == (Verdict.OPEN, 10)
    assert unknown - unread
    assert (unknown - unread | result.ended("kept")) & ids(result.stock) <= left <= result.ended("open", "kept")
    assert {row.reason for row in result.report.orders if row.order.id in unknown - unread} == {
        "left in place: its client id cannot be read"
    }


@each_named
def test_a_dry_run_names_what_is_mine_and_what_is_kept(venue: str, account: str) -> None:
    result = selecting(venue, account, dry_run=True)
    mine = {order.id for order in result.stock if result.holds(order, "wanted")}
    assert (result.ended("open"), not result.changes) == (mine, True)
    assert result.ended("kept") & ids(result.stock) == ids(in_scope(result)) - mine
    said = " ".join(result.report.would_send)
    assert not [order.id for order in result.stock if order.id in said and order.id not in mine]
    assert result.report.would_send


@each_named
def test_a_prefix_that_no_order_has_is_told(venue: str, account: str) -> None:
    """It may be misspelt: what is clear then is nothing."""
    prefix = f"{TRUTHS[venue].mine[:2]}00000"
    result = cleared(selecting(venue, account, options={"client_id": [prefix]}))
    assert (ids(result.left), result.world.requested) == (ids(result.stock), {})
    assert f'no order was listed whose client id begins with "{prefix}"' in result.report.warnings


@pytest.mark.parametrize("venue", [venue for venue, truth in TRUTHS.items() if truth.mine])
@pytest.mark.turns(0)
def test_the_command_selects_by_client_id(venue: str, home: Path) -> None:
    """The line replaces the profile's selectors, and says of what it speaks."""
    mine = TRUTHS[venue].mine
    with simulator.start(venue, orders=30) as server:
        before = list(server.open_orders())
        table = {**profile_table(venue, server), **TRUTHS[venue].product, "not_client_id": [mine]}
        file = write_config(home / "c.toml", {venue: table})
        ran = cancelall(venue, "--config", str(file), "--json", f"--client-id={mine}", home=home)
        left = list(server.open_orders())
        again = cancelall(venue, "--config", str(file), "--client-id", mine, home=home)
    assert (ran.code, ran.line["verdict"], ran.line["scope"]) == (0, "clear", {"client_id": [mine]}), ran.err
    assert {order.id for order in left} == {order.id for order in before if not order.client_id.startswith(mine)}
    states = {row["id"]: row["state"] for row in ran.line["orders"]}
    assert {state for identity, state in states.items() if identity in {order.id for order in left}} == {"kept"}
    assert "of the selected orders none is left" in again.out
    assert f"client-id {mine}" in again.err + again.out


@pytest.mark.parametrize("venue", [venue for venue, truth in TRUTHS.items() if not truth.mine])
def test_where_no_listing_shows_client_ids_none_selects(venue: str, home: Path) -> None:
    with simulator.start(venue, orders=6) as server:
        table = profile_table(venue, server)
        file = write_config(home / "c.toml", {venue: table, f"{venue}-own": {**table, "not_client_id": ["mine-"]}})
        line = cancelall(venue, "--config", str(file), "--client-id", "mine-", home=home)
        config = cancelall(f"{venue}-own", "--config", str(file), home=home)
        everything = cancelall(f"{venue}-own", "--config", str(file), "--everything", "--dry-run", home=home)
        assert (line.code, config.code, everything.code) == (2, 6, 0)
        assert not any(request.changes for request in server.requests)
    for said in (line.err, config.out + config.err):
        assert "show no client ids: no order can be selected by one" in " ".join(said.split())
