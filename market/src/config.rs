//! What the market plays, how fast, and how closely it was followed.

use std::path::PathBuf;

/// What plays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// The shipped recording and the agents, after a day of made-up past.
    Demo,
    /// A folder of raw recorded frames.
    Frames(PathBuf),
}

/// How fast it plays.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Speed {
    /// As many recorded seconds in one of ours.
    Times(f64),
    /// As fast as the exchange answers.
    Max,
}

impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Speed, String> {
        match (text, text.parse::<f64>()) {
            ("max", _) => Ok(Speed::Max),
            (_, Ok(times)) if (0.01..=1_000.0).contains(&times) => Ok(Speed::Times(times)),
            _ => Err(format!(
                "`{text}` is no speed: a number from 0.01 to 1000, or `max`"
            )),
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    pub seed: u64,
    pub speed: Speed,
    pub source: Source,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            seed: 1,
            speed: Speed::Times(1.0),
            source: Source::Demo,
        }
    }
}

/// How closely the exchange followed the recording, counted since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fidelity {
    /// Sides of books compared after a step, and those whose best price and quantity were as recorded.
    pub touches: u64,
    pub touches_equal: u64,
    /// Trades sent, and those that traded whole at their price.
    pub trades: u64,
    pub trades_equal: u64,
    pub requests: u64,
    pub refused: u64,
}
