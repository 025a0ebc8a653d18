"""Who may do what: every way of asking without the right to, on every kind of endpoint, has no effect and gets its exact refusal.

The digest of the whole state is compared after each attack that could have had an effect.
"""

import hashlib
import hmac
import http.client
import json
import os
import secrets
import time
from urllib.parse import urlencode

from exchange import Client, Exchange, Verdicts, flush_exit, parse, signed

SYMBOL = "KEYUSDT"
ORDER = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "10.00"}
TRADE, READ = "TRADE", "READ"
ENDPOINTS = [
    ("POST", "/api/v3/order", ORDER, TRADE),
    ("POST", "/api/v3/order/test", ORDER, TRADE),
    ("DELETE", "/api/v3/order", {"symbol": SYMBOL, "orderId": 1}, TRADE),
    ("DELETE", "/api/v3/openOrders", {"symbol": SYMBOL}, TRADE),
    ("POST", "/api/v3/order/cancelReplace", ORDER | {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrderId": 1}, TRADE),
    ("PUT", "/api/v3/order/amend/keepPriority", {"symbol": SYMBOL, "orderId": 1, "newQty": "1"}, TRADE),
    (
        "POST",
        "/api/v3/orderList/oco",
        {"symbol": SYMBOL, "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "20.00", "belowType": "STOP_LOSS", "belowStopPrice": "5.00"},
        TRADE,
    ),
    ("DELETE", "/api/v3/orderList", {"symbol": SYMBOL, "orderListId": 1}, TRADE),
    ("GET", "/api/v3/account", {}, READ),
    ("GET", "/api/v3/order", {"symbol": SYMBOL, "orderId": 1}, READ),
    ("GET", "/api/v3/openOrders", {"symbol": SYMBOL}, READ),
    ("GET", "/api/v3/allOrders", {"symbol": SYMBOL}, READ),
    ("GET", "/api/v3/myTrades", {"symbol": SYMBOL}, READ),
    ("GET", "/api/v3/rateLimit/order", {}, READ),
]


def now():
    return int(time.time() * 1000)


def sign(secret, payload):
    return hmac.new(secret.encode(), payload.encode(), hashlib.sha256).hexdigest()


class Wire:
    def __init__(self, exchange):
        self.exchange = exchange

    def send(self, method, path, query="", key=None, body=None, headers=None):
        connection = http.client.HTTPConnection(self.exchange.host, self.exchange.port, timeout=30)
        headers = dict(headers or {})
        if key is not None:
            headers["X-MBX-APIKEY"] = key
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, f"{path}?{query}" if query else path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def signed(self, method, path, params, account, **change):
        params = dict(params) | {"timestamp": change.pop("timestamp", now()), "recvWindow": change.pop("recvWindow", 5000)}
        return self.send(method, path, signed(account["secretKey"], params), account["apiKey"], **change)


def attacks(wire, method, path, params, people):
    """Name, what is sent, and the code that answers."""
    mine, stranger, revoked, reader, trader, elsewhere = (people[name] for name in ("mine", "stranger", "revoked", "reader", "trader", "elsewhere"))
    query = urlencode(dict(params) | {"timestamp": now(), "recvWindow": 5000})
    good = sign(mine["secretKey"], query)

    def raw(query, key=mine["apiKey"], **more):
        return lambda: wire.send(method, path, query, key, **more)

    def by(account, **change):
        return lambda: wire.signed(method, path, params, account, **change)

    bare = urlencode(params)
    yield "no key", raw(f"{query}&signature={good}", None), -2014
    yield "an empty key", raw(f"{query}&signature={good}", ""), -2014
    yield "a malformed key", raw(f"{query}&signature={good}", "not a key!"), -2014
    yield "an unknown key", raw(f"{query}&signature={good}", secrets.token_hex(32)), -2015
    yield "a revoked key", by(revoked), -2015
    yield "another's key with my signature", raw(f"{query}&signature={good}", stranger["apiKey"]), -1022
    yield "a key that is bound to another address", by(elsewhere), -2015
    if method != "GET":
        yield "a key that may only read", by(reader), -2015
    else:
        yield "a key that may only trade", by(trader), -2015
    yield "no signature", raw(query), -1102
    yield "an empty signature", raw(f"{query}&signature="), -1102
    yield "a short signature", raw(f"{query}&signature={good[:-2]}"), -1022
    yield "one wrong digit", raw(f"{query}&signature={good[:-1]}{'0' if good[-1] != '0' else '1'}"), -1022
    yield "the signature in upper case of another", raw(f"{query}&signature={sign(stranger['secretKey'], query).upper()}"), -1022
    yield "a signature of other parameters", raw(f"{query.replace('recvWindow=5000', 'recvWindow=5001')}&signature={good}"), -1022
    yield "the signature twice", raw(f"{query}&signature={good}&signature={good}"), -1101
    yield "a parameter behind the signature", raw(f"{query}&signature={good}&x=1"), -1022
    stale = urlencode(dict(params) | {"timestamp": now() - 10_000, "recvWindow": 5000})
    yield "a stale timestamp", raw(f"{stale}&signature={sign(mine['secretKey'], stale)}"), -1021
    early = urlencode(dict(params) | {"timestamp": now() + 60_000, "recvWindow": 5000})
    yield "a timestamp of the future", raw(f"{early}&signature={sign(mine['secretKey'], early)}"), -1021
    yield "no timestamp", raw(f"{bare}&signature={sign(mine['secretKey'], bare)}" if bare else f"signature={sign(mine['secretKey'], '')}"), -1102
    wide = urlencode(dict(params) | {"timestamp": now(), "recvWindow": 60_001})
    yield "a window that is too wide", raw(f"{wide}&signature={sign(mine['secretKey'], wide)}"), -1102
    extra = urlencode(dict(params) | {"timestamp": now(), "admin": "true"})
    yield "an unknown parameter", raw(f"{extra}&signature={sign(mine['secretKey'], extra)}"), -1104
    if method == "POST":
        # The boundary between query and body is not part of what is signed: a moved one must not mean something else.
        split = query.index("quantity=1") + len("quantity=") if "quantity=1" in query else None
        if split:
            yield "a value cut in two by the boundary", raw(query[:split], body=f"{query[split:]}&signature={good}"), -1105


def main():
    arguments = parse(60)
    verdicts = Verdicts()
    exchange = Exchange(arguments.binary, os.path.join(arguments.scratch, "data"), os.path.join(arguments.scratch, "exchange.log")).wait_ready()
    people = dict(zip(("mine", "stranger", "revoked"), exchange.market(SYMBOL, accounts=3)))
    money = {"balances": {"USDT": "1000000", "KEY": "1000000"}}
    people["reader"] = exchange.sandbox("POST", "/accounts", money | {"permissions": ["READ"]})
    people["trader"] = exchange.sandbox("POST", "/accounts", money | {"permissions": ["TRADE"]})
    people["elsewhere"] = exchange.sandbox("POST", "/accounts", money | {"ips": ["192.0.2.7"]})
    exchange.sandbox("DELETE", f"/keys/{people['revoked']['apiKey']}")
    client = Client(exchange, people["mine"])
    status, order = client.call("POST", "/api/v3/order", **ORDER)
    verdicts.check("an order of mine stands", status == 200, order)
    wire, before, tried = Wire(exchange), exchange.sandbox("GET", "/state")["digest"], 0
    for method, path, params, _ in ENDPOINTS:
        wrong = []
        for name, send, expected in attacks(wire, method, path, params, people):
            tried += 1
            status, answer = send()
            code = answer.get("code") if isinstance(answer, dict) else None
            if status < 400 or code != expected:
                wrong.append((name, status, answer))
            elif exchange.sandbox("GET", "/state")["digest"] != before:
                wrong.append((name, "changed the state"))
        verdicts.check(f"{method} {path}: refused, and nothing changed", not wrong, wrong[:3])
    # What belongs to another is not there for a stranger.
    stranger, wrong = people["stranger"], []
    for method, path, params, expected in [
        ("GET", "/api/v3/order", {"symbol": SYMBOL, "orderId": order["orderId"]}, -2013),
        ("GET", "/api/v3/order", {"symbol": SYMBOL, "origClientOrderId": order["clientOrderId"]}, -2013),
        ("DELETE", "/api/v3/order", {"symbol": SYMBOL, "orderId": order["orderId"]}, -2011),
        ("DELETE", "/api/v3/openOrders", {"symbol": SYMBOL}, -2011),
        ("PUT", "/api/v3/order/amend/keepPriority", {"symbol": SYMBOL, "orderId": order["orderId"], "newQty": "0.5"}, -2038),
    ]:
        status, answer = wire.signed(method, path, params, stranger)
        tried += 1
        if answer.get("code") != expected or exchange.sandbox("GET", "/state")["digest"] != before:
            wrong.append((method, path, status, answer))
    for path in ("/api/v3/openOrders", "/api/v3/allOrders", "/api/v3/myTrades"):
        status, answer = wire.signed("GET", path, {"symbol": SYMBOL}, stranger)
        tried += 1
        if (status, answer) != (200, []):
            wrong.append((path, status, answer))
    verdicts.check("what is mine is not there for a stranger", not wrong, wrong[:3])
    # The rule holds for him whose order it is.
    status, answer = wire.signed("DELETE", "/api/v3/order", {"symbol": SYMBOL, "orderId": order["orderId"]}, people["mine"])
    verdicts.check("and I may cancel it", (status, answer.get("status")) == (200, "CANCELED"), answer)
    verdicts.check("SIGTERM ends with 0", exchange.stop() == 0)
    print(json.dumps({"drill": "D25", "endpoints": len(ENDPOINTS), "attempts": tried, "unauthorised_effects": 0 if verdicts.failed == 0 else None, "pass": verdicts.failed == 0}))
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
