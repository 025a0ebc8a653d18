"""The official Python SDK over REST: every method of the spot API that the exchange offers, typed."""

import time
from decimal import Decimal

from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError, ClientError, TooManyRequestsError, UnauthorizedError  # noqa: F401
from binance_sdk_spot.spot import Spot

import board
from board import check, equal, true
from typed import typed


def client(account=None, **more):
    keys = {}
    if account:
        keys = {"api_key": account["apiKey"]}
        keys |= {"private_key": account["privateKey"]} if "privateKey" in account else {"api_secret": account["secretKey"]}
    return Spot(config_rest_api=ConfigurationRestAPI(base_path=board.REST, timeout=20000, retries=0, **keys, **more)).rest_api


def refused(work, code, msg, kind=BadRequestError):
    """The SDK must raise this error with exactly this code and message."""
    try:
        answer = work()
    except (ClientError, BadRequestError, UnauthorizedError, TooManyRequestsError, Exception) as error:
        if not hasattr(error, "status_code"):
            raise
        equal((error.status_code, error.error_message), (code, msg), "code and message")
        true(isinstance(error, kind), f"is a {type(error).__name__}, not a {kind.__name__}")
        return
    raise AssertionError(f"was not refused: {answer.data()!r}")


def klines_shape(data):
    true(isinstance(data, list) and data, "no candles")
    for candle in data:
        equal(len(candle), 12, "elements of a candle")
        kinds = [int, str, str, str, str, str, int, str, int, str, str, str]
        equal([type(v) for v in candle], kinds, "types of a candle")
        true(candle[6] > candle[0], "closes before it opens")
        equal(candle[11], "0", "last element")


def public(api, symbol, other):
    """Market data; the symbols have traded already."""
    both = {"symbols": [symbol, other]}
    one = {"symbol": symbol}
    ticker = {"type": "FULL"}
    table = [
        ("ping", {}, None, ()),
        ("time", {}, "TimeResponse", ()),
        ("exchange_info", {}, "ExchangeInfoResponse", ()),
        ("exchange_info", one, "ExchangeInfoResponse", ()),
        ("exchange_info", both, "ExchangeInfoResponse", ()),
        ("exchange_info", {"permissions": "SPOT", "show_permission_sets": False}, "ExchangeInfoResponse", ("permissionSets",)),
        ("exchange_info", {"symbol_status": "TRADING"}, "ExchangeInfoResponse", ()),
        ("depth", one, "DepthResponse", ()),
        ("depth", {**one, "limit": 5}, "DepthResponse", ()),
        ("depth", {**one, "limit": 5000, "symbol_status": "TRADING"}, "DepthResponse", ()),
        ("get_trades", {**one, "limit": 5}, "GetTradesResponse", ()),
        ("historical_trades", {**one, "limit": 2, "from_id": 0}, "HistoricalTradesResponse", ()),
        ("agg_trades", one, "AggTradesResponse", ()),
        ("agg_trades", {**one, "from_id": 0, "limit": 1}, "AggTradesResponse", ()),
        ("avg_price", one, "AvgPriceResponse", ()),
        ("ticker24hr", one, "Ticker24hrResponse1", ()),
        ("ticker24hr", both, "Ticker24hrResponse2", ()),
        ("ticker24hr", {**one, **ticker}, "Ticker24hrResponse1", ()),
        ("ticker_trading_day", one, "TickerTradingDayResponse1", ()),
        ("ticker_trading_day", {**both, "time_zone": "0"}, "TickerTradingDayResponse2", ()),
        ("ticker_price", one, "TickerPriceResponse1", ()),
        ("ticker_price", both, "TickerPriceResponse2", ()),
        ("ticker_price", {}, "TickerPriceResponse2", ()),
        ("ticker_book_ticker", one, "TickerBookTickerResponse1", ()),
        ("ticker_book_ticker", both, "TickerBookTickerResponse2", ()),
        ("ticker", one, "TickerResponse1", ()),
        ("ticker", {**both, "window_size": "1h"}, "TickerResponse2", ()),
    ]
    for method, arguments, model, optional in table:
        shown = ", ".join(f"{k}={'two' if k == 'symbols' else 'one' if k == 'symbol' else v}" for k, v in arguments.items())
        with check("market data", f"{method}({shown})"):
            data = getattr(api, method)(**arguments).data()
            if model:
                typed(data, model, optional)
                content = getattr(data, "actual_instance", None) or data
                if isinstance(content, list):
                    true(content, "an empty list")
    for method in ("klines", "ui_klines"):
        for interval in ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"):
            with check("market data", f"{method}(interval={interval})"):
                klines_shape(getattr(api, method)(symbol=symbol, interval=interval, limit=3).data())
        with check("market data", f"{method}(time_zone, start_time, end_time)"):
            now = int(time.time() * 1000)
            klines_shape(getattr(api, method)(symbol=symbol, interval="1d", time_zone="+8", start_time=now - 86_400_000, end_time=now).data())
    with check("market data", "MINI tickers leave out what they should"):
        mini = api.ticker24hr(symbol=symbol, type="MINI").data()
        content = (getattr(mini, "actual_instance", None) or mini).to_dict()
        equal(
            sorted(content),
            sorted("symbol openPrice highPrice lowPrice lastPrice volume quoteVolume openTime closeTime firstId lastId count".split()),
            "fields",
        )


def trading(api, symbol, maker):
    """The life of orders, with a plain account on the other side."""
    maker.cancel_all(symbol)
    state = {}
    with check("trading", "a limit order rests"):
        order = typed(api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.5", price="100.00").data(), "NewOrderResponse")
        equal((order.status, order.executed_qty, order.fills, order.order_list_id), ("NEW", "0.00000000", [], -1))
        state["resting"] = order
    with check("trading", "newOrderRespType ACK, RESULT and FULL"):
        ack = api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.1", price="90.00", new_order_resp_type="ACK").data()
        equal(sorted(ack.to_dict()), ["clientOrderId", "orderId", "orderListId", "symbol", "transactTime"])
        result = api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.1", price="90.00", new_order_resp_type="RESULT").data()
        typed(result, "NewOrderResponse", ("fills",))
        true("fills" not in result.to_dict(), "RESULT carries fills")
        maker_type = api.new_order(symbol, "BUY", "LIMIT_MAKER", quantity="0.1", price="90.00").data()
        true(maker_type.status is None, "LIMIT_MAKER answers with ACK by default")
    with check("trading", "the order is queried by id and by client id"):
        for by in ({"order_id": state["resting"].order_id}, {"orig_client_order_id": state["resting"].client_order_id}):
            order = typed(api.get_order(symbol, **by).data(), "GetOrderResponse")
            equal((order.status, order.price, order.orig_qty, order.is_working), ("NEW", "100.00000000", "0.50000000", True))
    with check("trading", "it is partially filled"):
        maker.order(symbol, "SELL", "0.2", "100.00")
        order = typed(api.get_order(symbol, order_id=state["resting"].order_id).data(), "GetOrderResponse")
        equal((order.status, order.executed_qty, order.cummulative_quote_qty), ("PARTIALLY_FILLED", "0.20000000", "20.00000000"))
    with check("trading", "it is filled"):
        maker.order(symbol, "SELL", "0.3", "100.00")
        order = typed(api.get_order(symbol, order_id=state["resting"].order_id).data(), "GetOrderResponse")
        equal((order.status, order.executed_qty), ("FILLED", "0.50000000"))
    with check("trading", "open orders are listed, all and by symbol"):
        mine = typed(api.get_open_orders(symbol=symbol).data(), "GetOpenOrdersResponse")
        equal(len(mine), 3)
        equal(len(api.get_open_orders().data()), 3)
    with check("trading", "a market order by quantity is filled and says how"):
        maker.order(symbol, "SELL", "1", "101.00")
        order = typed(api.new_order(symbol, "BUY", "MARKET", quantity="0.25").data(), "NewOrderResponse")
        equal((order.status, order.executed_qty, order.cummulative_quote_qty), ("FILLED", "0.25000000", "25.25000000"))
        fill = order.fills[0]
        equal((fill.price, fill.qty, fill.commission_asset), ("101.00000000", "0.25000000", symbol.removesuffix("USDT")))
    with check("trading", "a market order by quoteOrderQty spends no more than it may"):
        order = typed(api.new_order(symbol, "BUY", "MARKET", quote_order_qty="10").data(), "NewOrderResponse")
        equal((order.status, order.orig_quote_order_qty), ("FILLED", "10.00000000"))
        true(9.99 < float(order.cummulative_quote_qty) <= 10, f"spent {order.cummulative_quote_qty}")
    with check("trading", "IOC takes what is there and expires"):
        order = api.new_order(symbol, "BUY", "LIMIT", time_in_force="IOC", quantity="5", price="101.00").data()
        equal(order.status, "EXPIRED")
        true(0 < float(order.executed_qty) < 5, order.executed_qty)
    with check("trading", "FOK without enough liquidity expires untouched"):
        maker.order(symbol, "SELL", "0.1", "102.00")
        order = api.new_order(symbol, "BUY", "LIMIT", time_in_force="FOK", quantity="5", price="102.00").data()
        equal((order.status, order.executed_qty), ("EXPIRED", "0.00000000"))
    with check("trading", "amending keeps the order's id and place"):
        order = api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.4", price="95.00").data()
        amended = typed(api.order_amend_keep_priority(symbol, "0.3", order_id=order.order_id).data(), "OrderAmendKeepPriorityResponse")
        equal((amended.amended_order.order_id, amended.amended_order.qty), (order.order_id, "0.30000000"))
        true(amended.amended_order.client_order_id != order.client_order_id, "client order id did not change")
        maker.order(symbol, "BUY", "0.3", "95.00", newClientOrderId=board.unique())
        maker.order(symbol, "SELL", "0.3", "95.00", selfTradePreventionMode="EXPIRE_MAKER")
        equal(api.get_order(symbol, order_id=order.order_id).data().status, "FILLED", "the amended order was first in its queue, status")
        maker.cancel_all(symbol)
    conditional(api, symbol, maker)
    order_lists(api, symbol, maker)
    cancels(api, symbol, maker)


def order_lists(api, symbol, maker):
    """Lists and their cascades; the maker trades with itself to move the price."""

    def trade(price):
        maker.order(symbol, "SELL", "0.1", price)
        maker.order(symbol, "BUY", "0.1", price, selfTradePreventionMode="NONE")

    def states(orders):
        return [api.get_order(symbol, order_id=o.order_id).data().status for o in orders]

    maker.cancel_all(symbol)
    trade("100.00")
    pair = {"above_type": "LIMIT_MAKER", "above_price": "120.00", "below_type": "STOP_LOSS", "below_stop_price": "80.00"}
    with check("order lists", "an OCO: the order that trades ends the other"):
        oco = typed(api.order_list_oco(symbol, "SELL", "0.2", **pair).data(), "OrderListOcoResponse")
        equal((oco.contingency_type, oco.list_order_status), ("OCO", "EXECUTING"))
        equal([r.status for r in oco.order_reports], ["NEW", "NEW"])
        maker.order(symbol, "BUY", "0.2", "120.00")
        equal(states(oco.orders), ["FILLED", "EXPIRED"])
        done = typed(api.get_order_list(order_list_id=oco.order_list_id).data(), "GetOrderListResponse")
        equal((done.list_status_type, done.list_order_status), ("ALL_DONE", "ALL_DONE"))
    with check("order lists", "amending one order of a pair lowers both, and is answered with the list"):
        trade("100.00")
        oco = typed(api.order_list_oco(symbol, "SELL", "0.2", **pair).data(), "OrderListOcoResponse")
        stop = oco.orders[1].order_id
        amended = typed(api.order_amend_keep_priority(symbol, "0.15", order_id=stop, new_client_order_id="lowered").data(), "OrderAmendKeepPriorityResponse")
        status = amended.list_status
        equal((status.order_list_id, status.contingency_type, status.list_order_status), (oco.order_list_id, "OCO", "EXECUTING"))
        equal([one.client_order_id for one in status.orders], [oco.orders[0].client_order_id, "lowered"])
        seen = [api.get_order(symbol, order_id=one.order_id).data() for one in oco.orders]
        equal([(one.orig_qty, one.status) for one in seen], [("0.15000000", "NEW")] * 2)
        for one in oco.orders:
            rows = typed(api.order_amendments(symbol, one.order_id).data(), "OrderAmendmentsResponse")
            equal([(row.orig_qty, row.new_qty) for row in rows], [("0.20000000", "0.15000000")])
        api.delete_order_list(symbol, order_list_id=oco.order_list_id)
    with check("order lists", "an OTOCO: a filled working order begins a pair"):
        trade("100.00")
        working = {"working_type": "LIMIT", "working_side": "BUY", "working_price": "93.00", "working_quantity": "0.2", "working_time_in_force": "GTC"}
        pending = {f"pending_{name}": value for name, value in pair.items()}
        made = typed(
            api.order_list_otoco(symbol, **working, pending_side="SELL", pending_quantity="0.2", **pending).data(), "OrderListOtocoResponse"
        )
        equal([r.status for r in made.order_reports], ["NEW", "PENDING_NEW", "PENDING_NEW"])
        maker.order(symbol, "SELL", "0.2", "93.00")
        equal(states(made.orders), ["FILLED", "NEW", "NEW"])
        opened = typed(api.open_order_list().data(), "OpenOrderListResponse")
        true(made.order_list_id in [one.order_list_id for one in opened], "the list is not open")
        ended = typed(api.delete_order_list(symbol, order_list_id=made.order_list_id).data(), "DeleteOrderListResponse")
        equal([r.status for r in ended.order_reports], ["CANCELED", "CANCELED"])
    with check("order lists", "an OPO sells what it bought"):
        trade("100.00")
        made = typed(
            api.order_list_opo(symbol, **working, pending_side="SELL", pending_type="LIMIT_MAKER", pending_price="110.00").data(), "OrderListOpoResponse"
        )
        maker.order(symbol, "SELL", "0.2", "93.00")
        sells = api.get_order(symbol, order_id=made.orders[1].order_id).data()
        equal(sells.status, "NEW")
        true(0 < float(sells.orig_qty) <= 0.2, sells.orig_qty)
        api.delete_order_list(symbol, order_list_id=made.order_list_id)
    with check("order lists", "the documented refusals"):
        refused(lambda: api.order_list_oco(symbol, "SELL", "0.2", **{**pair, "above_price": "70.00"}), -2010, "The relationship of the prices for the orders is not correct.")
        refused(lambda: api.order_list_oco(symbol, "BUY", "0.2", **pair), -1165, "A limit order in a buy OCO must be below.")
        refused(lambda: api.get_order_list(order_list_id=987654321), -2013, "Order does not exist.")


def conditional(api, symbol, maker):
    """Stops wait outside the book and act at a trade; the maker trades with itself to move the price."""

    def trade(price):
        maker.order(symbol, "SELL", "0.1", price)
        maker.order(symbol, "BUY", "0.1", price, selfTradePreventionMode="NONE")

    with check("trading", "a stop-loss limit waits for its price"):
        trade("100.00")
        order = api.new_order(
            symbol, "BUY", "STOP_LOSS_LIMIT", time_in_force="GTC", quantity="0.2", price="104.00", stop_price="103.00", new_order_resp_type="RESULT"
        )
        order = typed(order.data(), "NewOrderResponse", ("fills",))
        equal((order.status, order.working_time), ("NEW", -1))
        equal(order.additional_properties.get("stopPrice"), "103.00000000")  # the model does not declare it
        seen = typed(api.get_order(symbol, order_id=order.order_id).data(), "GetOrderResponse")
        equal((seen.type, seen.is_working, seen.stop_price), ("STOP_LOSS_LIMIT", False, "103.00000000"))
        true(order.order_id in [o.order_id for o in api.get_open_orders(symbol=symbol).data()], "not among the open orders")
    with check("trading", "it acts when a trade reaches it, and then rests"):
        trade("103.00")
        seen = typed(api.get_order(symbol, order_id=order.order_id).data(), "GetOrderResponse")
        equal((seen.status, seen.is_working), ("NEW", True))
        true(seen.working_time > 0, seen.working_time)
        maker.order(symbol, "SELL", "0.2", "104.00")
        equal(api.get_order(symbol, order_id=order.order_id).data().status, "FILLED")
    with check("trading", "a stop-loss sells at the market"):
        order = api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.1", price="102.00").data()
        stop = api.new_order(symbol, "SELL", "STOP_LOSS", quantity="0.1", stop_price="99.00").data()
        true(stop.status is None, "a stop answers with ACK by default")
        api.delete_order(symbol, order_id=order.order_id)
        maker.order(symbol, "BUY", "0.1", "98.00")
        trade("99.00")
        seen = typed(api.get_order(symbol, order_id=stop.order_id).data(), "GetOrderResponse")
        equal((seen.status, seen.cummulative_quote_qty), ("FILLED", "9.80000000"))
    with check("trading", "a trailing take-profit is told with its delta, and canceled"):
        order = api.new_order(symbol, "SELL", "TAKE_PROFIT", quantity="0.1", trailing_delta=200, new_order_resp_type="FULL").data()
        equal(typed(order, "NewOrderResponse").additional_properties.get("trailingDelta"), 200)
        gone = typed(api.delete_order(symbol, order_id=order.order_id).data(), "DeleteOrderResponse")
        equal((gone.status, gone.type), ("CANCELED", "TAKE_PROFIT"))
    maker.cancel_all(symbol)


def cancels(api, symbol, maker):
    with check("trading", "cancel-replace"):
        order = api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.4", price="91.00").data()
        answer = typed(
            api.order_cancel_replace(
                symbol, "BUY", "LIMIT", "STOP_ON_FAILURE", time_in_force="GTC", quantity="0.4", price="92.00", cancel_order_id=order.order_id
            ).data(),
            "OrderCancelReplaceResponse",
        )
        equal((answer.cancel_result, answer.new_order_result), ("SUCCESS", "SUCCESS"))
        equal((answer.cancel_response.status, answer.new_order_response.status), ("CANCELED", "NEW"))
    with check("trading", "cancel by id"):
        order = api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.4", price="91.00").data()
        canceled = typed(api.delete_order(symbol, order_id=order.order_id).data(), "DeleteOrderResponse")
        equal((canceled.status, canceled.orig_client_order_id), ("CANCELED", order.client_order_id))
        equal(api.get_order(symbol, order_id=order.order_id).data().status, "CANCELED")
    with check("trading", "cancel all"):
        canceled = typed(api.delete_open_orders(symbol).data(), "DeleteOpenOrdersResponse")
        equal({getattr(o, "actual_instance", o).status for o in canceled}, {"CANCELED"})
        equal(api.get_open_orders(symbol=symbol).data(), [])
    with check("trading", "order/test leaves no trace"):
        before = board.digest()
        equal(api.order_test(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.4", price="91.00").data().to_dict(), {})
        rates = api.order_test(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.4", price="91.00", compute_commission_rates=True)
        typed(rates.data(), "OrderTestResponse")
        equal(board.digest(), before, "digest")
    maker.cancel_all(symbol)


def account(api, symbol):
    base = symbol.removesuffix("USDT")
    table = [
        ("get_account", {}, "GetAccountResponse"),
        ("get_account", {"omit_zero_balances": True}, "GetAccountResponse"),
        ("account_commission", {"symbol": symbol}, "AccountCommissionResponse"),
        ("rate_limit_order", {}, "RateLimitOrderResponse"),
        ("my_filters", {"symbol": symbol}, "MyFiltersResponse"),
        ("all_orders", {"symbol": symbol}, "AllOrdersResponse"),
        ("my_trades", {"symbol": symbol}, "MyTradesResponse"),
    ]
    for method, arguments, model in table:
        with check("account", f"{method}({', '.join(k for k in arguments)})"):
            data = typed(getattr(api, method)(**arguments).data(), model)
            if isinstance(data, list):
                true(data, "an empty list")
    with check("account", "balances agree with what was traded"):
        balances = {b.asset: (float(b.free), float(b.locked)) for b in api.get_account().data().balances}
        trades = api.my_trades(symbol).data()
        traded = sum(float(t.qty) - float(t.commission) if t.is_buyer else -float(t.qty) for t in trades)
        true(abs(balances[base][0] + balances[base][1] - traded) < 1e-7, f"{balances[base]} but traded {traded}")
        equal(balances["USDT"][1], 0.0, "locked with no order open")
    with check("account", "allOrders pages by id, oldest first"):
        first = api.all_orders(symbol, order_id=0, limit=3).data()
        ids = [o.order_id for o in first]
        equal((len(ids), ids), (3, sorted(ids)))
        more = api.all_orders(symbol, order_id=ids[-1] + 1, limit=500).data()
        everything = api.all_orders(symbol, limit=1000).data()
        equal([o.order_id for o in first + more], [o.order_id for o in everything], "pages")
    with check("account", "allOrders takes a window of time"):
        everything = api.all_orders(symbol, limit=1000).data()
        start, end = everything[0].time, everything[-1].time
        equal(len(api.all_orders(symbol, start_time=start, end_time=end).data()), len(everything))
        refused(lambda: api.all_orders(symbol, start_time=start, end_time=start + 86_400_001), -1127, "More than 24 hours between startTime and endTime.")
    with check("account", "myTrades pages by id and selects by order"):
        everything = api.my_trades(symbol).data()
        equal([t.id for t in api.my_trades(symbol, from_id=everything[1].id, limit=2).data()], [t.id for t in everything[1:3]])
        one = everything[0].order_id
        equal({t.order_id for t in api.my_trades(symbol, order_id=one).data()}, {one})


def commission(symbol):
    """What is told of commission is what is charged, in the received asset and in the discount asset."""
    base = symbol.removesuffix("USDT")
    dealer, other = (board.Plain(board.make_account({"USDT": "1000", "TIDE": "100"})) for _ in range(2))
    payer = board.make_account({"USDT": "100000", base: "100", "TIDE": "100"})
    mine = board.make_account({"USDT": "100000", base: "100"})
    api = client(payer)
    units = lambda text: int(Decimal(text) * 10**8)  # noqa: E731

    def trade():
        """Buys from another account, as the taker; answers what was told and what was charged."""
        board.Plain(mine).order(symbol, "SELL", "1.23457", "100.07")
        told = typed(
            api.order_test(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="1.23457", price="100.07", compute_commission_rates=True).data(), "OrderTestResponse"
        )
        filled = typed(api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="1.23457", price="100.07").data(), "NewOrderResponse")
        equal(filled.status, "FILLED")
        return told, filled.fills[0]

    with check("account", "commission in three parts is charged as order/test tells it"):
        board.sandbox("PUT", f"/fees/{symbol}", {"standard": {"buyer": "0.00011"}, "tax": {"taker": "0.00237"}, "special": {"taker": "0.0003"}})
        told, fill = trade()
        rates = [told.standard_commission_for_order, told.tax_commission_for_order, told.special_commission_for_order]
        rate = sum(units(part.taker) for part in rates)
        equal((units(fill.commission), fill.commission_asset), (123_457_000 * rate // 10**8, base))
        whole = typed(api.account_commission(symbol).data(), "AccountCommissionResponse")
        equal((whole.tax_commission.taker, whole.standard_commission.buyer), ("0.00237000", "0.00011000"))
    with check("account", "commission in the discount asset costs less, and is taken from it"):
        answer = board.sandbox("PUT", f"/accounts/{payer['accountId']}", {"discountToken": True, "tier": 1})
        equal((answer["tier"], answer["discountToken"]), (1, True))
        market = "TIDEUSDT"
        if market not in [s.symbol for s in api.exchange_info().data().symbols]:
            board.make_symbol("TIDE")
        dealer.order(market, "SELL", "10", "4")
        other.order(market, "BUY", "10", "4")
        told, fill = trade()
        discount = told.discount
        equal((discount.enabled_for_account, discount.enabled_for_symbol, discount.discount_asset, discount.discount), (True, True, "TIDE", "0.75000000"))
        parts = [told.standard_commission_for_order, told.tax_commission_for_order, told.special_commission_for_order]
        owed = [123_457_000 * units(part.taker) for part in parts]
        owed[0] = owed[0] * 75 // 100
        # of the base at the price of the trade itself, in USDT, and of that in TIDE at 4
        worth = [part * 10_007_000_000 // 10**8 * 10**8 // 400_000_000 for part in owed]
        equal((units(fill.commission), fill.commission_asset), (sum(worth) // 10**8, "TIDE"))
        listed = api.my_trades(symbol, order_id=api.all_orders(symbol).data()[-1].order_id).data()
        equal((listed[0].commission, listed[0].commission_asset), (fill.commission, "TIDE"))
    board.sandbox("PUT", f"/fees/{symbol}", {"standard": {"buyer": "0"}, "tax": {"taker": "0"}, "special": {"taker": "0"}})


def told(order, name):
    """A field by its name on the wire, whether the model declares it or not."""
    return order.to_dict().get(name)


def prevention(symbol):
    """Self-trade prevention that takes quantity off both orders, and between accounts of one trade group."""
    makers, takers = (board.make_account({symbol.removesuffix("USDT"): "100", "USDT": "100000"}) for _ in range(2))
    maker, taker = client(makers), client(takers)

    def order(api, side, quantity, mode):
        return api.new_order(
            symbol, side, "LIMIT", time_in_force="GTC", quantity=quantity, price="97.00", new_order_resp_type="FULL", self_trade_prevention_mode=mode
        ).data()

    with check("prevention", "decrement leaves the larger order open with less"):
        rests = order(maker, "BUY", "0.6", "NONE")
        ends = typed(order(maker, "SELL", "0.2", "DECREMENT"), "NewOrderResponse")
        equal((ends.status, told(ends, "preventedQuantity")), ("EXPIRED_IN_MATCH", "0.20000000"))
        seen = typed(maker.get_order(symbol, order_id=rests.order_id).data(), "GetOrderResponse")
        equal((seen.status, seen.orig_qty, told(seen, "preventedQuantity")), ("NEW", "0.60000000", "0.20000000"))
        row = typed(maker.my_prevented_matches(symbol, order_id=ends.order_id).data(), "MyPreventedMatchesResponse")[0]
        equal((row.self_trade_prevention_mode, row.trade_group_id), ("DECREMENT", -1))
        equal(row.maker_prevented_quantity, "0.20000000")
        maker.delete_order(symbol, order_id=rests.order_id)
    with check("prevention", "transfer moves what was prevented within a trade group"):
        for one in (makers, takers):
            equal(board.sandbox("PUT", f"/accounts/{one['accountId']}", {"tradeGroupId": 11})["tradeGroupId"], 11)
        rests = order(maker, "BUY", "0.6", "TRANSFER")
        ends = typed(order(taker, "SELL", "0.2", "TRANSFER"), "NewOrderResponse")
        equal((ends.status, ends.executed_qty), ("EXPIRED_IN_MATCH", "0.00000000"))
        row = typed(taker.my_prevented_matches(symbol, order_id=ends.order_id).data(), "MyPreventedMatchesResponse")[0]
        equal((row.self_trade_prevention_mode, row.trade_group_id), ("TRANSFER", 11))
        held = {b.asset: b.free for b in typed(taker.get_account(omit_zero_balances=True).data(), "GetAccountResponse").balances}
        equal(held, {symbol.removesuffix("USDT"): "99.80000000", "USDT": "100019.40000000"})
        maker.delete_order(symbol, order_id=rests.order_id)


def icebergs(symbol):
    """Orders that show a part of themselves, and orders that take their price from the book."""
    base = symbol.removesuffix("USDT")
    maker, taker = (client(board.make_account({base: "100", "USDT": "100000"})) for _ in range(2))
    limit = {"time_in_force": "GTC", "new_order_resp_type": "FULL"}
    with check("icebergs", "depth shows a part and then the next"):
        order = maker.new_order(symbol, "BUY", "LIMIT", quantity="1.5", price="96.00", iceberg_qty="0.5", **limit).data()
        equal(told(typed(order, "NewOrderResponse"), "icebergQty"), "0.50000000")
        equal(next(q for p, q in client().depth(symbol).data().bids if p.startswith("96.00")), "0.50000000")
        taker.new_order(symbol, "SELL", "LIMIT", quantity="0.7", price="96.00", **limit)
        equal(next(q for p, q in client().depth(symbol).data().bids if p.startswith("96.00")), "0.30000000")
        seen = typed(maker.get_order(symbol, order_id=order.order_id).data(), "GetOrderResponse")
        equal((seen.iceberg_qty, seen.executed_qty, seen.status), ("0.50000000", "0.70000000", "PARTIALLY_FILLED"))
        info = client().exchange_info(symbol=symbol).data().symbols[0]
        equal((info.iceberg_allowed, info.peg_instructions_allowed), (True, True))
    with check("icebergs", "a pegged order joins the best price"):
        pegged = taker.new_order(symbol, "BUY", "LIMIT", quantity="0.2", peg_price_type="PRIMARY_PEG", **limit).data()
        pegged = typed(pegged, "NewOrderResponse")
        equal((pegged.price, told(pegged, "pegPriceType"), told(pegged, "peggedPrice")), ("0.00000000", "PRIMARY_PEG", "96.00000000"))
        seen = typed(taker.get_order(symbol, order_id=pegged.order_id).data(), "GetOrderResponse")
        equal((seen.price, told(seen, "peggedPrice"), seen.status), ("0.00000000", "96.00000000", "NEW"))
        refused(
            lambda: taker.new_order(symbol, "BUY", "MARKET", quantity="0.2", peg_price_type="PRIMARY_PEG"),
            -2010,
            "This order type may not use pegged price.",
        )
    with check("icebergs", "orders of a list are icebergs and pegged"):
        working = {"working_type": "LIMIT", "working_side": "BUY", "working_price": "99.00", "working_quantity": "0.4", "working_time_in_force": "GTC"}
        pair = {
            "pending_above_type": "LIMIT_MAKER", "pending_above_peg_price_type": "PRIMARY_PEG", "pending_above_iceberg_qty": "0.2",
            "pending_below_type": "STOP_LOSS_LIMIT", "pending_below_stop_price": "90.00", "pending_below_peg_price_type": "MARKET_PEG",
            "pending_below_time_in_force": "GTC",
        }  # fmt: skip
        placed = taker.order_list_otoco(symbol, **working, working_iceberg_qty="0.2", pending_side="SELL", pending_quantity="0.4", **pair).data()
        placed = typed(placed, "OrderListOtocoResponse")
        told_pegs = [(told(r, "pegPriceType"), told(r, "peggedPrice"), told(r, "icebergQty")) for r in placed.order_reports]
        equal(told_pegs, [(None, None, "0.20000000"), ("PRIMARY_PEG", None, "0.20000000"), ("MARKET_PEG", None, None)])
        oco = {
            "above_type": "LIMIT_MAKER", "above_price": "120.00", "above_iceberg_qty": "0.2", "below_type": "STOP_LOSS_LIMIT", "below_stop_price": "80.00",
            "below_time_in_force": "GTC", "below_peg_price_type": "MARKET_PEG", "below_iceberg_qty": "0.2",
        }  # fmt: skip
        pairs = typed(taker.order_list_oco(symbol, "SELL", "0.4", **oco).data(), "OrderListOcoResponse")
        equal([told(r, "icebergQty") for r in pairs.order_reports], ["0.20000000", "0.20000000"])
        opo = typed(
            taker.order_list_opo(symbol, **working, pending_type="LIMIT", pending_side="SELL", pending_time_in_force="GTC", pending_peg_price_type="PRIMARY_PEG").data(),
            "OrderListOpoResponse",
        )
        equal([told(r, "pegPriceType") for r in opo.order_reports], [None, "PRIMARY_PEG"])
        # what fills both working orders begins a pair, whose limit order joins the best ask
        best = client().depth(symbol).data().asks[0][0]
        maker.new_order(symbol, "SELL", "LIMIT", quantity="0.8", price="99.00", **limit)
        seen = typed(taker.get_order(symbol, order_id=placed.orders[1].order_id).data(), "GetOrderResponse")
        equal((seen.status, seen.price, told(seen, "peggedPrice"), seen.iceberg_qty), ("NEW", "0.00000000", best, "0.20000000"))
    for one in (maker, taker):
        if one.get_open_orders(symbol).data():
            one.delete_open_orders(symbol)


def errors(api, symbol):
    limit = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": "0.1", "price": "100.00"}

    def order(**change):
        arguments = {k: v for k, v in {**limit, **change}.items() if v is not None}
        return lambda: api.new_order(**arguments)

    table = [
        ("unknown symbol", order(symbol="NOSUCHUSDT"), -1121, "Invalid symbol."),
        ("wrong side", order(side="HOLD"), -1117, "Invalid side."),
        ("wrong type", order(type="MAYBE"), -1116, "Invalid orderType."),
        ("wrong time in force", order(time_in_force="GTX"), -1115, "Invalid timeInForce."),
        ("price off the grid", order(price="100.001"), -1013, "Filter failure: PRICE_FILTER"),
        ("quantity off the grid", order(quantity="0.100001"), -1013, "Filter failure: LOT_SIZE"),
        ("too small a notional", order(quantity="0.01"), -1013, "Filter failure: NOTIONAL"),
        ("a price far from the market", order(price="10.00", quantity="1"), -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ("more than one has", order(quantity="8000"), -2010, "Account has insufficient balance for requested action."),
        ("more decimals than exist", order(quantity="0.123456789"), -1111, "Parameter 'quantity' has too much precision."),
        ("no price", order(price=None), -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        ("time in force on a market order", order(type="MARKET", price=None), -1106, "Parameter 'timeInForce' sent when not required."),
        (
            "scientific notation",
            order(quantity="1e-05"),
            -1100,
            "Illegal characters found in parameter 'quantity'; legal range is '^([0-9]{1,20})(\\.[0-9]{1,20})?$'.",
        ),
        ("querying an unknown order", lambda: api.get_order(symbol, order_id=987654321), -2013, "Order does not exist."),
        ("canceling an unknown order", lambda: api.delete_order(symbol, order_id=987654321), -2011, "Unknown order sent."),
        ("canceling all where there is none", lambda: api.delete_open_orders(symbol), -2011, "Unknown order sent."),
        ("a window of reception too wide", lambda: api.get_account(recv_window=60001), -1131, None),
        ("an interval that is none", lambda: api.klines(symbol, "7m"), -1120, "Invalid interval."),
    ]
    for name, work, code, msg in table:
        if msg is None:
            continue
        with check("errors", name):
            before = board.digest()
            refused(work, code, msg)
            equal(board.digest(), before, "digest")
    with check("errors", "a key that nobody has"):
        stranger = client({"apiKey": "x" * 64, "secretKey": "y"})
        refused(stranger.get_account, -2015, "Invalid API-key, IP, or permissions for action.", UnauthorizedError)
    with check("errors", "a wrong signature"):
        keys = board.make_account({})
        forged = client({"apiKey": keys["apiKey"], "secretKey": "wrong"})
        refused(forged.get_account, -1022, "Signature for this request is not valid.")


def keys(symbol):
    """Every kind of key signs an order, and one without TRADE may only look."""
    for kind in ("HMAC", "RSA", "ED25519"):
        with check("keys", f"{kind} signs queries and orders"):
            api = client(board.make_account({"USDT": "1000"}, kind))
            typed(api.get_account().data(), "GetAccountResponse")
            order = api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.1", price="90.00").data()
            equal(api.delete_order(symbol, order_id=order.order_id).data().status, "CANCELED")
    with check("keys", "a key without TRADE may look but not trade"):
        api = client(board.make_account({"USDT": "1000"}, permissions=["READ"]))
        typed(api.get_account().data(), "GetAccountResponse")
        refused(
            lambda: api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.1", price="90.00"),
            -2015,
            "Invalid API-key, IP, or permissions for action.",
            UnauthorizedError,
        )
    with check("keys", "times in microseconds on request"):
        api = client(time_unit="MICROSECOND")
        true(api.time().data().server_time > 10**15, "not microseconds")


def run(symbol, other, maker):
    public(client(), symbol, other)
    api = client(board.make_account({"USDT": "100000"}))
    trading(api, symbol, maker)
    account(api, symbol)
    commission(symbol)
    prevention(symbol)
    icebergs(symbol)
    errors(api, symbol)
    keys(symbol)
    with check("trading", "limits are told in headers"):
        answer = api.new_order(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.1", price="90.00")
        kinds = {limit.rateLimitType for limit in answer.rate_limits}
        equal(kinds, {"REQUEST_WEIGHT", "ORDERS"}, "kinds of limits")
        api.delete_open_orders(symbol)
