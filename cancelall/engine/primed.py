"""What is known before a run begins: one that is given it resolves, loads and connects nothing before it fires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cancelall.core.dataclass import dataclass, field
from cancelall.core.model import SignedRequest
from cancelall.core.profile import Profile
from cancelall.credentials.chain import ResolvedSecrets
from cancelall.venues.contract import Remembered

if TYPE_CHECKING:
    from cancelall.net.transport import Ready


@dataclass(frozen=True, kw_only=True)
class Primed:
    """For a run of profiles; a profile that it does not know is run as ever."""

    ready: Ready
    """Gives connections that were kept warm."""
    at_once: Callable[[Profile, SignedRequest, float], bool]
    """Writes a request on one of them; see `Client.at_once`."""
    secrets: Mapping[str, ResolvedSecrets] = field(default_factory=dict)
    """By profile, as are the others."""
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    """Symbols that had open orders when they were last read."""
    offset_ms: Callable[[Profile], int] = lambda profile: 0
    """The venue's clock less this machine's, now."""
    copy_after: Callable[[Profile], float] = lambda profile: 0.15
    """Seconds without an answer on a warm connection, after which a copy goes on a new one."""
