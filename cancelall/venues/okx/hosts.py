"""OKX: the origins of its environments."""

HOSTS = {
    "live": "https://openapi.okx.com",
    "demo": "https://openapi.okx.com",
    "eea": "https://eea.okx.com",
    "eea-demo": "https://eea.okx.com",
    "us": "https://us.okx.com",
    "us-demo": "https://us.okx.com",
    "tr": "https://tr.okx.com",
}
"""By the site where the account was opened (`us` is that of Australia, too); a key exists on its own site only. Demo
trading has keys of its own, and a header: https://www.okx.com/docs-v5/en/#overview-demo-trading-services"""
