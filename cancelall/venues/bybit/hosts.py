"""Bybit: the origins of its environments."""

HOSTS = {
    "live": "https://api.bybit.com",
    "testnet": "https://api-testnet.bybit.com",
    "demo": "https://api-demo.bybit.com",
    "eu": "https://api.bybit.eu",
    "nl": "https://api.bybit.nl",
    "tr": "https://api.bybit.tr",
    "kz": "https://api.bybit.kz",
    "ge": "https://api.bybitgeorgia.ge",
    "ae": "https://api.bybit.ae",
    "id": "https://api.bybit.id",
    "jp": "https://api.manepa.jp",
}
"""Regional hosts change about twice a year: `base_url` replaces any of them. https://bybit-exchange.github.io/docs/v5/guide"""
