"""What the handlers of OKX's requests share: what the fake remembers, its checks of key, clock and signature.

https://www.okx.com/docs-v5/en/#overview-rest-authentication and #error-code (as of 2026-07). The signed text is the
timestamp, the method, path and query as they came over the wire, and the body, with nothing in between.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

from ..auth import as_base64, genuine
from ..book import SimOrder
from ..fake import FakeVenue
from ..refusals import Refused, string
from ..routes import Call
from ..wire import SimRequest
from .instruments import Instruments

KEY_HEADER = "ok-access-key"
_HEADERS = {"KEY": "50103", "PASSPHRASE": "50104", "SIGN": "50106", "TIMESTAMP": "50107"}
_WINDOW_MS = 30_000
WRONG_ENVIRONMENT = Refused("50101", "APIKey does not match current environment.", 401)


class State(FakeVenue):
    def begin(self) -> None:
        self.instruments = Instruments(self.now_ms())
        self._last_id = 590_908_157_585_625_111

    def new_id(self, like: SimOrder) -> str:
        """Digits; a later order has a larger number."""
        self._last_id += self.random.randrange(1, 10**9)
        return str(self._last_id)

    def client_id(self, owner: str, number: int, order_id: str) -> str:
        """Letters and digits only."""
        return f"{owner}{number}x{order_id[-4:]}"


def bad(name: str) -> Refused:
    return Refused("51000", f"Parameter {name} error", 400)


def missing(name: str) -> Refused:
    return Refused("50014", f"Parameter {name} can not be empty.", 400)


def no_instrument() -> Refused:
    return Refused("51001", "Instrument ID, Instrument ID code or Spread ID doesn't exist.")


def text(values: Mapping[str, object], name: str) -> str:
    return string(values, name, bad(name))


def rows(call: Call) -> list[dict[str, object]]:
    """The items of a batch, or the only one of a single cancel."""
    found = call.payload["rows"]
    return found if isinstance(found, list) else []


def read_body(request: SimRequest, *, batch: bool) -> dict[str, object]:
    """The items of a body: an array of objects for a batch, else one object. It must never be empty."""
    if not request.body:
        raise Refused("50000", "Body for POST request cannot be empty.", 400)
    if request.headers.get("content-type", "") != "application/json":
        raise Refused("50006", 'Invalid Content-Type. Please use "application/JSON".', 400)
    try:
        value = json.loads(request.body)
    except (ValueError, RecursionError):
        value = None
    items = value if batch else [value]
    if not (isinstance(items, list) and all(isinstance(one, dict) for one in items)):
        raise Refused("50002", "JSON syntax error", 400)
    return {"rows": items}


def authenticate(request: SimRequest, credentials: Mapping[str, str], server_ms: int) -> None:
    """Raise unless headers, clock, key, passphrase and signature are right; without credentials nobody has the key."""
    said = {name: request.headers.get(f"ok-access-{name.lower()}", "") for name in _HEADERS}
    for name, code in _HEADERS.items():
        if not said[name]:
            raise Refused(code, f'Request header "OK-ACCESS-{name}" cannot be empty.', 401)
    try:
        stamp = datetime.strptime(said["TIMESTAMP"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise Refused("50112", "Invalid OK-ACCESS-TIMESTAMP.", 401) from None
    if abs(int(stamp.timestamp() * 1000) - server_ms) > _WINDOW_MS:
        raise Refused("50102", "Timestamp request expired.", 401)
    if not credentials:
        raise Refused("50119", "API key doesn't exist", 401)
    if said["PASSPHRASE"] != credentials["passphrase"]:
        raise Refused("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', 401)
    signed = f"{said['TIMESTAMP']}{request.method}{request.target}".encode("latin-1", "replace") + request.body
    if not genuine(signed, said["SIGN"], credentials, as_base64):
        raise Refused("50113", "Invalid Signature", 401)
