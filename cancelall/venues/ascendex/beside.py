"""AscendEX: what is read beside the kill: the account group, what can be traded, what hangs on positions."""

from __future__ import annotations

from functools import partial

from cancelall.core.declare import nearest
from cancelall.core.errors import Unreadable
from cancelall.core.model import Priority, Reply, Request
from cancelall.venues import payload
from cancelall.venues.ascendex.calls import get, home_of
from cancelall.venues.ascendex.options import Facts, Ledger, Options, group_of, selected
from cancelall.venues.contract import SYMBOL, Batch, Discovery, Known, words
from cancelall.venues.payload import Row


def discoveries(options: Options, facts: Facts) -> tuple[Discovery[Facts], ...]:
    """The account group; once that is known, what the selectors may say, and what hangs on positions.

    A wrong group must not look like an empty account: `info` is read even if the profile names the group.
    """
    found = [Discovery(name="account group", request=get("/api/pro/v1/info"), read=_info, learn=_learn_group)]
    group, chosen = group_of(options, facts), selected(options)
    if group is None:
        return tuple(found)
    if options.symbol:
        for ledger in chosen:
            request = get(_PRODUCTS[ledger], signed=False)
            found.append(
                Discovery(name=f"{ledger} products", request=request, read=partial(_products, ledger), learn=_learn)
            )
    if "futures" in chosen:
        found.append(
            Discovery(
                name="take-profits and stop-losses of positions",
                request=get(f"{home_of(group, 'futures')}/position", priority=Priority.OTHER),
                read=partial(_positions, options.symbol),
                learn=_learn,
                optional=True,
            )
        )
    return tuple(found)


_PRODUCTS: dict[Ledger, str] = {
    "cash": "/api/pro/v1/cash/products",
    "margin": "/api/pro/v1/margin/products",
    "futures": "/api/pro/v2/futures/contract",
}


def _info(request: Request, reply: Reply) -> Batch:
    """https://ascendex.github.io/ascendex-pro-api/#account-info"""
    told = payload.as_object(payload.as_object(reply.json).get("data"), "data")
    group = payload.number(told, "accountGroup")
    if group is None or group < 0:
        raise Unreadable("accountGroup is missing")
    return Batch(names=(Known("group", str(group)),))


def _products(ledger: Ledger, request: Request, reply: Reply) -> Batch:
    """Symbols, and the names on the website, which differ for contracts: BTC-PERP is shown as BTCUSDT."""
    rows = payload.as_list(payload.as_object(reply.json).get("data"), "data")
    names: list[Known] = []
    for row in (entry for entry in rows if isinstance(entry, dict)):
        symbol, shown = (Row(row).text(key) for key in ("symbol", "displayName"))
        if symbol is not None and symbol != payload.UNREADABLE:  # an odd one hides no other
            names.append(Known(SYMBOL, symbol, shown if shown not in (None, payload.UNREADABLE) else ""))
    if not names:
        raise Unreadable("the list of products names none")
    return Batch(names=tuple(names))


def _positions(symbols: tuple[str, ...], request: Request, reply: Reply) -> Batch:
    """https://ascendex.github.io/ascendex-futures-pro-api-v2/#position: "0" where a position has no such exit."""
    data = payload.as_object(payload.as_object(reply.json).get("data"), "data")
    found = []
    for row in (Row(one) for one in payload.as_list(data.get("contracts"), "contracts") if isinstance(one, dict)):
        symbol = row.text("symbol") or payload.UNREADABLE
        exits = {"take-profit": "takeProfitPrice", "stop-loss": "stopLossPrice"}
        prices = {words: row.text(key) or "0" for words, key in exits.items()}
        told = " and ".join(
            f"{words} at {payload.words(price)}" for words, price in prices.items() if price.strip("0.")
        )
        if told and (not symbols or symbol in (*symbols, payload.UNREADABLE)):
            found.append(Known("exit", f"{payload.words(symbol)} keeps its {told}"))
    return Batch(names=tuple(found))


def _learn_group(facts: Facts, names: tuple[Known, ...]) -> Facts:
    return Facts(account_group=int(names[0].word))


def _learn(facts: Facts, names: tuple[Known, ...]) -> Facts:
    return facts


def doubts(options: Options, names: frozenset[Known]) -> tuple[str, ...]:
    """An account group that is not this key's, and symbols that the venue does not know."""
    groups = words(names, "group")
    found = [
        f"account_group is {options.account_group} in this profile, but {group} is the one of this key"
        for group in groups
        if options.account_group is not None and group != str(options.account_group)
    ]
    known = words(names, "symbol")
    shown = {one.alias: one.word for one in names if one.alias}
    for symbol in options.symbol:
        if symbol not in known:
            meant = f' (did you mean "{shown[symbol]}"?)' if symbol in shown else nearest(symbol, known)
            found.append(f"AscendEX knows no --symbol {symbol}{meant}")
    return tuple(found)


def remarks(options: Options, names: frozenset[Known]) -> tuple[str, ...]:
    """Take-profits and stop-losses of positions: no cancel reaches them."""
    return tuple(f"the position in {told}: that is no order, no cancel removes it" for told in words(names, "exit"))
