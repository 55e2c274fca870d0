"""What the tests share: the real command line in a process of its own, and servers to point it at."""

from __future__ import annotations

import asyncio
import copy
import functools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from cancelall.config import loader
from cancelall.config.toml_file import Document
from cancelall.core.model import Acknowledgement, Order, Page, Reply, Request, State
from cancelall.core.profile import Overrides, Profile
from cancelall.core.results import ProfileReport
from cancelall.engine.run import Run
from cancelall.simulator import SimServer
from cancelall.venues.contract import Known, Named, Segment
from forks import forks, serves

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        """Its only JSON line."""
        (line,) = self.lines
        return line


def surroundings(home: Path, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment without anything but what is given, and a HOME of its own."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT), **(env or {})}


def started(
    *words: str,
    home: Path,
    env: Mapping[str, str] | None = None,
    start: Sequence[str] = ("-m", "cancelall"),
    **more: Any,
) -> subprocess.Popen[bytes]:
    """Begin the real command without a terminal. `start` is what Python is given to begin with."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
    return subprocess.Popen([sys.executable, *start, *words], env=surroundings(home, env), cwd=home, **streams)


def cancelall(*words: str, home: Path, seconds: float = 40, given: str | None = None, **more: Any) -> Ran:
    """Run it to its end. `given` comes on its standard input."""
    if serves(more.get("env") or {}, {name: value for name, value in more.items() if name != "env"}):
        environ = surroundings(home, more.get("env"))
        begun = forks(*((name, environ[name]) for name in ("PATH", "PYTHONPATH")))
        code, *texts = begun.run(
            words, env=environ, cwd=home, given=None if given is None else given.encode(), seconds=seconds
        )
        return Ran(code=code, out=texts[0].decode(errors="replace"), err=texts[1].decode(errors="replace"))
    with started(*words, home=home, **({"stdin": subprocess.PIPE} if given is not None else {}), **more) as process:
        try:
            out, err = process.communicate(None if given is None else given.encode(), timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    return Ran(code=process.returncode, out=out.decode(errors="replace"), err=err.decode(errors="replace"))


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test on an event loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **more: Any) -> None:
        asyncio.run(test(*args, **more))

    return run


def altered(one: T, **functions: object) -> T:
    """A copy of a segment, whose methods and properties are these: `replace` changes only what is a field."""
    made = copy.copy(one)
    vars(made).update(functions)
    return made


class Bare(Segment):
    """A segment of which a test says all that matters: see `altered`."""

    listings = ()

    def page(self, request: Request, reply: Reply) -> Page:
        return Page(orders=())

    def acknowledge(self, request: Request, reply: Reply) -> Acknowledgement:
        return Acknowledgement()

    def cancels(self, orders: tuple[Order, ...], others: tuple[Order, ...] | None) -> Named:
        return ()


def exist(*names: str) -> tuple[Known, ...]:
    """What discovery reads have shown, each as its kind and its name: `symbol BTCUSDT`."""
    return tuple(Known(*one.split(" ", 1)) for one in names)


def profile_table(venue: str, server: SimServer, **keys: object) -> dict[str, object]:
    """A profile that points to an embedded exchange."""
    return {
        "venue": venue,
        "base_url": server.origin,
        **server.account_options,
        **keys,
        "credentials": dict(server.credentials),
    }


def write_config(path: Path, profiles: Mapping[str, object], defaults: Mapping[str, object] | None = None) -> Path:
    """A config file that only its owner can read."""
    document = {"defaults": dict(defaults or {}), "profiles": dict(profiles)}
    path.write_text(tomli_w.dumps(document), encoding="utf-8")
    path.chmod(0o600)
    return path


def environment(profile: str, server: SimServer) -> dict[str, str]:
    """The same profile through environment variables alone."""
    prefix = f"CANCELALL_{profile.upper().replace('-', '_')}_"
    values = {**server.credentials, **server.account_options, "base_url": server.origin}
    return {prefix + name.upper(): str(value) for name, value in values.items()}


def paths(server: SimServer) -> Sequence[str]:
    """What was requested of a server, in the order of arrival."""
    return [f"{request.method} {request.path}" for request in server.requests]


LONG = 50.0
"""Seconds of a deadline that is not the point: what ends by itself does so within it, however busy the machine is."""


def profiles_of(
    tables: Mapping[str, Mapping[str, object]], environ: Mapping[str, str] | None = None, **overrides: Any
) -> list[Profile]:
    """The profiles of a config, which must be in order."""
    document = Document(path=Path("config.toml"), data={"profiles": tables})
    made = [loader.profile(document, name, environ or {}, Overrides(**overrides)) for name in tables]
    profiles = [one for one in made if isinstance(one, Profile)]
    assert len(profiles) == len(made), made
    return profiles


def a_run(
    profiles: Mapping[str, Mapping[str, object]],
    *,
    deadline: float = LONG,
    overrides: Overrides | None = None,
    environ: Mapping[str, str] | None = None,
    **more: Any,
) -> Run:
    """A kill of some profiles that begins now, in this process, with the venues' waits scaled down."""
    document = Document(path=Path("config.toml"), data={"profiles": profiles})
    limited = replace(overrides or Overrides(), deadline=deadline)
    chosen = [loader.profile(document, name, environ or {}, limited) for name in profiles]
    settings = {"started": time.monotonic(), "scale": 0.1, **more}
    return Run(profiles=chosen, environ=environ or {}, **settings)


def swept(profiles: Mapping[str, Mapping[str, object]], **more: Any) -> list[ProfileReport]:
    """The kill of some profiles, to its end, over real sockets."""
    return asyncio.run(a_run(profiles, **more).all())


def kill(venue: str, server: SimServer, *, options: Mapping[str, object] | None = None, **more: Any) -> ProfileReport:
    """The kill of one profile on one embedded exchange."""
    (report,) = swept({venue: profile_table(venue, server, **(options or {}))}, **more)
    return report


def states(report: ProfileReport) -> dict[str, int]:
    """How many orders ended how."""
    return {state.value: report.count(state) for state in State if report.count(state)}
