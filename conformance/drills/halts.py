"""The operator stops trading, and it is stopped: symbol by symbol, everywhere, and for one member; and orders far from the market are not taken at all.

Two members keep orders on many symbols and trade. Then, under that load: every symbol is set to CANCEL_ONLY, one member cancels everything, every symbol
is halted, and at last trading is resumed. After the answer to each step nothing that it forbids may happen. What happened is read from order ids and trade ids,
which the exchange gives in order.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from urllib.request import urlopen

from exchange import Client, Exchange, Verdicts, flush_exit, parse

SYMBOLS = [f"HAL{number:02}USDT" for number in range(50)]
COLLARS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000"},
    {"filterType": "LOT_SIZE", "minQty": "0.01", "maxQty": "1000"},
    {"filterType": "NOTIONAL", "minNotional": "10", "applyMinToMarket": True, "maxNotional": "50000", "applyMaxToMarket": True, "avgPriceMins": 0},
    {"filterType": "PERCENT_PRICE", "multiplierUp": "1.2", "multiplierDown": "0.8", "avgPriceMins": 0},
]
BEYOND = {
    "a price above the collar": {"price": "130.00", "quantity": "1"},
    "a price below the collar": {"price": "70.00", "quantity": "1"},
    "a price above the highest": {"price": "2000.00", "quantity": "0.5"},
    "too much": {"price": "100.00", "quantity": "1000.01"},
    "worth too much": {"price": "100.00", "quantity": "501"},
    "worth too little": {"price": "100.00", "quantity": "0.01"},
}


def load(exchange, account, seed, ended, codes):
    """Places and cancels everywhere, whatever it is answered."""
    rng, client = random.Random(seed), Client(exchange, account)
    while not ended.is_set():
        symbol = rng.choice(SYMBOLS)
        price = f"{100 + rng.randrange(-30, 31) / 100:.2f}"
        order = {"side": rng.choice(["BUY", "SELL"]), "type": "LIMIT", "timeInForce": "GTC", "price": price, "quantity": "1"}
        _, body = client.call("POST", "/api/v3/order", symbol=symbol, **order)
        codes[body.get("code", 0)] += 1


def stand(exchange, account, count):
    """So many orders of a member on each symbol, away from the market."""

    def some(symbols):
        client = Client(exchange, account)
        for symbol in symbols:
            for number in range(count):
                order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": f"{60 - number / 100:.2f}", "quantity": "1"}
                client.call("POST", "/api/v3/order", symbol=symbol, **order)

    threads = [threading.Thread(target=some, args=(SYMBOLS[part::8],)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def newest(exchange, clients):
    """The newest order of each member and the newest trade, of each symbol."""
    found = {}
    for symbol in SYMBOLS:
        orders = [client.call("GET", "/api/v3/allOrders", symbol=symbol, limit=1)[1] for client in clients]
        trades = clients[0].call("GET", "/api/v3/myTrades", symbol=symbol, limit=1)[1]
        found[symbol] = ([page[-1]["orderId"] if page else 0 for page in orders], trades[-1]["id"] if trades else -1)
    return found


def set_all(exchange, status):
    """Sets every symbol, and answers how long that took."""
    began = time.monotonic()
    for symbol in SYMBOLS:
        exchange.sandbox("PUT", f"/symbols/{symbol}", {"status": status})
    return time.monotonic() - began


def cancel_everything(client):
    began, gone = time.monotonic(), 0
    for symbol in SYMBOLS:
        status, body = client.call("DELETE", "/api/v3/openOrders", symbol=symbol)
        gone += len(body) if status == 200 else 0
    return gone, time.monotonic() - began


def collars(exchange, client, verdicts):
    """Nothing beyond the collars is taken."""
    symbol, taken = SYMBOLS[0], []
    client.call("POST", "/api/v3/order", symbol=symbol, side="BUY", type="LIMIT", timeInForce="GTC", price="100.00", quantity="0.5")
    with urlopen(f"http://{exchange.host}:{exchange.port}/api/v3/exchangeInfo?symbol={symbol}", timeout=30) as answer:
        [market] = json.load(answer)["symbols"]
    # Its tick and its step stay what they are.
    now = {one["filterType"]: one for one in market["filters"]}
    exchange.sandbox("PUT", f"/symbols/{symbol}", {"filters": [now.get(one["filterType"], {}) | one for one in COLLARS]})
    for name, order in BEYOND.items():
        for side in ("BUY", "SELL"):
            status, body = client.call("POST", "/api/v3/order", symbol=symbol, side=side, type="LIMIT", timeInForce="GTC", **order)
            if status != 400 or body["code"] != -1013:
                taken.append((name, side, body))
    verdicts.check(f"beyond the collars taken 0 of {2 * len(BEYOND)}", not taken, taken[:3])
    status, body = client.call("POST", "/api/v3/order", symbol=symbol, side="BUY", type="LIMIT", timeInForce="GTC", price="100.00", quantity="1")
    verdicts.check("an order within them is taken", status == 200, body)


def main():
    arguments = parse(60)
    rng, verdicts = random.Random(arguments.seed), Verdicts()
    exchange = Exchange(arguments.binary, os.path.join(arguments.scratch, "data"), os.path.join(arguments.scratch, "exchange.log")).wait_ready()
    for symbol in SYMBOLS:
        exchange.sandbox("POST", "/symbols", {"symbol": symbol, "baseAsset": symbol.removesuffix("USDT"), "quoteAsset": "USDT"})
    money = {"USDT": "1000000000"} | {symbol.removesuffix("USDT"): "1000000000" for symbol in SYMBOLS}
    accounts = [exchange.sandbox("POST", "/accounts", {"balances": money}) for _ in range(2)]
    clients = [Client(exchange, account) for account in accounts]
    stand(exchange, accounts[0], 150 if arguments.budget >= 30 else 10)
    codes, ended = Counter(), threading.Event()
    threads = [threading.Thread(target=load, args=(exchange, account, rng.random(), ended, codes)) for account in accounts for _ in range(2)]
    for thread in threads:
        thread.start()
    slowest, gone, rounds, began = Counter(), 0, 0, time.monotonic()
    while rounds == 0 or time.monotonic() - began < arguments.budget:
        rounds += 1
        time.sleep(rng.uniform(0.5, 2.0))
        before = codes[0]
        slowest["cancel only"] = max(slowest["cancel only"], set_all(exchange, "CANCEL_ONLY"))
        first = newest(exchange, clients)
        canceled, seconds = cancel_everything(clients[0])
        gone, slowest["a member's orders"] = gone + canceled, max(slowest["a member's orders"], seconds)
        left = clients[0].call("GET", "/api/v3/openOrders")[1]
        verdicts.check(f"round {rounds}: canceled {canceled} orders of one member, left 0", not left and canceled > 0, left[:2])
        slowest["halt"] = max(slowest["halt"], set_all(exchange, "HALT"))
        time.sleep(0.2)
        second = newest(exchange, clients)
        moved = {symbol: (first[symbol], second[symbol]) for symbol in SYMBOLS if first[symbol] != second[symbol]}
        verdicts.check(f"round {rounds}: after {codes[0] - before} orders, accepted 0 and filled 0 while stopped", not moved, list(moved.items())[:2])
        slowest["resume"] = max(slowest["resume"], set_all(exchange, "TRADING"))
        before, deadline = codes[0], time.monotonic() + 30
        while codes[0] == before and time.monotonic() < deadline:
            time.sleep(0.01)
        verdicts.check(f"round {rounds}: trading goes on", codes[0] > before)
    ended.set()
    for thread in threads:
        thread.join()
    collars(exchange, clients[1], verdicts)
    verdicts.check("what was refused, was refused as a closed market", set(codes) <= {0, -1013, -2010} and len(codes) > 1, codes)
    state = exchange.sandbox("GET", "/state")
    verdicts.check("audit ok", state["audit"] == "ok", state)
    verdicts.check("SIGTERM ends with 0", exchange.stop() == 0)
    figures = {"drill": "D23", "seed": arguments.seed, "rounds": rounds, "symbols": len(SYMBOLS), "orders": codes[0], "refused": sum(codes.values()) - codes[0]}
    figures |= {"canceled": gone, "slowest_s": {name: round(seconds, 3) for name, seconds in slowest.items()}}
    print(json.dumps(figures | {"pass": verdicts.failed == 0}))
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
