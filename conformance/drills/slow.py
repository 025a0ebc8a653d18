"""A slow disk: every fdatasync takes as long as it likes. Orders wait, or are refused by name; none is acknowledged early."""

import json
import os
import random
import secrets
import shutil
import threading
import time

from acks import TRACED, Audit
from exchange import Client, Exchange, Verdicts, flush_exit, parse, verify

SYMBOL = "SLOUSDT"


def worker(exchange, account, side, until, acked, refused, slowest):
    client, number = Client(exchange, account), 0
    while time.monotonic() < until:
        number += 1
        name = f"A{secrets.token_hex(16)[:31]}Z"
        price = f"{(99 if side == 'BUY' else 101) + number % 3}.00"
        began = time.monotonic()
        status, body = client.call(
            "POST", "/api/v3/order", symbol=SYMBOL, side=side, type="LIMIT", timeInForce="GTC", quantity="0.01", price=price, newClientOrderId=name
        )
        slowest[0] = max(slowest[0], time.monotonic() - began)
        if status == 200:
            acked.append((name, body["orderId"]))
        else:
            refused[body.get("code")] = refused.get(body.get("code"), 0) + 1


def main():
    arguments = parse(120, strace={"required": True})
    seed = arguments.seed
    rng, verdicts, rounds = random.Random(seed), Verdicts(), []
    began = time.monotonic()
    while not rounds or time.monotonic() - began < arguments.budget:
        delay = rng.choice([20, 100, 500, 2000, 5000])
        scratch = os.path.join(arguments.scratch, "round")
        shutil.rmtree(scratch, ignore_errors=True)
        os.makedirs(scratch)
        data, path = os.path.join(scratch, "data"), os.path.join(scratch, "trace")
        log = os.path.join(scratch, "exchange.log")
        exchange = Exchange(arguments.binary, data, log).wait_ready()
        accounts = exchange.market(SYMBOL)
        exchange.stop()
        # Every third sync takes this long; the others are as fast as the disk.
        before = [arguments.strace, "-f", "-ttt", "-yy", "-s", "131072", "--seccomp-bpf", "-e", f"trace={TRACED}", "-e", "signal=none", "-o", path]
        before += ["-e", f"inject=fdatasync:delay_exit={delay * 1000}:when=1+3"]
        exchange = Exchange(arguments.binary, data, log, before=before).wait_ready()
        acked, refused, slowest = [], {}, [0.0]
        until = time.monotonic() + max(4.0, delay / 1000 * 2.5)
        threads = [
            threading.Thread(target=worker, args=(exchange, accounts[n % 2], "SELL" if n % 2 else "BUY", until, acked, refused, slowest)) for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        code = exchange.stop()
        audit = Audit().read(path)
        names = {name for name, _ in acked}
        title = f"a third of the syncs take {delay} ms"
        verdicts.check(f"{title}: acknowledged early 0 of {len(acked)}", not audit.early, len(audit.early))
        verdicts.check(f"{title}: all acknowledgements seen in the trace", names <= audit.acknowledged, len(names - audit.acknowledged))
        verdicts.check(f"{title}: refusals are -1007 or -1008", set(refused) <= {-1007, -1008}, refused)
        verdicts.check(f"{title}: no answer later than the delays that stand before it", slowest[0] <= delay / 1000 * 3 + 10, slowest[0])
        verdicts.check(f"{title}: it ends well, and the folder verifies", code == 0 and verify(arguments.binary, data)[0] == 0, code)
        ids = sorted(number for _, number in acked)
        verdicts.check(f"{title}: order ids are unique", len(ids) == len(set(ids)))
        rounds.append({"delay_ms": delay, "acknowledged": len(acked), "refused": sum(refused.values()), "slowest_s": round(slowest[0], 3)})
    print(json.dumps({"drill": "D06", "seed": seed, "rounds": rounds, "pass": verdicts.failed == 0}))
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
