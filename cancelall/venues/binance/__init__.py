"""Binance: spot, cross and isolated margin, USD-M and COIN-M futures, options, and portfolio margin in their place.

No call cancels a whole wallet: each wants a symbol, options an underlying. So a kill lists, and sends one cancel for
each symbol and book; symbols that had orders at an earlier run, the selected ones, isolated pairs and the well-known
underlyings of options are fired at unseen, while the listings are on their way. What is listed goes by symbol, and what
that leaves by name.

Proof: two complete empty listings, two seconds apart, and on spot and margin no open list of orders at the second one.
"Unknown order" (-2011) proves nothing: it is said of an order in another wallet, too. Conditional orders of futures are
in a book of their own, and both are always listed. TWAP and VP orders are read before what they place.

Whether portfolio margin is on, and what the account was never opened for, is read during the kill. While that is not
known nothing is proven, and cancels go to the wallets of a classic account, and to `papi` if an earlier run saw orders
there. What that read says leaves no wallet out: only where a wallet refuses everything, too, it is not there.

Handled on the safe side, because the documents leave it open:
- numbers of orders are unique within a symbol only: an id here is the symbol and the number
- futures and options answer a cancel of a symbol without naming orders: how they ended is read by each one's id, and
  what was taken before a listing showed it by the newest rows of the symbol's history
- the cancel of a symbol's conditional COIN-M orders is in no document: what it leaves, or refuses, goes by name
- a listing of a hundred options may be cut off, and proves nothing
- order numbers of batches have two spellings: there are none here, orders go one by one
- a cancel for a symbol that a product lacks (-1121) has nothing to cancel; the public lists tell whether it is misspelt
- -2015 and -1022 are said for a key, an address, a right, a kind of key or portfolio margin: they end one product only
- absent is what the documents have a code for (-3003, -11001, -21001); an account without futures or options has
  none, and is taken for one that lacks them where `account/info` says so and everything is refused there
- a status of 451 refuses the place whatever code it carries; 418, or "banned until", ends the reads on that host
- 503 is ambiguous but in the words that say that nothing was done
- a time stamp is refused in both directions without the venue's time: the Date header corrects it
- a triggered buy on margin may protect a short position: with protective orders it is kept, and told
- a sell that is a leg of a list of orders protects what is held, unless it waits for another leg to fill first; the
  cancel of one leg takes the whole list, so that none goes by name while another one is to stay
- samples of margin rows do not say whether an order is a leg of a list: a maker order (LIMIT_MAKER), as profit-taking
  legs are, is kept with protective orders then, and told
- a special margin key sees its margin account behind the calls of spot: it is swept as such
- PM Pro has no calls of its own: its orders are looked for where those of a classic account are
- an unknown status is open, an unknown code is ambiguous

Documents: https://developers.binance.com/docs/ (2026-09), binance/binance-spot-api-docs (2026-07-21), the official
Python connectors (October 2026), read 2026-11-29.
"""
