"""The embedded exchange behind TLS, at a distance, and what a client needs to know of it."""

from __future__ import annotations

import contextlib
import ssl
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import certifi
import trustme

from benchmarks.proxy import DelayingProxy
from cancelall import simulator
from cancelall.simulator import Account, SimOrder, SimServer


@dataclass(frozen=True, kw_only=True)
class Authority:
    """A certificate authority for loopback, in a bundle as long as the one that everybody has."""

    bundle: Path
    context: ssl.SSLContext


def authority(folder: Path) -> Authority:
    """A fresh authority; its bundle is written to the folder."""
    made = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    bundle = folder / "ca.pem"
    bundle.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + made.cert_pem.bytes())
    return Authority(bundle=bundle, context=context)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A fake venue and the origin at which it is reached."""

    server: SimServer
    origin: str
    rtt: float
    proxy: DelayingProxy | None = None
    """Where one stands before it."""

    def table(self, venue: str, **keys: object) -> dict[str, object]:
        """A profile for its first account."""
        credentials = dict(self.server.credentials)
        return {
            "venue": venue,
            "base_url": self.origin,
            **self.server.account_options,
            **keys,
            "credentials": credentials,
        }

    def environment(self, profile: str) -> Mapping[str, str]:
        """The same profile as environment variables."""
        prefix = f"CANCELALL_{profile.upper()}_"
        found = {prefix + key.upper(): str(value) for key, value in self.server.account_options.items()}
        found |= {prefix + field.upper(): value for field, value in self.server.credentials.items()}
        return found | {prefix + "BASE_URL": self.origin}

    def rest(self, count: int, account: Account | None = None) -> None:
        """Put plain limit orders of an account, the first one, on Bybit's book of USDT perpetuals."""
        for _ in range(count):
            order = SimOrder(
                id=str(uuid.uuid4()),
                symbol="BTCUSDT",
                segment="linear",
                side="buy",
                type="limit",
                kind="Order",
                price="60000",
                quantity="0.1",
                remaining="0.1",
                extra={"category": "linear", "settleCoin": "USDT"},
            )
            self.server.fake.place(account or self.server.account, order)

    def first_cancel_left(self) -> float:
        """Wall time in seconds at which the first request that changes something left the client."""
        first = next(request for request in self.server.requests if request.changes)
        return first.received_ms / 1000 - self.rtt / 2


@contextlib.contextmanager
def exchange(
    venue: str,
    *,
    tls: Authority | None,
    rtt: float = 0.0,
    orders: int = 0,
    limits: bool = True,
    faults: Iterable[str] = (),
    watched: bool = False,
) -> Iterator[Place]:
    """One fake venue. `rtt` in seconds: a delaying proxy stands before it; `watched`: one stands there anyway."""
    with contextlib.ExitStack() as stack:
        context = tls.context if tls else None
        started = simulator.start(venue, orders=orders, faults=faults, ssl_context=context, limits=limits)
        server = stack.enter_context(started)
        origin, proxy = server.origin, None
        if rtt or watched:
            scheme, _, port = origin.partition("://127.0.0.1:")
            proxy = stack.enter_context(DelayingProxy(int(port), rtt))
            origin = f"{scheme}://127.0.0.1:{proxy.port}"
        yield Place(server=server, origin=origin, rtt=rtt, proxy=proxy)
