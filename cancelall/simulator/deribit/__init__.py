"""A fake Deribit, written from https://docs.deribit.com (OpenAPI 2.1.1 of 2026-08-03, and the articles of 2026).

What it does not have: websockets, direct access, block trades, RFQs, subaccounts, security keys, asymmetric keys, and
a market: orders fill when a fault says so. Where the documents leave a question open, a comment says what was chosen,
and it is always what would fool a careless client.
"""

from .venue import FAKE as FAKE
