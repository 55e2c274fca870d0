"""Hyperliquid: signatures as other people's code makes them, what a cancel names, whose a key is. The rest stands in
the tables of all venues.

The vectors are of the venue's own SDK, with a throw-away key whose bytes are 00..1f.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from cancelall.core.errors import OptionError, SecretError, Unreadable
from cancelall.core.model import Answer, Order, Purpose, Reach
from cancelall.core.secret import Secret
from cancelall.venues import ethereum
from cancelall.venues.contract import Known
from cancelall.venues.hyperliquid import api, preflight, segments, venue
from cancelall.venues.hyperliquid.options import HyperliquidFacts, HyperliquidOptions, HyperliquidSecrets
from cancelall.venues.msgpack import packed
from support import ROOT
from unit.venues.kinds import HYPERLIQUID_FACTS, ROWS, dex_row, reply

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "vectors" / "hyperliquid.json").read_text())
SIGNED = [row for row in VECTORS if "signature" in row]
READS = [row for row in VECTORS if "signature" not in row]
KEY = Secret("0x" + bytes(range(32)).hex())
SIGNER, MASTER, SUB = "0xede35562d3555e61120a151b3c8e8e91d83a378a", "0x" + "11" * 20, "0x" + "22" * 20
SECRETS = HyperliquidSecrets(private_key=KEY)
TWAP = ROWS["hyperliquid twap"]


def orders(name: str = "core", **options: Any) -> segments.HyperliquidOrders:
    """A dex whose markets are known."""
    known = venue.segments(HyperliquidOptions(**options), HYPERLIQUID_FACTS, "live")
    return next(one for one in known if isinstance(one, segments.HyperliquidOrders) and one.name == name)


def twaps(**options: Any) -> segments.HyperliquidTwaps:
    known = venue.segments(HyperliquidOptions(**options), HYPERLIQUID_FACTS, "live")
    return next(one for one in known if isinstance(one, segments.HyperliquidTwaps))


def order(identity: object, coin: str = "BTC") -> Order:
    return Order(id=str(identity), segment="core", symbol=coin)


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: row["name"])
def test_an_action_is_packed_and_signed_as_the_venues_sdk_does(row: dict[str, Any]) -> None:
    body = json.loads(row["body"])
    assert packed(body["action"]).hex() == row["action_msgpack"]
    found = api.signature_of(body["action"], body["nonce"], body.get("vaultAddress", ""), row["agent_source"], SECRETS)
    assert {name: int(str(found[name]), 16) for name in "rs"} == {
        name: int(row["signature"][name], 16) for name in "rs"
    }
    assert found["v"] == row["signature"]["v"]
    assert {len(str(found[name])) for name in "rs"} == {66}


@pytest.mark.parametrize("row", SIGNED, ids=lambda row: row["name"])
def test_a_request_of_this_module_is_the_vector(row: dict[str, Any]) -> None:
    """The very body, but for spelling: it is made of what a segment makes, and of nonce and key."""
    body = json.loads(row["body"])
    options = HyperliquidOptions(vault=body.get("vaultAddress"))
    request = api.action(body["action"], Purpose.CANCEL, testnet=row["agent_source"] == "b")
    signed = api.sign(request, SECRETS, options, body["nonce"], 1)
    sent = json.loads(signed.body)
    numbers = {name: int(value, 16) if name in "rs" else value for name, value in sent.pop("signature").items()}
    wanted = {name: int(str(value), 16) if name in "rs" else value for name, value in row["signature"].items()}
    assert numbers == wanted
    assert sent == {name: value for name, value in body.items() if name != "signature"}
    assert signed.body.startswith(b'{"action":{"type":')


@pytest.mark.parametrize("row", READS, ids=lambda row: row["name"])
def test_a_read_of_this_module_is_the_vector(row: dict[str, Any]) -> None:
    values = json.loads(row["body"])
    assert api.read(values.pop("type"), Purpose.DISCOVERY, **values).body.decode() == row["body"]


def test_an_order_of_each_kind_of_market_is_named_by_its_number() -> None:
    named = orders().cancels(
        (order(1), order(2, "PURR/USDC"), order(3, "@107"), order(4, "#250"), order(5, "xyz:TSLA"), order(6, "NEW")),
        None,
    )
    ((request, some),) = named
    assert [one.id for one in some] == ["1", "2", "3", "4", "5"]
    action = json.loads(request.body)
    assert [(one["a"], one["o"]) for one in action["cancels"]] == [
        (0, 1), (10_000, 2), (10_107, 3), (100_000_250, 4), (110_000, 5),
    ]  # fmt: skip
    assert list(action) == ["type", "cancels"]
    assert list(action["cancels"][0]) == ["a", "o"]


@pytest.mark.parametrize("coin", ["@", "#", "@1x", "@\u0661", "@" + "9" * 13, "", "btc", "xyz:"])
def test_a_market_that_is_not_known_is_named_by_no_number(coin: str) -> None:
    assert orders().cancels((order(1, coin),), None) == ()
    assert orders().singly((order(1, coin),), None) == ()
    assert twaps().cancels((order(1, coin),), None) == ()


@pytest.mark.parametrize(("count", "chunks"), [(1, [1]), (200, [200]), (201, [200, 1]), (450, [200, 200, 50])])
def test_an_action_holds_at_most_200_cancels(count: int, chunks: list[int]) -> None:
    """https://github.com/MarcosACH/tickwright: `Signed action over weight limit of 200.`"""
    named = orders().cancels(tuple(map(order, range(1, count + 1))), None)
    assert [len(some) for _, some in named] == chunks
    assert [request.cost for request, _ in named] == [1 + length // 40 for length in chunks]
    assert [len(some) for _, some in orders().singly(tuple(map(order, range(1, count + 1))), None)] == [1] * count


def test_what_reads_weigh() -> None:
    weights = {"userRole": 60, "orderStatus": 2, "exchangeStatus": 2, "frontendOpenOrders": 20, "meta": 20}
    assert {kind: api.read(kind).cost for kind in weights} == weights


def test_only_what_names_the_address_of_the_key_itself_needs_it() -> None:
    asked = api.read("userRole", api.ROLE, user="")
    assert asked.signed
    assert not api.read("userRole", api.ROLE, user=SIGNER).signed
    signed = api.sign(asked, SECRETS, HyperliquidOptions(), 1, 1)
    assert json.loads(signed.body) == {"type": "userRole", "user": SIGNER}


# --- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SIGNER, "20 bytes long: that is an address"),
        ("0x" + "0" * 64, "is not a private key"),
        (f"0x{ethereum.ORDER:064x}", "is not a private key"),
        ("0x12", "is not a private key"),
        ("zz" * 32, "is not a private key"),
        ("", "is not a private key"),
    ],
)
def test_what_is_no_private_key(text: str, words: str) -> None:
    with pytest.raises(SecretError, match=words) as caught:
        api.check_secrets(HyperliquidSecrets(private_key=Secret(text)), HyperliquidOptions())
    assert text == "" or text not in str(caught.value) + caught.value.hint


def test_a_key_that_is_not_the_agents_is_noticed_before_anything_is_sent() -> None:
    api.check_secrets(SECRETS, HyperliquidOptions(agent=SIGNER.upper().replace("0X", "0x")))
    with pytest.raises(SecretError, match="belongs to …378a, not to agent …1111"):
        api.check_secrets(SECRETS, HyperliquidOptions(agent=MASTER))


def test_the_account_that_is_shown() -> None:
    shown = [
        venue.VENUE.account(SECRETS, HyperliquidOptions(**one)) for one in ({}, {"account": MASTER}, {"vault": SUB})
    ]
    assert shown == [SIGNER, MASTER, SUB]


# --- whose key it is ------------------------------------------------------------------------------------------------


def known(found: Any) -> set[tuple[str, str]]:
    return {(one.kind, one.name) for one in found.names}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (
            {"role": "agent", "data": {"user": MASTER.upper().replace("0X", "0x")}},
            {("role", "agent"), ("master", MASTER)},
        ),
        ({"role": "user"}, {("role", "user"), ("master", SIGNER)}),
        ({"role": "vault"}, {("role", "vault")}),
        ({"role": "subAccount", "data": {"master": MASTER}}, {("role", "subAccount")}),
    ],
)
def test_the_role_of_a_key_tells_its_account(answer: object, expected: set[tuple[str, str]]) -> None:
    assert known(venue.read_role(SIGNER, api.read("userRole"), reply(answer))) == expected


@pytest.mark.parametrize(
    "answer", [None, [], {}, {"role": []}, {"role": "agent"}, {"role": "agent", "data": {"user": []}}]
)
def test_a_role_of_another_shape_is_unreadable(answer: object) -> None:
    with pytest.raises(Unreadable):
        venue.read_role(SIGNER, api.read("userRole"), reply(answer))


def test_a_key_that_nobody_knows_is_refused_and_an_account_that_nobody_knows_is_not() -> None:
    said = api.judge(api.read("userRole", api.ROLE, user=SIGNER), reply({"role": "missing"}))
    assert (said.answer, said.kind, said.reach) == (Answer.REFUSED, "auth", Reach.KEY)
    assert "environment" in said.hint
    said = api.judge(api.read("userRole", Purpose.DISCOVERY, user=SUB), reply({"role": "missing"}))
    assert said.answer is Answer.ACCEPTED


def test_the_listed_address_follows_from_what_is_known() -> None:
    def users(facts: HyperliquidFacts, **options: Any) -> set[str]:
        found = venue.segments(HyperliquidOptions(**options), facts, "live")
        return {json.loads(one.listings[0][0].body)["user"] for one in found}

    signer, told = HyperliquidFacts(signer=SIGNER), HyperliquidFacts(signer=SIGNER, account=MASTER)
    assert users(signer) == {SIGNER}
    assert users(told) == {MASTER}
    assert users(told, account=SUB) == {SUB}
    assert users(told, account=MASTER, vault=SUB) == {SUB}


# --- markets --------------------------------------------------------------------------------------------------------


def meta(*names: object) -> object:
    return {"universe": [{"name": name, "isDelisted": True} for name in names]}


def read_markets(answer: object) -> Any:
    discovery = next(one for one in venue.discoveries(HyperliquidOptions(), HYPERLIQUID_FACTS) if one.name == "markets")
    return discovery, discovery.read(discovery.request, reply(answer))


def test_markets_are_numbered_by_their_places_delisted_ones_too() -> None:
    discovery, found = read_markets([meta("BTC", "OLD", "ETH"), meta(), meta("xyz:TSLA", "xyz:OLD")])
    facts = discovery.learn(HyperliquidFacts(), found.names)
    assert facts.assets == (("BTC", 0), ("OLD", 1), ("ETH", 2), ("xyz:TSLA", 120_000), ("xyz:OLD", 120_001))
    assert (facts.dexes, found.unsure) == (("xyz",), "")


@pytest.mark.parametrize("odd", [None, "dex", {}, meta("xyz:A", 7), meta("xyz:A", "B"), meta("xyz:A", "flx:B")])
def test_a_dex_that_cannot_be_read_hides_no_other_and_leaves_the_rest_unproven(odd: object) -> None:
    _, found = read_markets([meta("BTC"), odd, meta("abc:X")])
    assert ("symbol", "BTC") in known(found)
    assert Known("symbol", "abc:X", "120000") in found.names
    assert found.unsure


@pytest.mark.parametrize("answer", [None, {}, [], [None], "x"])
def test_a_list_of_no_markets_is_unreadable(answer: object) -> None:
    with pytest.raises(Unreadable):
        read_markets(answer)


def test_a_number_that_was_known_stays() -> None:
    _, found = read_markets([meta("ETH", "BTC")])
    facts = venue._learn_markets(HYPERLIQUID_FACTS, found.names)
    assert dict(facts.assets)["BTC"] == 0


# --- rows -----------------------------------------------------------------------------------------------------------


def test_children_are_acted_on_once_wherever_they_stand() -> None:
    child = dex_row(oid=2, orderType="Stop Market", isTrigger=True, triggerPx="90", reduceOnly=True)
    parent = dex_row(oid=1, children=[child, dex_row(oid=3)])
    page = orders().page(orders().listings[0][0], reply([parent, child]))
    assert [(one.id, one.price) for one in page.orders] == [("1", "29792.0"), ("2", "90"), ("3", "29792.0")]
    assert page.unsure == ""


def test_an_order_whose_id_cannot_be_signed_spoils_no_action() -> None:
    page = orders().page(orders().listings[0][0], reply([dex_row(oid=(1 << 64) - 1), dex_row(oid=1 << 64)]))
    assert [one.id for one in page.orders] == [str((1 << 64) - 1)]
    assert "oid" in page.unsure


@pytest.mark.parametrize("children", ["x", 7, {}, [None], [{}], [{"oid": [1]}], [{"oid": {}}]])
def test_children_that_cannot_be_read_leave_the_page_unsure(children: object) -> None:
    page = orders().page(orders().listings[0][0], reply([dex_row(oid=1, children=children)]))
    assert [one.id for one in page.orders] == ["1"]
    assert page.unsure


def test_the_history_counts_by_its_newest_row() -> None:
    """https://github.com/ccxt/ccxt/issues/27917: a cancelled order has two rows, one still open."""
    rows = [
        {"order": dex_row(oid=1), "status": "canceled", "statusTimestamp": 9},
        {"order": dex_row(oid=1), "status": "open", "statusTimestamp": 5},
        {"order": dex_row(oid=2), "status": "open", "statusTimestamp": 9},
        {"order": dex_row(oid=2), "status": "filled", "statusTimestamp": 9},
        {"order": dex_row(oid=3), "status": "canceled", "statusTimestamp": 1},
        {"order": dex_row(oid=3), "status": "triggered", "statusTimestamp": 2},
        7,
        {"order": 7, "status": "filled"},
    ]
    found = orders().final_page(api.read("historicalOrders"), reply(rows))
    assert [(one.id, state.value) for one, state, _ in found.orders] == [("1", "cancelled"), ("2", "filled")]
    assert orders().final_page(api.read("orderStatus"), reply({"status": "unknownOid"})).orders == ()


def test_few_orders_are_looked_up_one_by_one() -> None:
    few = [json.loads(one.body) for one in orders().final_states(tuple(map(order, range(10))), 0)]
    assert {one["type"] for one in few} == {"orderStatus"}
    (many,) = orders().final_states(tuple(map(order, range(11))), 0)
    assert json.loads(many.body)["type"] == "historicalOrders"


def twap(status: object, time: object = 1, **changes: object) -> dict[str, Any]:
    return {**TWAP, "time": time, "status": {"status": status}, **changes}


@pytest.mark.parametrize(
    ("rows", "open_"),
    [
        ([twap("activated")], ["1506780"]),
        ([twap("waitingForTrigger")], ["1506780"]),
        ([twap("finished")], []),
        ([twap("finished", 2), twap("activated", 1)], []),
        ([twap("activated", 1), twap("terminated", 2)], []),
        ([twap("activated", 1), twap("stopped", 1)], []),
        ([twap("activated", 3), twap("waitingForTrigger", 1)], ["1506780"]),
        ([twap("activated", 1, twapId=5), twap("error", 9)], ["5"]),
    ],
)
def test_a_twap_is_running_by_its_newest_row(rows: list[object], open_: list[str]) -> None:
    page = twaps().page(twaps().listings[0][0], reply(rows))
    assert ([one.id for one in page.orders], page.unsure) == (open_, "")


def without_id(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "twapId"}


def test_a_running_twap_without_an_id_proves_nothing_and_one_that_is_over_is_nothing() -> None:
    over = [without_id(twap("finished", 2)), without_id(twap("activated", 1))]
    page = twaps().page(twaps().listings[0][0], reply(over))
    assert (page.orders, page.unsure) == ((), "")
    page = twaps().page(twaps().listings[0][0], reply([*over, without_id(twap("activated", 3))]))
    assert page.orders == ()
    assert "twapId" in page.unsure


@pytest.mark.parametrize("status", ["brandNew", None, 7, {}])
def test_a_twap_of_another_status_is_running_and_leaves_the_page_unsure(status: object) -> None:
    page = twaps().page(twaps().listings[0][0], reply([twap(status)]))
    assert [one.id for one in page.orders] == ["1506780"]
    assert page.unsure


def test_a_long_log_must_go_back_further_than_a_twap_can_run() -> None:
    short = [twap("finished", 1_000_000 + number, twapId=number) for number in range(2000)]
    assert "go back far enough" in twaps().page(twaps().listings[0][0], reply(short)).unsure
    far = [*short, twap("finished", 1_000_000 - 8 * 86_400, twapId=9999)]
    assert twaps().page(twaps().listings[0][0], reply(far)).unsure == ""
    assert twaps().page(twaps().listings[0][0], reply(short[:1999])).unsure == ""


def test_a_twap_belongs_to_the_dex_of_its_coin() -> None:
    state = {**TWAP["state"], "coin": "xyz:TSLA"}
    rows = [twap("activated"), twap("activated", twapId=2, state=state), twap("activated", twapId=3, state={})]
    for options, ids in (
        ({}, ["1506780", "2", "3"]),
        ({"dex": ("core",)}, ["1506780", "3"]),
        ({"dex": ("xyz",)}, ["2", "3"]),
        ({"coin": ("BTC",)}, ["1506780", "3"]),
        ({"coin": ("xyz:NVDA",)}, ["3"]),
    ):
        page = twaps(**options).page(twaps().listings[0][0], reply(rows))
        assert [one.id for one in page.orders] == ids


# --- answers --------------------------------------------------------------------------------------------------------


def refused(words: str) -> Any:
    request = orders().cancels((order(1),), None)[0][0]
    return api.judge(request, reply({"status": "err", "response": words}))


def test_the_clock_follows_from_the_bound_of_a_nonce() -> None:
    assert refused("Invalid nonce: nonce too low 1700000000000 < 1700000005000").server_ms == 1_700_000_005_001
    high = refused("Invalid nonce: nonce too high 1800000000000 > 1700086400000")
    assert high.server_ms == 1_700_000_000_000
    assert refused("Invalid nonce: nonce too low 3 < 5").server_ms is None


def test_what_has_to_wait() -> None:
    assert refused("Too many cumulative requests sent (1 > 0) for cumulative volume traded $0.0.").after == 10.0
    assert refused("Invalid nonce: duplicate nonce 1700000000000").after == 0.0


def test_an_answer_about_other_orders_is_unreadable() -> None:
    one = orders()
    request = one.cancels((order(1), order(2)), None)[0][0]
    good = {"status": "ok", "response": {"type": "cancel", "data": {"statuses": ["success"]}}}
    with pytest.raises(Unreadable):
        one.acknowledge(request, reply(good))


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "ok", "response": {"type": "cancel", "data": {"statuses": [{"error": "Invalid asset"}]}}},
        {"status": "err", "response": "Invalid asset=77 in cancel"},
    ],
)
def test_one_error_for_an_action_of_several_lets_each_go_by_itself(answer: object) -> None:
    one = orders()
    several, single = (one.cancels(some, None)[0][0] for some in ((order(1), order(2)), (order(1),)))
    judgement = api.judge(several, reply(answer))
    assert (judgement.answer, judgement.reach) == (Answer.REFUSED, Reach.REQUEST)
    assert api.judge(single, reply(answer)).answer in (Answer.ACCEPTED, Answer.AMBIGUOUS)


@pytest.mark.parametrize("name", ["core", "TWAPs"])
def test_a_dex_that_is_called_like_a_segment_leaves_the_rest_unproven(name: str) -> None:
    facts = HyperliquidFacts(signer=SIGNER, dexes=("xyz", name))
    found = [one.name for one in venue.segments(HyperliquidOptions(), facts, "live")]
    assert sorted(found) == ["TWAPs", "core", "xyz"]
    doubts = venue.doubts(HyperliquidOptions(), frozenset({Known(venue.DEX, name)}))
    assert any("not read" in one for one in doubts)


# --- options --------------------------------------------------------------------------------------------------------


def test_addresses_are_written_in_small_letters() -> None:
    made = HyperliquidOptions(account="0x" + "Ab" * 20, vault="0x" + "Cd" * 20, agent="0x" + "Ef" * 20)
    assert (made.account, made.vault, made.agent) == ("0x" + "ab" * 20, "0x" + "cd" * 20, "0x" + "ef" * 20)
    with pytest.raises(OptionError):
        HyperliquidOptions(account="0x" + "g" * 40)


def test_the_network_that_is_signed_is_the_environments() -> None:
    for environment, source in (("live", "a"), ("testnet", "b")):
        options = HyperliquidOptions(vault=SUB)
        known = venue.segments(options, HYPERLIQUID_FACTS, environment)
        (segment,) = [one for one in known if one.name == "core"]
        request = segment.cancels((order(1),), None)[0][0]
        sent = json.loads(api.sign(request, SECRETS, options, 5, 1).body)
        assert sent["signature"] == api.signature_of(sent["action"], 5, SUB, source, SECRETS)
        assert sent["vaultAddress"] == SUB


# --- the pre-flight -------------------------------------------------------------------------------------------------


def facts(name: str, answer: object, **options: Any) -> Any:
    known = preflight.questions(HyperliquidOptions(account=MASTER, **options), 0)
    question = next(one for one in known if one.name == name)
    return question.read(question.request, reply(answer))


def test_what_the_preflight_learns() -> None:
    assert facts("server time", {"time": 5, "specialStatuses": None}).server_ms == 5
    assert facts("server time", {"time": 5, "specialStatuses": "slow"}).remarks == (
        "the venue is in a special state: slow",
    )
    assert facts("key", {"role": "agent", "data": {"user": MASTER}}).can_withdraw is False
    assert facts("key", {"role": "user"}).can_withdraw is True
    assert facts("signers", None).mode == ""
    assert facts("signers", {"authorizedUsers": [], "threshold": 2}).mode_trouble
    agents = [{"name": "kill", "address": SIGNER.upper().replace("0X", "0x"), "validUntil": 99}]
    assert facts("agents", agents, agent=SIGNER).expires_ms == 99
    assert facts("agents", [{**agents[0], "validUntil": None}], agent=SIGNER).endless
    assert "set agent" in facts("agents", agents).remarks[0]
    assert "not among" in facts("agents", [], agent=SIGNER).remarks[0]
    assert facts("requests", {"nRequestsUsed": 10, "nRequestsCap": 10_000}).remarks == ()
    assert "1000 cancels are left" in facts("requests", {"nRequestsUsed": 19_000, "nRequestsCap": 10_000}).remarks[0]
    assert "used up" in facts("requests", {"nRequestsUsed": 20_000, "nRequestsCap": 10_000}).remarks[0]
    with pytest.raises(Unreadable):
        facts("requests", {"nRequestsUsed": 19_000})
