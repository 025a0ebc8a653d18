"""The disk refuses: the n-th call of each kind fails, for every n, in the shipped program.

The exchange runs under strace, which makes one system call on a file of the data folder return an error
without carrying it out. (A short count cannot be made this way: strace would claim bytes that were never written. Short writes are tried in the
journal's own tests.) Two clients place orders meanwhile. Each run demands:

- nothing is acknowledged whose record was not on disk: shown by the order of system calls, as in the drill of acks;
- an fsync that failed is never tried again on that file: the kernel forgets what it could not write;
- the exchange ends by itself, or goes on without having lost anything;
- started again on a healthy disk, it has every acknowledged order exactly once, and its audit is clean.
"""

import json
import os
import random
import re
import secrets
import shutil
import threading
import time
from collections import Counter

from acks import LINE, TRACED, Audit
from exchange import Client, Exchange, Verdicts, flush_exit, parse

SYMBOL = "ERRUSDT"
# Which call fails, and how.
FAULTS = [
    ("fdatasync", "error=EIO"),
    ("fdatasync", "error=ENOSPC"),
    ("pwrite64", "error=EIO"),
    ("pwrite64", "error=ENOSPC"),
    ("pwrite64", "error=EINTR"),
    ("pwritev", "error=EIO"),
    ("fsync", "error=EIO"),
    ("fallocate", "error=ENOSPC"),
    ("ftruncate", "error=EIO"),
    ("renameat2,rename,renameat", "error=EIO"),
]
INJECTED = re.compile(r"\((?:INJECTED|DELAYED)")
CALLED = re.compile(r"^\d+\s+[\d.]+\s+(\w+)\(")
FILE = re.compile(r"^(?P<call>\w+)\((?:\d+<)?(?P<target>[^>,]*)")


class Load:
    """Two clients that place orders until the exchange is gone or enough was asked."""

    def __init__(self, exchange, accounts, count):
        self.sent, self.acked, self.refused = {}, {}, 0
        self.lock = threading.Lock()
        args = [(exchange, account, side, count) for side, account in enumerate(accounts)]
        self.threads = [threading.Thread(target=self.place, args=one, daemon=True) for one in args]

    def run(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join(timeout=120)
        return self

    def place(self, exchange, account, side, count):
        try:
            client = Client(exchange, account)
            for number in range(count):
                name = f"A{secrets.token_hex(16)[:31]}Z"
                price = f"{100 + (-1 if side == 0 else 1) * (1 + number % 5)}.00"
                with self.lock:
                    self.sent[name] = side
                order = {"side": "BUY" if side == 0 else "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.5", "price": price}
                status, body = client.call("POST", "/api/v3/order", symbol=SYMBOL, newClientOrderId=name, **order)
                with self.lock:
                    if status == 200:
                        self.acked[name] = body["orderId"]
                    else:
                        self.refused += 1
        except (OSError, ValueError, Exception):  # noqa: B014, BLE001
            pass  # the exchange has ended


def retried(trace):
    """How often an fsync was called on a file on which one had failed."""
    failed, again = set(), 0
    with open(trace, errors="replace") as lines:
        for line in lines:
            match = LINE.match(line)
            call = FILE.match(match["rest"]) if match else None
            if not call or call["call"] not in ("fdatasync", "fsync"):
                continue
            if call["target"] in failed:
                again += 1
            if INJECTED.search(line):
                failed.add(call["target"])
    return again


def prepare(binary, folder):
    """A data folder with a market and two accounts, copied for each run."""
    exchange = Exchange(binary, folder, folder + ".log").wait_ready()
    accounts = exchange.market(SYMBOL)
    exchange.stop()
    return accounts


def one_run(arguments, base, accounts, calls, how, when):
    """One fault. Returns what happened, and the complaints."""
    data = os.path.join(arguments.scratch, "data")
    shutil.rmtree(data, ignore_errors=True)
    shutil.copytree(base, data)
    trace, log = os.path.join(arguments.scratch, "trace"), os.path.join(arguments.scratch, "exchange.log")
    traced = ",".join([TRACED, calls, "fallocate", "ftruncate"])
    before = [arguments.strace, "-f", "-ttt", "-yy", "-s", "131072", "-e", f"trace={traced}", "-e", "signal=none", "-o", trace]
    if how:
        before += ["-e", f"inject={calls}:{how}:when={when}"]
    exchange = Exchange(arguments.binary, data, log, before=before)
    complaints = []
    line = exchange.process.stdout.readline()
    load = None
    if line:
        exchange.ready = json.loads(line)
        exchange.host, port = exchange.ready["rest"].split("//")[1].split(":")
        exchange.port = int(port)
        load = Load(exchange, accounts, arguments.orders).run()
    deadline = time.monotonic() + 1.0
    while exchange.process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    ended = exchange.process.poll() is not None
    exchange.kill()
    audit = Audit().read(trace)
    with open(trace, errors="replace") as lines:
        injected = any("INJECTED" in line for line in lines)
    if audit.early:
        complaints.append(f"{len(audit.early)} acknowledged before they were durable")
    again = retried(trace)
    if again:
        complaints.append(f"a failed fsync was tried again {again} times")
    healthy = Exchange(arguments.binary, data, log).wait_ready()
    state = healthy.sandbox("GET", "/state")
    if state["audit"] != "ok":
        complaints.append(f"audit: {state['audit']}")
    acked = load.acked if load else {}
    for side, account in enumerate(accounts):
        found = [order["clientOrderId"] for order in Client(healthy, account).all_orders(SYMBOL)]
        mine = [name for name in acked if load.sent[name] == side]
        lost = set(mine) - set(found)
        if lost:
            complaints.append(f"{len(lost)} acknowledged orders lost")
        if len(found) != len(set(found)):
            complaints.append("orders doubled")
    if healthy.stop() != 0:
        complaints.append("the healthy restart did not end well")
    with open(trace, errors="replace") as lines:
        made = Counter(match[1] for match in map(CALLED.match, lines) if match)
    return {"injected": injected, "ended": ended, "acked": len(acked), "made": made}, complaints


def main():
    arguments = parse(300, strace={"required": True}, orders={"type": int, "default": 40})
    seed = arguments.seed
    rng = random.Random(seed)
    verdicts = Verdicts()
    base = os.path.join(arguments.scratch, "base")
    accounts = prepare(arguments.binary, base)
    began, runs, injected, ended, acked = time.monotonic(), 0, 0, 0, 0
    by_call = {}
    # How often each call is made when nothing fails: a fault beyond that would not happen.
    healthy, complaints = one_run(arguments, base, accounts, "fsync", None, 0)
    verdicts.check(f"a run without a fault, {healthy['acked']} acknowledged", not complaints and healthy["acked"] == 2 * arguments.orders, complaints)
    most = {calls: max(healthy["made"][call] for call in calls.split(",")) for calls, _ in FAULTS}
    faults = [(calls, how) for calls, how in FAULTS if most[calls]]
    # Every kind with its first call, then at random until the time is up.
    plan = [(calls, how, 1) for calls, how in faults]
    while plan or time.monotonic() - began < arguments.budget:
        if plan:
            calls, how, when = plan.pop(0)
        else:
            calls, how = rng.choice(faults)
            when = rng.randrange(1, most[calls] + 1)
        happened, complaints = one_run(arguments, base, accounts, calls, how, when)
        runs += 1
        injected += happened["injected"]
        ended += happened["ended"]
        acked += happened["acked"]
        name = f"{calls.split(',')[0]} {how}"
        by_call[name] = by_call.get(name, 0) + happened["injected"]
        if complaints:
            verdicts.check(f"{name} at call {when}", False, complaints)
    verdicts.check(f"{runs} runs, {injected} of them with a fault: nothing acknowledged was lost, early or doubled", verdicts.failed == 0)
    verdicts.check("faults did happen", injected >= runs // 2, by_call)
    verdicts.check("orders were acknowledged", acked > runs, acked)
    figures = {"drill": "D05", "seed": seed, "runs": runs, "injected": injected, "ended_by_itself": ended, "acknowledged": acked, "calls": most, "by_call": by_call}
    print(json.dumps(figures | {"pass": verdicts.failed == 0}))
    shutil.rmtree(os.path.join(arguments.scratch, "data"), ignore_errors=True)
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
