"""python-binance, unmodified: its addresses are class attributes, set on a subclass."""

import asyncio
import time

from binance import AsyncClient, BinanceSocketManager, Client
from binance.exceptions import BinanceAPIException

import board
from board import check, equal, true
from proxy import Proxy

SYMBOL = "PYBUSDT"


class Here(Client):
    API_URL = board.REST + "/api"
    WS_API_URL = board.WSAPI


class AsyncHere(AsyncClient):
    API_URL = board.REST + "/api"
    WS_API_URL = board.WSAPI


class Streams(BinanceSocketManager):
    STREAM_URL = board.WS + "/"


def refused(code, work):
    try:
        answer = work()
    except BinanceAPIException as error:
        equal(error.code, code, "code")
        return error
    raise AssertionError(f"was not refused: {answer}")


def public(client):
    table = [
        ("ping", {}),
        ("get_server_time", {}),
        ("get_exchange_info", {}),
        ("get_symbol_info", {"symbol": SYMBOL}),
        ("get_all_tickers", {}),
        ("get_orderbook_tickers", {}),
        ("get_order_book", {"symbol": SYMBOL}),
        ("get_recent_trades", {"symbol": SYMBOL}),
        ("get_historical_trades", {"symbol": SYMBOL}),
        ("get_aggregate_trades", {"symbol": SYMBOL}),
        ("get_klines", {"symbol": SYMBOL, "interval": "1m"}),
        ("get_ui_klines", {"symbol": SYMBOL, "interval": "1m"}),
        ("get_historical_klines", {"symbol": SYMBOL, "interval": "1m", "start_str": "1 hour ago UTC"}),
        ("get_avg_price", {"symbol": SYMBOL}),
        ("get_ticker", {"symbol": SYMBOL}),
        ("get_symbol_ticker", {"symbol": SYMBOL}),
        ("get_orderbook_ticker", {"symbol": SYMBOL}),
    ]
    for method, arguments in table:
        with check("market data", method):
            answer = getattr(client, method)(**arguments)
            true(answer or method == "ping", "empty")
    with check("market data", "aggregate_trade_iter walks from the first"):
        ids = [t["a"] for t in client.aggregate_trade_iter(SYMBOL, last_id=0)]
        equal(ids, sorted(set(ids)))


def trading(client, maker):
    with check("trading", "order_limit_buy rests, is partially filled, filled"):
        order = client.order_limit_buy(symbol=SYMBOL, quantity="0.5", price="100.00")
        equal(order["status"], "NEW")
        for quantity, status in (("0.2", "PARTIALLY_FILLED"), ("0.3", "FILLED")):
            maker.order(SYMBOL, "SELL", quantity, "100.00")
            equal(client.get_order(symbol=SYMBOL, orderId=order["orderId"])["status"], status)
    with check("trading", "order_market_buy and order_market_sell"):
        maker.order(SYMBOL, "SELL", "0.1", "101.00")
        equal(client.order_market_buy(symbol=SYMBOL, quantity="0.1")["status"], "FILLED")
        maker.order(SYMBOL, "BUY", "0.1", "99.00")
        equal(client.order_market_sell(symbol=SYMBOL, quantity="0.1")["status"], "FILLED")
    with check("trading", "create_test_order"):
        equal(client.create_test_order(symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.1", price="90.00"), {})
    with check("trading", "open orders, cancel, cancel all, all orders"):
        first = client.order_limit_buy(symbol=SYMBOL, quantity="0.1", price="91.00")
        client.order_limit_buy(symbol=SYMBOL, quantity="0.1", price="92.00", newClientOrderId="mine")
        equal(len(client.get_open_orders(symbol=SYMBOL)), 2)
        equal(client.cancel_order(symbol=SYMBOL, orderId=first["orderId"])["status"], "CANCELED")
        equal(len(client.cancel_all_open_orders(symbol=SYMBOL)), 1)
        equal(client.get_all_orders(symbol=SYMBOL)[-1]["clientOrderId"], "mine")
    with check("trading", "cancel-replace"):
        order = client.order_limit_buy(symbol=SYMBOL, quantity="0.1", price="91.00")
        answer = client.cancel_replace_order(
            symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.1", price="92.00", cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=order["orderId"]
        )
        equal((answer["cancelResult"], answer["newOrderResult"]), ("SUCCESS", "SUCCESS"))
        client.cancel_order(symbol=SYMBOL, orderId=answer["newOrderResponse"]["orderId"])
    with check("account", "get_account, get_asset_balance, get_my_trades"):
        true(client.get_account()["balances"], "no balances")
        true(float(client.get_asset_balance("USDT")["free"]) > 0, "no money")
        true(len(client.get_my_trades(symbol=SYMBOL)) >= 4, "trades are missing")


def errors(client):
    table = [
        ("an unknown symbol", -1121, lambda: client.get_order_book(symbol="NOSUCHUSDT")),
        ("an unknown order", -2013, lambda: client.get_order(symbol=SYMBOL, orderId=987654321)),
        ("a filter", -1013, lambda: client.order_limit_buy(symbol=SYMBOL, quantity="0.1", price="100.001")),
        ("too little money", -2010, lambda: client.order_limit_buy(symbol=SYMBOL, quantity="8000", price="100.00")),
    ]
    for name, code, work in table:
        with check("errors", f"{name}: {code}"):
            refused(code, work)


def keys():
    for kind in ("HMAC", "RSA", "ED25519"):
        with check("keys", f"{kind} signs queries and orders"):
            account = board.make_account({"USDT": "1000"}, kind)
            client = make(account, Here)
            order = client.order_limit_buy(symbol=SYMBOL, quantity="0.1", price="90.00")
            equal(client.cancel_order(symbol=SYMBOL, orderId=order["orderId"])["status"], "CANCELED")


def make(account, kind):
    if "privateKey" in account:
        return kind(account["apiKey"], private_key=account["privateKey"].encode(), ping=False) if kind is Here else kind(account["apiKey"], private_key=account["privateKey"].encode())
    return kind(account["apiKey"], account["secretKey"], ping=False) if kind is Here else kind(account["apiKey"], account["secretKey"])


async def streams(maker, taker):
    account = board.make_account({"USDT": "100000"})
    client = make(account, AsyncHere)
    stop = asyncio.Event()

    def churn():
        maker.order(SYMBOL, "SELL", "0.1", "100.00")
        taker.order(SYMBOL, "BUY", "0.1", "100.00")

    async def keep_trading():
        while not stop.is_set():
            await asyncio.to_thread(churn)
            await asyncio.sleep(0.1)

    trading = asyncio.create_task(keep_trading())
    manager = Streams(client)
    table = [
        ("trade_socket", (SYMBOL,), "trade"),
        ("aggtrade_socket", (SYMBOL,), "aggTrade"),
        ("kline_socket", (SYMBOL,), "kline"),
        ("depth_socket", (SYMBOL,), "depthUpdate"),
        ("symbol_ticker_socket", (SYMBOL,), "24hrTicker"),
        ("symbol_miniticker_socket", (SYMBOL,), "24hrMiniTicker"),
    ]
    for method, arguments, event in table:
        with check("streams", method):
            async with getattr(manager, method)(*arguments) as socket:
                equal((await asyncio.wait_for(socket.recv(), 20))["e"], event)
    with check("streams", "multiplex_socket"):
        async with manager.multiplex_socket([f"{SYMBOL.lower()}@trade", f"{SYMBOL.lower()}@bookTicker"]) as socket:
            true("stream" in await asyncio.wait_for(socket.recv(), 20), "no wrapper")
    with check("reconnect", "a cut connection is opened again and the stream goes on"):
        async with Proxy(board.WS) as proxy:
            cut = Streams(client)
            cut.STREAM_URL = f"ws://127.0.0.1:{proxy.port}/"
            async with cut.trade_socket(SYMBOL) as socket:
                await asyncio.wait_for(socket.recv(), 20)
                true(proxy.cut() > 0, "there was no connection to cut")
                deadline, again = time.monotonic() + 30, False
                broken = False
                while time.monotonic() < deadline and not again:
                    message = await asyncio.wait_for(socket.recv(), 30)
                    broken = broken or message.get("e") == "error"
                    again = broken and message.get("e") == "trade"
                true(again, "no trade after the cut")
    stop.set()
    await trading
    await user_data(client, manager)
    await client.close_connection()


async def user_data(client, manager):
    with check("WebSocket API", "place and cancel an order"):
        order = await client.ws_create_order(symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.1", price="90.00")
        equal(order["status"], "NEW")
        equal((await client.ws_cancel_order(symbol=SYMBOL, orderId=order["orderId"]))["status"], "CANCELED")
    with check("user data", "user_socket delivers reports and positions"):
        async with manager.user_socket() as socket:
            order = await client.create_order(symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.1", price="90.00")
            kinds = set()
            while {"executionReport", "outboundAccountPosition"} - kinds:
                event = await asyncio.wait_for(socket.recv(), 20)
                event = event.get("event", event)
                if event.get("e") == "executionReport":
                    if event["i"] != order["orderId"]:
                        continue  # of an earlier order, still on its way
                    equal(event["X"], "NEW")
                kinds.add(event.get("e"))
            await client.cancel_order(symbol=SYMBOL, orderId=order["orderId"])


def main():
    board.make_symbol("PYB")
    maker = board.Plain(board.make_account({"USDT": "10000000", "PYB": "10000"}))
    taker = board.Plain(board.make_account({"USDT": "10000000", "PYB": "10000"}))
    for price in ("100.00", "100.50", "99.50"):
        maker.order(SYMBOL, "SELL", "1", price)
        taker.order(SYMBOL, "BUY", "1", price)
    maker.order(SYMBOL, "BUY", "1", "98.00")
    maker.order(SYMBOL, "SELL", "1", "103.00")
    client = make(board.make_account({"USDT": "100000"}), Here)
    public(client)
    maker.cancel_all(SYMBOL)
    trading(client, maker)
    errors(client)
    keys()
    asyncio.run(streams(maker, taker))
    with check("state", "the audit is clean at the end"):
        equal(board.audit(), "ok")


if __name__ == "__main__":
    main()
