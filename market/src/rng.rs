//! Repeatable chance: the same seed gives the same market on every machine and with every version of every library.

/// SplitMix64: one multiply-and-shift mix per number, good enough for prices and far from good enough for keys.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

/// Mixes `x` so that neighbouring inputs have nothing in common.
#[must_use]
pub fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Rng {
    /// A stream of its own for each `(seed, name)`.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Rng {
        let named = name
            .bytes()
            .fold(seed, |state, byte| mix(state ^ u64::from(byte)));
        Rng { state: mix(named) }
    }

    pub fn bits(&mut self) -> u64 {
        let out = mix(self.state);
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        out
    }

    /// Even in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        unit_of(self.bits())
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Standard normal (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Exponential with mean one.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    /// Lognormal with mean one: most sizes small, a few large.
    pub fn heavy(&mut self, sigma: f64) -> f64 {
        (sigma * self.normal() - sigma * sigma / 2.0).exp()
    }

    /// How many of a Poisson process fall into an interval in which `mean` are expected.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let mut count = 0;
        let mut left = mean - self.exponential();
        while left > 0.0 && count < 1000 {
            count += 1;
            left -= self.exponential();
        }
        count
    }
}

/// The upper 53 bits as a number in `[0, 1)`.
#[must_use]
pub fn unit_of(bits: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in a double")]
    let value = (bits >> 11) as f64;
    value / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_for_ever() {
        let mut rng = Rng::new(7, "BTCUSDT");
        let first: Vec<u64> = (0..4).map(|_| rng.bits()).collect();
        let mut again = Rng::new(7, "BTCUSDT");
        assert_eq!(first, (0..4).map(|_| again.bits()).collect::<Vec<_>>());
        assert_ne!(first[0], Rng::new(8, "BTCUSDT").bits());
        assert_ne!(first[0], Rng::new(7, "ETHUSDT").bits());
    }

    #[test]
    fn means_are_what_they_say() {
        let mut rng = Rng::new(1, "means");
        let mean =
            |mut f: Box<dyn FnMut() -> f64>| (0..20_000).map(|_| f()).sum::<f64>() / 20_000.0;
        let (mut a, mut b, mut c) = (rng.clone(), rng.clone(), rng.clone());
        assert!((mean(Box::new(move || rng.heavy(1.0))) - 1.0).abs() < 0.05);
        assert!((mean(Box::new(move || f64::from(a.poisson(2.5)))) - 2.5).abs() < 0.05);
        assert!(mean(Box::new(move || b.normal())).abs() < 0.03);
        assert!((mean(Box::new(move || c.unit())) - 0.5).abs() < 0.02);
    }
}
