"""python-binance's own tests, unmodified: the spot ones of its source package, with fixtures of ours.

Its fixtures carry keys and addresses of a public test network; ours point the library's classes at this exchange. A test
that a table below leaves out asks for what this exchange does not have: derivatives, wallets, the public internet.
"""

import os
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

import board

FILES = [
    "test_async_client.py", "test_async_client_ws_api.py", "test_client.py", "test_client_ws_api.py",
    "test_cryptography.py", "test_depth_cache.py", "test_get_order_book.py", "test_headers.py",
    "test_historical_klines.py", "test_ids.py", "test_init.py", "test_ping.py", "test_socket_manager.py", "test_streams.py",
    "test_user_socket_integration.py", "test_ws_api.py",
]
# Words in the names of tests that are of other products.
ELSEWHERE = ["futures", "papi", "coin", "options", "margin", "gift", "contract", "portfolio", "testnet", "demo", "tld"]
# Methods of the wallet's API, which is another product's.
WALLET = ["system_status", "account_status", "api_trading_status", "account_api", "dust"]
# These build another library's objects by hand, as an older version of that library wants them (aiohttp's ClientResponse).
BROKEN = ["test_async_client.py::test_handle_response"]

CONFTEST = '''
import os
from unittest.mock import patch

import pytest
import pytest_asyncio
from binance import AsyncClient, BinanceSocketManager, Client, ThreadedWebsocketManager
from binance.base_client import BaseClient

BaseClient.API_URL = os.environ["SUITE_REST"] + "/api"
BaseClient.WS_API_URL = os.environ["SUITE_WSAPI"]
BinanceSocketManager.STREAM_URL = os.environ["SUITE_WS"] + "/"

proxies, proxy, testnet, demo = {}, None, False, False
api_key, api_secret = os.environ["SUITE_KEY"], os.environ["SUITE_SECRET"]
futures_api_key = futures_api_secret = "none"


@pytest.fixture
def client():
    return Client(api_key, api_secret)


@pytest_asyncio.fixture
async def clientAsync():
    client = AsyncClient(api_key, api_secret)
    yield client
    await client.close_connection()


@pytest.fixture
def manager():
    return ThreadedWebsocketManager(api_key=api_key, api_secret=api_secret)


def call_method_and_assert_uri_contains(client, name, part, *args, **kwargs):
    with patch.object(client, "_request", wraps=client._request) as request:
        answer = getattr(client, name)(*args, **kwargs)
    request.assert_called_once()
    assert part in request.call_args.args[1]
    return answer


def pytest_configure(config):
    for mark in ("spot", "futures", "margin", "portfolio", "gift_card"):
        config.addinivalue_line("markers", mark)
'''


class Rows:
    """Each test is a row; what the library itself skips is none."""

    def __init__(self):
        self.failed = {}

    def pytest_runtest_logreport(self, report):
        file, _, name = report.nodeid.partition("::")
        if report.failed:
            self.failed[report.nodeid] = report.longreprtext.strip().splitlines()[-1]
        if report.when == "teardown" and report.nodeid in self.failed:
            board.row(Path(file).stem, name, False, self.failed[report.nodeid])
        elif report.when == "teardown" and not report.failed and report.nodeid in self.called:
            board.row(Path(file).stem, name, True)
        elif report.when == "call" and report.passed:
            self.called.add(report.nodeid)

    called = set()


def source(folder):
    """The tests are in the source package alone, not in the wheel."""
    wanted = f"python_binance-{version('python-binance')}"
    if not (folder / wanted).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--no-binary", ":all:", "--dest", str(folder), wanted.replace("_", "-").replace("-1", "==1", 1)],
            check=True,
        )
        with tarfile.open(folder / f"{wanted}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return folder / wanted / "tests"


def main():
    tests = source(Path(os.environ["HIGHWATER_WORKSHOP"]))
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "__init__.py").touch()
    for base, quote in (("BTC", "USDT"), ("BNB", "BTC"), ("LTC", "BTC"), ("ETH", "BTC"), ("LTC", "USDT")):
        symbol = board.make_symbol(base, quote, [])
        maker, taker = (board.Plain(board.make_account({base: "1000", quote: "1000000"})) for _ in range(2))
        for _ in range(3):
            maker.order(symbol, "SELL", "1", "100.00")
            taker.order(symbol, "BUY", "1", "100.00")
        maker.order(symbol, "BUY", "1", "99.00")
        maker.order(symbol, "SELL", "1", "101.00")
    account = board.make_account({"BTC": "10", "USDT": "100000", "BNB": "100"})
    os.environ.update(SUITE_REST=board.REST, SUITE_WSAPI=board.WSAPI, SUITE_WS=board.WS)
    os.environ.update(SUITE_KEY=account["apiKey"], SUITE_SECRET=account["secretKey"])
    unwanted = " and ".join(f"not {word}" for word in ELSEWHERE + WALLET)
    os.chdir(tests.parent)
    pytest.main(
        ["-q", "--no-header", "--tb=short", "--durations=5", "-p", "no:cacheprovider", "-k", unwanted, *(f"--deselect=tests/{name}" for name in BROKEN), *(f"tests/{f}" for f in FILES)],
        plugins=[Rows()],
    )
    with board.check("state", "the audit is clean at the end"):
        board.equal(board.audit(), "ok")


main()
