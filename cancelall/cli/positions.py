"""`cancelall positions`: the open positions, and which have no stop. Only reads."""

from __future__ import annotations

from typing import Annotated, Optional

from cancelall.cli import orders, parameters
from cancelall.cli.options import Kill, Terms


def run(names: Annotated[Optional[list[str]], parameters.profiles()] = None, *, kill: Kill) -> int:
    """List the positions of these profiles, or of all, and the open orders that protect them."""
    return orders.read(names, kill, Terms(journalled=False, positions=True))
