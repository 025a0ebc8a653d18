"""What clients see, in real time: sixteen of them place, cancel and ask about each other's orders over REST and the WebSocket API, while the exchange
is killed again and again. Each order is a register that only goes forward: absent, open with what was executed, ended. A read that
begins after another read or acknowledgement has returned must not show an older state; how an order ended never changes.

The histories carry the moments of asking and of answering, so that only what really came later is compared.
"""

import hashlib
import hmac
import json
import os
import random
import secrets
import threading
import time
from collections import Counter, defaultdict
from decimal import Decimal

from websockets.sync.client import connect

from exchange import Client, Exchange, Verdicts, flush_exit, parse, verify

SYMBOL = "REGUSDT"
CLIENTS = 16
OPEN = ("NEW", "PARTIALLY_FILLED")


def rank(state):
    """How far an order is: `None` is absent."""
    if state is None:
        return (0, Decimal(0))
    status, executed = state
    return (1 if status in OPEN else 2, Decimal(executed))


def anomalies(history):
    """What a history of one order shows that no order can have: `(asked, answered, state)` for each observation."""
    found, known, answers = [], None, sorted(history, key=lambda one: one[1])
    place = 0
    ends = {state for _, _, state in history if rank(state)[0] == 2}
    if len(ends) > 1:
        found.append(f"ended in two ways: {sorted(ends)}")
    for asked, _, state in sorted(history, key=lambda one: one[0]):
        while place < len(answers) and answers[place][1] < asked:
            known = max(known or answers[place][2], answers[place][2], key=rank)
            place += 1
        if rank(state) < rank(known):
            found.append(f"{known} was known before {state} was read")
    return found


def self_test(verdicts):
    """Histories that are right, and some that are not."""
    new, part, filled, canceled = ("NEW", "0"), ("PARTIALLY_FILLED", "1"), ("FILLED", "2"), ("CANCELED", "1")
    cases = [
        ("forward", [(0, 1, new), (2, 3, part), (4, 5, filled)], 0),
        ("at the same time in any order", [(0, 5, part), (1, 4, new)], 0),
        ("unknown before it was placed", [(0, 1, None), (2, 3, new)], 0),
        ("gone after the acknowledgement", [(0, 1, new), (2, 3, None)], 1),
        ("less executed than before", [(0, 1, part), (2, 3, new)], 1),
        ("open again", [(0, 1, canceled), (2, 3, part)], 1),
        ("ended in two ways", [(0, 1, canceled), (0, 1, filled)], 1),
    ]
    for title, history, expected in cases:
        verdicts.check(f"the judge on a made-up history: {title}", len(anomalies(history)) == expected, anomalies(history))


class Socket:
    """The WebSocket API with the calls of `Client`."""

    METHODS = {"POST": "order.place", "DELETE": "order.cancel", "GET": "order.status"}

    def __init__(self, exchange, account):
        self.key, self.secret = account["apiKey"], account["secretKey"]
        self.connection = connect(exchange.ready["wsapi"], compression=None, max_size=None, open_timeout=30).__enter__()

    def call(self, method, _path, **params):
        params |= {"apiKey": self.key, "timestamp": int(time.time() * 1000), "recvWindow": 60000}
        text = "&".join(f"{name}={params[name]}" for name in sorted(params))
        params["signature"] = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        self.connection.send(json.dumps({"id": 1, "method": self.METHODS[method], "params": params}))
        answer = json.loads(self.connection.recv(timeout=60))
        return answer["status"], answer.get("result") or answer["error"]


class Venue:
    """The exchange as it is now; it is replaced when it was killed."""

    def __init__(self, exchange):
        self.exchange, self.ended = exchange, threading.Event()


class Records:
    def __init__(self):
        self.lock = threading.Lock()
        self.seen, self.names, self.count, self.silent, self.refused = defaultdict(list), [], Counter(), 0, Counter()

    def note(self, kind, name, asked, state):
        answered = time.monotonic()
        with self.lock:
            self.count[kind] += 1
            self.seen[name].append((asked, answered, state))

    def pick(self, rng):
        with self.lock:
            recent = self.names[-64:]
            return rng.choice(recent if rng.random() < 0.8 else self.names) if self.names else None


def operate(records, call, rng, owner):
    """One operation; what it shows of an order is noted."""
    what, picked = rng.random(), records.pick(rng)
    if what < 0.35 or picked is None:
        name, asked = f"r{secrets.token_hex(12)}", time.monotonic()
        price = f"{100 + rng.randrange(-4, 5) / 100:.2f}"
        with records.lock:
            records.names.append((owner, name))
        order = {"side": rng.choice(["BUY", "SELL"]), "type": "LIMIT", "timeInForce": "GTC", "price": price, "quantity": f"{rng.randrange(1, 9)}"}
        order |= {"newClientOrderId": name, "selfTradePreventionMode": "NONE", "newOrderRespType": "RESULT"}
        status, body = call(owner, "POST", "/api/v3/order", symbol=SYMBOL, **order)
        if status != 200:
            records.refused[body.get("code")] += 1
            return
        records.note("place", name, asked, (body["status"], body["executedQty"]))
        return
    who, name = picked
    asked = time.monotonic()
    method = "DELETE" if what < 0.5 else "GET"
    status, body = call(who, method, "/api/v3/order", symbol=SYMBOL, origClientOrderId=name)
    if status == 200:
        records.note("cancel" if method == "DELETE" else "query", name, asked, (body["status"], body["executedQty"]))
    elif method == "GET" and body["code"] == -2013:
        records.note("query", name, asked, None)
    elif method == "GET" or body["code"] != -2011:
        records.refused[body.get("code")] += 1


def client(venue, accounts, number, seed, records):
    """Places for one account, and looks at every account's orders; connects again when the exchange was killed."""
    rng, kind, doors, exchange = random.Random(seed), Socket if number % 2 else Client, {}, None
    owner = number % len(accounts)

    def call(who, *args, **params):
        if who not in doors:
            doors[who] = kind(exchange, accounts[who])
        return doors[who].call(*args, **params)

    while not venue.ended.is_set():
        if venue.exchange is not exchange:
            exchange, doors = venue.exchange, {}
        if exchange is None:
            time.sleep(0.01)
            continue
        try:
            operate(records, call, rng, owner)
        except Exception:  # noqa: BLE001 - the kill, in one of its many shapes
            records.silent += 1
            doors.clear()
            time.sleep(0.01)


def main():
    arguments = parse(300)
    rng, verdicts, records = random.Random(arguments.seed), Verdicts(), Records()
    self_test(verdicts)
    data, log = os.path.join(arguments.scratch, "data"), os.path.join(arguments.scratch, "exchange.log")
    venue = Venue(Exchange(arguments.binary, data, log).wait_ready())
    accounts = venue.exchange.market(SYMBOL, accounts=4)
    threads = [threading.Thread(target=client, args=(venue, accounts, n, rng.random(), records), daemon=True) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    began, kills = time.monotonic(), 0
    while kills < 2 or time.monotonic() - began < arguments.budget:
        time.sleep(rng.uniform(0.5, 3.0))
        exchange, venue.exchange = venue.exchange, None
        exchange.kill()
        kills += 1
        venue.exchange = Exchange(arguments.binary, data, log).wait_ready()
    time.sleep(1)
    venue.ended.set()
    for thread in threads:
        thread.join(timeout=120)
    exchange = venue.exchange
    # The last word on each order.
    executed, known, twice = Counter(), set(), []
    for account in accounts:
        for order in Client(exchange, account).all_orders(SYMBOL):
            now, name = time.monotonic(), order["clientOrderId"]
            if name in known:
                twice.append(name)
            known.add(name)
            executed[order["side"]] += Decimal(order["executedQty"])
            records.seen[name].append((now, now, (order["status"], order["executedQty"])))
    now = time.monotonic()
    for name in records.seen.keys() - known:
        records.seen[name].append((now, now, None))
    wrong = {name: found for name, history in records.seen.items() if (found := anomalies(history))}
    operations = sum(records.count.values())
    verdicts.check(f"{operations} operations on {len(records.seen)} orders over {kills} kills: no anomaly", not wrong, list(wrong.items())[:3])
    verdicts.check("no name twice", not twice, twice[:3])
    verdicts.check("as much was bought as sold", executed["BUY"] == executed["SELL"] > 0, executed)
    verdicts.check("every kind of operation happened", all(records.count[kind] > 20 for kind in ("place", "cancel", "query")), records.count)
    verdicts.check("nothing was refused for another reason", not records.refused, records.refused)
    state = exchange.sandbox("GET", "/state")
    verdicts.check("audit ok", state["audit"] == "ok", state)
    verdicts.check("SIGTERM ends with 0, and the folder verifies", exchange.stop() == 0 and verify(arguments.binary, data)[0] == 0)
    figures = {"drill": "D16", "seed": arguments.seed, "clients": CLIENTS, "kills": kills, "operations": operations, "by_kind": dict(records.count)}
    figures |= {"orders": len(records.seen), "unanswered": records.silent, "anomalies": len(wrong)}
    print(json.dumps(figures | {"pass": verdicts.failed == 0}))
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
