"""Clients that mean harm: half requests, endless heads, bodies that never end, frames that lie about their length, floods of pings, JSON as deep
as a well. Beside each of them an ordinary client goes on trading: it must be answered, the memory must stay bounded, and the offender must be refused or cut off.
"""

import gzip
import json
import os
import random
import socket
import struct
import threading
import time

from exchange import Client, Exchange, Verdicts, flush_exit, parse

SYMBOL = "FLOUSDT"
# An ordinary request may wait so long on a busy machine; a server that is stuck waits for ever.
PATIENCE = 10
# What an offender may hold back before he is cut off, and the room that he may take.
CUT_OFF, MIB = 75, 200


class Healthy(threading.Thread):
    """Places and cancels, and notes the slowest answer."""

    def __init__(self, exchange, account):
        super().__init__(daemon=True)
        self.client, self.ended, self.count, self.slowest, self.trouble = Client(exchange, account), threading.Event(), 0, 0.0, []

    def run(self):
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                status, body = self.client.call(
                    "POST", "/api/v3/order", symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="1", price="50.00"
                )
                if status == 200:
                    status, body = self.client.call("DELETE", "/api/v3/order", symbol=SYMBOL, orderId=body["orderId"])
                if status != 200:
                    self.trouble.append(body)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                self.trouble.append(repr(error))
                return
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.count += 1
            time.sleep(0.2)


def resident(exchange):
    """The exchange's memory in MiB."""
    with open(f"/proc/{exchange.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


class Offender:
    def __init__(self, exchange):
        self.socket = socket.create_connection((exchange.host, exchange.port), timeout=CUT_OFF)
        self.sent = 0

    def send(self, data):
        """Whether the other end still takes it."""
        try:
            self.socket.sendall(data)
            self.sent += len(data)
            return True
        except OSError:
            return False

    def ended(self):
        """What was answered before the connection was closed; `None`: it was not closed in time."""
        found, deadline = b"", time.monotonic() + CUT_OFF
        try:
            while time.monotonic() < deadline:
                piece = self.socket.recv(65536)
                if not piece:
                    return found
                found = (found + piece)[:4096]
        except TimeoutError:
            return None
        except OSError:
            return found
        return None

    def answered(self):
        """The status of the answer, and whether the connection is of no more use to the offender."""
        found = self.ended_or_answer()
        return int(found.split()[1]) if found.startswith(b"HTTP/1.1 ") else 0

    def ended_or_answer(self):
        try:
            return self.socket.recv(65536)
        except OSError:
            return b""

    def upgrade(self, path="/ws-api/v3", more=""):
        """Becomes a WebSocket, without any of a library's good manners."""
        key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n"
        self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n{key}{more}\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            piece = self.socket.recv(4096)
            if not piece:
                break
            head += piece
        return head


def frame(opcode, payload=b"", final=True, length=None):
    """A masked frame; `length` is what it says of itself when that is not true."""
    said = len(payload) if length is None else length
    head = bytes([(128 if final else 0) | opcode])
    if said < 126:
        head += bytes([128 | said])
    elif said < 65536:
        head += bytes([254]) + struct.pack(">H", said)
    else:
        head += bytes([255]) + struct.pack(">Q", said)
    return head + b"\0\0\0\0" + payload


def slow_heads(exchange, scale):
    """Many connections that send a byte of their head now and then."""
    many = [Offender(exchange) for _ in range(100 * scale)]
    for one in many:
        one.send(b"GET /api/v3/time HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    began = time.monotonic()
    while many and time.monotonic() - began < CUT_OFF:
        many = [one for one in many if one.send(b"a")]
        time.sleep(1)
    return not many, f"{len(many)} still taken after {CUT_OFF} s"


def big_head(exchange, _):
    one = Offender(exchange)
    one.send(b"GET /api/v3/time HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * (1 << 20) + b"\r\n\r\n")
    status = one.answered()
    return status in (0, 400, 413, 414, 431), status


def many_heads(exchange, _):
    one = Offender(exchange)
    one.send(b"GET /api/v3/time HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(100_000)) + b"\r\n")
    status = one.answered()
    return status in (0, 400, 413, 431), status


def big_body(exchange, _):
    one = Offender(exchange)
    one.send(b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1073741824\r\n\r\n")
    chunk = b"a" * 65536
    while one.sent < (256 << 20) and one.send(chunk):
        pass
    return one.sent < (16 << 20) or one.answered() in (0, 400, 413), f"{one.sent >> 20} MiB were taken"


def endless_chunks(exchange, _):
    one = Offender(exchange)
    one.send(b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n")
    while one.sent < (64 << 20) and one.send(b"10000\r\n" + b"a" * 65536 + b"\r\n"):
        pass
    return one.sent < (16 << 20), f"{one.sent >> 20} MiB were taken"


def packed_body(exchange, _):
    one, packed = Offender(exchange), gzip.compress(b"0" * (1 << 26))
    one.send(b"POST /api/v3/order HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed)
    status = one.answered()
    return status in (0, 400, 413, 415), status


def next_protocol(exchange, _):
    one = Offender(exchange)
    one.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" * 1000)
    found = one.ended()
    return found is not None and not found.startswith(b"HTTP/1.1 2"), found


def lying_frame(exchange, _):
    one = Offender(exchange)
    one.upgrade()
    one.send(frame(1, b"{", length=1 << 62))
    return one.ended() is not None, "the connection stays open"


def big_message(exchange, _):
    one = Offender(exchange)
    one.upgrade()
    taken = one.send(frame(1, b"a" * 65536, final=False))
    while taken and one.sent < (64 << 20):
        taken = one.send(frame(0, b"a" * 65536, final=False))
    return not taken or one.ended() is not None, f"{one.sent >> 20} MiB were taken, and the connection stays open"


def pings(exchange, scale):
    one = Offender(exchange)
    one.upgrade("/ws/btcusdt@trade")
    taken = all(one.send(frame(9, b"p" * 100) * 1000) for _ in range(20 * scale))
    return not taken or one.ended() is not None, "pings without end are taken"


def packed_frames(exchange, _):
    one = Offender(exchange)
    head = one.upgrade(more="Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
    return b"101" in head and b"permessage-deflate" not in head, head


def bad_json(exchange, _):
    """Each must be refused by an answer or a close, and none may end more than its own connection."""
    keys = ",".join(f'"k{n}":1' for n in range(2_000))
    texts = {
        "depth": "[" * 20_000,
        "keys": '{"id":1,"method":"time","params":{' + keys + "}}",
        "number": '{"id":1e400,"method":"time"}',
        "surrogate": '{"id":"\\ud800","method":"time"}',
        "string": '{"id":1,"method":"' + "a" * 60_000 + '"}',
    }
    wrong = []
    for name, text in texts.items():
        one = Offender(exchange)
        one.upgrade()
        one.send(frame(1, text.encode()))
        answer = one.ended_or_answer()
        if b'"status":200' in answer:
            wrong.append((name, answer[:200]))
    return not wrong, wrong


HARM = [slow_heads, big_head, many_heads, big_body, endless_chunks, packed_body, next_protocol, lying_frame, big_message, pings, packed_frames, bad_json]


def main():
    arguments = parse(300)
    rng, verdicts = random.Random(arguments.seed), Verdicts()
    exchange = Exchange(arguments.binary, os.path.join(arguments.scratch, "data"), os.path.join(arguments.scratch, "exchange.log"), more=["--limits", "binance"]).wait_ready()
    [account] = exchange.market(SYMBOL, accounts=1)
    scale = max(1, min(10, int(arguments.budget / 30)))
    healthy, room, figures = Healthy(exchange, account), resident(exchange), {}
    healthy.start()
    for harm in rng.sample(HARM, len(HARM)):
        healthy.slowest, before, began = 0.0, healthy.count, time.monotonic()
        name = harm.__name__.replace("_", " ")
        good, detail = harm(exchange, scale)
        seconds = time.monotonic() - began
        verdicts.check(f"{name}: refused or cut off", good, detail)
        deadline = time.monotonic() + PATIENCE
        while healthy.count <= before + 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        verdicts.check(f"{name}: others are served", healthy.count > before and healthy.slowest < PATIENCE and not healthy.trouble, healthy.trouble[:2])
        grown = resident(exchange) - room
        verdicts.check(f"{name}: the memory stays bounded", grown < MIB, f"{grown:.0f} MiB more")
        figures[name] = {"seconds": round(seconds, 1), "slowest_other_ms": round(healthy.slowest * 1000), "mib": round(grown)}
    healthy.ended.set()
    healthy.join(timeout=60)
    state = exchange.sandbox("GET", "/state")
    verdicts.check("audit ok", state["audit"] == "ok", state)
    verdicts.check("SIGTERM ends with 0", exchange.stop() == 0)
    print(json.dumps({"drill": "D21", "seed": arguments.seed, "scale": scale, "harm": figures, "pass": verdicts.failed == 0}))
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
