"""`cancelall beat` as Typer reads it: for help, completion, and lines that are not in their usual form."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from cancelall.cli import beat


def run(
    name: Annotated[
        Optional[str],
        typer.Option(
            "--name",
            metavar="NAME",
            help="The guard; without it that called default, or the only one.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        float, typer.Option("--every", metavar="SECONDS", help="With a command: seconds between two beats.")
    ] = beat.BeatLine.every,
    watchdog: Annotated[
        bool,
        typer.Option("--watchdog", help="With a command: beat only when it says WATCHDOG=1 itself, as to systemd."),
    ] = False,
    command: Annotated[
        Optional[list[str]],
        typer.Argument(
            metavar="[-- COMMAND...]", help="Run this, and beat while it lives and is not stopped.", show_default=False
        ),
    ] = None,
) -> int:
    """Beat; the exit status, which is that of the command if there is one."""
    return beat.run(beat.BeatLine(name=name, every=every, watchdog=watchdog, command=tuple(command or ())))
