//! History by way of HTTP: every candle, ticker, average and aggregate is what the trades say, and every list is paged by one rule.

use serde_json::Value;

use crate::errors::encoded;
use crate::venue::{NOON, Trader, Venue};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const ONE: i128 = 100_000_000;

/// A text with eight decimals in units of the last one.
fn units(value: &Value) -> i128 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value}"));
    let (whole, part) = text.split_once('.').unwrap();
    assert_eq!(part.len(), 8, "{text}");
    let sign = if whole.starts_with('-') { -1 } else { 1 };
    let whole: i128 = whole.trim_start_matches('-').parse().unwrap();
    sign * (whole * ONE + part.parse::<i128>().unwrap())
}

fn ms(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value}"))
}

/// One public trade, with the order that took.
#[derive(Clone, Copy)]
struct Trade {
    id: i64,
    time: i64,
    price: i128,
    qty: i128,
    quote: i128,
    buyer_is_maker: bool,
    taker: i64,
}

struct Market {
    venue: Venue,
    ann: Trader,
    bob: Trader,
    trades: Vec<Trade>,
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

impl Market {
    /// Five days of trading, dense in places: orders that sweep several levels, and lists.
    async fn traded() -> Market {
        let (venue, ann, bob) = Venue::with_market().await;
        let mut dice = Dice(7);
        let mut now = NOON;
        for i in 0..90_u64 {
            let gap = match dice.roll(10) {
                0..=4 => dice.roll(900) as i64 * SECOND,
                5..=7 => dice.roll(50_000) as i64,
                8 => dice.roll(20) as i64 * HOUR,
                _ => 0,
            };
            now = now.plus_micros(gap * 1_000 + dice.roll(1_000) as i64);
            venue.clock.set(now);
            let (maker, taker) = if dice.roll(2) == 0 {
                (&ann, &bob)
            } else {
                (&bob, &ann)
            };
            let sells = dice.roll(2) == 0;
            let (side, other) = if sells {
                ("SELL", "BUY")
            } else {
                ("BUY", "SELL")
            };
            let base = 9_000 + dice.roll(2_000);
            let mut total = 0;
            for level in 0..=dice.roll(3) {
                let cents = if sells {
                    base + level / 2 * 5
                } else {
                    base - level / 2 * 5
                };
                let milli = 100 + dice.roll(900);
                total += milli;
                let params = format!(
                    "symbol=ABCUSDT&side={side}&type=LIMIT&timeInForce=GTC&quantity=0.{milli:03}&price={}.{:02}",
                    cents / 100,
                    cents % 100
                );
                venue.good(maker, "POST", "/api/v3/order", &params).await;
            }
            let params = format!(
                "symbol=ABCUSDT&side={other}&type=MARKET&quantity={}.{:03}",
                total / 1_000,
                total % 1_000
            );
            venue.good(taker, "POST", "/api/v3/order", &params).await;
            if i % 10 == 7 {
                let oco = "symbol=ABCUSDT&quantity=0.5&side=SELL&aboveType=LIMIT_MAKER&abovePrice=900&belowType=STOP_LOSS&belowStopPrice=40";
                let list = venue
                    .good(maker, "POST", "/api/v3/orderList/oco", oco)
                    .await;
                let cancel = format!("symbol=ABCUSDT&orderListId={}", list["orderListId"]);
                venue
                    .good(maker, "DELETE", "/api/v3/orderList", &cancel)
                    .await;
            }
        }
        venue.clock.set(now.plus_micros(40 * SECOND * 1_000));
        assert!(venue.context.views.settle());
        let mut market = Market {
            venue,
            ann,
            bob,
            trades: Vec::new(),
        };
        market.trades = market.all_trades().await;
        market
    }

    async fn get(&self, path: &str, params: &str) -> Value {
        let reply = self
            .venue
            .get(&format!("/api/v3/{path}?symbol=ABCUSDT&{params}"))
            .await;
        assert_eq!(reply.status, 200, "{path} {params}: {reply:?}");
        reply.json()
    }

    async fn list(&self, path: &str, params: &str) -> Vec<Value> {
        self.get(path, params).await.as_array().unwrap().clone()
    }

    async fn own(&self, who: &Trader, path: &str, params: &str) -> Vec<Value> {
        let path = format!("/api/v3/{path}");
        let list = self.venue.good(who, "GET", &path, params).await;
        list.as_array().unwrap().clone()
    }

    /// The public trades; which order took is known from the traders' own lists.
    async fn all_trades(&self) -> Vec<Trade> {
        let mut takers = std::collections::BTreeMap::new();
        for who in [&self.ann, &self.bob] {
            for fill in self
                .own(who, "myTrades", "symbol=ABCUSDT&fromId=0&limit=1000")
                .await
            {
                if fill["isMaker"] == false {
                    takers.insert(ms(&fill["id"]), ms(&fill["orderId"]));
                }
            }
        }
        let told = self.list("historicalTrades", "fromId=0&limit=1000").await;
        let trades: Vec<Trade> = told
            .iter()
            .map(|t| Trade {
                id: ms(&t["id"]),
                time: ms(&t["time"]),
                price: units(&t["price"]),
                qty: units(&t["qty"]),
                quote: units(&t["quoteQty"]),
                buyer_is_maker: t["isBuyerMaker"].as_bool().unwrap(),
                taker: takers[&ms(&t["id"])],
            })
            .collect();
        assert!(
            trades.len() > 150 && trades.len() < 1_000,
            "{}",
            trades.len()
        );
        for (i, t) in trades.iter().enumerate() {
            assert_eq!(t.id, i as i64 + 1);
            assert_eq!(t.quote, t.price * t.qty / ONE);
        }
        trades
    }
}

/// What a span of trades adds up to.
#[derive(PartialEq, Debug)]
struct Sum {
    open: i128,
    high: i128,
    low: i128,
    close: i128,
    volume: i128,
    quote: i128,
    count: i64,
    bought: i128,
    bought_quote: i128,
}

/// Of the trades from `from` to `to`, both included; of none, the price before.
fn sum(trades: &[Trade], from: i64, to: i64) -> Sum {
    let inside: Vec<&Trade> = trades
        .iter()
        .filter(|t| t.time >= from && t.time <= to)
        .collect();
    let before = trades
        .iter()
        .rev()
        .find(|t| t.time < from)
        .map_or(0, |t| t.price);
    let bought = || inside.iter().filter(|t| !t.buyer_is_maker);
    Sum {
        open: inside.first().map_or(before, |t| t.price),
        high: inside.iter().map(|t| t.price).max().unwrap_or(before),
        low: inside.iter().map(|t| t.price).min().unwrap_or(before),
        close: inside.last().map_or(before, |t| t.price),
        volume: inside.iter().map(|t| t.qty).sum(),
        quote: inside.iter().map(|t| t.quote).sum(),
        count: inside.len() as i64,
        bought: bought().map(|t| t.qty).sum(),
        bought_quote: bought().map(|t| t.quote).sum(),
    }
}

fn of_candle(k: &Value) -> Sum {
    Sum {
        open: units(&k[1]),
        high: units(&k[2]),
        low: units(&k[3]),
        close: units(&k[4]),
        volume: units(&k[5]),
        quote: units(&k[7]),
        count: ms(&k[8]),
        bought: units(&k[9]),
        bought_quote: units(&k[10]),
    }
}

/// Year and month of a day since 1970.
fn month_of(mut day: i64) -> (i64, i64, i64) {
    let leap = |y: i64| (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    let mut year = 1970;
    while day >= 365 + i64::from(leap(year)) {
        day -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + i64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    for (month, length) in lengths.into_iter().enumerate() {
        if day < length {
            return (year, month as i64 + 1, day + 1);
        }
        day -= length;
    }
    unreachable!()
}

/// Whether a candle of this interval may begin at this local time, and when it ends.
fn span(interval: &str, open: i64) -> Option<i64> {
    let width = match interval {
        "1M" => {
            let (_, _, date) = month_of(open / DAY);
            let next = (open / DAY + 1..)
                .find(|day| month_of(*day).2 == 1)
                .unwrap();
            return (open % DAY == 0 && date == 1).then_some(next * DAY);
        }
        // weeks begin on Mondays; 1970 began on a Thursday
        "1w" => return ((open + 3 * DAY) % (7 * DAY) == 0).then_some(open + 7 * DAY),
        "1s" => SECOND,
        text => {
            let (number, unit) = text.split_at(text.len() - 1);
            let unit = match unit {
                "m" => MINUTE,
                "h" => HOUR,
                _ => DAY,
            };
            number.parse::<i64>().unwrap() * unit
        }
    };
    (open % width == 0).then_some(open + width)
}

const INTERVALS: [&str; 16] = [
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w",
    "1M",
];

#[tokio::test(flavor = "multi_thread")]
async fn candles_are_what_the_trades_say_in_every_zone() {
    let market = Market::traded().await;
    let now = market.venue.now_ms();
    for interval in INTERVALS {
        for (zone, offset) in [
            ("", 0),
            ("8", 8 * HOUR),
            ("-12:00", -12 * HOUR),
            ("05:45", 5 * HOUR + 45 * MINUTE),
            ("14:00", 14 * HOUR),
        ] {
            let zone = match zone {
                "" => String::new(),
                zone => format!("&timeZone={}", encoded(zone)),
            };
            let params = format!("interval={interval}{zone}&limit=1000");
            let candles = market.list("klines", &params).await;
            assert_eq!(candles, market.list("uiKlines", &params).await);
            assert!(!candles.is_empty());
            let mut next = None;
            for k in &candles {
                let label = format!("{interval}{zone}: {k}");
                let (open, close) = (ms(&k[0]), ms(&k[6]));
                assert_eq!(
                    span(interval, open + offset),
                    Some(close + 1 + offset),
                    "{label}"
                );
                assert!(next.is_none_or(|next| next == open), "a gap: {label}");
                next = Some(close + 1);
                assert_eq!(of_candle(k), sum(&market.trades, open, close), "{label}");
                assert_eq!(k[11], "0");
            }
            let last = candles.last().unwrap();
            assert!(
                ms(&last[0]) <= now && now <= ms(&last[6]),
                "{interval}{zone}: {last} at {now}"
            );
            let first = market.trades[0].time;
            assert!(
                candles.len() == 1000 || ms(&candles[0][0]) <= first,
                "{interval}{zone}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tickers_and_averages_are_what_the_trades_say() {
    let market = Market::traded().await;
    let now = market.venue.now_ms();
    let trades = &market.trades;
    let last = trades.last().unwrap();
    let mut windows = vec![(
        "ticker/24hr".to_owned(),
        "",
        now - DAY,
        now,
        (now - DAY) / SECOND * SECOND,
    )];
    for (size, width) in [
        ("", DAY),
        ("1m", MINUTE),
        ("59m", 59 * MINUTE),
        ("1h", HOUR),
        ("23h", 23 * HOUR),
        ("1d", DAY),
        ("7d", 7 * DAY),
    ] {
        let from = (now - width) / MINUTE * MINUTE;
        let more = if size.is_empty() {
            String::new()
        } else {
            format!("windowSize={size}")
        };
        windows.push((
            "ticker".to_owned(),
            Box::leak(more.into_boxed_str()),
            from,
            now,
            from,
        ));
    }
    for (zone, offset) in [
        ("", 0),
        ("8", 8 * HOUR),
        ("-1:00", -HOUR),
        ("05:45", 5 * HOUR + 45 * MINUTE),
    ] {
        let from = (now + offset).div_euclid(DAY) * DAY - offset;
        let more = if zone.is_empty() {
            String::new()
        } else {
            format!("timeZone={}", encoded(zone))
        };
        windows.push((
            "ticker/tradingDay".to_owned(),
            Box::leak(more.into_boxed_str()),
            from,
            from + DAY - 1,
            from,
        ));
    }
    for (path, more, open, close, from) in windows {
        let told = market.get(&path, more).await;
        let label = format!("{path} {more}: {told}");
        let known = sum(trades, from, i64::MAX);
        let inside: Vec<&Trade> = trades.iter().filter(|t| t.time >= from).collect();
        assert_eq!(
            (ms(&told["openTime"]), ms(&told["closeTime"])),
            (open, close),
            "{label}"
        );
        let prices = [
            &told["openPrice"],
            &told["highPrice"],
            &told["lowPrice"],
            &told["lastPrice"],
        ]
        .map(units);
        assert_eq!(
            prices,
            [known.open, known.high, known.low, known.close],
            "{label}"
        );
        assert_eq!(
            (units(&told["volume"]), units(&told["quoteVolume"])),
            (known.volume, known.quote),
            "{label}"
        );
        assert_eq!(ms(&told["count"]), known.count, "{label}");
        let ids = (
            inside.first().map_or(-1, |t| t.id),
            inside.last().map_or(-1, |t| t.id),
        );
        assert_eq!((ms(&told["firstId"]), ms(&told["lastId"])), ids, "{label}");
        let change = known.close - known.open;
        assert_eq!(units(&told["priceChange"]), change, "{label}");
        let average = if known.volume == 0 {
            0
        } else {
            known.quote * ONE / known.volume
        };
        assert_eq!(units(&told["weightedAvgPrice"]), average, "{label}");
        let percent: f64 = told["priceChangePercent"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let exact = change as f64 * 100.0 / known.open as f64;
        assert!((percent - exact).abs() < 0.001, "{label}");
        let mini = market.get(&path, &format!("{more}&type=MINI")).await;
        for (name, value) in mini.as_object().unwrap() {
            assert_eq!(value, &told[name], "{name} of {mini}");
        }
        assert!(mini.get("priceChange").is_none(), "{mini}");
    }
    let day = market.get("ticker/24hr", "").await;
    assert_eq!(units(&day["lastQty"]), last.qty);
    let from = (now - DAY) / SECOND * SECOND;
    let before = trades.iter().rev().find(|t| t.time < from).unwrap();
    assert_eq!(units(&day["prevClosePrice"]), before.price);
    assert_eq!(
        units(&market.get("ticker/price", "").await["price"]),
        last.price
    );

    let average = market.get("avgPrice", "").await;
    let from = now / SECOND * SECOND - 5 * MINUTE;
    let known = sum(trades, from, i64::MAX);
    assert_eq!(
        (ms(&average["mins"]), ms(&average["closeTime"])),
        (5, last.time)
    );
    assert_eq!(units(&average["price"]), known.quote * ONE / known.volume);
}

/// One aggregate: id, price, quantity, first and last trade, time, whether the buyer rested.
type Aggregate = (i64, i128, i128, i64, i64, i64, bool);

/// The trades of one taker's order at one price.
fn aggregates(trades: &[Trade]) -> Vec<Aggregate> {
    let mut all: Vec<(Aggregate, i64)> = Vec::new();
    for t in trades {
        match all.last_mut() {
            Some((a, taker)) if *taker == t.taker && a.1 == t.price => {
                a.2 += t.qty;
                a.4 = t.id;
            }
            _ => {
                let id = all.len() as i64 + 1;
                all.push((
                    (id, t.price, t.qty, t.id, t.id, t.time, t.buyer_is_maker),
                    t.taker,
                ));
            }
        }
    }
    all.into_iter().map(|(aggregate, _)| aggregate).collect()
}

fn told_aggregate(a: &Value) -> Aggregate {
    assert_eq!(a["M"], true);
    (
        ms(&a["a"]),
        units(&a["p"]),
        units(&a["q"]),
        ms(&a["f"]),
        ms(&a["l"]),
        ms(&a["T"]),
        a["m"].as_bool().unwrap(),
    )
}

/// One rule for every list: without a beginning the newest, with one the oldest from there on; ascending.
fn page<T: Clone>(
    all: &[T],
    time: impl Fn(&T) -> i64,
    bounds: (Option<i64>, Option<i64>),
    limit: usize,
) -> Vec<T> {
    let (start, end) = bounds;
    let mut inside: Vec<T> = all
        .iter()
        .filter(|row| start.is_none_or(|s| time(row) >= s) && end.is_none_or(|e| time(row) <= e))
        .cloned()
        .collect();
    match start {
        Some(_) => inside.truncate(limit),
        None => drop(inside.drain(..inside.len().saturating_sub(limit))),
    }
    inside
}

/// Bounds to ask for: none, one, both, in milliseconds and in microseconds, around real moments.
fn bounds(times: &[i64], widest: i64) -> Vec<(Option<i64>, Option<i64>)> {
    let at = |share: usize| times[(times.len() - 1) * share / 10];
    let mut all = vec![(None, None)];
    for share in [0, 3, 5, 10] {
        for moment in [at(share), at(share) + 1] {
            all.extend([
                (Some(moment), None),
                (None, Some(moment)),
                (Some(moment), Some(moment)),
            ]);
            all.push((Some(moment), Some(moment + widest)));
        }
    }
    all.push((Some(0), None));
    all.push((None, Some(0)));
    all
}

fn span_params((start, end): (Option<i64>, Option<i64>)) -> String {
    let mut text = String::new();
    for (name, moment) in [("startTime", start), ("endTime", end)] {
        if let Some(moment) = moment {
            text += &format!("&{name}={moment}");
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn public_lists_are_paged_by_one_rule() {
    let market = Market::traded().await;
    let trades = &market.trades;
    let all = aggregates(trades);
    assert!(all.len() < trades.len());
    let told: Vec<Aggregate> = market
        .list("aggTrades", "fromId=0&limit=1000")
        .await
        .iter()
        .map(told_aggregate)
        .collect();
    assert_eq!(told, all);
    let times: Vec<i64> = all.iter().map(|a| a.5).collect();
    for limit in [1, 7, 1000] {
        for bounds in bounds(&times, 2 * HOUR) {
            let params = format!("limit={limit}{}", span_params(bounds));
            let told: Vec<Aggregate> = market
                .list("aggTrades", &params)
                .await
                .iter()
                .map(told_aggregate)
                .collect();
            assert_eq!(told, page(&all, |a| a.5, bounds, limit), "{params}");
        }
        for from in [1, 40, all.len() as i64, 5_000] {
            let params = format!("fromId={from}&limit={limit}");
            let told: Vec<Aggregate> = market
                .list("aggTrades", &params)
                .await
                .iter()
                .map(told_aggregate)
                .collect();
            assert_eq!(
                told,
                page(&all, |a| a.0, (Some(from), None), limit),
                "{params}"
            );
            let ids = |list: Vec<Value>| list.iter().map(|t| ms(&t["id"])).collect::<Vec<_>>();
            let told = ids(market.list("historicalTrades", &params).await);
            let known: Vec<i64> = trades.iter().map(|t| t.id).collect();
            assert_eq!(
                told,
                page(&known, |id| *id, (Some(from), None), limit),
                "{params}"
            );
            let newest = page(&known, |id| *id, (None, None), limit);
            for path in ["trades", "historicalTrades"] {
                assert_eq!(
                    ids(market.list(path, &format!("limit={limit}")).await),
                    newest,
                    "{path}"
                );
            }
        }
    }
    assert_eq!(
        market.list("trades", "limit=5000").await.len(),
        trades.len().min(1_000)
    );
    assert_eq!(market.list("trades", "").await.len(), trades.len().min(500));
    // candles by their open times
    for interval in ["1m", "1h", "1d"] {
        let mut every = Vec::new();
        let mut start = trades[0].time / DAY * DAY;
        loop {
            let params = format!("interval={interval}&startTime={start}&limit=1000");
            let more = market.list("klines", &params).await;
            let Some(last) = more.last() else { break };
            start = ms(&last[6]) + 1;
            every.extend(more);
        }
        let times: Vec<i64> = every.iter().map(|k| ms(&k[0])).collect();
        for limit in [1, 9, 400] {
            for bounds in bounds(&times, 6 * HOUR) {
                if bounds.0 == Some(0) {
                    continue;
                }
                let params = format!("interval={interval}&limit={limit}{}", span_params(bounds));
                assert_eq!(
                    market.list("klines", &params).await,
                    page(&every, |k| ms(&k[0]), bounds, limit),
                    "{params}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_lists_are_paged_by_one_rule() {
    let market = Market::traded().await;
    for who in [&market.ann, &market.bob] {
        for (path, time, id, by_id) in [
            ("allOrders", "time", "orderId", "orderId"),
            ("myTrades", "time", "id", "fromId"),
            ("allOrderList", "transactionTime", "orderListId", "fromId"),
        ] {
            let symbol = if path == "allOrderList" {
                ""
            } else {
                "symbol=ABCUSDT&"
            };
            let all = market
                .own(who, path, &format!("{symbol}{by_id}=0&limit=1000"))
                .await;
            assert!(all.len() > 1 && all.len() < 1_000, "{path}: {}", all.len());
            assert!(all.is_sorted_by_key(|row| ms(&row[id])), "{path}");
            let times: Vec<i64> = all.iter().map(|row| ms(&row[time])).collect();
            for limit in [1, 5, 1_000] {
                for bounds in bounds(&times, DAY) {
                    let params = format!("{symbol}limit={limit}{}", span_params(bounds));
                    let told = market.own(who, path, &params).await;
                    assert_eq!(
                        told,
                        page(&all, |row| ms(&row[time]), bounds, limit),
                        "{path} {params}"
                    );
                }
                for from in [
                    0,
                    ms(&all[all.len() / 2][id]),
                    ms(&all[0][id]) + 1,
                    i64::MAX,
                ] {
                    let params = format!("{symbol}limit={limit}&{by_id}={from}");
                    let told = market.own(who, path, &params).await;
                    assert_eq!(
                        told,
                        page(&all, |row| ms(&row[id]), (Some(from), None), limit),
                        "{path} {params}"
                    );
                }
            }
        }
        // the fills of one order, whole and from one of them on
        let fills = market
            .own(who, "myTrades", "symbol=ABCUSDT&fromId=0&limit=1000")
            .await;
        for fill in fills.iter().step_by(9) {
            let order = ms(&fill["orderId"]);
            let of_order: Vec<Value> = fills
                .iter()
                .filter(|f| f["orderId"] == fill["orderId"])
                .cloned()
                .collect();
            let params = format!("symbol=ABCUSDT&orderId={order}");
            assert_eq!(market.own(who, "myTrades", &params).await, of_order);
            let from = ms(&fill["id"]);
            let rest: Vec<Value> = of_order
                .iter()
                .filter(|f| ms(&f["id"]) >= from)
                .cloned()
                .collect();
            let params = format!("{params}&fromId={from}");
            assert_eq!(market.own(who, "myTrades", &params).await, rest);
        }
    }
}
