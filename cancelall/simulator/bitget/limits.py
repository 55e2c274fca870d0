"""Bitget's rate limits per account and endpoint, and per address.

Each endpoint's page names its own limit (as of 2025-12-05); https://www.bitget.com/api-doc/common/faq says that
endpoints count independently, and that an address may send 6000 requests in a minute and then waits five.
"""

from __future__ import annotations

from collections.abc import Mapping

IP_LIMIT = 6000
IP_WINDOW_MS = 60_000
IP_BLOCK_MS = 300_000

PER_SECOND: Mapping[str, int] = {
    "/api/v2/spot/account/info": 1,
    "/api/v2/spot/trade/cancel-symbol-order": 5,
    "/api/v2/spot/trade/batch-cancel-plan-order": 5,
    "/api/v2/spot/trade/batch-cancel-order": 10,
    "/api/v2/spot/trade/cancel-order": 10,
    "/api/v2/spot/trade/place-order": 10,
    "/api/v2/spot/trade/cancel-plan-order": 20,
    "/api/v2/spot/trade/place-plan-order": 20,
    "/api/v2/spot/trade/unfilled-orders": 20,
    "/api/v2/spot/trade/current-plan-order": 20,
    "/api/v2/spot/trade/history-orders": 20,
    "/api/v2/spot/trade/history-plan-order": 20,
    "/api/v2/spot/trade/orderInfo": 20,
    "/api/v3/account/settings": 20,
    "/api/v3/trade/cancel-symbol-order": 5,
    "/api/v3/trade/cancel-batch": 5,
    "/api/v3/trade/cancel-strategy-order": 10,
    "/api/v3/trade/unfilled-orders": 20,
    "/api/v3/trade/unfilled-strategy-orders": 20,
    "/api/v3/trade/history-orders": 20,
    "/api/v3/trade/history-strategy-orders": 20,
    "/api/v3/trade/order-info": 20,
}

OTHERWISE = 10
"""What nearly every other private endpoint has, futures all of them."""
