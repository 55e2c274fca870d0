"""What a user gives as secrets: lines, files, answers; and the checks before any of it is written. Nothing is sent."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from cancelall.core import declare
from cancelall.core.errors import SecretError
from cancelall.core.profile import Profile, environment_prefix
from cancelall.core.secret import Secret
from cancelall.credentials import chain
from cancelall.report.streams import is_terminal
from cancelall.venues.registry import load, schema

INPUT_LIMIT = 64 << 10
"""Bytes of a file, of standard input or of an answer that are read."""
_STAND_IN = "not-there-yet"
_TRIES = 3

Ask = Callable[[str], str]
"""A question to its answer. Raises EOFError when the input ends."""


def from_lines(text: str, profile: Profile) -> dict[str, Secret]:
    """Secrets from `FIELD=value` lines or a JSON object; a PEM block goes on to its END line. Raises SecretError."""
    fields = declare.secrets_of(schema(profile.venue).secrets)
    secrets: dict[str, Secret] = {}
    if (whole := text.strip().removeprefix("\ufeff")).startswith("{"):
        return {field: checked(profile, field, whole, "the input") for field in _named_in(whole, list(fields))}
    lines = iter(enumerate(text.removeprefix("\ufeff").split("\n"), start=1))
    for number, raw in lines:
        line = raw.removesuffix("\r")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        name = _field_of(name.strip(), profile)
        if not equals:
            raise SecretError(f"line {number} of the input is not FIELD=value", f"fields: {' '.join(fields)}")
        if name not in fields:
            known = declare.nearest(name, fields) if name.replace("_", "").isalpha() and len(name) < 30 else ""
            raise SecretError(f"line {number} of the input names no secret{known}", f"fields: {' '.join(fields)}")
        if name in secrets:
            raise SecretError(f"line {number} of the input gives {name} a second time", "give it once")
        if "-----BEGIN" in value and "\\n" not in value:
            while "-----END" not in value.rpartition("\n")[2] and (following := next(lines, None)) is not None:
                value += "\n" + following[1].removesuffix("\r")
        if value.strip():
            secrets[name] = checked(profile, name, value, f"line {number} of the input")
    return secrets


def _field_of(name: str, profile: Profile) -> str:
    """The field that a line gives: its own name, or that of its environment variable, as an env file has it."""
    name = name.removeprefix("export ").strip()
    prefix = environment_prefix(profile.name)
    return name.removeprefix(prefix).lower() if name.startswith(prefix) else name


def _named_in(text: str, fields: list[str]) -> list[str]:
    """The fields that a JSON object has under their own names. Raises SecretError when there is none."""
    import json

    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        held = None
    named = [field for field in fields if isinstance(held, dict) and held.get(field)]
    if not named:
        raise SecretError(
            "the input is neither FIELD=value lines nor a JSON object of them", f"fields: {' '.join(fields)}"
        )
    return named


def checked(profile: Profile, name: str, text: str, source: str) -> Secret:
    """One secret, if it has its form. Raises SecretError."""
    sec = declare.secrets_of(schema(profile.venue).secrets)[name]
    return Secret(chain.checked(name, sec.form, text, source, chosen=sec.chosen))


def check(
    profile: Profile, given: Mapping[str, Secret], held: Mapping[str, Secret], environ: Mapping[str, str]
) -> tuple[str, ...]:
    """The venue's offline checks of what was given, together with what the other sources and the keyring have.

    Returns the required secrets that are still missing. Raises SecretError.
    """
    accepts = schema(profile.venue)
    values, absent = {**held, **given}, []
    for name, sec in declare.secrets_of(accepts.secrets).items():
        if name in given:
            continue
        try:
            elsewhere = chain.look_up(profile, name, sec, environ, [], keyring=False)
        except SecretError:
            elsewhere = None  # it is not what is being set
        if elsewhere is not None:
            values[name] = elsewhere[0]
        elif name not in values and not sec.optional:
            absent.append(name)
    for name, secret in given.items():
        for other, same in values.items():
            if other != name and same == secret:
                raise SecretError(f"{name} and {other} are the same", "one of them was pasted twice")
    whole = accepts.secrets(**values, **{name: Secret(_STAND_IN) for name in absent})
    try:
        load(profile.venue).check_secrets(whole, profile.options)
    except SecretError as error:
        # What the checks say about a secret that is not there yet says nothing.
        if not absent or any(name in error.message for name in given):
            raise SecretError(error.message, error.hint or "nothing was written: give another one") from None
    return tuple(absent)


def answers(
    profile: Profile, fields: Sequence[str], held: Collection[str], note: Callable[[str], None]
) -> dict[str, Secret]:
    """Ask for each field on the terminal. Nothing is shown, and only what cannot be right is wanted again.

    Raises SecretError.
    """
    declared = declare.secrets_of(schema(profile.venue).secrets)
    secrets: dict[str, Secret] = {}
    with asking() as ask:
        for field in fields:
            sec = declared[field]
            empty = (
                "Enter keeps the one that is set" if field in held else "Enter leaves it out" if sec.optional else ""
            )
            question = f"{field}: {sec.help}{f' {empty}.' if empty else ''} > "
            for attempt in range(1, _TRIES + 1):
                try:
                    text = ask(question)
                    if not text and empty:
                        break
                    secrets[field] = checked(profile, field, text, "the terminal")
                    break
                except EOFError:
                    raise SecretError(f"the input ended before {field}; nothing was written", "run it again") from None
                except SecretError as error:
                    if attempt == _TRIES:
                        raise
                    note(f"{error.message} - {error.hint}")
    return secrets


def read_file(path: Path) -> str:
    """A file with one secret in it. Raises SecretError."""
    try:
        with path.open("rb") as stream:
            return decoded(stream.read(INPUT_LIMIT + 1), str(path))
    except OSError as fault:
        raise SecretError(f"{path} cannot be read: {fault.strerror or fault}", "give another --file") from None


def decoded(raw: bytes, name: str) -> str:
    """Text from bytes that somebody gave. Raises SecretError."""
    if len(raw) > INPUT_LIMIT:
        raise SecretError(f"{name} is longer than {INPUT_LIMIT >> 10} KiB", "is it the right one?")
    return chain.decoded(raw, name)


def open_to_others(path: Path) -> bool:
    try:
        return os.name == "posix" and bool(path.stat().st_mode & 0o044)
    except OSError:
        return False


# --- answers on the terminal ---
#
# Echo stays off from the first question to the last, and what was pasted beyond an answer is thrown away: a line left
# over would be the answer to the next question, or, after the end, a secret in the history of the shell.


def on_terminal() -> bool:
    """Whether there is somebody to answer: standard input is a terminal."""
    return is_terminal(sys.stdin)


@contextlib.contextmanager
def asking() -> Iterator[Ask]:
    """Ask on the terminal that controls this process, wherever the output goes."""
    if os.name != "posix":
        import getpass

        yield getpass.getpass
        return
    import termios

    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        descriptor = os.dup(sys.stdin.fileno())
    try:
        before = termios.tcgetattr(descriptor)
        hidden = termios.tcgetattr(descriptor)
        hidden[3] = (hidden[3] | termios.ICANON | termios.ISIG) & ~(termios.ECHO | termios.ECHONL)
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, hidden)
        try:
            yield lambda question: _answer(descriptor, question)
        finally:
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
    finally:
        os.close(descriptor)


def _answer(descriptor: int, question: str) -> str:
    """One line; a PEM block to its last line."""
    import termios

    termios.tcflush(descriptor, termios.TCIFLUSH)
    os.write(descriptor, question.encode())
    try:
        text = _line(descriptor)
        if text.lstrip().startswith("-----BEGIN"):
            while "-----END" not in text.rpartition("\n")[2] and len(text) < INPUT_LIMIT:
                text += "\n" + _line(descriptor)
        return text
    finally:
        os.write(descriptor, b"\n")


def _line(descriptor: int) -> str:
    """What was typed, up to the end of the line: in canonical mode a read gives no more than one line."""
    raw = b""
    while not raw.endswith(b"\n") and len(raw) < INPUT_LIMIT:
        part = os.read(descriptor, 4096)
        if not part and not raw:
            raise EOFError
        if not part:
            break
        raw += part
    return raw.removesuffix(b"\n").decode("utf-8", "surrogateescape")
