"""The shapes in which secrets arrive: what is read, what is named, and that nothing of any is ever shown."""

from __future__ import annotations

import base64
import json
import textwrap
import urllib.parse

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from cancelall.core.declare import Form
from cancelall.core.errors import SecretError
from cancelall.credentials.chain import checked
from cancelall.credentials.secret_text import read

KEY = "aB3dEfGh1jKlMn0pQrStUv"
PADDED = "c2VjcmV0K2Nhbn/cnk="
LABEL = "PRIVATE KEY"
MADE = rsa.generate_private_key(65537, 2048)
PEM = MADE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
BODY = "".join(PEM.splitlines()[1:-1])
LOCKED = MADE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
OLD_LOCKED = MADE.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")).decode()
OPENSSH = MADE.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
PACKED = base64.b64encode(PEM.encode()).decode()


def block(label: str) -> str:
    return f"-----BEGIN {label}-----\n{BODY}\n-----END {label}-----\n"


# --- what is read -----------------------------------------------------------------------------------------------------

AROUND = {
    "as it is": "{}",
    "line break": "{}\n",
    "line breaks": "\r\n{}\r\n\r\n",
    "spaces": "  {}\t ",
    "no-break spaces": "\u00a0{}\u202f",
    "byte order mark": "\ufeff{}",
    "zero width": "\u200b{}\u200d\u2060",
    "bracketed paste": "\x1b[200~{}\x1b[201~",
    "double quotes": '"{}"',
    "single quotes": "'{}'",
    "backticks": "`{}`",
    "code block": "```{}```",
    "three quotes": '"""{}"""',
    "typographic quotes": "“{}”",
    "German quotes": "„{}“",
    "French quotes": "«{}»",
    "curly single quotes": "‘{}’",
    "both quotes": "\"'{}'\"",
    "env file": "API_SECRET={}",
    "env file, quoted": 'API_SECRET="{}"',
    "env file, spaced": "api_secret = {}",
    "own variable": "CANCELALL_BYBIT_API_SECRET={}",
    "somebody else's": "BYBIT_SECRET={}",
    "export": "export BYBIT_API_SECRET='{}'",
    "cmd": "set API_SECRET={}",
    "PowerShell": '$env:API_SECRET = "{}"',
    "docker": "-e API_SECRET={}",
    "systemd": 'Environment="API_SECRET={}"',
    "YAML": "api_secret: {}",
    "YAML list": "- API_SECRET={}",
    "line of JSON": '"apiSecret": "{}",',
    "line of Python": "'secret': '{}',",
    "ruby": "'secret' => '{}'",
    "JSON object": '{{"apiKey": "k-of-another", "secret": "{}"}}',
    "JSON object, own name first": '{{"secret": "other", "api_secret": "{}"}}',
    "whole env file": "# bybit\nAPI_KEY=k-of-another\nAPI_SECRET={}\n",
    "header": "X-API-SECRET: {}",
}


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("secret", [KEY, PADDED, "with-dash_and.dot~9"])
def test_a_token_is_read_out_of_what_stands_around_it(around: str, secret: str) -> None:
    assert read(around.format(secret), "token", "api_secret") == secret
    assert read(around.format(secret), "token or pem", "api_secret") == secret


@pytest.mark.parametrize("text", [f"Bearer {KEY}", f"bearer  {KEY}", f"Authorization: Bearer {KEY}", f"{KEY}\\n"])
def test_other_things_around_a_token(text: str) -> None:
    assert read(text, "token", "api_key") == KEY


def test_what_is_invisible_inside_is_taken_out() -> None:
    assert read(f"{KEY[:5]}\u200b{KEY[5:9]}\ufeff{KEY[9:]}\u00ad", "token", "api_key") == KEY


PEM_AS = {
    "as it is": PEM,
    "CRLF": PEM.replace("\n", "\r\n"),
    "CR": PEM.replace("\n", "\r"),
    "backslash n": PEM.replace("\n", "\\n"),
    "backslash r n": PEM.replace("\n", "\\r\\n"),
    "two backslashes": PEM.replace("\n", "\\\\n"),
    "backslash n and line breaks": PEM.replace("\n", "\\n\n"),
    "JSON string": json.dumps(PEM),
    "one line": PEM.replace("\n", " "),
    "no line breaks": PEM.replace("\n", ""),
    "indented": textwrap.indent(PEM, "    "),
    "tabs": textwrap.indent(PEM, "\t"),
    "empty lines": PEM.replace("\n", "\n\n"),
    "other width": f"-----BEGIN {LABEL}-----\n" + "\n".join(textwrap.wrap(BODY, 76)) + f"\n-----END {LABEL}-----",
    "typographic dashes": PEM.replace("-----", "—–-"),
    "base64": PACKED,
    "base64 in lines": "\n".join(textwrap.wrap(PACKED, 76)),
    "base64 without padding": PACKED.rstrip("="),
    "percent": urllib.parse.quote(PEM),
    "zero width": "\ufeff" + PEM.replace("\n", "\u200b\n"),
    "no-break spaces": PEM.replace("\n", "\u00a0\n"),
    "with a certificate": block("CERTIFICATE") + PEM,
    "with attributes": f"Bag Attributes\n    friendlyName: x\n{PEM}",
}


@pytest.mark.parametrize("shape", PEM_AS.values(), ids=PEM_AS)
@pytest.mark.parametrize("around", ["{}", "'{}'\n", "API_SECRET={}", "export API_SECRET='{}'", "\ufeff “{}” "])
def test_a_pem_block_is_read_in_every_shape(shape: str, around: str) -> None:
    assert read(around.format(shape), "token or pem", "api_secret") == PEM
    assert read(around.format(shape).replace("API_SECRET", "PRIVATE_KEY"), "pem", "private_key") == PEM


def test_a_pem_block_in_a_json_object() -> None:
    assert read(json.dumps({"apiKey": "k", "privateKey": PEM}), "token or pem", "api_secret") == PEM


@pytest.mark.parametrize("label", ["RSA PRIVATE KEY", "EC PRIVATE KEY"])
def test_the_kind_of_a_key_stays(label: str) -> None:
    assert read(block(label).replace("\n", "\\n"), "pem", "api_secret").startswith(f"-----BEGIN {label}-----\nMII")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2,\n3]", "[1, 2,\n3]"),
        (" '[1,2,3]' ", "[1,2,3]"),
        ("[1,\u00a02]", "[1, 2]"),
        ('{"secretKey": [1, 2, 3]}', "[1, 2, 3]"),
        ("SECRET_KEY=[1,2,3]", "[1,2,3]"),
        ('{"publicKey": "x", "privateKey": "4uQeVj5tq"}', "4uQeVj5tq"),
    ],
)
def test_a_json_array_is_read(text: str, expected: str) -> None:
    assert read(text, "base58 or json", "secret_key") == expected


@pytest.mark.parametrize(
    "text",
    [
        *("changeme", "password", "xxxxxxxx", "$ecret1", "a=b", "key:value", "pass:word", "my.key"),
        *("<My$ecret>", '"half', "**"),
    ],
)
def test_what_somebody_made_up_may_look_like_anything(text: str) -> None:
    assert read(text, "token", "passphrase", chosen=True) == text


# --- what is named ----------------------------------------------------------------------------------------------------

NOBODY = "which nobody resolves here"
JSON_OBJECT = "is a JSON object in which nothing, or more than one thing, can be the api_secret"
WITH_PASSPHRASE = "is a private key with a passphrase, which nothing here could type"
PUBLIC = "is a public key: that half belongs to the venue"
NO_BASE64 = "is a PEM block with something else than base64 in it, or nothing"
LOOKS_LIKE = {
    f"is a reference of 1Password, {NOBODY}": ["op://Private/Bybit/secret"],
    f"is a reference to another store (vault:), {NOBODY}": ["vault:secret/data/bybit#key"],
    f"is a reference to Vault, {NOBODY}": ["ref+vault://secret/bybit"],
    f"is the name of a secret at AWS, {NOBODY}": ["arn:aws:secretsmanager:eu-west-1:1:secret:x"],
    f"is the name of a secret at Google, {NOBODY}": ["projects/p/secrets/s/versions/1"],
    f"is a reference to Azure Key Vault, {NOBODY}": ["@Microsoft.KeyVault(SecretUri=x)"],
    f"is a value that sops has encrypted, {NOBODY}": ["ENC[AES256_GCM,data:x]"],
    f"is a file that Ansible has encrypted, {NOBODY}": ["$ANSIBLE_VAULT;1.1;AES256"],
    "is an address, not a secret": ["https://example.com/secret"],
    "is the name of a variable, which nobody has replaced by its value": [
        *(
            "${BYBIT_SECRET}",
            "${BYBIT_SECRET:-none}",
            '"$BYBIT_SECRET"',
            "API_SECRET=$BYBIT_SECRET",
            "$(pass show bybit)",
        ),
        *("${{ secrets.BYBIT }}", "{{ bybit_secret }}", "%BYBIT_SECRET%", "$env:BYBIT_SECRET"),
    ],
    "is a placeholder, which nobody has filled in": [
        *("<your key here>", "[your api secret]", "your_api_secret", "YOUR-API-SECRET-HERE", "changeme", "CHANGE_ME"),
        *("your_client_id", "CLIENT_SECRET"),
        *("'todo'", "null", "insert_secret_here", "xxx-xxx-xxx", "XXXXXXXXXXXXXXXX"),
    ],
    "is one character over and over: a placeholder, or a value that was hidden": [
        "••••••••••••",
        "************",
        "...",
    ],
    "was shortened or hidden before it was copied": ["aB3d****Uv9z", "aB3dEfGh...", "aB3dEfGh…", "…aB3d"],
    "is the path of a file, which is not opened": [
        *(
            "~/.keys/bybit.pem",
            "/run/secrets/bybit",
            "/builds/group/project.tmp/API_SECRET",
            "./bybit.key",
            "bybit.pem",
        ),
        *("@/etc/bybit.key", "file:///etc/bybit", "C:\\keys\\bybit.pem", '"/home/me/my key.pem"'),
    ],
    "is a header of HTTP, in which a name and a password are packed": ["Basic dXNlcjpwYXNz"],
    "looks like NAME=value, and the name is not that of api_secret": [
        *("FOO=canary-1", "BYBIT_API_KEY=canary-1", "export FOO='canary-1'")
    ],
    "is an assignment without a value": ["API_SECRET="],
    "is several lines of NAME=value, and not one of them is clearly the api_secret": ["A=canary-1\nB=canary-2"],
    JSON_OBJECT: ['{"apiKey": "canary"}', '{"secret": "a-1", "secretKey": "b-2"}'],
    "is the inside of a PEM block, without its first and last line": [BODY],
    WITH_PASSPHRASE: [LOCKED, LOCKED.replace("\n", "\\n"), OLD_LOCKED],
    "is a private key of OpenSSH, not a PEM block": [OPENSSH],
    PUBLIC: [block("PUBLIC KEY"), block("RSA PUBLIC KEY").replace("\n", "\\n")],
    "is a certificate, not a private key": [block("CERTIFICATE")],
    "is a request for a certificate, not a private key": [block("CERTIFICATE REQUEST")],
    "is an encrypted message or a key for messages": [block("PGP MESSAGE")],
    "is a PEM block, but not a private key": [block("DH PARAMETERS")],
    "holds 2 private keys": [PEM + PEM.replace("MII", "MIJ")],
    "is the first line of a PEM block and nothing more": [PEM.splitlines()[0]],
    "is a PEM block, but not a whole private key: its end is missing": [PEM[:200]],
    "is a PEM block, but not a whole private key: its beginning is missing": [PEM[200:]],
    NO_BASE64: [PEM.replace("MII", "M<I"), f"-----BEGIN {LABEL}-----\n-----END {LABEL}-----"],
    "has a quotation mark at one end": ['"canary'],
    "holds a line break": ["canary\ncanary"],
    "holds a space": ["can ary"],
    "holds a space that does not break, as it is copied out of web pages": ["can\u00a0ary"],
    "holds a character outside ASCII, such as a “smart quote”": ["cänary"],
    "holds a NUL character": ["canary\0"],
    "holds a control character": ["canary\x1b[0m"],
}
NAMED = [(text, problem) for problem, several in LOOKS_LIKE.items() for text in several]


@pytest.mark.parametrize(("text", "problem"), NAMED, ids=[problem[:40] for _, problem in NAMED])
def test_what_is_no_secret_is_told_by_what_it_looks_like(text: str, problem: str) -> None:
    with pytest.raises(SecretError) as caught:
        read(text, "token or pem", "api_secret")
    assert caught.value.message == problem
    assert caught.value.hint
    assert "canary" not in repr(caught.value.args) + caught.value.hint


@pytest.mark.parametrize("text", ["", " \n", "\ufeff", '""', "\u200b\u00a0"])
def test_nothing_is_nothing(text: str) -> None:
    assert read(text, "token", "api_key") == ""


@pytest.mark.parametrize("text", ["op://a/b", "$BITGET_PASSPHRASE", "${X}", "{{ x }}", "/run/secrets/x", "arn:aws:x:y"])
def test_what_nobody_would_choose_as_a_passphrase_is_named(text: str) -> None:
    with pytest.raises(SecretError):
        read(text, "token", "passphrase", chosen=True)


def test_a_block_where_a_token_belongs() -> None:
    for text in (PEM, PACKED, PEM.replace("\n", "\\n")):
        with pytest.raises(SecretError, match="is a PEM block, where text without line breaks belongs"):
            read(text, "token", "api_key")


# --- whatever comes ---------------------------------------------------------------------------------------------------

FORMS = st.sampled_from(["token", "pem", "token or pem", "base58", "base58 or json"])
PIECES = st.sampled_from(
    [
        *"\"'`“”=:{}[]<>$%\\-_/. \n\r\t\ufeff\u00a0",
        *("\\n", "-----BEGIN", " PRIVATE KEY-----", "-----END", "export ", "API_SECRET", "Bearer ", "LS0t", "MII"),
        *("op://", "AbC123", "xxx", PEM[:90], PEM),
    ]
)


def attempt(text: str, form: Form, *, chosen: bool) -> tuple[str, SecretError | None]:
    try:
        return read(text, form, "api_secret", chosen=chosen), None
    except SecretError as error:
        return "", error


@settings(deadline=None, max_examples=300)
@given(st.lists(st.one_of(PIECES, st.text(max_size=5)), max_size=8).map("".join), FORMS, st.booleans())
def test_anything_is_read_or_refused_and_never_shown(text: str, form: Form, chosen: bool) -> None:
    found, error = attempt(text, form, chosen=chosen)
    if error is not None:
        assert error.hint
        assert error.message.isprintable()
        assert len(text.strip()) < 12 or text.strip() not in error.message + error.hint
    is_block = found.startswith("-----BEGIN ") and found.endswith("PRIVATE KEY-----\n") and found.isascii()
    is_array = form == "base58 or json" and found.startswith("[")
    assert found == "" or is_block or is_array or (found.isascii() and found.isprintable() and " " not in found)
    assert not is_block or "pem" in form


@settings(deadline=None, max_examples=200)
@given(st.text("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz123456789", min_size=16, max_size=88))
def test_a_key_as_the_venues_make_them_is_never_taken_for_something_else(text: str) -> None:
    if len(set(text)) < 7 or text.isalpha() or text.startswith(("LS0t", "MII", "xxx", "XXX")):
        return
    for form in ("token", "token or pem", "base58", "base58 or json"):
        assert checked("api_secret", form, text, "x") == text  # type: ignore[arg-type]
        assert read(text, form, "api_secret") == text  # type: ignore[arg-type]


@settings(deadline=None, max_examples=200)
@given(st.binary(min_size=16, max_size=64))
def test_a_key_in_base64_or_hex_is_never_taken_for_something_else(raw: bytes) -> None:
    if len(set(raw)) < 7:
        return
    for text in (base64.b64encode(raw).decode(), raw.hex()):
        assert read(text, "token or pem", "api_secret") == text


def test_what_a_secret_stood_in_is_not_told_either() -> None:
    from cancelall.core.secret import scrub

    assert checked("api_secret", "token or pem", PEM.replace("\n", "\\n"), "x") == PEM
    assert BODY[:40] not in scrub(PEM.replace("\n", "\\n"))
    assert PACKED not in scrub(f"x{PACKED}" if checked("api_secret", "token or pem", PACKED, "x") else "")
