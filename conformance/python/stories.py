"""The stories of testkit/scenarios, told over the wire: each once by REST and once by the WebSocket API, with the same text.

The language is described in testkit/src/scenario/mod.rs. What the sandbox cannot set (`stp=`, `allowed=` of a market), or the wire cannot
show (the balances of the fees account), is left out and said so.
"""

import asyncio
import json
import os
import time
from pathlib import Path

import requests
import websockets

import board
from board import Plain, Refused, check, equal, true

FOLDER = Path(os.environ.get("HIGHWATER_STORIES", Path(__file__).resolve().parents[2] / "testkit" / "scenarios"))
KINDS = {
    "limit": "LIMIT", "maker": "LIMIT_MAKER", "market": "MARKET", "stop": "STOP_LOSS", "profit": "TAKE_PROFIT",
    "stop-limit": "STOP_LOSS_LIMIT", "profit-limit": "TAKE_PROFIT_LIMIT",
}  # fmt: skip
LEGS = {
    "oco": ["above", "below"], "oto": ["working", "pending"], "otoco": ["working", "pendingAbove", "pendingBelow"],
    "opo": ["working", "pending"], "opoco": ["working", "pendingAbove", "pendingBelow"],
}  # fmt: skip
PUBLIC = ("depth", "trades")
# what stands for REST's verb and path on the other side
METHODS = {
    ("POST", "order"): "order.place", ("DELETE", "order"): "order.cancel", ("GET", "order"): "order.status",
    ("DELETE", "openOrders"): "openOrders.cancelAll", ("POST", "order/cancelReplace"): "order.cancelReplace",
    ("PUT", "order/amend/keepPriority"): "order.amend.keepPriority", ("GET", "depth"): "depth", ("GET", "trades"): "trades.recent",
    ("GET", "account"): "account.status", ("DELETE", "orderList"): "orderList.cancel",
    **{("POST", f"orderList/{kind}"): f"orderList.place.{kind}" for kind in LEGS},
}  # fmt: skip


class Cannot(Exception):
    """The story needs what the wire does not offer."""


def short(number):
    """A number as stories write it."""
    text = str(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


class Rest:
    name = "REST"

    def call(self, user, verb, path, **params):
        if path in PUBLIC:
            return Plain.unwrap(requests.get(f"{board.REST}/api/v3/{path}", params=params, timeout=30))
        return user.plain.call(verb, f"/api/v3/{path}", **params)


class WebSocketApi:
    name = "WebSocket API"

    def __init__(self, loop, socket):
        self.loop, self.socket, self.next = loop, socket, 0

    def call(self, user, verb, path, **params):
        self.next += 1
        if path not in PUBLIC:
            params |= {"apiKey": user.plain.key, "timestamp": int(time.time() * 1000)}
            payload = "&".join(f"{key}={value}" for key, value in sorted(params.items()))
            params["signature"] = user.plain.sign(payload)
        request = {"id": self.next, "method": METHODS[verb, path], "params": params}
        answer = self.loop.run_until_complete(self.exchange(request))
        if answer["status"] != 200:
            raise Refused(answer["status"], answer["error"], {})
        return answer["result"]

    async def exchange(self, request):
        await self.socket.send(json.dumps(request))
        while True:
            answer = json.loads(await asyncio.wait_for(self.socket.recv(), 30))
            if answer.get("id") == request["id"]:
                return answer


class User:
    def __init__(self, balances):
        self.plain = Plain(board.make_account(balances))


class Story:
    count = 0

    def __init__(self, wire, steps):
        Story.count += 1
        self.wire, self.steps, self.users = wire, steps, {}
        self.base = f"ST{Story.count}"
        self.symbol = self.base + "USDT"
        self.seen = 0  # the last trade before the step at hand

    def run(self):
        for line, text in self.steps:
            try:
                self.step(text)
            except Cannot:
                raise
            except Exception as error:
                raise AssertionError(f"line {line}: `{text}`: {error}") from error

    def step(self, text):
        left, _, right = text.partition("=>")
        words, expected = left.split(), right.strip()
        match words:
            case ["market", *pairs]:
                return self.market(dict(pair.split("=") for pair in pairs))
            case ["user", name, *pairs]:
                funds = dict(pair.split("=") for pair in pairs)
                self.users[name] = User({self.base if asset == "BTC" else asset: amount for asset, amount in funds.items()})
                return None
            case ["status", status]:
                return board.sandbox("PUT", f"/symbols/{self.symbol}", {"status": status})
            case ["wait", _]:
                raise Cannot("time cannot be moved over the wire")
            case ["book", side, *levels]:
                return self.eventually(lambda: self.levels(side), levels)
            case ["trades", *trades]:
                return self.eventually(self.trades, trades)
            case ["fees", *_]:
                return None
            case [name, "has", asset, free, *held]:
                wanted = [short(free), short(held[1] if held else "0")]
                return self.eventually(lambda: self.balance(self.users[name], self.base if asset == "BTC" else asset), wanted)
            case [name, "order", order]:
                wanted = expected.split()
                return self.eventually(lambda: self.holds(self.told(self.query(self.users[name], order)), wanted), True)
        self.seen = max([trade["id"] for trade in self.wire.call(None, "GET", "trades", symbol=self.symbol)], default=0)
        self.judge(expected, lambda: self.act(self.users[words[0]], words[1:]))

    def eventually(self, look, wanted):
        """Queries follow the answers to commands at once or a moment later."""
        found = None
        for _ in range(200):
            found = look()
            if found == wanted:
                return
            time.sleep(0.02)
        equal(found, wanted, "found")

    def judge(self, expected, act):
        if expected.startswith("refused "):
            code, _, said = expected.removeprefix("refused ").partition(" ")
            try:
                outcome = act()
            except Refused as refused:
                body = refused.body
                if code == "-2022" or code == "-2021":
                    data = body["data"]
                    said_of = lambda half: data[half]["code"] if data[half] else 0  # noqa: E731
                    text = f"cancel {said_of('cancelResponse')} place {said_of('newOrderResponse')}"
                else:
                    text = refused.msg
                equal(refused.code, int(code), f"code ({refused.msg})")
                true(said.strip() in text, f"{said!r} is not in {text!r}")
                return
            raise AssertionError(f"was accepted: {outcome}")
        outcome = act()
        true(self.holds(outcome, expected.split()), f"came out as {' '.join(outcome)}")

    @staticmethod
    def holds(outcome, words):
        rest = iter(outcome)
        return all(any(word == other for other in rest) for word in words)

    # --- acts -------------------------------------------------------------------------------------------------------

    def market(self, given):
        if {"stp", "allowed"} & set(given):
            raise Cannot("the sandbox does not set a market's modes of self-trade prevention")
        get = lambda *names: [given.get(name, "0") for name in names]  # noqa: E731
        filters = []
        if {"min_price", "max_price", "tick"} & set(given):
            low, high, tick = get("min_price", "max_price", "tick")
            filters.append({"filterType": "PRICE_FILTER", "minPrice": low, "maxPrice": high, "tickSize": tick})
        for kind, names in (("LOT_SIZE", ("min_qty", "max_qty", "lot")), ("MARKET_LOT_SIZE", ("market_min", "market_max", "market_step"))):
            if set(names) & set(given):
                low, high, step = get(*names)
                filters.append({"filterType": kind, "minQty": low, "maxQty": high, "stepSize": step})
        minutes = int(given.get("mins", 0))
        if {"min_notional", "max_notional"} & set(given):
            low, high = get("min_notional", "max_notional")
            both = {"applyMinToMarket": True, "applyMaxToMarket": True, "avgPriceMins": minutes}
            filters.append({"filterType": "NOTIONAL", "minNotional": low, "maxNotional": high, **both})
        if {"bid_up", "ask_up"} & set(given):
            up, down, above, below = get("bid_up", "bid_down", "ask_up", "ask_down")
            sides = {"bidMultiplierUp": up, "bidMultiplierDown": down, "askMultiplierUp": above, "askMultiplierDown": below}
            filters.append({"filterType": "PERCENT_PRICE_BY_SIDE", **sides, "avgPriceMins": minutes})
        if "max_orders" in given:
            filters.append({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": int(given["max_orders"])})
        board.make_symbol(self.base, filters=filters)
        maker, taker = get("maker", "taker")
        board.sandbox("PUT", f"/fees/{self.symbol}", {"standard": {"maker": maker, "taker": taker, "buyer": "0", "seller": "0"}})

    def act(self, user, words):
        call = lambda verb, path, **params: self.wire.call(user, verb, path, symbol=self.symbol, **params)  # noqa: E731
        match words:
            case ["cancel-all"]:
                found = call("DELETE", "openOrders")
                flat = [report for one in found for report in one.get("orderReports", [one])]
                return [order["origClientOrderId"] for order in flat]
            case ["cancel-list", name]:
                return self.legs(call("DELETE", "orderList", listClientOrderId=name))
            case ["cancel", order, *only]:
                more = {"cancelRestrictions": "ONLY_" + only[0].removeprefix("only=")} if only else {}
                done = call("DELETE", "order", **self.key(order), **more)
                return self.legs(done) if "orderReports" in done else self.told(done)
            case ["amend", order, "to", qty, "as", name]:
                done = call("PUT", "order/amend/keepPriority", **self.key(order), newQty=qty, newClientOrderId=name)["amendedOrder"]
                return self.told({**done, "origClientOrderId": done["clientOrderId"]})
            case ["replace", order, "by", *new]:
                mode = "ALLOW_FAILURE" if new[-1] == "allow" else "STOP_ON_FAILURE"
                key = {"cancel" + name[0].upper() + name[1:]: value for name, value in self.key(order).items()}
                new = self.order([word for word in new if word != "allow"])
                return self.replaced(call, {**new, **key, "cancelReplaceMode": mode})
            case [kind, name, *legs] if name.endswith(":"):
                return self.legs(call("POST", f"orderList/{kind}", listClientOrderId=name[:-1], **self.list(kind, " ".join(legs).split("|"))))
        return self.told(call("POST", "order", newOrderRespType="RESULT", **self.order(words)))

    def replaced(self, call, params):
        """Both halves, as words; an exchange where one half failed is answered with an error that holds the other."""
        try:
            data = call("POST", "order/cancelReplace", newOrderRespType="RESULT", **params)
        except Refused as refused:
            if refused.code != -2021:
                raise
            data = refused.body["data"]
        half = lambda one: [str(one["code"])] if "code" in one else self.told(one)  # noqa: E731
        return [*half(data["cancelResponse"]), "then", *half(data["newOrderResponse"])]

    @staticmethod
    def key(order):
        number, _, name = order.partition("/")
        if not number.isdigit():
            return {"origClientOrderId": order}
        return {"orderId": number, **({"origClientOrderId": name} if name else {})}

    @staticmethod
    def order(words):
        side, kind, *rest = words
        params = {"side": side.upper(), "type": KINDS[kind], "selfTradePreventionMode": "NONE"}
        if kind == "market" and rest[0] == "quote":
            params["quoteOrderQty"] = rest[1]
            rest = rest[2:]
        else:
            if rest[0] != "rest":
                params["quantity"] = rest[0]
            rest = rest[1:]
        while rest:
            match rest:
                case ["at", price, *rest]:
                    params["price"] = price
                case ["until", price, *rest]:
                    params |= {"stopPrice": price} if price != "0" else {}
                case ["as", name, *rest]:
                    params["newClientOrderId"] = name
                case [option, *rest]:
                    name, _, value = option.partition("=")
                    if name == "peg":
                        kind, _, level = value.partition("+")
                        params |= {"pegPriceType": f"{kind.upper()}_PEG"} | ({"pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": level} if level else {})
                        continue
                    if name == "show":
                        params["icebergQty"] = value
                        continue
                    params |= {"stp": {"selfTradePreventionMode": value}, "trail": {"trailingDelta": value}}.get(name, {"timeInForce": name.upper()})
        if params["type"] in ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"):
            params.setdefault("timeInForce", "GTC")
        return params

    def list(self, kind, legs):
        params = {}
        for prefix, leg in zip(LEGS[kind], legs):
            order = self.order(leg.split())
            group = "pending" if prefix.startswith("pending") else prefix
            shared = {"side": "side", "quantity": "quantity"} if kind == "oco" else {"side": f"{group}Side", "quantity": f"{group}Quantity"}
            for name, value in order.items():
                name = "clientOrderId" if name == "newClientOrderId" else name
                same_for_all = name == "selfTradePreventionMode"
                params[name if same_for_all else shared.get(name) or prefix + name[0].upper() + name[1:]] = value
        return params

    # --- what came of it --------------------------------------------------------------------------------------------

    @staticmethod
    def told(order):
        name = order.get("origClientOrderId") or order["clientOrderId"]
        words = [order["status"], f"executed={short(order.get('executedQty', order.get('cumulativeQty', 0)))}"]
        words.append(f"quote={short(order.get('cummulativeQuoteQty', 0))}")
        words.append(f"prevented={short(order.get('preventedQuantity', order.get('preventedQty', '0')))}")
        return [*words, f"qty={short(order.get('origQty', order.get('qty')))}", f"id={order['orderId']}", f"name={name}"]

    @staticmethod
    def legs(answer):
        name = lambda order: order.get("origClientOrderId") or order["clientOrderId"]  # noqa: E731
        return [f"{name(order)}={order['status']}" for order in answer["orderReports"]]

    def query(self, user, name):
        return self.wire.call(user, "GET", "order", symbol=self.symbol, origClientOrderId=name)

    def levels(self, side):
        depth = self.wire.call(None, "GET", "depth", symbol=self.symbol, limit=1000)
        return [f"{short(price)}:{short(qty)}" for price, qty in depth[side]]

    def trades(self):
        new = [trade for trade in self.wire.call(None, "GET", "trades", symbol=self.symbol, limit=1000) if trade["id"] > self.seen]
        return [f"{short(trade['price'])}:{short(trade['qty'])}" for trade in new]

    def balance(self, user, asset):
        found = self.wire.call(user, "GET", "account")["balances"]
        mine = next((one for one in found if one["asset"] == asset), {"free": "0", "locked": "0"})
        return [short(mine["free"]), short(mine["locked"])]


def read(path):
    """The stories of a file: id, title, steps with their lines."""
    for line, full in enumerate(path.read_text().splitlines(), 1):
        text = full.split("#")[0].strip()
        if text.startswith("story "):
            name, _, title = text.removeprefix("story ").partition(": ")
            yield name, title, []
        elif text:
            yield None, None, [(line, text)]


def stories():
    found = []
    for path in sorted(FOLDER.glob("*.scn")):
        for name, title, steps in read(path):
            if name:
                found.append((name, title, []))
            else:
                found[-1][2].extend(steps)
    return found


def tell(wire, found):
    left_out = 0
    for name, title, steps in found:
        try:
            with check(f"stories over {wire.name}", f"{name}: {title}"):
                try:
                    Story(wire, steps).run()
                except Cannot:
                    left_out += 1
        except Exception:  # noqa: BLE001
            continue
    with check(f"stories over {wire.name}", "nearly all can be told over the wire"):
        true(left_out <= 3, f"{left_out} of {len(found)} were left out")


def main():
    found = stories()
    true(len(found) > 40, f"only {len(found)} stories under {FOLDER}")
    tell(Rest(), found)
    loop = asyncio.new_event_loop()
    socket = loop.run_until_complete(websockets.connect(board.WSAPI, max_size=None))
    tell(WebSocketApi(loop, socket), found)
    loop.run_until_complete(socket.close())


if __name__ == "__main__":
    main()
