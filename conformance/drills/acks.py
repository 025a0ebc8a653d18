"""No acknowledgement leaves before its record is on disk: shown by the order of system calls.

The exchange runs under strace. Every order has a client order id of 33 characters that occurs nowhere else. The
trace is read line by line, in the order in which strace saw it:

- a write to a file of the journal that contains the id, once it has returned, makes the record *written* there;
- an fdatasync (or fsync) of that file makes durable what had been written when it was *called*, once it has *returned*;
- a write to a socket that contains the id is the acknowledgement (or an execution report): when it is *called*, the
  record must be durable.

A thread that sends because a sync has returned is seen by strace in that order, so there are no false alarms. To show
that it can fail, the same is run with `--durability none`, where it must find violations.
"""

import json
import os
import re
import secrets
import shutil
import threading

from exchange import Client, Exchange, Verdicts, flush_exit, parse

SYMBOL = "ACKUSDT"
WORKERS = 16
NAME = re.compile(r"A[0-9a-f]{31}Z")
LINE = re.compile(r"^(?P<pid>\d+)\s+(?P<time>[\d.]+)\s+(?P<rest>.*)$")
RESUMED = re.compile(r"^<\.\.\. (?P<call>\w+) resumed>(?P<tail>.*)$")
CALL = re.compile(r"^(?P<call>\w+)\((?P<fd>\d+)<(?P<target>[^>]*(?:->[^>]*)?)>(?P<tail>.*)$", re.DOTALL)
TRACED = "pwrite64,pwritev,pwritev2,fdatasync,fsync,sync_file_range,sendto,sendmsg,sendmmsg,write,writev"


class Audit:
    """The state machine over the trace."""

    def __init__(self):
        self.written = {}  # file -> names written there and not yet durable
        self.durable = set()
        self.acknowledged = set()
        self.early = []
        self.syncs = 0
        self.pending = {}  # thread -> (call, target, names, snapshot)

    def enter(self, pid, call, target, text):
        """A call begins."""
        names = NAME.findall(text)
        journal = "/journal/" in target
        snapshot = None
        if call in ("fdatasync", "fsync") and journal:
            snapshot = set(self.written.get(target, ()))
        elif self.is_socket(target) and names:
            for name in names:
                self.acknowledged.add(name)
                if name not in self.durable:
                    self.early.append(name)
        self.pending[pid] = (call, target, names if journal else [], snapshot, "RWF_DSYNC" in text)

    def leave(self, pid, succeeded):
        """The thread's call returns."""
        call, target, names, snapshot, synchronous = self.pending.pop(pid, (None, None, [], None, False))
        if call is None or not succeeded:
            return
        if snapshot is not None:
            self.syncs += 1
            self.durable |= snapshot
            self.written.setdefault(target, set()).difference_update(snapshot)
            return
        if names:
            if synchronous:
                self.durable.update(names)
            else:
                self.written.setdefault(target, set()).update(names)

    @staticmethod
    def is_socket(target):
        return target.startswith(("TCP", "socket:"))

    def read(self, path):
        with open(path, errors="replace") as trace:
            for line in trace:
                match = LINE.match(line)
                if not match:
                    continue
                pid, rest = match["pid"], match["rest"]
                resumed = RESUMED.match(rest)
                if resumed:
                    self.leave(pid, succeeded(resumed["tail"]))
                    continue
                call = CALL.match(rest)
                if not call:
                    continue
                self.enter(pid, call["call"], call["target"], rest)
                if "<unfinished ...>" not in rest[-40:]:
                    self.leave(pid, succeeded(rest))
        return self


def succeeded(text):
    """Whether a returned call ended with a result that is not negative."""
    result = text.rsplit(" = ", 1)
    return len(result) == 2 and not result[1].startswith("-") and not result[1].startswith("?")


def worker(exchange, account, count, side, acknowledged):
    client = Client(exchange, account)
    for number in range(count):
        name = f"A{secrets.token_hex(16)[:31]}Z"
        price = f"{(9_900 if side == 'BUY' else 10_100) / 100 + (number % 50) / 100:.2f}"
        status, body = client.call(
            "POST", "/api/v3/order", symbol=SYMBOL, side=side, type="LIMIT", timeInForce="GTC", quantity="0.01", price=price, newClientOrderId=name
        )
        if status != 200:
            raise SystemExit(f"an order was refused: {status} {body}")
        acknowledged.append(name)


def trace(arguments, durability, acks):
    """Runs the exchange under strace and places orders; returns the audited trace and the names acknowledged to us."""
    scratch = os.path.join(arguments.scratch, durability)
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    path = os.path.join(scratch, "trace")
    before = [arguments.strace, "-f", "-ttt", "-yy", "-s", "131072", "--seccomp-bpf", "-e", f"trace={TRACED}", "-e", "signal=none", "-o", path]
    exchange = Exchange(arguments.binary, os.path.join(scratch, "data"), os.path.join(scratch, "exchange.log"), durability, before).wait_ready()
    [account] = exchange.market(SYMBOL, accounts=1)
    acknowledged = []
    threads = [
        threading.Thread(target=worker, args=(exchange, account, acks // WORKERS + 1, "BUY" if n % 2 else "SELL", acknowledged)) for n in range(WORKERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    exchange.stop()
    audit = Audit().read(path)
    if os.path.getsize(path) > 50_000_000:
        os.remove(path)
    return audit, acknowledged


def self_test(verdicts):
    """The state machine on hand-written traces: one right, three wrong."""
    name = "A" + "0" * 31 + "Z"
    write = f'1 1.0 pwrite64(5</d/journal/1>, "x{name}", 40, 0) = 40\n'
    sync = "1 1.1 fdatasync(5</d/journal/1>) = 0\n"
    send = f'2 1.2 sendto(9<TCP:[127.0.0.1:1->127.0.0.1:2]>, "{name}", 33, 0, NULL, 0) = 33\n'
    started = "1 1.1 fdatasync(5</d/journal/1> <unfinished ...>\n"
    ended = "1 1.3 <... fdatasync resumed>) = 0\n"
    cases = [
        ("write, sync, send", [write, sync, send], 0),
        ("send before the sync", [write, send, sync], 1),
        ("send while the sync runs", [write, started, send, ended], 1),
        ("sync that was called before the write", [started, write.replace("1 1.0", "3 1.0"), ended, send], 1),
        ("sync that failed", [write, sync.replace("= 0", "= -1 EIO"), send], 1),
    ]
    for title, lines, early in cases:
        path = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"highwater-acks-{os.getpid()}")
        with open(path, "w") as file:
            file.writelines(lines)
        found = len(Audit().read(path).early)
        os.remove(path)
        verdicts.check(f"the auditor on a made-up trace: {title}", found == early, f"{found} early instead of {early}")


def main():
    only = {"action": "store_true", "help": "only the run that must find violations"}
    # 55 acknowledgements are watched for each second of the budget; nothing here is random.
    arguments = parse(0, strace={"required": True}, sabotage=only)
    verdicts = Verdicts()
    self_test(verdicts)
    figures = {"drill": "D02"}
    arguments.acks = max(1_000, int(arguments.budget * 56))
    if not arguments.sabotage:
        audit, acknowledged = trace(arguments, "disk", arguments.acks)
        seen = audit.acknowledged & set(acknowledged)
        verdicts.check(f"{len(acknowledged)} acknowledgements, every one seen in the trace", len(seen) == len(acknowledged), len(seen))
        verdicts.check("acknowledgements before their fdatasync returned: 0", not audit.early, f"{len(audit.early)}: {audit.early[:3]}")
        figures |= {"acks": len(acknowledged), "early": len(audit.early), "syncs": audit.syncs}
    audit, acknowledged = trace(arguments, "none", max(200, arguments.acks // 20))
    verdicts.check("with --durability none the same drill finds violations", len(audit.early) > len(acknowledged) // 2, len(audit.early))
    figures |= {"early_without_durability": len(audit.early), "of": len(acknowledged), "pass": verdicts.failed == 0}
    print(json.dumps(figures))
    flush_exit(verdicts.close())


if __name__ == "__main__":
    main()
