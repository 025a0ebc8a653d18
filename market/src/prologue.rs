//! The past: markets that traded before anybody looked.
//!
//! Prices walk in steps of [`STEP_S`] seconds. At each step the clock is set and every symbol's trades go through the engine as orders: a maker
//! rests, a taker takes it. So candles, trades and ledger tell one story. The first day's walk is made from its end backwards (it is the same
//! process either way), so that it arrives exactly where the live market begins; a gap after downtime is walked forwards from the last price.

use types::{Side, Time};

use crate::agents::{Walk, Weather};
use crate::rng::Rng;
use crate::symbols::{Origin, Symbol};

/// Seconds between two instants of the past.
pub const STEP_S: i64 = 15;

/// What is traded at one instant on one symbol.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PastTrade {
    /// Index into the symbols given.
    pub symbol: usize,
    pub side: Side,
    /// Quote units; not yet on the grid.
    pub price: f64,
    /// Base units.
    pub qty: f64,
}

/// The whole past, computed before it is traded.
#[derive(Debug)]
pub struct Past {
    symbols: Vec<Symbol>,
    /// By symbol, by instant, and one more: where it ends.
    paths: Vec<Vec<f64>>,
    weather: Vec<f64>,
    rng: Rng,
    from: Time,
}

impl Past {
    /// `start` holds the last prices (quote units) of a gap; without it the walk ends at every symbol's anchor.
    #[must_use]
    pub fn new(
        symbols: &[Symbol],
        seed: u64,
        from: Time,
        until: Time,
        start: Option<&[f64]>,
    ) -> Past {
        let instants = usize::try_from(until.since(from) / 1_000_000 / STEP_S).unwrap_or(0);
        // every gap has chances of its own
        let seed = match start {
            None => seed,
            Some(_) => seed ^ crate::rng::mix(from.0.cast_unsigned()),
        };
        let mut sky = Weather::new(seed, "past/weather");
        let mut weather: Vec<f64> = (0..=instants).map(|_| sky.pass(STEP_S as f64)).collect();
        let mut paths: Vec<Vec<f64>> = Vec::new();
        for (at, symbol) in symbols.iter().enumerate() {
            let path = path(symbols, &paths, at, seed, &weather, start.map(|s| s[at]));
            paths.push(path.into_iter().map(|x| symbol.anchor * x.exp()).collect());
        }
        if start.is_none() {
            paths.iter_mut().for_each(|path| path.reverse());
            weather.reverse();
        }
        Past {
            symbols: symbols.to_vec(),
            paths,
            weather,
            rng: Rng::new(seed, "past/trades"),
            from,
        }
    }

    #[must_use]
    pub fn instants(&self) -> usize {
        self.weather.len() - 1
    }

    /// Where each symbol stands at the end, in quote units.
    #[must_use]
    pub fn ends(&self) -> Vec<f64> {
        self.paths
            .iter()
            .map(|path| path.last().copied().unwrap_or(0.0))
            .collect()
    }

    /// The trades of instant `k` and their time. Call in order.
    pub fn instant(&mut self, k: usize, out: &mut Vec<PastTrade>) -> Time {
        let step = STEP_S * 1_000_000;
        let late = (self.rng.unit() * 0.9 * step as f64) as i64;
        let time = self.from.plus_micros(k as i64 * step + late);
        // quieter at night: the day's rhythm of 24 hours in UTC
        let hour = (time.0.rem_euclid(86_400_000_000)) as f64 / 3.6e9;
        let rhythm = 1.0 + 0.35 * ((hour - 15.0) / 24.0 * std::f64::consts::TAU).cos();
        let activity = rhythm * (0.4 + 0.6 * self.weather[k]);
        for (at, symbol) in self.symbols.iter().enumerate() {
            let mean = symbol.trades / 86_400.0 * STEP_S as f64 * activity;
            let count = self.rng.poisson(mean);
            let (open, close) = (self.paths[at][k], self.paths[at][k + 1]);
            for i in 0..count {
                let along = f64::from(i + 1) / f64::from(count);
                let noise = symbol.anchor * symbol.volatility * 0.004 * self.rng.normal();
                let rising = if close > open { 0.58 } else { 0.42 };
                let side = if self.rng.chance(rising) {
                    Side::Buy
                } else {
                    Side::Sell
                };
                let qty = symbol.volume / symbol.trades * self.rng.heavy(1.1);
                out.push(PastTrade {
                    symbol: at,
                    side,
                    price: open + (close - open) * along + noise,
                    qty,
                });
            }
        }
        time
    }
}

/// Logarithms of one symbol's prices over its anchor.
fn path(
    symbols: &[Symbol],
    done: &[Vec<f64>],
    at: usize,
    seed: u64,
    weather: &[f64],
    start: Option<f64>,
) -> Vec<f64> {
    let symbol = &symbols[at];
    let of = |name: &str, k: usize| {
        let leg = symbols.iter().position(|s| s.name == name);
        leg.and_then(|leg| done.get(leg))
            .map_or(1.0, |path| path[k])
    };
    if let Origin::Cross(base, quote) = symbol.origin {
        return (0..weather.len())
            .map(|k| (of(base, k) / of(quote, k) / symbol.anchor).ln())
            .collect();
    }
    let beta = match symbol.origin {
        Origin::Agents { beta } => beta,
        _ if at == 0 => 0.0,
        _ => 1.0,
    };
    let market = |k: usize| {
        done.first()
            .map_or(0.0, |btc| (btc[k] / symbols[0].anchor).ln())
    };
    let own = if beta == 0.0 { 1.0 } else { 0.7 };
    let mut walk = Walk::new(
        seed,
        &format!("{}/past", symbol.name),
        symbol.volatility * own,
    );
    walk.at = start.map_or(0.0, |price| (price / symbol.anchor).ln() - beta * market(0));
    let mut out = vec![beta * market(0) + walk.at];
    for (k, weather) in weather.iter().enumerate().skip(1) {
        out.push(beta * market(k) + walk.pass(STEP_S as f64, *weather));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::SYMBOLS;

    const FROM: Time = Time(1_742_857_200_000_000);

    #[test]
    fn the_first_day_ends_where_the_live_market_begins() {
        let past = Past::new(SYMBOLS, 1, FROM, FROM.plus_micros(86_400_000_000), None);
        assert_eq!(past.instants(), 5_760);
        for (symbol, end) in SYMBOLS.iter().zip(past.ends()) {
            let off = (end / symbol.anchor - 1.0).abs();
            // crosses end where their legs say, which is their anchor rounded
            assert!(off < 0.01, "{}: {off}", symbol.name);
        }
    }

    #[test]
    fn a_gap_begins_at_the_last_price() {
        let last: Vec<f64> = SYMBOLS.iter().map(|s| s.anchor * 1.02).collect();
        let past = Past::new(
            SYMBOLS,
            1,
            FROM,
            FROM.plus_micros(3_600_000_000),
            Some(&last),
        );
        assert!((past.paths[0][0] / last[0] - 1.0).abs() < 1e-9);
        assert!((past.paths[5][0] / last[5] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn days_are_as_busy_as_they_should_be_and_repeatable() {
        let day = || {
            let mut past = Past::new(SYMBOLS, 7, FROM, FROM.plus_micros(86_400_000_000), None);
            let (mut out, mut last) = (Vec::new(), FROM);
            for k in 0..past.instants() {
                let time = past.instant(k, &mut out);
                assert!(time >= last, "time runs forwards");
                last = time;
            }
            out
        };
        let trades = day();
        let btc = trades.iter().filter(|t| t.symbol == 0).count();
        assert!((8_000..16_000).contains(&btc), "{btc}");
        assert_eq!(trades, day());
    }
}
