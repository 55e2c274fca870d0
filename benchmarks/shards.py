"""How the time to the last mass cancel falls with the number of machines: Bybit limits by address. On virtual time.

    python -m benchmarks.shards [PROFILES]

Every shard has an address of its own, with the limit that Bybit documents (600 requests in 5 s, else a block of ten
minutes: the fake exchange blocks, too). Prints the table of docs/sharding.md.
"""

from __future__ import annotations

import sys

from fleet import Fleet

SHARDS = (1, 2, 3, 4, 7)
ORIGIN = "http://127.0.0.1:1"


def last_mass_cancel(profiles: int, shard: int, shards: int) -> tuple[float, float, int]:
    """Seconds to a shard's last mass cancel and to its last verdict, and how many of its profiles are not clear."""
    fleet = Fleet("bybit", latency=0.08)
    host = fleet.host(ORIGIN, len(range(shard - 1, profiles, shards)), settle_coin="USDT")
    reports = fleet.kill(deadline=600.0)
    first: dict[str, float] = {}
    for sent in host.log:
        if sent.request.method == "POST":
            first.setdefault(sent.request.headers["x-bapi-api-key"], sent.at - 1000.0)
    assert len(first) == len(reports)
    assert {sent.status for sent in host.log} <= {200, None}, "the address was blocked"
    verdicts = [report.timing.verdict or 0 for report in reports]
    return max(first.values()), max(verdicts) / 1000, sum(report.verdict.value != "clear" for report in reports)


def main() -> None:
    profiles = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    print("| machines | profiles on each | last mass cancel | last verdict |\n| --- | --- | --- | --- |")
    for shards in SHARDS:
        sent, verdict, bad = last_mass_cancel(profiles, 1, shards)  # the first shard is never smaller than another
        assert not bad
        print(f"| {shards} | {len(range(0, profiles, shards))} | {sent:.1f} s | {verdict:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
