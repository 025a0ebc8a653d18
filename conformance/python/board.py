"""What the scripts share: rows of the scoreboard, the sandbox gateway, keys, and a plain signed HTTP client.

A row is one check: area, name, verdict, detail. A script writes its rows as JSON lines to $HIGHWATER_ROWS and ends
with 0 whatever they say; only a script that breaks off ends otherwise.
"""

import hashlib
import hmac
import json
import os
import secrets
import time
import traceback
from contextlib import contextmanager
from urllib.parse import quote, urlencode

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

READY = json.loads(os.environ["HIGHWATER_READY"])
REST = READY["rest"]
WS = READY["ws"]
WSAPI = READY["wsapi"]
SANDBOX = READY["sandbox"]
BOOK_SECONDS = int(os.environ.get("HIGHWATER_BOOK_SECONDS", "20"))

# The filters of the real BTCUSDT, so that clients see the kind of grid that they are used to.
FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000", "tickSize": "0.01000000"},
    {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
    {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "100.00000000", "stepSize": "0.00000000"},
    {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": "5",
        "bidMultiplierDown": "0.2",
        "askMultiplierUp": "5",
        "askMultiplierDown": "0.2",
        "avgPriceMins": 5,
    },
    {
        "filterType": "NOTIONAL",
        "minNotional": "5.00000000",
        "applyMinToMarket": True,
        "maxNotional": "9000000.00000000",
        "applyMaxToMarket": False,
        "avgPriceMins": 5,
    },
    {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
]

_rows = open(os.environ["HIGHWATER_ROWS"], "a") if "HIGHWATER_ROWS" in os.environ else None


def row(area, check, passed, detail=""):
    """Writes one row."""
    line = json.dumps({"area": area, "check": check, "pass": bool(passed), "detail": str(detail)[:400]})
    if _rows:
        _rows.write(line + "\n")
        _rows.flush()
    elif not passed:
        print(line)


@contextmanager
def check(area, name):
    """One check: passes when its block raises nothing."""
    try:
        yield
    except Exception as error:  # noqa: BLE001: whatever a client raises is a verdict
        frames = traceback.extract_tb(error.__traceback__)
        where = frames[-1] if frames else None
        ours = next((f for f in reversed(frames) if "/conformance/" in f.filename), where)
        at = f" [line {ours.lineno}]" if ours else ""
        row(area, name, False, f"{type(error).__name__}: {error}{at}")
    else:
        row(area, name, True)


def equal(actual, expected, what="value"):
    """Like assert, but says both sides."""
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def wait_for(condition, what, seconds=15):
    """Waits for something to come about; the deadline is generous and only there so that nothing hangs."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come about in {seconds} s: {what}")
        time.sleep(0.02)


# --- the sandbox gateway ------------------------------------------------------------------------------------------


def sandbox(method, path, body=None):
    answer = requests.request(method, SANDBOX + path, json=body, timeout=30)
    if answer.status_code >= 300:
        raise AssertionError(f"sandbox {method} {path}: {answer.status_code} {answer.text[:300]}")
    return answer.json() if answer.text else None


def make_symbol(base, quote_asset="USDT", filters=None):
    symbol = base + quote_asset
    sandbox("POST", "/symbols", {"symbol": symbol, "baseAsset": base, "quoteAsset": quote_asset, "filters": FILTERS if filters is None else filters})
    return symbol


def make_account(balances, key_type="HMAC", permissions=None):
    """An account with money and a key. Returns what the sandbox says, with `privateKey` (PEM) for asymmetric keys."""
    body = {"balances": balances, "keyType": key_type}
    if permissions is not None:
        body["permissions"] = permissions
    private = None
    if key_type != "HMAC":
        private = ed25519.Ed25519PrivateKey.generate() if key_type == "ED25519" else rsa.generate_private_key(65537, 2048)
        body["publicKey"] = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    account = sandbox("POST", "/accounts", body)
    if private:
        account["privateKey"] = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
    return account


def digest():
    return sandbox("GET", "/state")["digest"]


def audit():
    return sandbox("GET", "/state")["audit"]


# --- plain HTTP ---------------------------------------------------------------------------------------------------


class Refused(Exception):
    """An answer that is not 2xx."""

    def __init__(self, status, body, headers):
        self.status, self.body, self.headers = status, body, headers
        self.code = body.get("code") if isinstance(body, dict) else None
        self.msg = body.get("msg") if isinstance(body, dict) else None
        super().__init__(f"{status} {body}")


class Plain:
    """A client of a hundred lines that signs by hand, so that other clients have somebody to trade with."""

    def __init__(self, account):
        self.key = account["apiKey"]
        self.secret = account.get("secretKey")
        self.private = None
        if account.get("privateKey"):
            self.private = serialization.load_pem_private_key(account["privateKey"].encode(), None)
        self.session = requests.Session()

    def sign(self, payload):
        from base64 import b64encode

        if self.private is None:
            return hmac.new(self.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return b64encode(self.private.sign(payload.encode())).decode()
        return b64encode(self.private.sign(payload.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()

    def raw(self, method, path, query="", body=None, headers=None, key=True):
        """Sends exactly these bytes; returns the response."""
        headers = dict(headers or {})
        if key:
            headers.setdefault("X-MBX-APIKEY", self.key)
        if body is not None:
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        request = requests.Request(method, REST + path, headers=headers, data=body)
        prepared = self.session.prepare_request(request)
        if query:
            prepared.url = f"{REST}{path}?{query}"
        return self.session.send(prepared, timeout=30)

    def call(self, method, path, signed=True, headers=None, **params):
        """A signed call with its parameters in the query; raises Refused."""
        query = urlencode(params)
        if signed:
            query += ("&" if query else "") + f"timestamp={int(time.time() * 1000)}"
            query += "&signature=" + quote(self.sign(query), safe="")
        answer = self.raw(method, path, query, headers=headers)
        return self.unwrap(answer)

    @staticmethod
    def unwrap(answer):
        try:
            body = answer.json()
        except ValueError:
            body = answer.text
        if answer.status_code >= 300:
            raise Refused(answer.status_code, body, answer.headers)
        return body

    def order(self, symbol, side, quantity, price=None, **more):
        if price is not None:
            more = {"type": "LIMIT", "timeInForce": "GTC", "price": price, **more}
        else:
            more = {"type": "MARKET", **more}
        if more["type"] == "LIMIT_MAKER":
            more.pop("timeInForce", None)
        return self.call("POST", "/api/v3/order", symbol=symbol, side=side, quantity=quantity, **more)

    def cancel_all(self, symbol):
        try:
            return self.call("DELETE", "/api/v3/openOrders", symbol=symbol)
        except Refused as refused:
            if refused.code != -2011:
                raise
            return []


def refusal(work, code, msg=None, status=None):
    """The work must be refused with exactly this code (and message, and status)."""
    try:
        answer = work()
    except Refused as refused:
        equal(refused.code, code, "code")
        if msg is not None:
            equal(refused.msg, msg, "message")
        if status is not None:
            equal(refused.status, status, "status")
        return refused
    raise AssertionError(f"was not refused: {answer!r}")


def unique(prefix="c"):
    return f"{prefix}-{secrets.token_hex(6)}"
