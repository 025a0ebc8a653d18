"""freqtrade, unmodified: a dry run on the demo's market, from its candles to a fill.

Only its configuration names other addresses. A dry run fills at the prices of the book that the exchange shows.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "python"))

import board
from board import check, equal, true

SYMBOL, PAIR = "BTCUSDT", "BTC/USDT"
STRATEGY = '''
from freqtrade.strategy import IStrategy


class Always(IStrategy):
    """Buys whatever it sees."""

    timeframe = "5m"
    minimal_roi = {"0": 10}
    stoploss = -0.99
    startup_candle_count = 5
    order_types = {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        dataframe["enter_long"] = 1
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        dataframe["exit_long"] = 0
        return dataframe
'''


def configuration():
    client = {
        "urls": {"api": {"public": f"{board.REST}/api/v3", "private": f"{board.REST}/api/v3", "v1": f"{board.REST}/api/v1"}},
        "options": {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False},
    }
    pricing = {"price_side": "other", "use_order_book": True, "order_book_top": 1}
    return {
        "bot_name": "conformance",
        "max_open_trades": 1,
        "stake_currency": "USDT",
        "stake_amount": 100,
        "dry_run": True,
        "dry_run_wallet": 1000,
        "trading_mode": "spot",
        "entry_pricing": pricing,
        "exit_pricing": pricing,
        "exchange": {
            "name": "binance",
            "key": "",
            "secret": "",
            "enable_ws": False,
            "ccxt_config": client,
            "ccxt_async_config": client,
            "pair_whitelist": [PAIR],
            "pair_blacklist": [],
        },
        "pairlists": [{"method": "StaticPairList"}],
        "internals": {"process_throttle_secs": 2},
        "initial_state": "running",
    }


class Bot:
    """The program as its users start it, and what it has said."""

    def __init__(self, folder):
        strategies = folder / "user" / "strategies"
        strategies.mkdir(parents=True, exist_ok=True)
        (strategies / "always.py").write_text(STRATEGY)
        (folder / "config.json").write_text(json.dumps(configuration()))
        self.log = folder / "log"
        program = Path(sys.executable).parent / "freqtrade"
        command = [program, "trade", "--config", folder / "config.json", "--userdir", folder / "user", "--strategy", "Always", "--db-url", "sqlite://"]
        # Its screen is as wide as its lines, so that none is folded.
        self.process = subprocess.Popen(command, stdout=self.log.open("w"), stderr=subprocess.STDOUT, env={**os.environ, "COLUMNS": "2000"})

    def said(self, what):
        return re.search(what, self.log.read_text())

    def wait(self, what):
        """Until it has said this, or has ended."""

        def find():
            true(self.process.poll() is None, f"it ended: {self.log.read_text()[-600:]}")
            return self.said(what)

        return board.wait_for(find, what, 120)


def main():
    bot = Bot(Path(os.environ["HIGHWATER_WORKSHOP"]))
    try:
        with check("dry run", "it takes the exchange for what it knows"):
            bot.wait(r"Bot heartbeat|Changing state to: RUNNING|state='RUNNING'")
        with check("dry run", "it enters on the candles"):
            bot.wait(r"Order dry_run_buy_BTC/USDT\S* was created for BTC/USDT")
        with check("dry run", "its order is filled at the book's price"):
            filled = bot.wait(r"MARKET_BUY has been fulfilled for Trade\(.*?open_rate=([\d.]+)")
            ticker = board.Plain({"apiKey": "", "secretKey": ""}).raw("GET", "/api/v3/ticker/price", f"symbol={SYMBOL}", key=False).json()
            ratio = float(filled[1]) / float(ticker["price"])
            true(0.98 < ratio < 1.02, f"filled at {filled[1]}, and the last price is {ticker['price']}")
        with check("dry run", "it goes on without an error"):
            time.sleep(5)
            true(bot.process.poll() is None, "it ended")
            errors = [line for line in bot.log.read_text().splitlines() if " - ERROR - " in line]
            equal(errors, [])
    finally:
        bot.process.terminate()
        bot.process.wait(30)


main()
