"""DeltaDeFi: the origins of its environments."""

HOSTS = {"live": "https://api.deltadefi.io", "testnet": "https://api-staging.deltadefi.io"}
"""https://docs.deltadefi.io/start-trading/developers/base-url"""
