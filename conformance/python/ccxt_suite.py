"""ccxt's own live test runner, unmodified, from its wheel: market data, account and order methods, each answer checked by it.

Three things are arranged: it wants to run from a source tree, so its package is copied into one; it reads addresses and
keys from keys.local.json; and it insists that the address is the public one, which is the one method replaced here.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import ccxt

import board

RUNNER = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import tests_async
tests_async.testMainClass.check_constructor = lambda self, exchange: None
import tests_init
"""


def arrange(root, account):
    package = root / "python" / "ccxt"
    package.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(Path(ccxt.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    spot = board.REST + "/api/v3"
    only_spot = {kind: False for kind in ("margin", "swap", "future", "option")}
    keys = {
        "apiKey": account["apiKey"],
        "secret": account["secretKey"],
        "urls": {"api": {"public": spot, "private": spot, "v1": board.REST + "/api/v1"}},
        "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False, "defaultType": "spot"},
        "has": only_spot,
    }
    (root / "keys.local.json").write_text(json.dumps({"binance": keys}))
    # Methods of the wallet, of margin and of derivatives: other products' APIs.
    skips = {m: "another product's API" for m in (
        "fetchCurrencies", "fetchStatus", "fetchTradingFees", "fetchTradingFee", "fetchDeposits", "fetchWithdrawals",
        "fetchDepositAddress", "fetchTransfers", "fetchLedger", "fetchBorrowRate", "fetchBorrowInterest", "fetchDepositWithdrawFees",
        "fetchTransactionFees", "fetchPositions", "fetchLeverageTiers", "fetchFundingRates", "fetchMyLiquidations", "fetchConvertCurrencies",
        "fetchIsolatedBorrowRates", "fetchCrossBorrowRate", "fetchAccounts", "fetchLastPrices",
        "fetchMarginModes", "fetchLedgerEntry",
    )}
    skips["fetchOrderBook"] = {"timestamp": "depth has none", "datetime": "depth has none"}
    (root / "skip-tests.json").write_text(json.dumps({"binance": {"skipMethods": skips}}))
    return package.parent


def run(area, path, *flags):
    command = [sys.executable, "-c", RUNNER, str(path / "ccxt" / "test"), "binance", "BTC/USDT", "--info", *flags]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(path)}, capture_output=True, text=True, timeout=400)
    text = done.stdout + done.stderr
    Path(os.environ["HIGHWATER_WORKSHOP"], f"{area.replace(' ', '-')}.log").write_text(text)
    failed = {}
    for line in text.splitlines():
        found = re.search(r"\[TEST_FAILURE\].*?binance\s+(\w+)", line)
        if found and not found[1].endswith("_TESTS"):
            failed.setdefault(found[1], line)
    passed = set(re.findall(r"TESTING DONE\s+binance\s+(\w+)", text)) - set(failed)
    for name in sorted(passed | set(failed)):
        board.row(area, name, name not in failed, failed.get(name, ""))
    with board.check(area, "the runner ran to its end"):
        board.equal(done.returncode, 0, text.strip()[-300:])
        board.true(len(passed) >= 5, f"it tested only {sorted(passed)}")


def main():
    for base, price in (("BTC", "20000.00"), ("ETH", "2000.00"), ("LTC", "100.00"), ("XRP", "1.00")):
        symbol = board.make_symbol(base)
        maker, taker = (board.Plain(board.make_account({base: "100000", "USDT": "100000000"})) for _ in range(2))
        for _ in range(5):
            maker.order(symbol, "SELL", "10", price)
            taker.order(symbol, "BUY", "10", price)
        for step in (1, 2, 3):
            away = f"{float(price) * (1 - step / 1000):.2f}", f"{float(price) * (1 + step / 1000):.2f}"
            maker.order(symbol, "BUY", "10", away[0])
            maker.order(symbol, "SELL", "10", away[1])
    account = board.make_account({"BTC": "10", "ETH": "10", "USDT": "1000000"})
    path = arrange(Path(os.environ["HIGHWATER_WORKSHOP"]), account)
    run("public methods", path)
    run("private methods", path, "--private", "--privateOnly")
    with board.check("state", "the audit is clean at the end"):
        board.equal(board.audit(), "ok")


main()
