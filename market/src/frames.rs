//! Raw recorded frames as a market: a folder of `.gz` files, each line a receive time in nanoseconds, a space, and either a combined-stream frame
//! (`depthUpdate`, `bookTicker`, `trade`) or the one REST depth snapshot of its symbol.
//!
//! The book is the snapshot and every later change, and the newest best quote over it where that is newer than the last change. At the end the
//! frames are played reflected in price, then as they were, and so on, so that the joints have no jump (see [`crate::tape`]).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use serde_json::Value;
use types::{Decimal, Side};

use crate::desk::MarketError;
use crate::recording::Print;

/// Levels that one frame changes, in units of 10⁻⁸.
type Levels = Vec<(i64, i64)>;

#[derive(Clone, Debug)]
enum Change {
    Snapshot {
        last: u64,
        bids: Levels,
        asks: Levels,
    },
    Diff {
        last: u64,
        bids: Levels,
        asks: Levels,
    },
    Best {
        last: u64,
        bid: (i64, i64),
        ask: (i64, i64),
    },
    Trade {
        side: Side,
        price: i64,
        qty: i64,
    },
}

/// One symbol's frames.
#[derive(Clone, Debug)]
pub struct Film {
    pub symbol: String,
    /// Greatest common grid of all prices and quantities, 10⁻⁸.
    pub tick: i64,
    pub lot: i64,
    /// Milliseconds since the first frame of the folder.
    frames: Vec<(i64, Change)>,
}

/// Reads every `.gz` file of a folder, in the order of their names.
///
/// # Errors
/// When a file cannot be read or a line is not what the format says; the message names both.
pub fn read_folder(folder: &Path) -> Result<Vec<Film>, MarketError> {
    let fault = |what: String| MarketError::Frames(what);
    let entries = std::fs::read_dir(folder)
        .map_err(|e| fault(format!("cannot read the folder {}: {e}", folder.display())))?;
    let mut files: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "gz"));
    files.sort();
    let mut films = Vec::new();
    for file in &files {
        films.push(read_file(file).map_err(|e| fault(format!("{}: {e}", file.display())))?);
    }
    if films.is_empty() {
        return Err(fault(format!(
            "{} holds no .gz files of recorded frames",
            folder.display()
        )));
    }
    let start = films
        .iter()
        .filter_map(|f| f.frames.first())
        .map(|f| f.0)
        .min()
        .unwrap_or(0);
    films
        .iter_mut()
        .flat_map(|f| &mut f.frames)
        .for_each(|f| f.0 -= start);
    Ok(films)
}

fn read_file(path: &Path) -> Result<Film, String> {
    let file = File::open(path).map_err(|e| e.to_string())?;
    let reader = BufReader::new(MultiGzDecoder::new(BufReader::new(file)));
    let mut film = Film {
        symbol: String::new(),
        tick: 0,
        lot: 0,
        frames: Vec::new(),
    };
    for (at, line) in reader.lines().enumerate() {
        let line = line.map_err(|e| e.to_string())?;
        film.line(&line)
            .map_err(|e| format!("line {}: {e}", at + 1))?;
    }
    film.place_snapshot();
    if film.symbol.is_empty() || film.tick == 0 || film.lot == 0 {
        return Err("no frame names a symbol and a price".to_owned());
    }
    Ok(film)
}

impl Film {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let (time, body) = line
            .split_once(' ')
            .ok_or("expected a time, a space and a frame")?;
        let at = time.parse::<i64>().map_err(|e| e.to_string())? / 1_000_000;
        let body: Value = serde_json::from_str(body).map_err(|e| e.to_string())?;
        if let Some(last) = body["lastUpdateId"].as_u64() {
            let (bids, asks) = (self.levels(&body["bids"])?, self.levels(&body["asks"])?);
            self.frames
                .push((at, Change::Snapshot { last, bids, asks }));
            return Ok(());
        }
        let (stream, data) = (body["stream"].as_str().unwrap_or(""), &body["data"]);
        let kind = stream.split('@').nth(1).unwrap_or("");
        if let Some(symbol) = data["s"].as_str().filter(|_| self.symbol.is_empty()) {
            symbol.clone_into(&mut self.symbol);
        }
        let last = data["u"].as_u64().unwrap_or(0);
        let change = match kind {
            "depth" => Change::Diff {
                last,
                bids: self.levels(&data["b"])?,
                asks: self.levels(&data["a"])?,
            },
            "bookTicker" => Change::Best {
                last,
                bid: self.level(&data["b"], &data["B"])?,
                ask: self.level(&data["a"], &data["A"])?,
            },
            "trade" => {
                let (price, qty) = self.level(&data["p"], &data["q"])?;
                let side = if data["m"].as_bool().unwrap_or(false) {
                    Side::Sell
                } else {
                    Side::Buy
                };
                Change::Trade { side, price, qty }
            }
            _ => return Ok(()),
        };
        self.frames.push((at, change));
        Ok(())
    }

    /// A snapshot arrives after changes that are newer than it: it belongs before the first of them.
    fn place_snapshot(&mut self) {
        let is_snapshot = |f: &(i64, Change)| matches!(f.1, Change::Snapshot { .. });
        let Some(from) = self.frames.iter().position(is_snapshot) else {
            return;
        };
        let Change::Snapshot { last: seen, .. } = self.frames[from].1 else {
            return;
        };
        let newer = |f: &(i64, Change)| matches!(f.1, Change::Diff { last, .. } if last > seen);
        if let Some(to) = self.frames[..from].iter().position(newer) {
            let mut snapshot = self.frames.remove(from);
            snapshot.0 = self.frames[to].0;
            self.frames.insert(to, snapshot);
        }
    }

    fn levels(&mut self, value: &Value) -> Result<Levels, String> {
        let list = value.as_array().ok_or("expected a list of levels")?;
        list.iter()
            .map(|level| self.level(&level[0], &level[1]))
            .collect()
    }

    fn level(&mut self, price: &Value, qty: &Value) -> Result<(i64, i64), String> {
        let read = |v: &Value| match v.as_str().map(Decimal::parse) {
            Some(Ok(decimal)) => Ok(decimal.0),
            _ => Err(format!("expected a decimal text, found {v}")),
        };
        let (price, qty) = (read(price)?, read(qty)?);
        self.tick = gcd(self.tick, price);
        self.lot = gcd(self.lot, qty);
        Ok((price, qty))
    }

    /// Milliseconds to the last frame.
    #[must_use]
    pub fn length_ms(&self) -> i64 {
        self.frames.last().map_or(0, |f| f.0) + 1
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Update id, best bid and best ask, each `(price, qty)`.
type Best = (u64, (i64, i64), (i64, i64));

/// Plays a film on an instrument's grid, for ever.
#[derive(Clone, Debug)]
pub struct Projector {
    film: Film,
    tick: i64,
    lot: i64,
    next: usize,
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
    applied: Option<u64>,
    best: Option<Best>,
    /// `shift - price` with the sides exchanged, on every second pass.
    reflected: bool,
    shift: i64,
    /// The bid with which the last pass ended, as shown.
    joint: Option<i64>,
    levels: usize,
}

/// Levels from the touch, `(price, qty)`.
type Ladder = Vec<(i64, i64)>;

impl Projector {
    /// # Errors
    /// When the film's prices do not lie on the instrument's grid.
    pub fn new(film: Film, tick: i64, lot: i64, levels: usize) -> Result<Projector, MarketError> {
        if film.tick % tick != 0 || film.lot % lot != 0 {
            let (t, l) = (Decimal(tick), Decimal(lot));
            return Err(MarketError::Frames(format!(
                "{} is listed with tick {t} and lot {l}, which the recorded prices and quantities do not lie on: replay into a fresh data folder",
                film.symbol
            )));
        }
        Ok(Projector {
            film,
            tick,
            lot,
            next: 0,
            bids: BTreeMap::new(),
            asks: BTreeMap::new(),
            applied: None,
            best: None,
            reflected: false,
            shift: 0,
            joint: None,
            levels,
        })
    }

    #[must_use]
    pub fn length_ms(&self) -> i64 {
        self.film.length_ms()
    }

    /// Starts the next pass where this one stands.
    pub fn rewind(&mut self) {
        self.joint = self.book().0.first().map(|l| l.0);
        self.reflected = !self.reflected;
        self.shift = 0;
        self.next = 0;
        self.bids.clear();
        self.asks.clear();
        self.applied = None;
        self.best = None;
    }

    /// Plays up to `until` milliseconds of this pass. True when the book may have changed.
    pub fn play(&mut self, until: i64, prints: &mut Vec<Print>) -> bool {
        let begin = self.next;
        while self.film.frames.get(self.next).is_some_and(|f| f.0 < until) {
            let (at, change) = self.film.frames[self.next].clone();
            self.next += 1;
            self.apply(at, change, prints);
        }
        self.next != begin
    }

    fn apply(&mut self, at: i64, change: Change, prints: &mut Vec<Print>) {
        match change {
            Change::Snapshot { last, bids, asks } => {
                self.bids = self.on_grid(bids);
                self.asks = self.on_grid(asks);
                self.applied = Some(last);
                self.join();
            }
            Change::Diff { last, bids, asks } if self.applied.is_some_and(|seen| last > seen) => {
                let (bids, asks) = (self.on_grid(bids), self.on_grid(asks));
                merge(&mut self.bids, bids);
                merge(&mut self.asks, asks);
                self.applied = Some(last);
            }
            Change::Best { last, bid, ask } => {
                let grid = |l: (i64, i64)| (l.0 / self.tick, l.1 / self.lot);
                self.best = Some((last, grid(bid), grid(ask)));
            }
            Change::Trade { side, price, qty } if self.applied.is_some() => {
                let price = self.shown(price / self.tick);
                let side = if self.reflected {
                    side.opposite()
                } else {
                    side
                };
                prints.push(Print {
                    at,
                    side,
                    price,
                    qty: qty / self.lot,
                });
            }
            Change::Diff { .. } | Change::Trade { .. } => {}
        }
    }

    fn on_grid(&self, levels: Levels) -> BTreeMap<i64, i64> {
        levels
            .into_iter()
            .map(|(price, qty)| (price / self.tick, qty / self.lot))
            .collect()
    }

    /// Shifts this pass so that its first bid is the last pass's last.
    fn join(&mut self) {
        let first = if self.reflected {
            self.asks.keys().next()
        } else {
            self.bids.keys().next_back()
        };
        if let (Some(joint), Some(first)) = (self.joint, first) {
            self.shift = if self.reflected {
                joint + first
            } else {
                joint - first
            };
        }
    }

    fn shown(&self, price: i64) -> i64 {
        if self.reflected {
            self.shift - price
        } else {
            self.shift + price
        }
    }

    /// The recorded book now: bids and asks from the touch. Empty before the snapshot.
    #[must_use]
    pub fn book(&self) -> (Ladder, Ladder) {
        if self.applied.is_none() {
            return (Vec::new(), Vec::new());
        }
        let newer = self.best.filter(|best| Some(best.0) >= self.applied);
        let (mut bids, mut asks): (Ladder, Ladder) = match newer {
            None => (
                self.bids
                    .iter()
                    .rev()
                    .take(self.levels)
                    .map(|l| (*l.0, *l.1))
                    .collect(),
                self.asks
                    .iter()
                    .take(self.levels)
                    .map(|l| (*l.0, *l.1))
                    .collect(),
            ),
            Some((_, bid, ask)) => {
                let below = self.bids.range(..bid.0).rev().take(self.levels - 1);
                let above = self.asks.range(ask.0 + 1..).take(self.levels - 1);
                (
                    std::iter::once(bid)
                        .chain(below.map(|l| (*l.0, *l.1)))
                        .collect(),
                    std::iter::once(ask)
                        .chain(above.map(|l| (*l.0, *l.1)))
                        .collect(),
                )
            }
        };
        if self.reflected {
            std::mem::swap(&mut bids, &mut asks);
        }
        for level in bids.iter_mut().chain(&mut asks) {
            level.0 = self.shown(level.0);
        }
        bids.retain(|l| l.0 > 0);
        (bids, asks)
    }
}

fn merge(into: &mut BTreeMap<i64, i64>, levels: BTreeMap<i64, i64>) {
    for (price, qty) in levels {
        if qty == 0 {
            into.remove(&price);
        } else {
            into.insert(price, qty);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn film() -> Film {
        let mut film = Film {
            symbol: String::new(),
            tick: 0,
            lot: 0,
            frames: Vec::new(),
        };
        for line in [
            r#"1000000 {"lastUpdateId":5,"bids":[["10.00","1.0"],["9.90","2.0"]],"asks":[["10.10","1.5"],["10.20","2.0"]]}"#,
            r#"2000000 {"stream":"abc@depth@100ms","data":{"e":"depthUpdate","s":"ABC","U":4,"u":5,"b":[["10.00","9.0"]],"a":[]}}"#,
            r#"3000000 {"stream":"abc@bookTicker","data":{"u":7,"s":"ABC","b":"9.90","B":"1.9","a":"10.10","A":"1.5"}}"#,
            r#"4000000 {"stream":"abc@trade","data":{"e":"trade","s":"ABC","p":"9.90","q":"0.1","m":true}}"#,
            r#"5000000 {"stream":"abc@depth@100ms","data":{"e":"depthUpdate","s":"ABC","U":6,"u":8,"b":[["10.00","0"],["9.90","1.8"]],"a":[["10.10","0"]]}}"#,
        ] {
            film.line(line).unwrap();
        }
        film
    }

    #[test]
    fn the_book_is_snapshot_changes_and_the_newest_quote() {
        let film = film();
        assert_eq!(
            (film.symbol.as_str(), film.tick, film.lot),
            ("ABC", 10_000_000, 10_000_000)
        );
        let mut projector = Projector::new(film, 10_000_000, 10_000_000, 10).unwrap();
        let mut prints = Vec::new();
        projector.play(3, &mut prints);
        assert_eq!(
            projector.book(),
            (vec![(100, 10), (99, 20)], vec![(101, 15), (102, 20)])
        );
        projector.play(4, &mut prints);
        assert_eq!(
            projector.book(),
            (vec![(99, 19)], vec![(101, 15), (102, 20)])
        );
        projector.play(9, &mut prints);
        assert_eq!(projector.book(), (vec![(99, 18)], vec![(102, 20)]));
        assert_eq!(
            prints,
            [Print {
                at: 4,
                side: Side::Sell,
                price: 99,
                qty: 1
            }]
        );
        projector.rewind();
        prints.clear();
        projector.play(9, &mut prints);
        // reflected: starts at 99, where the first pass ended
        assert_eq!(prints[0].side, Side::Buy);
        assert!(projector.book().0[0].0 < projector.book().1[0].0);
    }

    #[test]
    fn a_late_snapshot_does_not_undo_newer_changes() {
        let mut film = film();
        let snapshot = film.frames.remove(0);
        film.frames.push((6, snapshot.1));
        film.place_snapshot();
        let mut projector = Projector::new(film, 10_000_000, 10_000_000, 10).unwrap();
        projector.play(9, &mut Vec::new());
        assert_eq!(projector.book(), (vec![(99, 18)], vec![(102, 20)]));
    }

    #[test]
    fn bad_lines_are_named() {
        let mut film = film();
        assert!(film.line("x {}").is_err());
        assert!(film.line("5 {").is_err());
        assert!(
            film.line(r#"5 {"lastUpdateId":1,"bids":[["1e5","1"]],"asks":[]}"#)
                .is_err()
        );
    }
}
