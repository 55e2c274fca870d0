"""A profile's secrets as encrypted systemd credentials: the commands that make them, or the running of them.

https://www.freedesktop.org/software/systemd/man/252/systemd-creds.html, read in November 2026. A credential is bound
to its name, and to the machine or its TPM: a copy under another name or elsewhere cannot be decrypted.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from cancelall.core import declare
from cancelall.core.errors import SecretError
from cancelall.core.files import write_private
from cancelall.core.profile import Profile
from cancelall.core.secret import Secret, scrub
from cancelall.venues.registry import schema

STORE = Path("/etc/credstore.encrypted")
"""Where systemd looks for encrypted credentials that are named without a path."""
KEYS = ("auto", "host", "tpm2", "host+tpm2")
"""What a credential can be encrypted with."""
TOOL_SECONDS = 30.0
"""A TPM takes its time."""


def credential(profile: str, field: str) -> str:
    """The name of a credential, as the credentials directory has it."""
    return f"cancelall.{profile}.{field}"


def commands(profile: Profile, directory: Path, key: str | None) -> str:
    """What to type, as a shell script. No secret is in it: systemd asks for each, or reads it from a file."""
    lines = ["# As root, on the machine that will fire. Each command asks for one secret and shows nothing of it."]
    lines += [f"mkdir -p -m 0700 {shlex.quote(str(directory))}"]
    for field, sec in declare.secrets_of(schema(profile.venue).secrets).items():
        name = credential(profile.name, field)
        words = ["systemd-creds", "encrypt", *([f"--with-key={key}"] if key else []), f"--name={name}"]
        seal, target = shlex.join(words), shlex.quote(str(directory / name))
        lines += [f"# {field}: {sec.help}{' Optional: leave it out.' if sec.optional else ''}"]
        if "pem" in sec.form:
            lines += [f"# a PEM key comes from its file: {seal} KEY.pem {target}"]
        asking = shlex.join(["systemd-ask-password", "-n", f"{field} of {profile.name}:"])
        comment = "# " if sec.optional else ""
        lines += [f"{comment}{asking} | {seal} - {target}"]
    return "\n".join(lines) + "\n\n" + unit_lines(profile, directory, declare.required(schema(profile.venue).secrets))


def unit_lines(profile: Profile, directory: Path, fields: Iterable[str]) -> str:
    """What the unit needs for these credentials. A shell that is given them does nothing."""
    names = [credential(profile.name, field) for field in fields]
    lines = ["# In the unit, below [Service]:"]
    # Without a path systemd looks into its store itself, and a missing file stops nothing; with one it stops the unit.
    lines += [
        f"LoadCredentialEncrypted={name}" + ("" if directory == STORE else f":{directory / name}") for name in names
    ]
    return "\n".join(lines) + "\n"


def seal(profile: Profile, secrets: Mapping[str, Secret], directory: Path, key: str | None) -> tuple[Path, ...]:
    """Encrypt every secret, or none, into a file that is decrypted again and compared. Raises SecretError."""
    sealed: dict[Path, str] = {}
    for field, secret in secrets.items():
        name = credential(profile.name, field)
        words = ["encrypt", *([f"--with-key={key}"] if key else []), f"--name={name}", "-", "-"]
        made = _run(words, name, secret.reveal().encode())
        if _run(["decrypt", f"--name={name}", "-", "-"], name, made) != secret.reveal().encode():
            raise SecretError(f"systemd-creds gave back something else than {name} held", "is systemd up to date?")
        sealed[directory / name] = made.decode("ascii", "replace")
    try:
        for path, text in sealed.items():
            write_private(path, text)
    except OSError as fault:
        raise SecretError(
            f"{directory} cannot be written: {fault.strerror or fault}", "run it as root, or elsewhere"
        ) from None
    return tuple(sealed)


def _run(words: list[str], name: str, given: bytes) -> bytes:
    """The tool's output. Secrets go through its standard input and output, never through its arguments."""
    try:
        done = subprocess.run(  # noqa: S603
            ["systemd-creds", *words],  # noqa: S607 - the system's own, by its PATH
            input=given,
            env={"PATH": os.environ.get("PATH", os.defpath)},  # ours may hold the secrets of other profiles
            capture_output=True,
            timeout=TOOL_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise SecretError("systemd-creds is not installed here", "it comes with systemd 250 and newer") from None
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise SecretError(
            f"systemd-creds {words[0]} of {name} did not end: {type(fault).__name__}", "try it by hand"
        ) from None
    if done.returncode != 0:
        said = scrub(done.stderr.decode(errors="replace"))[:200].strip()
        raise SecretError(
            f"systemd-creds could not {words[0]} {name}: {said}", "run it as root, or give --with-key host"
        )
    return done.stdout
