"""The manual page, made from the commands themselves: `man/cancelall.1`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cancelall import __version__
from cancelall.core.errors import EXIT_STATUSES

_STATUSES = [
    (", ".join(map(str, codes)), f"{verdict}: {meaning}" if verdict else meaning)
    for codes, verdict, meaning in EXIT_STATUSES
]
_ENVIRONMENT = (
    ("CANCELALL_CONFIG", "The config file to read."),
    ("CANCELALL_<PROFILE>_<KEY>", "An option of a profile; upper case, with _ for -."),
    ("CANCELALL_<PROFILE>_<FIELD>", "A secret of a profile."),
    ("CREDENTIALS_DIRECTORY", "A directory with files cancelall.<profile>.<field>, as systemd hands credentials out."),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME, STATE_DIRECTORY", "Where the config is, and what this program keeps by itself."),
    ("COLUMNS, NO_COLOR, FORCE_COLOR", "How tables are drawn."),
)
_FILES = (
    ("~/.config/cancelall/config.toml", "Profiles. Should be readable for its owner only."),
    ("/etc/cancelall/config.toml", "Profiles of the machine, for whoever has no config of his own. Never written."),
    ("/etc/credstore.encrypted/cancelall.<profile>.<field>", "Secrets for the units of systemd, encrypted."),
)
_EXAMPLES = (
    ("cancelall all", "Every profile, all at the same time."),
    ("cancelall bybit --settle-coin USDT", "A part of one account."),
    ("cancelall all --dry-run", "Only read: what is open, and what would be sent."),
    ("cancelall demo", "The whole thing on an exchange inside this machine."),
)


def page(command: Any) -> str:  # Typer has no public name for it
    """The page in the man macros of roff. `command` is the whole command line."""
    top = command.make_context("cancelall", [], resilient_parsing=True)
    lines = [
        '.\\" Made from the commands: python docs/documents.py',
        f'.TH CANCELALL 1 "" "cancelall {__version__}" "User Commands"',
        ".nh",
        ".ad l",
        ".SH NAME",
        "cancelall \\- cancel every resting order on every venue, and prove that nothing is left",
        ".SH SYNOPSIS",
        ".B cancelall",
        "[\\fIOPTIONS\\fR] \\fICOMMAND\\fR [\\fIARGUMENTS\\fR]",
        ".SH DESCRIPTION",
        *_paragraph(
            "Cancels every order that rests on an account, of every kind that the venue can cancel, and reads the open "
            "orders back until complete listings are empty - or says what is still open, or that it could not find "
            "out. There is no question to answer. Options stand after the command, in any order."
        ),
        ".SH OPTIONS",
        *_options(command, top),
        ".SH COMMANDS",
    ]
    for words, one, context in _commands(command, top, ()):
        lines += [f".SS cancelall {' '.join(words)}", *_paragraph(one.help or ""), *_options(one, context)]
    for title, rows in (
        ("EXIT STATUS", _STATUSES),
        ("ENVIRONMENT", _ENVIRONMENT),
        ("FILES", _FILES),
        ("EXAMPLES", _EXAMPLES),
    ):
        lines += [f".SH {title}"]
        for term, meaning in rows:
            lines += _item(term, meaning)
    lines += [".SH SEE ALSO", "\\fBsystemd\\-creds\\fR(1), \\fBsystemd.exec\\fR(5)"]
    return "\n".join(lines) + "\n"


def _commands(group: Any, context: Any, before: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    commands: Mapping[str, Any] = group.commands
    for name, command in commands.items():
        words = (*before, name)
        inner = command.make_context(name, [], parent=context, resilient_parsing=True)
        if hasattr(command, "commands"):
            yield from _commands(command, inner, words)
        else:
            yield words, command, inner


def _options(command: Any, context: Any) -> list[str]:
    lines: list[str] = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            lines += _item(*record)
    return lines


def _item(term: str, words: str) -> list[str]:
    return [".TP", f".B {_escaped(term)}", _escaped(words) or "\\&"]


def _paragraph(words: str) -> list[str]:
    return [_escaped(words)]


def _escaped(text: str) -> str:
    """Text that no macro and no escape of roff can be taken for."""
    made = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    made = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in made)
    return f"\\&{made}" if made.startswith((".", "'")) else made
