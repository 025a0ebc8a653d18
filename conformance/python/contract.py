"""The whole spot contract, line by line, through the unmodified official SDK: a row per method and stream of contract.tsv.

A line passes when the SDK gives an instance of its own model, without falling back to raw JSON, with something in it. Lists
must not be empty, unless nothing that a client does could fill them. Whether the content is right is for the other scripts.
"""

import asyncio
import logging
import os
from pathlib import Path

from pydantic import BaseModel

import board
from board import check, equal, true
from official_rest import client
from official_streams import churn, streams
from official_wsapi import connect
from typed import WARNINGS

AREAS = {"rest": "REST", "wsapi": "WebSocket API", "stream": "streams"}
# Models that forget that the answer stands under `result`: the first keeps it as something unknown, the second drops it.
WITHOUT_RESULT = {"exchange_info", "my_filters"}
SECONDS = 20
FOLDER = Path(__file__).resolve().parent.parent


def lines():
    """The table: (kind, name, method, model)."""
    text = (FOLDER / "contract.tsv").read_text().splitlines()
    return [tuple(line.split("\t")) for line in text if not line.startswith("#")]


def fits(data, model, empty=False):
    """The answer is what the SDK says that it is, and holds something."""
    WARNINGS.none()
    items = data if isinstance(data, list) else [data]
    true(items or empty, "an empty list")
    for item in items:
        item = getattr(item, "actual_instance", None) or item
        if isinstance(item, list):
            if "line" in model.lower():
                continue  # candles are plain arrays
            fits(item, model, empty)
            continue
        if model in ("KlinesResponse", "UiKlinesResponse"):
            continue
        true(isinstance(item, BaseModel), f"answer is {type(item).__name__}, not a {model}: {str(item)[:200]}")
        names = (type(item).__name__, type(data).__name__)
        true(model == "UserDataStreamEventsResponse" or any(n.startswith(model) for n in names), f"answer is a {names[0]}, not a {model}")
        if not empty:
            true(any(v is not None and v != {} for v in vars(item).values()), "nothing in it")


def envelope(data, method):
    """An answer of the WebSocket API: 200, with a result that the model knows; lists not empty."""
    content = getattr(data, "actual_instance", None) or data
    true(not isinstance(content, dict), f"answer: {str(content)[:200]}")
    if method in WITHOUT_RESULT:
        kept = content.additional_properties
        true(method == "my_filters" or kept["result"]["symbols"], f"no result: {content}")
        return
    equal(content.status, 200, "status")
    result = getattr(content, "result", True)
    true(result is not None and result != [], f"no result: {content}")


class Scene:
    """A symbol that has traded, and an account that has done everything that the queries ask for."""

    def __init__(self):
        self.symbol = board.make_symbol("CON")
        money = {"USDT": "10000000", "CON": "100000"}
        self.other = board.make_account(money)
        self.maker = board.Plain(self.other)
        self.account = board.make_account(money, "ED25519")
        self.own = board.Plain(self.account)
        for price in ("100.00", "100.50", "99.50"):
            self.maker.order(self.symbol, "SELL", "1", price)
            self.own.order(self.symbol, "BUY", "1", price)
        self.maker.order(self.symbol, "BUY", "50", "98.00")
        self.maker.order(self.symbol, "SELL", "50", "103.00")
        self.settings({"referencePrice": "100.00"})
        self.route()
        self.attempt("POST", "/api/v3/sor/order", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.1", price="103.00")
        self.block_trade()
        self.amended = self.rest_order("90.00")
        self.attempt("PUT", "/api/v3/order/amend/keepPriority", orderId=self.amended, newQty="0.1")
        self.attempt("POST", "/api/v3/order", side="SELL", type="LIMIT", timeInForce="GTC", quantity="0.1", price="101.00")
        self.attempt(
            "POST", "/api/v3/order", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.1", price="101.00", selfTradePreventionMode="EXPIRE_MAKER"
        )

    def route(self):
        """Another book of the same base asset, with something better to buy."""
        other = self.symbol.removesuffix("USDT") + "USDC"
        listed = next(one for one in self.own.call("GET", "/api/v3/exchangeInfo", signed=False, symbol=self.symbol)["symbols"])
        body = {"symbol": other, "baseAsset": listed["baseAsset"], "quoteAsset": "USDC", "filters": listed["filters"]}
        board.sandbox("POST", "/symbols", body)
        for symbol in (self.symbol, other):
            board.sandbox("PUT", f"/symbols/{symbol}", {"sor": "contract"})
        self.maker.order(other, "SELL", "50", "102.00")

    def settings(self, *bodies):
        """What not every build can set: a row that needs it says so by itself."""
        for body in bodies:
            try:
                board.sandbox("PUT", f"/symbols/{self.symbol}", body)
            except AssertionError:
                continue

    def attempt(self, method, path, **params):
        """Something done for a later query; the row of the method itself tells whether it can be done."""
        try:
            return self.own.call(method, path, symbol=self.symbol, **params)
        except board.Refused:
            return None

    def block_trade(self):
        accounts = {"buyer": self.account["accountId"], "seller": self.other["accountId"]}
        board.sandbox("POST", f"/symbols/{self.symbol}/blockTrades", {**accounts, "price": "100.00", "quantity": "0.5", "isBuyerMaker": True})

    def rest_order(self, price="91.00"):
        return self.own.order(self.symbol, "BUY", "0.2", price)["orderId"]

    def resting_list(self):
        """The id of a list that waits; -1 where lists cannot be placed."""
        made = self.attempt(
            "POST", "/api/v3/orderList/oco", side="SELL", quantity="0.2", aboveType="LIMIT_MAKER", abovePrice="120.00", belowType="STOP_LOSS", belowStopPrice="80.00"
        )
        return made["orderListId"] if made else -1

    def arguments(self, kind, method):
        """What to call a method with; prepares what the call needs."""
        one = {"symbol": self.symbol}
        limit = {**one, "side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "quantity": "0.2", "price": "92.00"}
        working = {**one, "working_type": "LIMIT", "working_side": "BUY", "working_price": "93.00", "working_quantity": "0.2", "working_time_in_force": "GTC"}
        pending = {"pending_type": "LIMIT_MAKER", "pending_side": "SELL", "pending_price": "110.00"}
        pair = {"pending_side": "SELL", "pending_above_type": "LIMIT_MAKER", "pending_above_price": "120.00", "pending_below_type": "STOP_LOSS", "pending_below_stop_price": "80.00"}
        oco = {"side": "SELL", "quantity": "0.2", "above_type": "LIMIT_MAKER", "above_price": "120.00", "below_type": "STOP_LOSS", "below_stop_price": "80.00"}
        old = {**one, "side": "SELL", "quantity": "0.2", "price": "120.00", "stop_price": "80.00"}
        name = method.replace("order_list_place_", "order_list_")
        fixed = {
            "order_test": {**limit, "compute_commission_rates": True}, "new_order": limit, "order_place": limit,
            "sor_order": limit, "sor_order_place": limit, "sor_order_test": {**limit, "compute_commission_rates": True},
            "order_oco": old, "order_list_place": old, "order_list_oco": {**one, **oco},
            "order_list_oto": {**working, **pending, "pending_quantity": "0.2"}, "order_list_opo": {**working, **pending},
            "order_list_otoco": {**working, **pair, "pending_quantity": "0.2"}, "order_list_opoco": {**working, **pair},
            "klines": {**one, "interval": "1m"}, "ui_klines": {**one, "interval": "1m"},
            "historical_block_trades": {**one, "from_id": 0}, "block_trades_historical": {**one, "from_id": 0},
            "order_amendments": {**one, "order_id": self.amended}, "trades_historical": {**one, "from_id": 0},
        }
        if name in fixed:
            return fixed[name]
        if name in ("delete_order", "order_cancel", "get_order", "order_status"):
            return {**one, "order_id": self.rest_order()}
        if name == "order_amend_keep_priority":
            return {**one, "new_qty": "0.1", "order_id": self.rest_order()}
        if name == "order_cancel_replace":
            return {**limit, "cancel_replace_mode": "STOP_ON_FAILURE", "cancel_order_id": self.rest_order()}
        if name in ("delete_open_orders", "open_orders_cancel_all", "get_open_orders", "open_orders_status"):
            self.rest_order()
            return one
        if name in ("delete_order_list", "order_list_cancel"):
            return {**one, "order_list_id": self.resting_list()}
        if name in ("get_order_list", "order_list_status"):
            return {"order_list_id": self.resting_list()}
        if name in ("open_order_list", "open_order_lists_status", "all_order_list", "all_order_lists"):
            self.resting_list()
            return {}
        if name == "my_prevented_matches":
            stopped = [o["orderId"] for o in self.attempt("GET", "/api/v3/allOrders") or [] if o["status"] == "EXPIRED_IN_MATCH"]
            return {**one, "order_id": stopped[0] if stopped else 0}
        without = {"ping", "time", "get_account", "account_status", "rate_limit_order", "account_rate_limits_orders"}
        return {} if name in without or name.startswith(("session", "user_data")) else one


def rest(scene, table):
    private = client(scene.account)
    for _, name, method, model in table:
        with check("contract: REST", name):
            data = getattr(private, method)(**scene.arguments("rest", method)).data()
            if model == "-":
                WARNINGS.none()
            else:
                fits(data, model, model == "OrderTestResponse")


async def wsapi(scene, table):
    """In an order in which the session's methods make sense; the rows come out in the table's."""
    api = await connect(scene.account)
    first = [
        "user_data_stream_subscribe_signature", "user_data_stream_unsubscribe",
        "session_logon", "session_status", "user_data_stream_subscribe", "session_subscriptions",
    ]
    last = ["session_logout"]

    def rank(line):
        return first.index(line[2]) - len(first) if line[2] in first else last.index(line[2]) + 1 if line[2] in last else 0

    for _, name, method, model in sorted(table, key=rank):
        with check("contract: WebSocket API", name):
            arguments = await asyncio.to_thread(scene.arguments, "wsapi", method)
            answer = await getattr(api, method)(**arguments)
            data = getattr(answer, "response", answer).data()
            fits(data, model, True)
            envelope(data, method)
    await api.close_connection(close_session=True)


async def market(scene, table):
    connection = await streams().create_connection()
    name = scene.symbol.lower()
    special = {
        "kline": {"interval": "1m"}, "kline_offset": {"interval": "1d"}, "partial_book_depth": {"levels": "5"},
        "rolling_window_ticker": {"window_size": "1h"}, "diff_book_depth": {"update_speed": "100ms"},
    }
    whole = {"all_mini_ticker": {}, "all_market_rolling_window_ticker": {"window_size": "1h"}, "user_data": {"listenKey": "k" * 60}}
    got = {line[2]: [] for line in table}
    failed = {}
    for method in got:
        arguments = whole.get(method, {"symbol": name, **special.get(method, {})})
        try:
            (await getattr(connection, method)(**arguments)).on("message", got[method].append)
        except Exception as error:  # noqa: BLE001: whatever the client raises is this row's verdict
            failed[method] = error
    # Nothing that a client does can fill these: do not wait for them.
    wanted = [m for m in got if m not in failed and m != "user_data"]
    for _ in range(SECONDS * 5):
        if all(got[m] for m in wanted):
            break
        await asyncio.to_thread(churn, scene.symbol, scene.maker, scene.own)
        await asyncio.to_thread(scene.block_trade)
        await asyncio.sleep(0.2)
    for _, wire, method, model in table:
        with check("contract: streams", wire):
            if method in failed:
                raise failed[method]
            true(got[method], "nothing arrived")
            fits(got[method][-1], model)
    await connection.close_connection(close_session=True)


def main():
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger().handlers[:0] = []
    logging.lastResort = None
    table = lines()
    published(table)
    scene = Scene()
    kinds = {kind: [line for line in table if line[0] == kind] for kind in AREAS}
    rest(scene, kinds["rest"])
    asyncio.run(wsapi(scene, kinds["wsapi"]))
    asyncio.run(market(scene, kinds["stream"]))


def published(table):
    """The table has the size that it should, and equals the published lists where those are at hand."""
    equal([sum(line[0] == kind for line in table) for kind in AREAS], [48, 55, 16], "lines of contract.tsv")
    folder = Path(os.environ.get("HIGHWATER_CONTRACT", FOLDER.parent.parent / "shared" / "contract"))
    sources = [("rest", "rest-spot.tsv", lambda r: f"{r['method']} {r['path']}"), ("wsapi", "wsapi.tsv", lambda r: r["method"]), ("stream", "streams.tsv", lambda r: r["stream"])]
    for kind, file, name in sources:
        if not (folder / file).is_file():
            continue
        head, *rest_of = [line.split("\t") for line in (folder / file).read_text().splitlines()]
        rows = [dict(zip(head, cells)) for cells in rest_of]
        theirs = {(name(r), r["sdk_method"].split(".")[1]) for r in rows if r["product"] == "spot"}
        equal({(line[1], line[2]) for line in table if line[0] == kind}, theirs, f"{file} against contract.tsv")


if __name__ == "__main__":
    main()
