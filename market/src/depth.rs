//! What stands behind the touch.
//!
//! The shape was measured on recorded spot books of 2024-08-08 (345 s, every second second, both sides, snapshot of 1,000 levels a side followed
//! by every change): mean quantity between two distances from the touch, divided by the mean quantity at the touch (1.532 BTC, 12.45 ETH).
//!
//! Levels lie on a grid of absolute prices, one in each cell, at a place and with a quantity that follow from the cell's number; so most of the
//! book stays where it is when the touch moves, as real books do. Each cell is dealt anew after a time of its own.

use types::Side;

use crate::rng::{mix, unit_of};

/// `(to, quantity)`: up to this distance in basis points of the price, this many times the mean quantity at the touch.
type Shape = [(f64, f64); 14];

/// Measured on BTCUSDT.
pub const DEEP: Shape = [
    (0.5, 0.57),
    (1.0, 0.64),
    (2.0, 1.30),
    (3.0, 2.18),
    (5.0, 4.95),
    (7.0, 4.03),
    (10.0, 5.64),
    (15.0, 10.87),
    (20.0, 12.59),
    (30.0, 14.81),
    (50.0, 14.61),
    (75.0, 9.82),
    (100.0, 9.19),
    (150.0, 26.35),
];

/// Measured on ETHUSDT; used for everything but BTC.
pub const STEEP: Shape = [
    (0.5, 0.69),
    (1.0, 1.03),
    (2.0, 3.03),
    (3.0, 5.65),
    (5.0, 10.78),
    (7.0, 10.05),
    (10.0, 15.64),
    (15.0, 32.84),
    (20.0, 33.96),
    (30.0, 58.08),
    (50.0, 32.10),
    (75.0, 41.05),
    (100.0, 11.76),
    (150.0, 11.93),
];

/// How one symbol's book is filled.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub shape: &'static Shape,
    /// Mean lots at the touch.
    pub touch_qty: f64,
    /// Levels in each of the shape's bands, at most.
    pub per_band: f64,
    pub seed: u64,
    /// Mean seconds until a cell is dealt anew.
    pub renewal: f64,
}

impl Field {
    /// The levels of one side behind `touch`, nearest first, at `now_ms`.
    #[must_use]
    pub fn levels(&self, side: Side, touch: i64, now_ms: i64) -> Vec<(i64, i64)> {
        let mut out = Vec::new();
        let mut from = 0.0;
        for (band, (to, quantity)) in self.shape.iter().enumerate() {
            self.band(
                side,
                touch,
                now_ms,
                (band as u64, from, *to),
                quantity * self.touch_qty,
                &mut out,
            );
            from = *to;
        }
        match side {
            Side::Buy => out.sort_unstable_by_key(|l| std::cmp::Reverse(l.0)),
            Side::Sell => out.sort_unstable_by_key(|l| l.0),
        }
        out.dedup_by_key(|l| l.0);
        out
    }

    fn band(
        &self,
        side: Side,
        touch: i64,
        now_ms: i64,
        (band, from, to): (u64, f64, f64),
        lots: f64,
        out: &mut Vec<(i64, i64)>,
    ) {
        let price = touch as f64;
        let ticks = price * (to - from) / 1e4;
        let width = ((ticks / self.per_band).round() as i64).max(1);
        let each = lots * width as f64 / ticks;
        let (near, far) = ((price * from / 1e4) as i64 + 1, (price * to / 1e4) as i64);
        let (low, high) = match side {
            Side::Buy => (touch - far, touch - near),
            Side::Sell => (touch + near, touch + far),
        };
        for cell in low.div_euclid(width)..=high.div_euclid(width) {
            let key = mix(self.seed ^ mix(cell.cast_unsigned() ^ band << 48 ^ (side as u64) << 60));
            let period = (self.renewal * 1e3 * (0.25 + 1.5 * unit_of(key))) as i64;
            let turn = mix(key ^ now_ms.div_euclid(period.max(1)).cast_unsigned());
            let at = cell * width + (unit_of(mix(key ^ 1)) * width as f64) as i64;
            if at >= low && at <= high && at > 0 {
                // exponential with mean one: as uneven as the recorded levels
                let share = -(1.0 - unit_of(turn)).ln();
                out.push((at, ((each * share) as i64).max(1)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: Field = Field {
        shape: &DEEP,
        touch_qty: 150_000.0,
        per_band: 5.0,
        seed: 3,
        renewal: 15.0,
    };

    #[test]
    fn quantities_follow_the_measured_shape() {
        let within = |bps: f64, now| -> f64 {
            let far = (8_723_200.0 * (1.0 - bps / 1e4)) as i64;
            let levels = FIELD.levels(Side::Buy, 8_723_200, now);
            levels
                .iter()
                .filter(|l| l.0 >= far)
                .map(|l| l.1 as f64)
                .sum()
        };
        for (bps, wanted) in [(10.0, 19.31), (50.0, 72.19), (150.0, 117.55)] {
            let mean = (0..200).map(|i| within(bps, i * 60_000)).sum::<f64>() / 200.0;
            let ratio = mean / 150_000.0 / wanted;
            assert!((0.8..1.2).contains(&ratio), "{bps} bps: {ratio}");
        }
    }

    #[test]
    fn most_levels_stay_when_the_touch_moves_by_a_tick() {
        let before = FIELD.levels(Side::Sell, 8_723_200, 1_000);
        let after = FIELD.levels(Side::Sell, 8_723_201, 1_000);
        let kept = before.iter().filter(|l| after.contains(l)).count();
        assert!(before.len() > 50 && before.len() < 100, "{}", before.len());
        assert!(
            kept * 100 >= before.len() * 90,
            "{kept} of {}",
            before.len()
        );
    }

    #[test]
    fn levels_lie_behind_the_touch_in_order() {
        for side in [Side::Buy, Side::Sell] {
            for touch in [40, 7_440, 14_353, 8_723_200] {
                let levels = FIELD.levels(side, touch, 5);
                let prices: Vec<i64> = levels.iter().map(|l| l.0).collect();
                match side {
                    Side::Buy => assert!(
                        prices.iter().all(|p| *p < touch) && prices.is_sorted_by(|a, b| a > b)
                    ),
                    Side::Sell => assert!(
                        prices.iter().all(|p| *p > touch) && prices.is_sorted_by(|a, b| a < b)
                    ),
                }
            }
        }
    }
}
