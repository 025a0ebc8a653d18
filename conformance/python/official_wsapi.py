"""The official Python SDK's WebSocket API: methods typed, session, user data, errors, reconnect."""

import asyncio

from binance_common.configuration import ConfigurationWebSocketAPI
from binance_sdk_spot.spot import Spot

import board
from board import check, equal, true
from official_streams import gather
from typed import typed


# A model of the SDK that forgets that the answer stands under `result`; what it holds is checked by hand.
WITHOUT_RESULT = {
    "ExchangeInfoResponse": {"timezone", "serverTime", "rateLimits", "exchangeFilters", "symbols"},
}


async def connect(account):
    keys = {"private_key": account["privateKey"]} if "privateKey" in account else {"api_secret": account["secretKey"]}
    spot = Spot(
        config_ws_api=ConfigurationWebSocketAPI(api_key=account["apiKey"], stream_url=board.WSAPI, timeout=20000, reconnect_delay=200, **keys)
    )
    connection = await spot.websocket_api.create_connection()
    true(connection is not None, "could not connect")
    return connection


def refused(response, code, msg):
    data = response.data()
    true(isinstance(data, dict) and "error" in data, f"was not refused: {data!r}")
    equal((data["error"].get("code"), data["error"].get("msg")), (code, msg), "code and message")


async def public(api, symbol, other):
    both = {"symbols": [symbol, other]}
    one = {"symbol": symbol}
    table = [
        ("ping", {}, "PingResponse"),
        ("time", {}, "TimeResponse"),
        ("exchange_info", {}, "ExchangeInfoResponse"),
        ("exchange_info", one, "ExchangeInfoResponse"),
        ("exchange_info", both, "ExchangeInfoResponse"),
        ("depth", {**one, "limit": 5}, "DepthResponse"),
        ("trades_recent", {**one, "limit": 3}, "TradesRecentResponse"),
        ("trades_historical", {**one, "from_id": 0, "limit": 2}, "TradesHistoricalResponse"),
        ("trades_aggregate", {**one, "limit": 2}, "TradesAggregateResponse"),
        ("klines", {**one, "interval": "1m", "limit": 2}, "KlinesResponse"),
        ("ui_klines", {**one, "interval": "1m", "limit": 2}, "UiKlinesResponse"),
        ("avg_price", one, "AvgPriceResponse"),
        ("ticker24hr", one, "Ticker24hrResponse1"),
        ("ticker24hr", both, "Ticker24hrResponse2"),
        ("ticker_trading_day", one, "TickerTradingDayResponse1"),
        ("ticker", one, "TickerResponse1"),
        ("ticker", {**both, "window_size": "1h"}, "TickerResponse2"),
        ("ticker_price", one, "TickerPriceResponse1"),
        ("ticker_price", both, "TickerPriceResponse2"),
        ("ticker_book", one, "TickerBookResponse1"),
        ("ticker_book", both, "TickerBookResponse2"),
    ]
    await typed_table("WebSocket API", api, table)


async def typed_table(area, api, table):
    for method, arguments, model in table:
        shown = ", ".join(f"{k}={'two' if k == 'symbols' else 'one' if k == 'symbol' else v}" for k, v in arguments.items())
        with check(area, f"{method}({shown})"):
            response = await getattr(api, method)(**arguments)
            data = response.data()
            if method == "my_filters":
                true("error" not in data if isinstance(data, dict) else True, data)
                continue  # this model forgets the envelope and all that it does not know
            if model in WITHOUT_RESULT:
                equal(data.additional_properties["status"], 200, "status")
                equal(WITHOUT_RESULT[model] - set(data.additional_properties["result"]), set(), "fields without a value")
                continue
            typed(data, model)
            content = getattr(data, "actual_instance", None) or data
            equal(content.status, 200, "status")
            if hasattr(content, "rate_limits") and not method.startswith("session"):
                true(content.rate_limits, "no rate limits in the answer")


async def trading(area, api, symbol, maker):
    limit = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": "0.2"}
    with check(area, "order_place rests, is queried, partially filled, filled"):
        order = typed((await api.order_place(**limit, price="100.00")).data(), "OrderPlaceResponse").result
        equal(order.status, "NEW")
        for quantity, status in (("0.05", "PARTIALLY_FILLED"), ("0.15", "FILLED")):
            await asyncio.to_thread(maker.order, symbol, "SELL", quantity, "100.00")
            found = typed((await api.order_status(symbol, order_id=order.order_id)).data(), "OrderStatusResponse").result
            equal(found.status, status)
    with check(area, "order_amend_keep_priority"):
        order = (await api.order_place(**limit, price="95.00")).data().result
        amended = typed((await api.order_amend_keep_priority(symbol, "0.1", order_id=order.order_id)).data(), "OrderAmendKeepPriorityResponse")
        equal(amended.result.amended_order.qty, "0.10000000")
    with check(area, "order_cancel_replace"):
        answer = await api.order_cancel_replace(
            symbol, "STOP_ON_FAILURE", "BUY", "LIMIT", cancel_order_id=order.order_id, time_in_force="GTC", price="94.00", quantity="0.2"
        )
        result = typed(answer.data(), "OrderCancelReplaceResponse").result
        equal((result.cancel_result, result.new_order_result), ("SUCCESS", "SUCCESS"))
    with check(area, "order_cancel"):
        order = (await api.order_place(**limit, price="93.00")).data().result
        equal(typed((await api.order_cancel(symbol, order_id=order.order_id)).data(), "OrderCancelResponse").result.status, "CANCELED")
    with check(area, "order_test"):
        response = await api.order_test(**limit, price="93.00", compute_commission_rates=True)
        typed(response.data(), "OrderTestResponse")
    table = [
        ("open_orders_status", {"symbol": symbol}, "OpenOrdersStatusResponse"),
        ("open_orders_status", {}, "OpenOrdersStatusResponse"),
        ("account_status", {}, "AccountStatusResponse"),
        ("account_commission", {"symbol": symbol}, "AccountCommissionResponse"),
        ("account_rate_limits_orders", {}, "AccountRateLimitsOrdersResponse"),
        ("all_orders", {"symbol": symbol, "limit": 5}, "AllOrdersResponse"),
        ("my_trades", {"symbol": symbol}, "MyTradesResponse"),
        ("my_filters", {"symbol": symbol}, "MyFiltersResponse"),
    ]
    await typed_table(area, api, table)
    with check(area, "open_orders_cancel_all"):
        canceled = (await api.open_orders_cancel_all(symbol)).data().result
        equal({o.status for o in canceled}, {"CANCELED"})
    with check(area, "errors carry code and message"):
        refused(await api.order_place(**{**limit, "symbol": "NOSUCHUSDT"}, price="93.00"), -1121, "Invalid symbol.")
        refused(await api.order_place(**limit, price="93.001"), -1013, "Filter failure: PRICE_FILTER")
        refused(await api.order_cancel(symbol, order_id=987654321), -2011, "Unknown order sent.")


async def user_data(area, api, handle, symbol, account_id, maker):
    """What a subscription delivers for the life of one order and one deposit."""
    events = []
    handle.on("message", lambda event: events.append(event.actual_instance))

    def reports(kind):
        return [e for e in events if type(e).__name__ == kind]

    async def until(condition):
        for _ in range(300):
            if condition():
                return
            await asyncio.sleep(0.05)

    order = (await api.order_place(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.2", price="100.00")).data().result
    await asyncio.to_thread(maker.order, symbol, "SELL", "0.1", "100.00")
    await api.order_cancel(symbol, order_id=order.order_id)

    def ended():
        """Its own last report is there, and the position that followed from it: reports of earlier orders may come too."""
        at = [i for i, e in enumerate(events) if getattr(e, "i", None) == order.order_id and e.x == "CANCELED"]
        return at and any(type(e).__name__ == "OutboundAccountPosition" for e in events[at[0] :])

    await until(ended)
    with check(area, "executionReport: NEW, TRADE, CANCELED, in this order, typed"):
        mine = [e for e in reports("ExecutionReport") if e.i == order.order_id]
        equal([(e.x, e.X) for e in mine], [("NEW", "NEW"), ("TRADE", "PARTIALLY_FILLED"), ("CANCELED", "CANCELED")])
        for each in mine:
            typed(each, "ExecutionReport")
        equal((mine[1].l, mine[1].L, mine[1].z, mine[1].m), ("0.10000000", "100.00000000", "0.10000000", True))
        true(mine[1].N == symbol.removesuffix("USDT"), "commission asset")
        equal(mine[2].C, order.client_order_id, "original client order id on a cancel")
    with check(area, "outboundAccountPosition after every change, typed"):
        for each in reports("OutboundAccountPosition"):
            typed(each, "OutboundAccountPosition")
        last = {b.a: (b.f, b.l) for b in reports("OutboundAccountPosition")[-1].B}
        equal(last["USDT"][1], "0.00000000", "locked after the cancel")
    with check(area, "balanceUpdate on a deposit"):
        await asyncio.to_thread(board.sandbox, "POST", f"/accounts/{account_id}/fund", {"asset": "USDT", "amount": "5"})
        await until(lambda: reports("BalanceUpdate"))
        update = typed(reports("BalanceUpdate")[-1], "BalanceUpdate")
        equal((update.a, update.d), ("USDT", "5.00000000"))
    with check(area, "externalLockUpdate on a lock and its end"):
        for act, delta in (("lock", "2.00000000"), ("unlock", "-2.00000000")):
            await asyncio.to_thread(board.sandbox, "POST", f"/accounts/{account_id}/{act}", {"asset": "USDT", "amount": "2"})
            await until(lambda: any(e.d == delta for e in reports("ExternalLockUpdate")))
            update = typed(reports("ExternalLockUpdate")[-1], "ExternalLockUpdate")
            equal((update.a, update.d), ("USDT", delta))
    return events


async def list_events(area, api, handle, symbol):
    """What a subscription delivers for the life of a list."""
    events = []
    handle.on("message", lambda event: events.append(event.actual_instance))
    answer = await api.order_list_place_oto(
        symbol, "LIMIT", "BUY", "50.00", "0.2", "LIMIT_MAKER", "SELL", "0.2", working_time_in_force="GTC", pending_price="150.00"
    )
    made = typed(answer.data(), "OrderListPlaceOtoResponse").result
    typed((await api.order_list_status(order_list_id=made.order_list_id)).data(), "OrderListStatusResponse")
    typed((await api.order_list_cancel(symbol, order_list_id=made.order_list_id)).data(), "OrderListCancelResponse")

    def mine(kind):
        return [e for e in events if type(e).__name__ == kind and e.g == made.order_list_id]

    for _ in range(300):
        if len(mine("ListStatus")) == 2:
            break
        await asyncio.sleep(0.05)
    with check(area, "listStatus when a list is placed and when it is done, with the reports of its orders"):
        equal([(typed(e, "ListStatus").l, e.L) for e in mine("ListStatus")], [("EXEC_STARTED", "EXECUTING"), ("ALL_DONE", "ALL_DONE")])
        equal(sorted((e.x, e.X) for e in mine("ExecutionReport")), [("CANCELED", "CANCELED")] * 2 + [("NEW", "NEW"), ("NEW", "PENDING_NEW")])


async def session(symbol, maker):
    """Logon with Ed25519, user data on the session, reconnect with both restored."""
    account = board.make_account({"USDT": "100000"}, "ED25519")
    api = await connect(account)
    with check("session", "logon with an Ed25519 key"):
        equal(typed((await api.session_logon()).data(), "SessionLogonResponse").result.api_key, account["apiKey"])
        typed((await api.session_status()).data(), "SessionStatusResponse")
    await trading("session", api, symbol, maker)
    events = []
    with check("session", "userDataStream.subscribe"):
        subscription = await api.user_data_stream_subscribe()
        typed(subscription.response.data(), "UserDataStreamSubscribeResponse")
        typed((await api.session_subscriptions()).data(), "SessionSubscriptionsResponse")
        events = await user_data("user data", api, subscription.stream, symbol, account["accountId"], maker)
    with check("reconnect", "after a reconnect session and user data are back"):
        events.clear()
        true(await api.reconnect(api.connections[0], api.configuration), "no new connection")
        order = (await api.order_place(symbol, "BUY", "LIMIT", time_in_force="GTC", quantity="0.2", price="91.00")).data().result
        # Whatever was on its way before the cut may arrive too: wait for this order's report, not for any event.
        for _ in range(300):
            if any(getattr(e, "i", None) == order.order_id for e in events):
                break
            await asyncio.sleep(0.05)
        else:
            true(False, f"no report of the new order among {len(events)} events")
        await api.open_orders_cancel_all(symbol)
    with check("session", "logout"):
        equal(typed((await api.session_logout()).data(), "SessionLogoutResponse", ("apiKey", "authorizedSince")).result.api_key, None)
    await api.close_connection(close_session=True)


async def run(symbol, other, maker):
    maker.cancel_all(symbol)
    for kind in ("HMAC", "RSA", "ED25519"):
        account = board.make_account({"USDT": "100000"}, kind)
        api = await connect(account)
        if kind == "HMAC":
            await public(api, symbol, other)
            with check("WebSocket API", "session.logon refuses a key that is not Ed25519"):
                data = (await api.session_logon()).data()
                true(isinstance(data, dict) and data["error"].get("code", 0) < -1000, f"was not refused: {data!r}")
        await trading(f"WebSocket API, {kind} key", api, symbol, maker)
        with check(f"WebSocket API, {kind} key", "userDataStream.subscribe.signature"):
            subscription = await api.user_data_stream_subscribe_signature()
            typed(subscription.response.data(), "UserDataStreamSubscribeSignatureResponse")
            await user_data(f"user data, {kind} key", api, subscription.stream, symbol, account["accountId"], maker)
            await list_events(f"user data, {kind} key", api, subscription.stream, symbol)
            typed((await api.user_data_stream_unsubscribe()).data(), "UserDataStreamUnsubscribeResponse")
        await api.close_connection(close_session=True)
    await session(symbol, maker)
