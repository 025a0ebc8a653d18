"""Nobody gets more than the limits grant, however he asks: with forged addresses, several keys, other spellings of a path, over REST and WebSocket.

Every answer that was not refused is counted with its documented weight in the minute (or the ten seconds) in which it was asked and answered; an
answer that lies across a boundary is counted in neither, so the count is never too high by accident.
"""

import hashlib
import hmac
import http.client
import json
import os
import random
import secrets
import time
from collections import Counter

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

from exchange import Exchange, Verdicts, flush_exit, parse, signed

SYMBOL = "LIMUSDT"
# exchangeInfo: the weight of a request, and what an address may ask for in a minute.
WEIGHT, A_MINUTE = 20, 6000
# Orders that are not filled, of an account.
IN_TEN_SECONDS = 100
TOLERANCE = 1.02


class Door:
    """One address, two ways in."""

    def __init__(self, exchange):
        self.exchange, self.socket = exchange, None
        self.connection = http.client.HTTPConnection(exchange.host, exchange.port, timeout=60)

    def rest(self, method, path, headers=None):
        try:
            self.connection.request(method, path, headers=headers or {})
            answer = self.connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            return 0, {}, {}
        try:
            body = json.loads(text)
        except ValueError:
            body = {}
        return answer.status, body, answer.headers

    def ws(self, method, params):
        """The WebSocket API's answer; status 0: the connection was closed or not given."""
        try:
            if self.socket is None:
                self.socket = connect(self.exchange.ready["wsapi"], compression=None, max_size=None).__enter__()
            self.socket.send(json.dumps({"id": 1, "method": method, "params": params}))
            answer = json.loads(self.socket.recv(timeout=60))
        except InvalidStatus as refused:
            return refused.response.status_code, {}
        except (OSError, EOFError, WebSocketException):
            self.socket = None
            return 0, {}
        return answer["status"], answer.get("result") or answer.get("error", {})


class Counts:
    """What was granted, by window."""

    def __init__(self, seconds):
        self.seconds, self.windows, self.straddled = seconds, Counter(), 0

    def take(self, asked, amount):
        first, last = int(asked // self.seconds), int(time.time() // self.seconds)
        if first == last:
            self.windows[first] += amount
        else:
            self.straddled += amount

    def most(self):
        return max(self.windows.values(), default=0)


def forged(rng):
    """Headers in which a proxy would tell another address."""
    address = f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
    v6 = f"2001:db8:{rng.randrange(65536):x}:{rng.randrange(65536):x}::1"
    names = ["X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP"]
    name = rng.choice(names)
    value = rng.choice([address, v6, f"{address}, 127.0.0.1"])
    return {name: f"for={value}" if name == "Forwarded" else value}


def ways(door, rng, keys):
    """The ways of asking for exchangeInfo: each answers a status and whether it gave what was asked for."""
    path = "/api/v3/exchangeInfo"

    def rest(method, path, headers=None):
        status, body, _ = door.rest(method, path, headers)
        return status, status == 200 and (method != "GET" or "symbols" in body)

    def ws():
        status, body = door.ws("exchangeInfo", {})
        return status, status == 200 and "symbols" in body

    return {
        "plain": lambda: rest("GET", path),
        "a forged address": lambda: rest("GET", path, forged(rng)),
        "a key": lambda: rest("GET", path, {"X-MBX-APIKEY": rng.choice(keys)}),
        "a path in other letters": lambda: rest("GET", "/API/v3/exchangeinfo"),
        "an encoded path": lambda: rest("GET", "/api/v3/%65xchangeInfo"),
        "a path with more slashes": lambda: rest("GET", "//api/v3/exchangeInfo/"),
        "HEAD": lambda: rest("HEAD", path),
        "OPTIONS": lambda: rest("OPTIONS", path),
        "the WebSocket API": ws,
    }


def weights(exchange, rng, keys, verdicts):
    """Asks in every way at random until refused, and then goes on until banned."""
    door, counts, given, refused, asked_for = Door(exchange), Counts(60), Counter(), Counter(), 0
    every = ways(door, rng, keys)
    while refused[429] == 0 and asked_for < 5000:
        asked_for += 1
        name, asked = rng.choice(list(every)), time.time()
        status, good = every[name]()
        if good:
            given[name] += 1
            counts.take(asked, WEIGHT)
        elif status in (429, 418):
            refused[status] += 1
    verdicts.check(f"weight granted in a minute at most {A_MINUTE}: {counts.most()}", refused[429] and counts.most() <= A_MINUTE * TOLERANCE, given)
    verdicts.check("the limit is not less than it says", counts.most() + counts.straddled >= A_MINUTE * 0.5, (counts.windows, given))
    # Who does not listen is banned, whatever address he tells.
    headers, tries = {}, 0
    while refused[418] == 0 and tries < 5000:
        tries += 1
        status, _, headers = door.rest("GET", "/api/v3/exchangeInfo", forged(rng))
        refused[status] += 1
    verdicts.check(f"who goes on is banned, after {tries} more", refused[418] > 0, refused)
    wait = int(headers.get("Retry-After") or 0) if refused[418] else 0
    verdicts.check("and told for how long: two minutes at first", 60 < wait <= 120, wait)
    through = [name for name, way in ways(Door(exchange), rng, keys).items() if way()[1]]
    verdicts.check("and no way in is left to the banned", not through, through)
    return counts.most(), dict(given)


def orders(exchange, rng, people, verdicts):
    """Places orders with two keys of one account, over REST and the WebSocket API, until refused."""
    door, counts, codes, number = Door(exchange), Counts(10), Counter(), 0
    while codes[-1015] == 0 and number < 2000:
        number += 1
        one, asked = rng.choice(people), time.time()
        order = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": f"{50 + number % 40}.00", "quantity": "0.1"}
        order |= {"newClientOrderId": f"m{secrets.token_hex(12)}", "timestamp": int(time.time() * 1000), "recvWindow": 60000}
        if rng.random() < 0.5:
            status, body, _ = door.rest("POST", f"/api/v3/order?{signed(one['secretKey'], order)}", {"X-MBX-APIKEY": one["apiKey"]} | forged(rng))
        else:
            order["apiKey"] = one["apiKey"]
            text = "&".join(f"{name}={order[name]}" for name in sorted(order))
            order["signature"] = hmac.new(one["secretKey"].encode(), text.encode(), hashlib.sha256).hexdigest()
            status, body = door.ws("order.place", order)
        if status == 200:
            counts.take(asked, 1)
            codes[0] += 1
        else:
            codes[body.get("code")] += 1
    name = f"orders of one account in ten seconds at most {IN_TEN_SECONDS}, by two keys and two doors: {counts.most()}"
    verdicts.check(name, codes[-1015] and counts.most() <= IN_TEN_SECONDS * TOLERANCE, codes)
    verdicts.check("and orders were refused for nothing else", set(codes) <= {0, -1015} and codes[0] >= IN_TEN_SECONDS // 2, codes)
    return counts.most()


def main():
    arguments = parse(60)
    rng, verdicts, rounds, began = random.Random(arguments.seed), Verdicts(), 0, time.monotonic()
    most, given, most_orders = 0, Counter(), 0
    while rounds == 0 or time.monotonic() - began < arguments.budget:
        rounds += 1
        data, log = os.path.join(arguments.scratch, f"data{rounds}"), os.path.join(arguments.scratch, "exchange.log")
        exchange = Exchange(arguments.binary, data, log, durability="os", more=["--limits", "binance"]).wait_ready()
        [one] = exchange.market(SYMBOL, accounts=1)
        other = exchange.sandbox("POST", f"/accounts/{one['accountId']}/keys", {})
        most_orders = max(most_orders, orders(exchange, rng, [one, other], verdicts))
        granted, by_way = weights(exchange, rng, [one["apiKey"], other["apiKey"]], verdicts)
        most, given = max(most, granted), given + Counter(by_way)
        verdicts.check("SIGTERM ends with 0", exchange.stop() == 0)
    figures = {"drill": "D22", "seed": arguments.seed, "rounds": rounds, "weight_in_a_minute": most, "of": A_MINUTE, "granted": dict(given)}
    figures |= {"orders_in_ten_seconds": most_orders, "of_orders": IN_TEN_SECONDS}
    print(json.dumps(figures | {"pass": verdicts.failed == 0}))
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
