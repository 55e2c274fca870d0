"""Deribit's signatures, tokens and log-ins. https://docs.deribit.com/articles/authentication

    Authorization: deri-hmac-sha256 id=<client id>,ts=<ms>,sig=<hex>,nonce=<text>

The signed text is `ts\\nnonce\\nMETHOD\\nURI\\nBODY\\n`, the URI with its query as sent. A timestamp is good for 60 s.
How far it may be ahead is not documented: here 10 s. A nonce is good once.
"""

import hmac
import re
from collections.abc import Mapping

from ..auth import as_hex, hmac_sha256
from ..refusals import Refused
from ..wire import SimRequest

OLDEST_MS, AHEAD_MS = 60_000, 10_000
CREDENTIALS = Refused(13004, "invalid_credentials", 400)
UNAUTHORIZED = Refused(13009, "unauthorized", 401)


def parts_of(request: SimRequest) -> Mapping[str, str]:
    """The parts of a signature's header; none where there is another header, or none at all."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    return dict(re.findall(r"(\w+)=([^,]*)", rest)) if scheme == "deri-hmac-sha256" else {}


def check_signature(request: SimRequest, parts: Mapping[str, str], secret: str, server_ms: int, used: set[str]) -> None:
    """Raise unless the owner of this secret has just signed this, for the first time with this nonce."""
    signed = f"{request.method}\n{request.target}\n{request.body.decode('utf-8', 'replace')}\n"
    _check(parts.get("ts", ""), parts.get("nonce", ""), signed, parts.get("sig", ""), secret, server_ms, used)


def check_login(params: Mapping[str, object], secret: str, server_ms: int, used: set[str]) -> None:
    """The same of a log-in: with the secret itself, or with a signature of time, nonce and data."""
    given = {name: str(params.get(name, "")) for name in ("client_secret", "timestamp", "nonce", "data", "signature")}
    if params.get("grant_type") == "client_signature":
        _check(given["timestamp"], given["nonce"], given["data"], given["signature"], secret, server_ms, used)
    elif not hmac.compare_digest(given["client_secret"].encode(), secret.encode()):
        raise CREDENTIALS


def _check(stamp: str, nonce: str, signed: str, signature: str, secret: str, server_ms: int, used: set[str]) -> None:
    expected = hmac_sha256(secret, f"{stamp}\n{nonce}\n{signed}".encode("utf-8", "replace"), as_hex)
    genuine = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
    fresh = stamp.isdecimal() and server_ms - OLDEST_MS <= int(stamp) <= server_ms + AHEAD_MS
    if not (genuine and fresh) or nonce in used:
        raise UNAUTHORIZED
    used.add(nonce)
