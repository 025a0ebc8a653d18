//! How much stands behind the touch.
//!
//! Measured on recorded spot books of BTCUSDT (2024-08-08, 172 samples over six minutes, both sides): mean quantity between two distances from
//! the touch, as a multiple of the mean quantity at the touch, which was 1.532 BTC.

/// (distance in hundredths of a basis point up to which, quantity in that band as a multiple of the touch).
const SHAPE: [(u32, f64); 12] = [
    (50, 0.57),
    (100, 0.64),
    (200, 1.30),
    (300, 2.18),
    (500, 4.95),
    (700, 4.03),
    (1_000, 5.64),
    (1_500, 10.87),
    (2_000, 12.59),
    (3_000, 14.81),
    (5_000, 14.61),
    (10_000, 19.01),
];

/// Levels kept in each band: enough for a book that looks like one, few enough to keep.
const LEVELS: [u32; 12] = [3, 2, 3, 3, 4, 3, 3, 3, 3, 3, 3, 3];

/// The distances in ticks (from 1) at which levels stand behind a touch at `price` ticks, with the multiple of the touch's usual quantity at
/// each. Strictly increasing.
pub fn behind(price: i64) -> Vec<(i64, f64)> {
    let mut levels = Vec::new();
    let (mut from, mut last) = (0.0, 0);
    for ((upto, share), count) in SHAPE.iter().zip(LEVELS) {
        let to = f64::from(*upto);
        for n in 0..count {
            let hundredths = from + (to - from) * (f64::from(n) + 1.0) / f64::from(count);
            let ticks = ((price as f64) * hundredths / 1e6).round() as i64;
            let ticks = ticks.max(last + 1);
            last = ticks;
            levels.push((ticks, share / f64::from(count)));
        }
        from = to;
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_outwards_and_hold_the_measured_sum() {
        for price in [300, 8_700_000] {
            let levels = behind(price);
            assert!(levels.windows(2).all(|pair| pair[0].0 < pair[1].0));
            let sum: f64 = levels.iter().map(|(_, share)| share).sum();
            let measured: f64 = SHAPE.iter().map(|(_, share)| share).sum();
            assert!((sum - measured).abs() < 1e-9);
        }
        // 100 hundredths of a basis point of 87,000.00 are 8.70
        assert!(behind(8_700_000).iter().any(|(ticks, _)| *ticks == 870));
    }
}
