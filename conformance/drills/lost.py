"""Answers are lost on the way: a proxy drops a share of them. The client asks again with the same client order id, then asks what became of it.

The public API lets a name be used again once its order is no longer open, so a retry after a *fill* is a new order: a client that must not trade
twice asks first. The drill has both kinds of clients:

- careful: after silence it queries; only an unknown order is sent again. Executed twice: 0, whatever happens;
- hasty: it sends again at once. An open order is refused as a duplicate (-2010), so nothing rests twice.
"""

import json
import os
import random
import secrets
import socket
import threading
import time
from collections import Counter
from exchange import Client, Exchange, Verdicts, flush_exit, parse, signed

SYMBOL = "LOSUSDT"


class Proxy(threading.Thread):
    """One request and one answer for each connection; drops some requests before, and some answers after, they arrive."""

    def __init__(self, exchange, seed, share):
        super().__init__(daemon=True)
        self.target, self.rng, self.share = (exchange.host, exchange.port), random.Random(seed), share
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        self.dropped = Counter()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            fate = self.rng.random()
            threading.Thread(target=self.one, args=(client, fate), daemon=True).start()

    def one(self, client, fate):
        with client:
            try:
                request = client.recv(65536)
                if fate < self.share / 4:
                    self.dropped["requests"] += 1
                    return
                with socket.create_connection(self.target, timeout=30) as server:
                    server.sendall(request)
                    answer = server.recv(65536)
                if fate < self.share:
                    self.dropped["answers"] += 1
                    return
                client.sendall(answer)
            except OSError:
                return


def call(port, account, method, path, **params):
    """A request on a connection of its own; `None` when no answer came."""
    params |= {"timestamp": int(time.time() * 1000), "recvWindow": 60000}
    head = f"{method} {path}?{signed(account['secretKey'], params)} HTTP/1.1\r\nHost: x\r\nX-MBX-APIKEY: {account['apiKey']}\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(head.encode())
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
    except OSError:
        return None
    if not answer:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def insist(port, account, method, path, **params):
    """Asks a question until it is answered."""
    while True:
        answer = call(port, account, method, path, **params)
        if answer is not None:
            return answer


def trader(port, account, seed, careful, count, told):
    rng = random.Random(seed)
    for _ in range(count):
        name = f"l{secrets.token_hex(12)}"
        order = {"symbol": SYMBOL, "side": "BUY", "newClientOrderId": name, "quantity": "1"}
        # Some take at once, some rest.
        order |= {"type": "MARKET"} if rng.random() < 0.5 else {"type": "LIMIT", "timeInForce": "GTC", "price": "50.00"}
        rests = order["type"] == "LIMIT"
        answer, tries = None, 0
        while answer is None and tries < 20:
            tries += 1
            answer = call(port, account, "POST", "/api/v3/order", **order)
            if answer is None and careful:
                status, body = insist(port, account, "GET", "/api/v3/order", symbol=SYMBOL, origClientOrderId=name)
                if status == 200:
                    answer = (200, body)
            elif answer is None and not rests:
                break  # a hasty client does not repeat what may have traded
        told.append((name, rests, tries, answer))


def main():
    arguments = parse(60)
    seed = arguments.seed
    rng, verdicts = random.Random(seed), Verdicts()
    exchange = Exchange(arguments.binary, os.path.join(arguments.scratch, "data"), os.path.join(arguments.scratch, "exchange.log")).wait_ready()
    maker, careful, hasty = exchange.market(SYMBOL, accounts=3)
    status, body = Client(exchange, maker).call(
        "POST", "/api/v3/order", symbol=SYMBOL, side="SELL", type="LIMIT", timeInForce="GTC", quantity="1000000", price="100.00"
    )
    verdicts.check("there is something to buy", status == 200, body)
    proxy = Proxy(exchange, rng.random(), 0.2)
    proxy.start()
    told, began, rounds = {"careful": [], "hasty": []}, time.monotonic(), 0
    while rounds == 0 or time.monotonic() - began < arguments.budget:
        rounds += 1
        threads = [
            threading.Thread(target=trader, args=(proxy.port, account, rng.random(), name == "careful", 40, told[name]))
            for name, account in (("careful", careful), ("hasty", hasty))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name, account in (("careful", careful), ("hasty", hasty)):
        count = Counter(order["clientOrderId"] for order in Client(exchange, account).all_orders(SYMBOL))
        twice = [one for one, *_ in told[name] if count[one] > 1]
        verdicts.check(f"{name}: placed or executed twice 0 of {len(told[name])}", not twice, twice[:3])
        if name == "careful":
            missing = [one for one, _, _, answer in told[name] if answer and answer[0] == 200 and count[one] != 1]
            verdicts.check("careful: every order that it knows of is there once", not missing, missing[:3])
            open_end = [one for one, _, _, answer in told[name] if answer is None]
            verdicts.check("careful: nothing is left unknown", not open_end, open_end[:3])
        else:
            repeated = [answer for _, rests, tries, answer in told[name] if rests and tries > 1 and answer]
            refused = [answer for answer in repeated if answer[0] == 400]
            good = all(answer[1]["code"] == -2010 and "Duplicate" in answer[1]["msg"] for answer in refused)
            verdicts.check(f"hasty: {len(refused)} repetitions of open orders are refused as duplicates", good and refused, refused[:2])
    verdicts.check("answers and requests were dropped", proxy.dropped["answers"] > 0 and proxy.dropped["requests"] > 0, proxy.dropped)
    state = exchange.sandbox("GET", "/state")
    verdicts.check("audit ok", state["audit"] == "ok", state)
    verdicts.check("SIGTERM ends with 0", exchange.stop() == 0)
    sent = sum(len(rows) for rows in told.values())
    figures = {"drill": "D29", "seed": seed, "orders": sent, "dropped": dict(proxy.dropped), "twice": 0 if verdicts.failed == 0 else None}
    print(json.dumps(figures | {"pass": verdicts.failed == 0}))
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
