//! The market as it lives: every tenth of a second the recording and the walks go on.

use std::time::Duration;

use protocol::Command;
use sequencer::Client;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use types::Side;

use crate::desk::{Desk, Touch, Who};
use crate::path::Walk;
use crate::recording::{Recording, Reel};
use crate::rng::Rng;
use crate::setup::{Stage, request};
use crate::symbols::Listing;
use crate::{Config, MarketError, setup};

const TICK: Duration = Duration::from_millis(100);
/// Ticks after which one market's depth is put up anew.
const RENEW_EVERY: u64 = 20;

/// Runs the market until `stop` resolves.
pub fn spawn(
    client: Client,
    config: Config,
    stop: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! {
            result = run(&client, &config) => if let Err(error) = result {
                tracing::error!(%error, "the market ended");
            },
            () = stop => {}
        }
    })
}

async fn run(client: &Client, config: &Config) -> Result<(), MarketError> {
    let recording = Recording::shipped()?;
    let stage = setup::stage(client, config).await?;
    let mut live = Live::new(config, stage, recording, client.now().0);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let begun = client.now();
    let mut until = 0;
    for tick in 0_u64.. {
        ticks.tick().await;
        let from = until;
        until = client.now().since(begun) / 1000;
        // After a pause of the process only what is recent is played.
        let commands = live.advance(from.max(until - 1_000), until, tick);
        if client.queued() > 20_000 {
            continue;
        }
        for (who, command) in commands {
            let actor = if who == Who::Maker {
                live.stage.maker
            } else {
                live.stage.taker
            };
            // Refusals are part of the game: an order was filled before it could be canceled.
            client.submit_with(request(client, actor, command), |_| {});
        }
    }
    Ok(())
}

/// Where the recording is played at a moment: forwards, then backwards, and so on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// Milliseconds into the recording.
    pub at: i64,
    pub backwards: bool,
}

pub fn position(elapsed_ms: i64, length_ms: i64) -> Position {
    let within = elapsed_ms.rem_euclid(2 * length_ms);
    if within < length_ms {
        Position {
            at: within,
            backwards: false,
        }
    } else {
        Position {
            at: 2 * length_ms - 1 - within,
            backwards: true,
        }
    }
}

struct Live {
    stage: Stage,
    recording: Recording,
    length: i64,
    desks: Vec<Desk>,
    walks: Vec<Option<Walk>>,
    starts: Vec<f64>,
    mids: Vec<f64>,
    rng: Rng,
}

impl Live {
    fn new(config: &Config, stage: Stage, recording: Recording, stamp: i64) -> Live {
        let desks: Vec<Desk> = stage
            .markets
            .iter()
            .map(|(listing, id)| Desk::new(*listing, *id, stamp / 1_000_000))
            .collect();
        let recorded = recording.reels.len();
        let walk = |(n, listing): (usize, &Listing)| {
            (n >= recorded && legs(listing).is_none()).then(|| {
                Walk::new(
                    config.seed ^ stamp.unsigned_abs(),
                    &listing.symbol(),
                    listing.daily,
                )
            })
        };
        let walks = stage
            .markets
            .iter()
            .map(|(listing, _)| listing)
            .enumerate()
            .map(walk)
            .collect();
        let starts = stage
            .markets
            .iter()
            .map(|(listing, _)| {
                let last = config.catalog.last_trade(&listing.symbol());
                last.map_or(listing.start as f64, |(price, _)| {
                    price.0 as f64 / listing.tick as f64
                })
            })
            .collect();
        let mids = vec![0.0; desks.len()];
        Live {
            stage,
            length: recording.length_ms(),
            recording,
            desks,
            walks,
            starts,
            mids,
            rng: Rng::new(config.seed ^ stamp.unsigned_abs(), "live"),
        }
    }

    /// The commands of `from..until`, in milliseconds since the start.
    fn advance(&mut self, from: i64, until: i64, tick: u64) -> Vec<(Who, Command)> {
        let mut out = Vec::new();
        if tick.is_multiple_of(RENEW_EVERY) {
            let n = usize::try_from(tick / RENEW_EVERY).unwrap_or(0) % self.desks.len();
            let mut commands = Vec::new();
            self.desks[n].renew(&mut commands);
            out.extend(commands.into_iter().map(|command| (Who::Maker, command)));
        }
        for n in 0..self.desks.len() {
            if n < self.recording.reels.len() {
                self.play(n, from, until, &mut out);
            } else {
                self.roam(n, from, until, &mut out);
            }
        }
        out
    }

    fn play(&mut self, n: usize, from: i64, until: i64, out: &mut Vec<(Who, Command)>) {
        let reel = &self.recording.reels[n];
        let desk = &mut self.desks[n];
        let mut commands = Vec::new();
        let mut shown = None;
        for (moment, print) in prints(reel, from, until, self.length) {
            let touch = touch_at(reel, moment.at);
            if shown != Some(touch) {
                desk.quote(touch, &mut commands);
                out.extend(commands.drain(..).map(|command| (Who::Maker, command)));
                shown = Some(touch);
            }
            let side = if moment.backwards {
                print.0.opposite()
            } else {
                print.0
            };
            // backwards the buyer of then is the seller of now, who meets the other side of the touch
            let price = match (moment.backwards, side) {
                (false, _) => print.1,
                (true, Side::Buy) => touch.ask,
                (true, Side::Sell) => touch.bid,
            };
            out.push((Who::Taker, desk.take(side, price, print.2)));
        }
        let touch = touch_at(reel, position(until, self.length).at);
        self.mids[n] = f64::midpoint(touch.bid as f64, touch.ask as f64);
        if shown != Some(touch) {
            desk.quote(touch, &mut commands);
            out.extend(commands.drain(..).map(|command| (Who::Maker, command)));
        }
    }

    fn roam(&mut self, n: usize, from: i64, until: i64, out: &mut Vec<(Who, Command)>) {
        let seconds = (until - from).max(0) as f64 / 1000.0;
        let mid = match (&mut self.walks[n], legs(&self.desks[n].listing)) {
            (Some(walk), _) => self.starts[n] * walk.step(seconds),
            (None, Some(legs)) => self.cross(n, legs),
            (None, None) => return,
        };
        self.mids[n] = mid;
        let listing = self.desks[n].listing;
        let bid = (mid - 0.5).floor().max(1.0) as i64;
        let spread = 1 + (mid / 40_000.0) as i64;
        let size = |rng: &mut Rng| ((listing.touch as f64) * (0.4 + 0.6 * rng.unit())) as i64;
        let steady = self.rng.chance(0.7);
        let (bid_qty, ask_qty) = if steady {
            (listing.touch, listing.touch)
        } else {
            (size(&mut self.rng), size(&mut self.rng))
        };
        let touch = Touch {
            bid,
            ask: bid + spread,
            bid_qty,
            ask_qty,
        };
        let mut commands = Vec::new();
        self.desks[n].quote(touch, &mut commands);
        out.extend(commands.into_iter().map(|command| (Who::Maker, command)));
        for _ in 0..self.rng.poisson(listing.trades * seconds / 60.0) {
            let side = if self.rng.chance(0.5) {
                Side::Buy
            } else {
                Side::Sell
            };
            let price = if side == Side::Buy {
                touch.ask
            } else {
                touch.bid
            };
            let qty = (listing.touch as f64 * 0.08 * self.rng.heavy(1.0)) as i64;
            out.push((Who::Taker, self.desks[n].take(side, price, qty)));
        }
    }

    /// A cross follows its legs.
    fn cross(&self, n: usize, (left, right): (usize, usize)) -> f64 {
        let value = |leg: usize| self.mids[leg] * self.desks[leg].listing.tick as f64;
        value(left) / value(right) * types::Decimal::SCALE as f64
            / self.desks[n].listing.tick as f64
    }
}

/// Which two USDT markets a market between their bases follows.
pub fn legs(listing: &Listing) -> Option<(usize, usize)> {
    let find = |base: &str| {
        crate::symbols::LISTINGS
            .iter()
            .position(|other| other.base == base && other.quote == "USDT")
    };
    (listing.quote == "BTC")
        .then(|| Some((find(listing.base)?, find("BTC")?)))
        .flatten()
}

/// The best bid and ask at a moment of the recording.
pub fn touch_at(reel: &Reel, at: i64) -> Touch {
    let n = reel
        .quotes
        .partition_point(|quote| quote.at <= at)
        .saturating_sub(1);
    reel.quotes.get(n).map_or(
        Touch {
            bid: 1,
            ask: 2,
            bid_qty: 1,
            ask_qty: 1,
        },
        |quote| Touch {
            bid: quote.bid,
            ask: quote.ask,
            bid_qty: quote.bid_qty,
            ask_qty: quote.ask_qty,
        },
    )
}

/// The recorded trades that fall into `from..until`, with where they stand in the recording.
fn prints(reel: &Reel, from: i64, until: i64, length: i64) -> Vec<(Position, (Side, i64, i64))> {
    let mut found = Vec::new();
    let mut at = from;
    while at < until {
        // one stretch in one direction
        let here = position(at, length);
        let left = if here.backwards {
            here.at + 1
        } else {
            length - here.at
        };
        let span = left.min(until - at);
        let (low, high) = if here.backwards {
            (here.at - span + 1, here.at + 1)
        } else {
            (here.at, here.at + span)
        };
        let first = reel.prints.partition_point(|print| print.at < low);
        let last = reel.prints.partition_point(|print| print.at < high);
        let stretch = reel.prints[first..last].iter().map(|print| {
            (
                Position {
                    at: print.at,
                    backwards: here.backwards,
                },
                (print.side, print.price, print.qty),
            )
        });
        if here.backwards {
            found.extend(stretch.rev())
        } else {
            found.extend(stretch)
        }
        at += span;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_joins_without_a_jump() {
        let length = 100;
        let mut previous = position(0, length).at;
        for elapsed in 1..1_000 {
            let now = position(elapsed, length).at;
            assert!((now - previous).abs() <= 1, "at {elapsed}");
            previous = now;
        }
    }

    #[test]
    fn every_recorded_trade_is_played_once_in_each_direction() {
        let recording = Recording::shipped().unwrap();
        let length = recording.length_ms();
        for reel in &recording.reels {
            let mut forwards = 0;
            let mut backwards = 0;
            let mut at = 0;
            while at < 2 * length {
                let until = (at + 97).min(2 * length);
                for (moment, _) in prints(reel, at, until, length) {
                    if moment.backwards {
                        backwards += 1
                    } else {
                        forwards += 1
                    }
                }
                at = until;
            }
            assert_eq!(
                (forwards, backwards),
                (reel.prints.len(), reel.prints.len())
            );
        }
    }
}
