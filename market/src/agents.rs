//! Prices nobody recorded: what a seeded market of makers and takers does around a fair price.

use types::Side;

use crate::recording::{Print, Quote};
use crate::rng::Rng;
use crate::symbols::{Origin, Symbol};

const DAY: f64 = 86_400.0;
/// Agents of the present trade more often than those of the made-up past, in smaller pieces.
const LIVELY: f64 = 5.0;
/// Seconds in which a deviation from the fair relation to BTC halves, roughly.
const RETURN: f64 = 4.0 * 3600.0;

/// How restless a market is: switches now and then between calm, ordinary and wild.
#[derive(Clone, Debug)]
pub struct Weather {
    pub level: f64,
    rng: Rng,
}

impl Weather {
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Weather {
        Weather {
            level: 1.0,
            rng: Rng::new(seed, name),
        }
    }

    /// After `seconds` more; returns the level now.
    pub fn pass(&mut self, seconds: f64) -> f64 {
        if self.rng.chance(seconds / 1_200.0) {
            self.level = [0.5, 0.7, 1.0, 1.0, 1.3, 2.2][self.rng.bits() as usize % 6];
        }
        self.level
    }
}

/// The logarithm of a price over its anchor: a random walk that leans back.
#[derive(Clone, Debug)]
pub struct Walk {
    pub at: f64,
    sigma: f64,
    rng: Rng,
}

impl Walk {
    /// `volatility` is per square root of a day.
    #[must_use]
    pub fn new(seed: u64, name: &str, volatility: f64) -> Walk {
        Walk {
            at: 0.0,
            sigma: volatility / DAY.sqrt(),
            rng: Rng::new(seed, name),
        }
    }

    pub fn pass(&mut self, seconds: f64, weather: f64) -> f64 {
        let shock = self.sigma * weather * seconds.sqrt() * self.rng.normal();
        self.at += shock - self.at * seconds / RETURN;
        self.at
    }
}

/// The makers and takers of one symbol.
#[derive(Clone, Debug)]
pub struct Agent {
    symbol: Symbol,
    tick: f64,
    lot: f64,
    own: Walk,
    weather: Weather,
    rng: Rng,
    quote: Quote,
}

impl Agent {
    /// `tick` and `lot` in units; `price` is where the symbol stands.
    #[must_use]
    pub fn new(symbol: Symbol, tick: f64, lot: f64, seed: u64, price: f64, factor: f64) -> Agent {
        let beta = match symbol.origin {
            Origin::Agents { beta } => beta,
            _ => 0.0,
        };
        let mut own = Walk::new(
            seed,
            &format!("{}/walk", symbol.name),
            symbol.volatility * 0.8,
        );
        own.at = (price / symbol.anchor).ln() - beta * factor;
        Agent {
            symbol,
            tick,
            lot,
            own,
            weather: Weather::new(seed, &format!("{}/weather", symbol.name)),
            rng: Rng::new(seed, symbol.name),
            quote: Quote {
                at: 0,
                bid: 0,
                ask: 0,
                bid_qty: 0,
                ask_qty: 0,
            },
        }
    }

    #[must_use]
    pub fn mean_touch(&self) -> f64 {
        self.symbol.touch / self.lot
    }

    /// `seconds` later. `factor` is the logarithm of BTC's price over its anchor; `legs` the quotient of the legs' prices for a cross.
    pub fn pass(
        &mut self,
        seconds: f64,
        factor: f64,
        legs: Option<f64>,
        prints: &mut Vec<Print>,
    ) -> Quote {
        let weather = self.weather.pass(seconds);
        let fair = match (self.symbol.origin, legs) {
            (Origin::Agents { beta }, _) => {
                self.symbol.anchor * (beta * factor + self.own.pass(seconds, weather)).exp()
            }
            (_, Some(quotient)) => quotient,
            (_, None) => self.symbol.anchor,
        };
        self.requote(fair);
        let often = self.symbol.trades * LIVELY / DAY;
        for _ in 0..self.rng.poisson(often * seconds * weather) {
            let side = if self.rng.chance(0.5) {
                Side::Buy
            } else {
                Side::Sell
            };
            let mean = self.symbol.volume / (self.symbol.trades * LIVELY);
            let qty = (mean * self.rng.heavy(1.3) / self.lot).round().max(1.0) as i64;
            let price = if side == Side::Buy {
                self.quote.ask
            } else {
                self.quote.bid
            };
            prints.push(Print {
                at: 0,
                side,
                price,
                qty,
            });
        }
        self.quote
    }

    fn requote(&mut self, fair: f64) {
        let at = fair / self.tick;
        let inside = at > self.quote.bid as f64 + 0.1 && at < self.quote.ask as f64 - 0.1;
        if !inside {
            let half = (at * 0.4e-4).max(0.5);
            self.quote.bid = ((at - half).floor() as i64).max(1);
            self.quote.ask = ((at + half).ceil() as i64).max(self.quote.bid + 1);
            // a fair price on the grid leaves one tick on either side; one of them is enough
            if half <= 0.5 && self.quote.ask > self.quote.bid + 1 {
                self.quote.ask = self.quote.bid + 1 + i64::from(self.rng.chance(0.2));
            }
        }
        if !inside || self.rng.chance(0.1) {
            let mean = self.mean_touch();
            self.quote.bid_qty = (mean * self.rng.heavy(0.8)).max(1.0) as i64;
            self.quote.ask_qty = (mean * self.rng.heavy(0.8)).max(1.0) as i64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::SYMBOLS;

    #[test]
    fn a_day_of_every_agent_stays_near_and_alive() {
        for symbol in SYMBOLS
            .iter()
            .filter(|s| matches!(s.origin, Origin::Agents { .. }))
        {
            let (tick, lot) = (symbol.tick.parse().unwrap(), symbol.lot.parse().unwrap());
            let mut agent = Agent::new(*symbol, tick, lot, 1, symbol.anchor, 0.0);
            let (mut low, mut high, mut prints) = (f64::MAX, 0.0_f64, Vec::new());
            for _ in 0..172_800 {
                let quote = agent.pass(0.5, 0.0, None, &mut prints);
                assert!(quote.bid < quote.ask && quote.bid_qty > 0 && quote.ask_qty > 0);
                low = low.min(quote.bid as f64 * tick);
                high = high.max(quote.ask as f64 * tick);
            }
            let (range, name) = ((high - low) / symbol.anchor, symbol.name);
            assert!(
                (symbol.volatility * 0.3..symbol.volatility * 5.0).contains(&range),
                "{name}: {range}"
            );
            let wanted = symbol.trades * LIVELY;
            assert!(
                (0.6..1.7).contains(&(prints.len() as f64 / wanted)),
                "{name}: {} trades",
                prints.len()
            );
        }
    }

    #[test]
    fn a_cross_holds_its_legs_within_its_spread() {
        let symbol = *SYMBOLS.iter().find(|s| s.name == "ETHBTC").unwrap();
        let mut agent = Agent::new(symbol, 0.00001, 0.0001, 1, 0.0236, 0.0);
        for i in 0..1_000 {
            let fair = 0.0236 * (1.0 + f64::from(i) * 1e-5);
            let quote = agent.pass(0.5, 0.0, Some(fair), &mut Vec::new());
            let at = fair / 0.00001;
            assert!(
                quote.bid as f64 <= at + 1.0 && quote.ask as f64 >= at - 1.0,
                "{quote:?} {at}"
            );
        }
    }
}
