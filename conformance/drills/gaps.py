"""Market data arrives damaged: a proxy drops, doubles and swaps frames and cuts connections. Clients that follow the documented recipe recover.

- A local book is built from `depth` and the diff stream; a missing update is seen by its number, and the book is begun again. Whenever the market
  pauses, the local book must equal REST's, level by level.
- Trades are followed by `aggTrade`; missing ids are asked for over REST. In the end the client has each trade exactly once.
"""

import json
import os
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from urllib.request import urlopen

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from exchange import Client, Exchange, Verdicts, flush_exit, parse

SYMBOL = "GAPUSDT"
TEXT = 1


class Proxy(threading.Thread):
    """Passes WebSocket frames from the exchange on, or does something else with them."""

    def __init__(self, exchange, seed, share):
        super().__init__(daemon=True)
        self.target, self.rng, self.share = (exchange.host, exchange.port), random.Random(seed), share
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.faults, self.frames = Counter(), 0
        self.faulty = True

    def run(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        with client, suppress(OSError), socket.create_connection(self.target) as server:
            threading.Thread(target=self.up, args=(client, server), daemon=True).start()
            with suppress(OSError, EOFError):
                self.down(server.makefile("rb"), client)
            # A socket that another thread reads is only closed for the other end when it is shut down.
            for end in (client, server):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def up(self, client, server):
        with suppress(OSError):
            while piece := client.recv(65536):
                server.sendall(piece)
            server.shutdown(socket.SHUT_WR)

    def down(self, server, client):
        line = None
        while line != b"\r\n":
            line = read(server, None)
            client.sendall(line)
        held = b""
        while True:
            head = read(server, 2)
            length = head[1] & 127
            more = read(server, {126: 2, 127: 8}.get(length, 0))
            if more:
                length = struct.unpack(">H" if len(more) == 2 else ">Q", more)[0]
            frame = head + more + read(server, length)
            fate = self.rng.random() if head[0] & 15 == TEXT and self.faulty else 1.0
            self.frames += 1
            if fate < self.share * 0.4:
                self.faults["dropped"] += 1
                frame = b""
            elif fate < self.share * 0.6:
                self.faults["doubled"] += 1
                frame += frame
            elif fate < self.share * 0.9 and not held:
                self.faults["swapped"] += 1
                held = frame
                continue
            elif fate < self.share:
                self.faults["cut"] += 1
                return
            client.sendall(frame + held)
            held = b""


def read(stream, count):
    """So many bytes, or a line."""
    found = stream.readline() if count is None else stream.read(count)
    if not found and count != 0:
        raise EOFError
    return found


def rest(exchange, path):
    with urlopen(f"http://{exchange.host}:{exchange.port}{path}", timeout=30) as answer:
        return json.load(answer)


class Follower(threading.Thread):
    """Reads a stream through the proxy and connects again when it is cut."""

    def __init__(self, exchange, proxy, stream):
        super().__init__(daemon=True)
        self.exchange, self.url = exchange, f"ws://127.0.0.1:{proxy.port}/ws/{stream}"
        self.lock, self.connections, self.ended = threading.Lock(), 0, False

    def run(self):
        while not self.ended:
            try:
                with connect(self.url, compression=None, max_size=None) as stream:
                    self.connections += 1
                    with self.lock:
                        self.connected()
                    for message in stream:
                        event = json.loads(message)
                        with self.lock:
                            if event["e"] != "serverShutdown":
                                self.take(event)
            except (OSError, EOFError, WebSocketException):
                continue


class Book(Follower):
    """The public documents' recipe for a local book."""

    def __init__(self, exchange, proxy):
        self.last, self.sides, self.resyncs, self.slowest, self.lost_since = None, None, 0, 0.0, None
        super().__init__(exchange, proxy, f"{SYMBOL.lower()}@depth@100ms")

    def connected(self):
        self.forget()

    def forget(self):
        if self.last is not None:
            self.resyncs += 1
            self.lost_since = time.monotonic()
        self.last = None

    def take(self, event):
        if self.last is None:
            # Take a snapshot that is not older than what is at hand.
            snapshot = rest(self.exchange, f"/api/v3/depth?symbol={SYMBOL}&limit=5000")
            if snapshot["lastUpdateId"] < event["U"] - 1:
                return
            self.sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
            self.last = snapshot["lastUpdateId"]
            if self.lost_since:
                self.slowest = max(self.slowest, time.monotonic() - self.lost_since)
        if event["u"] <= self.last:
            return
        if event["U"] > self.last + 1:
            self.forget()
            return
        for side, levels in self.sides.items():
            for price, quantity in event[side]:
                if float(quantity) == 0:
                    levels.pop(price, None)
                else:
                    levels[price] = quantity
        self.last = event["u"]


class Tape(Follower):
    """Every trade once: what the stream left out is asked for."""

    def __init__(self, exchange, proxy):
        self.trades, self.doubled, self.asked = {}, 0, 0
        super().__init__(exchange, proxy, f"{SYMBOL.lower()}@aggTrade")

    def connected(self):
        pass

    def take(self, event):
        if event["a"] in self.trades:
            self.doubled += 1
        self.trades[event["a"]] = (event["p"], event["q"], event["f"], event["l"])

    def complete(self, last):
        """Asks for what is missing below the newest trade."""
        with self.lock:
            wanted = next((number for number in range(last + 1) if number not in self.trades), None)
            while wanted is not None:
                self.asked += 1
                for one in rest(self.exchange, f"/api/v3/aggTrades?symbol={SYMBOL}&fromId={wanted}&limit=1000"):
                    self.trades[one["a"]] = (one["p"], one["q"], one["f"], one["l"])
                wanted = next((number for number in range(wanted + 1, last + 1) if number not in self.trades), None)


def trade(exchange, account, seed, going, ended, failures):
    """Places, cancels and takes, while it may."""
    rng, client, mine = random.Random(seed), Client(exchange, account), []
    while not ended.is_set():
        going.wait()
        time.sleep(0.005)  # the proxy and its readers want their turns, too
        if len(mine) > 40 or (mine and rng.random() < 0.3):
            client.call("DELETE", "/api/v3/order", symbol=SYMBOL, orderId=mine.pop(rng.randrange(len(mine))))
            continue
        order = {"side": rng.choice(["BUY", "SELL"]), "quantity": f"{rng.randrange(1, 500) / 100:.2f}"}
        order |= {"type": "LIMIT", "timeInForce": "GTC", "price": f"{100 + rng.randrange(-60, 61) / 100:.2f}", "selfTradePreventionMode": "NONE"}
        status, body = client.call("POST", "/api/v3/order", symbol=SYMBOL, **order)
        if status != 200:
            failures.append(body)
        elif body["status"] in ("NEW", "PARTIALLY_FILLED"):
            mine.append(body["orderId"])


def checkpoint(exchange, account, book):
    """With the market at rest: does the local book equal REST's? A touch of the book tells those whose last update was lost."""
    client, deadline = Client(exchange, account), time.monotonic() + 60
    while time.monotonic() < deadline:
        client.call("POST", "/api/v3/order", symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="98.00")
        truth = rest(exchange, f"/api/v3/depth?symbol={SYMBOL}&limit=5000")
        until = time.monotonic() + 1
        while time.monotonic() < until:
            with book.lock:
                if book.last == truth["lastUpdateId"]:
                    same = all(book.sides[side] == dict(truth[name]) for side, name in (("b", "bids"), ("a", "asks")))
                    return same, f"{truth['lastUpdateId']}: {len(truth['bids'])} and {len(truth['asks'])} levels"
            time.sleep(0.01)
    return False, "the local book never came to REST's update id"


def main():
    arguments = parse(120)
    sys.setswitchinterval(0.0002)
    rng, verdicts = random.Random(arguments.seed), Verdicts()
    exchange = Exchange(arguments.binary, os.path.join(arguments.scratch, "data"), os.path.join(arguments.scratch, "exchange.log")).wait_ready()
    accounts = exchange.market(SYMBOL)
    proxy = Proxy(exchange, rng.random(), 0.05)
    proxy.start()
    book, tape = Book(exchange, proxy), Tape(exchange, proxy)
    book.start(), tape.start()
    going, ended, failures = threading.Event(), threading.Event(), []
    going.set()
    threads = [threading.Thread(target=trade, args=(exchange, account, rng.random(), going, ended, failures)) for account in accounts for _ in range(2)]
    for thread in threads:
        thread.start()
    began, points, different = time.monotonic(), 0, []
    # A short run goes on until there were faults to recover from.
    while points < 3 or book.resyncs < 3 or time.monotonic() - began < arguments.budget:
        time.sleep(rng.uniform(0.3, 2.0))
        going.clear()
        same, detail = checkpoint(exchange, accounts[0], book)
        points += 1
        if not same:
            different.append(detail)
        going.set()
        if time.monotonic() - began > arguments.budget + 120:
            break
    ended.set()
    going.set()
    for thread in threads:
        thread.join()
    truth, start = {}, 0
    while page := rest(exchange, f"/api/v3/aggTrades?symbol={SYMBOL}&fromId={start}&limit=1000"):
        truth |= {one["a"]: (one["p"], one["q"], one["f"], one["l"]) for one in page}
        start = page[-1]["a"] + 1
    streamed = len(tape.trades)
    tape.complete(max(truth))
    verdicts.check(f"the local book equals REST at {points} of {points} checkpoints", not different, different[:3])
    verdicts.check(f"the tape has each of {len(truth)} trades once, {len(truth) - streamed} of them asked for", tape.trades == truth, len(tape.trades))
    verdicts.check("trades follow each other without a hole", [t[2] for t in map(truth.get, sorted(truth))][1:] == [t[3] + 1 for t in map(truth.get, sorted(truth))][:-1])
    verdicts.check(f"updates were lost, and the book was begun again {book.resyncs} times", book.resyncs >= 3 and proxy.faults["dropped"] > 0, proxy.faults)
    verdicts.check("every order was taken", not failures, failures[:2])
    state = exchange.sandbox("GET", "/state")
    verdicts.check("audit ok", state["audit"] == "ok", state)
    verdicts.check("SIGTERM ends with 0", exchange.stop() == 0)
    figures = {"drill": "D28", "seed": arguments.seed, "checkpoints": points, "different": len(different), "frames": proxy.frames, "faults": dict(proxy.faults)}
    figures |= {"resyncs": book.resyncs, "slowest_resync_s": round(book.slowest, 2), "trades": len(truth), "trades_asked_for": len(truth) - streamed}
    print(json.dumps(figures | {"pass": verdicts.failed == 0}))
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
