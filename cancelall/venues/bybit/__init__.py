"""Bybit V5: everything that a unified account can have resting, by category.

Proof: two complete empty listings; Bybit has no second witness. `retCode 0` and `"success":"1"` only say that a request
was accepted, and they come for a misspelt symbol too, so selectors are checked against the public instrument list.

Handled on the safe side, because the documents leave it open:
- the listing is said to hold every kind by default; a second pass asks for the conditional kinds by name
- `inverse` is listed without a coin (documented since 2023-09-07); BTC and ETH are fired blind, other coins from it
- whether a cancel of options takes a base coin is not written: with one, options are cancelled by name
- the cursor is sent as received, and signed as sent; a listing ends at an empty page
- an unknown order status is open, an unknown code is ambiguous, an unknown `stopOrderType` is never taken for plain
- what an account without spread trading or strategies answers is not written: a 404 or a listed code leaves them out
- a linear settle coin besides USDT and USDC (none is documented) is named as not covered

Documents: https://bybit-exchange.github.io/docs/v5/ (repository bybit-exchange/docs of 2026-07-24), read 2026-11-21.
"""
