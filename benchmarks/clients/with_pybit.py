"""The venue's own SDK."""

import os

from pybit.unified_trading import HTTP

session = HTTP(api_key=os.environ["API_KEY"], api_secret=os.environ["API_SECRET"])
session.endpoint = os.environ["ORIGIN"]
session.client.verify = os.environ["REQUESTS_CA_BUNDLE"]
reply = session.cancel_all_orders(category="linear", settleCoin="USDT")
assert reply["retCode"] == 0, reply
