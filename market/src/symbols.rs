//! The symbols of the demo, and what their markets are like.
//!
//! Grids and limits are sized as on a real venue of 2025 for these prices. Nothing here is an opinion on any asset: prices are those of the hour of
//! the recording, rounded, and the venue's own token is invented.

use protocol::{Filters, LotSizeFilter, NotionalFilter, PercentPriceBySideFilter, PriceFilter};
use types::Decimal;

/// Where a symbol's fair price comes from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Origin {
    /// The recording.
    Recorded,
    /// A process of its own that follows BTC by this much.
    Agents { beta: f64 },
    /// The first symbol's price divided by the second's.
    Cross(&'static str, &'static str),
}

#[derive(Clone, Copy, Debug)]
pub struct Symbol {
    pub name: &'static str,
    pub base: &'static str,
    pub quote: &'static str,
    pub tick: &'static str,
    pub lot: &'static str,
    pub min_notional: &'static str,
    /// Where the price belongs, in quote units.
    pub anchor: f64,
    /// Of the price, per square root of a day.
    pub volatility: f64,
    /// Base units traded in a day.
    pub volume: f64,
    /// Trades in a day of the past that is made up, and of agents.
    pub trades: f64,
    /// Mean base units at the touch.
    pub touch: f64,
    pub origin: Origin,
}

macro_rules! symbols {
    ($($base:literal $quote:literal $tick:literal $lot:literal $min:literal $anchor:literal $vol:literal $volume:literal $trades:literal $touch:literal $origin:expr;)*) => {
        /// In the order in which they are listed.
        pub const SYMBOLS: &[Symbol] = &[$(Symbol {
            name: concat!($base, $quote), base: $base, quote: $quote, tick: $tick, lot: $lot, min_notional: $min, anchor: $anchor,
            volatility: $vol, volume: $volume, trades: $trades, touch: $touch, origin: $origin,
        }),*];
    };
}

symbols! {
    "BTC" "USDT" "0.01" "0.00001" "5" 87232.0 0.018 30000.0 12000.0 1.5 Origin::Recorded;
    "ETH" "USDT" "0.01" "0.0001" "5" 2059.1 0.024 100000.0 10000.0 14.0 Origin::Recorded;
    "SOL" "USDT" "0.01" "0.001" "5" 143.53 0.032 1500000.0 8000.0 120.0 Origin::Recorded;
    "TIDE" "USDT" "0.0001" "0.1" "5" 1.25 0.045 9000000.0 4000.0 3000.0 Origin::Agents { beta: 0.5 };
    "TIDE" "BTC" "0.00000001" "1" "0.0001" 0.00001433 0.045 900000.0 1500.0 9000.0 Origin::Cross("TIDEUSDT", "BTCUSDT");
    "XRP" "USDT" "0.0001" "0.1" "5" 2.45 0.030 90000000.0 5000.0 9000.0 Origin::Agents { beta: 0.9 };
    "ADA" "USDT" "0.0001" "0.1" "5" 0.741 0.034 70000000.0 3500.0 15000.0 Origin::Agents { beta: 1.1 };
    "DOGE" "USDT" "0.00001" "1" "1" 0.18921 0.038 500000000.0 4000.0 40000.0 Origin::Agents { beta: 1.2 };
    "LTC" "USDT" "0.01" "0.001" "5" 92.85 0.028 250000.0 2500.0 60.0 Origin::Agents { beta: 0.8 };
    "LINK" "USDT" "0.01" "0.01" "5" 15.31 0.036 1800000.0 2500.0 500.0 Origin::Agents { beta: 1.1 };
    "DOT" "USDT" "0.001" "0.01" "5" 4.702 0.034 3000000.0 2500.0 1500.0 Origin::Agents { beta: 1.0 };
    "AVAX" "USDT" "0.01" "0.01" "5" 22.36 0.037 1500000.0 2500.0 400.0 Origin::Agents { beta: 1.2 };
    "ETH" "BTC" "0.00001" "0.0001" "0.0001" 0.0236 0.015 15000.0 2500.0 12.0 Origin::Cross("ETHUSDT", "BTCUSDT");
    "SOL" "BTC" "0.0000001" "0.001" "0.0001" 0.0016454 0.020 60000.0 1800.0 25.0 Origin::Cross("SOLUSDT", "BTCUSDT");
    "XRP" "BTC" "0.00000001" "1" "0.0001" 0.00002809 0.020 4000000.0 1500.0 3000.0 Origin::Cross("XRPUSDT", "BTCUSDT");
    "EUR" "USDT" "0.0001" "0.1" "5" 1.0795 0.004 20000000.0 2000.0 20000.0 Origin::Agents { beta: 0.0 };
    "BTC" "EUR" "0.01" "0.00001" "5" 80808.0 0.018 600.0 2000.0 0.05 Origin::Cross("BTCUSDT", "EURUSDT");
}

/// Whole units of an asset that each account of the market holds at first, and is brought back to when half is gone: about two billion dollars'
/// worth, so that no day of trading reaches the half by chance; commissions do, in months.
#[must_use]
pub fn float_of(asset: &str) -> i128 {
    let value = |s: &&Symbol| s.base == asset && s.quote == "USDT";
    let price = SYMBOLS.iter().find(value).map_or(1.0, |s| s.anchor);
    (2e9 / price) as i128
}

/// The filters of a symbol with these grids.
#[must_use]
pub fn filters(tick: Decimal, lot: Decimal, min_notional: Decimal) -> Filters {
    let units = |n: i64| Decimal(n.saturating_mul(Decimal::SCALE));
    // the largest quantity lies on the lot's grid and well inside what a quantity can be
    let most = |n: i64| {
        Decimal(
            lot.0
                .saturating_mul(n)
                .min(units(90_000_000_000).0 / lot.0 * lot.0),
        )
    };
    let top = Decimal(tick.0.saturating_mul(100_000_000).min(units(1_000_000).0) / tick.0 * tick.0);
    Filters {
        price: Some(PriceFilter {
            min: tick,
            max: top,
            tick,
        }),
        lot_size: Some(LotSizeFilter {
            min: lot,
            max: most(900_000_000),
            step: lot,
        }),
        market_lot_size: Some(LotSizeFilter {
            min: Decimal::ZERO,
            max: most(10_000_000),
            step: Decimal::ZERO,
        }),
        notional: Some(NotionalFilter {
            min: min_notional,
            apply_min_to_market: true,
            max: units(9_000_000),
            apply_max_to_market: false,
            avg_price_mins: 5,
        }),
        percent_price_by_side: Some(PercentPriceBySideFilter {
            bid_up: units(5),
            bid_down: Decimal(Decimal::SCALE / 5),
            ask_up: units(5),
            ask_down: Decimal(Decimal::SCALE / 5),
            avg_price_mins: 5,
        }),
        max_num_orders: Some(MAX_ORDERS),
        ..Filters::default()
    }
}

/// Open orders that one account may have on one symbol.
pub const MAX_ORDERS: u32 = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_is_sound() {
        for (at, symbol) in SYMBOLS.iter().enumerate() {
            for text in [symbol.tick, symbol.lot, symbol.min_notional] {
                assert!(Decimal::parse(text).unwrap().0 > 0, "{}", symbol.name);
            }
            assert!(SYMBOLS[..at].iter().all(|s| s.name != symbol.name));
            if let Origin::Cross(a, b) = symbol.origin {
                let anchor = |name| {
                    SYMBOLS[..at]
                        .iter()
                        .find(|s| s.name == name)
                        .unwrap()
                        .anchor
                };
                let ratio = anchor(a) / anchor(b) / symbol.anchor;
                assert!(
                    (0.99..1.01).contains(&ratio),
                    "{}: legs listed first and consistent, {ratio}",
                    symbol.name
                );
            }
            let tick: f64 = symbol.tick.parse().unwrap();
            assert!(symbol.anchor / tick > 100.0, "{}", symbol.name);
        }
        assert!(SYMBOLS.len() >= 15);
    }

    #[test]
    fn filters_lie_on_their_own_grids() {
        for symbol in SYMBOLS {
            let (tick, lot) = (
                Decimal::parse(symbol.tick).unwrap(),
                Decimal::parse(symbol.lot).unwrap(),
            );
            let filters = filters(tick, lot, Decimal::parse(symbol.min_notional).unwrap());
            let (price, size) = (filters.price.unwrap(), filters.lot_size.unwrap());
            assert!(
                price.max.0 % tick.0 == 0 && size.max.0 % lot.0 == 0,
                "{}",
                symbol.name
            );
            assert!(
                price.max.0 as f64 / 1e8 > symbol.anchor * 5.0,
                "{}: {}",
                symbol.name,
                price.max
            );
            assert!(size.max.0 as f64 / 1e8 > symbol.touch, "{}", symbol.name);
        }
    }
}
