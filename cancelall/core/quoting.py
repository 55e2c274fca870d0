"""What somebody typed, as an error message may repeat it: harmless on a terminal, and no secret that was pasted there.

A key, a venue or a profile that does not exist has to be named, or the message helps nobody. What stands in its place
by mistake can be the secret itself, and messages end in logs, mails and tickets.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

LIMIT = 80
"""Characters of a word that are shown."""
SHOWN = 4
"""Characters that are shown of what looks like a secret: enough to find it again."""
_RUN = r"[A-Za-z0-9+=]{12,}"
_UUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_LONG = 40
"""Characters without a space, more than any name has."""
_MIXED = 5
"""Changes between capital letters, small letters and digits: a random key of 12 has about seven, a name one or two."""


def quoted(text: str) -> str:
    """A word in a message: control characters escaped, clipped, and only its beginning if it looks like a secret."""
    if looks_secret(text):
        return f"{visible(text[:SHOWN])}…"
    shown = visible(text)
    return shown if len(shown) <= LIMIT else f"{shown[:LIMIT]}…"


def quoted_path(text: str) -> str:
    """A path in a message, which is to be found by it: each of its parts is a word. Else as any word."""
    return "/".join(map(quoted, text.split("/"))) if text.startswith("/") else quoted(text)


def veiled(message: str, words: Iterable[str]) -> str:
    """A message of somebody else's, in which every word that looks like a secret is shown by its beginning only.

    Venues' symbols may have been turned into capitals by then.
    """
    for word in sorted(set(words), key=len, reverse=True):
        for spelt in (word, word.upper()) if looks_secret(word) else ():
            message = message.replace(spelt, f"{visible(spelt[:SHOWN])}…")
    return message


def visible(text: str) -> str:
    """The text with everything escaped that a terminal would obey or hide."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii") for letter in text
    )


def looks_secret(text: str) -> bool:
    """Whether a word is more like a key than like a name: long and mixed, or a PEM block. Names must not be caught."""
    if "-----BEGIN" in text or "PRIVATE KEY" in text or re.search(_UUID, text):
        return True
    if any(len(part) >= _LONG for part in text.split()):
        return True
    digits, letters = sum(map(str.isdigit, text)), sum(map(str.isalpha, text))
    if len(text) >= 20 and digits >= 4 and letters >= 4 and " " not in text:
        return True
    return any(_is_mixed(run) for run in re.findall(_RUN, text))


def _is_mixed(run: str) -> bool:
    classes = ["d" if letter in "0123456789+=" else "u" if letter.isupper() else "l" for letter in run]
    changes = sum(1 for before, after in itertools.pairwise(classes) if before != after)
    words = "d" not in classes and not re.search(r"[A-Z]{2}[a-z]", run)  # each with one capital letter
    return changes >= (2 * _MIXED if words else _MIXED)
