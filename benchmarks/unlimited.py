"""The command on a Bybit that allows an address as much as it likes: `python -m benchmarks.unlimited WORDS...`.

Bybit allows 600 requests in five seconds, and the command keeps to that wherever an exchange stands. What a machine can
do is seen only without it; nothing else is changed.
"""

from dataclasses import replace

from cancelall.cli.process import run
from cancelall.venues.bybit import venue


def lift() -> None:
    """Let this process go as fast as it can."""
    venue.VENUE = replace(venue.VENUE, address_limit=None)


if __name__ == "__main__":
    lift()
    run()
