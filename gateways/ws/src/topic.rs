//! Stream names: `btcusdt@kline_1m@+08:00` and what they ask for.

use views::Interval;

/// What one stream carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Trade,
    AggTrade,
    BookTicker,
    /// Every change of the book, gathered over the period.
    Depth(Speed),
    /// The best levels, whole, once per period.
    Partial(u8, Speed),
    Kline(Interval, Offset),
    Ticker,
    MiniTicker,
    Rolling(Rolling),
    AvgPrice,
    ReferencePrice,
    BlockTrade,
    AllMiniTickers,
    AllRolling(Rolling),
    /// Known to the API, and silent here: nothing happens that it could tell.
    Silent,
    /// The four streams in SBE: the trades of one order together, the touch, every change of the book, its twenty best levels.
    BinaryTrades,
    BestBidAsk,
    BinaryDepth,
    BinaryPartial,
}

/// How often a diff and a partial depth stream in SBE speak, in microseconds.
pub const BINARY_DEPTH_US: i64 = 20_000;
pub const BINARY_PARTIAL_US: i64 = 50_000;
/// The levels of a side in a partial depth stream in SBE.
pub const BINARY_PARTIAL_LEVELS: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Speed {
    Ms100,
    Ms1000,
}

/// Where days begin: the offset from UTC that a candle's boundaries follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offset {
    Utc,
    Plus8,
}

impl Offset {
    #[must_use]
    pub const fn minutes(self) -> i32 {
        match self {
            Offset::Utc => 0,
            Offset::Plus8 => 480,
        }
    }
}

/// The window of a rolling ticker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rolling {
    H1,
    H4,
    D1,
}

impl Rolling {
    #[must_use]
    pub const fn minutes(self) -> u32 {
        match self {
            Rolling::H1 => 60,
            Rolling::H4 => 240,
            Rolling::D1 => 1440,
        }
    }

    /// The event's name.
    #[must_use]
    pub const fn event(self) -> &'static str {
        match self {
            Rolling::H1 => "1hTicker",
            Rolling::H4 => "4hTicker",
            Rolling::D1 => "1dTicker",
        }
    }

    fn from_name(name: &str) -> Option<Rolling> {
        match name {
            "1h" => Some(Rolling::H1),
            "4h" => Some(Rolling::H4),
            "1d" => Some(Rolling::D1),
            _ => None,
        }
    }
}

/// A stream by its name, and what the name means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topic {
    pub name: Box<str>,
    /// In lower case, as in the name; empty for streams of all markets.
    pub symbol: Box<str>,
    pub kind: Kind,
}

/// The longest name that is read: a symbol of fifty characters, four bytes each, and the longest kind.
const MAX_NAME: usize = 256;

impl Topic {
    /// `None` when no such stream can exist. A symbol that is not listed, or not listed yet, is a stream without frames.
    #[must_use]
    pub fn parse(name: &str) -> Option<Topic> {
        if !is_name(name) {
            return None;
        }
        if let Some(all) = name.strip_prefix('!') {
            let kind = match all {
                "miniTicker@arr" => Kind::AllMiniTickers,
                // retired by the API, and accepted still
                "ticker@arr" | "bookTicker" => Kind::Silent,
                _ => {
                    let window = all.strip_prefix("ticker_")?.strip_suffix("@arr")?;
                    Kind::AllRolling(Rolling::from_name(window)?)
                }
            };
            return Some(Topic::of(name, "", kind));
        }
        let (symbol, kind) = name.split_once('@')?;
        if symbol.is_empty() {
            return None;
        }
        Some(Topic::of(name, symbol, Kind::parse(kind)?))
    }

    /// The same for streams in SBE, which are fewer.
    #[must_use]
    pub fn parse_binary(name: &str) -> Option<Topic> {
        let (symbol, kind) = name.split_once('@').filter(|_| is_name(name))?;
        if symbol.is_empty() {
            return None;
        }
        let kind = match kind {
            "trade" => Kind::BinaryTrades,
            "bestBidAsk" => Kind::BestBidAsk,
            "depth" => Kind::BinaryDepth,
            "depth20" => Kind::BinaryPartial,
            _ => return None,
        };
        Some(Topic::of(name, symbol, kind))
    }

    fn of(name: &str, symbol: &str, kind: Kind) -> Topic {
        Topic {
            name: name.into(),
            symbol: symbol.into(),
            kind,
        }
    }
}

fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME && !name.chars().any(|c| c.is_whitespace() || c.is_control())
}

impl Kind {
    /// Whether its events are messages in SBE.
    #[must_use]
    pub const fn is_binary(self) -> bool {
        matches!(
            self,
            Kind::BinaryTrades | Kind::BestBidAsk | Kind::BinaryDepth | Kind::BinaryPartial
        )
    }

    fn parse(text: &str) -> Option<Kind> {
        Some(match text {
            "trade" => Kind::Trade,
            "aggTrade" => Kind::AggTrade,
            "bookTicker" => Kind::BookTicker,
            "ticker" => Kind::Ticker,
            "miniTicker" => Kind::MiniTicker,
            "avgPrice" => Kind::AvgPrice,
            "referencePrice" => Kind::ReferencePrice,
            "blockTrade" => Kind::BlockTrade,
            _ => {
                if let Some(rest) = text.strip_prefix("depth") {
                    return Self::parse_depth(rest);
                }
                if let Some(rest) = text.strip_prefix("kline_") {
                    let (interval, offset) = match rest.split_once('@') {
                        None => (rest, Offset::Utc),
                        Some((interval, "+08:00")) => (interval, Offset::Plus8),
                        Some(_) => return None,
                    };
                    return Some(Kind::Kline(Interval::parse(interval)?, offset));
                }
                Kind::Rolling(Rolling::from_name(text.strip_prefix("ticker_")?)?)
            }
        })
    }

    fn parse_depth(rest: &str) -> Option<Kind> {
        let (levels, speed) = match rest.split_once('@') {
            None => (rest, Speed::Ms1000),
            Some((levels, "100ms")) => (levels, Speed::Ms100),
            Some((levels, "1000ms")) => (levels, Speed::Ms1000),
            Some(_) => return None,
        };
        match levels {
            "" => Some(Kind::Depth(speed)),
            "5" => Some(Kind::Partial(5, speed)),
            "10" => Some(Kind::Partial(10, speed)),
            "20" => Some(Kind::Partial(20, speed)),
            _ => None,
        }
    }

    /// Whether a newer frame says all that an older one said, so that a reader who is behind may be given the newer one alone.
    #[must_use]
    pub const fn conflates(self) -> bool {
        matches!(
            self,
            Kind::BookTicker
                | Kind::BestBidAsk
                | Kind::BinaryPartial
                | Kind::Partial(..)
                | Kind::Ticker
                | Kind::MiniTicker
                | Kind::Rolling(_)
                | Kind::AvgPrice
                | Kind::ReferencePrice
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_stream() {
        let kind = |name: &str| Topic::parse(name).map(|t| t.kind);
        assert_eq!(kind("btcusdt@trade"), Some(Kind::Trade));
        assert_eq!(kind("btcusdt@depth"), Some(Kind::Depth(Speed::Ms1000)));
        assert_eq!(kind("btcusdt@depth@100ms"), Some(Kind::Depth(Speed::Ms100)));
        assert_eq!(
            kind("btcusdt@depth20@100ms"),
            Some(Kind::Partial(20, Speed::Ms100))
        );
        assert_eq!(
            kind("btcusdt@depth5"),
            Some(Kind::Partial(5, Speed::Ms1000))
        );
        for interval in Interval::ALL {
            let name = format!("btcusdt@kline_{}", interval.as_str());
            assert_eq!(kind(&name), Some(Kind::Kline(interval, Offset::Utc)));
            let name = format!("{name}@+08:00");
            assert_eq!(kind(&name), Some(Kind::Kline(interval, Offset::Plus8)));
        }
        assert_eq!(kind("btcusdt@ticker_4h"), Some(Kind::Rolling(Rolling::H4)));
        assert_eq!(kind("btcusdt@referencePrice"), Some(Kind::ReferencePrice));
        assert_eq!(kind("!miniTicker@arr"), Some(Kind::AllMiniTickers));
        assert_eq!(kind("!ticker_1h@arr"), Some(Kind::AllRolling(Rolling::H1)));
        let topic = Topic::parse("币安usdt@ticker").unwrap();
        assert_eq!((&*topic.symbol, topic.kind), ("币安usdt", Kind::Ticker));
    }

    #[test]
    fn reads_the_streams_in_sbe() {
        let kind = |name: &str| Topic::parse_binary(name).map(|t| t.kind);
        assert_eq!(kind("btcusdt@trade"), Some(Kind::BinaryTrades));
        assert_eq!(kind("btcusdt@bestBidAsk"), Some(Kind::BestBidAsk));
        assert_eq!(kind("btcusdt@depth"), Some(Kind::BinaryDepth));
        assert_eq!(kind("币安usdt@depth20"), Some(Kind::BinaryPartial));
        for name in [
            "btcusdt@bookTicker",
            "btcusdt@depth@100ms",
            "btcusdt@depth5",
            "@trade",
            "btc usdt@trade",
            "!miniTicker@arr",
        ] {
            assert_eq!(kind(name), None, "{name:?}");
        }
        assert_eq!(Topic::parse("btcusdt@bestBidAsk"), None);
    }

    #[test]
    fn refuses_what_no_stream_is_called() {
        for name in [
            "",
            "btcusdt",
            "@trade",
            "btcusdt@",
            "btcusdt@Trade",
            "btcusdt@depth7",
            "btcusdt@depth@250ms",
            "btcusdt@kline_1y",
            "btcusdt@kline_1m@+09:00",
            "btc usdt@trade",
            "btcusdt@trade\n",
            "!trade@arr",
            "!ticker_2h@arr",
        ] {
            assert_eq!(Topic::parse(name), None, "{name:?}");
        }
    }
}
