"""The fake Bybit's checks of key, clock and signature.

The signatures of the vectors, and those below, were made by pybit 5.17.0 and ccxt 4.5.90 with the key `testkey` and the
secret `testsecret`.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from cancelall import simulator
from cancelall.simulator import SimRequest
from simulator.desks import rsa_key, rsa_signature
from support import ROOT

if TYPE_CHECKING:
    from conftest import Clock, Desk, Opener

CANCEL = "/v5/order/cancel-all"
LIST = "/v5/order/realtime"
INFO = "/v5/account/info"
USDC = "d62d980a2ddaa6e804ab6e329eef8803e90758a05ff49afd4f4caada895ec949"
NO_QUERY = "2fc9e776b3f07b2ee447067e0f627438055b198bb14dba79e1a3d50e40a5bd8d"
VECTORS = json.loads((ROOT / "tests" / "vectors" / "bybit.json").read_text(encoding="utf-8"))
# Path, query or body, signature.
SIGNED = [
    (CANCEL, '{"category":"linear","settleCoin":"USDC"}', USDC),
    (INFO, "", NO_QUERY),
    *(
        (urlsplit(row["url"]).path, row["body"] or urlsplit(row["url"]).query, row["headers"]["X-BAPI-SIGN"])
        for row in VECTORS
        if not row["name"].startswith("RSA")
    ),
]


def signed_request(path: str, payload: str, signature: str) -> SimRequest:
    get = not payload.startswith("{")
    return SimRequest(
        method="GET" if get else "POST",
        path=path,
        query=payload if get else "",
        body=b"" if get else payload.encode(),
        headers={
            "x-bapi-api-key": "testkey",
            "x-bapi-timestamp": "1700000000000",
            "x-bapi-recv-window": "5000",
            "x-bapi-sign": signature,
        },
    )


@pytest.mark.parametrize(("path", "payload", "signature"), SIGNED)
def test_signatures_of_other_clients(desk: Desk, path: str, payload: str, signature: str) -> None:
    desk.fake.add_account({"api_key": "testkey", "api_secret": "testsecret"})
    # An order or a cursor that a vector names may be none here.
    assert desk.read(desk.fake.handle(signed_request(path, payload, signature)))["retCode"] in (0, 110001)
    wrong = signature[:-1] + ("0" if signature[-1] != "0" else "1")
    refused = desk.read(desk.fake.handle(signed_request(path, payload, wrong)))
    assert refused["retCode"] == 10004
    assert refused["retMsg"] == f"error sign! origin_string[1700000000000testkey5000{payload}]"


def test_rsa() -> None:
    pytest.importorskip("cryptography")
    private, public = rsa_key()
    fake = simulator.create("bybit", now_ms=lambda: 1_700_000_000_000)
    fake.add_account({"api_key": "testkey", "rsa_public_key": public})
    signature = rsa_signature(private, b"1700000000000testkey5000")
    assert b'"retCode":0' in fake.handle(signed_request(INFO, "", signature)).body
    for wrong in (signature[:-8] + "AAAAAAA=", "not base64", "é"):
        assert b'"retCode":10004' in fake.handle(signed_request(INFO, "", wrong)).body


@pytest.mark.parametrize(
    ("ahead_ms", "window", "code"),
    [
        (0, 5000, 0),
        (999, 5000, 0),
        (1000, 5000, 10002),
        (1002, 50_000, 10002),
        (-5000, 5000, 0),
        (-5001, 5000, 10002),
        (-20_000, 20_000, 0),
    ],
)
def test_clock_window(desk: Desk, ahead_ms: int, window: int, code: int) -> None:
    stamp = desk.clock() + ahead_ms
    answer = desk.ask("GET", INFO, timestamp=stamp, window=window)
    assert (answer["retCode"], answer["time"]) == (code, desk.clock())
    if code:
        assert answer["retMsg"].endswith(
            f"req_timestamp[{stamp}],server_timestamp[{desk.clock()}],recv_window[{window}]"
        )


def test_the_window_is_5000_if_none_is_sent(desk: Desk) -> None:
    def ask(stamp: int) -> int:
        key, secret = desk.account.key, desk.account.credentials["api_secret"].encode()
        headers = {
            "x-bapi-recv-window": None,
            "x-bapi-sign": hmac.new(secret, f"{stamp}{key}".encode(), hashlib.sha256).hexdigest(),
        }
        return int(desk.ask("GET", INFO, timestamp=stamp, headers=headers)["retCode"])

    assert ask(desk.clock() - 5000) == 0
    assert ask(desk.clock() - 5001) == 10002


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [("api-key", None, 401), ("timestamp", None, 401), ("sign", None, 401), ("api-key", "SIMnobody", 200)],
)
def test_a_key_that_is_missing_or_unknown_is_10003(desk: Desk, header: str, value: str | None, status: int) -> None:
    reply = desk.reply("GET", INFO, headers={f"x-bapi-{header}": value})
    assert (reply.status, desk.read(reply)["retCode"]) == (status, 10003)


def test_a_replayed_body_change_is_caught(desk: Desk) -> None:
    request = desk.request("POST", CANCEL, body=b'{"category":"spot"}')
    changed = SimRequest(method="POST", path=CANCEL, headers=request.headers, body=b'{"category":"option"}')
    assert desk.read(desk.fake.handle(changed))["retCode"] == 10004
    assert len(desk.open()) == 40


def test_a_get_with_a_body_is_403(desk: Desk) -> None:
    request = desk.request("GET", INFO)
    with_body = SimRequest(method="GET", path=INFO, headers=request.headers, body=b"{}")
    assert desk.fake.handle(with_body).status == 403


def test_public_paths_need_no_key(desk: Desk) -> None:
    answer = desk.read(desk.fake.handle(SimRequest(method="GET", path="/v5/market/time")))
    assert answer["result"] == {"timeSecond": "1700000000", "timeNano": "1700000000000000000"}


def test_an_unknown_path_is_404(desk: Desk) -> None:
    reply = desk.reply("POST", "/v5/order/cancel-everything")
    assert (reply.status, desk.read(reply)["retCode"]) == (404, 10017)
    assert desk.fake.requests[-1].changes


def test_accounts_do_not_see_each_other(open_desk: Opener, clock: Clock) -> None:
    first = open_desk()
    second = first.at(first.fake.add_account())
    assert first.account.key != second.account.key
    taken = first.cancel_all(category="linear", settleCoin="USDT")
    assert taken
    assert len(second.open()) == 40
    lookup = second.get(LIST, category="linear", orderId=taken[0])
    assert lookup["result"]["list"] == []
