"""The starter config: every key of every venue, commented out."""

from __future__ import annotations

from cancelall.config.guards import GuardKeys
from cancelall.config.loader import DEFAULTS_KEYS
from cancelall.core import declare
from cancelall.core.declare import Declared
from cancelall.core.profile import Common
from cancelall.venues.registry import VENUES, schema

_HEAD = """\
# cancelall: config.toml
#
# Keep this file private (chmod 600), in a directory that nobody else can write: else it is refused. Every key can also
# come from the environment, as CANCELALL_<PROFILE>_<KEY>; a flag beats the environment, which beats this file. Secrets
# are looked up in this order: the systemd credentials directory, the environment, secret_command,
# [profiles.<name>.credentials] below, the OS keyring.
# `cancelall all` takes every profile; `cancelall bybit` takes the one named "bybit".

[defaults]
"""


def example_config() -> str:
    """A commented starter file with every key of every venue. All of it but the headings is commented out."""
    lines = [_HEAD.rstrip()]
    common = {item.key: item for item in declare.declared(Common)}
    for key in DEFAULTS_KEYS:
        lines += _commented(common[key])
    for name in VENUES:
        accepts, title = schema(name), VENUES[name]
        lines += [
            "",
            f"# --- {title} " + "-" * (100 - len(title)),
            "",
            f"# [profiles.{name}]",
            f'# venue = "{name}"',
            f'# environment = "live"            # {", ".join(accepts.hosts)}',
        ]
        fields = declare.secrets_of(accepts.secrets)
        selectors = [item for item in common.values() if item.opt.selector and accepts.client_ids]
        for item in (*declare.declared(accepts.options), *selectors):
            lines += _commented(item)
        first = next(iter(fields))
        lines += [
            f'# secret_command = {{ {first} = ["pass", "show", "{name}/{first}"] }}',
            "#",
            f"# [profiles.{name}.credentials]",
        ]
        for field, sec in fields.items():
            lines.append(
                f'# {field} = "…"{" " * max(1, 26 - len(field))}# {sec.help}{" Optional." if sec.optional else ""}'
            )
    lines += ["", "# --- Guards " + "-" * 94, "", "# [guard.default]"]
    for item in declare.declared(GuardKeys):
        lines += _commented(item)
    return "\n".join(lines) + "\n"


def _commented(item: Declared) -> list[str]:
    return [f"# {item.key} = {_example(item)}".ljust(33) + f" # {item.opt.help}"]


def _example(item: Declared) -> str:
    if item.choices:
        shown = f'"{item.opt.example or item.choices[0]}"'
    elif item.base is bool:
        shown = "true"
    elif item.base in (int, float):
        shown = item.opt.example or f"{item.default if item.default is not None else 30:g}"
    else:
        word = item.opt.metavar if item.opt.text == "word" else ""  # an ellipsis is no word
        shown = f'"{item.opt.example or word or "…"}"'
    return f"[{shown}]" if item.repeatable else shown
