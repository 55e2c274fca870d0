"""The command line, put together of its commands, and the exit status of whatever comes of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from cancelall import __version__
from cancelall.cli import parameters, process
from cancelall.core.errors import EXIT_STATUSES, ExitStatus, UsageError
from cancelall.core.quoting import veiled
from cancelall.report.streams import emit
from cancelall.venues.registry import VENUES

COMMANDS: Mapping[str, str] = {
    **{name: f"Cancel everything on {title}, or what the options select." for name, title in VENUES.items()},
    "all": "Cancel everything on every profile, all at once.",
    "orders": "List what is open. Only reads.",
    "positions": "List positions, and which have no stop. Only reads.",
    "check": "Would the kill work from here, now? Only reads, but for --live.",
    "beat": "One heartbeat for a guard, or one after the other while a command lives.",
    "setup": "From nothing to a rehearsed kill, one question after the other.",
    "demo": "The whole thing against the embedded exchange on this machine. No account is needed.",
    "guard": "Stand watch: fire when a bot falls silent or dies, at a kill file, a signal or a word.",
    "config": "The config file: where it is, what it says, a first one; set a key, find every mistake.",
    "journal": "The journal of all kills: what was sent, what came back, what was left.",
    "auth": "The keys of a profile: into the OS keyring, where they are, out again, into systemd credentials.",
}
"""Every command, with what its help begins with."""


EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": ("cancelall bybit", "cancelall all --dry-run", "cancelall demo"),
    "bybit": ("cancelall bybit --settle-coin USDT", "cancelall bybit --category linear --symbol BTCUSDT"),
    "bitget": ("cancelall bitget --product-type USDT-FUTURES", "cancelall bitget --keep-protective"),
    "ascendex": ("cancelall ascendex --account-category futures",),
    "pacifica": ("cancelall pacifica --symbol BTC",),
    "kraken": ("cancelall kraken --pair XBT/USD",),
    "deltadefi": ("cancelall deltadefi --dry-run",),
    "deribit": ("cancelall deribit --currency BTC --currency ETH", "cancelall deribit --instrument BTC-PERPETUAL"),
    "binance": ("cancelall binance --product usdm", "cancelall binance --symbol BTCUSDT --symbol ETHUSDT"),
    "hyperliquid": ("cancelall hyperliquid --dex core", "cancelall hyperliquid --coin BTC --coin xyz:TSLA"),
    "okx": ("cancelall okx --instrument-type SWAP", "cancelall okx --underlying BTC-USD --keep-protective"),
    "all": ("cancelall all --hold 60", "cancelall all --only 'mm-*' --skip mm-9", "cancelall all --json"),
    "orders": ("cancelall orders", "cancelall orders bybit --json"),
    "positions": ("cancelall positions", "cancelall positions bybit --json"),
    "check": ("cancelall check", "cancelall check --max-age 24h"),
    "demo": ("cancelall demo --orders 100", "cancelall demo --fault list"),
    "guard stand": (
        "cancelall guard bybit --heartbeat /run/mybot/beat --timeout 10",
        "cancelall guard --name mm",
        "cancelall guard --process freqtrade.service --kill-file /run/cancelall/KILL",
    ),
    "guard status": ("cancelall guard status", "cancelall guard status --json"),
    "guard arm": ("cancelall guard arm",),
    "guard disarm": ("cancelall guard disarm",),
    "guard fire": ("cancelall guard fire --reason 'fat finger'",),
    "guard drill": ("cancelall guard drill",),
    "beat": ("cancelall beat", "cancelall beat --name mm -- python bot.py"),
    "setup": ("cancelall setup", "cancelall setup bybit"),
    "config path": ("cancelall config path",),
    "config show": ("cancelall config show",),
    "config init": ("cancelall config init",),
    "config set": ("cancelall config set mm-2 venue bitget", "cancelall config set bybit deadline 20"),
    "config check": ("cancelall config check",),
    "journal show": ("cancelall journal show --last 20", "cancelall journal show --json"),
    "journal verify": ("cancelall journal verify",),
    "journal report": ("cancelall journal report --since 24h", "cancelall journal report --merge shard-*.jsonl"),
    "journal path": ("cancelall journal path",),
    "auth set": ("cancelall auth set bybit", "cancelall auth set mm-2 --venue bitget"),
    "auth status": ("cancelall auth status",),
    "auth remove": ("cancelall auth remove bybit",),
    "auth export-systemd": ("cancelall auth export-systemd bybit",),
}
"""Lines to copy, by the words of a command."""
_MORE = "The whole manual: man cancelall. What to do in which case: docs/runbook.md in the source."


def _with_examples(made: Any, path: str = "") -> None:
    """Have the help of a command, and of those below it, end with lines to copy and where to read on."""
    lines = EXAMPLES.get(path, ())
    block = "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else ""
    made.epilog = "\n\n".join(filter(None, (made.epilog, block, _MORE)))
    for name, inner in getattr(made, "commands", {}).items():
        _with_examples(inner, f"{path} {name}".strip())


def _epilog() -> str:
    """The exit codes in short: those of verdicts, then the others."""
    rows = [("/".join(map(str, codes)), verdict, meaning) for codes, verdict, meaning in EXIT_STATUSES]
    verdicts = ", ".join(f"{codes} {verdict}" for codes, verdict, _ in rows if verdict)
    others = ", ".join(f"{codes} {meaning}" for codes, verdict, meaning in rows if not verdict)
    return f"Exit codes: {verdicts}; {others}."


def build(only: str | None = None) -> typer.Typer:
    """The whole command line. With `only`, as much of it as a line needs whose command is this word: the one that it
    names, or of all of them no more than is shown in a list. Each command is in a module of its own.
    """
    app = _typer("Cancel every resting order on every venue, and prove that nothing is left.", epilog=_epilog())
    app.callback()(_top)
    for name in (one for one in COMMANDS if only == one or only not in COMMANDS):
        if only in (None, name):
            _add(app, name)
        else:
            app.command(name, help=COMMANDS[name])(_top)
    return app


def _add(app: typer.Typer, name: str) -> None:
    words = COMMANDS[name]
    match name:
        case "orders":
            from cancelall.cli import orders

            app.command(name, help=words)(parameters.command(name, orders.run))
        case "positions":
            from cancelall.cli import positions

            app.command(name, help=words)(parameters.command(name, positions.run))
        case "check":
            from cancelall.cli import check

            app.command(name, help=words, epilog=check.EPILOG)(parameters.command(name, check.run))
        case "demo":
            from cancelall.cli import demo

            app.command(name, help=words)(parameters.command(name, demo.run))
        case "beat":
            from cancelall.cli import beat_command

            app.command(name, help=words)(beat_command.run)
        case "setup":
            from cancelall.cli.auth import setup

            app.command(name, help=words)(setup.run)
        case "guard":
            from cancelall.cli import guard

            guard.add_to(_group(app, name, guard.EPILOG))
        case "config":
            from cancelall.cli import config

            config.add_to(_group(app, name))
        case "journal":
            from cancelall.cli import journal

            journal.add_to(_group(app, name))
        case "auth":
            from cancelall.cli.auth import command as auth

            auth.add_to(_group(app, name))
        case _:
            app.command(name, help=words, epilog=_epilog())(parameters.of_kill(name))


def _group(app: typer.Typer, name: str, epilog: str | None = None) -> typer.Typer:
    group = _typer(COMMANDS[name], epilog)
    app.add_typer(group, name=name)
    return group


def _typer(words: str, epilog: str | None = None) -> typer.Typer:
    """Help without markup, no tracebacks with local variables in them, no option that edits the shell's start-up files.

    Completion is on for its protocol; `command` takes its options away.
    """
    return typer.Typer(
        help=words,
        epilog=epilog,
        no_args_is_help=True,
        add_completion=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        pretty_exceptions_show_locals=False,
    )


def command(only: str | None = None) -> Any:  # a class of Typer's without a public name
    """The command line as it runs: without Typer's own options of completion, of which one edits start-up files."""
    made = typer.main.get_command(build(only))
    _with_examples(made)
    made.params = [one for one in made.params if one.name not in ("install_completion", "show_completion")]
    return made


def _version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        names = ("typer", "requests", "urllib3", "rich", "keyring", "cryptography")
        emit(f"cancelall {__version__} ({', '.join(f'{name} {version(name)}' for name in names)})\n")
        raise typer.Exit


def _completion(shell: str | None) -> None:
    if shell is not None:
        from cancelall.cli import completion

        if shell not in completion.SCRIPTS:
            raise UsageError(f"--show-completion {shell}: one of {' '.join(completion.SCRIPTS)}")
        emit(completion.SCRIPTS[shell])
        raise typer.Exit


def _top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and what it runs on.")
    ] = False,
    shell: Annotated[
        Optional[str],
        typer.Option(
            "--show-completion",
            metavar="SHELL",
            callback=_completion,
            is_eager=True,
            help="Print what bash, zsh or fish needs to complete commands, options, values and profiles.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Nothing happens before a command."""


# --- the boundary ---------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status. Every failure is one line on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--show-completion"]:
        words.append(Path(os.environ.get("SHELL") or "?").name)
    return process.held(lambda: _run(words), words)


def _run(words: Sequence[str]) -> int:
    if "_CANCELALL_COMPLETE" in os.environ:
        made = _for_completion()
    else:
        from cancelall.cli import first_word

        words = first_word.as_commands(words, COMMANDS, os.environ)
        made = command(next((one for one in words if one[:1] != "-"), ""))
        parameters.check_values(made, words)
    try:
        result = made.main(args=list(words), prog_name="cancelall", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except UsageError as error:
        raise UsageError(veiled(error.message, parameters.values_of(words)), error.hint) from None
    except Exception as fault:
        message = getattr(fault, "format_message", None)  # a usage error of Typer's; its class has no public name
        if type(fault).__name__ == "NoArgsIsHelpError":
            sys.stderr.write(f"{fault}\n")
            return ExitStatus.USAGE
        if message is None:
            raise
        said = veiled(parameters.with_nearest(" ".join(str(message()).split())), parameters.values_of(words))
        return process.fail(said, _help_hint(fault), ExitStatus.USAGE, "parameter", words)
    return int(result) if isinstance(result, int) else 0


def _for_completion() -> Any:  # as `command`
    """As much of the command line as what is completed needs."""
    from cancelall.cli import completion

    completion.say_stand(os.environ)
    line, further = completion.line_of(os.environ)
    names = completion.venues_of_profiles(line, os.environ)
    first = line[0] if len(line) > 1 or (further and line) else ""
    made = command(names.get(first, first) if first not in COMMANDS else first)
    completion.add_profiles(made, names)
    return made


def _help_hint(fault: Exception) -> str:
    context = getattr(fault, "ctx", None)
    return f"see: {context.command_path} --help" if context is not None else ""
