//! Golden bytes: a little market whose clock the test owns answers each call with the same bytes for ever. One file per answer lies in `golden/`;
//! a change of a name, of an order or of a digit shows as a difference between two texts. Whoever means to change one runs the test with
//! `HIGHWATER_WRITE_GOLDEN=1` and reads what git says.

use std::path::PathBuf;

use crate::venue::{NOON, Trader, Venue};

const SECOND: i64 = 1_000_000;

struct Golden {
    venue: Venue,
    maker: Trader,
    taker: Trader,
    steps: i64,
    seen: Vec<String>,
    wrong: Vec<String>,
}

impl Golden {
    /// Each call is made a second after the one before.
    fn pass(&mut self) {
        self.steps += 1;
        self.venue
            .clock
            .set(NOON.plus_micros(self.steps * SECOND + 1));
    }

    fn compare(&mut self, name: &str, status: u16, body: &str) {
        assert!(!self.seen.contains(&name.to_owned()), "{name} twice");
        self.seen.push(name.to_owned());
        let path = folder().join(format!("{name}.json"));
        let told = format!("{status}\n{}\n", without_random_names(body));
        if std::env::var_os("HIGHWATER_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, &told).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        if told != golden {
            self.wrong
                .push(format!("{name}:\n  told   {told}  golden {golden}"));
        }
    }

    async fn public(&mut self, name: &str, target: &str) {
        self.pass();
        let reply = self.venue.get(&format!("/api/v3/{target}")).await;
        self.compare(name, reply.status, &reply.body);
    }

    async fn maker(&mut self, name: &str, verb: &str, path: &str, params: &str) {
        let trader = self.maker.clone();
        self.signed(&trader, name, (verb, path), params).await;
    }

    async fn taker(&mut self, name: &str, verb: &str, path: &str, params: &str) {
        let trader = self.taker.clone();
        self.signed(&trader, name, (verb, path), params).await;
    }

    async fn signed(
        &mut self,
        trader: &Trader,
        name: &str,
        (verb, path): (&str, &str),
        params: &str,
    ) {
        self.pass();
        let path = format!("/api/v3/{path}");
        let reply = self.venue.signed(trader, verb, &path, params).await;
        self.compare(name, reply.status, &reply.body);
    }
}

/// The exchange makes up the names of cancels that nobody named: 22 letters and digits.
fn without_random_names(body: &str) -> String {
    let is_random =
        |part: &&str| part.len() == 22 && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let parts = body
        .split('"')
        .map(|part| if is_random(&part) { "~" } else { part });
    parts.collect::<Vec<_>>().join("\"")
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/http/golden"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_its_bytes() {
    let (venue, maker, taker) = Venue::with_market().await;
    let mut golden = Golden {
        venue,
        maker,
        taker,
        steps: 0,
        seen: Vec::new(),
        wrong: Vec::new(),
    };
    orders(&mut golden).await;
    lists(&mut golden).await;
    records(&mut golden).await;
    market(&mut golden).await;
    refusals(&mut golden).await;
    let wrong = &golden.wrong;
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let mut files: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut seen: Vec<String> = golden.seen.iter().map(|n| format!("{n}.json")).collect();
    seen.sort();
    assert_eq!(files, seen, "a file for each answer and no other");
}

const SELL: &str = "symbol=ABCUSDT&side=SELL&type=LIMIT&timeInForce=GTC";
const BUY: &str = "symbol=ABCUSDT&side=BUY&type=LIMIT&timeInForce=GTC";

async fn orders(golden: &mut Golden) {
    let g = golden;
    let order = |base: &str, price: &str, qty: &str, id: &str, more: &str| {
        format!("{base}&price={price}&quantity={qty}&newClientOrderId={id}{more}")
    };
    g.maker(
        "order-ack",
        "POST",
        "order",
        &order(SELL, "10", "5", "s1", "&newOrderRespType=ACK"),
    )
    .await;
    g.maker(
        "order-result",
        "POST",
        "order",
        &order(SELL, "11", "5", "s2", "&newOrderRespType=RESULT"),
    )
    .await;
    g.maker(
        "order-iceberg",
        "POST",
        "order",
        &order(
            SELL,
            "12",
            "10",
            "s3",
            "&icebergQty=2&strategyId=7&strategyType=1000001",
        ),
    )
    .await;
    g.taker(
        "order-full",
        "POST",
        "order",
        &order(BUY, "11", "6.5", "b1", "&newOrderRespType=FULL"),
    )
    .await;
    g.taker(
        "order-market",
        "POST",
        "order",
        "symbol=ABCUSDT&side=BUY&type=MARKET&quoteOrderQty=11&newClientOrderId=b2",
    )
    .await;
    g.taker("order-stop", "POST", "order", "symbol=ABCUSDT&side=BUY&type=STOP_LOSS_LIMIT&timeInForce=GTC&quantity=1&price=20&stopPrice=19&newClientOrderId=b3").await;
    g.maker(
        "order-expired-in-match",
        "POST",
        "order",
        &order(
            BUY,
            "11",
            "1",
            "s4",
            "&selfTradePreventionMode=EXPIRE_TAKER",
        ),
    )
    .await;
    g.taker(
        "order-test",
        "POST",
        "order/test",
        &order(BUY, "9", "1", "t1", ""),
    )
    .await;
    g.taker(
        "order-test-commission",
        "POST",
        "order/test",
        &order(BUY, "9", "1", "t2", "&computeCommissionRates=true"),
    )
    .await;
    g.maker(
        "order-amend",
        "PUT",
        "order/amend/keepPriority",
        "symbol=ABCUSDT&origClientOrderId=s3&newClientOrderId=s5&newQty=8",
    )
    .await;
    g.maker(
        "order-amendments",
        "GET",
        "order/amendments",
        "symbol=ABCUSDT&orderId=3",
    )
    .await;
    g.maker(
        "order-status",
        "GET",
        "order",
        "symbol=ABCUSDT&origClientOrderId=s2",
    )
    .await;
    g.taker("open-orders", "GET", "openOrders", "symbol=ABCUSDT")
        .await;
    g.taker("order-cancel-replace", "POST", "order/cancelReplace", &order(BUY, "8", "2", "b4", "&cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=b3&cancelNewClientOrderId=c1")).await;
    g.taker(
        "order-cancel-replace-failed",
        "POST",
        "order/cancelReplace",
        &order(
            BUY,
            "8",
            "2",
            "b5",
            "&cancelReplaceMode=STOP_ON_FAILURE&cancelOrigClientOrderId=none",
        ),
    )
    .await;
    g.taker(
        "order-cancel",
        "DELETE",
        "order",
        "symbol=ABCUSDT&origClientOrderId=b4&newClientOrderId=c2",
    )
    .await;
}

async fn lists(golden: &mut Golden) {
    let g = golden;
    let oco = "symbol=ABCUSDT&side=SELL&quantity=1&aboveType=LIMIT_MAKER&abovePrice=15&aboveClientOrderId=up1&belowType=STOP_LOSS&belowStopPrice=5&belowClientOrderId=down1&listClientOrderId=oco1";
    g.maker("list-oco", "POST", "orderList/oco", oco).await;
    let oto = "symbol=ABCUSDT&workingType=LIMIT&workingTimeInForce=GTC&workingSide=BUY&workingPrice=7&workingQuantity=1&workingClientOrderId=w1&pendingType=LIMIT_MAKER&pendingSide=SELL&pendingPrice=14&pendingQuantity=1&pendingClientOrderId=p1&listClientOrderId=oto1";
    g.taker("list-oto", "POST", "orderList/oto", oto).await;
    g.maker("list-status", "GET", "orderList", "origClientOrderId=oco1")
        .await;
    g.maker("lists-open", "GET", "openOrderList", "").await;
    g.maker(
        "list-cancel",
        "DELETE",
        "orderList",
        "symbol=ABCUSDT&listClientOrderId=oco1&newClientOrderId=c3",
    )
    .await;
    g.maker("lists-all", "GET", "allOrderList", "").await;
}

async fn records(golden: &mut Golden) {
    let g = golden;
    g.maker("all-orders", "GET", "allOrders", "symbol=ABCUSDT")
        .await;
    g.taker("my-trades", "GET", "myTrades", "symbol=ABCUSDT")
        .await;
    g.maker(
        "prevented-matches",
        "GET",
        "myPreventedMatches",
        "symbol=ABCUSDT&preventedMatchId=1",
    )
    .await;
    g.maker("allocations", "GET", "myAllocations", "symbol=ABCUSDT")
        .await;
    g.taker("account", "GET", "account", "").await;
    g.taker(
        "account-omit-zero",
        "GET",
        "account",
        "omitZeroBalances=true",
    )
    .await;
    g.taker("commission", "GET", "account/commission", "symbol=ABCUSDT")
        .await;
    // of somebody whose orders nothing has been filled of: fills give back after the fact
    let idle = g.venue.trader().await;
    g.signed(&idle, "order-counts", ("GET", "rateLimit/order"), "")
        .await;
    g.taker("my-filters", "GET", "myFilters", "symbol=ABCUSDT")
        .await;
}

async fn market(golden: &mut Golden) {
    let g = golden;
    for (name, target) in [
        ("ping", "ping"),
        ("time", "time"),
        ("exchange-info", "exchangeInfo?symbol=ABCUSDT"),
        ("execution-rules", "executionRules?symbol=ABCUSDT"),
        ("depth", "depth?symbol=ABCUSDT"),
        ("trades", "trades?symbol=ABCUSDT"),
        ("historical-trades", "historicalTrades?symbol=ABCUSDT"),
        ("agg-trades", "aggTrades?symbol=ABCUSDT"),
        ("klines", "klines?symbol=ABCUSDT&interval=1m"),
        ("ui-klines", "uiKlines?symbol=ABCUSDT&interval=1h"),
        ("avg-price", "avgPrice?symbol=ABCUSDT"),
        ("ticker-24hr", "ticker/24hr?symbol=ABCUSDT"),
        ("ticker-24hr-mini", "ticker/24hr?symbol=ABCUSDT&type=MINI"),
        ("ticker-trading-day", "ticker/tradingDay?symbol=ABCUSDT"),
        ("ticker", "ticker?symbol=ABCUSDT&windowSize=1h"),
        ("ticker-price", "ticker/price?symbol=ABCUSDT"),
        ("ticker-prices", "ticker/price"),
        ("ticker-book", "ticker/bookTicker?symbol=ABCUSDT"),
    ] {
        g.public(name, target).await;
    }
}

async fn refusals(golden: &mut Golden) {
    let g = golden;
    g.public("refused-symbol", "depth?symbol=NOSUCH").await;
    g.public("refused-missing", "depth").await;
    g.maker(
        "refused-balance",
        "POST",
        "order",
        &format!("{SELL}&price=10&quantity=8000"),
    )
    .await;
    g.maker(
        "refused-filter",
        "POST",
        "order",
        &format!("{SELL}&price=10.001&quantity=8"),
    )
    .await;
    g.maker(
        "refused-unknown-order",
        "DELETE",
        "order",
        "symbol=ABCUSDT&orderId=999",
    )
    .await;
    g.taker("cancel-all", "DELETE", "openOrders", "symbol=ABCUSDT")
        .await;
}
