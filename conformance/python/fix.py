"""The official FIX client, unmodified, over TLS: order entry, drop copy, market data."""

import logging
import os

import board
from board import Plain, check, equal, make_account, make_symbol, true, unique, wait_for

# The client asks the system which authorities it trusts, and this is where the system looks.
os.environ["SSL_CERT_FILE"] = board.READY["fix"]["authority"]

from binance_fix_connector.fix_connector import (  # noqa: E402
    create_drop_copy_session,
    create_market_data_session,
    create_order_entry_session,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: E402

logging.getLogger("BinanceFixConnector").setLevel(logging.CRITICAL)

SYMBOL = make_symbol("FIX")
FIX = board.READY["fix"]


class Line:
    """A session, and everything that it has been told."""

    def __init__(self, make, endpoint, account, name, **more):
        key = load_pem_private_key(account["privateKey"].encode(), None)
        self.session = make(account["apiKey"], key, endpoint=endpoint, sender_comp_id=name, **more)
        self.heard = []

    def send(self, kind, *pairs):
        message = self.session.create_fix_message_with_basic_header(kind)
        for tag, value in pairs:
            message.append_pair(tag, value)
        self.session.send_message(message)

    def wait(self, what, **wanted):
        """The first message with these values; tags are written as `t35="8"`. Others stay."""

        def find():
            self.heard += self.session.get_all_new_messages_received()
            for message in self.heard:
                if all(get(message, tag[1:]) == value for tag, value in wanted.items()):
                    self.heard.remove(message)
                    return message
            return None

        return wait_for(find, what)

    def order(self, side, quantity, price=None, **more):
        name = unique("f")
        kind = [(40, 2), (44, price), (59, 1)] if price else [(40, 1)]
        self.send("D", (11, name), (38, quantity), (54, 1 if side == "BUY" else 2), (55, SYMBOL), *kind, *more.items())
        return name

    def end(self):
        self.session.logout()
        self.wait("the answer to the logout", t35="5")
        self.session.disconnect()


def get(message, tag):
    value = message.get(tag)
    return None if value is None else value.decode()


def holds(message, **wanted):
    for tag, value in wanted.items():
        equal(get(message, tag[1:]), value, f"tag {tag[1:]}")


def orders(trade, copy, other):
    with check("order entry", "a limit order is acknowledged"):
        name = trade.order("BUY", "0.5", "100.00")
        report = trade.wait("the acknowledgement", t35="8", t150="0", t11=name)
        holds(report, t39="0", t38="0.50000000", t44="100.00000000", t151="0.50000000", t55=SYMBOL, t54="1", t59="1", t40="2")
    with check("order entry", "it is amended and keeps its place"):
        trade.send("XAK", (11, name + "a"), (41, name), (38, "0.4"), (55, SYMBOL))
        holds(trade.wait("the amendment", t35="8", t150="5"), t38="0.40000000", t41=name, t11=name + "a")
    with check("order entry", "its fill is reported with its fee"):
        other.order(SYMBOL, "SELL", "0.1")
        fill = trade.wait("the fill", t35="8", t150="F", t11=name + "a")
        holds(fill, t39="1", t32="0.10000000", t31="100.00000000", t138="FIX", t139="4", t1057="N", t25017="10.00000000")
    with check("order entry", "it is canceled and replaced"):
        swap = unique("s")
        new = [(11, swap), (38, "0.2"), (40, 2), (44, "99.00"), (54, 1), (55, SYMBOL), (59, 1)]
        trade.send("XCN", (25033, 1), (41, name + "a"), (25034, swap + "c"), *new)
        holds(trade.wait("the cancel", t35="8", t150="4", t11=swap + "c"), t39="4", t41=name + "a")
        holds(trade.wait("the new order", t35="8", t150="0", t11=swap), t39="0")
    with check("order entry", "it is canceled"):
        trade.send("F", (11, swap + "x"), (41, swap), (55, SYMBOL))
        holds(trade.wait("the cancel", t35="8", t150="4", t11=swap + "x"), t41=swap, t151="0.00000000")
    with check("order entry", "a market order is filled"):
        other.order(SYMBOL, "SELL", "0.3", "101.00")
        name = trade.order("BUY", "0.3")
        holds(trade.wait("the fill", t35="8", t150="F", t11=name), t39="2", t31="101.00000000", t1057="Y")
    with check("order entry", "all orders of a symbol are canceled at once"):
        names = [trade.order("BUY", "0.5", "50.00") for _ in range(3)]
        for name in names:
            trade.wait("the acknowledgement", t35="8", t150="0", t11=name)
        trade.send("q", (11, "mass"), (55, SYMBOL), (530, 1))
        holds(trade.wait("the summary", t35="r"), t531="1", t533="3")
        for name in names:
            trade.wait("the cancel", t35="8", t150="4", t41=name)
    with check("drop copy", "everything is copied"):
        copy.wait("the fill", t35="8", t150="F", t31="101.00000000")
        copy.wait("the cancel", t35="8", t150="4", t41=names[-1])


def leg(side, quantity, *more):
    """One order of a list: its name and its fields."""
    name = unique("l")
    return name, [(11, name), (55, SYMBOL), (54, 1 if side == "BUY" else 2), (38, quantity), *more]


def when(kind, index, action):
    """What a list does to the order that this stands behind."""
    return [(25010, 1), (25011, kind), (25012, index), (25013, action)]


def lists(trade, copy, other):
    name = unique("L")
    working, first = leg("BUY", "0.2", (40, 2), (44, "90.00"), (59, 1))
    pending, second = leg("SELL", "0.1", (40, 2), (44, "120.00"), (59, 1))
    with check("order lists", "one triggers the other: it begins"):
        trade.send("E", (73, 2), *first, *second, *when(3, 0, 1), (1385, 2), (25014, name))
        started = trade.wait("the list's beginning", t35="N", t429="4", t25014=name)
        holds(started, t431="3", t1385="2", t73="2", t25011="3", t25012="0", t25013="1")
        holds(trade.wait("the working order", t35="8", t150="0", t11=working), t39="0", t66=get(started, 66))
        holds(trade.wait("the pending order", t35="8", t150="0", t11=pending), t39="A", t66=get(started, 66))
        copy.wait("its copy", t35="N", t429="4", t25014=name)
    with check("order lists", "one triggers the other: it acts"):
        other.order(SYMBOL, "SELL", "0.2", "90.00")
        holds(trade.wait("the fill", t35="8", t150="F", t11=working), t39="2")
        holds(trade.wait("the pending order", t35="8", t150="0", t11=pending), t39="0", t636="Y")
    with check("order lists", "it is canceled by its name"):
        trade.send("F", (11, name + "x"), (25015, name), (55, SYMBOL))
        trade.wait("the cancel", t35="8", t150="4", t41=pending)
        holds(trade.wait("the list's end", t35="N", t429="5", t25014=name), t431="6")
    name = unique("L")
    below, first = leg("SELL", "0.1", (40, 3), (1100, 4), (1101, 1), (1102, "80.00"), (1107, 2), (1109, "D"))
    above, second = leg("SELL", "0.1", (40, 2), (18, 6), (44, "110.00"))
    with check("order lists", "one cancels the other"):
        trade.send("E", (73, 2), *first, *when(2, 1, 2), *second, *when(1, 0, 2), (1385, 1), (25014, name))
        holds(trade.wait("the list's beginning", t35="N", t429="4", t25014=name), t431="3", t1385="1")
        holds(trade.wait("the stop", t35="8", t150="0", t11=below), t1102="80.00000000", t1109="D")
        other.order(SYMBOL, "BUY", "0.1", "110.00")
        holds(trade.wait("the fill", t35="8", t150="F", t11=above), t39="2")
        holds(trade.wait("the stop's end", t35="8", t150="C", t11=below), t39="C", t25056="3")
        holds(trade.wait("the list's end", t35="N", t429="5", t25014=name), t431="6")
    with check("order lists", "a list without the money"):
        name = unique("L")
        _, first = leg("BUY", "5000", (40, 2), (44, "90.00"), (59, 1))
        _, second = leg("SELL", "5000", (40, 2), (44, "120.00"), (59, 1))
        trade.send("E", (73, 2), *first, *second, *when(3, 0, 1), (1385, 2), (25014, name))
        holds(trade.wait("the refusal", t35="N", t25014=name), t429="2", t431="7", t25016="-2010")


def refusals(trade, copy, market):
    with check("refusals", "an order without the money"):
        name = trade.order("BUY", "90", "400.00")
        holds(trade.wait("the refusal", t35="8", t11=name), t150="8", t39="8", t25016="-2010", t103="99")
    with check("refusals", "a filter"):
        name = trade.order("BUY", "0.000001", "100.00")
        refusal = trade.wait("the refusal", t35="8", t11=name)
        holds(refusal, t150="8", t25016="-1013", t58="Filter failure: LOT_SIZE")
    with check("refusals", "a cancel of nothing"):
        trade.send("F", (11, "none"), (37, 999999), (55, SYMBOL))
        holds(trade.wait("the refusal", t35="9"), t434="1", t25016="-2011", t58="Unknown order sent.")
    with check("refusals", "an amendment of nothing"):
        trade.send("XAK", (11, "none"), (37, 999999), (38, "1"), (55, SYMBOL))
        holds(trade.wait("the refusal", t35="XAR"), t25016="-2038")
    with check("refusals", "a mass cancel of nothing"):
        trade.send("q", (11, "none"), (55, SYMBOL), (530, 1))
        holds(trade.wait("the refusal", t35="r", t11="none"), t531="0", t25016="-2011")
    with check("refusals", "an unknown symbol"):
        trade.send("q", (11, "none"), (55, "NOSUCH"), (530, 1))
        holds(trade.wait("the refusal", t35="3"), t371="55", t372="q", t25016="-1121")
    with check("refusals", "a field is missing"):
        trade.send("D", (11, "none"), (55, SYMBOL), (54, 1))
        holds(trade.wait("the refusal", t35="3"), t371="40", t373="1")
    with check("refusals", "an order on the wrong doors"):
        copy.order("BUY", "1", "100.00")
        holds(copy.wait("the refusal", t35="3"), t25016="-1183")
        market.order("BUY", "1", "100.00")
        holds(market.wait("the refusal", t35="3"), t25016="-1187")


def markets(market, trade, other):
    with check("market data", "the list of instruments"):
        market.send("x", (320, "list"), (559, 0), (55, SYMBOL))
        holds(market.wait("the list", t35="y"), t146="1", t55=SYMBOL, t15="USDT", t969="0.01000000", t25039="0.00001000", t1140="9000.00000000")
    with check("market data", "trades, the touch and the book are subscribed"):
        market.send("V", (262, "trade"), (263, 1), (264, 1), (266, "Y"), (146, 1), (55, SYMBOL), (267, 1), (269, 2))
        market.send("V", (262, "touch"), (263, 1), (264, 1), (266, "Y"), (146, 1), (55, SYMBOL), (267, 2), (269, 0), (269, 1))
        market.send("V", (262, "book"), (263, 1), (264, 10), (266, "Y"), (146, 1), (55, SYMBOL), (267, 2), (269, 0), (269, 1))
        holds(market.wait("the touch", t35="W", t262="touch"), t268="0")
        holds(market.wait("the book", t35="W", t262="book"), t268="0")
    with check("market data", "an order moves the touch and the book"):
        other.order(SYMBOL, "SELL", "1", "120.00")
        for name in ("touch", "book"):
            holds(market.wait("the change", t35="X", t262=name), t279="0", t269="1", t270="120.00000000", t271="1.00000000")
    with check("market data", "a trade is told, and what it leaves"):
        trade.order("BUY", "0.25")
        holds(market.wait("the trade", t35="X", t262="trade"), t269="2", t270="120.00000000", t271="0.25000000", t2446="1")
        for name in ("touch", "book"):
            holds(market.wait("the change", t35="X", t262=name), t279="1", t271="0.75000000")
    with check("market data", "a second request of the same kind is refused"):
        market.send("V", (262, "again"), (263, 1), (264, 1), (146, 1), (55, SYMBOL), (267, 1), (269, 2))
        holds(market.wait("the refusal", t35="Y"), t262="again", t281="2", t25016="-1191")
    with check("market data", "unsubscribed is quiet"):
        market.send("V", (262, "trade"), (263, 2))
        trade.order("BUY", "0.25")
        holds(market.wait("the change", t35="X", t262="book"), t271="0.50000000")
        market.session.test_request("quiet")
        market.wait("the heartbeat", t35="0", t112="quiet")
        true(not any(get(m, 262) == "trade" for m in market.heard), "a trade was told")
    other.cancel_all(SYMBOL)


def main():
    account = make_account({"FIX": "100", "USDT": "10000"}, "ED25519")
    other = Plain(make_account({"FIX": "100", "USDT": "10000"}))
    with check("sessions", "an HMAC key cannot log on"):
        stranger = dict(account, apiKey=other.key)
        line = Line(create_order_entry_session, FIX["orderEntry"], stranger, "NO")
        holds(line.wait("the refusal", t35="3"), t25016="-2015")
    trade = Line(create_order_entry_session, FIX["orderEntry"], account, "TRADE")
    copy = Line(create_drop_copy_session, FIX["dropCopy"], account, "COPY")
    market = Line(create_market_data_session, FIX["marketData"].replace("127.0.0.1", "localhost"), account, "WATCH")
    for name, line in (("order entry", trade), ("drop copy", copy), ("market data", market)):
        with check("sessions", f"{name}: logon"):
            holds(line.wait("the answer to the logon", t35="A"), t98="0", t108="30", t34="1")
        with check("sessions", f"{name}: test request"):
            line.session.test_request("hello")
            holds(line.wait("the heartbeat", t35="0"), t112="hello")
    with check("sessions", "a name is taken once"):
        twin = Line(create_order_entry_session, FIX["orderEntry"], account, "TRADE")
        holds(twin.wait("the refusal", t35="3"), t25016="-1033")
    with check("sessions", "limits are told"):
        trade.send("XLQ", (6136, "limits"))
        holds(trade.wait("the limits", t35="XLR"), t6136="limits", t25003="3")
    orders(trade, copy, other)
    lists(trade, copy, other)
    refusals(trade, copy, market)
    with check("order entry", "orders of other gateways are told"):
        mine = Plain(account)
        mine.order(SYMBOL, "BUY", "1", "30.00", newClientOrderId="byrest")
        trade.wait("the acknowledgement", t35="8", t150="0", t11="byrest")
        mine.cancel_all(SYMBOL)
        trade.wait("the cancel", t35="8", t150="4", t41="byrest")
        copy.wait("the copy", t35="8", t150="4", t41="byrest")
    markets(market, trade, other)
    for name, line in (("order entry", trade), ("drop copy", copy), ("market data", market)):
        with check("sessions", f"{name}: logout"):
            line.end()


main()
