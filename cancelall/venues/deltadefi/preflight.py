"""DeltaDeFi: what tells whether a kill would work."""

from __future__ import annotations

from cancelall.core.preflight import KeyFacts, Preflight, Question
from cancelall.venues.deltadefi.api import market_config
from cancelall.venues.deltadefi.options import DeltadefiOptions


def _known(options: DeltadefiOptions) -> KeyFacts:
    """https://docs.deltadefi.io/start-trading/developers/auth: no rights, no addresses, no end, no signature."""
    return KeyFacts(
        can_cancel=True,
        withdraw_note="the documents say that it takes the operation key to withdraw, whose encrypted form this key "
        "can fetch",
        endless=True,
        remarks=(
            "the key alone is the right to trade, without a signature or an end, and whoever has it can replace it: "
            "make a new one from time to time",
        ),
    )


PREFLIGHT = Preflight(
    # The listings prove the key, and nothing tells more of it than that: `/accounts/api-key` repeats the key, and
    # `/accounts/new-api-key` replaces it. Neither is ever sent.
    questions=lambda options, now_ms: (),
    known=_known,
    window=lambda options: None,
    key_page="https://docs.deltadefi.io/start-trading/developers/auth",
    # Cancels were seen to land 1.85 s after their answer, on orders that were placed meanwhile.
    probes=lambda options, environment: (),
    # No answer tells the venue's clock.
    public=lambda options: {
        "": Question(name="markets", request=market_config(), read=lambda request, reply: KeyFacts())
    },
    no_probe="a cancel can land seconds after its answer, on new orders; the key is the same one that has just read",
)
