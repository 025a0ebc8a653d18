"""Market streams in SBE, read with nothing but the documented places of their four events, and compared with the streams in JSON."""

import asyncio
import json
import struct
from decimal import Decimal

import websockets

import board
from board import Plain, check, equal, make_account, make_symbol, true, unique

SYMBOL = make_symbol("SBE")
LOWER = SYMBOL.lower()
NAMES = {10000: "trades", 10001: "touch", 10002: "partial", 10003: "diff"}
BLOCKS = {10000: 18, 10001: 50, 10002: 18, 10003: 26}


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def levels(self, price_exponent, qty_exponent):
        block, count = self.take("HH")
        equal(block, 16, "bytes of a level")
        pairs = [self.take("qq") for _ in range(count)]
        return [(scaled(p, price_exponent), scaled(q, qty_exponent)) for p, q in pairs]


def scaled(mantissa, exponent):
    return Decimal(mantissa).scaleb(exponent)


def decode(data):
    """One event. Fields that a later version puts at the end of a block would be skipped."""
    reader = Reader(data)
    block, template, schema, version = reader.take("HHHH")
    equal((schema, version), (1, 0), "schema")
    equal(block, BLOCKS[template], "block length")
    event = {"kind": NAMES[template], "eventTime": reader.take("q")[0]}
    if template == 10000:
        (event["time"],) = reader.take("q")
    elif template == 10003:
        event["first"], event["last"] = reader.take("qq")
    else:
        (event["update"],) = reader.take("q")
    price, qty = reader.take("bb")
    if template == 10000:
        size, count = reader.take("HI")
        equal(size, 25, "bytes of a trade")
        trades = [reader.take("qqqB") for _ in range(count)]
        event["trades"] = [(i, scaled(p, price), scaled(q, qty), bool(maker)) for i, p, q, maker in trades]
    elif template == 10001:
        values = reader.take("qqqq")
        event["touch"] = tuple(scaled(v, e) for v, e in zip(values, (price, qty, price, qty)))
    else:
        event["bids"], event["asks"] = reader.levels(price, qty), reader.levels(price, qty)
    (length,) = reader.take("B")
    event["symbol"] = data[reader.at : reader.at + length].decode()
    equal(reader.at + length, len(data), "length of the message")
    return event


class Line:
    """A connection and what it has been told."""

    def __init__(self, socket):
        self.socket, self.events, self.texts = socket, [], []

    async def pump(self):
        frame = await asyncio.wait_for(self.socket.recv(), 20)
        if isinstance(frame, bytes):
            self.events.append(decode(frame))
        else:
            self.texts.append(json.loads(frame))

    async def first(self, kept, passes):
        while True:
            for one in kept:
                if passes(one):
                    kept.remove(one)
                    return one
            await self.pump()

    async def event(self, kind, passes=lambda event: True):
        return await self.first(self.events, lambda event: event["kind"] == kind and passes(event))

    async def text(self, passes):
        return await self.first(self.texts, passes)

    async def ask(self, method, params=None, number=1):
        await self.socket.send(json.dumps({"method": method, "id": number} | ({"params": params} if params is not None else {})))
        return await self.text(lambda text: text.get("id") == number)


def connect(path, key=None, base=board.READY["sbe"]):
    return websockets.connect(base + path, additional_headers={"X-MBX-APIKEY": key} if key else {})


async def refused(path, key, status):
    try:
        async with connect(path, key):
            raise AssertionError("was let in")
    except websockets.InvalidStatus as error:
        equal(error.response.status_code, status, "status")
        return json.loads(error.response.body)["code"]


async def keys(modern, old):
    with check("keys", "no key"):
        equal(await refused("/ws", None, 401), -2014)
    with check("keys", "an unknown key"):
        equal(await refused("/ws", "k" * 64, 401), -2015)
    with check("keys", "a key that is not Ed25519"):
        equal(await refused("/ws", old["apiKey"], 401), -2015)
    with check("keys", "an Ed25519 key without any signature"):
        async with connect("/ws", modern["apiKey"]) as socket:
            equal((await Line(socket).ask("LIST_SUBSCRIPTIONS"))["result"], [])


async def control(key):
    async with connect(f"/stream?streams={LOWER}@trade/{LOWER}@bestBidAsk", key) as socket:
        line = Line(socket)
        with check("control frames", "streams of the address"):
            equal((await line.ask("LIST_SUBSCRIPTIONS"))["result"], [f"{LOWER}@trade", f"{LOWER}@bestBidAsk"])
        with check("control frames", "SUBSCRIBE and UNSUBSCRIBE are answered in text"):
            equal(await line.ask("SUBSCRIBE", [f"{LOWER}@depth", f"{LOWER}@depth20"], 7), {"result": None, "id": 7})
            equal(await line.ask("UNSUBSCRIBE", [f"{LOWER}@trade"], 8), {"result": None, "id": 8})
            equal((await line.ask("LIST_SUBSCRIPTIONS"))["result"], [f"{LOWER}@bestBidAsk", f"{LOWER}@depth", f"{LOWER}@depth20"])
        with check("control frames", "a stream that there is in JSON alone"):
            equal((await line.ask("SUBSCRIBE", [f"{LOWER}@kline_1m"]))["error"]["code"], 2)
        with check("control frames", "an unsolicited pong and a ping"):
            await socket.pong(b"")
            await asyncio.wait_for(await socket.ping(), 20)


async def events(key, maker, taker):
    names = [f"{LOWER}@{kind}" for kind in ("trade", "bestBidAsk", "depth", "depth20")]
    plain_names = "/".join(f"{LOWER}@{kind}" for kind in ("trade", "bookTicker", "depth@100ms"))
    async with connect("/ws", key) as binary, websockets.connect(f"{board.WS}/ws/{plain_names}?timeUnit=microsecond") as plain:
        sbe, jsons = Line(binary), Line(plain)
        await sbe.ask("SUBSCRIBE", names)
        await jsons.ask("LIST_SUBSCRIPTIONS")
        maker.order(SYMBOL, "SELL", "1", "100.00", newClientOrderId=unique())
        maker.order(SYMBOL, "SELL", "2", "101.00", newClientOrderId=unique())
        maker.order(SYMBOL, "BUY", "3", "99.00", newClientOrderId=unique())
        taker.order(SYMBOL, "BUY", "1.5", "101.00")
        with check("events", "the trades of one order, as in JSON"):
            event = await sbe.event("trades")
            equal(len(event["trades"]), 2, "trades")
            for number, price, qty, maker_buys in event["trades"]:
                told = await jsons.text(lambda text: text.get("e") == "trade")
                equal((number, price, qty, maker_buys), (told["t"], Decimal(told["p"]), Decimal(told["q"]), told["m"]))
                equal((event["time"], event["eventTime"], event["symbol"]), (told["T"], told["E"], told["s"]))
                true(told["T"] > 10**15, "microseconds")
        last = None
        with check("events", "the touch, as in JSON"):
            final = tuple(map(Decimal, ("99", "3", "101", "1.5")))
            event = await sbe.event("touch", lambda event: event["touch"] == final)
            told = await jsons.text(lambda text: text.get("A") == "1.50000000")
            equal((event["update"], event["symbol"]), (told["u"], told["s"]))
            equal(event["touch"], tuple(Decimal(told[name]) for name in "bBaA"))
            last = event["update"]
        with check("events", "the best levels"):
            event = await sbe.event("partial", lambda event: event["update"] == last)
            equal((event["bids"], event["asks"]), ([(99, 3)], [(101, Decimal("1.5"))]))
        with check("events", "diffs without a gap make the book that JSON makes"):
            books = []
            for line, kept in ((sbe, sbe.events), (jsons, jsons.texts)):
                book, until = {}, None
                while until != last:
                    if line is sbe:
                        event = await line.event("diff")
                        first, end, sides = event["first"], event["last"], (event["bids"], event["asks"])
                    else:
                        event = await line.text(lambda text: text.get("e") == "depthUpdate")
                        first, end = event["U"], event["u"]
                        sides = [[(Decimal(p), Decimal(q)) for p, q in event[side]] for side in "ba"]
                    true(until is None or first == until + 1, f"{first} follows {until}")
                    until = end
                    for side, levels in zip("ba", sides):
                        book.update({(side, price): qty for price, qty in levels})
                books.append({level: qty for level, qty in book.items() if qty})
            equal(books[0], books[1], "books")


def main():
    rich = {"USDT": "1000000", "SBE": "1000"}
    modern, old = make_account(rich, "ED25519"), make_account(rich)
    asyncio.run(keys(modern, old))
    asyncio.run(control(modern["apiKey"]))
    asyncio.run(events(modern["apiKey"], Plain(modern), Plain(old)))


main()
