"""Binance: the origins of its environments."""

HOSTS = {
    "live": "https://api.binance.com",
    "testnet": "https://testnet.binance.vision",
    "demo": "https://demo-api.binance.com",
}
"""Of spot. Keys of live, demo and testnet are not interchangeable; the spot testnet has no futures."""
FURTHER = {
    "live": {
        "sapi": HOSTS["live"],
        "fapi": "https://fapi.binance.com",
        "dapi": "https://dapi.binance.com",
        "eapi": "https://eapi.binance.com",
        "papi": "https://papi.binance.com",
    },
    "testnet": {},
    "demo": {"fapi": "https://demo-fapi.binance.com", "dapi": "https://demo-dapi.binance.com"},
}
"""Margin, wallet and TWAP are on spot's host, and have a limit of their own there."""
