"""AscendEX: the origins of its environments."""

HOSTS = {"live": "https://ascendex.com", "testnet": "https://api-test.ascendex-sandbox.com"}
