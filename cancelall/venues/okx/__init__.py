"""OKX V5: ordinary orders, event contracts, algo orders of every kind, and spread orders.

Only spread orders have a cancel of all; it leaves first and unseen. Everything else is listed, and cancelled by name:
ordinary orders twenty at a time, algo orders ten at a time and no more than twenty of an instrument in two seconds,
which is OKX's own limit: of what it leaves at the deadline the result says how long it takes.

Proof: two complete empty listings; OKX has no second witness. `sCode 0` only says that a cancel was accepted.
`mass-cancel` is for market makers' options alone, `cancel-all-after` arms a timer of the whole account that another
program may hold: a kill uses neither.

Absent is only what OKX says an account or a site does not have: 51010 (the account's mode) and 50038 (demo trading) of
spread orders, and besides them 51000 (a wrong parameter) of a kind of order that a site may not know.

Handled on the safe side, because the documents leave it open:
- `cancel-algos` is said to take every kind since April 2025, and no record shows it for trailing stops, TWAPs and
  icebergs: `cancel-advance-algos`, which they needed before, goes with it, and may be gone (404, 410)
- whether a listing without an instrument type has event contracts: they are listed by their own; one among ordinary
  orders leaves that listing unproven
- algo orders are listed without an instrument type, as options have some, and narrowed here; so are instruments and
  underlyings, but for a single instrument
- a listing that does not know its instrument (51001) proves nothing: the list of instruments tells whether it exists
- how a batch of several instruments is counted: only instruments with fewer orders than a batch share one
- how long a cancelled order stays in a listing, and how far a clock may be ahead (30 s behind are too much)
- a page goes on after its smallest id, and a page that is not full is the last one
- a stop without reduce-only is kept with the protective orders where the account is in portfolio margin, which has no
  reduce-only, or its mode is not known
- whether spread trading exists on the sites of the EEA, the US and Türkiye: there it is only tried if it is selected
- what an account without spread trading answers: an unknown code proves nothing, and `instrument_type` leaves it out
- a parent order that carries a TP/SL takes it along; for what was filled of it, its row says so
- orders that bots place may be listed or not, and placed anew: bots are named as not covered
- an unknown state is open, an unknown code is ambiguous, an algo order of an unknown type is never called harmless
- a null in the place of a list, in two answers, is an empty one; an order without a readable instrument cannot be named

Documents: https://www.okx.com/docs-v5/en/ (as of 2026-07), and what clients have met since, read 2026-11-29.
"""
