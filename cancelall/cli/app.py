"""The command line: declarations become commands, and every outcome becomes an exit status. The only user of Typer."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import typer

from cancelall import __version__
from cancelall.cli import kills, process, values
from cancelall.cli.kills import Kill
from cancelall.cli.options import Output, Terms
from cancelall.config import toml_file
from cancelall.core import declare
from cancelall.core.declare import Declared
from cancelall.core.errors import ConfigError, ExitStatus, UsageError
from cancelall.core.quoting import quoted, veiled
from cancelall.report.streams import emit
from cancelall.venues.registry import VENUES, schema

Config = Annotated[
    Optional[Path],
    # Whether it can be read is told by who reads it: Typer's own check would make it a mistake on the command line.
    typer.Option("--config", metavar="FILE", help="Read this config file.", show_default=False, readable=False),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON line per profile on stdout.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show every request on stderr.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Only the verdict.")]


def _completer(of: Literal["profiles", "environments", "faults"]) -> Callable[[typer.Context, str], list[str]]:
    """What completes a word. No kill loads it."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        from cancelall.cli import completion

        found: list[str] = getattr(completion, of)(ctx, incomplete)
        return found

    return complete


Environment = Annotated[
    Optional[str],
    typer.Option(
        "--environment",
        metavar="NAME",
        help="Use this environment of the venue.",
        show_default=False,
        autocompletion=_completer("environments"),
    ),
]
Everything = Annotated[bool, typer.Option("--everything", help="Drop every selector: the whole account.")]
Keep = Annotated[
    Optional[bool],
    typer.Option(
        "--keep-protective",
        help="Leave reduce-only, take-profit, stop-loss and trailing orders in place.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only read: show what is open and what would be sent.")]
Deadline = Annotated[
    Optional[float],
    typer.Option(
        "--deadline", metavar="SECONDS", help="Seconds until the verdict, at least 1 (30).", show_default=False
    ),
]
Reason = Annotated[
    Optional[str],
    typer.Option("--reason", metavar="TEXT", help="Why: it is kept in the journal.", show_default=False),
]
Hold = Annotated[
    float,
    typer.Option(
        "--hold",
        metavar="SECONDS",
        help="After the verdict keep reading for so long, and cancel what reappears (0).",
        show_default=False,
    ),
]
Notify = Annotated[
    Optional[str],
    typer.Option(
        "--notify-command",
        metavar="WORDS",
        help="Run this at the end, with the result as JSON lines on its stdin. No shell, 10 s.",
        show_default=False,
    ),
]

_EPILOG = (
    "Exit codes: 0 clear, 10 open, 12 unreachable, 4 refused, 6 unconfigured, 11 unproven; "
    "1 a bug, 2 wrong usage, 130/143 interrupted."
)
_CHECK_EPILOG = (
    "Exit codes: 0 nothing has to be put right; else the first that fits: 12 network, 4 the venue's side (key, rights, "
    "clock), 6 config, secret or file, 11 no young enough evidence."
)


def build(only: str | None = None) -> typer.Typer:
    """The whole command line. With `only`, as much of it as a line that begins with this word needs: Typer reads every
    signature that it is given, and a venue's signature is in its module.
    """
    app = _typer("Cancel every resting order on every venue, and prove that nothing is left.", epilog=_EPILOG)
    app.callback()(_top)
    for name, title in VENUES.items():
        if only in (None, name) or only not in (*VENUES, "all"):
            command = _venue_command(name) if only in (None, name) else _top
            app.command(name, help=f"Cancel everything on {title}, or what the options select.", epilog=_EPILOG)(
                command
            )
    if only in VENUES:
        return app
    app.command("all", help="Cancel everything on every profile, all at once.", epilog=_EPILOG)(_all)
    if only == "all":
        return app
    app.command("orders", help="List what is open. Only reads.")(_orders)
    app.command("check", help="Would the kill work from here, now? Only reads, but for --live.", epilog=_CHECK_EPILOG)(
        _check
    )
    configs = _typer("The config file: where it is, what it says, a first one.")
    configs.command("path", help="Print the path of the config file.")(_config_path)
    configs.command("show", help="Print the config, secrets redacted.")(_config_show)
    configs.command("init", help="Write a commented starter file that only you can read.")(_config_init)
    app.add_typer(configs, name="config")
    journals = _typer("The journal of all kills: what was sent, what came back, what was left.")
    journals.command("show", help="Show the last run, or others; also what was in flight when one was killed.")(
        _journal_show
    )
    journals.command(
        "verify",
        help="Check the chain of hashes, and recompute each verdict from the record. Exit 0 when both hold, else 11.",
    )(_journal_verify)
    journals.command("path", help="Print the path of the journal.")(_journal_path)
    app.add_typer(journals, name="journal")
    from cancelall.cli.auth.command import add_to

    keys = _typer("The keys of a profile: into the OS keyring, where they are, out again, into systemd credentials.")
    add_to(keys)
    app.add_typer(keys, name="auth")
    app.command("demo", help="The whole thing against the embedded exchange on this machine. No account is needed.")(
        _demo
    )
    return app


def _typer(words: str, epilog: str | None = None) -> typer.Typer:
    """Plain help, no tracebacks with local variables in them, no option that edits the shell's start-up files.

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


def command(only_venue: str | None = None) -> Any:  # noqa: ANN401 - a class of Typer's without a public name
    """The command line as it runs: without Typer's own options of completion, of which one edits start-up files."""
    made = typer.main.get_command(build(only_venue))
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


# --- kills ----------------------------------------------------------------------------------------------------------


def _venue_command(name: str) -> Callable[..., None]:
    """The command of a venue; its options are the declared ones."""
    items = declare.declared(schema(name).options)

    def command(**given: Any) -> None:  # noqa: ANN401 - the values of the declared options
        options = {item.key: _plain(given.pop(item.key)) for item in items}
        options = {key: value for key, value in options.items() if value not in (None, [], ())}
        raise typer.Exit(kills.venue(name, Kill(options=options, **given)))

    parameters = [_parameter(item) for item in items]
    common: dict[str, tuple[Any, object]] = {
        "profile": (
            Annotated[
                Optional[str],
                typer.Option(
                    "--profile",
                    metavar="NAME",
                    help="Use this profile.",
                    show_default=False,
                    autocompletion=_completer("profiles"),
                ),
            ],
            None,
        ),
        "environment": (Environment, None),
        "config_file": (Config, None),
        "everything": (Everything, False),
        "keep": (Keep, None),
        "dry_run": (DryRun, False),
        "deadline": (Deadline, None),
        "hold": (Hold, 0.0),
        "reason": (Reason, None),
        "notify": (Notify, None),
        "json_lines": (Json, False),
        "verbose": (Verbose, False),
        "quiet": (Quiet, False),
    }
    parameters += [
        inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for key, (annotation, default) in common.items()
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__name__ = name
    return command


def _parameter(item: Declared) -> inspect.Parameter:
    """A declared option as a parameter that Typer understands. None means: not given."""
    base: Any = item.base
    if item.choices:  # Typer knows no list of literals, but lists of an enumeration
        base = _enumeration(item) if item.repeatable else Literal[item.choices]
    kind: Any = Optional[list[base]] if item.repeatable else Optional[base]
    default = item.default if item.default not in (None, ()) else None
    words = (
        item.opt.help
        + (" Repeatable." if item.repeatable else "")
        + (f" [default: {default}]" if default is not None else "")
    )
    option = typer.Option(item.flag, help=words, metavar=item.opt.metavar or None, show_default=False)
    return inspect.Parameter(item.key, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option])


def _enumeration(item: Declared) -> type[Enum]:
    members = {choice: choice for choice in item.choices}
    return Enum(item.key, members)  # type: ignore[return-value]


def _plain(value: Any) -> object:  # noqa: ANN401 - what Typer made of an option
    return [one.value if isinstance(one, Enum) else one for one in value] if isinstance(value, list) else value


def _all(
    only: Annotated[
        Optional[list[str]],
        typer.Option(
            "--only",
            metavar="PATTERN",
            help="Only profiles like this; `all` is every one. Repeatable.",
            autocompletion=_completer("profiles"),
        ),
    ] = None,
    skip: Annotated[
        Optional[list[str]],
        typer.Option(
            "--skip", metavar="PATTERN", help="No profile like this. Repeatable.", autocompletion=_completer("profiles")
        ),
    ] = None,
    shard: Annotated[
        Optional[str],
        typer.Option("--shard", metavar="I/N", help="Every N-th of the selected profiles, beginning with the I-th."),
    ] = None,
    environment: Environment = None,
    config_file: Config = None,
    everything: Everything = False,
    keep: Keep = None,
    dry_run: DryRun = False,
    deadline: Deadline = None,
    hold: Hold = 0.0,
    reason: Reason = None,
    notify_command: Notify = None,
    json_lines: Json = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    kill = Kill(
        only=tuple(only or ()),
        skip=tuple(skip or ()),
        shard=shard,
        environment=environment,
        config_file=config_file,
        everything=everything,
        keep=keep,
        dry_run=dry_run,
        deadline=deadline,
        hold=hold,
        reason=reason,
        notify=notify_command,
        json_lines=json_lines,
        verbose=verbose,
        quiet=quiet,
    )
    raise typer.Exit(kills.every(kill))


def _orders(
    names: Annotated[
        Optional[list[str]],
        typer.Argument(
            metavar="[PROFILE]...",
            help="Profiles; none means all.",
            show_default=False,
            autocompletion=_completer("profiles"),
        ),
    ] = None,
    environment: Environment = None,
    config_file: Config = None,
    deadline: Deadline = None,
    json_lines: Json = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    output = Output(json=json_lines, verbose=verbose, quiet=quiet, several=True, plan=False)
    overrides = kills.overrides({}, environment, deadline, keep=None, everything=False)
    environ = dict(os.environ)
    document = toml_file.read(config_file, environ)
    if not names:
        names = kills.selected(kills.known(document, environ), [], [])
    profiles = kills.load_all(document, list(dict.fromkeys(names)), environ, overrides)
    raise typer.Exit(kills.execute(profiles, output, environ, dry_run=True, terms=Terms(journalled=False)))


# --- the pre-flight -------------------------------------------------------------------------------------------------


def _check(
    names: Annotated[
        Optional[list[str]],
        typer.Argument(
            metavar="[PROFILE]...",
            help="Profiles; none means all.",
            show_default=False,
            autocompletion=_completer("profiles"),
        ),
    ] = None,
    live: Annotated[
        bool,
        typer.Option("--live", help="Also send one real cancel to each venue, where nothing rests, and say so before."),
    ] = False,
    max_age: Annotated[
        Optional[str],
        typer.Option(
            "--max-age",
            metavar="AGE",
            help="Send nothing; fail if the last good check is older (90s, 15m, 24h, 7d). For monitoring.",
            show_default=False,
        ),
    ] = None,
    store_account_group: Annotated[
        bool, typer.Option("--store-account-group", help="Write an AscendEX account group into its profile.")
    ] = False,
    environment: Environment = None,
    config_file: Config = None,
    deadline: Deadline = None,
    json_lines: Json = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    from cancelall.check import evidence
    from cancelall.cli import check

    output = Output(json=json_lines, verbose=verbose, quiet=quiet, several=True)
    overrides = kills.overrides({}, environment, deadline, keep=None, everything=False)
    oldest = evidence.age_of(max_age) if max_age is not None else None
    if oldest is not None and (live or store_account_group):
        raise UsageError("--max-age sends nothing: it goes with neither --live nor --store-account-group")
    environ = dict(os.environ)
    try:
        document = toml_file.read(config_file, environ)
        known = kills.known(document, environ)
        chosen = list(dict.fromkeys(names or kills.selected(known, [], [])))
    except ConfigError as error:
        raise typer.Exit(check.unreadable(error, [*map(quoted, names or [])], output)) from None
    profiles = kills.load_all(document, chosen, environ, overrides)
    if oldest is not None:
        raise typer.Exit(check.aged(profiles, output, environ, oldest))
    confirm = None if json_lines or not _at_a_terminal() else typer.confirm
    raise typer.Exit(
        check.check(profiles, document, output, environ, live=live, keep_group=store_account_group, confirm=confirm)
    )


def _at_a_terminal() -> bool:
    """Whether somebody is there to answer a question."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


# --- config ---------------------------------------------------------------------------------------------------------


def _config_path(config_file: Config = None) -> None:
    path, _ = toml_file.locate(config_file, os.environ)
    if path is None:
        raise ConfigError("there is no home directory to keep a config in", "set CANCELALL_CONFIG or give --config")
    emit(f"{path}\n")


def _config_show(config_file: Config = None) -> None:
    import tomli_w

    from cancelall.config.show import escaped, redacted

    document = toml_file.read(config_file, os.environ)
    if document.path is None:
        raise ConfigError("there is no config file", "run: cancelall config init")
    emit(escaped(tomli_w.dumps(redacted(document))))


def _config_init(config_file: Config = None) -> None:
    from cancelall.config.example import example_config
    from cancelall.core.files import why_others_can_replace, write_private

    path, _ = toml_file.locate(config_file, os.environ)
    if path is None:
        raise ConfigError("there is no home directory to keep a config in", "set CANCELALL_CONFIG or give --config")
    try:
        write_private(path, example_config(), new=True)
    except FileExistsError:
        raise ConfigError(f"{path} exists already and was left as it is", "edit it, or give another --config") from None
    except OSError as fault:
        raise ConfigError(f"{path} cannot be written: {fault.strerror}", "give another --config") from None
    emit(f"{path}\n")
    if why := why_others_can_replace(path, path.stat()):
        Output().note(f"WARNING: it {why}: no kill will read it there")


# --- journal --------------------------------------------------------------------------------------------------------


def _journal_show(
    run: Annotated[
        Optional[str], typer.Option("--run", metavar="ID", help="This run; its first characters are enough.")
    ] = None,
    last: Annotated[
        Optional[int], typer.Option("--last", metavar="N", min=1, max=100_000, help="One row for each of the last N.")
    ] = None,
    json_lines: Annotated[bool, typer.Option("--json", help="The journal's own lines, one event each.")] = False,
) -> None:
    from cancelall.cli import journal

    found = journal.show(os.environ, run=run, last=last, json_lines=json_lines)
    if found is None:
        Output().note(f"there is no journal yet at {journal.place(os.environ)}")
    emit(found or "")


def _journal_verify(
    anchor: Annotated[
        Optional[str],
        typer.Option(
            "--anchor",
            metavar="HASH|FILE",
            help="What an earlier verify printed as its anchor, or a file of such lines: it must still be there.",
            show_default=False,
        ),
    ] = None,
) -> None:
    from cancelall.cli import journal

    said, status = journal.check(os.environ, anchor)
    emit(f"{said}\n")
    raise typer.Exit(status)


def _journal_path() -> None:
    from cancelall.cli import journal

    emit(f"{journal.place(os.environ)}\n")


# --- demo -----------------------------------------------------------------------------------------------------------


def _demo(
    orders: Annotated[
        int, typer.Option("--orders", metavar="N", min=1, max=5000, help="Open orders on each venue.")
    ] = 40,
    fault: Annotated[
        Optional[list[str]],
        typer.Option(
            "--fault",
            metavar="NAME",
            help="Switch a fault on; `list` shows them. Repeatable.",
            autocompletion=_completer("faults"),
        ),
    ] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Keep the exchange running, and print a --config to try commands on.")
    ] = False,
    keep: Keep = None,
    dry_run: DryRun = False,
    deadline: Deadline = None,
    json_lines: Json = False,
    verbose: Verbose = False,
    quiet: Quiet = False,
) -> None:
    from cancelall.cli import demo

    output = Output(json=json_lines, verbose=verbose, quiet=quiet, several=True)
    overrides = kills.overrides({}, None, deadline, keep=keep, everything=False)
    raise typer.Exit(demo.run(output, overrides, orders=orders, faults=fault or [], serve=serve, dry_run=dry_run))


# --- the boundary ---------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status. Every failure is one line on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    only = None if "_CANCELALL_COMPLETE" in os.environ else words[0] if words else ""
    if words == ["--show-completion"]:
        words.append(Path(os.environ.get("SHELL") or "?").name)
    return process.held(lambda: _run(only, words))


def _run(only: str | None, words: Sequence[str]) -> int:
    made = command(only)
    if "_CANCELALL_COMPLETE" not in os.environ:
        values.check(made, words)
    try:
        result = made.main(args=list(words), prog_name="cancelall", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except UsageError as error:
        raise UsageError(veiled(error.message, values.words_of(words)), error.hint) from None
    except Exception as fault:
        told = getattr(fault, "format_message", None)  # a usage error of Typer's; its class has no public name
        if type(fault).__name__ == "NoArgsIsHelpError":
            sys.stderr.write(f"{fault}\n")
            return ExitStatus.USAGE
        if told is None:
            raise
        said = veiled(" ".join(str(told()).split()), values.words_of(words))
        return process.fail(said, _help_hint(fault), ExitStatus.USAGE)
    return int(result) if isinstance(result, int) else 0


def _help_hint(fault: Exception) -> str:
    context = getattr(fault, "ctx", None)
    return f"see: {context.command_path} --help" if context is not None else ""
