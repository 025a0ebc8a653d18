"""The official Python SDK's market streams, typed."""

import asyncio
import json

from binance_common.configuration import ConfigurationWebSocketStreams
from binance_sdk_spot.spot import Spot

import board
from board import check, equal, true
from typed import typed

SECONDS = 20


def streams(**more):
    return Spot(config_ws_streams=ConfigurationWebSocketStreams(stream_url=board.WS, reconnect_delay=200, **more)).websocket_streams


async def gather(wanted, seconds=SECONDS):
    """Waits until every list has something in it."""
    for _ in range(int(seconds / 0.05)):
        if all(wanted.values()):
            return
        await asyncio.sleep(0.05)


def churn(symbol, maker, taker):
    """One trade and one change of the book."""
    maker.order(symbol, "SELL", "0.1", "100.00")
    taker.order(symbol, "BUY", "0.1", "100.00")
    resting = maker.order(symbol, "BUY", "0.1", "97.00")
    maker.call("DELETE", "/api/v3/order", symbol=symbol, orderId=resting["orderId"])


async def run(symbol, maker, taker):
    client = streams()
    connection = await client.create_connection()
    name = symbol.lower()
    await asyncio.to_thread(board.sandbox, "PUT", f"/symbols/{symbol}", {"referencePrice": "100.00"})
    table = {
        "trade": (connection.trade, {}, "TradeResponse"),
        "agg_trade": (connection.agg_trade, {}, "AggTradeResponse"),
        "kline 1m": (connection.kline, {"interval": "1m"}, "KlineResponse"),
        "kline 1s": (connection.kline, {"interval": "1s"}, "KlineResponse"),
        "kline_offset 1d": (connection.kline_offset, {"interval": "1d"}, "KlineOffsetResponse"),
        "diff_book_depth": (connection.diff_book_depth, {}, "DiffBookDepthResponse"),
        "diff_book_depth 100ms": (connection.diff_book_depth, {"update_speed": "100ms"}, "DiffBookDepthResponse"),
        "partial_book_depth 5": (connection.partial_book_depth, {"levels": "5"}, "PartialBookDepthResponse"),
        "partial_book_depth 20 100ms": (connection.partial_book_depth, {"levels": "20", "update_speed": "100ms"}, "PartialBookDepthResponse"),
        "book_ticker": (connection.book_ticker, {}, "BookTickerResponse"),
        "ticker": (connection.ticker, {}, "TickerResponse"),
        "mini_ticker": (connection.mini_ticker, {}, "MiniTickerResponse"),
        "avg_price": (connection.avg_price, {}, "AvgPriceResponse"),
        "reference_price": (connection.reference_price, {}, "ReferencePriceResponse"),
    }
    got = {title: [] for title in table}
    handles = {}
    for title, (method, arguments, _) in table.items():
        with check("streams", f"subscribe {title}"):
            handles[title] = await method(symbol=name, **arguments)
            handles[title].on("message", got[title].append)
    stop = asyncio.Event()

    async def keep_trading():
        while not stop.is_set():
            await asyncio.to_thread(churn, symbol, maker, taker)
            await asyncio.sleep(0.1)

    trading = asyncio.create_task(keep_trading())
    await gather(got)
    for title, (_, _, model) in table.items():
        with check("streams", f"{title} delivers typed messages"):
            true(got[title], "nothing arrived")
            typed(got[title][-1], model)
    with check("streams", "trade ids have no gap"):
        ids = [t.t for t in got["trade"]]
        equal(ids, list(range(ids[0], ids[0] + len(ids))))
    with check("streams", "depth updates join: U follows the u before"):
        updates = got["diff_book_depth 100ms"]
        for _ in range(400):
            if len(updates) > 2:
                break
            await asyncio.sleep(0.05)
        true(len(updates) > 2, "too few updates")
        for before, after in zip(updates, updates[1:]):
            equal(after.U, before.u + 1, "U")
    with check("streams", "LIST_SUBSCRIPTIONS names them all"):
        listed = json.dumps(await connection.list_subscribe(), default=str)
        for stream in (f"{name}@trade", f"{name}@depth@100ms", f"{name}@kline_1m"):
            true(stream in listed, f"{stream} is not in {listed[:300]}")
    with check("streams", "after UNSUBSCRIBE nothing more comes"):
        await handles["trade"].unsubscribe()
        # What was on its way may still come; then other streams go on and this one does not.
        for _ in range(20):
            trades, others = len(got["trade"]), len(got["agg_trade"])
            await asyncio.sleep(0.7)
            if len(got["trade"]) == trades and len(got["agg_trade"]) > others:
                break
        else:
            true(False, f"{len(got['trade'])} messages, and still growing")
    with check("reconnect", "after a reconnect the streams go on"):
        got["book_ticker"].clear()
        first = connection.connections[0]
        true(await connection.reconnect(first, connection.configuration), "no new connection")
        await gather({"book_ticker": got["book_ticker"]})
        true(got["book_ticker"], "nothing arrived after the reconnect")
        typed(got["book_ticker"][-1], "BookTickerResponse")
    stop.set()
    await trading
    await connection.close_connection(close_session=True)
    await microseconds(symbol, maker, taker)


async def microseconds(symbol, maker, taker):
    with check("streams", "times in microseconds on request"):
        from binance_common.constants import TimeUnit

        connection = await streams(time_unit=TimeUnit.MICROSECOND).create_connection()
        got = []
        (await connection.trade(symbol=symbol.lower())).on("message", got.append)
        await asyncio.to_thread(churn, symbol, maker, taker)
        await gather({"trade": got})
        true(got and got[0].T > 10**15, f"not microseconds: {got[:1]}")
        await connection.close_connection(close_session=True)
