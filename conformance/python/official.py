"""The official Python SDK, unmodified: REST, market streams, WebSocket API."""

import asyncio
import logging

import board
import official_rest
import official_streams
import official_wsapi


def main():
    logging.getLogger().setLevel(logging.WARNING)
    # The SDK logs every refusal that we provoke; what matters is collected in typed.WARNINGS.
    logging.getLogger().handlers[:0] = []
    logging.lastResort = None
    symbol, other = board.make_symbol("OFA"), board.make_symbol("OFB")
    maker = board.Plain(board.make_account({"USDT": "10000000", "OFA": "10000", "OFB": "10000"}))
    taker = board.Plain(board.make_account({"USDT": "10000000", "OFA": "10000", "OFB": "10000"}))
    for each in (symbol, other):
        for price in ("100.00", "100.50", "99.50"):
            maker.order(each, "SELL", "1", price)
            taker.order(each, "BUY", "1", price)
        maker.order(each, "BUY", "1", "98.00")
        maker.order(each, "SELL", "1", "103.00")
    official_rest.run(symbol, other, maker)
    asyncio.run(official_streams.run(other, maker, taker))
    asyncio.run(official_wsapi.run(symbol, other, maker))
    with board.check("state", "the audit is clean at the end"):
        board.equal(board.audit(), "ok")


if __name__ == "__main__":
    main()
