use crate::venue::Venue;

const OCO: &str = "symbol=ABCUSDT&quantity=1&abovePrice=120&belowStopPrice=80&aboveType=LIMIT_MAKER&belowType=STOP_LOSS&side=SELL";
const OTO: &str = "symbol=ABCUSDT&workingType=LIMIT&workingTimeInForce=GTC&workingSide=BUY&workingPrice=90&workingQuantity=1";

/// What follows the beginning of a request, and the code that it is refused with; -2010: nothing is wrong but that no market takes it.
const REFUSED: &[(&str, &str, &str, i64)] = &[
    ("orderList/oco", OCO, "", -2010),
    ("orderList/oco", OCO, "&belowTrailingDelta=100", -2010),
    ("orderList/oco", OCO, "&aboveTimeInForce=GTC", -1106),
    ("orderList/oco", OCO, "&belowPrice=79", -1106),
    ("orderList/oco", OCO, "&aboveStopPrice=120", -1106),
    ("orderList/oco", OCO, "&aboveStrategyType=7", -1134),
    ("orderList/oco", OCO, "&abovePegOffsetValue=1", -1128),
    ("orderList/oco", OCO, "&price=1", -1104),
    ("orderList/oco", "symbol=ABCUSDT&quantity=1", "", -1102),
    // each on its side of the market
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=BUY",
        "&aboveType=STOP_LOSS&aboveStopPrice=120&belowType=LIMIT_MAKER&belowPrice=80",
        -2010,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=BUY",
        "&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS&belowStopPrice=80",
        -1165,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=BUY",
        "&aboveType=STOP_LOSS&aboveStopPrice=120&belowType=STOP_LOSS&belowStopPrice=80",
        -1196,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=BUY",
        "&aboveType=TAKE_PROFIT&aboveStopPrice=120&belowType=TAKE_PROFIT&belowStopPrice=80",
        -1198,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=STOP_LOSS&aboveStopPrice=120&belowType=STOP_LOSS&belowStopPrice=80",
        -1197,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=TAKE_PROFIT&aboveStopPrice=120&belowType=TAKE_PROFIT&belowStopPrice=80",
        -1199,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=TAKE_PROFIT&aboveStopPrice=120&belowType=LIMIT_MAKER&belowPrice=80",
        -1166,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=LIMIT_MAKER&abovePrice=120&belowType=LIMIT_MAKER&belowPrice=80",
        -1168,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=LIMIT&aboveTimeInForce=GTC&abovePrice=120&belowType=STOP_LOSS&belowStopPrice=80",
        -1158,
    ),
    (
        "orderList/oco",
        "symbol=ABCUSDT&quantity=1&side=SELL",
        "&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS_LIMIT&belowStopPrice=80&belowPrice=79&belowTimeInForce=IOC&belowIcebergQty=1",
        -1160,
    ),
    (
        "orderList/oco",
        "symbol=NOPE&quantity=1&side=SELL",
        "&aboveType=LIMIT_MAKER&abovePrice=120&belowType=STOP_LOSS&belowStopPrice=80",
        -1121,
    ),
    (
        "order/oco",
        "symbol=ABCUSDT&side=SELL&quantity=1&price=120&stopPrice=80",
        "",
        -2010,
    ),
    (
        "order/oco",
        "symbol=ABCUSDT&side=SELL&quantity=1&price=120&stopPrice=80",
        "&stopLimitPrice=79",
        -1102,
    ),
    (
        "order/oco",
        "symbol=ABCUSDT&side=SELL&quantity=1&price=120&stopPrice=80",
        "&stopLimitTimeInForce=GTC",
        -1106,
    ),
    (
        "orderList/oto",
        OTO,
        "&pendingType=MARKET&pendingSide=SELL&pendingQuantity=1",
        -2010,
    ),
    (
        "orderList/oto",
        OTO,
        "&pendingType=MARKET&pendingSide=SELL",
        -1102,
    ),
    (
        "orderList/oto",
        OTO,
        "&pendingType=LIMIT&pendingSide=SELL&pendingQuantity=1&pendingPrice=110",
        -1102,
    ),
    (
        "orderList/oto",
        OTO,
        "&pendingType=STOP_LOSS&pendingSide=SELL&pendingQuantity=1",
        -1102,
    ),
    (
        "orderList/oto",
        "symbol=ABCUSDT&workingType=MARKET&workingSide=BUY&workingQuantity=1",
        "&pendingType=MARKET&pendingSide=SELL&pendingQuantity=1",
        -1116,
    ),
    (
        "orderList/otoco",
        OTO,
        "&pendingSide=SELL&pendingQuantity=1&pendingAboveType=LIMIT_MAKER&pendingAbovePrice=120&pendingBelowType=STOP_LOSS&pendingBelowStopPrice=80",
        -2010,
    ),
    (
        "orderList/otoco",
        OTO,
        "&pendingSide=BUY&pendingQuantity=1&pendingAboveType=LIMIT_MAKER&pendingAbovePrice=120&pendingBelowType=STOP_LOSS&pendingBelowStopPrice=80",
        -1165,
    ),
    (
        "orderList/otoco",
        OTO,
        "&pendingSide=SELL&pendingQuantity=1&pendingAboveType=LIMIT_MAKER&pendingAbovePrice=120",
        -1102,
    ),
    (
        "orderList/opo",
        OTO,
        "&pendingType=MARKET&pendingSide=SELL",
        -2010,
    ),
    (
        "orderList/opo",
        OTO,
        "&pendingType=MARKET&pendingSide=BUY",
        -1223,
    ),
    (
        "orderList/opo",
        OTO,
        "&pendingType=MARKET&pendingSide=SELL&pendingQuantity=1",
        -1104,
    ),
    (
        "orderList/opo",
        "symbol=ABCUSDT&workingType=LIMIT_MAKER&workingSide=SELL&workingPrice=90&workingQuantity=1",
        "&pendingType=MARKET&pendingSide=SELL",
        -1222,
    ),
    (
        "orderList/opoco",
        OTO,
        "&pendingSide=SELL&pendingAboveType=LIMIT_MAKER&pendingAbovePrice=120&pendingBelowType=STOP_LOSS&pendingBelowStopPrice=80",
        -2010,
    ),
    (
        "sor/order",
        "symbol=ABCUSDT&side=BUY&quantity=1",
        "&type=MARKET",
        -2010,
    ),
    (
        "sor/order",
        "symbol=ABCUSDT&side=BUY&quantity=1",
        "&type=LIMIT&price=1",
        -1102,
    ),
    (
        "sor/order/test",
        "symbol=ABCUSDT&side=BUY&quantity=1",
        "&type=STOP_LOSS&stopPrice=1",
        -1104,
    ),
    (
        "sor/order/test",
        "symbol=ABCUSDT&side=BUY&quantity=1",
        "&type=MARKET&computeCommissionRates=true",
        -2010,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_checked_and_refused_by_markets_that_take_none() {
    let (venue, trader, _) = Venue::with_market().await;
    let before = venue.digest().await;
    for (path, begin, rest, code) in REFUSED {
        let reply = venue
            .signed(
                &trader,
                "POST",
                &format!("/api/v3/{path}"),
                &format!("{begin}{rest}"),
            )
            .await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, *code),
            "{path} {begin}{rest}: {reply:?}"
        );
    }
    assert_eq!(venue.digest().await, before);
    let counted = venue
        .good(&trader, "GET", "/api/v3/rateLimit/order", "")
        .await;
    assert_eq!(counted[0]["count"], 0, "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_lists_to_be_found() {
    let (venue, trader, _) = Venue::with_market().await;
    for path in ["/api/v3/openOrderList", "/api/v3/allOrderList"] {
        assert_eq!(
            venue.good(&trader, "GET", path, "").await,
            serde_json::json!([])
        );
    }
    for (verb, path, params, code) in [
        ("GET", "orderList", "", -1102),
        ("GET", "orderList", "orderListId=1", -2013),
        ("GET", "orderList", "origClientOrderId=x", -2013),
        ("GET", "allOrderList", "fromId=1&startTime=1", -1128),
        ("GET", "allOrderList", "startTime=1&endTime=86400002", -1127),
        ("DELETE", "orderList", "symbol=ABCUSDT", -1102),
        ("DELETE", "orderList", "symbol=ABCUSDT&orderListId=1", -2011),
        ("DELETE", "orderList", "symbol=NOPE&orderListId=1", -1121),
    ] {
        let reply = venue
            .signed(&trader, verb, &format!("/api/v3/{path}"), params)
            .await;
        assert_eq!(
            (reply.status, reply.code()),
            (400, code),
            "{verb} {path} {params}"
        );
    }
}
