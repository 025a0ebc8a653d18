"""ccxt, unmodified, with only its addresses changed: REST and the streaming half (ccxt.pro)."""

import asyncio
import time

import ccxt
import ccxt.pro

import board
from board import check, equal, true
from proxy import Proxy

SYMBOL = "CXA/USDT"


def options(account=None, ws=None, wsapi=None):
    api = board.REST + "/api/v3"
    stream = (ws or board.WS) + "/ws"
    config = {
        "urls": {"api": {"public": api, "private": api, "v1": board.REST + "/api/v1", "ws": {"spot": stream, "ws-api": {"spot": wsapi or board.WSAPI}}}},
        "options": {"fetchMarkets": {"types": ["spot"]}, "defaultType": "spot", "fetchCurrencies": False, "fetchMargins": False},
        "enableRateLimit": False,
        "timeout": 20000,
    }
    if account:
        config |= {"apiKey": account["apiKey"], "secret": account.get("privateKey") or account["secretKey"]}
    return config


def refused(kind, work):
    try:
        answer = work()
    except kind:
        return
    raise AssertionError(f"was not refused: {answer}")


def public(exchange):
    with check("markets", "load_markets reads grids and limits"):
        market = exchange.load_markets()[SYMBOL]
        equal((market["precision"]["price"], market["precision"]["amount"]), (0.01, 0.00001))
        equal((market["limits"]["amount"]["min"], market["limits"]["cost"]["min"]), (0.00001, 5.0))
        true(market["spot"] and market["active"], "is an active spot market")
    table = [
        ("fetch_time", ()),
        ("fetch_ticker", (SYMBOL,)),
        ("fetch_tickers", ([SYMBOL],)),
        ("fetch_bids_asks", ([SYMBOL],)),
        ("fetch_last_prices", ([SYMBOL],)),
        ("fetch_order_book", (SYMBOL, 10)),
        ("fetch_trades", (SYMBOL,)),
        ("fetch_ohlcv", (SYMBOL, "1m")),
    ]
    for method, arguments in table:
        with check("market data", method):
            true(getattr(exchange, method)(*arguments), "empty")
    with check("market data", "the ticker's numbers"):
        ticker = exchange.fetch_ticker(SYMBOL)
        for name in ("last", "open", "high", "low", "bid", "ask", "baseVolume", "quoteVolume", "vwap", "timestamp"):
            true(ticker[name] is not None, f"{name} is missing")
        true(ticker["low"] <= ticker["last"] <= ticker["high"], "last is out of range")
    with check("market data", "the order book is sorted and not crossed"):
        book = exchange.fetch_order_book(SYMBOL)
        equal(book["bids"], sorted(book["bids"], reverse=True))
        equal(book["asks"], sorted(book["asks"]))
        true(book["bids"][0][0] < book["asks"][0][0], "crossed")
        true(book["nonce"] is not None, "no update id")
    with check("market data", "fetch_trades by every method that ccxt knows"):
        keyed = ccxt.binance(options(board.make_account({})))  # ccxt wants a key for historical trades
        for way in ("publicGetAggTrades", "publicGetTrades", "publicGetHistoricalTrades"):
            true(keyed.fetch_trades(SYMBOL, params={"fetchTradesMethod": way}), way)


def trading(exchange, maker):
    with check("trading", "limit order: open, partially filled, closed"):
        order = exchange.create_order(SYMBOL, "limit", "buy", 0.5, 100)
        equal((order["status"], order["filled"], order["remaining"]), ("open", 0.0, 0.5))
        maker.order("CXAUSDT", "SELL", "0.2", "100.00")
        order = exchange.fetch_order(order["id"], SYMBOL)
        equal((order["status"], order["filled"], order["cost"]), ("open", 0.2, 20.0))
        maker.order("CXAUSDT", "SELL", "0.3", "100.00")
        equal(exchange.fetch_order(order["id"], SYMBOL)["status"], "closed")
    with check("trading", "market order with fees and average"):
        maker.order("CXAUSDT", "SELL", "1", "101.00")
        order = exchange.create_order(SYMBOL, "market", "buy", 0.25)
        equal((order["status"], order["filled"], order["average"]), ("closed", 0.25, 101.0))
        true(order["fees"] and order["fees"][0]["currency"] == "CXA", f"fees {order['fees']}")
        order = exchange.create_market_buy_order_with_cost(SYMBOL, 10)
        true(9.9 < order["cost"] <= 10, f"cost {order['cost']}")
    with check("trading", "post only"):
        order = exchange.create_order(SYMBOL, "limit", "buy", 0.1, 95, {"postOnly": True})
        equal(exchange.fetch_order(order["id"], SYMBOL)["postOnly"], True)
        refused(ccxt.OrderImmediatelyFillable, lambda: exchange.create_order(SYMBOL, "limit", "buy", 0.1, 105, {"postOnly": True}))
        exchange.cancel_order(order["id"], SYMBOL)
    with check("trading", "IOC and FOK"):
        equal(exchange.create_order(SYMBOL, "limit", "buy", 50, 101, {"timeInForce": "FOK"})["status"], "expired")
        equal(exchange.create_order(SYMBOL, "limit", "buy", 0.1, 101, {"timeInForce": "IOC"})["filled"], 0.1)
    with check("trading", "edit, which is cancel-replace"):
        order = exchange.create_order(SYMBOL, "limit", "buy", 0.1, 95)
        edited = exchange.edit_order(order["id"], SYMBOL, "limit", "buy", 0.2, 94)
        equal((edited["price"], edited["amount"], edited["status"]), (94.0, 0.2, "open"))
        equal(exchange.fetch_order(order["id"], SYMBOL)["status"], "canceled")
    with check("trading", "open, closed and all orders; by client order id"):
        exchange.create_order(SYMBOL, "limit", "buy", 0.1, 93, {"clientOrderId": "my-own-id"})
        equal(len(exchange.fetch_open_orders(SYMBOL)), 2)
        true(any(o["status"] == "closed" for o in exchange.fetch_closed_orders(SYMBOL)), "no closed order")
        true(len(exchange.fetch_orders(SYMBOL)) > 5, "orders are missing")
        equal(exchange.fetch_order(None, SYMBOL, {"clientOrderId": "my-own-id"})["price"], 93.0)
    with check("trading", "cancel, cancel all"):
        equal(exchange.cancel_order(None, SYMBOL, {"clientOrderId": "my-own-id"})["status"], "canceled")
        exchange.cancel_all_orders(SYMBOL)
        equal(exchange.fetch_open_orders(SYMBOL), [])
    with check("trading", "test orders"):
        exchange.create_order(SYMBOL, "limit", "buy", 0.1, 93, {"test": True})
        equal(exchange.fetch_open_orders(SYMBOL), [])


def account(exchange):
    with check("account", "balance: free, used, total"):
        order = exchange.create_order(SYMBOL, "limit", "buy", 1, 90)
        balance = exchange.fetch_balance()
        equal(balance["USDT"]["used"], 90.0)
        true(abs(balance["USDT"]["free"] + 90 - balance["USDT"]["total"]) < 1e-6, "does not add up")
        exchange.cancel_order(order["id"], SYMBOL)
        equal(exchange.fetch_balance()["USDT"]["used"], 0.0)
    with check("account", "my trades, and the trades of an order"):
        trades = exchange.fetch_my_trades(SYMBOL)
        true(trades and all(t["fee"]["cost"] >= 0 for t in trades), "no trades or no fees")
        equal({t["takerOrMaker"] for t in trades}, {"taker", "maker"})
        true(exchange.fetch_order_trades(trades[0]["order"], SYMBOL), "none for an order")


def errors(exchange):
    table = [
        ("too little money", ccxt.InsufficientFunds, lambda: exchange.create_order(SYMBOL, "limit", "buy", 8000, 100)),
        ("an unknown order", ccxt.OrderNotFound, lambda: exchange.fetch_order("987654321", SYMBOL)),
        ("canceling an unknown order", ccxt.OrderNotFound, lambda: exchange.cancel_order("987654321", SYMBOL)),
        ("too small a notional", ccxt.BadRequest, lambda: exchange.create_order(SYMBOL, "limit", "buy", 0.01, 100)),
        ("a symbol that the exchange does not know", ccxt.BadSymbol, lambda: exchange.publicGetTickerPrice({"symbol": "NOSUCHUSDT"})),
    ]
    for name, kind, work in table:
        with check("errors", f"{name} is {kind.__name__}"):
            before = board.digest()
            refused(kind, work)
            equal(board.digest(), before, "digest")
    with check("errors", "an unknown key is AuthenticationError"):
        stranger = ccxt.binance(options({"apiKey": "x" * 64, "secretKey": "y"}))
        refused(ccxt.AuthenticationError, stranger.fetch_balance)


def keys(maker):
    for kind in ("HMAC", "RSA", "ED25519"):
        with check("keys", f"{kind} signs queries and orders"):
            exchange = ccxt.binance(options(board.make_account({"USDT": "1000"}, kind)))
            exchange.load_markets()
            order = exchange.create_order(SYMBOL, "limit", "buy", 0.1, 90)
            equal(exchange.cancel_order(order["id"], SYMBOL)["status"], "canceled")


async def streams(maker, taker):
    exchange = ccxt.pro.binance(options())
    await exchange.load_markets()
    stop = asyncio.Event()

    def churn():
        maker.order("CXAUSDT", "SELL", "0.1", "100.00")
        taker.order("CXAUSDT", "BUY", "0.1", "100.00")
        resting = maker.order("CXAUSDT", "BUY", "0.1", "97.00")
        maker.call("DELETE", "/api/v3/order", symbol="CXAUSDT", orderId=resting["orderId"])

    async def keep_trading():
        while not stop.is_set():
            await asyncio.to_thread(churn)
            await asyncio.sleep(0.1)

    trading = asyncio.create_task(keep_trading())
    table = [
        ("watch_trades", (SYMBOL,)),
        ("watch_ohlcv", (SYMBOL, "1m")),
        ("watch_ticker", (SYMBOL,)),
        ("watch_tickers", ([SYMBOL],)),
        ("watch_bids_asks", ([SYMBOL],)),
        ("watch_order_book", (SYMBOL,)),
    ]
    for method, arguments in table:
        with check("streams", method):
            for _ in range(3):
                true(await asyncio.wait_for(getattr(exchange, method)(*arguments), 20), "empty")
    with check("streams", "un_watch_trades"):
        await asyncio.wait_for(exchange.un_watch_trades(SYMBOL), 20)
    with check("reconnect", "a cut connection is opened again and the stream goes on"):
        async with Proxy(board.WS) as proxy:
            cut = ccxt.pro.binance(options(ws=f"ws://127.0.0.1:{proxy.port}"))
            await asyncio.wait_for(cut.watch_trades(SYMBOL), 20)
            true(proxy.cut() > 0, "there was no connection to cut")
            deadline = time.monotonic() + 20
            while True:
                try:
                    true(await asyncio.wait_for(cut.watch_trades(SYMBOL), 20), "empty")
                    break
                except ccxt.NetworkError:
                    true(time.monotonic() < deadline, "did not come back")
            await cut.close()
    stop.set()
    await trading
    await exchange.close()


async def private_streams(maker):
    exchange = ccxt.pro.binance(options(board.make_account({"USDT": "100000"})))
    await exchange.load_markets()
    with check("WebSocket API", "create, fetch, edit and cancel an order"):
        order = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.2, 95)
        equal((await exchange.fetch_order_ws(order["id"], SYMBOL))["status"], "open")
        edited = await exchange.edit_order_ws(order["id"], SYMBOL, "limit", "buy", 0.2, 94)
        equal(edited["price"], 94.0)
        equal(len(await exchange.fetch_open_orders_ws(SYMBOL)), 1)
        equal((await exchange.cancel_order_ws(edited["id"], SYMBOL))["status"], "canceled")
    for method, arguments in (
        ("fetch_balance_ws", ()),
        ("fetch_ohlcv_ws", (SYMBOL, "1m")),
        ("fetch_trades_ws", (SYMBOL,)),
        ("fetch_orders_ws", (SYMBOL,)),
    ):
        with check("WebSocket API", method):
            true(await asyncio.wait_for(getattr(exchange, method)(*arguments), 20), "empty")
    with check("user data", "watch_orders, watch_my_trades and watch_balance"):
        orders = asyncio.create_task(exchange.watch_orders(SYMBOL))
        trades = asyncio.create_task(exchange.watch_my_trades(SYMBOL))
        balance = asyncio.create_task(exchange.watch_balance())
        await asyncio.sleep(1)
        placed = await exchange.create_order_ws(SYMBOL, "limit", "buy", 0.2, 100)
        seen = await asyncio.wait_for(orders, 20)
        while seen[-1]["id"] != placed["id"]:  # of an earlier order, still on its way
            seen = await asyncio.wait_for(exchange.watch_orders(SYMBOL), 20)
        equal(seen[-1]["status"], "open")
        await asyncio.to_thread(maker.order, "CXAUSDT", "SELL", "0.2", "100.00")
        filled = await asyncio.wait_for(trades, 20)
        equal((filled[-1]["order"], filled[-1]["amount"], filled[-1]["takerOrMaker"]), (placed["id"], 0.2, "maker"))
        true((await asyncio.wait_for(balance, 20))["USDT"]["total"] > 0, "no balance")
    await exchange.close()
    await private_reconnect(maker)


async def sees_its_orders(exchange):
    """Places orders until one of them is reported: the subscription has no sign of its own that it stands."""
    placed, waiting = set(), None
    for _ in range(30):
        waiting = waiting or asyncio.create_task(exchange.watch_orders(SYMBOL))
        placed.add((await asyncio.to_thread(place, exchange))["id"])
        if not (await asyncio.wait({waiting}, timeout=1))[0]:
            continue
        done, waiting = waiting, None
        try:
            if done.result()[-1]["id"] in placed:
                return
        except ccxt.NetworkError:
            pass  # the cut
    true(False, f"no report of any of {len(placed)} orders")


async def private_reconnect(maker):
    with check("reconnect", "user data comes back after a cut"):
        async with Proxy(board.WS) as proxy:
            wsapi = f"ws://127.0.0.1:{proxy.port}/ws-api/v3"
            exchange = ccxt.pro.binance(options(board.make_account({"USDT": "100000"}), wsapi=wsapi))
            await exchange.load_markets()
            for attempt in range(2):
                await sees_its_orders(exchange)
                if attempt == 0:
                    true(proxy.cut() > 0, "there was no connection to cut")
            await exchange.close()


def place(watching):
    """Places an order over REST for the account of a streaming client."""
    rest = ccxt.binance(options({"apiKey": watching.apiKey, "secretKey": watching.secret}))
    rest.load_markets()
    return rest.create_order(SYMBOL, "limit", "buy", 0.1, 90)


def main():
    board.make_symbol("CXA")
    maker = board.Plain(board.make_account({"USDT": "10000000", "CXA": "10000"}))
    taker = board.Plain(board.make_account({"USDT": "10000000", "CXA": "10000"}))
    for price in ("100.00", "100.50", "99.50"):
        maker.order("CXAUSDT", "SELL", "1", price)
        taker.order("CXAUSDT", "BUY", "1", price)
    maker.order("CXAUSDT", "BUY", "1", "98.00")
    maker.order("CXAUSDT", "SELL", "1", "103.00")
    public(ccxt.binance(options()))
    maker.cancel_all("CXAUSDT")
    exchange = ccxt.binance(options(board.make_account({"USDT": "100000"})))
    exchange.load_markets()
    trading(exchange, maker)
    account(exchange)
    errors(exchange)
    keys(maker)
    maker.cancel_all("CXAUSDT")
    asyncio.run(streams(maker, taker))
    asyncio.run(private_streams(maker))
    with check("state", "the audit is clean at the end"):
        equal(board.audit(), "ok")


if __name__ == "__main__":
    main()
