"""The fake Bitget: its routes, its checks in the venue's order, and its own words.

Codes: https://www.bitget.com/api-doc/contract/error-code/restapi and https://www.bitget.com/api-doc/uta/error-code/restapi
(as of 2025-12-05). A code is text, success is "00000", and a refusal comes with HTTP 400 or 200: only the code counts.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from ..book import Account
from ..faults import Fault, declared
from ..limits import AddressLimit, Allowance, Draw
from ..refusals import Answered, Refusal, Refused, page
from ..routes import Call, Routes, cancel, create, listing, public, read
from ..wire import Headers, SimReply, SimRequest, json_reply
from . import account, orders
from . import listing as listings
from .account import KEY_HEADER, authenticate, check_headers
from .countdown import countdown
from .instruments import BORROWED, MARGIN, PAIR, stock
from .positions import all_positions, current_positions
from .state import State

_LIMIT = 10
"""What nearly every private endpoint has, futures all of them."""
_BROKEN = "Internal server error"


class Bitget(State):
    name = "bitget"
    key_header = KEY_HEADER
    secrets: ClassVar = {"api_key": ("bg_SIM", 29), "api_secret": ("DUMMY", 59), "passphrase": ("DUMMY", 11)}
    text_fields = frozenset({"msg", "errorMsg", "clientOid", "symbol", "orderSource"})
    status_fields = frozenset({"status", "planStatus", "orderStatus"})
    refusals: ClassVar = {
        Refusal.KEY: Refused("40037", "Apikey does not exist"),
        Refusal.IP: Refused("40018", "Invalid IP"),
        Refusal.PERMISSION: Refused("40014", "Incorrect permissions, need trade permissions"),
        Refusal.RATE_LIMIT: Refused("429", "Too Many Requests", 429),
        Refusal.INTERNAL: page(500, f"<html><head><title>500</title></head><body><h1>{_BROKEN}</h1></body></html>\n"),
        Refusal.MAINTENANCE: Refused("40200", "Server upgrade, please try again later"),
        Refusal.REQUEST: Refused("40404", "Request URL NOT FOUND", 404),
        Refusal.PRODUCT: Refused("40022", "The business of this account has been restricted"),
        Refusal.ABSENT: Refused("40731", "This product is not open to copy trading accounts"),
    }
    own_faults = declared(__file__)
    # Each endpoint's page names its own limit (as of 2025-12-05); https://www.bitget.com/api-doc/common/faq says that
    # endpoints count independently, and that an address may send 6000 requests in a minute and then waits five.
    routes = Routes(
        {
            "POST /api/v2/mix/order/cancel-all-orders": cancel(orders.cancel_all),
            "POST /api/v2/mix/order/batch-cancel-orders": cancel(orders.batch_cancel),
            "POST /api/v2/mix/order/cancel-order": cancel(orders.cancel_one),
            "POST /api/v2/mix/order/cancel-plan-order": cancel(orders.cancel_plan),
            "POST /api/v2/mix/order/place-order": create(orders.place),
            "POST /api/v2/mix/order/place-plan-order": create(orders.place, detail=orders.PLANS),
            "POST /api/v2/mix/order/place-tpsl-order": create(orders.place, detail=orders.CLOSING),
            "GET /api/v2/mix/order/orders-pending": listing(listings.futures),
            "GET /api/v2/mix/order/orders-plan-pending": listing(listings.futures_plans),
            "GET /api/v2/mix/order/orders-history": read(listings.futures_history),
            "GET /api/v2/mix/order/orders-plan-history": read(listings.futures_plans),
            "GET /api/v2/mix/order/detail": read(listings.futures_order),
            "GET /api/v2/mix/position/all-position": read(all_positions, 5),
            "POST /api/v2/spot/trade/cancel-symbol-order": cancel(orders.cancel_symbol, 5),
            "POST /api/v2/spot/trade/batch-cancel-order": cancel(orders.spot_batch),
            "POST /api/v2/spot/trade/cancel-order": cancel(orders.spot_one),
            "POST /api/v2/spot/trade/batch-cancel-plan-order": cancel(orders.spot_plans, 5),
            "POST /api/v2/spot/trade/cancel-plan-order": cancel(orders.spot_plan, 20),
            "POST /api/v2/spot/trade/place-order": create(orders.place),
            "POST /api/v2/spot/trade/place-plan-order": create(orders.place, 20, detail=orders.SPOT_PLANS),
            "GET /api/v2/spot/trade/unfilled-orders": listing(listings.spot, 20),
            "GET /api/v2/spot/trade/current-plan-order": listing(listings.spot_plans, 20),
            "GET /api/v2/spot/trade/history-orders": read(listings.spot_history, 20),
            "GET /api/v2/spot/trade/history-plan-order": read(listings.spot_plan_history, 20),
            "GET /api/v2/spot/trade/orderInfo": read(listings.spot_order, 20),
            "GET /api/v2/margin/{mode:crossed|isolated}/open-orders": listing(listings.margin),
            "POST /api/v2/margin/{mode:crossed|isolated}/batch-cancel-order": cancel(orders.spot_batch),
            "POST /api/v2/margin/{mode:crossed|isolated}/cancel-order": cancel(orders.spot_one),
            "POST /api/v2/margin/{mode:crossed|isolated}/place-order": create(orders.place),
            "GET /api/v2/spot/account/info": read(account.account_info, 1),
            "POST /api/v3/trade/cancel-symbol-order": cancel(orders.unified_symbol, 5),
            "POST /api/v3/trade/cancel-batch": cancel(orders.unified_batch, 5),
            "POST /api/v3/trade/cancel-order": cancel(orders.unified_one),
            "POST /api/v3/trade/cancel-strategy-order": cancel(orders.strategy_one),
            "POST /api/v3/trade/countdown-cancel-all": create(countdown, 1),
            "POST /api/v3/trade/place-order": create(orders.place),
            "POST /api/v3/trade/place-strategy-order": create(orders.place, detail=orders.STRATEGIES),
            "GET /api/v3/trade/unfilled-orders": listing(listings.unified, 20),
            "GET /api/v3/trade/unfilled-strategy-orders": listing(listings.strategies, 20),
            "GET /api/v3/trade/history-orders": read(listings.unified, 20),
            "GET /api/v3/trade/history-strategy-orders": read(listings.strategy_history, 20),
            "GET /api/v3/trade/order-info": read(listings.unified_order, 20),
            "GET /api/v3/position/current-position": read(current_positions, 20),
            "GET /api/v3/account/settings": read(account.settings, 20),
            "GET /api/v3/account/info": read(account.unified_info),
            "GET /api/v2/public/time": public(lambda venue, _: {"serverTime": str(venue.server_now())}),
            "GET /api/v2/mix/market/contracts": public(account.contracts),
            "GET /api/v2/spot/public/symbols": public(
                lambda venue, call: [PAIR(one) for one in venue.instruments.of("SPOT", call.query.get("symbol", ""))]
            ),
            "GET /api/v2/margin/currencies": public(
                lambda venue, _: [BORROWED(one) for one in venue.instruments.of("MARGIN")]
            ),
            "GET /api/v3/market/instruments": public(account.instruments),
        }
    )
    # In milliseconds: 6000 requests in a minute from one address, and it is shut out for five.
    address_limit = AddressLimit(6000, 60_000, 300_000, Refused("429", "Too Many Requests", 429))
    _empties = 0

    def stock(self, account: Account, orders: int) -> None:
        """Orders of every kind that an account of this mode can hold, but no margin orders of a classic one."""
        self.put_stock(account, stock(self.mode_of(account), self.instruments.delivery), orders, named=True)

    def set_faults(self, faults: Iterable[Fault | str]) -> None:
        """Replace the faults that are on. `margin` is about accounts, too, and leaves its mark for good."""
        super().set_faults(faults)
        with self.lock:
            for key, account in list(self.accounts.items()):
                margin = self._faults.named("margin", key)
                if margin and self.mode_of(account) == "classic":
                    self.put_stock(account, MARGIN, int(margin.number), named=True)

    def no_route(self, request: SimRequest) -> Refused | Answered:
        """Paths that are no more, that never were, and the web framework's own 404, which has no `code`."""
        if request.path.startswith(("/api/mix/v1/", "/api/spot/v1/")):
            return Refused("30032", "The V1 API has been decommissioned, please use the V2 API", 400)
        if request.path.startswith(("/api/v2/", "/api/v3/")):
            return Refused("40404", "Request URL NOT FOUND", 404)
        words = {"status": 404, "error": "Not Found", "message": "", "path": request.path}
        return Answered(json_reply({"timestamp": str(self.server_now()), **words}, 404))

    def authorize(self, call: Call) -> Call:
        """Headers, key, environment, mode, signature. The mode is checked before the signature, as observed; key and
        header `paptrading` have to agree: https://www.bitget.com/api-doc/common/demotrading/restapi.
        """
        request = call.request
        check_headers(request)
        account = self.accounts.get(self.key_of(request))
        if account is None:
            raise self.refusals[Refusal.KEY]
        if (request.headers.get("paptrading") == "1") is not (self.fault("demo", request) is not None):
            raise Refused("40099", "exchange environment is incorrect")
        mode, api, words = self.mode_of(account), request.path[5:7], "API is not supported at this time"
        if mode == "unified" and api == "v2":
            raise Refused("40085", f"You are in Unified Account mode, and the Classic Account {words}", 400)
        if mode == "classic" and api == "v3":
            raise Refused("40084", f"You are in Classic Account mode, and the Unified Account {words}", 400)
        authenticate(request, account.credentials, self.server_now())
        return replace(call, account=account)

    def draws(self, call: Call) -> Iterable[Draw]:
        """By path: each of the two margin accounts has its own."""
        return [Draw(call.request.path, call.route.limit or _LIMIT)]

    def limit_headers(self, allowance: Allowance) -> Headers:
        return (("x-mbx-used-remain-limit", str(allowance.remaining)),)

    def check(self, call: Call) -> None:
        lacks = self.fault("lacks", call.request, lambda each: str(each.value).rpartition("/")[0] in call.request.text)
        if lacks:
            raise Refused(str(lacks.value).rpartition("/")[2], "This product is not available to you")

    def answer(self, value: object, call: Call, headers: Headers) -> SimReply:
        """A success; every envelope carries the server's time."""
        said = {"code": "00000", "msg": "success", "requestTime": self.server_now(), "data": value}
        return json_reply(said, headers=headers)

    def refusal(self, refused: Refused, request: SimRequest, headers: Headers = ()) -> SimReply:
        """A refusal in JSON. Both HTTP statuses occur in the wild; 22001 has them by turns here."""
        status = refused.status or 400
        if refused.code == "22001":
            self._empties += 1
            fixed = self.fault("empty", request)
            status = int(fixed.number) if fixed else (400, 200)[self._empties % 2]
        elif fault := self.fault("error-status", request):
            status = int(fault.number)
        said = {"code": refused.code, "msg": refused.message, "requestTime": self.server_now(), "data": None}
        return json_reply(said, status)


FAKE = Bitget
