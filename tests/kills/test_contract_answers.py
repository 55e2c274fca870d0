"""One wrong answer among good ones, on every venue: it ends as little as possible, and hides nothing.

Rows 59 to 67 of the fault matrix show the same kinds over sockets.
"""

from __future__ import annotations

from collections.abc import Container, Iterable

import pytest

from cancelall.core.model import Verdict
from cancelall.simulator import Kind
from cancelall.venues.registry import VENUES, load
from kills.truth import MODES, PAGED, PARTS, TRUTHS
from kills.virtual import cleared, faced, healthy
from soak.virtual import START
from turns import LATER, later


@pytest.fixture(params=VENUES)
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def some(name: str, values: Iterable[object], soon: Container[object]) -> pytest.MarkDecorator:
    """All of these values; those that are not `soon` only with `make faults`, because all of them take long."""
    rows = [pytest.param(one, marks=() if one in soon else LATER) for one in values]
    return pytest.mark.parametrize(name, rows)


def in_turns(name: str, values: Iterable[object], soon: Container[object] = ()) -> pytest.MarkDecorator:
    """Like `some`, and what is soon meets its share of the venues: one value these, the next one those."""
    values = tuple(values)
    first = [one for one in values if one in soon or not soon]
    rows = [
        pytest.param(venue, one, marks=later(venue, first.index(one)) if one in first else LATER)
        for one in values
        for venue in VENUES
    ]
    return pytest.mark.parametrize(("venue", name), rows)


EDGES = ("401", "403", "404", "405", "302", "200", "403/json", "404/empty")
WHEN = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55)
IN_EACH_MODE = some("mode", MODES, ("whole",))
AT_EACH_MOMENT = in_turns("spared", WHEN, (0, 2, 5, 21))
"""How many requests go well before."""
PASSES = 40
"""More listings than any venue has."""


@pytest.mark.parametrize("mode", list(MODES))
def test_without_a_fault_everything_goes(venue: str, mode: str) -> None:
    assert not healthy(venue, mode).plan.faults[0][1]


@in_turns("status", EDGES, ("401", "404", "302", "200"))
def test_a_gateway_for_a_second_changes_nothing(venue: str, status: str) -> None:
    for mode in MODES if status in ("403", "404") else ("whole",):
        cleared(faced(venue, f"edge={status}^1", mode=mode))


@pytest.mark.faults
@pytest.mark.parametrize("status", ["403", "404/json"])
def test_a_gateway_before_one_path_for_a_second_changes_nothing(venue: str, status: str) -> None:
    for path in {sent.request.path for sent in healthy(venue).log}:
        cleared(faced(venue, f"edge={status}^1~{path}?"))


@in_turns("answers", ["@3", ""], ("",))
def test_a_gateway_before_one_read_hides_no_order(venue: str, answers: str) -> None:
    """Each read by itself, what else goes the same path being answered: three times, and for ever."""
    reads = [sent.request for sent in healthy(venue).log if sent.kind is not Kind.CANCEL]
    for read in sorted({f"{one.path}?{one.query.partition('=')[0]}" for one in reads}):
        result = faced(venue, f"edge=401{answers}~{read}", deadline=20.0 if answers else 8.0)
        assert not answers or result.verdict is Verdict.CLEAR, result.story(40)


@in_turns("status", EDGES, ("401", "404", "302", "200"))
def test_a_gateway_for_the_whole_run_is_fought_to_the_deadline(venue: str, status: str) -> None:
    result = faced(venue, f"edge={status}", deadline=9.0)
    assert result.verdict in (Verdict.REFUSED, Verdict.UNPROVEN), result.story(40)
    assert result.seconds >= 8.5, result.story(40)
    proof = load(venue).proof_gap + 1.0
    last: dict[str, float] = {}
    for sent in result.log:
        fires = sent.kind == "listing" if TRUTHS[venue].lists_first else sent.kind.changes
        if fires:  # some bodies, and queries of Binance, differ in their timestamps
            last[sent.request.path + ("" if venue in ("pacifica", "kraken", "binance") else sent.request.text)] = (
                sent.at - START
            )
    assert last
    assert min(last.values()) >= 9.0 - proof - 3.5, (last, result.story(40))


@in_turns("kind", ["public", "read"])
def test_a_gateway_before_what_is_not_needed_keeps_no_cancel(venue: str, kind: str) -> None:
    """The lists of instruments and what is read for the report: the proof may fail, the orders go."""
    for status in ("401", "403", "404"):
        result = faced(venue, f"edge:{kind}={status}", deadline=8.0)
        unknown = venue in ("bitget", "binance") and kind == "read"  # the mode, or the pairs, decide what there is
        unknown |= venue == "hyperliquid" and kind == "public"  # a cancel names a market by its place in a list
        assert unknown or result.resting == (), result.story(40)


@in_turns("status", ["401", "403", "404", "200"], ("403", "200"))
def test_a_gateway_before_the_listings_keeps_no_mass_cancel(venue: str, status: str) -> None:
    """They are repeated to the deadline: nobody knows whether they worked."""
    result = faced(venue, f"edge:listing={status}", deadline=9.0)
    assert result.verdict in (Verdict.UNPROVEN, Verdict.REFUSED), result.story(40)
    calm = healthy(venue).log
    shown = min(sent.answered or 0 for sent in calm if sent.kind == "listing")
    times: dict[str, list[float]] = {sent.request.path: [] for sent in calm if sent.kind.changes and sent.began < shown}
    for sent in result.log:
        times.get(sent.request.path, []).append(sent.at - START)
    proof = load(venue).proof_gap + 1.0
    assert all(one and max(one) >= 9.0 - proof - 3.5 for one in times.values()), (times, result.story(40))


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reach", ["request", "key", "address"])
@AT_EACH_MOMENT
@pytest.mark.turns(2)
def test_a_lone_refusal_ends_nothing(venue: str, reach: str, spared: int) -> None:
    """One invalid key among sixty good answers."""
    for mode in MODES if reach == "key" and spared in (1, 5) else ("whole",):
        if spared < len(healthy(venue, mode).log):
            cleared(faced(venue, f"refused={reach}+{spared}@1", mode=mode))


@pytest.mark.parametrize("reach", ["product", "host"])
@AT_EACH_MOMENT
def test_a_lone_refusal_of_more_ends_no_more_than_it_must(venue: str, reach: str, spared: int) -> None:
    """A product's word ends that product, a host's word ends the reads."""
    result = faced(venue, f"refused={reach}+{spared}@1")
    products = {order.segment.removeprefix("unified ").split()[0] for order in result.resting}
    assert reach == "host" or len(products) <= 1, (products, result.story(40))
    assert any(sent.kind.changes for sent in result.log)


def test_a_refusal_for_a_second_ends_nothing(venue: str) -> None:
    """But for a key that was never accepted and is refused twice."""
    cleared(faced(venue, "refused=request^1"))
    for reach in ("key", "address"):
        result = faced(venue, f"refused={reach}^1")
        keyless = venue in ("pacifica", "hyperliquid")  # there orders are read without a key
        readable = Verdict.OPEN if keyless else Verdict.REFUSED
        assert result.verdict in (Verdict.CLEAR, Verdict.REFUSED, readable), result.story(40)


def test_a_call_that_an_account_lacks_has_another_way(venue: str) -> None:
    """Each call that names orders or cancels a product, refused in the venue's words or by a gateway for ever.

    What no other call does stays, and is said: a gateway's word proves nothing.
    """
    paths = {sent.request.path for sent in healthy(venue, "keep-protective").log}
    for path in (path for path in paths if "batch" in path):
        for fault in ("refused:cancel=request", "edge:cancel=404"):
            result = faced(venue, f"{fault}~{path}", mode="keep-protective")
            assert result.resting == (), result.story(40)


@pytest.mark.parametrize("fault", ["absent:cancel^5", "refused:cancel=request^5"])
@pytest.mark.turns(2)
def test_what_is_listed_is_fired_at_whatever_its_cancels_are_told(venue: str, fault: str) -> None:
    """That there is no such product, or no such request, is contradicted by each listing that shows the orders."""
    cleared(faced(venue, fault))


# --- absent ---------------------------------------------------------------------------------------------------------


@IN_EACH_MODE
@pytest.mark.turns(4)
def test_a_product_that_is_missing_for_a_second_is_there(venue: str, mode: str) -> None:
    for part in PARTS[venue]:
        if (venue, mode) == ("binance", "dry-run") and part.startswith("/sapi/v1/margin"):
            continue  # a dry run reads the list of isolated pairs once
        cleared(faced(venue, f"absent^1~{part}", mode=mode))


LIES = (
    *(f"absent:cancel~PART {silence}~PART" for silence in ("stall:listing", "fin-after:listing", "edge:listing=404")),
    *(f"absent:cancel~PART {silence}~PART" for silence in ("html:listing", "listing-fails:listing")),
    *("edge=404~PART", "edge=404/json~PART", "edge=404/empty~PART", "refused=product~PART"),
)


@IN_EACH_MODE
@in_turns("lie", LIES, (*LIES[:3], LIES[5], LIES[-1]))
@pytest.mark.turns(0)
def test_what_only_sounds_like_a_missing_product_is_not_cleared(venue: str, lie: str, mode: str) -> None:
    """Its listing is silent; a gateway says 404; it is refused: a region, a ban, a right. What rests there rests on."""
    for part in PARTS[venue]:
        result = faced(venue, *lie.replace("PART", part).split(" "), mode=mode, deadline=5.0)
        assert result.verdict is not Verdict.CLEAR or not result.resting, result.story(40)


# --- listings -------------------------------------------------------------------------------------------------------

NAMED = ("date", "price", "flag", "status", "side", "type", "unknown", "twice")
NAMELESS = ("string", "null", "list", "no-id", "symbol")
"""Most venues want the symbol with the id of what is cancelled."""


@in_turns("oddity", NAMED)
def test_a_row_that_is_odd_is_cancelled_like_the_others(venue: str, oddity: str) -> None:
    """Every time: what can be named is cancelled, whatever else is wrong with its row."""
    cleared(faced(venue, f"odd-row={oddity}"))


@in_turns("oddity", [*NAMED, *NAMELESS, "foreign"], ("price", "status", "unknown", "twice", *NAMELESS, "foreign"))
@pytest.mark.turns(1)
def test_a_row_that_is_odd_once_keeps_nothing(venue: str, oddity: str) -> None:
    for spared in (0, 2):
        result = faced(venue, f"odd-row={oddity}+{spared}@1")
        kept = venue == "pacifica" and oddity == "foreign"
        assert result.resting == () or kept, result.story(40)
        assert result.verdict is Verdict.CLEAR, result.story(40)


@pytest.mark.parametrize("mode", ["whole", pytest.param("keep-protective", marks=pytest.mark.faults)])
@in_turns("oddity", NAMELESS)
def test_a_row_that_names_nothing_keeps_no_other(venue: str, oddity: str, mode: str) -> None:
    """At most that one of each listing is left, and then it is not clear."""
    result = faced(venue, f"odd-row={oddity}", mode=mode, deadline=6.0)
    listings = {sent.request.text for sent in result.log if sent.kind == "listing"}
    with_it = 2 if venue == "hyperliquid" and mode == "keep-protective" else 0  # its children, which stay as it stays
    assert len(result.resting) <= len(listings) + with_it, result.story(40)


@in_turns("oddity", [*NAMED, *NAMELESS], ("price", "status", "unknown", "null", "no-id"))
def test_an_odd_row_is_never_no_row(venue: str, oddity: str) -> None:
    """A dry run that meets it says that something is open, or that it does not know."""
    result = faced(venue, f"odd-row={oddity}", mode="dry-run", deadline=4.0)
    assert result.verdict is not Verdict.CLEAR, result.story(40)
    (report,) = result.reports
    unread = len(result.resting) - len({row.order.id for row in report.orders})
    assert unread <= PASSES, result.story(40)
    assert report.exit_status != 0 or unread <= 0, result.story(40)


@pytest.mark.parametrize("mode", ["whole", pytest.param("keep-protective", marks=pytest.mark.faults)])
@pytest.mark.parametrize(
    ("paged", "way"),
    [
        pytest.param(paged, way, marks=() if (at + number) % 2 == 0 else LATER)
        for at, paged in enumerate(PAGED)
        for number, way in enumerate(("missing", "null", "number", "object", "itself", "empty", "endless", "total"))
    ],
)
def test_an_odd_way_on_keeps_nothing(paged: str, way: str, mode: str) -> None:
    """The pages that were read are acted on, and what is behind them comes to the front."""
    once = faced(paged, f"odd-way={way}@1", mode=mode, orders=PAGED[paged])
    assert once.resting == (), once.story(40)
    always = faced(paged, f"odd-way={way}", mode=mode, orders=PAGED[paged], deadline=8.0)
    blind = paged == "deltadefi" and way == "empty"  # its pages have numbers: the first one is empty for ever
    blind |= paged == "bybit" and mode == "keep-protective"  # pairs go by a mass cancel, if no protective one is near
    assert always.resting == () or blind, always.story(40)


@in_turns("mode", MODES, ("whole",))
def test_replicas_that_contradict_each_other_never_prove_anything_false(venue: str, mode: str) -> None:
    for seconds in (0.5, 4.0):
        result = faced(venue, f"replicas={seconds}", mode=mode, deadline=30.0)
        if mode == "hold" and seconds > 1:  # its last proof has no time for a gap that has grown
            assert (result.verdict, result.resting) in ((Verdict.CLEAR, ()), (Verdict.UNPROVEN, ())), result.story(40)
        else:
            cleared(result)
    result = faced(venue, "replicas=2", "ack-only", mode=mode, deadline=6.0)
    assert result.verdict is not Verdict.CLEAR, result.story(40)


# --- waits ----------------------------------------------------------------------------------------------------------


@some("form", ["60", "60/503", "60/own"], ("60", "60/own"))
@AT_EACH_MOMENT
def test_a_long_wait_for_one_request_delays_no_verdict(venue: str, form: str, spared: int) -> None:
    """As soon as without it, or within five seconds where the request was needed; eight where reads are scarce."""
    calm = healthy(venue)
    if spared < len(calm.log):
        result = cleared(faced(venue, f"hint={form}+{spared}@1"))
        late = 5.0 if load(venue).listings is None else 8.0
        assert result.seconds <= calm.seconds + late, (calm.seconds, result.story(40))


@in_turns("form", ["60", "60/own"])
def test_an_empty_account_is_clear_as_soon_whatever_one_request_is_told(venue: str, form: str) -> None:
    calm = faced(venue, orders=0)
    for spared in range(0, len(calm.log), max(1, len(calm.log) // 8)):
        result = faced(venue, f"hint={form}+{spared}@1", orders=0)
        assert result.verdict is calm.verdict, result.story(40)
        assert result.seconds <= calm.seconds + 5.0, (spared, calm.seconds, result.story(40))


@some("deadline", [2.0, 4.0], (2.0,))
def test_what_is_known_to_rest_is_fired_at_until_the_end(venue: str, deadline: float) -> None:
    """Cancels that are answered and take nothing: whatever was listed is named again, up to the last moment."""
    result = faced(venue, "ack-only", orders=12, deadline=deadline)
    assert result.verdict is Verdict.OPEN
    sent = [sent.at for sent in result.log if sent.kind.changes]
    began = min(one.at for one in result.log)
    counters = [one.seconds / one.count for one in load(venue).limits.values() if one.falls]
    assert max(sent) - began >= deadline - 1.0 - 2 * max(counters, default=0.0), result.story(40)
    calm = faced(venue, orders=12, deadline=3.0 if venue == "deltadefi" else 2.0)  # which takes four cancels a second
    assert calm.resting == (), calm.story(40)
