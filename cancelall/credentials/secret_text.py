"""The shapes in which a secret arrives: pasted, out of an env file, a container, a CI system, a password manager.

What can be read in one way only is read: a quoted value, a PEM block with literal `\\n` in it, `KEY=value`. Everything
else is told by what it looks like - a path, a placeholder, a public key - and is never shown. Nothing is opened here.
"""

from __future__ import annotations

import re
from typing import NoReturn

from cancelall.core.declare import Form
from cancelall.core.errors import SecretError

_LAYERS = 8
"""Wrappings inside each other that are taken off: an `export` of a quoted base64 of a PEM block has three."""
_INVISIBLE = "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
"""Characters without a width that come along when something is copied out of a page, a chat or a PDF."""
_PASTED = re.compile(r"\x1b\[20[01]~")
"""What terminals put around a paste, where the program did not ask for it."""
_QUOTES = {
    '"': '"',
    "'": "'",
    "`": "`",
    "“": "”",
    "”": "”",
    "„": "“”",
    "‘": "’",
    "’": "’",
    "‚": "‘’",
    "«": "»",
    "»": "«",
    "‹": "›",
    "＂": "＂",
}
"""Quotation marks, opening to closing."""
_DASH = "[-\u2010-\u2015\u2212]"
_LINE = re.compile(rf"{_DASH}{{2,}}\s*(?:BEGIN|END)(?:\s|%20)")
_BLOCK = re.compile(
    rf"{_DASH}{{2,}}\s*BEGIN\s+([A-Z0-9 ]+?)\s*{_DASH}{{2,}}(.*?){_DASH}{{2,}}\s*END\s+\1\s*{_DASH}{{2,}}", re.DOTALL
)
_ASSIGNED = re.compile(
    r"""(?:export\s+|set\s+|setx\s+|declare\s+-x\s+|ENV\s+|env:|\$env:|-e\s+|--env[ =]|-\s+)?
        ["']?([A-Za-z_][A-Za-z0-9_.-]{0,80})["']?\s*(=>|:=|=|:)\s*(.*)""",
    re.DOTALL | re.VERBOSE,
)
_ALIASES = {
    "apikey": ("apikey", "key", "accesskey", "apikeyid", "accesskeyid", "apiaccesskey"),
    "apisecret": ("apisecret", "secret", "secretkey", "apisecretkey", "apikeysecret", "privatekey", "secretaccesskey"),
    "passphrase": ("passphrase", "password", "apipassphrase", "apipassword"),
    "secretkey": ("secretkey", "privatekey", "secret", "walletprivatekey"),
    "privatekey": ("privatekey", "secretkey", "secret", "walletprivatekey"),
}
"""What others call a secret: exchanges, their SDKs, ccxt."""
_REFERENCES = (
    (r"op://", "a reference of 1Password"),
    (r"(?:ref\+)?vault://", "a reference to Vault"),
    (r"arn:aws[\w-]*:", "the name of a secret at AWS"),
    (r"projects/[^/]+/secrets/", "the name of a secret at Google"),
    (r"@Microsoft\.KeyVault", "a reference to Azure Key Vault"),
    (r"ENC\[", "a value that sops has encrypted"),
    (r"\$ANSIBLE_VAULT;", "a file that Ansible has encrypted"),
    (r"age-encryption\.org/", "a file that age has encrypted"),
)
_SCHEMES = re.compile(
    r"(vault|bws|ssm|awssm|awsps|gcpsm|akv|sm|env|keychain|keyring|pass|doppler|infisical|secret|secretref|valuefrom):\S",
    re.IGNORECASE,
)
"""What names a secret in another store; a passphrase may begin so."""
_VARIABLE = re.compile(
    r"\$?\$\{.*\}|\$\(.*\)|\{\{.*\}\}|%[A-Za-z_]\w*%|\$(?:env:)?[A-Za-z_]\w*|<%.*%>|process\.env\.\w+"
    r"|os\.(?:environ|getenv)\b.*",
    re.DOTALL | re.ASCII,
)
_CHOSEN_VARIABLE = re.compile(r"\$[A-Z0-9]*_[A-Z0-9_]*|\$?\$\{.*\}|\$\(.*\)|\{\{.*\}\}", re.DOTALL)
"""Those that nobody would choose as a passphrase."""
_FILL_IN = re.compile(r"<[^<>]*>|\[[A-Za-z][A-Za-z _-]*\]|\{[A-Za-z][A-Za-z _-]*\}")
_STOPGAP = re.compile(
    r"changeme|changeit|change|replaceme|replacethis|fillme|fillmein|placeholder|todo|tbd|fixme|dummy|example|redacted"
    r"|removed|hidden|masked|none|null|nil|undefined|na|empty|true|false|unset|notset|foo|bar|foobar|password|x{3,}\w*"
    r"|(?!(?:key|secret|token|passphrase)$)(?:my|your|the|an?|insert|enter|paste|put|add|replace|with|change|here|new|real|own|actual|exchange|venue)*"
    r"(?:bybit|bitget|ascendex|pacifica|deltadefi|hyperliquid|deribit|kraken|okx|binance)?(?:api|private|secret|client)*"
    r"(?:key|secret|passphrase|token|clientid)"
    r"(?:here|goeshere|value|placeholder|please)*"
)
"""What stands in examples and templates, in small letters without signs."""
_SHORT = 32
"""Characters. As long as a key a stopgap could be one, and the venue decides."""
_ROOTS = (
    "home|etc|run|var|usr|root|tmp|opt|mnt|srv|dev|proc|media|users|volumes|private|builds|workspace|github|secrets|app"
    "|data"
)
"""Where paths begin on the machines that people and CI systems have. A base64 text can begin with a slash, too."""
_PATH = re.compile(
    rf"(?:file:|@?~/|@?\.\.?/|@?/(?:{_ROOTS})/|[A-Za-z]:[\\/]|\\\\\w)[^\n]*"
    r"|\S+\.(?:pem|key|p8|p12|pfx|pub|crt|cer|der|txt|env|json|ya?ml|toml|asc|gpg|age)",
    re.IGNORECASE,
)
_ESCAPED_END = re.compile(r"(?:\\+r|\\+n|\\+t)+$")


def read(text: str, form: Form, field: str, *, chosen: bool = False) -> str:
    """The secret in a text, in its declared form; empty when there is none.

    `chosen` marks one that somebody made up: it may look like a placeholder and hold any sign. Raises SecretError,
    which says what the text looks like instead, and never holds any of it.
    """
    for _ in range(_LAYERS):
        text = _trimmed(text)
        inner = _unwrapped(text, form, field, chosen=chosen)
        if inner == text:
            break
        text = inner
    if not text:
        return ""
    if _LINE.search(text):
        return _of_block(text, form)
    if form == "base58 or json" and text.startswith("["):
        return text.translate({0xA0: " "})
    _name_what_it_is(text, field, chosen=chosen)
    _check_characters(text)
    if form.startswith("base58") and not all(letter.isalnum() and letter not in "0OIl" for letter in text):
        _refuse("is not base58 text", "paste it again")
    if form == "pem":
        _refuse("is not a PEM block", "paste it from BEGIN to END")
    return text


def _refuse(problem: str, hint: str) -> NoReturn:
    raise SecretError(problem, hint)


# --- taking off what is around it -------------------------------------------------------------------------------------


def _trimmed(text: str) -> str:
    """Without the spaces, line breaks and invisible characters that nobody means."""
    if text.isascii() and text.isalnum():
        return text
    return _PASTED.sub("", text).translate(dict.fromkeys(map(ord, _INVISIBLE))).strip()


def _unwrapped(text: str, form: Form, field: str, *, chosen: bool) -> str:
    """The text without its outermost wrapping; the same text when it has none. Raises SecretError."""
    if text.isalnum() and not text.startswith("LS0t"):
        return text
    for mark in ('"""', "'''", "```"):
        if len(text) > 6 and text.startswith(mark) and text.endswith(mark):
            return text[3:-3]
    if _is_quoted(text):
        return text[1:-1] if chosen or text[0] != '"' else _of_string(text)
    if text[-1:] in ",;" and _is_quoted(text[:-1].rstrip()):
        return text[:-1].rstrip()
    if text.startswith("{") and text.endswith("}") and not text.startswith("{{"):
        return _of_object(text, field)
    if text.startswith("Environment="):  # a unit of systemd
        return text.removeprefix("Environment=")
    if (value := _assigned(text, form, field, chosen=chosen)) is not None:
        return value
    if match := re.fullmatch(r"(?:Bearer|Token)\s+([!-~]+)", text, re.IGNORECASE):
        return match[1]
    if text.startswith("LS0t") and (block := _decoded(text)):
        return block
    return text if chosen or form == "base58 or json" else _ESCAPED_END.sub("", text)


def _is_quoted(text: str) -> bool:
    """Whether a text stands in quotation marks, and these do not only begin and end two parts of it."""
    if len(text) < 2 or text[0] not in _QUOTES or text[-1] not in _QUOTES[text[0]]:
        return False
    return text[0] not in text[1:-1].replace(f"\\{text[0]}", "") or text[0] in "”’»"


def _of_string(text: str) -> str:
    """What stands in double quotes, its escapes replaced as JSON has them."""
    import json

    try:
        value = json.loads(text, strict=False)
    except ValueError:
        return text[1:-1]
    return value if isinstance(value, str) else text[1:-1]


def _of_object(text: str, field: str) -> str:
    """The value of this secret in a JSON object, such as a key file or what ccxt is given. Raises SecretError."""
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if not isinstance(value, dict):
        return text
    texts = {name: one if isinstance(one, str) else json.dumps(one) for name, one in value.items() if one}
    exact = {one for name, one in texts.items() if _bare(name) == _bare(field)}
    fitting = exact or {one for name, one in texts.items() if _fits(name, field)}
    if len(fitting) == 1:
        return fitting.pop()
    _refuse(f"is a JSON object in which nothing, or more than one thing, can be the {field}", "give the value alone")


def _assigned(text: str, form: Form, field: str, *, chosen: bool) -> str | None:
    """The value in `KEY=value` or `key: value`; None when the text is no such thing. Raises SecretError."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) > 1 and not _LINE.search(text) and (inner := _of_lines(lines, field)) is not None:
        return inner
    match = _ASSIGNED.fullmatch(text)
    if match is None or (match[2] == ":" and match[3].startswith("//")):
        return None
    name, sign, value = match[1], match[2], match[3].strip()
    if _fits(name, field):
        if not value.strip("\"'"):
            _refuse(f"is {'an assignment' if '=' in sign else 'a name'} without a value", "paste what stands behind it")
        return value
    if _bare(name) in ("authorization", "proxyauthorization") and re.match(r"(?i)(?:bearer|token)\s", value):
        return value
    padded = not value.strip("=") and sign == "="  # base64 ends so
    if chosen or padded or sign == ":" or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return None
    if "-----BEGIN" in value and "pem" in form:
        return value
    _refuse(f"looks like NAME=value, and the name is not that of {field}", "paste the value alone")


def _of_lines(lines: list[str], field: str) -> str | None:
    """The value of this secret in several lines of an env file. Raises SecretError."""
    matches = [match for line in lines if (match := _ASSIGNED.fullmatch(line.strip()))]
    assignments = [match for match in matches if match[3].strip("=") or not match[3]]  # base64 ends in such signs
    if len(assignments) < len(lines):
        return None
    exact = [match[3].strip() for match in assignments if _bare(match[1]).endswith(_bare(field))]
    fitting = exact or [match[3].strip() for match in assignments if _fits(match[1], field)]
    if len(fitting) == 1 and fitting[0]:
        return fitting[0]
    _refuse(f"is several lines of NAME=value, and not one of them is clearly the {field}", "paste the value alone")


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _fits(name: str, field: str) -> bool:
    """Whether a name is one of those that this secret has: alone, or behind the name of a venue or a profile."""
    own, bare = _bare(field), _bare(name)
    names = (own, *_ALIASES.get(own, ()))
    others = {other for key, known in _ALIASES.items() if key != own for other in known if other not in names}
    longest = max((one for one in names if bare.endswith(one)), key=len, default="")
    rival = max((one for one in others if bare.endswith(one)), key=len, default="")
    return bool(longest) and len(longest) >= len(rival)


def _decoded(text: str) -> str:
    """The PEM block in a base64 text; empty when it holds none."""
    import base64
    import binascii

    packed = re.sub(r"\s|\\[rn]", "", text).rstrip("=")
    try:
        raw = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return raw if "BEGIN" in raw else ""


# --- PEM blocks -------------------------------------------------------------------------------------------------------


def _of_block(text: str, form: Form) -> str:
    """The one private key among the PEM blocks of a text, its line breaks where they belong. Raises SecretError."""
    if "%20PRIVATE" in text or "%0A" in text:
        import urllib.parse

        text = urllib.parse.unquote(text)
    text = re.sub(r"\\+r|\\+n|\\+t|\\$|\\(?=\s)", "\n", text)
    blocks = [(match[1], match[2]) for match in _BLOCK.finditer(text)]
    keys = [(label, body) for label, body in blocks if label.endswith("PRIVATE KEY")]
    if not blocks:
        _no_block(text)
    if len(keys) != 1:
        _other_block([label for label, _ in blocks])
    label, body = keys[0]
    if label == "ENCRYPTED PRIVATE KEY" or "ENCRYPTED" in body or "DEK-Info" in body:
        _refuse(
            "is a private key with a passphrase, which nothing here could type", "take it off: openssl pkey -in FILE"
        )
    if label == "OPENSSH PRIVATE KEY":
        _refuse("is a private key of OpenSSH, not a PEM block", "turn a copy into PEM: ssh-keygen -p -m PEM -f COPY")
    if "pem" not in form:
        _refuse("is a PEM block, where text without line breaks belongs", "paste the key that the venue shows")
    packed = "".join(body.split())
    if not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", packed):
        _refuse("is a PEM block with something else than base64 in it, or nothing", "paste it again from BEGIN to END")
    lines = [packed[at : at + 64] for at in range(0, len(packed), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])


def _no_block(text: str) -> NoReturn:
    whole = "paste it from BEGIN to END"
    if re.search(rf"{_DASH}{{2,}}\s*BEGIN", text):
        if len(text.strip().splitlines()) == 1 and len(text) < 60:
            _refuse(
                "is the first line of a PEM block and nothing more",
                "write it in one line with \\n for the line breaks, or in quotes",
            )
        _refuse("is a PEM block, but not a whole private key: its end is missing", whole)
    if re.search(rf"END [A-Z ]+{_DASH}{{2,}}", text):
        _refuse("is a PEM block, but not a whole private key: its beginning is missing", whole)
    _check_characters(text)
    _refuse("is not what a secret looks like", "paste it again")


def _other_block(labels: list[str]) -> NoReturn:
    said = " ".join(labels)
    keys = sum(label.endswith("PRIVATE KEY") for label in labels)
    private = "paste the private key: it begins with -----BEGIN PRIVATE KEY-----"
    if keys > 1:
        _refuse(f"holds {keys} private keys", "paste the one that the venue knows")
    if "PGP" in said or "AGE ENCRYPTED" in said:
        _refuse("is an encrypted message or a key for messages", "paste what is in it")
    if "CERTIFICATE REQUEST" in said:
        _refuse("is a request for a certificate, not a private key", private)
    if "CERTIFICATE" in said:
        _refuse("is a certificate, not a private key", private)
    if "PUBLIC KEY" in said:
        _refuse("is a public key: that half belongs to the venue", private)
    _refuse("is a PEM block, but not a private key", private)


# --- what it is instead -----------------------------------------------------------------------------------------------


def _name_what_it_is(text: str, field: str, *, chosen: bool) -> None:
    """Raise SecretError when a text is no secret, but stands for one."""
    value = f'give the value; secret_command = {{ {field} = ["…"] }} runs what fetches it'
    for pattern, what in _REFERENCES:
        if re.match(pattern, text):
            _refuse(f"is {what}, which nobody resolves here", value)
    if not chosen and (match := _SCHEMES.match(text)):
        _refuse(f"is a reference to another store ({match[1].lower()}:), which nobody resolves here", value)
    if re.match(r"[a-z][a-z0-9+.-]*://", text) and not text.startswith("file:"):
        _refuse("is an address, not a secret", value)
    if (_CHOSEN_VARIABLE if chosen else _VARIABLE).fullmatch(text):
        _refuse("is the name of a variable, which nobody has replaced by its value", value)
    if re.match(r"(?i)basic\s+\S", text):
        _refuse("is a header of HTTP, in which a name and a password are packed", "paste the key itself")
    if _PATH.fullmatch(text) and not (chosen and "/" not in text and "\\" not in text):
        hint = f'give what is in it; secret_command = {{ {field} = ["cat", "…"] }} reads it'
        _refuse("is the path of a file, which is not opened", hint)
    if not chosen:
        _name_part(text)


def _name_part(text: str) -> None:
    if _FILL_IN.fullmatch(text) or (len(text) < _SHORT and _STOPGAP.fullmatch(_bare(text))):
        _refuse("is a placeholder, which nobody has filled in", "paste the real one")
    if 2 < len(text) < _SHORT and len(set(text)) == 1 and text[0] in "xX*•●.-_?#0…":
        _refuse("is one character over and over: a placeholder, or a value that was hidden", "copy the real one")
    if re.search(r"[*•●]{3,}|\.{3,}|…", text):
        _refuse("was shortened or hidden before it was copied", "copy all of it")
    if text[0] in "\"'`" or text[-1] in "\"'`":
        _refuse("has a quotation mark at one end", "paste it again, without quotes")
    packed = "".join(text.split())
    if len(packed) > 300 and re.match(r"MI[A-Za-z0-9+/]", packed) and re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", packed):
        _refuse("is the inside of a PEM block, without its first and last line", "paste it from BEGIN to END")


def _check_characters(text: str) -> None:
    """Raise SecretError for what cannot stand in a header or a signature."""
    again = "paste it again, without quotes or line breaks"
    if "\n" in text or "\r" in text:
        _refuse("holds a line break", again)
    if "\0" in text:
        _refuse("holds a NUL character", again)
    if "\u00a0" in text or "\u202f" in text:
        _refuse("holds a space that does not break, as it is copied out of web pages", again)
    if not text.isascii():
        _refuse("holds a character outside ASCII, such as a “smart quote”", again)
    if any(letter.isspace() for letter in text):
        _refuse("holds a space", again)
    if not text.isprintable():
        _refuse("holds a control character", again)
