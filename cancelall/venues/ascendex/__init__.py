"""AscendEX (formerly BitMax): the cash, margin and futures ledgers of one account, each with calls of its own.

Proof: two complete empty listings of each ledger, and the account group of `info`, which must be the one that was used.
An `Ack` only says that a request was received: the venue cancels "with best effort". The signature covers neither the
ledger nor the group nor the body, so what an answer repeats of them is compared with the request.

Handled on the safe side, because the documents leave it open:
- whether cancel-all takes conditional orders (`PendingNew`): they are listed, and cancelled by name if they stay
- whether the venue's own liquidation orders can be cancelled: they are tried one by one, as one may spoil a batch
- a position's take-profit and stop-loss are no orders, and nothing here removes them: they are reported
- a limit of the listing: one with a round number of rows (50, 100, 150 …) may be cut off, and proves nothing
- the listing of futures documents no symbol filter: whole ledgers are listed, and narrowed here
- futures v1 was retired on 2021-02-28 and proves nothing: with it, v2 is cancelled and listed as well
- only "not a valid account for margin trading" (310002) says that a ledger is not there; "not setup properly" (200004)
  is a refusal; where a symbol is not traded nothing is to be cancelled, and the listing of the whole ledger decides
- an unknown order status is open, an unknown code is ambiguous; the meaning of several `execInst` words is not written
  down, so they are never taken for ordinary orders
- an order without a readable symbol cannot be named: only the cancel of the whole ledger reaches it
- a batch whose parts are not all good fails as a whole: its orders go one by one
- the secret's own bytes are the key of the HMAC, as in all documents; some demo programs decode it from base64 first

The exchange was reported closed in July 2026: nobody could try this on the live venue.

Documents: https://ascendex.github.io/ascendex-pro-api/ (cash and margin, 2025-10-29),
https://ascendex.github.io/ascendex-futures-pro-api-v2/ (2022-08-16) and
https://github.com/bitmax-exchange/bitmax-futures-api-doc (futures v1, 2021-02-19), read 2026-11-21.
"""
