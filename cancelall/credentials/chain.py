"""Where secrets come from: five sources in a fixed order, each secret by itself, the source recorded.

An empty value is not set; the first source that has a value wins; a source that is configured but fails is an error,
never a fall-through.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cancelall.core import declare
from cancelall.core.dataclass import dataclass
from cancelall.core.declare import Form, Sec
from cancelall.core.errors import SecretError
from cancelall.core.files import READ, WRITE, open_at_once, rights_of_others
from cancelall.core.profile import Profile, credential_path, environment_prefix
from cancelall.core.secret import Secret, register
from cancelall.venues.registry import load, schema

if TYPE_CHECKING:
    from cancelall.credentials.keyrings import KeyringReader

COMMAND_SECONDS = 5.0
"""For all commands of a profile together: they run side by side."""
KEYRING_SECONDS = 3.0
OPTIONAL_SECONDS = 0.1
"""What a secret that is not needed gets beyond those that are."""
_FILE_LIMIT = 16 << 10


@dataclass(frozen=True, kw_only=True)
class ResolvedSecrets:
    """A venue's Secrets, where each came from, and what is worth a warning."""

    secrets: Any
    sources: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...] = ()


def resolve(profile: Profile, environ: Mapping[str, str]) -> ResolvedSecrets:
    """All secrets of a profile. Blocks for as long as the sources of those that it needs take; each is bounded.

    What is optional is taken if it is at hand, or looked up together with what is needed; nobody waits for it, and
    whatever is wrong with it is a warning. Raises SecretError that names every missing secret and all places looked in,
    or the one that failed.
    """
    _check_directory(environ)
    declared = declare.secrets_of(schema(profile.venue).secrets)
    warnings: list[str] = []
    texts = _at_hand(profile, declared, environ, warnings)
    texts |= _from_commands(profile, {key: sec for key, sec in declared.items() if key not in texts}, environ, warnings)
    values: dict[str, Secret] = {}
    sources: list[tuple[str, str]] = []
    missing: list[str] = []
    with _Keyring(profile) as keyring:
        for key, sec in sorted(declared.items(), key=lambda item: item[1].optional):
            try:
                if key not in texts and key not in profile.secret_command:
                    # A keyring can hang for seconds: what is not needed is looked for there only with what is.
                    needed = not sec.optional
                    if needed or any(source == "keyring" for _, source in sources):
                        texts |= keyring.read(key, KEYRING_SECONDS if needed else OPTIONAL_SECONDS)
                if key in texts:
                    text, source = texts[key]
                    values[key] = Secret(checked(key, sec.form, text, source, chosen=sec.chosen))
                    sources.append((key, source))
                elif not sec.optional:
                    missing.append(key)
            except SecretError as error:
                if not sec.optional:
                    raise
                warnings.append(_left_out(error))
    if missing:
        raise SecretError(
            f"no {' and no '.join(missing)}: looked in {_places(profile, missing[0], environ)}",
            _how_to_set(profile, environ),
        )
    try:
        secrets, without = whole(profile, values)
    except SecretError as error:
        raise SecretError(error.message, error.hint or _how_to_set(profile, environ)) from None
    warnings += [_left_out(without)] if without is not None else []
    kept = [(key, source) for key, source in sources if without is None or not declared[key].optional]
    return ResolvedSecrets(secrets=secrets, sources=tuple(kept), warnings=tuple(warnings))


def whole(profile: Profile, values: Mapping[str, Secret]) -> tuple[Any, SecretError | None]:
    """The venue's Secrets, checked; and why what is optional had to be left out, if it had to. Raises SecretError."""
    accepts = schema(profile.venue)
    check = load(profile.venue).check_secrets
    secrets = accepts.secrets(**values)
    try:
        check(secrets, profile.options)
    except SecretError as error:
        declared = declare.secrets_of(accepts.secrets)
        needed = {key: value for key, value in values.items() if not declared[key].optional}
        if needed.keys() == values.keys():
            raise
        secrets = accepts.secrets(**needed)
        check(secrets, profile.options)
        return secrets, error
    return secrets, None


def _left_out(error: SecretError) -> str:
    """A warning, with what to do at its end."""
    return f"{error.message}; it is optional and was left out: {error.hint or 'correct it'}"


def _check_directory(environ: Mapping[str, str]) -> None:
    directory = environ.get("CREDENTIALS_DIRECTORY")
    if directory and not os.path.isabs(directory):  # noqa: PTH117 - a name that means nothing on another system
        raise SecretError(
            "CREDENTIALS_DIRECTORY is not an absolute path: what is in it would depend on where this is run",
            "set an absolute one, or unset it",
        )


def _at_hand(
    profile: Profile, declared: Mapping[str, Sec], environ: Mapping[str, str], warnings: list[str]
) -> dict[str, tuple[str, str]]:
    """Each secret that a file, the environment or the config has, with its source in words. Raises SecretError."""
    texts: dict[str, tuple[str, str]] = {}
    for key, sec in declared.items():
        try:
            text = _first(profile, key, environ, warnings)
        except SecretError as error:
            if not sec.optional:
                raise
            warnings.append(_left_out(error))
            continue
        if text is not None:
            texts[key] = text
    return texts


def _from_commands(
    profile: Profile, wanted: Mapping[str, Sec], environ: Mapping[str, str], warnings: list[str]
) -> dict[str, tuple[str, str]]:
    """What the commands of these secrets print, all run at the same time. Raises SecretError for one that is needed.

    One that is optional is run only where something that is needed takes its time, too.
    """
    commands = {key: profile.secret_command[key] for key in wanted if key in profile.secret_command}
    needed = frozenset(key for key, sec in wanted.items() if not sec.optional)
    if not needed:
        warnings += [warning for key in commands if (warning := left_out(profile, wanted, key))]
        return {}
    if not commands:
        return {}
    from cancelall.credentials import secret_command

    printed = secret_command.ask(
        commands, needed & set(commands), environ, seconds=COMMAND_SECONDS, grace=OPTIONAL_SECONDS
    )
    texts: dict[str, tuple[str, str]] = {}
    for key, words in commands.items():
        try:
            texts[key] = _printed(printed[key], secret_command.name_of(key, words)), "secret_command"
        except SecretError as error:
            if key in needed:
                raise
            warnings.append(_left_out(error))
    return texts


def left_out(profile: Profile, declared: Mapping[str, Sec], key: str) -> str:
    """Why a kill does not ask the command of a secret, given those that are not at hand; empty when it does."""
    if not declared[key].optional or key not in profile.secret_command:
        return ""
    if any(not sec.optional for sec in declared.values()):
        return ""
    return (
        f"{key} was left out: it is optional, and nobody waits for its secret_command where all that is needed is at "
        "hand: put it where the others are"
    )


def look_up(
    profile: Profile, field: str, sec: Sec, environ: Mapping[str, str], warnings: list[str], *, keyring: bool = True
) -> tuple[Secret, str] | None:
    """One secret in its declared form, and its source in words; None when no source has it. Raises SecretError."""
    _check_directory(environ)
    held = _first(profile, field, environ, warnings)
    if held is None and field in profile.secret_command:
        held = _from_commands(profile, {field: Sec(help="", form=sec.form)}, environ, warnings)[field]
    elif held is None and keyring:
        with _Keyring(profile) as items:
            held = items.read(field, KEYRING_SECONDS).get(field)
    if held is None:
        return None
    text, source = held
    return Secret(checked(field, sec.form, text, source, chosen=sec.chosen)), source


def before_keyring(profile: Profile, field: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The sources that are set for a secret and win over the keyring, in words; none of them is read."""
    sources = []
    if (path := credential_path(profile.name, field, environ)) and os.path.exists(path):  # noqa: PTH110 - it never raises
        sources.append(f"credentials directory ({Path(path).name})")
    variable = environment_prefix(profile.name) + field.upper()
    sources += [f"environment ({variable})"] if _trimmed(environ.get(variable)) else []
    sources += ["secret_command"] if field in profile.secret_command else []
    sources += ["config file"] if field in profile.credentials else []
    return tuple(sources)


def _first(profile: Profile, field: str, environ: Mapping[str, str], warnings: list[str]) -> tuple[str, str] | None:
    """The value from the first source that has one, and that source in words; None if it takes its time, or has none.

    Raises SecretError.
    """
    path = credential_path(profile.name, field, environ)
    if path is not None and (text := _from_file(path, warnings)):
        return text, f"credentials directory ({Path(path).name})"
    variable = environment_prefix(profile.name) + field.upper()
    if text := _trimmed(environ.get(variable)):
        return text, f"environment ({variable})"
    if field in profile.secret_command:
        return None
    if field in profile.credentials and (text := _trimmed(profile.credentials[field].reveal())):
        return text, "config file"
    return None


def _trimmed(text: str | None) -> str | None:
    """Without the line break that editors and `echo` leave at the end; None when nothing is left."""
    return (text or "").removesuffix("\n").removesuffix("\r") or None


def _places(profile: Profile, field: str, environ: Mapping[str, str]) -> str:
    prefix = environment_prefix(profile.name)
    places = [
        f"${prefix}{field.upper()}",
        "secret_command and [credentials] of the config",
        f"the keyring (cancelall, {profile.name}.{field})",
    ]
    if environ.get("CREDENTIALS_DIRECTORY"):
        places.insert(0, f"$CREDENTIALS_DIRECTORY/cancelall.{profile.name}.{field}")
    else:
        places.insert(0, "the credentials directory (none is set)")
    return ", ".join(places)


def _how_to_set(profile: Profile, environ: Mapping[str, str]) -> str:
    """The command that keeps secrets where this process would find them."""
    if environ.get("INVOCATION_ID"):  # a unit: https://www.freedesktop.org/software/systemd/man/systemd.exec.html
        command = f"cancelall auth export-systemd {profile.name}"
    elif sys.platform == "linux" and not _has_session_bus(environ):
        command = f"cancelall auth set {profile.name} --to config"
    else:
        command = f"cancelall auth set {profile.name}"
    return (
        f"run: {command}; or set {environment_prefix(profile.name)}… in the environment, "
        f"or [profiles.{profile.name}.credentials] in the config"
    )


def _has_session_bus(environ: Mapping[str, str]) -> bool:
    """Whether there can be a keyring: keyrings of Linux are reached over the session bus."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    return bool(environ.get("DBUS_SESSION_BUS_ADDRESS")) or (bool(runtime) and os.path.exists(f"{runtime}/bus"))  # noqa: PTH110


def _from_file(path: str, warnings: list[str]) -> str | None:
    """A credential file. Containers mount them as symlinks that all can read: that is a warning, not an error."""
    try:
        stream = open_at_once(path)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise SecretError(f"{path} cannot be read: {fault.strerror}", "correct its owner and mode (0400)") from None
    with stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SecretError(f"{path} is not a file", "correct the credentials directory")
        rights = rights_of_others(stream.fileno(), status)
        if rights & WRITE:
            raise SecretError(f"{path} can be written by others", f"chmod 400 {path}")
        if rights & READ:
            warnings.append(f"{path} can be read by others: chmod 400 {path}")
        raw = stream.read(_FILE_LIMIT + 1)
    return _decoded(raw, f"{path}")


def _decoded(raw: bytes, name: str) -> str | None:
    if len(raw) > _FILE_LIMIT:
        raise SecretError(f"{name} is longer than {_FILE_LIMIT >> 10} KiB", "is it the right file?")
    return _trimmed(decoded(raw, name))


def decoded(raw: bytes, name: str) -> str:
    """The text in some bytes; also as PowerShell writes it to a file. Raises SecretError."""
    try:
        return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") and len(raw) > 2 else "utf-8")
    except UnicodeDecodeError:
        if raw[:2] in (b"\x30\x81", b"\x30\x82"):
            raise SecretError(
                f"{name} is a key in binary form (DER), not a PEM block", "openssl pkey makes one"
            ) from None
        raise SecretError(f"{name} is not UTF-8 text", "a secret is text") from None


def _printed(printed: bytes | SecretError, name: str) -> str:
    """What a command has printed. Raises SecretError."""
    if isinstance(printed, SecretError):
        raise printed
    text = _decoded(printed, f"the output of {name}")
    if text is None:
        raise SecretError(f"{name} printed nothing", "run it by hand to see why")
    return text


class _Keyring:
    """The OS keyring's items of a profile, imported at the first read. A back-end that is named is not detected."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._reader: KeyringReader | None = None

    def read(self, field: str, seconds: float) -> dict[str, tuple[str, str]]:
        """One item, if it is there. Raises SecretError."""
        from cancelall.credentials.keyrings import KeyringReader

        self._reader = self._reader or KeyringReader(self._profile.common.keyring_backend)
        text = _trimmed(self._reader.read(self._profile.name, field, seconds))
        return {field: (text, "keyring")} if text else {}

    def __enter__(self) -> _Keyring:
        return self

    def __exit__(self, *fault: object) -> None:
        if self._reader is not None:
            self._reader.close()


# --- forms ----------------------------------------------------------------------------------------------------------


def checked(field: str, form: Form, text: str, source: str, *, chosen: bool = False) -> str:
    """The secret in its declared form. Raises SecretError that names the field and what the text looks like, never it.

    What is evidently a key is one; the shapes in which others arrive are looked at in a module of its own.
    """
    if form != "pem" and _evident(text) and (not form.startswith("base58") or not set(text) & set("0OIl_-")):
        return text
    from cancelall.credentials import secret_text

    try:
        secret = secret_text.read(text, form, field, chosen=chosen)
    except SecretError as error:
        raise SecretError(f"{field} (from {source}) {error.message}", error.hint) from None
    if not secret:
        raise SecretError(f"{field} (from {source}) is empty", "paste it again")
    if secret != text:
        register(text.strip())  # what it stood in could be told, too
    return secret


def _evident(text: str) -> bool:
    """Whether a text is a key as the venues make them: letters and digits, long, mixed, and no base64 of a block."""
    return (
        len(text) >= 16
        and text.isascii()
        and text.replace("_", "").replace("-", "").isalnum()
        and any(map(str.isdigit, text))
        and len(set(text)) > 6
        and not text.startswith(("LS0t", "MII", "-", "xxx", "XXX"))
    )


__all__ = ["ResolvedSecrets", "Sec", "before_keyring", "checked", "look_up", "resolve"]
