"""SIGKILL during load, many times over on one data folder.

Two accounts place orders over HTTP, each with a client order id of its own, some of which trade with each other and some
of which are canceled. The oracle (this program) logs what it sends and what is acknowledged. After each kill the folder
is verified (checksums, chain, re-execution), the exchange is started again, sometimes killed while it recovers, and:

- every acknowledged order is there exactly once, with the id, price and quantity that were acknowledged;
- every order without an answer is there at most once;
- every acknowledged cancel still holds;
- the digest after recovery is the one that verification computed, and the full audit is clean.
"""

import json
import os
import random
import secrets
import statistics
import threading
import time
from collections import Counter

from exchange import Client, Exchange, Verdicts, flush_exit, parse, verify

SYMBOL = "KILUSDT"
WORKERS = 8


class Oracle:
    """What was sent and what was answered, also in a log of its own that is synced before every kill is judged."""

    def __init__(self, path):
        self.file = open(path, "a")
        self.lock = threading.Lock()
        self.sent, self.acked, self.canceled = {}, {}, set()

    def note(self, kind, key, value):
        with self.lock:
            self.file.write(json.dumps([kind, key, value]) + "\n")

    def sync(self):
        with self.lock:
            self.file.flush()
            os.fsync(self.file.fileno())


def worker(exchange, account, number, seed, stop, oracle):
    """Places, and now and then cancels, until the exchange is gone."""
    rng = random.Random(seed)
    client = Client(exchange, account)
    mine = []
    try:
        while not stop.is_set():
            if mine and rng.random() < 0.15:
                order = mine.pop(rng.randrange(len(mine)))
                status, body = client.call("DELETE", "/api/v3/order", symbol=SYMBOL, orderId=order)
                if status == 200:
                    oracle.note("canceled", order, body["status"])
                    oracle.canceled.add((number % 2, order))
                continue
            name = f"k{secrets.token_hex(12)}"
            crossing = rng.random() < 0.2
            side = "BUY" if number % 2 == 0 else "SELL"
            base = 10_000 if crossing else (9_950 if side == "BUY" else 10_050)
            price = f"{(base + rng.randrange(-40, 40)) / 100:.2f}"
            quantity = f"{rng.randrange(1, 2000) / 1000:.3f}"
            oracle.sent[name] = (number % 2, price, quantity)
            oracle.note("sent", name, [price, quantity])
            status, body = client.call(
                "POST", "/api/v3/order", symbol=SYMBOL, side=side, type="LIMIT", timeInForce="GTC", quantity=quantity, price=price, newClientOrderId=name
            )
            if status == 200:
                oracle.note("acked", name, body["orderId"])
                oracle.acked[name] = body["orderId"]
                if body["status"] == "NEW":
                    mine.append(body["orderId"])
            else:
                oracle.note("refused", name, body)
                oracle.sent.pop(name)
    except (OSError, ValueError):
        pass  # the kill
    except Exception as error:  # noqa: BLE001
        if not stop.is_set():
            oracle.note("worker", number, repr(error))


def judge(verdicts, name, exchange, accounts, oracle):
    """Compares what the exchange knows with what the oracle was told."""
    by_name, by_id = Counter(), {}
    for side, account in enumerate(accounts):
        for order in Client(exchange, account).all_orders(SYMBOL):
            by_name[(side, order["clientOrderId"])] += 1
            by_id[(side, order["orderId"])] = order
    lost, doubled, changed, uncanceled = [], [], [], []
    for key, (side, price, quantity) in oracle.sent.items():
        count = by_name[(side, key)]
        if count > 1:
            doubled.append(key)
        if key not in oracle.acked:
            continue
        order = by_id.get((side, oracle.acked[key]))
        if order is None or count == 0:
            lost.append(key)
        elif (float(order["price"]), float(order["origQty"]), order["clientOrderId"]) != (float(price), float(quantity), key):
            changed.append((key, order))
    for side, number in oracle.canceled:
        order = by_id.get((side, number))
        if order is None or order["status"] != "CANCELED":
            uncanceled.append((number, order and order["status"]))
    verdicts.check(f"{name}: acknowledged orders lost 0 of {len(oracle.acked)}", not lost, lost[:3])
    verdicts.check(f"{name}: orders doubled 0 of {len(oracle.sent)} sent", not doubled, doubled[:3])
    verdicts.check(f"{name}: ids, prices and quantities as acknowledged", not changed, changed[:2])
    verdicts.check(f"{name}: acknowledged cancels hold, {len(oracle.canceled)}", not uncanceled, uncanceled[:3])


def main():
    arguments = parse(0, kills={"type": int, "default": 5, "help": "at least so many; as many more as fit into the budget"})
    seed = arguments.seed
    print(f"seed {seed}: `cargo x drill D01 --budget {arguments.budget:.0f} --seed {seed}` kills at the same moments")
    rng = random.Random(seed)
    data, log = os.path.join(arguments.scratch, "data"), os.path.join(arguments.scratch, "exchange.log")
    verdicts, oracle = Verdicts(), Oracle(os.path.join(arguments.scratch, "oracle.log"))
    exchange = Exchange(arguments.binary, data, log).wait_ready()
    accounts = exchange.market(SYMBOL)
    recoveries = []
    began, kill = time.monotonic(), 0
    while kill < arguments.kills or time.monotonic() - began < arguments.budget:
        kill += 1
        stop = threading.Event()
        threads = [threading.Thread(target=worker, args=(exchange, accounts[n % 2], n, rng.random(), stop, oracle), daemon=True) for n in range(WORKERS)]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.020, 1.500))
        exchange.kill()
        stop.set()
        for thread in threads:
            thread.join(timeout=120)
        oracle.sync()
        code, text, digest = verify(arguments.binary, data)
        verdicts.check(f"kill {kill}: highwater verify accepts the folder", code == 0 and digest, f"exit {code}: {text[-500:]}")
        exchange = Exchange(arguments.binary, data, log)
        if rng.random() < 0.2:
            time.sleep(rng.uniform(0, 0.3))
            exchange.kill()  # during recovery
            exchange = Exchange(arguments.binary, data, log)
        exchange.wait_ready()
        recoveries.append(exchange.seconds)
        state = exchange.sandbox("GET", "/state")
        verdicts.check(f"kill {kill}: audit ok", state["audit"] == "ok", state)
        verdicts.check(f"kill {kill}: digest after recovery equals the verified one", state["digest"] == digest, f"{state['digest']} and {digest}")
        judge(verdicts, f"kill {kill}", exchange, accounts, oracle)
    verdicts.check("enough was acknowledged for the drill to mean something", len(oracle.acked) > 20 * kill, len(oracle.acked))
    verdicts.check("SIGTERM ends with 0", exchange.stop() == 0)
    recoveries.sort()
    figures = {
        "drill": "D01",
        "seed": seed,
        "kills": kill,
        "sent": len(oracle.sent),
        "acknowledged": len(oracle.acked),
        "canceled": len(oracle.canceled),
        "recovery_s": {"p50": round(statistics.median(recoveries), 3), "max": round(recoveries[-1], 3)},
        "loss_per_kill_below": f"{min(100.0, 300 / kill):.1f} % with 95 % confidence",
        "pass": verdicts.failed == 0,
    }
    print(json.dumps(figures))
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
