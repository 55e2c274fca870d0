"""From exec to the first byte of the cancel: against a shell script, bare requests, pybit and ccxt, interleaved."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.command import CANCELALL, CLIENTS, PIP, run, secret_service
from benchmarks.exchange import Authority, Place, exchange

_OURS = (CANCELALL, "bybit", "--settle-coin", "USDT", "--json")


@dataclass(frozen=True, kw_only=True)
class Client:
    """A command that cancels, with what it needs in its environment."""

    name: str
    words: Sequence[str]
    env: Mapping[str, str]

    @property
    def ours(self) -> bool:
        """Whether it also proves what it did."""
        return self.words is _OURS


def measure(client: Client, place: Place, home: Path) -> float:
    """Seconds from exec to the moment at which the first cancel left. Checks that it did its job."""
    place.server.fake.requests.clear()
    place.rest(3)
    ran = run(*client.words, home=home, env=client.env)
    assert ran.code == 0, f"{client.name}: {ran.err[-2000:]}{ran.out[-2000:]}"
    if client.ours:
        (line,) = ran.lines
        assert line["verdict"] == "clear", line
    assert not place.server.open_orders(), f"{client.name} left orders"
    return place.first_cancel_left() - ran.began


@contextlib.contextmanager
def clients(place: Place, tls: Authority, home: Path) -> Iterator[list[Client]]:
    """Everybody who takes part."""
    bundle = {"REQUESTS_CA_BUNDLE": str(tls.bundle)}
    names = {field.upper(): value for field, value in place.server.credentials.items()}
    plain = {**names, "ORIGIN": place.origin, **bundle}
    profile = place.environment("bybit")
    secret = {key: value for key, value in profile.items() if key.endswith(("API_KEY", "API_SECRET"))}
    public = {key: value for key, value in profile.items() if key not in secret}
    directory = home / "credentials"
    directory.mkdir(exist_ok=True)
    for field, value in place.server.credentials.items():
        path = directory / f"cancelall.bybit.{field}"
        path.write_text(value)
        path.chmod(0o400)
    items = {f"bybit.{field}": value for field, value in place.server.credentials.items()}
    with secret_service(home, items) as bus:
        found = [
            Client(name="curl and openssl", words=[str(CLIENTS / "shell.sh")], env=plain),
            Client(name="bare requests", words=[sys.executable, str(CLIENTS / "bare.py")], env=plain),
            Client(name="pybit", words=[sys.executable, str(CLIENTS / "with_pybit.py")], env=plain),
            Client(name="ccxt, no market loading", words=[sys.executable, str(CLIENTS / "with_ccxt.py")], env=plain),
            Client(name="cancelall, environment", words=_OURS, env={**profile, **bundle}),
            Client(
                name="cancelall, credentials directory",
                words=_OURS,
                env={**public, **bundle, "CREDENTIALS_DIRECTORY": str(directory)},
            ),
        ]
        if bus is not None:
            backend = {"CANCELALL_BYBIT_KEYRING_BACKEND": "keyring.backends.SecretService.Keyring"}
            runtime = {"XDG_RUNTIME_DIR": str(home / "runtime")}
            found.append(
                Client(
                    name="cancelall, keyring (Secret Service)",
                    words=_OURS,
                    env={**public, **bundle, **bus, **backend, **runtime},
                )
            )
        yield found


@dataclass(frozen=True, kw_only=True)
class Times:
    """What all of them took, run by run."""

    seconds: Mapping[str, Sequence[float]]
    """To the first cancel of each client."""
    overtaken: int
    """Kills of ours of which a read arrived before the first cancel. Both are under way at once, on connections of
    their own, and the cancel leaves first: none, unless the machine is too busy to keep them in order.
    """


def times(rtt: float, tls: Authority, home: Path, runs: int) -> Times:
    """All clients, interleaved, after one run of each that does not count."""
    overtaken = 0
    with exchange("bybit", tls=tls, rtt=rtt, limits=False) as place, clients(place, tls, home) as everyone:
        seconds: dict[str, list[float]] = {one.name: [] for one in everyone}
        for number in range(runs + 1):
            for one in everyone:
                spent = measure(one, place, home)
                overtaken += one.ours and not place.server.requests[0].changes
                if number:
                    seconds[one.name].append(spent)
    return Times(seconds=seconds, overtaken=overtaken)


def starts(home: Path, runs: int) -> dict[str, list[float]]:
    """Seconds that `--help` and `--version` take, beside `pip --version`."""
    commands = {
        "pip --version": (PIP, "--version"),
        "cancelall --help": (CANCELALL, "--help"),
        "cancelall --version": (CANCELALL, "--version"),
    }
    found: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, words in commands.items():
            ran = run(*words, home=home, env={})
            assert ran.code == 0, ran.err
            if number:
                found[name].append(ran.ended - ran.began)
    return found


def ratio(mine: Sequence[float], others: Sequence[float]) -> float:
    """The median of the ratios of runs that stood side by side."""
    return median(one / other for one, other in zip(mine, others, strict=True))
