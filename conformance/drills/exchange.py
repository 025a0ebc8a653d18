"""What the drills share: the exchange as a child process, a small fast HTTP client, counted verdicts."""

import argparse
import hashlib
import hmac
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from urllib.parse import urlencode


def parse(budget, **more):
    """What every drill is told: the program, a folder of its own, a budget in seconds and a seed; `more` names what else it wants."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--scratch", required=True)
    parser.add_argument("--budget", type=float, default=budget)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    for name, options in more.items():
        parser.add_argument(f"--{name}", **options)
    return parser.parse_args()


def signed(secret, params):
    """The query of a request with its HMAC signature."""
    query = urlencode(params)
    return f"{query}&signature={hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()}"


class Verdicts:
    """Counts and prints; the last line is the one that `cargo x` reads."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, good, detail=""):
        self.passed += bool(good)
        self.failed += not good
        print(f"{'ok    ' if good else 'FAILED'} {name}{'' if good or not detail else ': ' + str(detail)[:600]}")
        return good

    def close(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 0


class Exchange:
    """`highwater run --sandbox` on a data folder; `before` is put in front of the command, `more` behind it."""

    def __init__(self, binary, data, log, durability="disk", before=(), more=()):
        self.binary, self.data = binary, data
        self.log = open(log, "ab")
        self.started = time.monotonic()
        command = [*before, binary, "run", "--sandbox", "--data", data, "--listen", "127.0.0.1:0", "--durability", durability, *more]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, start_new_session=True)
        self.ready = None

    def wait_ready(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the exchange ended with {self.process.wait()} before it was ready; its log is {self.log.name}")
        self.ready = json.loads(line)
        self.seconds = time.monotonic() - self.started
        self.host, port = self.ready["rest"].split("//")[1].split(":")
        self.port = int(port)
        return self

    def kill(self):
        """SIGKILL to the exchange and whatever runs it."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        # What ran under another program is not our child: its files are free only when it is gone.
        deadline = time.monotonic() + 60
        while self.members() and time.monotonic() < deadline:
            time.sleep(0.005)
        self.process.stdout.close()
        self.log.close()

    def members(self):
        """The processes of our group that still run."""
        running = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as stat:
                    state, _, group = stat.read().rpartition(")")[2].split()[:3]
            except (OSError, ValueError):
                continue
            if int(group) == self.process.pid and (state not in "ZX" or self.threads(name) > 1):
                running.append(int(name))
        return running

    @staticmethod
    def threads(process):
        """How many there still are: one that is gone itself may have left some, with all files open."""
        try:
            return len(os.listdir(f"/proc/{process}/task"))
        except OSError:
            return 0

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        code = self.process.wait(timeout=120)
        self.process.stdout.close()
        self.log.close()
        return code

    def sandbox(self, method, path, body=None):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        connection.request(method, "/sandbox/v1" + path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 300:
            raise SystemExit(f"sandbox {method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text else None


    def market(self, symbol, accounts=2):
        """A market, and so many accounts with money enough."""
        base = symbol.removesuffix("USDT")
        self.sandbox("POST", "/symbols", {"symbol": symbol, "baseAsset": base, "quoteAsset": "USDT"})
        money = {"balances": {"USDT": "1000000000", base: "1000000000"}}
        return [self.sandbox("POST", "/accounts", money) for _ in range(accounts)]


class Client:
    """One keep-alive connection with a HMAC key."""

    def __init__(self, exchange, account):
        self.key, self.secret = account["apiKey"], account["secretKey"]
        self.connection = http.client.HTTPConnection(exchange.host, exchange.port, timeout=60)

    def call(self, method, path, **params):
        params["timestamp"] = int(time.time() * 1000)
        params.setdefault("recvWindow", 60000)
        self.connection.request(method, f"{path}?{signed(self.secret, params)}", headers={"X-MBX-APIKEY": self.key})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())

    def all_orders(self, symbol):
        """All orders of the account, page by page."""
        found, start = [], 0
        while True:
            status, page = self.call("GET", "/api/v3/allOrders", symbol=symbol, orderId=start, limit=1000)
            if status != 200:
                raise SystemExit(f"allOrders: {status} {page}")
            found += page
            if len(page) < 1000:
                return found
            start = page[-1]["orderId"] + 1


def verify(binary, data):
    """`highwater verify`: its exit code, its text, and the digest that it names."""
    out = subprocess.run([binary, "verify", "--data", data], capture_output=True, text=True, timeout=600, check=False)
    digest = None
    for word in out.stdout.replace('"', " ").replace(",", " ").replace(":", " ").replace("=", " ").split():
        if len(word) >= 16 and all(c in "0123456789abcdef" for c in word) and digest is None:
            digest = word
    for line in out.stdout.splitlines():
        try:
            digest = json.loads(line).get("digest", digest)
        except (ValueError, AttributeError):
            continue
    return out.returncode, (out.stdout + out.stderr).strip(), digest


def flush_exit(code):
    sys.stdout.flush()
    os._exit(code)
