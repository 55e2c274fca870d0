"""The config file: where it is looked for, what beats what, and how each mistake is told."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import os
import stat
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cancelall.config import loader, show, toml_file
from cancelall.config.toml_file import Document
from cancelall.core import declare, files
from cancelall.core.declare import Sec
from cancelall.core.errors import ConfigError, OptionError
from cancelall.core.profile import BrokenProfile, Overrides, Profile
from cancelall.core.secret import Secret
from cancelall.venues.registry import VENUES, schema

CANARY = "hunter2canary"
BYBIT = '[profiles.bybit]\nvenue = "bybit"\n'


def written(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    """A config file."""
    path = folder / "config.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def read(folder: Path, text: str | bytes, mode: int = 0o600) -> Document:
    return toml_file.read(written(folder, text, mode), {})


def profile(
    folder: Path, text: str, environ: Mapping[str, str] | None = None, *, name: str = "bybit", **overrides: Any
) -> Profile:
    """The profile, which must be in order."""
    found = loader.profile(read(folder, text), name, environ or {}, Overrides(**overrides))
    assert isinstance(found, Profile), found
    return found


def broken(folder: Path, text: str, environ: Mapping[str, str] | None = None, *, name: str = "bybit") -> str:
    """Why a profile cannot be used, with the file called FILE."""
    found = loader.profile(read(folder, text), name, environ or {}, Overrides())
    assert isinstance(found, BrokenProfile), found
    assert found.error.hint
    return found.error.message.replace(str(folder / "config.toml"), "FILE")


def refused(folder: Path, text: str | bytes) -> str:
    """Why a file cannot be used."""
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    assert caught.value.hint
    return caught.value.message.replace(str(folder / "config.toml"), "FILE")


# --- where it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chosen", "environ", "expected"),
    [
        ("/c/a.toml", {"CANCELALL_CONFIG": "/d/b.toml", "HOME": "/h"}, ("/c/a.toml", True)),
        (None, {"CANCELALL_CONFIG": "/d/b.toml", "XDG_CONFIG_HOME": "/x", "HOME": "/h"}, ("/d/b.toml", True)),
        (None, {"CANCELALL_CONFIG": "", "XDG_CONFIG_HOME": "/x"}, ("/x/cancelall/config.toml", False)),
        (None, {"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, ("/x/cancelall/config.toml", False)),
        (None, {"XDG_CONFIG_HOME": "relative", "HOME": "/h"}, ("/h/.config/cancelall/config.toml", False)),
        (None, {"XDG_CONFIG_HOME": "", "HOME": "/h"}, ("/h/.config/cancelall/config.toml", False)),
        (None, {"HOME": "relative"}, (None, False)),
        (None, {"HOME": ""}, (None, False)),
        (None, {}, (None, False)),
    ],
)
def test_where_it_is_looked_for(
    chosen: str | None, environ: dict[str, str], expected: tuple[str | None, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    path, required = toml_file.locate(Path(chosen) if chosen else None, environ)
    assert (str(path) if path else None, required) == expected


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("darwin", {"HOME": "/u", "XDG_CONFIG_HOME": "/x"}, "/u/Library/Application Support/cancelall/config.toml"),
        ("darwin", {}, None),
        ("win32", {"APPDATA": "/roaming", "HOME": "/h"}, "/roaming/cancelall/config.toml"),
        ("win32", {"HOME": "/h"}, None),
    ],
)
def test_the_usual_place_on_other_systems(
    platform: str, environ: dict[str, str], expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert toml_file.locate(None, environ) == (expected, False)


def test_the_current_directory_is_never_read(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("config.toml", "cancelall.toml", "cancelall/config.toml", ".config/cancelall/config.toml"):
        (tmp_path / "here" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / path).write_text("this is not TOML")
    monkeypatch.chdir(tmp_path / "here")
    for environ in ({"HOME": str(home)}, {}, {"HOME": "."}, {"XDG_CONFIG_HOME": ".", "HOME": str(home)}):
        assert toml_file.read(None, environ) == Document(path=None)


def test_no_file_at_the_usual_place_is_an_empty_config(home: Path) -> None:
    document = toml_file.read(None, {"HOME": str(home)})
    assert (document.path, document.tables, document.warnings) == (None, {}, ())


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    for chosen, environ in ((tmp_path / "no.toml", {}), (None, {"CANCELALL_CONFIG": str(tmp_path / "no.toml")})):
        with pytest.raises(ConfigError, match=r"no\.toml does not exist"):
            toml_file.read(chosen, environ)


def test_the_file_in_the_home_directory(home: Path) -> None:
    folder = home / ".config" / "cancelall"
    folder.mkdir(parents=True)
    path = written(folder, BYBIT)
    document = toml_file.read(None, {"HOME": str(home)})
    assert (document.path, list(document.tables)) == (str(path), ["bybit"])


# --- files that cannot be used --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xef\xbb\xbf" + BYBIT.encode(), "FILE, line 1: the file begins with a byte order mark"),
        ("\ufeff".encode("utf-16"), "FILE, line 1: not UTF-8 text"),
        (b'# one\n# two\nx = "caf\xe9"\n', "FILE, line 3: not UTF-8 text"),
        (f"[profiles.bybit]\napi_key = {CANARY}\n", "FILE, line 2, column 11: not valid TOML"),
        (f'[profiles.bybit]\n\napi_secret = "{CANARY}\nvenue = "bybit"', "FILE, line 3, column 28: not valid TOML"),
        (f"[profiles.bybit]\nk = 1\nk = 1 # {CANARY}\n", "FILE, line 3, column 6: not valid TOML"),
        (f"[{CANARY}]\n[{CANARY}]\n", "FILE, line 2, column 15: not valid TOML"),
        ("x = " + "[" * 50_000, "FILE, line 1: a key of more than 16 parts, or as many brackets in brackets"),
        ("x = " + "9" * 5_000, "FILE: not valid TOML"),
        ("x", "FILE: not valid TOML"),
        ("[profile.bybit]\n", 'FILE, line 1: unknown key "profile" (did you mean "profiles"?)'),
        ("\n[default]\ndeadline = 5\n", 'FILE, line 2: unknown key "default" (did you mean "defaults"?)'),
        ("a = 1\nvenue = 'bybit'\n", 'FILE, line 1: unknown key "a"'),
        ("profiles = 5\n", 'FILE, line 1: "profiles" must be a table'),
        ("[[profiles]]\nvenue = 'bybit'\n", 'FILE, line 1: "profiles" must be a table'),
        ("# c\ndefaults = []\n", 'FILE, line 2: "defaults" must be a table'),
    ],
)
def test_a_file_is_refused_without_quoting_it(tmp_path: Path, content: str | bytes, problem: str) -> None:
    told = refused(tmp_path, content)
    assert told == problem
    assert CANARY not in told.replace(f"[{CANARY}]", "")


def test_a_file_of_more_than_1_mib_is_refused(tmp_path: Path) -> None:
    limit = 1 << 20
    assert refused(tmp_path, b"#" * (limit + 1)) == "the config file FILE is larger than 1 MiB"
    assert read(tmp_path, b"#" * limit).tables == {}


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe", 0o600)
    return folder / "pipe"


def loop(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("place", "problem"),
    [
        pytest.param(lambda folder: folder, "cannot be read: Is a directory", id="directory"),
        pytest.param(pipe, "is not a regular file", id="pipe that nobody writes to"),
        pytest.param(lambda folder: Path("/dev/zero"), "is not a regular file", id="device"),
        pytest.param(loop, "cannot be read: Too many levels of symbolic links", id="loop"),
        pytest.param(
            lambda folder: written(folder, BYBIT) / "config.toml",
            "cannot be read: Not a directory",
            id="through a file",
        ),
    ],
)
def test_what_is_no_file_is_refused_and_not_waited_for(
    tmp_path: Path, place: Callable[[Path], Path], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        toml_file.read(place(tmp_path), {})


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: object) -> int:
        raise PermissionError(13, "Permission denied")

    path = written(tmp_path, BYBIT)
    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        toml_file.read(path, {})


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666, 0o777])
def test_a_file_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, BYBIT, mode)
    with pytest.raises(ConfigError, match="can be written by others") as caught:
        toml_file.read(path, {})
    assert caught.value.hint == f"chmod 600 {path}"


def why_replaceable(path: Path) -> str:
    """Why a file is refused that others could replace."""
    with pytest.raises(ConfigError) as caught:
        toml_file.read(path, {})
    assert caught.value.hint.startswith("let it and its directory belong to you")
    return caught.value.message.replace(str(path), "FILE")


def test_a_file_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, BYBIT)
    owner = path.stat().st_uid
    real = os.fstat

    def of_somebody(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        return os.stat_result((*found[:4], 4711, *found[5:]))

    monkeypatch.setattr(os, "fstat", of_somebody)
    monkeypatch.setattr(os, "geteuid", lambda: owner)
    assert why_replaceable(path) == (
        "the config file FILE belongs to somebody else (user 4711): it could be pointed at another host"
    )
    monkeypatch.setattr(os, "fstat", real)
    assert toml_file.read(path, {}).tables


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_a_file_of_somebody_else_is_refused_for_root_and_one_of_roots_is_not_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, BYBIT)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert toml_file.read(path, {}).tables  # root's
    monkeypatch.undo()
    os.chown(path, 4711, 0)
    assert "belongs to somebody else (user 4711)" in why_replaceable(path)


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o703, 0o1703])
def test_a_file_in_a_directory_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, BYBIT)
    tmp_path.chmod(mode)
    assert why_replaceable(path) == (
        f"the config file FILE is in a directory that others can write ({tmp_path}): "
        "it could be pointed at another host"
    )
    tmp_path.chmod(0o755)
    assert toml_file.read(path, {}).tables


def test_a_directory_that_a_group_can_write_is_one_that_others_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, BYBIT)
    tmp_path.chmod(0o770)
    monkeypatch.setattr(files, "_group_is_ours_alone", lambda directory, status: False)
    assert "is in a directory that others can write" in why_replaceable(path)
    monkeypatch.setattr(files, "_group_is_ours_alone", lambda directory, status: True)  # each user has one
    assert toml_file.read(path, {}).tables


def test_a_group_that_is_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grp, pwd = pytest.importorskip("grp"), pytest.importorskip("pwd")
    status = os.stat_result((stat.S_IFDIR | 0o775, 0, 0, 1, 1000, 1000, 0, 0, 0, 0))
    people = pwd.struct_passwd(("me", "x", 1000, 1000, "", "/", "/"))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "getegid", lambda: 1000)
    monkeypatch.setattr(pwd, "getpwuid", lambda number: people)
    for name, members, alone in (("me", [], True), ("me", ["me"], True), ("me", ["you"], False), ("users", [], False)):
        group = grp.struct_group((name, "x", 1000, members))
        monkeypatch.setattr(grp, "getgrgid", lambda number, group=group: group)
        assert files._group_is_ours_alone(tmp_path, status) is alone


def test_a_directory_that_nobody_can_write_because_of_its_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, BYBIT)
    tmp_path.chmod(0o1777)  # how the volume of a secret is mounted in a container
    real = os.statvfs(tmp_path)
    fields = [*real[:8], real.f_flag | os.ST_RDONLY, *real[9:]]
    monkeypatch.setattr(os, "statvfs", lambda place: os.statvfs_result(fields))
    assert toml_file.read(path, {}).tables


def test_a_link_is_judged_where_it_stands_and_where_it_leads(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "mine").mkdir(mode=0o700)
    (tmp_path / "open").chmod(0o1777)
    mine = written(tmp_path / "mine", BYBIT)
    (tmp_path / "open" / "link.toml").symlink_to(mine)
    assert f"({tmp_path}/open)" in why_replaceable(tmp_path / "open" / "link.toml")
    theirs = written(tmp_path / "open", BYBIT)
    (tmp_path / "mine" / "link.toml").symlink_to(theirs)
    assert f"({tmp_path}/open)" in why_replaceable(tmp_path / "mine" / "link.toml")


# --- files that no parser survives ----------------------------------------------------------------------------------

DEEP = ".".join(["a"] * 100_000)
TOO_DEEP = "a key of more than 16 parts, or as many brackets in brackets"


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{DEEP} = 1\n", 1),
        (f"# {DEEP}\n[defaults]\n{DEEP} = 1\n", 3),
        (f"[{DEEP}]\n", 1),
        (f"[[{DEEP}]]\n", 1),
        (f"x = {{ {DEEP} = 1 }}\n", 1),
        (f"x = [ {{ y = 1 }}, {{ {DEEP} = 1 }} ]\n", 1),
        ("\n" + '"a".' * 50_000 + "b = 1\n", 2),
        ("\n" + "'a' . " * 50_000 + "b = 1\n", 2),
        ('x = """\n' + "\\" + '"""\n"""\n' + f"{DEEP} = 1\n", 4),
        ("x = '''\n\\'''\n" + f"{DEEP} = 1\n", 3),
        ('x = "\\""\n' + f"{DEEP} = 1\n", 2),
        ("x = " + "[" * 17 + "]" * 17, 1),
        ("x = " + "{a=" * 17 + "1" + "}" * 17, 1),
    ],
)
def test_a_key_of_very_many_parts_is_refused_before_it_is_parsed(tmp_path: Path, text: str, line: int) -> None:
    assert refused(tmp_path, text) == f"FILE, line {line}: {TOO_DEEP}"


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["defaults"] + ["a"] * 15) + " = 1",
        f'[defaults]\nproxy = "{DEEP}"\n',
        f"[defaults]\nproxy = '{DEEP}'\n",
        f'[defaults]\nproxy = """\n{DEEP}\n"""\n',
        f"# {DEEP}\n",
        "[defaults]\nx = [" + "1.5, " * 1000 + "]\n",
        "[defaults]\nx = [" + "[1.5], " * 1000 + "]\n",
        "[defaults]\nx = [" + '"https://a.b.c.d", ' * 1000 + "]\n",
        "[defaults]\nx = [" + "{ a.b = 1.5 }, " * 1000 + "]\n",
    ],
)
def test_what_only_looks_deep_is_parsed(tmp_path: Path, text: str) -> None:
    assert "defaults" in read(tmp_path, text).data or text.startswith("#")


_SIGNS = [
    *("a.", '"b".', "'c' . ", "#", "\n", '"', "'", '"""', "'''", "\\", "=", "1", "{", "}", "[", "]", ","),
    "x=",
    "a=1\n",
]


@settings(max_examples=500)
@given(st.lists(st.sampled_from(_SIGNS), max_size=25).map("".join))
def test_the_parser_meets_no_key_that_was_not_seen_before(text: str) -> None:
    """Whatever is a string, a comment or a key to the parser is one to the look before it, also in broken files."""
    parser: Any = importlib.import_module("tomllib._parser")
    parts = [0]
    with pytest.MonkeyPatch.context() as patch:

        def parse_key(*words: Any, real: Any = parser.parse_key) -> Any:
            found = real(*words)
            parts.append(len(found[1]))
            return found

        patch.setattr(parser, "parse_key", parse_key)
        patch.setattr(toml_file, "DEEPEST", 2)
        with contextlib.suppress(tomllib.TOMLDecodeError):
            tomllib.loads(text)
        assert max(parts) <= 2 or toml_file.too_deep(text) is not None


def test_a_command_of_the_environment_is_looked_at_before_it_is_parsed(tmp_path: Path) -> None:
    environ = {"CANCELALL_BYBIT_SECRET_COMMAND": f"{{ {DEEP} = 1 }}"}
    assert "must be a table of argument lists" in broken(tmp_path, BYBIT, environ)


# --- what stands in the place of a name -----------------------------------------------------------------------------

PASTED = "kX9vQ2mZ7pL4wR8tY1nBd3"


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        (f'{BYBIT}{PASTED} = "x"\n', {}),
        (f'{BYBIT}"{PASTED}" = "x"\n', {}),
        (f'{BYBIT}[profiles.bybit.credentials]\n{PASTED} = "x"\n', {}),
        (f'{BYBIT}secret_command = {{ {PASTED} = ["x"] }}\n', {}),
        (f'{BYBIT}environment = "{PASTED}"\n', {}),
        (f'[profiles.bybit]\nvenue = "{PASTED}"\n', {}),
        (BYBIT, {"CANCELALL_BYBIT_VENUE": PASTED}),
        (BYBIT, {"CANCELALL_BYBIT_ENVIRONMENT": PASTED}),
        (BYBIT, {"CANCELALL_BYBIT_SECRET_COMMAND": f'{{ {PASTED} = ["x"] }}'}),
        (f"[defaults]\n{PASTED} = 1\n{BYBIT}", {}),
    ],
)
def test_a_secret_in_the_place_of_a_name_is_shown_by_its_beginning(
    tmp_path: Path, text: str, environ: dict[str, str]
) -> None:
    document = toml_file.read(written(tmp_path, text), environ)
    found = loader.profile(document, "bybit", environ, Overrides())
    assert isinstance(found, BrokenProfile)
    shown = f"{found.name} {found.venue} {found.error.message} {found.error.hint}"
    assert PASTED[:4] + "…" in shown
    assert PASTED[4:] not in shown


def test_a_secret_in_the_place_of_a_top_key_or_a_variable(tmp_path: Path) -> None:
    assert refused(tmp_path, f'{PASTED} = "x"\n') == 'FILE, line 1: unknown key "kX9v…"'
    variable = f"CANCELALL_BYBIT_{PASTED.upper()}"
    (told,) = profile(tmp_path, BYBIT, {variable: "x"}).warnings
    assert told == "CANCELALL_BYBIT_KX9V… is no key of profile bybit: ignored"


def test_a_secret_in_the_place_of_a_symbol_that_a_venue_quotes(tmp_path: Path) -> None:
    pasted = f"{PASTED}.x"
    text = f'[profiles.bitget]\nvenue = "bitget"\nsymbol = ["{pasted}"]\n'
    found = loader.profile(read(tmp_path, text), "bitget", {}, Overrides())
    if isinstance(found, BrokenProfile):  # it is none of that venue's
        assert pasted[4:].upper() not in found.error.message.upper()
        assert "KX9V…" in found.error.message.upper()


SEQUENCE = "\x1b]0;owned\x07\u202e"


@pytest.mark.parametrize(
    "text",
    [
        '[profiles."\\u001b]0;owned\\u0007\\u202e"]\nvenue = "bybit"\n',
        '[profiles.bybit]\nvenue = "\\u001b]0;owned\\u0007\\u202e"\n',
        '[profiles.bybit]\nvenue = "bybit"\n"\\u001b]0;owned\\u0007\\u202e" = 1\n',
        '[profiles.bybit]\nvenue = "bybit"\nenvironment = "\\u001b]0;owned\\u0007\\u202e"\n',
        '[profiles.bybit]\nvenue = "bybit"\nsymbol = ["\\u001b]0;owned\\u0007\\u202e"]\n',
        '[profiles.bybit]\nvenue = "bybit"\n[profiles.bybit.secret_command]\n"\\u001b]0;owned\\u0007" = ["x"]\n',
    ],
)
def test_what_a_terminal_would_obey_is_cleaned_where_it_is_read(tmp_path: Path, text: str) -> None:
    document = read(tmp_path, text)
    (name,) = document.tables
    found = loader.profile(document, name, {}, Overrides())
    assert isinstance(found, BrokenProfile)
    for told in (found.name, found.venue, found.error.message, found.error.hint):
        assert told.isprintable()
    shown = show.escaped(tomli_w.dumps(show.redacted(document)))
    assert shown.replace("\n", "").isprintable()
    assert tomllib.loads(shown)["profiles"]


def test_what_is_shown_of_a_config_is_toml_again(tmp_path: Path) -> None:
    text = f'{BYBIT}keyring_backend = "a\\u009b31m\\u202eb"\n{PASTED} = "x"\nproxy = "b"\n'
    text += f'secret_command = {{ api_key = ["{PASTED}", "-t", "token"] }}\n'
    shown = show.escaped(tomli_w.dumps(show.redacted(read(tmp_path, text))))
    assert tomllib.loads(shown)["profiles"]["bybit"] == {
        "venue": "bybit",
        "keyring_backend": "a\u009b31m\u202eb",
        "kX9v…": "***",
        "proxy": "b",
        "secret_command": {"api_key": ["kX9v…", "***", "***"]},
    }
    assert shown.replace("\n", "").isprintable()


# --- files of which others can read ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_can_read_is_a_warning_where_secrets_are(tmp_path: Path, mode: int, warned: bool) -> None:
    text = f'{BYBIT}[profiles.bybit.credentials]\napi_key = "k"\n[profiles.b]\nvenue = "bybit"\n'
    path = written(tmp_path, text, mode)
    document = toml_file.read(path, {})
    expected = (f"{path} can be read by others: chmod 600 {path}",) if warned else ()
    assert document.warnings == expected
    with_secrets, without = (loader.profile(document, name, {}, Overrides()) for name in ("bybit", "b"))
    assert isinstance(with_secrets, Profile)
    assert isinstance(without, Profile)
    assert (with_secrets.warnings, without.warnings) == (expected, ())


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    link = tmp_path / "link.toml"
    link.symlink_to(written(tmp_path, BYBIT))
    assert list(toml_file.read(link, {}).tables) == ["bybit"]


def test_a_document_does_not_show_its_secrets(tmp_path: Path) -> None:
    document = read(tmp_path, f'{BYBIT}[profiles.bybit.credentials]\napi_secret = "{CANARY}"\n')
    found = loader.profile(document, "bybit", {}, Overrides())
    assert CANARY not in f"{document!r} {found!r}"
    assert isinstance(found, Profile)
    assert found.credentials["api_secret"].reveal() == CANARY


# --- what beats what ------------------------------------------------------------------------------------------------

LAYERS = '[defaults]\ndeadline = 10\nproxy = "http://defaults:1"\nkeep_protective = true\n'


def test_a_profile_with_nothing_said(tmp_path: Path) -> None:
    found = profile(tmp_path, BYBIT)
    assert (found.name, found.venue, found.environment) == ("bybit", "bybit", "live")
    assert (found.origin, found.deadline, found.scope) == ("https://api.bybit.com", 30.0, {})
    assert (found.common.keep_protective, found.secret_command, found.credentials) == (None, {}, {})


@pytest.mark.parametrize(
    ("table", "environ", "overrides", "expected"),
    [
        ("", {}, {}, 10.0),
        ("deadline = 20\n", {}, {}, 20.0),
        ("deadline = 20\n", {"CANCELALL_BYBIT_DEADLINE": "21.5"}, {}, 21.5),
        ("deadline = 20\n", {"CANCELALL_BYBIT_DEADLINE": ""}, {}, 20.0),
        ("deadline = 20\n", {"CANCELALL_BYBIT_DEADLINE": "21.5"}, {"deadline": 22.0}, 22.0),
        ("", {"CANCELALL_DEADLINE": "9", "DEADLINE": "9"}, {}, 10.0),
    ],
)
def test_flag_then_environment_then_profile_then_defaults(
    tmp_path: Path, table: str, environ: dict[str, str], overrides: dict[str, Any], expected: float
) -> None:
    assert profile(tmp_path, LAYERS + BYBIT + table, environ, **overrides).deadline == expected


def test_each_key_has_its_own_source(tmp_path: Path) -> None:
    environ = {"CANCELALL_BYBIT_CA_BUNDLE": "/env.pem", "CANCELALL_BYBIT_KEEP_PROTECTIVE": "off"}
    found = profile(tmp_path, LAYERS + BYBIT + 'environment = "demo"\n', environ, environment="testnet")
    assert (found.environment, found.origin) == ("testnet", "https://api-testnet.bybit.com")
    assert (found.common.ca_bundle, found.common.proxy) == ("/env.pem", "http://defaults:1")
    assert (found.common.keep_protective, found.common.deadline) == (False, 10.0)


def test_the_same_through_the_file_and_through_the_environment(tmp_path: Path) -> None:
    keys = {
        "environment": "testnet",
        "base_url": "https://api.example.com:8443",
        "deadline": 12.5,
        "keep_protective": True,
        "proxy": "http://p:1",
        "ca_bundle": "/ca.pem",
        "keyring_backend": "keyring.backends.null.Keyring",
        "notify_command": ["curl", "-H", "A: 1", "-H", "B: 2"],
        "client_id": ["mine-", "a b"],
        "not_client_id": ["-x"],
        "category": ["linear", "spot"],
        "symbol": ["BTCUSDT", "ETHUSDT"],
        "recv_window": 5000,
        "secret_command": {"api_key": ["pass", "show", "k"], "api_secret": ["pass", "show", "s"]},
    }
    texts = {
        **{key: str(value) for key, value in keys.items()},
        "notify_command": "curl -H 'A: 1' -H \"B: 2\"",
        "client_id": "mine-, a b",
        "not_client_id": "-x",
        "category": "linear, spot",
        "symbol": "BTCUSDT,ETHUSDT",
        "secret_command": '{ api_key = ["pass", "show", "k"], api_secret = ["pass", "show", "s"] }',
    }
    environ = {f"CANCELALL_BYBIT_{key.upper()}": text for key, text in texts.items()}
    by_file = profile(tmp_path, tomli_w.dumps({"profiles": {"bybit": {"venue": "bybit", **keys}}}))
    by_environment = profile(tmp_path, BYBIT, environ)
    assert by_file == by_environment
    assert by_file.common.notify_command == ("curl", "-H", "A: 1", "-H", "B: 2")
    assert by_file.secret_command == {"api_key": ("pass", "show", "k"), "api_secret": ("pass", "show", "s")}


def test_the_environment_of_an_implicit_profile() -> None:
    environ = {"CANCELALL_BYBIT_SETTLE_COIN": "usdc", "CANCELALL_BYBIT_BASE_URL": "http://127.0.0.1:9"}
    found = loader.profile(Document(path=None), "bybit", environ, Overrides(), implicit_venue="bybit")
    assert isinstance(found, Profile)
    assert (found.scope, found.origin) == ({"settle_coin": "USDC"}, "http://127.0.0.1:9")


def test_a_dash_in_a_name_is_an_underscore_in_the_environment(tmp_path: Path) -> None:
    text = '[profiles.mm-2]\nvenue = "bybit"\n'
    assert profile(tmp_path, text, {"CANCELALL_MM_2_DEADLINE": "7"}, name="mm-2").deadline == 7.0
    assert profile(tmp_path, text, {"CANCELALL_MM-2_DEADLINE": "7"}, name="mm-2").deadline == 30.0


SELECTED = BYBIT + 'settle_coin = "USDT"\norder_filter = "Order"\nrecv_window = 7000\n'


@pytest.mark.parametrize(
    ("environ", "overrides", "scope"),
    [
        ({}, {}, {"settle_coin": "USDT", "order_filter": "Order"}),
        ({}, {"options": {"symbol": ["BTCUSDT"]}}, {"symbol": ("BTCUSDT",)}),
        ({}, {"options": {"order_filter": "StopOrder"}}, {"order_filter": "StopOrder"}),
        ({}, {"options": {"recv_window": 9000}}, {"settle_coin": "USDT", "order_filter": "Order"}),
        ({}, {"everything": True}, {}),
        ({"CANCELALL_BYBIT_SETTLE_COIN": "BTC"}, {"everything": True}, {}),
        ({"CANCELALL_BYBIT_ORDER_FILTER": "StopOrder"}, {}, {"settle_coin": "USDT", "order_filter": "StopOrder"}),
        ({"CANCELALL_BYBIT_ORDER_FILTER": "StopOrder"}, {"options": {"symbol": ["A"]}}, {"symbol": ("A",)}),
        ({}, {"client_id": ("a",)}, {"client_id": ("a",)}),
        ({"CANCELALL_BYBIT_CLIENT_ID": "a"}, {"not_client_id": ("b",)}, {"not_client_id": ("b",)}),
        ({"CANCELALL_BYBIT_CLIENT_ID": "a"}, {"options": {"symbol": ["A"]}}, {"symbol": ("A",)}),
        ({"CANCELALL_BYBIT_NOT_CLIENT_ID": "a"}, {"everything": True}, {}),
        (
            {"CANCELALL_BYBIT_CLIENT_ID": "a,b,a"},
            {},
            {"settle_coin": "USDT", "order_filter": "Order", "client_id": ("a", "b")},
        ),
    ],
)
def test_a_selector_on_the_command_line_replaces_all(
    tmp_path: Path, environ: dict[str, str], overrides: dict[str, Any], scope: dict[str, object]
) -> None:
    found = profile(tmp_path, SELECTED, environ, **overrides)
    assert found.scope == scope
    assert found.options.recv_window == (overrides.get("options", {}).get("recv_window") or 7000)


def test_selectors_that_contradict_each_other_in_the_file_can_be_overruled(tmp_path: Path) -> None:
    text = BYBIT + 'symbol = ["BTCUSDT"]\nbase_coin = "BTC"\n'
    told = "FILE, line 1 [profiles.bybit]: --symbol and --base-coin cannot be combined"
    assert broken(tmp_path, text).startswith(told)
    assert profile(tmp_path, text, options={"settle_coin": "USDT"}).scope == {"settle_coin": "USDT"}


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        ({"options": {"recv_window": 5}}, "--recv-window must be from 1000 to 60000"),
        (
            {"options": {"symbol": ["BTC USDT"]}},
            "--symbol may hold letters and digits of any script and _ - . / : @ only: "
            "no spaces, quotes or percent signs",
        ),
        ({"options": {"stop_order_type": "Stop"}}, "--stop-order-type needs --order-filter StopOrder"),
        ({"environment": "tesnet"}, '--environment: Bybit has no environment "tesnet" (did you mean "testnet"?)'),
    ],
)
def test_what_stood_on_the_command_line_is_its_fault(tmp_path: Path, overrides: dict[str, Any], problem: str) -> None:
    document = read(tmp_path, BYBIT)
    with pytest.raises(OptionError) as caught:
        loader.profile(document, "bybit", {}, Overrides(**overrides))
    assert caught.value.message == problem


@pytest.mark.parametrize(
    ("text", "environ", "problem"),
    [
        (BYBIT + 'client_id = [""]\n', {}, "FILE, line 3 [profiles.bybit]: client_id must not be empty"),
        (BYBIT + "client_id = [1]\n", {}, "FILE, line 3 [profiles.bybit]: client_id must be a list; each text"),
        (BYBIT, {"CANCELALL_BYBIT_CLIENT_ID": ","}, "environment variable CANCELALL_BYBIT_CLIENT_ID must not be empty"),
        (
            BYBIT.replace("bybit", "deltadefi") + 'not_client_id = ["a"]\n',
            {},
            "FILE, line 3 [profiles.deltadefi]: the listings of DeltaDeFi show no client ids",
        ),
        (
            BYBIT.replace("bybit", "pacifica"),
            {"CANCELALL_PACIFICA_CLIENT_ID": "mine-"},
            "environment variable CANCELALL_PACIFICA_CLIENT_ID: no client id of Pacifica begins with mine-: they are",
        ),
        *(
            (
                BYBIT.replace("bybit", name.lower()),
                {(variable := f"CANCELALL_{name.upper()}_NOT_CLIENT_ID"): "a" * (longest + 1)},
                f"environment variable {variable}: no client id of {name} begins with aaaa",
            )
            for name, longest in (("Kraken", 36), ("Deribit", 64))
        ),
        ("[defaults]\nclient_id = ['a']\n" + BYBIT, {}, 'FILE, line 2 [defaults]: unknown key "client_id"'),
    ],
)
def test_a_client_id_that_can_select_nothing_is_a_mistake(
    tmp_path: Path, text: str, environ: dict[str, str], problem: str
) -> None:
    """Nothing would be cancelled, and that would be called clear."""
    name = next(iter(tomllib.loads(text)["profiles"]))
    assert broken(tmp_path, text, environ, name=name).startswith(problem)


def test_a_client_id_on_the_line_that_can_select_nothing_is_its_fault(tmp_path: Path) -> None:
    document = read(tmp_path, BYBIT.replace("bybit", "ascendex"))
    with pytest.raises(OptionError, match=r"^--client-id: the listings of AscendEX show no client ids"):
        loader.profile(document, "ascendex", {}, Overrides(client_id=("a",)))


def test_a_secret_of_the_same_name_is_never_taken_for_a_selector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some venues call their keys so. As a prefix it would select no order, and nothing would be cancelled."""
    shown = show.redacted(read(tmp_path, '[profiles.d]\nvenue = "deribit"\nclient_id = "DUMMYsecret"\n'))
    assert "DUMMY" not in str(shown)

    @dataclass(frozen=True, kw_only=True)
    class Secrets:
        client_id: Annotated[Secret, Sec(help="The key's own id.")] = field(repr=False)

    known = schema("bybit")
    monkeypatch.setattr(loader, "schema", lambda name: replace(known, secrets=Secrets))
    environ = {"CANCELALL_BYBIT_CLIENT_ID": "DUMMY", "CANCELALL_BYBIT_NOT_CLIENT_ID": "b"}
    found = profile(tmp_path, BYBIT, environ)
    assert (found.scope, found.warnings) == ({"not_client_id": ("b",)}, ())
    assert profile(tmp_path, BYBIT, environ, client_id=("a",)).scope == {"client_id": ("a",)}
    assert profile(tmp_path, BYBIT + 'client_id = ["a"]\n', environ).scope["client_id"] == ("a",), "a list is no secret"
    problem = broken(tmp_path, BYBIT + 'client_id = "DUMMY"\n')
    assert problem.startswith("FILE, line 3 [profiles.bybit]: client_id stands in the wrong table")


# --- mistakes in a profile ------------------------------------------------------------------------------------------


MISTAKES = tomllib.loads(Path(__file__).with_name("mistakes.toml").read_text(encoding="utf-8"))
"""Files and variables with one mistake each, and how it is told."""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        *((one["text"], one["problem"]) for one in MISTAKES["profile"]),
        (f"{BYBIT}deadline = 1{'0' * 400}\n", "FILE, line 3 [profiles.bybit]: deadline must be from 1 to 86400"),
        (
            f"# \u2028\n[defaults]\ndeadlin = 5\n{BYBIT}",
            'FILE, line 3 [defaults]: unknown key "deadlin" (did you mean "deadline"?)',
        ),
    ],
)
def test_a_mistake_names_key_table_and_line(tmp_path: Path, text: str, problem: str) -> None:
    message = broken(tmp_path, text)
    assert message == problem
    assert CANARY not in message


@pytest.mark.parametrize("venue", ["5", "[]", "{}", "true"])
def test_a_venue_that_is_no_text_is_missing(tmp_path: Path, venue: str) -> None:
    expected = f"FILE, line 2 [profiles.bybit]: venue is missing: one of {', '.join(VENUES)}"
    assert broken(tmp_path, f"[profiles.bybit]\nvenue = {venue}\n") == expected
    expected = f"FILE, line 1 [profiles.bybit]: venue is missing: one of {', '.join(VENUES)}"
    assert broken(tmp_path, "[profiles.bybit]\ndeadline = 5\n") == expected


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        *((one["variables"], one["problem"]) for one in MISTAKES["environment"]),
        *(
            (
                {"CANCELALL_BYBIT_SECRET_COMMAND": text},
                "environment variable CANCELALL_BYBIT_SECRET_COMMAND: "
                "secret_command must be a table of argument lists, one for each secret",
            )
            for text in ("9" * 5000, "[" * 5000)
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_a_mistake_in_the_environment_names_the_variable(environ: dict[str, str], problem: str) -> None:
    found = loader.profile(Document(path=None), "bybit", environ, Overrides(), implicit_venue="bybit")
    assert isinstance(found, BrokenProfile)
    assert found.error.message == problem
    assert found.error.hint or "cannot be combined" not in problem


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (
            {"CANCELALL_BYBIT_SETTLECOIN": "USDT"},
            ('CANCELALL_BYBIT_SETTLECOIN is no key of profile bybit (did you mean "settle_coin"?): ignored',),
        ),
        ({"CANCELALL_BYBIT_API_KEY": "k", "CANCELALL_BYBIT_SECRET_COMMAND": "{}"}, ()),
        ({"CANCELALL_BYBIT_EU_SYMBOL": "A", "CANCELALL_BYBITX": "1", "CANCELALL_OTHER_X": "1"}, ()),
    ],
)
def test_a_variable_that_is_no_key_is_told(tmp_path: Path, environ: dict[str, str], expected: tuple[str, ...]) -> None:
    text = BYBIT + '[profiles.bybit-eu]\nvenue = "bybit"\n'
    assert profile(tmp_path, text, environ).warnings == expected


BAD_NAME = "a profile name has letters, digits, _ and - only, and at most 64 of them"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ('"a b"', f"FILE, line 3 [profiles.a b]: {BAD_NAME}"),
        ('"a.b"', f"FILE, line 3 [profiles.a.b]: {BAD_NAME}"),
        ('"ü"', f"FILE, line 3 [profiles.ü]: {BAD_NAME}"),
        ("a" * 65, f"FILE, line 3 [profiles.aaaa…]: {BAD_NAME}"),
        ("all", 'FILE, line 3 [profiles.all]: a profile cannot be called "all"'),
        ("ALL", 'FILE, line 3 [profiles.ALL]: a profile cannot be called "all"'),
        ("By-bit", 'FILE, line 3 [profiles.By-bit]: its name and "by_bit" are the same in the environment'),
    ],
)
def test_a_profile_with_a_bad_name_is_broken_and_the_others_are_not(tmp_path: Path, name: str, problem: str) -> None:
    text = f'{BYBIT}[profiles.{name}]\nvenue = "bybit"\n'
    text += '[profiles.by_bit]\nvenue = "bybit"\n' if name == "By-bit" else ""
    assert broken(tmp_path, text, name=name.strip('"')) == problem
    assert profile(tmp_path, text).name == "bybit"


def test_both_of_two_names_that_are_the_same_in_the_environment_are_broken(tmp_path: Path) -> None:
    text = '[profiles.a-b]\nvenue = "bybit"\n[profiles.A_b]\nvenue = "bybit"\n'
    for line, name, other in ((1, "a-b", "A_b"), (3, "A_b", "a-b")):
        expected = f'FILE, line {line} [profiles.{name}]: its name and "{other}" are the same in the environment'
        assert broken(tmp_path, text, name=name) == expected


def test_one_broken_profile_does_not_stop_the_others(tmp_path: Path) -> None:
    text = '[profiles.a]\nvenue = "nope"\n[profiles.b]\nvenue = "bybit"\nxyz = 1\n[profiles.c]\nvenue = "bybit"\n'
    document = read(tmp_path, text)
    found = [loader.profile(document, name, {}, Overrides()) for name in document.tables]
    assert [type(one) for one in found] == [BrokenProfile, BrokenProfile, Profile]
    assert [(one.name, one.venue) for one in found] == [("a", "nope"), ("b", "bybit"), ("c", "bybit")]


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://API.Example.com/", "https://api.example.com"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("https://10.0.0.7", "https://10.0.0.7"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_taken(tmp_path: Path, url: str, origin: str) -> None:
    assert profile(tmp_path, f'{BYBIT}base_url = "{url}"\n').origin == origin


@given(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["https://", "HTTPS://", "http://", "https:/"]),
        st.text("aZ0.-_[]:@/é%", max_size=8) | st.sampled_from(["api.example.com", "127.0.0.1", "1host"]),
        st.sampled_from(["", ":", ":0", ":1", ":08", ":443", ":65535", ":65536", ":99999", ":١"]),
        st.sampled_from(["", "/", "?", "\n", " "]),
    )
)
def test_an_origin_that_is_taken_as_it_stands_is_what_taking_it_apart_gives(url: str) -> None:
    def made() -> str:
        try:
            return loader._origin(url, lambda: "FILE")
        except ConfigError as error:
            return error.message

    as_it_stands = made()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loader, "usual_host", lambda url: None)
        assert as_it_stands == made()


NO_ORIGINS = {
    "http is allowed on loopback only: keys would travel in clear": [
        *("http://api.example.com", "http://10.0.0.7", "http://0.0.0.0:80"),
        *("http://localhost.evil.com", "http://127.0.0.1.evil.com"),
    ],
    "base_url must be an origin such as https://api.example.com": [
        *("https://api.example.com/v5", "https://api.example.com//", "https://api.example.com?a=b"),
        *("https://api.example.com#a", "https://", "https://:443", "https://host:99999", "https://host:port"),
        *("https://[::1", "ftp://api.example.com", "api.example.com", "//api.example.com"),
    ],
    "base_url must be scheme, host and port only": [
        *(f"https://user:{CANARY}@api.example.com", f"https://{CANARY}@api.example.com", "https://api.exämple.com"),
        *("https://api.example.com%2fevil", "https://api example.com", "https://api.example.com\\\\@evil.com"),
    ],
}


@pytest.mark.parametrize(("url", "problem"), [(url, problem) for problem, urls in NO_ORIGINS.items() for url in urls])
def test_an_origin_is_refused(tmp_path: Path, url: str, problem: str) -> None:
    assert broken(tmp_path, f'{BYBIT}base_url = "{url}"\n') == f"FILE, line 3 [profiles.bybit]: {problem}"


# --- which profile --------------------------------------------------------------------------------------------------


def _choose(profiles: dict[str, object], venue: str, chosen: str | None) -> str:
    return loader.choose(Document(path=Path("f"), data={"profiles": profiles}), venue, chosen)


A, B = {"venue": "bybit"}, {"venue": "bitget"}


@pytest.mark.parametrize(
    ("profiles", "chosen", "expected"),
    [
        ({}, None, "bybit"),
        ({}, "bybit", "bybit"),
        ({"b": B}, None, "bybit"),
        ({"mm": A}, None, "mm"),
        ({"mm": A}, "bybit", "bybit"),
        ({"mm": A, "bybit": A}, None, "bybit"),
        ({"mm": A, "bybit": A}, "mm", "mm"),
        ({"mm": A, "b": B, "broken": 5}, None, "mm"),
    ],
)
def test_which_profile_a_venue_means(profiles: dict[str, object], chosen: str | None, expected: str) -> None:
    assert _choose(profiles, "bybit", chosen) == expected


SEVERAL = {"mm-1": A, "mm-2": A}


@pytest.mark.parametrize(
    ("profiles", "chosen", "message", "hint"),
    [
        (SEVERAL, None, "bybit has several profiles and none is named bybit", "add --profile with one of: mm-1, mm-2"),
        (
            {**SEVERAL, "mm-9": B},
            "mm_1",
            'there is no profile "mm_1" (did you mean "mm-1"?)',
            "profiles of bybit: mm-1, mm-2",
        ),
        ({}, "xyz", 'there is no profile "xyz"', "profiles of bybit: none"),
        ({"mm": B}, "mm", 'profile "mm" is of venue bitget, not of bybit', "profiles of bybit: none"),
        ({"mm": 5}, "mm", 'profile "mm" is of venue none, not of bybit', "profiles of bybit: none"),
        ({"bybit": B}, None, 'profile "bybit" is of venue bitget', "give it another name, or set its venue to bybit"),
    ],
)
def test_what_is_not_clear_lists_the_candidates(
    profiles: dict[str, object], chosen: str | None, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        _choose(profiles, "bybit", chosen)
    assert (caught.value.message, caught.value.hint) == (message, hint)


# --- writing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def open_umask() -> Any:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_a_written_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "deep" / "config.toml"
    files.write_private(path, "x = 'é'\n", new=True)
    assert path.read_bytes() == b"x = '\xc3\xa9'\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    files.write_private(path, "y = 1\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["config.toml"]


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    path = written(tmp_path, "mine = 1\n")
    with pytest.raises(FileExistsError):
        files.write_private(path, "other = 1\n", new=True)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError):
        files.write_private(tmp_path / "dangling", "other = 1\n", new=True)
    assert path.read_text() == "mine = 1\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config.toml", "dangling"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_changes_nothing(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*words: object) -> None:
        raise OSError(28, "No space left on device")

    path = written(tmp_path, "mine = 1\n")
    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space left"):
        files.write_private(path, "other = 1\n")
    assert path.read_text() == "mine = 1\n"
    assert [one.name for one in tmp_path.iterdir()] == ["config.toml"]


def test_what_is_shown_holds_no_secret(tmp_path: Path) -> None:
    text = f"""
[defaults]
deadline = 5
proxy = "http://user:{CANARY}@proxy:3128"
[profiles.bybit]
venue = "bybit"
symbol = ["BTCUSDT"]
base_url = "https://{CANARY}@api.example.com"
api_secret = "{CANARY}"
secret_command = {{ api_key = ["pass", "show", "{CANARY}"] }}
[profiles.bybit.credentials]
api_key = "{CANARY}"
[profiles.bybit.credential]
api_key = "{CANARY}"
[profiles.strange]
venue = "nope"
symbol = "{CANARY}"
"""
    assert show.redacted(read(tmp_path, text)) == {
        "defaults": {"deadline": 5, "proxy": "http://***@proxy:3128"},
        "profiles": {
            "bybit": {
                "venue": "bybit",
                "symbol": ["BTCUSDT"],
                "base_url": "https://***@api.example.com",
                "api_secret": "***",
                "secret_command": {"api_key": ["pass", "***", "***"]},
                "credentials": {"api_key": "***"},
                "credential": {"api_key": "***"},
            },
            "strange": {"venue": "nope", "symbol": "***"},
        },
    }
    assert show.redacted(Document(path=None)) == {}


# --- anything at all ------------------------------------------------------------------------------------------------

_PIECES = [
    *("[profiles.bybit]\n", "[defaults]\n", "[profiles]\n", 'venue = "bybit"\n', "deadline = 1\n", "symbol = ['A']\n"),
    *("[profiles.bybit.credentials]\n", "api_key = 'k'\n", "secret_command = { api_key = ['x'] }\n", "\x00", "\r\n"),
    *("= 1\n", "'''", '"', "[[", "]", "{", "a.b.c = 1979-05-27T07:32:00Z\n", "x = nan\n", "\ufeff", "# \u2028\n", "é"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config")


_FILES = st.lists(st.sampled_from(_PIECES), max_size=12).map(lambda parts: "".join(parts).encode())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=st.binary(max_size=300) | _FILES)
def test_any_bytes_are_a_document_or_a_config_error(folder: Path, content: bytes) -> None:
    path = written(folder, content)
    try:
        document = toml_file.read(path, {})
    except ConfigError as error:
        document = Document(path=None)
        assert error.hint  # noqa: PT017 - one outcome of two
    for name in document.tables:
        found = loader.profile(document, name, {}, Overrides())
        assert isinstance(found, Profile | BrokenProfile)
    assert isinstance(show.redacted(document), dict)


_VALUES: Any = st.recursive(
    st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["BTCUSDT", "linear", "USDT", "live", "https://a.example", "http://[::1]:5", "bybit", "Order"])
    | st.datetimes()
    | st.dates()
    | st.times(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
_KEYS = {
    name: [
        *(item.key for item in (*declare.declared(schema(name).options), *declare.declared(loader.Common))),
        *("secret_command", "credentials", "xyz"),
    ]
    for name in VENUES
}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_value_of_any_key_is_taken_or_told(data: st.DataObject) -> None:
    venue = data.draw(st.sampled_from(sorted(VENUES)))
    keys = st.dictionaries(st.sampled_from(_KEYS[venue]), _VALUES, max_size=3)
    table = {"venue": venue, **data.draw(keys)}
    defaults = data.draw(st.dictionaries(st.sampled_from(loader.DEFAULTS_KEYS), _VALUES, max_size=1))
    document = Document(path=Path("f"), data={"defaults": defaults, "profiles": {"p": table}})
    texts = data.draw(st.dictionaries(st.sampled_from(_KEYS[venue]), st.text(max_size=9), max_size=2))
    environ = {toml_file.environment_prefix("p") + key.upper(): text for key, text in texts.items()}
    own = sorted(item.key for item in declare.declared(schema(venue).options))
    flags = data.draw(st.dictionaries(st.sampled_from(own), _VALUES, max_size=1))
    refusal = None
    found = None
    try:
        found = loader.profile(document, "p", environ, Overrides(options=flags))
    except OptionError as error:
        refusal = error
    assert isinstance(found, Profile | BrokenProfile) or (refusal is not None and flags)
    assert isinstance(show.redacted(document), dict)


@pytest.mark.parametrize(
    "value", [datetime.date(2026, 1, 1), datetime.time(1), datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)]
)
def test_a_date_is_no_text(value: object) -> None:
    document = Document(path=Path("f"), data={"profiles": {"p": {"venue": "bybit", "base_coin": value}}})
    found = loader.profile(document, "p", {}, Overrides())
    assert isinstance(found, BrokenProfile)
    assert found.error.message == "f [profiles.p]: base_coin must be text"


def test_the_venue_can_come_from_the_environment(tmp_path: Path) -> None:
    path = written(tmp_path, '[profiles.desk-1]\nsettle_coin = "USDT"\n')
    environ = {"CANCELALL_DESK_1_VENUE": "bybit"}
    document = toml_file.read(path, environ)
    assert loader.choose(document, "bybit", None) == "desk-1"
    made = loader.profile(document, "desk-1", environ, Overrides())
    assert isinstance(made, Profile)
    assert (made.venue, made.warnings) == ("bybit", ())


def test_the_lines_of_good_profiles_are_not_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes as long as the file, for each of 1,000 profiles."""

    def looked_up(*args: object) -> int:
        raise AssertionError("nothing is wrong with this profile")

    text = '[profiles.a]\nvenue = "bybit"\nbase_url = "https://example.com"\nsettle_coin = "USDT"\n'
    document = read(tmp_path, text)
    monkeypatch.setattr(toml_file, "line_of", looked_up)
    assert isinstance(loader.profile(document, "a", {}, Overrides()), Profile)
