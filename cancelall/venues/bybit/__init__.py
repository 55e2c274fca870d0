"""Bybit V5: everything that a unified account can have resting, by category.

Proof: two complete empty listings; Bybit has no second witness. `retCode 0` and `"success":"1"` only say that a request
was accepted, and they come for a misspelt symbol too, so selectors are checked against the public instrument list.

Handled on the safe side, because the documents leave it open:
- the listing is said to hold every kind by default; a second pass requests the conditional kinds by name
- `inverse` is listed without a coin (documented since 2023-09-07); BTC and ETH are fired blind, other coins from it
- whether a cancel of options takes a base coin is not written: with one, options are cancelled by name
- the cursor is sent as received, and signed as sent; an empty page with a new one is followed; a page ends the listing
  with an empty cursor, and with its own, a missing or an odd one only if it is not full
- a null in the place of a list, in two answers, is an empty one
- an order is acted on as soon as its id can be read; any other field that is odd leaves the listing unproven
- an unknown order status is open, an unknown code is ambiguous, an unknown `stopOrderType` is never called ordinary
- what an account without options, spread trading or strategies answers is not written: only the words for "no unified
  account" (10028, 10020), in answer to everything and twice, leave them out, and never linear, inverse or spot
- a region, a ban, a right or a mode (110132, 10024, 10027, 10008, 10009 …) refuses its product, which may hold orders;
  where a cancel says that the account's mode has no inverse contracts or spread trading, the listing decides
- 404 or 403 without a code is a gateway's word; an account without the batch cancel gets single ones
- a strategy that cannot be stopped (60062) has ended or is a part of another one: the listing decides
- an order whose symbol cannot be read goes by its id alone, though the documents want a symbol
- a linear settle coin besides USDT and USDC (none is documented) is named as not covered

Documents: https://bybit-exchange.github.io/docs/v5/ (repository bybit-exchange/docs of 2026-07-24), read 2026-11-29.
"""
