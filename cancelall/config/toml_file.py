"""The configuration file as it stands: found, read, and where in it something is wrong. Its meaning is `loader`'s."""

from __future__ import annotations

import functools
import os
import re
import stat
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cancelall.config import places
from cancelall.core import declare
from cancelall.core.dataclass import dataclass, field, replace
from cancelall.core.errors import ConfigError
from cancelall.core.files import READ, WRITE, open_at_once, rights_of_others, why_others_can_replace
from cancelall.core.profile import environment_prefix
from cancelall.core.quoting import quoted

if TYPE_CHECKING:
    from cancelall.core.files import StrPath

SIZE_LIMIT = 1 << 20
"""Bytes; a larger file is refused before it is parsed."""
DEEPEST = 16
"""Parts of a key, and brackets in brackets. Nothing here needs more than four; the parser's time and memory grow with
the square of the parts of one key: 100,000 of them take 11 GB."""
_SIGN = r"""(?sx)
    \"{3} (?: [^\\] | \\.? )*? (?: \"{3} | \Z )  |  '{3} .*? (?: '{3} | \Z )
    | \" (?: [^"\\\n] | \\. )* \"?  |  ' [^'\n]* '?
    | \# [^\n]*  |  [.\[\]{}=,\n]
    """
"""A string, a comment, or one of the signs that structure a document. Compiled for a document that may be deep."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """The configuration as it stands in the file. `path` is None when there is no file."""

    path: str | None
    text: str = field(default="", repr=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    warnings: tuple[str, ...] = ()
    shared: bool = False
    """Whether it is the machine's, read because the user has none of his own."""
    notice: str = ""
    """What a user has to know about where it comes from."""

    @property
    def tables(self) -> Mapping[str, Any]:
        """The profile tables by name."""
        profiles = self.data.get("profiles", {})
        return profiles if isinstance(profiles, dict) else {}

    @functools.cached_property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The profiles by what the names of their environment variables begin with."""
        names_of: dict[str, tuple[str, ...]] = {}
        for name in self.tables:
            prefix = environment_prefix(name)
            names_of[prefix] = (*names_of.get(prefix, ()), name)
        return names_of


def _usual_place(environ: Mapping[str, str]) -> str | None:
    """The user's own config; None when there is no home."""
    home = environ.get("HOME") or ""
    if sys.platform == "win32":
        base = environ.get("APPDATA") or ""
    elif sys.platform == "darwin":
        base = os.path.join(home, "Library", "Application Support") if home else ""
    else:
        base = environ.get("XDG_CONFIG_HOME") or ""
        if not os.path.isabs(base):  # a relative one is to be ignored, says the XDG specification
            base = os.path.join(home, ".config") if os.path.isabs(home) else ""
    return os.path.join(base, "cancelall", "config.toml") if base else None


def locate(chosen: StrPath | None, environ: Mapping[str, str]) -> tuple[str | None, bool]:
    """The file to read, and whether it was named (and so must exist)."""
    named = chosen if chosen is not None else environ.get("CANCELALL_CONFIG") or None
    return (os.fspath(named), True) if named is not None else (_usual_place(environ), False)


def read(chosen: StrPath | None, environ: Mapping[str, str]) -> Document:
    """The configuration: the user's own; with none at the usual place the machine's, and without that an empty one.

    Raises ConfigError when the file cannot be read, is not TOML, or could have been changed by others.
    """
    path, required = locate(chosen, environ)
    if path is None:
        return _of_the_machine(environ)
    try:
        return _read(path, environ)
    except FileNotFoundError:
        if required:
            raise ConfigError(
                f"the config file {_named(path)} does not exist",
                "give the right --config, or run: cancelall config init",
            ) from None
        return _of_the_machine(environ)
    except OSError as fault:
        if isinstance(fault, NotADirectoryError) and not required:
            return _of_the_machine(environ)  # a HOME that is a file, such as /dev/null
        raise _unreadable(path, fault) from None


def own(chosen: StrPath | None, environ: Mapping[str, str]) -> tuple[str | None, Document]:
    """Where the user's own config is or will be, and what it says as far as there is one. Raises ConfigError."""
    path, _ = locate(chosen, environ)
    begun = path is not None and not os.path.lexists(path)
    return path, Document(path=None) if begun else read(chosen, environ)


def displaced(chosen: StrPath | None, environ: Mapping[str, str], by: str = "") -> str:
    """What is not read any more as soon as the user's own config is begun, as a warning; empty when nothing is."""
    path, _ = locate(chosen, environ)
    gone = in_force(chosen, environ) == places.MACHINE != path
    return f"{places.MACHINE} is not read by you any more, but {by or path}" if gone else ""


def in_force(chosen: StrPath | None, environ: Mapping[str, str]) -> str | None:
    """The file that is read: the machine's only where it would be; else where the user's own is, or has to be."""
    path, required = locate(chosen, environ)
    if required or sys.platform == "win32" or (path is not None and os.path.lexists(path)):
        return path
    return places.MACHINE if os.access(places.MACHINE, os.R_OK) else path


def _of_the_machine(environ: Mapping[str, str]) -> Document:
    """The machine's configuration. To a user who may not read it there is none, and that is said.

    Whom root lets read it by way of its group is root's affair: only what everybody may read is warned of.
    """
    if sys.platform == "win32":
        return Document(path=None)
    try:
        document = _read(places.MACHINE, environ)
        to_all = os.stat(places.MACHINE).st_mode & stat.S_IROTH
    except (FileNotFoundError, NotADirectoryError):
        return Document(path=None)
    except PermissionError:
        return Document(path=None, notice=f"{places.MACHINE} is not for you to read: nothing of it is used")
    except OSError as fault:
        raise _unreadable(places.MACHINE, fault) from None
    warnings = (f"{places.MACHINE} can be read by everybody: chmod o-r {places.MACHINE}",) if to_all else ()
    notice = f"reading {places.MACHINE}, as you have no config of your own"
    return replace(document, warnings=warnings, shared=True, notice=notice)


def _unreadable(path: str, fault: OSError) -> ConfigError:
    return ConfigError(
        f"the config file {_named(path)} cannot be read: {fault.strerror or fault}",
        "correct its permissions or path",
    )


def _read(path: str, environ: Mapping[str, str]) -> Document:
    """The configuration in a file. Raises ConfigError, OSError."""
    text, warnings = read_text(path)
    return parsed(path, text, environ, warnings)


def parsed(path: str, text: str, environ: Mapping[str, str], warnings: tuple[str, ...] = ()) -> Document:
    """The text of a config file. Raises ConfigError when it is not TOML, or has other parts than a config."""
    import tomllib

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as fault:
        # The parser's message can quote the line, which may hold a secret: only the place is told.
        place = re.search(r"at line (\d+), column (\d+)", str(fault))
        where = f", line {place[1]}, column {place[2]}" if place else ""
        raise ConfigError(f"{path}{where}: not valid TOML", "correct the line; text needs quotes") from None
    document = Document(path=path, text=text, data=_venues_from_environment(data, environ), warnings=warnings)
    _check_top(document)
    return document


def _named(path: str) -> str:
    """A path in a message. What is no path may be anything that stood in its place."""
    return path if os.sep in path else quoted(path)


def _venues_from_environment(data: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The data with each profile's venue as the environment has it, where it does."""
    profiles = data.get("profiles")
    if not isinstance(profiles, dict):
        return data
    named = {
        name: {**table, "venue": venue} if isinstance(table, dict) and venue else table
        for name, table in profiles.items()
        for venue in [environ.get(environment_prefix(name) + "VENUE", "").strip()]
    }
    return {**data, "profiles": named}


def read_text(path: StrPath) -> tuple[str, tuple[str, ...]]:
    """What a config file says, and what is to be warned of. Raises ConfigError, OSError.

    It is not yet TOML, but nothing that a parser would choke on.
    """
    raw, warnings = _read_bytes(path)
    if raw.startswith(b"\xef\xbb\xbf"):
        raise ConfigError(f"{path}, line 1: the file begins with a byte order mark", "save it as UTF-8 without a mark")
    try:
        text = raw.decode()
    except UnicodeDecodeError as fault:
        line = raw[: fault.start].count(b"\n") + 1
        raise ConfigError(f"{path}, line {line}: not UTF-8 text", "save the file as UTF-8") from None
    if deep := too_deep(text):
        raise ConfigError(
            f"{path}, line {deep}: a key of more than {DEEPEST} parts, or as many brackets in brackets",
            "is it the right file?",
        )
    return text, warnings


def too_deep(text: str) -> int | None:
    """The line of a key with too many parts, or of brackets in too many brackets; None when it can be parsed.

    What can be so deep is looked for in each line first: a key ends with its line. Brackets that go on over many lines
    are bounded by the parser.
    """
    if all(line.count(".") < DEEPEST and line.count("[") + line.count("{") <= DEEPEST for line in text.split("\n")):
        return None
    line, dots, depth = 1, 0, 0
    for match in re.finditer(_SIGN, text):
        sign = match[0]
        if sign == ".":
            dots += 1
        elif sign in "[{":
            depth, dots = depth + 1, 0
        elif sign in "]}":
            depth, dots = max(0, depth - 1), 0
        elif sign in "=,\n":
            dots = 0
        if dots >= DEEPEST or depth > DEEPEST:
            return line
        line += sign.count("\n")
    return None


def _read_bytes(path: StrPath) -> tuple[bytes, tuple[str, ...]]:
    with open_at_once(path) as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"the config file {path} is not a regular file", "name the file itself")
        rights = rights_of_others(stream.fileno(), status)
        if rights & WRITE:
            raise ConfigError(
                f"the config file {path} can be written by others: they could point it at their own host",
                f"chmod 600 {path}",
            )
        if why := why_others_can_replace(path, status):
            raise ConfigError(
                f"the config file {path} {why}: it could be pointed at another host",
                "let it and its directory belong to you, and give nobody else the right to write there",
            )
        raw = stream.read(SIZE_LIMIT + 1)
    if len(raw) > SIZE_LIMIT:
        raise ConfigError(f"the config file {path} is larger than {SIZE_LIMIT >> 20} MiB", "is it the right file?")
    return raw, (f"{path} can be read by others: chmod 600 {path}",) * bool(rights & READ)


_TOP = ("defaults", "profiles", "guard")
"""Tables of a config."""


def _check_top(document: Document) -> None:
    for key in document.data:
        if key in ("credentials", "secret_command"):
            fail(document, "", key, f"{key} stands outside of a profile", f"put it into [profiles.NAME.{key}]")
        if key not in _TOP:
            fail(document, "", key, f'unknown key "{quoted(key)}"{declare.nearest(key, _TOP)}')
    for key in _TOP:
        if not isinstance(document.data.get(key, {}), dict):
            fail(document, "", key, f'"{key}" must be a table')


def fail(document: Document, table: str, key: str, problem: str, hint: str = "correct the file and run again") -> None:
    """Raise ConfigError for a key of a table, or for the table itself, with its place."""
    raise ConfigError(f"{place(document, table, key)}: {problem}", hint)


def place(document: Document, table: str, key: str) -> str:
    """The file, line and table of a key, in words; the environment where there is no file."""
    shown = ".".join(map(quoted, table.split(".")))
    if document.path is None:
        return f"[{shown}], set in the environment"
    line = line_of(document.text, table, key)
    at = f", line {line}" if line else ""
    inside = f" [{shown}]" if table else ""
    return f"{document.path}{at}{inside}"


def line_of(text: str, table: str, key: str) -> int | None:
    """The line of a key in a table or of the table itself, else of what holds it; None when this does not see it."""
    wanted = f"{table}.{key}" if table and key else table or key
    current, above, depth = "", None, 0
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        if match := re.match(r"\[+\s*([^\[\]]+?)\s*\]+", line):
            here = current = _dotted(match[1])
        elif "=" in line and not line.startswith("#"):
            name = _dotted(line.split("=", 1)[0])
            here = f"{current}.{name}" if current else name
        else:
            continue
        if here == wanted or here.startswith(f"{wanted}."):
            return number
        if wanted.startswith(f"{here}.") and len(here) >= depth:
            above, depth = number, len(here)
    return above


def _dotted(key: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
