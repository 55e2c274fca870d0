"""DeltaDeFi: its signature."""

from __future__ import annotations

from cancelall.core.model import Request, Signed
from cancelall.venues.deltadefi.options import Options, Secrets


def sign(request: Request, secrets: Secrets, options: Options, timestamp_ms: int, widen: int) -> Signed:
    """The key in a header is all: no signature, no clock. https://docs.deltadefi.io/start-trading/developers/auth"""
    headers = [("X-API-KEY", secrets.api_key.reveal())]
    if request.body:
        headers.append(("Content-Type", "application/json"))
    return Signed(headers=tuple(headers), body=request.body)


def check_secrets(secrets: Secrets, options: Options) -> None:
    """The documents describe no form of a key: nothing can be checked offline."""


def account(secrets: Secrets, options: Options) -> str:
    """The API key stands for the account: it is one to one."""
    return secrets.api_key.reveal()
