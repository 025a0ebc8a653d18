//! Tickers and average prices: asked of views once a second, told when they changed. Reference prices: told once a second.

use std::collections::{BTreeMap, HashMap};

use kit::Json;
use types::{Decimal, InstrumentId, Time, format_atoms};
use views::{AvgPrice, Ticker, Views, Window};

use crate::candle::id;
use crate::encode::Head;
use crate::hub::{Hub, TopicId};
use crate::market::Market;
use crate::topic::{Kind, Rolling};

/// What a stream told last.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub enum Sent {
    #[default]
    Nothing,
    Ticker(Ticker),
    AvgPrice(AvgPrice),
}

/// Writes one frame.
type Write<'a> = Box<dyn Fn(&mut Json) + 'a>;

impl Sent {
    /// How to write the next frame, if there is something new to tell.
    pub fn next<'a>(
        &mut self,
        views: &Views,
        instrument: InstrumentId,
        kind: Kind,
        head: &'a Head<'a>,
        quote_precision: u8,
    ) -> Option<Write<'a>> {
        if kind == Kind::AvgPrice {
            let avg = views.avg_price(instrument)?;
            return self.replace(Sent::AvgPrice(avg)).then(|| {
                let write = move |json: &mut Json| avg_price(json, head, &avg);
                Box::new(write) as Write<'a>
            });
        }
        if kind == Kind::ReferencePrice {
            let reference = views.reference(instrument)?;
            let (price, valid) = (reference.at(head.now), reference.valid_at(head.now));
            // told every second, changed or not
            return Some(Box::new(move |json: &mut Json| {
                reference_price(json, head, price, valid);
            }));
        }
        let ticker = views.ticker(instrument, window_of(kind))?;
        self.replace(Sent::Ticker(timeless(ticker))).then(|| {
            let write =
                move |json: &mut Json| write_ticker(json, head, kind, &ticker, quote_precision);
            Box::new(write) as Write<'a>
        })
    }

    /// Remembers what is told now; whether it is news.
    fn replace(&mut self, next: Sent) -> bool {
        let news = *self != next;
        *self = next;
        news
    }
}

/// A stream of all markets.
#[derive(Debug)]
pub struct Everywhere {
    pub topic: TopicId,
    kind: Kind,
    sent: HashMap<InstrumentId, Sent>,
}

impl Everywhere {
    /// `None` for a stream that stays silent.
    #[must_use]
    pub fn of(topic: TopicId, kind: Kind) -> Option<Everywhere> {
        let kind = match kind {
            Kind::AllMiniTickers => Kind::MiniTicker,
            Kind::AllRolling(window) => Kind::Rolling(window),
            _ => return None,
        };
        let sent = HashMap::new();
        Some(Everywhere { topic, kind, sent })
    }

    /// Somebody new listens: the next frame tells of all markets.
    pub fn refresh(&mut self) {
        self.sent.clear();
    }

    /// Tells of the markets that changed, in one frame.
    pub fn tell(
        &mut self,
        hub: &Hub,
        views: &Views,
        markets: &BTreeMap<InstrumentId, Market>,
        now: Time,
    ) {
        let heads: Vec<(&Market, Head<'_>)> = markets
            .values()
            .map(|market| {
                let head = Head {
                    symbol: &market.symbol,
                    now,
                };
                (market, head)
            })
            .collect();
        let mut writes = Vec::new();
        for (market, head) in &heads {
            let sent = self.sent.entry(market.id).or_default();
            writes.extend(sent.next(views, market.id, self.kind, head, market.quote_precision));
        }
        if !writes.is_empty() {
            hub.send(self.topic, |json| {
                json.begin_array();
                for write in &writes {
                    write(json);
                }
                json.end_array();
            });
        }
    }
}

fn window_of(kind: Kind) -> Window {
    match kind {
        Kind::Rolling(window) => Window::Rolling(window.minutes()),
        _ => Window::Last24h,
    }
}

fn reference_price(json: &mut Json, head: &Head<'_>, price: Option<Decimal>, valid: Time) {
    json.begin()
        .str("e", "referencePrice")
        .str("s", head.symbol);
    match price {
        Some(price) => json.dec("r", price),
        None => json.null("r"),
    };
    json.time("t", valid).end();
}

/// The window moves on every second; that alone is no news.
fn timeless(ticker: Ticker) -> Ticker {
    Ticker {
        open_time: Time(0),
        close_time: Time(0),
        ..ticker
    }
}

fn write_ticker(
    json: &mut Json,
    head: &Head<'_>,
    kind: Kind,
    ticker: &Ticker,
    quote_precision: u8,
) {
    match kind {
        Kind::MiniTicker => mini_ticker(json, head, ticker, quote_precision),
        Kind::Rolling(window) => rolling_ticker(json, head, window, ticker, quote_precision),
        _ => full_ticker(json, head, ticker, quote_precision),
    }
}

fn open<'a>(json: &'a mut Json, head: &Head<'_>, event: &str) -> &'a mut Json {
    json.begin()
        .str("e", event)
        .time("E", head.now)
        .str("s", head.symbol)
}

fn mini_ticker(json: &mut Json, head: &Head<'_>, ticker: &Ticker, quote_precision: u8) {
    open(json, head, "24hrMiniTicker");
    json.dec("c", ticker.last_price).dec("o", ticker.open);
    json.dec("h", ticker.high).dec("l", ticker.low);
    json.amount("v", ticker.volume, 8);
    json.amount("q", ticker.quote_volume, quote_precision).end();
}

fn full_ticker(json: &mut Json, head: &Head<'_>, ticker: &Ticker, quote_precision: u8) {
    open(json, head, "24hrTicker");
    change(json, ticker);
    json.dec("w", ticker.weighted_avg_price);
    json.dec("x", ticker.prev_close);
    json.dec("c", ticker.last_price).dec("Q", ticker.last_qty);
    let none = (Decimal::ZERO, Decimal::ZERO);
    let (bid, ask) = (ticker.bid.unwrap_or(none), ticker.ask.unwrap_or(none));
    json.dec("b", bid.0).dec("B", bid.1);
    json.dec("a", ask.0).dec("A", ask.1);
    json.dec("o", ticker.open);
    json.dec("h", ticker.high).dec("l", ticker.low);
    json.amount("v", ticker.volume, 8);
    json.amount("q", ticker.quote_volume, quote_precision);
    close(json, ticker);
}

fn rolling_ticker(
    json: &mut Json,
    head: &Head<'_>,
    window: Rolling,
    ticker: &Ticker,
    quote_precision: u8,
) {
    open(json, head, window.event());
    change(json, ticker);
    json.dec("o", ticker.open);
    json.dec("h", ticker.high).dec("l", ticker.low);
    json.dec("c", ticker.last_price);
    json.dec("w", ticker.weighted_avg_price);
    json.amount("v", ticker.volume, 8);
    json.amount("q", ticker.quote_volume, quote_precision);
    close(json, ticker);
}

fn change(json: &mut Json, ticker: &Ticker) {
    json.dec("p", ticker.price_change);
    let percent = format_atoms(i128::from(ticker.price_change_milli_percent), 3);
    json.str("P", percent.as_str());
}

fn close(json: &mut Json, ticker: &Ticker) {
    json.time("O", ticker.open_time);
    json.time("C", ticker.close_time);
    id(json, "F", ticker.first_trade);
    id(json, "L", ticker.last_trade);
    json.num("n", ticker.trades).end();
}

fn avg_price(json: &mut Json, head: &Head<'_>, avg: &AvgPrice) {
    open(json, head, "avgPrice");
    json.str("i", &format!("{}m", avg.mins));
    json.dec("w", avg.price).time("T", avg.close_time).end();
}

#[cfg(test)]
mod tests {
    use kit::TimeUnit;
    use types::{Amount, TradeId};

    use super::*;

    const HEAD: Head<'static> = Head {
        symbol: "BNBBTC",
        now: Time(1_672_515_782_136_000),
    };

    fn ticker() -> Ticker {
        Ticker {
            open_time: Time(0),
            close_time: Time(86_400_000_000),
            price_change: Decimal(-150_000),
            price_change_milli_percent: -60_000,
            weighted_avg_price: Decimal(180_000),
            prev_close: Decimal(90_000),
            last_price: Decimal(100_000),
            last_qty: Decimal(1_000_000_000),
            bid: Some((Decimal(240_000), Decimal(1_000_000_000))),
            ask: None,
            open: Decimal(250_000),
            high: Decimal(250_000),
            low: Decimal(100_000),
            volume: Amount(1_000_000_000_000),
            quote_volume: Amount(1_800_000_000),
            first_trade: Some(TradeId(1)),
            last_trade: Some(TradeId(18_151)),
            trades: 18_151,
        }
    }

    fn text(kind: Kind) -> String {
        let mut json = Json::new(TimeUnit::Millis);
        write_ticker(&mut json, &HEAD, kind, &ticker(), 8);
        String::from_utf8(json.finish()).unwrap()
    }

    #[test]
    fn tickers() {
        assert_eq!(
            text(Kind::MiniTicker),
            r#"{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.00100000","o":"0.00250000","h":"0.00250000","l":"0.00100000","v":"10000.00000000","q":"18.00000000"}"#
        );
        assert_eq!(
            text(Kind::Ticker),
            concat!(
                r#"{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"-0.00150000","P":"-60.000","w":"0.00180000","x":"0.00090000","#,
                r#""c":"0.00100000","Q":"10.00000000","b":"0.00240000","B":"10.00000000","a":"0.00000000","A":"0.00000000","#,
                r#""o":"0.00250000","h":"0.00250000","l":"0.00100000","v":"10000.00000000","q":"18.00000000","O":0,"C":86400000,"F":1,"L":18151,"n":18151}"#
            )
        );
        assert_eq!(
            text(Kind::Rolling(Rolling::H1)),
            concat!(
                r#"{"e":"1hTicker","E":1672515782136,"s":"BNBBTC","p":"-0.00150000","P":"-60.000","o":"0.00250000","h":"0.00250000","l":"0.00100000","#,
                r#""c":"0.00100000","w":"0.00180000","v":"10000.00000000","q":"18.00000000","O":0,"C":86400000,"F":1,"L":18151,"n":18151}"#
            )
        );
    }

    #[test]
    fn average_price() {
        let mut json = Json::new(TimeUnit::Millis);
        let avg = AvgPrice {
            mins: 5,
            price: Decimal(2_577_686_000_000),
            close_time: Time(1_672_515_782_000_000),
        };
        avg_price(&mut json, &HEAD, &avg);
        assert_eq!(
            String::from_utf8(json.finish()).unwrap(),
            r#"{"e":"avgPrice","E":1672515782136,"s":"BNBBTC","i":"5m","w":"25776.86000000","T":1672515782000}"#
        );
    }

    #[test]
    fn a_moving_window_alone_is_no_news() {
        let mut sent = Sent::default();
        assert!(sent.replace(Sent::Ticker(timeless(ticker()))));
        let later = Ticker {
            close_time: Time(86_401_000_000),
            ..ticker()
        };
        assert!(!sent.replace(Sent::Ticker(timeless(later))));
    }
}
