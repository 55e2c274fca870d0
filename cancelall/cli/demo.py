"""`cancelall demo`: the embedded exchange, and the very same kill on it. Real loopback sockets, made-up keys."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Optional

import typer

from cancelall.cli import kills, parameters
from cancelall.cli.execute import execute
from cancelall.cli.options import Kill, Output, Terms
from cancelall.config import loader, toml_file
from cancelall.core import files
from cancelall.core.errors import ExitStatus, UsageError
from cancelall.core.profile import Profile
from cancelall.report.streams import emit
from cancelall.venues.registry import VENUES


def run(
    orders: Annotated[
        int, typer.Option("--orders", metavar="N", min=1, max=5000, help="Open orders on each venue.")
    ] = 40,
    fault: Annotated[
        Optional[list[str]],
        typer.Option(
            "--fault",
            metavar="NAME[=VALUE]",
            help="Switch a fault on; `list` shows them with their values. Repeatable.",
            autocompletion=parameters.completer("faults"),
        ),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep the exchange running, and print a --config to try commands on.")
    ] = False,
    *,
    kill: Kill,
) -> int:
    """Start every fake venue, then kill, or serve until interrupted. Raises UsageError for an unknown fault."""
    import tomli_w

    from cancelall import simulator

    output, overrides, faults = kills.output_of(kill), kills.overrides(kill), fault or []
    venues = [name for name in VENUES if name in simulator.VENUES]
    if "list" in faults:
        for written, venue, words in simulator.every_fault():
            emit(f"{written:<22} {words}{f' ({venue} alone)' if venue else ''}\n")
        return ExitStatus.CLEAR
    met: dict[str, list[str]] = {}
    for one in faults:
        try:
            met[one] = simulator.venues_with(one)
        except ValueError as error:
            raise UsageError(f"--fault {one}: {error}", "--fault list shows them all") from None
        if others := [name for name in venues if name not in met[one]]:
            output.note(f"demo: without the fault {one}, which cannot be there: {', '.join(others)}")
    with contextlib.ExitStack() as stack:
        stack.enter_context(_orderly_end())
        tables: dict[str, object] = {}
        for name in venues:
            mine = [one for one in faults if name in met[one]]
            server = stack.enter_context(simulator.start(name, orders=orders, faults=mine))
            tables[name] = {
                "venue": name,
                "base_url": server.origin,
                **server.account_options,
                "credentials": dict(server.credentials),
            }
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cancelall-demo-"))
        stack.callback(_undisturbed)
        path = Path(folder) / "config.toml"
        files.write_private(path, tomli_w.dumps({"profiles": tables}))
        if serve:
            return _serve(path, venues)
        output.note(f"demo: an exchange on this machine with {orders} open orders on each venue; nothing leaves it")
        environ = {key: value for key, value in os.environ.items() if not key.startswith("CANCELALL_")}
        document = toml_file.read(path, environ)
        loaded = [loader.profile(document, name, environ, overrides) for name in venues]
        profiles = [replace(one, rehearsal=True) if isinstance(one, Profile) else one for one in loaded]
        return execute(profiles, output, environ, dry_run=kill.dry_run, terms=Terms(journalled=False))


def fault_names() -> list[str]:
    """What can stand after `--fault`."""
    from cancelall import simulator

    return ["list", *simulator.FAULTS]


_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextlib.contextmanager
def _orderly_end() -> Iterator[None]:
    """Let SIGTERM, and a terminal that goes away, end this as Ctrl-C does: with nothing left on the disk.

    A signal that whoever started this has it ignore stays ignored (`nohup`, a shell's background).
    """
    before = {number: signal.getsignal(number) for number in _ENDING}
    if threading.current_thread() is not threading.main_thread():
        before.clear()
    for number, handler in before.items():
        if handler is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _undisturbed() -> None:
    """Ignore further signals: what is left to remove is removed."""
    if threading.current_thread() is threading.main_thread():
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)


def _serve(path: Path, venues: Sequence[str]) -> ExitStatus:
    """Keep the exchange running until Ctrl-C or another signal that ends it."""
    with contextlib.suppress(KeyboardInterrupt):
        emit(f"--config {path}\n")
        Output().note(f"serving {', '.join(venues)}; try: cancelall all --config {path}   (Ctrl-C ends it)")
        threading.Event().wait()
    return ExitStatus.CLEAR
