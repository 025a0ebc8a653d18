"""Local books, built from `depth` and the diff stream by the stream classes of the official SDK and of ccxt, against the
demo's living market: they must equal REST's depth at every update id that both have seen, for as long as asked."""

import asyncio
import heapq
import time
from decimal import Decimal
from functools import lru_cache

import ccxt.pro
import requests

import board
from board import check, equal, true
from ccxt_spot import options
from official_streams import streams

SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
LEVELS = 1000


@lru_cache(maxsize=200_000)
def number(price):
    return Decimal(price)


class LocalBook:
    """The recipe of the public documents: buffer, snapshot, join at lastUpdateId, apply."""

    def __init__(self):
        self.sides = {"b": {}, "a": {}}
        self.last = None
        self.buffer = []
        self.history = {}
        self.gaps = 0

    def feed(self, event):
        if self.last is None:
            self.buffer.append(event)
        else:
            self.apply(event)

    def start(self, snapshot):
        self.sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        self.last = snapshot["lastUpdateId"]
        for event in self.buffer:
            if event.u > self.last:
                self.apply(event)
        self.buffer = []

    def apply(self, event):
        if event.u <= self.last:
            return
        if event.U > self.last + 1:
            self.gaps += 1
        for side, changes in (("b", event.b), ("a", event.a)):
            for price, quantity in changes:
                if number(quantity) == 0:
                    self.sides[side].pop(price, None)
                else:
                    self.sides[side][price] = quantity
        self.last = event.u
        self.history[event.u] = self.top()
        if len(self.history) > 3000:
            self.history.pop(next(iter(self.history)))

    def top(self, levels=20):
        bids = heapq.nlargest(levels, self.sides["b"].items(), key=lambda level: number(level[0]))
        asks = heapq.nsmallest(levels, self.sides["a"].items(), key=lambda level: number(level[0]))
        return [list(level) for level in bids], [list(level) for level in asks]


def depth(symbol, limit):
    return requests.get(f"{board.REST}/api/v3/depth", params={"symbol": symbol, "limit": limit}, timeout=30).json()


async def official(seconds):
    """Books of the official SDK's diff_book_depth at 100 ms."""
    client = streams()
    connection = await client.create_connection()
    books = {symbol: LocalBook() for symbol in SYMBOLS}
    for symbol, book in books.items():
        handle = await connection.diff_book_depth(symbol=symbol.lower(), update_speed="100ms")
        handle.on("message", book.feed)
    await asyncio.sleep(1)
    for symbol, book in books.items():
        book.start(await asyncio.to_thread(depth, symbol, LEVELS))
    compared = {symbol: 0 for symbol in SYMBOLS}
    snapshots = []
    different = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for symbol in SYMBOLS:
            snapshots.append((symbol, await asyncio.to_thread(depth, symbol, 20)))
        await asyncio.sleep(0.3)  # stays below the weight that the demo grants a minute
        kept = []
        for symbol, rest in snapshots:
            book = books[symbol]
            if rest["lastUpdateId"] in book.history:
                compared[symbol] += 1
                if (rest["bids"], rest["asks"]) != book.history[rest["lastUpdateId"]]:
                    different.append((symbol, rest["lastUpdateId"]))
            elif book.last < rest["lastUpdateId"]:
                kept.append((symbol, rest))
        snapshots = kept
    await connection.close_connection(close_session=True)
    for symbol in SYMBOLS:
        with check("official SDK", f"{symbol}: no gap between updates"):
            equal(books[symbol].gaps, 0, "gaps")
        with check("official SDK", f"{symbol}: the local book equals REST at every common update id"):
            true(compared[symbol] >= max(2, seconds // 20), f"only {compared[symbol]} common update ids in {seconds} s")
            wrong = [u for s, u in different if s == symbol]
            true(not wrong, f"different at {len(wrong)} of {compared[symbol]} update ids, first {wrong[:3]}")


async def of_ccxt(seconds):
    """ccxt keeps the book itself and raises when updates do not join."""
    exchange = ccxt.pro.binance(options())
    await exchange.load_markets()
    for symbol in ("BTC/USDT", "ETH/USDT", "SOL/USDT"):
        with check("ccxt", f"{symbol}: the local book equals REST at every common update id"):
            seen, common, different = {}, 0, []
            end = time.monotonic() + seconds / 3
            while time.monotonic() < end:
                for _ in range(5):
                    book = await asyncio.wait_for(exchange.watch_order_book(symbol, 1000), 20)
                    seen[book["nonce"]] = ([list(l) for l in book["bids"][:20]], [list(l) for l in book["asks"][:20]])
                rest = await exchange.fetch_order_book(symbol, 20)
                # Wait until the stream has passed the snapshot, so that a common id is not missed for being early.
                while max(seen) < rest["nonce"] and time.monotonic() < end + 5:
                    book = await asyncio.wait_for(exchange.watch_order_book(symbol, 1000), 20)
                    seen[book["nonce"]] = ([list(l) for l in book["bids"][:20]], [list(l) for l in book["asks"][:20]])
                if rest["nonce"] in seen:
                    common += 1
                    if (rest["bids"], rest["asks"]) != seen[rest["nonce"]]:
                        different.append(rest["nonce"])
            true(common >= 1, f"no common update id among {len(seen)} updates")
            true(not different, f"different at {len(different)} of {common} update ids, first {different[:3]}")
    await exchange.close()


async def run():
    await asyncio.gather(official(board.BOOK_SECONDS), of_ccxt(board.BOOK_SECONDS))
    with check("market", "BTCUSDT moves: trades in the last minute, candles for the last day"):
        trades = requests.get(f"{board.REST}/api/v3/trades", params={"symbol": "BTCUSDT", "limit": 10}, timeout=30).json()
        true(trades and trades[-1]["time"] > time.time() * 1000 - 60_000, "no recent trade")
        candles = requests.get(f"{board.REST}/api/v3/klines", params={"symbol": "BTCUSDT", "interval": "1h", "limit": 24}, timeout=30).json()
        equal(len(candles), 24, "hours")
        true(all(int(c[8]) > 0 for c in candles), "an hour without a trade")


def main():
    asyncio.run(run())


if __name__ == "__main__":
    main()
