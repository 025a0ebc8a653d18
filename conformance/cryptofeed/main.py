"""cryptofeed, unmodified: its Binance feed builds a local book from the snapshot and the stream; it must equal REST's.

It accepts wss addresses alone, so the streams are reached through a TLS relay with a certificate made here.
"""

import asyncio
import os
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "python"))

from cryptofeed import FeedHandler
from cryptofeed.connection import RestEndpoint, Routes, WebsocketEndpoint
from cryptofeed.defines import L2_BOOK, TICKER, TRADES
from cryptofeed.exchanges import Binance

import board
import tls
from board import check, equal, true

Binance.websocket_endpoints = [WebsocketEndpoint(tls.relay(board.WS))]
Binance.rest_endpoints = [RestEndpoint(board.REST, routes=Routes("/api/v3/exchangeInfo", l2book="/api/v3/depth?symbol={}&limit={}"))]

SYMBOL = board.make_symbol("CRY")
books, trades, tickers = {}, [], []


async def on_book(book, _received):
    sides = [{Decimal(p): Decimal(q) for p, q in side.to_dict().items()} for side in (book.book.bids, book.book.asks)]
    books[book.sequence_number] = sides


async def on_trade(trade, _received):
    trades.append(trade)


async def on_ticker(ticker, _received):
    tickers.append(ticker)


def churn(stop):
    maker, taker = (board.Plain(board.make_account({"CRY": "1000", "USDT": "1000000"})) for _ in range(2))
    maker.order(SYMBOL, "BUY", "1", "90.00")
    maker.order(SYMBOL, "SELL", "1", "110.00")
    step = 0
    while not stop.is_set():
        step += 1
        maker.order(SYMBOL, "SELL", "0.3", f"10{step % 5}.00")
        taker.order(SYMBOL, "BUY", "0.2", f"10{step % 5}.00")
        if step % 10 == 0:
            maker.cancel_all(SYMBOL)
            maker.order(SYMBOL, "BUY", "1", "90.00")
        time.sleep(0.1)


def rest_book():
    answer = board.Plain({"apiKey": "", "secretKey": ""}).raw("GET", "/api/v3/depth", f"symbol={SYMBOL}&limit=5000", key=False).json()
    return answer["lastUpdateId"], [{Decimal(p): Decimal(q) for p, q in answer[side]} for side in ("bids", "asks")]


def checks(stop, trading):
    with check("local book", "it is built and goes on"):
        board.wait_for(lambda: len(books) >= 20, "twenty states of the book", 40)
    stop.set()
    trading.join(30)
    with check("local book", "at rest it equals REST"):
        last, sides = rest_book()
        board.wait_for(lambda: last in books, f"the state at update {last}", 20)
        equal(books[last], sides)
    with check("streams", "trades"):
        board.wait_for(lambda: trades, "a trade")
        true(trades[0].symbol == "CRY-USDT" and trades[0].amount > 0, "no trade of the symbol")
    with check("streams", "best bid and ask"):
        # An empty side is 0.
        whole = board.wait_for(lambda: [t for t in tickers if t.bid and t.ask], "a ticker of both sides")
        true(all(t.bid < t.ask for t in whole), "a bid is not below the ask")
    with check("state", "the audit is clean at the end"):
        equal(board.audit(), "ok")


def main():
    stop = threading.Event()
    trading = threading.Thread(target=churn, args=(stop,), daemon=True)
    trading.start()
    handler = FeedHandler(config={"log": {"filename": os.devnull, "level": "WARNING"}})
    asyncio.set_event_loop(asyncio.new_event_loop())
    callbacks = {L2_BOOK: on_book, TRADES: on_trade, TICKER: on_ticker}
    handler.add_feed(Binance(symbols=["CRY-USDT"], channels=list(callbacks), callbacks=callbacks))

    def beside():
        checks(stop, trading)
        os._exit(0)

    # The feed has the main thread and its loop; the checks run beside it, and end the program.
    threading.Thread(target=beside, daemon=True).start()
    handler.run(install_signal_handlers=False)


main()
