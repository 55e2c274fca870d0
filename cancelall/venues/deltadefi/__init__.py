"""DeltaDeFi: limit orders and remainders of market orders, by trading pair. It has no other kinds.

Proof: two complete empty listings of each pair, 2 s apart; DeltaDeFi has no second witness. HTTP 200 is no proof (its
team's bot saw 40 fills of orders up to 1.85 s after their cancel was accepted), and neither is code 4200, "nothing to
cancel" (it came while fresh orders were on the book). There is no wildcard: pairs are enumerated from a built-in list,
fired blind, the market config and a listing of all pairs, which are read during the kill, the listing once more 2 s
after the last cancel. The pairs of the venue's own pages go first; those that only SDKs name go behind all others.

Handled on the safe side, because the documents leave it open:
- whether a listing without a symbol is answered at all: its hits count, a refusal by a code of its own is a warning;
  while it fails otherwise nobody knows of pairs that left the market config, and nothing is proven
- whether a pair that left the market config can still be named: if that listing shows orders there, it proves them gone
- a null in the place of the list of orders is an empty list; totals that do not fit, or orders of another pair, prove
  nothing, and what is listed is cancelled all the same
- a pair of the market config that cannot be read makes them no complete set
- orders on their way (`building`, `processing`, and every status that is not known to be final) are alive
- whether the listing shows an order from its first moment: hence the 2 s
- `order_ids` may be short, so only the listing decides; a single cancel sends no body, as in the documents
- a trading lock (5002) has no known status or end: while a cancel is answered so, an empty listing proves nothing
- rate limits are documented without numbers: cancels go 250 ms apart, reads 8 in a second

`GET /accounts/new-api-key` replaces the key although it is a GET. Nothing here sends it.

Documents: https://docs.deltadefi.io (repository deltadefi-protocol/deltadefi-docs of 2026-04-17), the venue's SDKs and
its team's bot logs (deltadefi-protocol/hummingbot-strategies, March 2026), read 2026-11-21.
"""
