"""Bitget: a classic account by product type (REST v2), or a unified one by category (v3), and whatever both hold.

Nobody has to say which it is. The classic cancels leave first; code 40085 says that the account is unified, 40084
that it is not, and `account/settings`, read during the kill, tells which of the two, or both (`hybrid`). Nothing else
is taken for an answer: while that read fails, or the account is being switched, it is never called clear.

Proof: two complete empty listings and, for classic futures, a `cancel-all-orders` between them that answers 22001, "no
order to cancel": the venue's own word, and not bound to the three months that a listing may look back. Elsewhere no
such answer is documented; a unified category's cancel is sent all the same, and that it took an order is a
contradiction. By symbol, keeping protective orders or only reading there is no such witness, and a warning says so.

Plan orders of futures are cancelled unseen, one call for each type and product, as many as the limit lets out within
a second: all seven types of two products, and of the third all but `moving_plan`. Triggers that can open a position go
before those that close one. What a listing still shows then goes by name.

Absent is only what the venue says an account does not have: an API in the other mode (40085, 40084), and a product that
a copy-trading account lacks (40731). A parameter that "does not exist" (40034), demo trading's words on live, a missing
right or a ban are refusals, and reach no further than the call or the product.

Handled on the safe side, because the documents leave it open:
- a cancel of plan orders with the wrong `planType`, or none, is a success that cancels nothing: each goes by its own
- a cancel of all plan orders of a type is documented without a symbol, and in no record; of `moving_plan` in hedge mode
  it is said to do nothing: what it leaves goes by name, and its empty answer proves nothing
- trailing trigger orders are cancelled as `track_plan`, which clients send and the document lacks; its other words go
  for what is still listed
- the listing without a status may leave out partly filled orders: they are listed by that status, afterwards
- `cancel-all-orders` may ignore a symbol: it never gets one
- a listing may look back three months only, and less in future: what is older is found by the cancel of a whole product
  or type, and by nothing where there is none (ordinary spot orders, strategy orders): a warning says so
- a page without `endId` is the last one, unless it is full: then it proves nothing
- code and HTTP status disagree (errors come with 400 and 200): the code decides
- `entrustedList` is null when it is empty, as observed; another null in the place of an array is empty if it comes
  twice, and a null in the place of an object is unreadable
- strategy orders have six types where the documents know one: all are listed, and one that is refused holds nothing;
  so does spot or margin where the account has no strategies of it
- in hedge mode rows may lack `holdMode` and `reduceOnly`: then the sides tell, and what they do not is kept with the
  protective orders
- whether an encoded or a raw query is signed is disputed: a symbol of another script is in bodies only, and its
  listings are narrowed here
- coin-margined contracts are never margined in USDT; some are said to be in USDC
- an unknown order status is open, an unknown code is ambiguous, an unknown plan type is never called harmless

Documents: https://www.bitget.com/api-doc/ (classic and uta, as of 2025-12-05) and what clients have observed since,
read 2026-11-29.
"""
