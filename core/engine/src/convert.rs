//! What an amount of one asset is worth in another, by the last trades: directly, or over one bridge.
//!
//! The way is the first that has prices: a market of the two assets, else two markets that share a third asset; of several the one listed
//! first. Amounts are in 10⁻⁸ of an atom, rounded down at each market; what does not fit 127 bits has no worth.

use types::{AssetId, Decimal, Wallet};

use crate::market::Market;
use crate::state::Asset;

/// Further ways are not tried.
const MAX_WAYS: usize = 8;

/// One market on the way.
#[derive(Clone, Copy, Debug)]
struct Hop {
    /// Position among the markets.
    market: usize,
    /// From quote to base.
    divide: bool,
}

/// The ways to one asset.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    to: AssetId,
    /// By asset id, from 1.
    from: Vec<Vec<(Hop, Option<Hop>)>>,
}

impl Ways {
    /// To asset 0 there are none.
    pub fn new(to: AssetId, assets: usize, markets: &[Market]) -> Ways {
        let mut ways = Ways {
            to,
            from: vec![Vec::new(); assets],
        };
        if to == AssetId(0) {
            return ways;
        }
        let hops = || {
            let spot = markets.iter().enumerate();
            spot.filter(|(_, m)| m.wallet == Wallet::SPOT)
                .flat_map(|(market, m)| {
                    let [base, quote] = m.legs();
                    let multiply = Hop {
                        market,
                        divide: false,
                    };
                    let divide = Hop {
                        market,
                        divide: true,
                    };
                    [(base, quote, multiply), (quote, base, divide)]
                })
        };
        for (from, _, hop) in hops().filter(|(_, other, _)| *other == to) {
            ways.add(from, (hop, None));
        }
        let direct: Vec<Vec<Hop>> = ways
            .from
            .iter()
            .map(|ways| ways.iter().map(|way| way.0).collect())
            .collect();
        for (from, bridge, hop) in hops().filter(|(from, other, _)| *from != to && *other != to) {
            let Some(onward) = (bridge.0 as usize)
                .checked_sub(1)
                .and_then(|at| direct.get(at))
            else {
                continue;
            };
            for next in onward {
                ways.add(from, (hop, Some(*next)));
            }
        }
        ways
    }

    fn add(&mut self, from: AssetId, way: (Hop, Option<Hop>)) {
        let ways = (from.0 as usize)
            .checked_sub(1)
            .and_then(|at| self.from.get_mut(at));
        if let Some(ways) = ways
            && ways.len() < MAX_WAYS
        {
            ways.push(way);
        }
    }

    /// What an amount is worth.
    pub fn worth(
        &self,
        from: AssetId,
        amount: i128,
        assets: &[Asset],
        markets: &[Market],
    ) -> Option<i128> {
        if from == self.to {
            return Some(amount);
        }
        let priced = |hop: &Hop| markets[hop.market].prices.last().is_some();
        let ways = self.from.get((from.0 as usize).checked_sub(1)?)?;
        let (first, second) = ways
            .iter()
            .find(|(first, second)| priced(first) && second.as_ref().is_none_or(priced))?;
        let amount = through(*first, amount, assets, markets)?;
        match second {
            Some(second) => through(*second, amount, assets, markets),
            None => Some(amount),
        }
    }
}

fn through(hop: Hop, amount: i128, assets: &[Asset], markets: &[Market]) -> Option<i128> {
    let market = &markets[hop.market];
    let price = i128::from(market.price(market.prices.last()?).0);
    let precision = |asset: AssetId| {
        let at = (asset.0 as usize).checked_sub(1)?;
        assets.get(at).map(|asset| i32::from(asset.precision))
    };
    let [base, quote] = market.legs();
    // quote atoms in a base atom: price x 10^shift
    let shift = precision(quote)? - precision(base)? - SCALE_DIGITS;
    let (up, down) = (power(shift)?, power(-shift)?);
    let (num, den) = if hop.divide {
        (down, price.checked_mul(up)?)
    } else {
        (price.checked_mul(up)?, down)
    };
    amount.checked_mul(num)?.checked_div_euclid(den)
}

/// 10⁸ is [`Decimal::SCALE`].
const SCALE_DIGITS: i32 = Decimal::SCALE.ilog10().cast_signed();

/// 10^exponent, and 1 for a negative exponent.
fn power(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent.max(0)).ok()?)
}
