//! The past: made by the market's own accounts through the engine, in virtual time.

use protocol::Command;
use sequencer::Client;
use types::{Side, Time};

use crate::desk::{Desk, Who};
use crate::live::{legs, touch_at};
use crate::path::ending_at_one;
use crate::recording::Recording;
use crate::rng::Rng;
use crate::setup::{Stage, request};
use crate::{Config, MarketError, setup};

const DAY_US: i64 = 86_400_000_000;
const STEP_US: i64 = 30_000_000;
/// The past is sparser than the present: this share of the trades is made.
const SPARSE: f64 = 0.3;

/// Makes what is missing of the last 24 hours up to `now`, setting the venue's clock as it goes, and leaves the books empty where the live
/// market begins. Prices end where it begins. Returns how many steps were made.
///
/// # Errors
/// When the exchange refuses to set the stage.
pub async fn prologue(
    client: &Client,
    config: &Config,
    now: Time,
    set_clock: impl Fn(Time),
) -> Result<usize, MarketError> {
    let last = config
        .catalog
        .last_trade("BTCUSDT")
        .map_or(i64::MIN, |(_, time)| time.0);
    let from = Time(last.max(now.0 - DAY_US));
    let steps = usize::try_from(now.since(from) / STEP_US).unwrap_or(0);
    if steps == 0 {
        return Ok(0);
    }
    set_clock(from);
    let recording = Recording::shipped()?;
    let stage = setup::stage(client, config).await?;
    let mut past = Past::new(config, &stage, &recording, steps, now);
    for step in 0..steps {
        set_clock(Time(now.0 - (steps - step) as i64 * STEP_US));
        send(client, &stage, past.step(step)).await?;
    }
    send(client, &stage, past.clear()).await?;
    tracing::info!(steps, "the market's past was made");
    Ok(steps)
}

/// Submits all and waits for the last: then all are done.
async fn send(
    client: &Client,
    stage: &Stage,
    mut commands: Vec<(Who, Command)>,
) -> Result<(), MarketError> {
    let actor = |who: Who| {
        if who == Who::Maker {
            stage.maker
        } else {
            stage.taker
        }
    };
    let last = commands.pop();
    for (who, command) in commands {
        client.submit_with(request(client, actor(who), command), |_| {});
    }
    if let Some((who, command)) = last {
        client.submit(request(client, actor(who), command)).await?;
    }
    Ok(())
}

struct Past {
    desks: Vec<Desk>,
    /// Each market's prices in ticks, step by step.
    paths: Vec<Vec<f64>>,
    rng: Rng,
}

impl Past {
    fn new(config: &Config, stage: &Stage, recording: &Recording, steps: usize, now: Time) -> Past {
        let seconds = STEP_US as f64 / 1e6;
        let mut paths: Vec<Vec<f64>> = Vec::new();
        for (n, (listing, _)) in stage.markets.iter().enumerate() {
            let last = config
                .catalog
                .last_trade(&listing.symbol())
                .map(|(price, _)| price.0 as f64 / listing.tick as f64);
            let path = match (recording.reels.get(n), legs(listing)) {
                (None, Some((left, right))) => {
                    let ratio = |leg: usize, step: usize| {
                        paths[leg][step] * stage.markets[leg].0.tick as f64
                    };
                    let scale = types::Decimal::SCALE as f64 / listing.tick as f64;
                    (0..steps)
                        .map(|step| ratio(left, step) / ratio(right, step) * scale)
                        .collect()
                }
                (reel, _) => {
                    let touch = reel.map(|reel| touch_at(reel, 0));
                    let end = touch.map_or(last.unwrap_or(listing.start as f64), |touch| {
                        f64::midpoint(touch.bid as f64, touch.ask as f64)
                    });
                    let shape = ending_at_one(
                        config.seed ^ now.0.unsigned_abs(),
                        &listing.symbol(),
                        listing.daily,
                        steps,
                        seconds,
                    );
                    tie(&shape, end, last)
                }
            };
            paths.push(path);
        }
        let desks = stage
            .markets
            .iter()
            .map(|(listing, id)| Desk::new(*listing, *id, -1 - now.0 / 1_000_000))
            .collect();
        Past {
            desks,
            paths,
            rng: Rng::new(config.seed, "past"),
        }
    }

    fn step(&mut self, step: usize) -> Vec<(Who, Command)> {
        let mut out = Vec::new();
        let mut commands = Vec::new();
        for (desk, path) in self.desks.iter_mut().zip(&self.paths) {
            desk.quote_thin(path[step], &mut commands);
            out.extend(commands.drain(..).map(|command| (Who::Maker, command)));
            let expected = desk.listing.trades * SPARSE * STEP_US as f64 / 60e6;
            let bid = (path[step].floor() as i64).max(5);
            for _ in 0..1 + self.rng.poisson((expected - 1.0).max(0.0)) {
                let side = if self.rng.chance(0.5) {
                    Side::Buy
                } else {
                    Side::Sell
                };
                let reach = i64::from(self.rng.chance(0.2));
                let price = if side == Side::Buy {
                    bid + 1 + reach
                } else {
                    bid - reach
                };
                let qty = (desk.listing.touch as f64 * 0.15 * self.rng.heavy(1.0)) as i64;
                out.push((Who::Taker, desk.take(side, price, qty)));
            }
        }
        out
    }

    fn clear(&mut self) -> Vec<(Who, Command)> {
        let mut commands = Vec::new();
        for desk in &mut self.desks {
            desk.renew(&mut commands);
        }
        commands
            .into_iter()
            .map(|command| (Who::Maker, command))
            .collect()
    }
}

/// Lets a shape end at `end`, and begin at `start` if there is one.
fn tie(shape: &[f64], end: f64, start: Option<f64>) -> Vec<f64> {
    let offset = start.map_or(0.0, |start| (start / (end * shape[0])).ln());
    let last = (shape.len() - 1).max(1) as f64;
    shape
        .iter()
        .enumerate()
        .map(|(n, multiple)| end * multiple * (offset * (1.0 - n as f64 / last)).exp())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tied_path_begins_and_ends_where_it_must() {
        let shape = ending_at_one(3, "BTCUSDT", 0.03, 100, 30.0);
        let path = tie(&shape, 8_700_000.0, Some(8_600_000.0));
        assert!((path[0] - 8_600_000.0).abs() < 1e-3 && (path[99] - 8_700_000.0).abs() < 1e-3);
        assert!((tie(&shape, 8_700_000.0, None)[99] - 8_700_000.0).abs() < 1e-3);
    }
}
