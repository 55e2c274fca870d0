"""The venues' own switches: bytes and signatures against other people's, units, and documented answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.core.errors import OptionError, Unreadable
from cancelall.core.model import Answer, Order, Priority, Purpose, Reply, Request, State
from cancelall.core.secret import Secret
from cancelall.core.switch import NoSwitch, SwitchTimer, TimerEnd, TimerReading, VenueSwitch, in_ms, load_switch
from cancelall.venues.registry import VENUES, load, schema
from unit.venues.kinds import reply

NOW = 1_700_000_000_000
ARMED = ("okx", "kraken", "binance", "hyperliquid", "bitget")
OBSERVED = ("bybit", "deribit")
_PLAIN = {"api_key": Secret("testkey"), "api_secret": Secret("testsecret"), "passphrase": Secret("testpass")}
SECRETS: dict[str, dict[str, Secret]] = {
    "okx": _PLAIN,
    "bitget": _PLAIN,
    "binance": {name: _PLAIN[name] for name in ("api_key", "api_secret")},
    "kraken": {"api_key": Secret("testkey"), "api_secret": Secret("dGVzdHNlY3JldA==")},
    "hyperliquid": {"private_key": Secret("0x" + bytes(range(32)).hex())},
}
OPTIONS: dict[str, dict[str, Any]] = {"binance": {"symbol": ("BTCUSDT", "BTCUSD_PERP")}}


def switch(venue: str) -> VenueSwitch[Any]:
    found = load_switch(venue)
    assert isinstance(found, VenueSwitch)
    return found


def options(venue: str, **more: Any) -> Any:
    return schema(venue).options(**{**OPTIONS.get(venue, {}), **more})


def timer(venue: str, environment: str = "live") -> SwitchTimer:
    return switch(venue).timers(options(venue), environment)[0]


def signed(venue: str, request: Request) -> dict[str, str]:
    """What is added to a request, as one text for each part."""
    secrets = schema(venue).secrets(**SECRETS[venue])
    made = load(venue).sign(request, secrets, options(venue), NOW, 1)
    return {"body": made.body.decode(), "query": made.query or "", **dict(made.headers)}


# --- bytes ----------------------------------------------------------------------------------------------------------

HYPERLIQUID = (
    '{"action":{"type":"scheduleCancel","time":1700000005500},"nonce":1700000000000,"signature":{"r":'
    '"0x8c0b5ace3041af87be0f1164678e5cc014852253123f3aad35afc8d6ff90b2a4","s":'
    '"0x27bae3e351265bc880789f1c3228cd4da0e8710374b93ff2eec308e631dba8f3","v":28}}'
)
HYPERLIQUID_OFF = (
    '{"action":{"type":"scheduleCancel"},"nonce":1700000000000,"signature":{"r":'
    '"0xe9bc3ef4a3952a65ab5b8447e6f0e27e0fef6eff7bef2112edf505c18bf120b6","s":'
    '"0x0198492b2da65c484e1122cc63e062909dd2df78ae5f40ef26cd2c8e496eb396","v":27}}'
)
"""Other clients leave out a zero in front."""
HYPERLIQUID_TEST = (
    '{"action":{"type":"scheduleCancel","time":1700000005500},"nonce":1700000000000,"signature":{"r":'
    '"0xbe3bd2767cebd1fffd0fc55516386f4acddcad2cc150538d1f21cd45edb82b38","s":'
    '"0x7f2d12e1b8516d6c006c2f02f816b6e3da1ccabc7dc82a2d7b5543c3f3d273ce","v":27}}'
)


@pytest.mark.parametrize(
    ("venue", "seconds", "path", "part", "value"),
    [
        ("okx", 10, "/api/v5/trade/cancel-all-after", "body", '{"timeOut":"10"}'),
        ("okx", 10, "", "OK-ACCESS-SIGN", "YpxHExqfNEPqoKjbgYmqbx0J28rXjJCu3D9NCD0HRH4="),
        ("okx", 0, "", "body", '{"timeOut":"0"}'),
        ("kraken", 60, "/0/private/CancelAllOrdersAfter", "body", "nonce=1700000000000&timeout=60"),
        (
            "kraken",
            60,
            "",
            "API-Sign",
            "wlG0kM5c2ChD0RGkPZ9tmjyMCVD2zqnUN9qwOuybNSlqRxwqpgJaIM9bOeJL+OmTACcJ3PFsjkjcaSs/PykCOw==",
        ),
        (
            "kraken",
            0,
            "",
            "API-Sign",
            "WsszJMmRsGAHgiBNmmBKaQWeq4UZS6/el3WAatrMiC0Jg80Wv4HvMZpJjzJzNQ+g0XXlzFsDL53U32+8vrC9pg==",
        ),
        ("kraken", 0, "", "body", "nonce=1700000000000&timeout=0"),
        (
            "binance",
            120,
            "/fapi/v1/countdownCancelAll",
            "query",
            "symbol=BTCUSDT&countdownTime=120000&recvWindow=5000&timestamp=1700000000000"
            "&signature=aa477c44dc91aa531b20850af8b88e8826bf68b207cdbcdaccc815e0deedb3d7",
        ),
        ("bitget", 40, "/api/v3/trade/countdown-cancel-all", "body", '{"countdown":"40"}'),
        ("bitget", 0, "", "ACCESS-SIGN", "69dlh2HlcLsx99+zQZWJJlSpoFFnbe06se723Jdz9wE="),
        ("hyperliquid", 0, "/exchange", "body", HYPERLIQUID_OFF),
    ],
)
def test_requests_are_signed_as_other_clients_sign_them(
    venue: str, seconds: int, path: str, part: str, value: str
) -> None:
    one = timer(venue)
    request = one.arm(seconds, NOW) if seconds else one.disarm
    assert request.path == path or not path
    assert request.method == "POST"
    assert signed(venue, request)[part] == value


def test_a_moment_is_signed_as_other_clients_sign_it() -> None:
    """5.5 s ahead, on both networks; the option goes by whole seconds."""
    for environment, value in (("live", HYPERLIQUID), ("testnet", HYPERLIQUID_TEST)):
        assert signed("hyperliquid", timer("hyperliquid", environment).arm(5, NOW + 500))["body"] == value


@pytest.mark.parametrize("venue", ARMED)
def test_a_request_about_a_switch_is_a_change_and_never_before_a_cancel(venue: str) -> None:
    one = timer(venue)
    for request, purpose in ((one.arm(60, NOW), Purpose.ARM), (one.disarm, Purpose.DISARM)):
        assert (request.changes, request.signed, request.purpose) == (True, True, purpose)
        assert request.priority is Priority.OTHER
    assert one.arm(60, NOW) != one.disarm


def test_each_symbol_has_a_timer_of_its_product() -> None:
    made = switch("binance").timers(options("binance"), "live")
    assert [(one.name, one.disarm.path, one.disarm.host) for one in made] == [
        ("usdm BTCUSDT", "/fapi/v1/countdownCancelAll", "fapi"),
        ("coinm BTCUSD_PERP", "/dapi/v1/countdownCancelAll", "dapi"),
    ]
    assert load("binance").cost(made[0].disarm) == 10
    few = options("binance", product=("coinm",), symbol=("BTCUSD_PERP",))
    assert [one.name for one in switch("binance").timers(few, "live")] == ["coinm BTCUSD_PERP"]
    assert switch("binance").timers(options("binance", symbol=("BTCUSDT",)), "testnet") == ()
    for unfit in ({"symbol": ()}, {"product": ("spot",), "symbol": ("BTCUSDT",)}, {"symbol": ("BTC-261225-90000-C",)}):
        assert switch("binance").unfit(options("binance", **unfit), "live"), unfit


# --- seconds --------------------------------------------------------------------------------------------------------


@given(venue=st.sampled_from(ARMED), seconds=st.floats() | st.integers(-(10**30), 10**30))
def test_no_time_is_rounded_and_none_that_the_venue_takes_for_off_gets_through(venue: str, seconds: float) -> None:
    made = switch(venue)
    fits = seconds == seconds and made.least <= seconds <= made.most and seconds == int(seconds)
    if not fits:
        with pytest.raises(OptionError, match="whole seconds from"):
            made.arming(timer(venue), seconds, NOW)
        return
    request = made.arming(timer(venue), seconds, NOW)
    sent = request.target + request.body.decode()
    shown = {"binance": f"countdownTime={int(seconds) * 1000}", "hyperliquid": f'"time":{NOW + int(seconds) * 1000}}}'}
    shown |= {"okx": f'"timeOut":"{int(seconds)}"', "kraken": f"timeout={int(seconds)}"}
    shown |= {"bitget": f'"countdown":"{int(seconds)}"'}
    assert sent.endswith(shown[venue]) or shown[venue] in sent
    assert '"0"' not in sent


@pytest.mark.parametrize("venue", sorted(set(VENUES) - set(ARMED)))
def test_a_venue_without_a_countdown_has_no_timers(venue: str) -> None:
    found = load_switch(venue)
    if venue in OBSERVED:
        assert isinstance(found, VenueSwitch)
        assert found.timers(options(venue), "live") == ()
        (question,) = found.questions(options(venue), "live")
        assert not question.request.changes
    else:
        assert isinstance(found, NoSwitch)


# --- answers --------------------------------------------------------------------------------------------------------


def envelope(venue: str, data: Any) -> Any:
    return {
        "okx": {"code": "0", "msg": "", "data": data},
        "kraken": {"error": [], "result": data},
        "binance": data,
        "hyperliquid": {"status": "ok", "response": data},
        "bitget": {"code": "00000", "msg": "success", "requestTime": NOW, "data": data},
        "bybit": {"retCode": 0, "retMsg": "success", "result": data, "retExtInfo": {}, "time": NOW},
        "deribit": {"jsonrpc": "2.0", "result": data, "usIn": 1, "usOut": 2, "usDiff": 1, "testnet": False},
    }[venue]


def okx(trigger: str) -> list[dict[str, str]]:
    return [{"triggerTime": trigger, "tag": "", "ts": "1700000000000"}]


KRAKEN = "2023-11-14T22:13:20Z"


@pytest.mark.parametrize(
    ("venue", "data", "reading"),
    [
        ("okx", okx("1700000060"), TimerReading(armed=True, fires_ms=NOW + 60_000, server_ms=NOW)),
        ("okx", okx("1700000060123"), TimerReading(armed=True, fires_ms=NOW + 60_123, server_ms=NOW)),
        ("okx", okx("0"), TimerReading(armed=False, server_ms=NOW)),
        ("okx", okx(""), TimerReading(server_ms=NOW)),
        (
            "kraken",
            {"currentTime": KRAKEN, "triggerTime": "2023-11-14T22:14:20Z"},
            TimerReading(armed=True, fires_ms=NOW + 60_000, server_ms=NOW),
        ),
        ("kraken", {"currentTime": KRAKEN, "triggerTime": "0"}, TimerReading(armed=False, server_ms=NOW)),
        ("kraken", {"currentTime": KRAKEN}, TimerReading(armed=False, server_ms=NOW)),
        ("binance", {"symbol": "BTCUSDT", "countdownTime": "60000"}, TimerReading(armed=True, seconds=60)),
        ("binance", {"symbol": "BTCUSDT", "countdownTime": 60000}, TimerReading(armed=True, seconds=60)),
        ("binance", {"symbol": "BTCUSDT", "countdownTime": "0"}, TimerReading(armed=False, seconds=0)),
        ("hyperliquid", {"type": "default"}, TimerReading()),
        ("bitget", "success", TimerReading()),
    ],
)
def test_what_a_documented_answer_says(venue: str, data: Any, reading: TimerReading) -> None:
    one, answer = timer(venue), reply(envelope(venue, data))
    request = one.arm(60, NOW)
    assert load(venue).judge(request, answer).answer is Answer.ACCEPTED
    assert one.read(request, answer) == reading


@pytest.mark.parametrize(
    ("venue", "data"),
    [
        ("okx", []),
        ("okx", [{"triggerTime": "soon", "ts": "1"}]),
        ("kraken", {"currentTime": KRAKEN, "triggerTime": "in a minute"}),
        ("kraken", {"currentTime": "2023-11-14T22:13:20", "triggerTime": "0"}),
        ("binance", {"symbol": "ETHUSDT", "countdownTime": "60000"}),
        ("hyperliquid", {"type": "cancel", "data": {"statuses": []}}),
        ("bitget", None),
    ],
)
def test_what_is_not_understood_confirms_nothing(venue: str, data: Any) -> None:
    one = timer(venue)
    with pytest.raises(Unreadable):
        one.read(one.arm(60, NOW), reply(envelope(venue, data)))


@pytest.mark.parametrize(
    ("venue", "status", "body", "answer"),
    [
        ("okx", 200, {"code": "51000", "msg": "Parameter timeOut error", "data": []}, Answer.REFUSED),
        ("okx", 429, {"code": "50011", "msg": "Too Many Requests", "data": []}, Answer.AGAIN),
        ("kraken", 200, {"error": ["EGeneral:Permission denied"]}, Answer.REFUSED),
        ("kraken", 200, {"error": ["EGeneral:Invalid arguments"]}, Answer.REFUSED),
        ("binance", 400, {"code": -1121, "msg": "Invalid symbol."}, Answer.REFUSED),
        ("binance", 401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}, Answer.REFUSED),
        ("bitget", 400, {"code": "40014", "msg": "Incorrect permissions", "data": None}, Answer.REFUSED),
        ("bitget", 400, {"code": "40084", "msg": "You are in Classic Account mode", "data": None}, Answer.ABSENT),
        (
            "hyperliquid",
            200,
            {
                "status": "err",
                "response": "Cannot set scheduled cancel time until enough volume traded. Required: $1000000.",
            },
            Answer.REFUSED,
        ),
        (
            "hyperliquid",
            200,
            {
                "status": "err",
                "response": "Scheduled cancel time too early, must be at least 5 seconds from now.",
            },
            Answer.REFUSED,
        ),
    ],
)
def test_a_refusal_is_one(venue: str, status: int, body: Any, answer: Answer) -> None:
    one = timer(venue)
    for request in (one.arm(60, NOW), one.disarm):
        assert load(venue).judge(request, reply(body, status)).answer is answer


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    "triggerTime ts tag currentTime symbol countdownTime type state cancelSource status reason order orderStatus "
    "cancelReason dcpInfos product dcpStatus timeWindow enabled scope".split()
)
NEAR = st.dictionaries(NAMES, JSON, max_size=4)


def readers(venue: str) -> list[Callable[[Reply], object]]:
    made = switch(venue)
    found: list[Callable[[Reply], object]] = []
    for one in made.timers(options(venue), "live"):
        found.append(lambda answer, one=one: one.read(one.arm(60, NOW), answer))  # type: ignore[misc]
    if (look_up := made.look_up) is not None:
        request = look_up.request(options(venue), "1", "BTCUSDT")
        found.append(lambda answer: look_up.read(request, answer))
    for question in made.questions(options(venue), "live"):
        found.append(lambda answer, question=question: question.read(question.request, answer))  # type: ignore[misc]
    return found


@settings(max_examples=150)
@given(venue=st.sampled_from((*ARMED, *OBSERVED)), value=JSON | NEAR | st.lists(NEAR, max_size=2), more=st.binary())
def test_readers_bear_anything(venue: str, value: Any, more: bytes) -> None:
    nested = envelope(venue, value), envelope(venue, [value]), envelope(venue, {"x": value}), value
    for answer in (*map(reply, nested), reply(more)):
        for read in readers(venue):
            try:
                read(answer)
            except Unreadable:
                continue


# --- how an order ended ---------------------------------------------------------------------------------------------

HYPERLIQUID_ORDER = {"coin": "BTC", "oid": 1}


@pytest.mark.parametrize(
    ("venue", "data", "end"),
    [
        ("okx", [{"state": "canceled", "cancelSource": "20"}], (State.CANCELLED, "cancelSource 20", True)),
        ("okx", [{"state": "canceled", "cancelSource": "1"}], (State.CANCELLED, "cancelSource 1", False)),
        ("okx", [{"state": "live", "cancelSource": ""}], (State.OPEN, "", False)),
        ("okx", [{"state": "filled", "cancelSource": ""}], (State.FILLED, "", False)),
        ("kraken", {"O1": {"status": "canceled", "reason": "Out of time"}}, (State.CANCELLED, "Out of time", None)),
        ("kraken", {"O1": {"status": "open"}}, (State.OPEN, "", False)),
        ("kraken", {"O1": {"status": "closed", "reason": None}}, (State.FILLED, "", False)),
        ("kraken", {}, (State.GONE, "", None)),
        ("binance", {"status": "CANCELED"}, (State.CANCELLED, "", None)),
        ("binance", {"status": "EXPIRED"}, (State.CANCELLED, "expired", None)),
        ("binance", {"status": "FILLED"}, (State.FILLED, "", False)),
        ("binance", {"status": "NEW"}, (State.OPEN, "", False)),
        ("bitget", {"orderStatus": "cancelled", "cancelReason": "x"}, (State.CANCELLED, "x", None)),
        ("bitget", {"orderStatus": "live", "cancelReason": ""}, (State.OPEN, "", False)),
    ],
)
def test_how_an_order_ended(venue: str, data: Any, end: tuple[State, str, bool | None]) -> None:
    look_up = switch(venue).look_up
    assert look_up is not None
    request = look_up.request(options(venue), "1", "BTCUSDT")
    assert not request.changes
    state, reason, by_switch = end
    answer = reply(envelope(venue, data))
    assert load(venue).judge(request, answer).answer is Answer.ACCEPTED
    assert look_up.read(request, answer) == TimerEnd(state=state, reason=reason, by_switch=by_switch)


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("scheduledCancel", (State.CANCELLED, True)),
        ("canceled", (State.CANCELLED, False)),
        ("open", (State.OPEN, False)),
        ("filled", (State.FILLED, False)),
    ],
)
def test_how_an_order_ended_on_hyperliquid(status: str, end: tuple[State, bool]) -> None:
    look_up = switch("hyperliquid").look_up
    assert look_up is not None
    request = look_up.request(options("hyperliquid"), "1", "")
    assert json.loads(request.body) == {"type": "orderStatus", "user": "", "oid": 1}
    body = {"status": "order", "order": {"order": HYPERLIQUID_ORDER, "status": status, "statusTimestamp": NOW}}
    read = look_up.read(request, reply(body))
    assert (read.state, read.by_switch) == end
    assert look_up.read(request, reply({"status": "unknownOid"})).state is State.GONE


def test_an_order_that_is_named_by_too_little_is_not_looked_up() -> None:
    for venue, identity, symbol in (("okx", "1", ""), ("binance", "1", ""), ("binance", "x", "BTCUSDT")):
        look_up = switch(venue).look_up
        assert look_up is not None
        with pytest.raises(OptionError):
            look_up.request(options(venue), identity, symbol)


# --- what it reaches ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("venue", "order", "reaches"),
    [
        ("okx", Order(id="1", segment="orders"), True),
        ("okx", Order(id="1", segment="TP/SL"), False),
        ("okx", Order(id="1", segment="spreads"), False),
        ("okx", Order(id="1", segment="events"), None),
        ("kraken", Order(id="1", segment="spot"), True),
        ("binance", Order(id="1", segment="usdm"), True),
        ("binance", Order(id="1", segment="usdm", kind="algo"), None),
        ("binance", Order(id="1", segment="spot"), False),
        ("binance", Order(id="1", segment="pm usdm"), False),
        ("hyperliquid", Order(id="1", segment="core", type="limit"), True),
        ("hyperliquid", Order(id="1", segment="core", type="Stop Market"), None),
        ("hyperliquid", Order(id="1", segment="xyz", type="limit"), None),
        ("hyperliquid", Order(id="1", segment="TWAPs"), None),
        ("bitget", Order(id="1", segment="USDT-FUTURES"), True),
        ("bitget", Order(id="1", segment="USDT-FUTURES strategy orders"), None),
    ],
)
def test_what_a_timer_reaches(venue: str, order: Order, reaches: bool | None) -> None:
    assert switch(venue).reaches(order) is reaches
    assert bool(switch(venue).out_of_reach([order])) is not bool(reaches)


def test_a_moment_in_seconds_and_one_in_milliseconds_are_the_same() -> None:
    assert in_ms(1_700_000_060) == in_ms(1_700_000_060_000) == 1_700_000_060_000
