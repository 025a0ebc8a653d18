//! Where the price of a symbol without a recording goes.

use crate::rng::Rng;

/// A random walk in the logarithm with regimes of calm and storm, drawn gently back to where it began.
#[derive(Clone, Debug)]
pub struct Walk {
    rng: Rng,
    log: f64,
    storm: f64,
    /// Standard deviation over one second in ordinary weather.
    per_second: f64,
}

/// Seconds in which the pull to the start halves a deviation: a day.
const HALF_LIFE: f64 = 86_400.0;

impl Walk {
    /// `daily` is the standard deviation over a day.
    pub fn new(seed: u64, name: &str, daily: f64) -> Walk {
        Walk {
            rng: Rng::new(seed, name),
            log: 0.0,
            storm: 1.0,
            per_second: daily / 86_400.0_f64.sqrt(),
        }
    }

    /// Goes on by some seconds; returns the price as a multiple of the start.
    pub fn step(&mut self, seconds: f64) -> f64 {
        if self.rng.chance((seconds / 900.0).min(1.0)) {
            self.storm = self.rng.heavy(0.6);
        }
        let pull = (-seconds * std::f64::consts::LN_2 / HALF_LIFE).exp();
        self.log =
            self.log * pull + self.rng.normal() * self.per_second * self.storm * seconds.sqrt();
        self.log.exp()
    }
}

/// A path of `steps` multiples that ends at one: the walk, tied down at its end.
pub fn ending_at_one(seed: u64, name: &str, daily: f64, steps: usize, seconds: f64) -> Vec<f64> {
    let mut walk = Walk::new(seed, name, daily);
    let logs: Vec<f64> = (0..steps).map(|_| walk.step(seconds).ln()).collect();
    let end = logs.last().copied().unwrap_or(0.0);
    logs.into_iter().map(|log| (log - end).exp()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_past_ends_where_the_present_begins() {
        let path = ending_at_one(7, "ETHBTC", 0.035, 8_640, 10.0);
        assert!((path[8_639] - 1.0).abs() < 1e-12);
        assert!(
            path.iter().all(|m| (0.5..2.0).contains(m)),
            "a day stays within reason"
        );
        assert_eq!(path, ending_at_one(7, "ETHBTC", 0.035, 8_640, 10.0));
        assert_ne!(path, ending_at_one(8, "ETHBTC", 0.035, 8_640, 10.0));
    }
}
