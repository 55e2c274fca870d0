"""binance-common, the part of the venue's connectors that encodes, signs and sends, on the fake Binance."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from cancelall import simulator
from cancelall.simulator import SimServer
from clients import by_a_client, needed
from simulator.desks import rsa_key


@pytest.fixture
def server() -> Iterator[SimServer]:
    with simulator.start("binance", orders=34, limits=False) as running:
        yield running


class Connector:
    """Sends as each of the venue's connectors does."""

    def __init__(self, server: SimServer, api_key: str, **secret: str) -> None:
        self.utils = needed("binance_common.utils")
        configuration = needed("binance_common.configuration").ConfigurationRestAPI
        self.configuration = configuration(api_key=api_key, base_path=server.origin, **secret)
        key = secret.get("private_key")
        self.signer = needed("binance_common.signature").Signers.get_signer(key) if key else None
        self.session = requests.Session()

    def send(self, line: str, **values: object) -> Any:
        method, path = line.split()
        answer = self.utils.send_request(
            self.session, self.configuration, method, path, payload=values, is_signed=True, signer=self.signer
        )
        return answer.data()


@pytest.fixture(params=["hmac", "rsa", "ed25519"])
def connector(server: SimServer, request: pytest.FixtureRequest) -> Iterator[Connector]:
    """On an account of its own, with a key of this kind; `server.account` is no part of it."""
    if request.param == "hmac":
        account = server.add_account(orders=34)
        made = Connector(server, account.key, api_secret=account.credentials["api_secret"])
    else:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        private, public = rsa_key()
        named = {"rsa_public_key": public}
        if request.param == "ed25519":
            private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
            named = {"ed25519_public_key": private.public_key().public_bytes_raw().hex()}
        server.add_account({"api_key": "SIMkey", **named}, orders=34)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        made = Connector(server, "SIMkey", private_key=pem)
    yield made
    made.session.close()


@by_a_client
def test_the_venues_connector_places_lists_and_cancels(server: SimServer, connector: Connector) -> None:
    key = connector.configuration.api_key

    def resting(segment: str, symbol: str = "") -> set[str]:
        mine = [one for one in server.open_orders(key) if one.segment == segment and symbol in ("", one.symbol)]
        return {one.id.rpartition(":")[2] for one in mine}

    untouched = {one.id for one in server.open_orders(server.account)}
    for path, segment, symbol in (
        ("/api/v3", "spot", "BTCUSDT"),
        ("/api/v3", "spot", "这是测试币456"),
        ("/sapi/v1/margin", "margin", "BTCUSDT"),
        ("/fapi/v1", "usdm", "测试USDT"),
        ("/dapi/v1", "coinm", "BTCUSD_PERP"),
    ):
        order = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "quantity": 0.5, "price": 9.5}
        placed = str(connector.send(f"POST {path}/order", **order)["orderId"])
        listed = connector.send(f"GET {path}/openOrders", symbol=symbol)
        assert placed in {str(one["orderId"]) for one in listed}
        assert {str(one["orderId"]) for one in listed} == resting(segment, symbol)
        assert {str(one["orderId"]) for one in connector.send(f"GET {path}/openOrders")} == resting(segment)
        cancelled = connector.send(f"DELETE {path}/order", symbol=symbol, order_id=int(placed))
        assert (str(cancelled["orderId"]), cancelled["status"]) == (placed, "CANCELED")
        assert placed not in resting(segment, symbol)
        connector.send(f"POST {path}/order", **order)
        all_of_them = {"spot": "openOrders", "margin": "openOrders"}.get(segment, "allOpenOrders")
        connector.send(f"DELETE {path}/{all_of_them}", symbol=symbol)
        assert resting(segment, symbol) == set()
    assert {one.id for one in server.open_orders(server.account)} == untouched


@by_a_client
def test_the_venues_connector_is_refused_with_a_wrong_secret(server: SimServer) -> None:
    wrong = Connector(server, server.credentials["api_key"], api_secret="DUMMYwrong")
    with pytest.raises(needed("binance_common.errors").BadRequestError) as caught:
        wrong.send("DELETE /api/v3/openOrders", symbol="BTCUSDT")
    assert caught.value.status_code == -1022
    wrong.session.close()
    assert len(server.open_orders()) == 34
