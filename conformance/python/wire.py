"""The wire itself, by hand: which refusal wins, with which status, code and message; and that a refusal changes nothing."""

import asyncio
import json
import re
import socket
import time
from urllib.parse import quote

import websockets

import board
from board import check, equal, refusal, true

SYMBOL = "WIRUSDT"
MANDATORY = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."
GOOD = "symbol=WIRUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.1&price=100.00"
ORDER = "/api/v3/order"


def now():
    return int(time.time() * 1000)


def post(plain, query, **more):
    return lambda: plain.unwrap(plain.raw("POST", ORDER, query, **more))


def signed(plain, query):
    query = f"{query}&timestamp={now()}" if "timestamp=" not in query else query
    return f"{query}&signature={quote(plain.sign(query), safe='')}"


def order(plain, query):
    return lambda: plain.unwrap(plain.raw("POST", ORDER, signed(plain, query)))


def unchanged(name, work, code, msg=None, status=400):
    with check("refusals", name):
        before = board.digest()
        refusal(work, code, msg, status)
        equal(board.digest(), before, "digest")


def keys_and_signatures(plain):
    stamp = f"{GOOD}&timestamp={now()}"
    unchanged("no key", post(plain, signed(plain, GOOD), key=False), -2014, "API-key format invalid.", 401)
    unchanged("a malformed key", post(plain, signed(plain, GOOD), headers={"X-MBX-APIKEY": "short"}), -2014, "API-key format invalid.", 401)
    unchanged(
        "an unknown key",
        post(plain, signed(plain, GOOD), headers={"X-MBX-APIKEY": "k" * 64}),
        -2015,
        "Invalid API-key, IP, or permissions for action.",
        401,
    )
    unchanged("no timestamp", post(plain, f"{GOOD}&signature=00"), -1102, MANDATORY.format("timestamp"))
    unchanged("no signature", post(plain, stamp), -1102, MANDATORY.format("signature"))
    unchanged("a wrong signature", post(plain, f"{stamp}&signature={'0' * 64}"), -1022, "Signature for this request is not valid.")
    outside = "Timestamp for this request is outside of the recvWindow."
    unchanged("a stale request", order(plain, f"{GOOD}&timestamp={now() - 6000}"), -1021, outside)
    unchanged("a request beyond its own window", order(plain, f"{GOOD}&recvWindow=100&timestamp={now() - 200}"), -1021, outside)
    ahead = "Timestamp for this request was 1000ms ahead of the server's time."
    unchanged("a request from the future", order(plain, f"{GOOD}&timestamp={now() + 5000}"), -1021, ahead)
    unchanged("timing wins over the signature", post(plain, f"{GOOD}&timestamp={now() - 60000}&signature=00"), -1021, outside)


def parameters(plain):
    pattern = "^([0-9]{1,20})(\\.[0-9]{1,20})?$"
    illegal = "Illegal characters found in parameter '{}'; legal range is '{}'."
    table = [
        ("a name twice", GOOD + "&price=101.00", -1101, "Duplicate values for a parameter detected."),
        ("an empty value", GOOD.replace("price=100.00", "price="), -1105, "Parameter 'price' was empty."),
        ("letters in a number", GOOD.replace("0.1", "0x1"), -1100, illegal.format("quantity", pattern)),
        ("a sign in a number", GOOD.replace("0.1", "-1"), -1100, illegal.format("quantity", pattern)),
        ("a lower-case symbol", GOOD.replace("WIRUSDT", "wirusdt"), -1100, None),
        ("no symbol", GOOD.replace("symbol=WIRUSDT&", ""), -1102, MANDATORY.format("symbol")),
        ("no side", GOOD.replace("side=BUY&", ""), -1102, MANDATORY.format("side")),
        ("no quantity", GOOD.replace("&quantity=0.1", ""), -1102, MANDATORY.format("quantity")),
        ("no time in force", GOOD.replace("timeInForce=GTC&", ""), -1102, MANDATORY.format("timeInForce")),
        ("a stop price on a limit order", GOOD + "&stopPrice=90.00", -1106, "Parameter 'stopPrice' sent when not required."),
        ("an unknown time in force", GOOD.replace("GTC", "GTD"), -1115, "Invalid timeInForce."),
        ("an unknown type", GOOD.replace("LIMIT", "LIMITS"), -1116, "Invalid orderType."),
        ("an unknown side", GOOD.replace("BUY", "BYE"), -1117, "Invalid side."),
        ("nine decimals", GOOD.replace("0.1", "0.123456789"), -1111, "Parameter 'quantity' has too much precision."),
        ("an unknown symbol", GOOD.replace("WIRUSDT", "NOSUCH"), -1121, "Invalid symbol."),
        ("a number beyond all bounds", GOOD.replace("0.1", "99999999999999999999"), None, None),
        ("off the price grid", GOOD.replace("100.00", "100.005"), -1013, "Filter failure: PRICE_FILTER"),
        ("off the lot grid", GOOD.replace("0.1", "0.1000001"), -1013, "Filter failure: LOT_SIZE"),
        ("below the least notional", GOOD.replace("0.1", "0.04"), -1013, "Filter failure: NOTIONAL"),
        ("more than the account has", GOOD.replace("0.1", "5000"), -2010, "Account has insufficient balance for requested action."),
    ]
    for name, query, code, msg in table:
        if code is None:
            with check("refusals", name):
                before = board.digest()
                answer = plain.raw("POST", ORDER, signed(plain, query))
                equal(answer.status_code, 400, "status")
                true(answer.json()["code"] < -1000, answer.text)
                equal(board.digest(), before, "digest")
            continue
        unchanged(name, order(plain, query), code, msg)
    with check("refusals", "an unknown name"):
        before = board.digest()
        refused = refusal(order(plain, GOOD + "&colour=red"), -1104, None, 400)
        true(re.fullmatch(r"Not all sent parameters were read; read '\d+' parameter\(s\) but was sent '\d+'\.", refused.msg), refused.msg)
        equal(board.digest(), before, "digest")
    unchanged(
        "neither quantity nor quoteOrderQty",
        order(plain, f"symbol={SYMBOL}&side=BUY&type=MARKET"),
        -1102,
        "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
    )
    unchanged(
        "a cancel without any id",
        lambda: plain.call("DELETE", ORDER, symbol=SYMBOL),
        -1102,
        "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!",
    )
    unchanged(
        "a client order id twice",
        duplicate(plain),
        -2010,
        "Duplicate order sent.",
    )


def duplicate(plain):
    def work():
        return plain.order(SYMBOL, "BUY", "0.1", "90.00", newClientOrderId="twice")

    try:
        work()
    except board.Refused as refused:
        if refused.msg != "Duplicate order sent.":
            raise
    return work


def limits_of_size(plain):
    with check("bounds", "a path that does not exist"):
        equal(plain.raw("GET", "/api/v3/nothing").status_code, 404)
    with check("bounds", "a method that a path does not have"):
        true(plain.raw("PATCH", ORDER).status_code in (404, 405), "status")
    with check("bounds", "a body of 2 MiB is refused and nothing breaks"):
        before = board.digest()
        try:
            status = plain.raw("POST", ORDER, body="x=" + "y" * 2_097_152).status_code
            true(400 <= status < 500, f"status {status}")
        except board.requests.exceptions.ConnectionError:
            pass  # cut off while sending is as good
        equal(board.digest(), before, "digest")
    with check("bounds", "a header of 200 KiB is refused"):
        try:
            status = board.requests.get(board.REST + "/api/v3/ping", headers={"X-Long": "h" * 200_000}, timeout=30).status_code
            true(400 <= status < 500, f"status {status}")
        except board.requests.exceptions.ConnectionError:
            pass
    with check("bounds", "bytes that are not HTTP are cut off"):
        host, port = board.REST.split("//")[1].split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n")
            connection.settimeout(30)
            try:
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
    with check("bounds", "a good request works afterwards"):
        equal(plain.raw("GET", "/api/v3/ping").status_code, 200)


def shapes(plain):
    with check("shapes", "parameters in query, in body, or in both"):
        stamp = f"{GOOD}&timestamp={now()}&newClientOrderId={board.unique()}"
        in_body = plain.raw("POST", ORDER, body=f"{stamp}&signature={plain.sign(stamp)}")
        equal(in_body.status_code, 200, in_body.text[:100])
        head, tail = "symbol=WIRUSDT&side=BUY", f"type=LIMIT&timeInForce=GTC&quantity=0.1&price=100.00&timestamp={now()}"
        both = plain.raw("POST", ORDER, head, body=f"{tail}&signature={plain.sign(head + tail)}")
        equal(both.status_code, 200, both.text[:100])
    with check("shapes", "signatures of HMAC keys in either case"):
        stamp = f"timestamp={now()}"
        answer = plain.raw("GET", "/api/v3/account", f"{stamp}&signature={plain.sign(stamp).upper()}")
        equal(answer.status_code, 200, answer.text[:100])
    with check("shapes", "timestamps in microseconds are taken"):
        stamp = f"timestamp={now() * 1000}"
        answer = plain.raw("GET", "/api/v3/account", f"{stamp}&signature={plain.sign(stamp)}")
        equal(answer.status_code, 200, answer.text[:100])
    with check("shapes", "a recvWindow with decimals is taken"):
        equal(plain.raw("GET", "/api/v3/account", signed(plain, "recvWindow=5000.123")).status_code, 200)
    with check("shapes", "weights and order counts in headers"):
        answer = plain.raw("POST", ORDER, signed(plain, GOOD))
        for name in ("X-MBX-USED-WEIGHT-1M", "X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1D"):
            true(answer.headers.get(name, "").isdigit(), f"{name}: {answer.headers.get(name)}")
        true(answer.headers["Content-Type"].startswith("application/json"), answer.headers["Content-Type"])
    with check("shapes", "microseconds on request, and no other unit"):
        answer = plain.raw("GET", "/api/v3/time", headers={"X-MBX-TIME-UNIT": "MICROSECOND"}).json()
        true(answer["serverTime"] > 10**15, answer)
        bad = plain.raw("GET", "/api/v3/time", headers={"X-MBX-TIME-UNIT": "FORTNIGHT"})
        equal(bad.json()["code"], -1194)
    with check("shapes", "an unknown key does no harm on a public route"):
        equal(plain.raw("GET", "/api/v3/depth", f"symbol={SYMBOL}", headers={"X-MBX-APIKEY": ""}).status_code, 200)
    with check("shapes", "PRICE_FILTER is the first filter"):
        info = plain.raw("GET", "/api/v3/exchangeInfo", f"symbol={SYMBOL}").json()
        equal(info["symbols"][0]["filters"][0]["filterType"], "PRICE_FILTER")
    with check("shapes", "CORS for a page of another origin"):
        answer = plain.raw("GET", "/api/v3/ping", headers={"Origin": "http://example.test"})
        true(answer.headers.get("Access-Control-Allow-Origin") in ("*", "http://example.test"), dict(answer.headers))


def statuses(plain):
    """What a symbol's status allows."""
    resting = plain.order(SYMBOL, "BUY", "0.1", "88.00")
    with check("status", "a halted symbol takes neither orders nor cancels"):
        board.sandbox("PUT", f"/symbols/{SYMBOL}", {"status": "HALT"})
        refusal(lambda: plain.order(SYMBOL, "BUY", "0.1", "88.00"), -2010, None, 400)
        info = plain.raw("GET", "/api/v3/exchangeInfo", f"symbol={SYMBOL}").json()
        equal(info["symbols"][0]["status"], "HALT")
    with check("status", "CANCEL_ONLY takes cancels alone"):
        board.sandbox("PUT", f"/symbols/{SYMBOL}", {"status": "CANCEL_ONLY"})
        refusal(lambda: plain.order(SYMBOL, "BUY", "0.1", "88.00"), -2010, None, 400)
        equal(plain.call("DELETE", ORDER, symbol=SYMBOL, orderId=resting["orderId"])["status"], "CANCELED")
    with check("status", "TRADING again"):
        board.sandbox("PUT", f"/symbols/{SYMBOL}", {"status": "TRADING"})
        equal(plain.order(SYMBOL, "BUY", "0.1", "88.00")["status"], "NEW")


def self_trade():
    """Both sides of one account meet."""
    plain = board.Plain(board.make_account({"USDT": "10000", "WIR": "100"}))
    for mode, taker_status, maker_status in (
        ("EXPIRE_TAKER", "EXPIRED_IN_MATCH", "NEW"),
        ("EXPIRE_MAKER", "NEW", "EXPIRED_IN_MATCH"),
        ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "EXPIRED_IN_MATCH"),
        ("NONE", "FILLED", "FILLED"),
    ):
        with check("self-trade prevention", mode):
            plain.cancel_all(SYMBOL)
            maker = plain.order(SYMBOL, "BUY", "0.1", "97.00")
            taker = plain.order(SYMBOL, "SELL", "0.1", "97.00", selfTradePreventionMode=mode)
            now_maker = plain.call("GET", ORDER, symbol=SYMBOL, orderId=maker["orderId"])
            equal((taker["status"], now_maker["status"]), (taker_status, maker_status), "taker, maker")
    plain.cancel_all(SYMBOL)


async def websocket_bounds(plain):
    with check("bounds", "text that is no JSON on a stream is answered, not swallowed"):
        async with websockets.connect(board.WS + "/ws") as connection:
            await connection.send("{not json")
            answer = json.loads(await asyncio.wait_for(connection.recv(), 20))
            true("error" in answer or "code" in answer, answer)
    with check("bounds", "an unknown method on the WebSocket API"):
        async with websockets.connect(board.WSAPI) as connection:
            await connection.send(json.dumps({"id": 1, "method": "make.money", "params": {}}))
            answer = json.loads(await asyncio.wait_for(connection.recv(), 20))
            equal((answer["id"], answer["status"]), (1, 400))
            true("error" in answer, answer)
    with check("bounds", "JSON ten thousand levels deep is refused"):
        async with websockets.connect(board.WSAPI) as connection:
            await connection.send('{"id":1,"method":"ping","params":' + "[" * 10_000 + "]" * 10_000 + "}")
            try:
                answer = json.loads(await asyncio.wait_for(connection.recv(), 20))
                true(answer["status"] == 400, answer)
            except websockets.ConnectionClosed:
                pass
    with check("bounds", "a frame of 4 MiB is cut off"):
        try:
            async with websockets.connect(board.WSAPI) as connection:
                await connection.send("x" * 4_194_304)
                await asyncio.wait_for(connection.recv(), 20)
                raise AssertionError("was taken")
        except (websockets.ConnectionClosed, ConnectionError):
            pass
    with check("bounds", "raw streams and SUBSCRIBE, UNSUBSCRIBE, LIST_SUBSCRIPTIONS by number and by name"):
        async with websockets.connect(f"{board.WS}/ws/wirusdt@depth@100ms") as connection:
            for number, method, params in ((1, "SUBSCRIBE", ["wirusdt@trade"]), ("two", "UNSUBSCRIBE", ["wirusdt@trade"]), (3, "LIST_SUBSCRIPTIONS", None)):
                message = {"id": number, "method": method} | ({"params": params} if params else {})
                await connection.send(json.dumps(message))
                while "id" not in (answer := json.loads(await asyncio.wait_for(connection.recv(), 20))):
                    pass
                equal(answer["id"], number)
                equal(answer["result"], ["wirusdt@depth@100ms"] if method == "LIST_SUBSCRIPTIONS" else None)
    with check("bounds", "a good request works afterwards"):
        equal(plain.raw("GET", "/api/v3/ping").status_code, 200)


def main():
    board.make_symbol("WIR")
    plain = board.Plain(board.make_account({"USDT": "100000", "WIR": "1000"}))
    keys_and_signatures(plain)
    parameters(plain)
    plain.cancel_all(SYMBOL)
    shapes(plain)
    limits_of_size(plain)
    asyncio.run(websocket_bounds(plain))
    plain.cancel_all(SYMBOL)
    self_trade()
    statuses(plain)
    plain.cancel_all(SYMBOL)
    with check("state", "the audit is clean at the end"):
        equal(board.audit(), "ok")


if __name__ == "__main__":
    main()
