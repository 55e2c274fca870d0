"""The fake OKX: its routes, its checks in the venue's order, its limits, and its own words.

https://www.okx.com/docs-v5/en/#overview-rest-authentication and #error-code (as of 2026-07). The signed text is the
timestamp, the method, path and query as they came over the wire, and the body, with nothing in between.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from ..auth import as_base64, genuine
from ..faults import declared
from ..limits import Allowance, Draw
from ..refusals import Refusal, Refused, bare
from ..routes import NOBODY, Call, Routes, cancel, create, listing, public, read
from ..wire import Headers, SimReply, SimRequest, json_reply
from . import account, countdown, orders
from .state import ALGOS, State, family, rows, spread_row

_PER_MS = 2000
_BATCH, _BY_INSTRUMENT = "batch", "instrument"
"""What a route's limit counts: the orders of a batch by their instruments, or requests by instrument; else requests."""
_HEADERS = {"KEY": "50103", "PASSPHRASE": "50104", "SIGN": "50106", "TIMESTAMP": "50107"}
_WINDOW_MS = 30_000
_TOO_MANY = Refused("50011", "Too Many Requests", 429)
_BOTS = "grid/orders-algo-pending dca/ongoing-list signal/orders-algo-pending recurring/orders-algo-pending".split()


class Okx(State):
    name = "okx"
    key_header = "ok-access-key"
    # In the form of the real ones: a UUID, 32 hex digits, whatever the user has chosen.
    secrets: ClassVar = {"api_key": ("51a0ca5e-", 27), "api_secret": ("D0D0", 28), "passphrase": ("DUMMY", 11)}
    text_fields = frozenset({"msg", "sMsg", "clOrdId", "algoClOrdId", "category", "tag"})
    status_fields = frozenset({"state"})
    # Requests, or orders, in two seconds: from each endpoint's section.
    routes = Routes(
        {
            "POST /api/v5/sprd/mass-cancel": cancel(orders.cancel_spreads, 10),
            "POST /api/v5/sprd/cancel-order": cancel(orders.cancel, 20),
            "POST /api/v5/trade/cancel-batch-orders": cancel(orders.cancel, 300, detail=_BATCH),
            "POST /api/v5/trade/cancel-order": cancel(orders.cancel, 60, detail=_BY_INSTRUMENT),
            "POST /api/v5/trade/cancel-algos": cancel(orders.cancel, 20, detail=_BATCH),
            "POST /api/v5/trade/cancel-advance-algos": cancel(orders.cancel, 20, detail=_BATCH),
            "POST /api/v5/trade/cancel-all-after": create(countdown.orders, 2),
            "POST /api/v5/sprd/cancel-all-after": create(countdown.spreads, 2),
            "POST /api/v5/trade/order": create(orders.place, 60, detail=_BY_INSTRUMENT),
            "POST /api/v5/trade/batch-orders": create(orders.place, 300, detail=_BATCH),
            "POST /api/v5/trade/order-algo": create(orders.place, 20),
            "GET /api/v5/trade/orders-pending": listing(orders.pending, 60),
            "GET /api/v5/trade/orders-algo-pending": listing(orders.pending, 20),
            "GET /api/v5/sprd/orders-pending": listing(orders.pending, 10),
            "GET /api/v5/trade/order": read(orders.one_order, 60, detail=_BY_INSTRUMENT),
            "GET /api/v5/trade/order-algo": read(orders.one_order, 20),
            "GET /api/v5/sprd/order": read(orders.one_order, 20),
            "GET /api/v5/trade/orders-history": read(orders.history, 40),
            "GET /api/v5/trade/orders-algo-history": read(orders.history, 20),
            "GET /api/v5/sprd/orders-history": read(orders.history, 20),
            "GET /api/v5/account/config": read(account.config, 5),
            "GET /api/v5/account/positions": read(account.positions, 10),
            # Empty, but there: clients that load everything ask for it.
            "GET /api/v5/asset/currencies": read(lambda *_: [], 12),
            **{f"GET /api/v5/tradingBot/{path}": read(account.bots, 20, detail=path) for path in _BOTS},
            "GET /api/v5/public/time": public(lambda venue, _: [{"ts": str(venue.server_now())}]),
            "GET /api/v5/public/instruments": public(account.instruments),
            "GET /api/v5/public/underlying": public(account.underlyings),
            "GET /api/v5/sprd/spreads": public(
                lambda venue, _: [spread_row(one) for one in venue.instruments.of["SPREAD"]]
            ),
        }
    )
    refusals: ClassVar = {
        Refusal.KEY: Refused("50119", "API key doesn't exist", 401),
        Refusal.IP: Refused("50110", "Your IP 127.0.0.1 is not included in your API key's IP whitelist.", 401),
        Refusal.PERMISSION: Refused("50120", "This API key doesn't have permission to use this function"),
        Refusal.RATE_LIMIT: _TOO_MANY,
        Refusal.INTERNAL: Refused("50026", "System error. Try again later", 500),
        Refusal.MAINTENANCE: Refused("50001", "Service temporarily unavailable. Please try again later.", 503),
        Refusal.REQUEST: Refused("51000", "Parameter instId error", 400),
        Refusal.PRODUCT: Refused("50051", "Due to compliance restrictions in your country or region, you cannot."),
        Refusal.ABSENT: Refused("51010", "Request unsupported under current account mode"),
    }
    own_faults = declared(__file__)
    _limited = 0

    def no_route(self, request: SimRequest) -> Exception:
        return bare(404)

    def authorize(self, call: Call) -> Call:
        """Headers, clock, key, environment, passphrase and signature, and what the key may do; then the body."""
        request = call.request
        found = self.accounts.get(self.key_of(request), NOBODY)
        _authenticate(request, found.credentials, self.server_now())
        if (request.headers.get("x-simulated-trading") == "1") is not (self.fault("demo", request) is not None):
            raise Refused("50101", "APIKey does not match current environment.", 401)
        if call.route.kind.changes and self.fault("read-only", request):
            raise self.refusals[Refusal.PERMISSION]
        items = [call.query] if request.method == "GET" else _read_body(request, batch=call.route.detail == _BATCH)
        return replace(call, account=found, payload={"rows": items})

    def draws(self, call: Call) -> Iterable[Draw]:
        """A batch takes one from its instrument's limit for each of its orders; one of one order counts as a single."""
        path, limit = call.path.rpartition("/")[2], call.route.limit
        if call.route.detail not in (_BATCH, _BY_INSTRUMENT):
            return [Draw(call.path, limit, _PER_MS)]
        names = [str(one.get("instId", "")) for one in rows(call)]
        names = [family(one) if one.endswith(("-C", "-P")) else one for one in names]  # options share one
        if path == "cancel-batch-orders" and len(names) == 1:
            path, limit = "cancel-order", 60
        return [Draw(f"{path} {name}", limit, _PER_MS, names.count(name)) for name in dict.fromkeys(names)]

    def over_limit(self, allowance: Allowance, request: SimRequest) -> SimReply:
        """Code 50011, with HTTP 200 and 429 by turns, as documented."""
        self._limited += 1
        return self.refusal(_TOO_MANY if self._limited % 2 else Refused("50011", "Rate limit reached."), request)

    def check(self, call: Call) -> None:
        """What the account, or the site, does not have."""
        part = call.query.get("ordType") or call.query.get("instType") or call.path.split("/")[3]
        fault = self.fault("lacks", call.request, lambda each: each.parts[0] == part)
        if fault:
            code = fault.parts[1] or ("51000" if part in (*ALGOS, "EVENTS") else "51010")
            raise bare(404) if code == "404" else Refused(code, "This is not available to you")
        if call.path.endswith("advance-algos") and (gone := self.fault("no-advance", call.request)):
            raise bare(404) if gone.value == "404" else Refused("50005", "API endpoint is inactive.", 410)
        if call.path.endswith("cancel-batch-orders") and self.fault("no-batch", call.request):
            raise Refused("50030", "You don't have permission to use this API endpoint")

    def answer(self, value: Any, call: Call, headers: Headers) -> SimReply:
        """Where rows have codes of their own, the outer one is 1 if all have failed, 2 if some have; and it tells when
        the request came in and went out, in microseconds.
        """
        said = {"code": "0", "data": value, "msg": ""}
        if codes := [row["sCode"] for row in value if "sCode" in row]:
            now, failed = str(self.server_now() * 1000), len(codes) - codes.count("0")
            code = "0" if not failed else "1" if failed == len(codes) else "2"
            said |= {"code": code, "msg": "Operation failed." if failed else "", "inTime": now, "outTime": now}
        return json_reply(said, headers=headers)

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        said: dict[str, object] = {"code": refused.code, "msg": refused.message}
        return json_reply(said if refused.status == 401 else {**said, "data": []}, refused.status or 200, headers)


def _read_body(request: SimRequest, *, batch: bool) -> list[dict[str, object]]:
    """The items of a body: an array of objects for a batch, else one object. It must never be empty."""
    if not request.body:
        raise Refused("50000", "Body for POST request cannot be empty.", 400)
    if request.headers.get("content-type", "") != "application/json":
        raise Refused("50006", 'Invalid Content-Type. Please use "application/JSON".', 400)
    wrong = Refused("50002", "JSON syntax error", 400)
    return request.json_rows(wrong) if batch else [request.json_object(wrong)]


def _authenticate(request: SimRequest, credentials: Mapping[str, str], server_ms: int) -> None:
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


FAKE = Okx
