"""The fake Bybit's checks of key, clock and signature.

The signatures below were made by pybit 5.17.0 and ccxt 4.5.90 with the key `testkey` and the secret `testsecret`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest

from cancelall import simulator
from cancelall.simulator import SimRequest

if TYPE_CHECKING:
    from conftest import Clock, Desk, Opener

CANCEL = "/v5/order/cancel-all"
LIST = "/v5/order/realtime"
INFO = "/v5/account/info"
# Path, query or body, signature.
SIGNED = [
    (
        CANCEL,
        '{"category":"linear","settleCoin":"USDT"}',
        "e2eec090dc8e1777ce3f4829aed719cd4857b63a26dbb834fc282d2118b02647",
    ),
    (
        CANCEL,
        '{"category": "linear", "settleCoin": "USDT"}',
        "25dc78c7c40d17c82c35b7820172adffaae59672c7769ce58576c988fa677402",
    ),
    (
        CANCEL,
        '{"category":"linear","settleCoin":"USDC"}',
        "d62d980a2ddaa6e804ab6e329eef8803e90758a05ff49afd4f4caada895ec949",
    ),
    (
        CANCEL,
        '{"category":"inverse","settleCoin":"BTC"}',
        "7794fa8313bb495abc86d527a4f062e57093f867acfd9f094dfe53cd9d608164",
    ),
    (
        CANCEL,
        '{"category":"spot"}',
        "291ea7a231aaf3d61f59252b8bde6595c5f96014f3a0ebf26ff49de04f547d23",
    ),
    (
        CANCEL,
        '{"category":"spot","orderFilter":"OcoOrder"}',
        "6bb31fed5d4d106378c3042ca7e0d318637963486d7c9cb1b7716d7a3da288bf",
    ),
    (
        CANCEL,
        '{"category":"option"}',
        "70f498cf919b79dce7e7c611f218d34137009a51bf1eef3084be8f3bcc635d74",
    ),
    (
        "/v5/spread/order/cancel-all",
        '{"cancelAll":true}',
        "31d1957d24103ed772674c8b065588bab42174817256034fd999be46f8eb8836",
    ),
    (
        LIST,
        "category=linear&limit=50&openOnly=0&settleCoin=USDT",
        "b5f008ed25ebe74a85af75a3cd05d52feaf7155d727e1091a3d08fef5ad914bb",
    ),
    (
        LIST,
        "category=option&limit=50&openOnly=0",
        "ef7c98f1ca5a20104a26a63b8c57e583fa77583aba50e53845d48b4928dd31f7",
    ),
    (
        INFO,
        "",
        "2fc9e776b3f07b2ee447067e0f627438055b198bb14dba79e1a3d50e40a5bd8d",
    ),
]


def signed_request(path: str, payload: str, signature: str, key: str = "testkey") -> SimRequest:
    get = not payload.startswith("{")
    return SimRequest(
        method="GET" if get else "POST",
        path=path,
        query=payload if get else "",
        body=b"" if get else payload.encode(),
        headers={
            "x-bapi-api-key": key,
            "x-bapi-timestamp": "1700000000000",
            "x-bapi-recv-window": "5000",
            "x-bapi-sign": signature,
        },
    )


@pytest.mark.parametrize(("path", "payload", "signature"), SIGNED, ids=[payload or path for path, payload, _ in SIGNED])
def test_signatures_of_other_clients(desk: Desk, path: str, payload: str, signature: str) -> None:
    desk.fake.add_account({"api_key": "testkey", "api_secret": "testsecret"})
    assert desk.read(desk.fake.handle(signed_request(path, payload, signature)))["retCode"] == 0
    wrong = signature[:-1] + ("0" if signature[-1] != "0" else "1")
    refused = desk.read(desk.fake.handle(signed_request(path, payload, wrong)))
    assert refused["retCode"] == 10004
    assert refused["retMsg"] == f"error sign! origin_string[1700000000000testkey5000{payload}]"


def test_rsa() -> None:
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    fake = simulator.create("bybit", now_ms=lambda: 1_700_000_000_000)
    fake.add_account({"api_key": "testkey", "rsa_public_key": public})
    signature = base64.b64encode(private.sign(b"1700000000000testkey5000", padding.PKCS1v15(), SHA256())).decode()
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
    answer = desk.read(desk.reply("GET", INFO, timestamp=stamp, window=window))
    assert answer["retCode"] == code
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
        return int(desk.read(desk.reply("GET", INFO, timestamp=stamp, headers=headers))["retCode"])

    assert ask(desk.clock() - 5000) == 0
    assert ask(desk.clock() - 5001) == 10002


@pytest.mark.parametrize("missing", ["x-bapi-api-key", "x-bapi-timestamp", "x-bapi-sign"])
def test_missing_headers_are_401(desk: Desk, missing: str) -> None:
    assert desk.reply("GET", INFO, headers={missing: None}).status == 401


def test_an_unknown_key_is_10003(desk: Desk) -> None:
    answer = desk.read(desk.reply("GET", INFO, headers={"x-bapi-api-key": "SIMnobody"}))
    assert answer["retCode"] == 10003


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
