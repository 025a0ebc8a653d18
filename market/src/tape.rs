//! A recorded reel, played for ever.
//!
//! A pass plays the reel either as it was or reflected in price, bids for asks and buys for sells: both keep cause and effect, one ends as far
//! above its start as the other below. Each pass is shifted by whole ticks so that it starts where the last one ended; which of the two comes
//! next is chance, leaning back towards the recorded price, so that the price wanders without leaving and nobody's inventory grows for ever.

use crate::recording::{Print, Quote, Reel};

/// How a pass's prices follow from the recorded ones: `shift + price`, or `shift - price` with the sides exchanged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pass {
    reflected: bool,
    shift: i64,
}

impl Pass {
    fn quote(self, q: Quote) -> Quote {
        if self.reflected {
            Quote {
                at: q.at,
                bid: self.shift - q.ask,
                ask: self.shift - q.bid,
                bid_qty: q.ask_qty,
                ask_qty: q.bid_qty,
            }
        } else {
            Quote {
                bid: self.shift + q.bid,
                ask: self.shift + q.ask,
                ..q
            }
        }
    }

    fn print(self, p: Print) -> Print {
        if self.reflected {
            Print {
                price: self.shift - p.price,
                side: p.side.opposite(),
                ..p
            }
        } else {
            Print {
                price: self.shift + p.price,
                ..p
            }
        }
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Tape {
    reel: Reel,
    pass: Pass,
    quote: usize,
    print: usize,
    /// As transformed.
    now: Quote,
}

impl Tape {
    /// # Panics
    /// When the reel has no quote: such a reel is not a market.
    #[must_use]
    pub fn new(reel: Reel, start_bid: Option<i64>) -> Tape {
        let first = *reel.quotes.first().expect("a reel holds quotes");
        let mut tape = Tape {
            reel,
            pass: Pass {
                reflected: false,
                shift: 0,
            },
            quote: 0,
            print: 0,
            now: first,
        };
        tape.start(start_bid.unwrap_or(first.bid));
        tape
    }

    /// Starts a plain pass with this bid.
    pub fn start(&mut self, bid: i64) {
        self.now.bid = bid;
        self.rewind(false);
    }

    /// Starts the next pass where this one stands.
    pub fn rewind(&mut self, reflected: bool) {
        let first = self.reel.quotes[0];
        let shift = if reflected {
            self.now.bid + first.ask
        } else {
            self.now.bid - first.bid
        };
        self.pass = Pass { reflected, shift };
        self.quote = 0;
        self.print = 0;
        self.now = self.pass.quote(first);
    }

    /// How many plain passes it would take to get from the recorded price to the present one.
    #[must_use]
    pub fn displacement(&self) -> f64 {
        let first = self.reel.quotes[0].bid;
        let step = self.reel.quotes.last().map_or(0, |q| q.bid) - first;
        if step == 0 {
            0.0
        } else {
            (self.now.bid - first) as f64 / step as f64
        }
    }

    /// The best bid and ask now.
    #[must_use]
    pub fn quote(&self) -> Quote {
        self.now
    }

    /// The mean quantity at the touch, in lots.
    #[must_use]
    pub fn mean_touch(&self) -> f64 {
        let sum: f64 = self
            .reel
            .quotes
            .iter()
            .map(|q| (q.bid_qty + q.ask_qty) as f64)
            .sum();
        sum / (2 * self.reel.quotes.len()) as f64
    }

    /// Plays on to `until` milliseconds of this pass; the trades on the way go to `prints`.
    pub fn play(&mut self, until: i64, prints: &mut Vec<Print>) {
        while let Some(q) = self.reel.quotes.get(self.quote).filter(|q| q.at < until) {
            self.now = self.pass.quote(*q);
            self.quote += 1;
        }
        while let Some(p) = self.reel.prints.get(self.print).filter(|p| p.at < until) {
            prints.push(self.pass.print(*p));
            self.print += 1;
        }
    }
}

/// Joins neighbours of one side and price whose notional is below what an order must have: a large order's small change.
pub fn merge_small(prints: &mut Vec<Print>, min_notional: i64) {
    let mut merged: Vec<Print> = Vec::with_capacity(prints.len());
    for print in prints.drain(..) {
        let small = |p: &Print| p.price.saturating_mul(p.qty) < min_notional;
        match merged.last_mut() {
            Some(last)
                if last.side == print.side
                    && last.price == print.price
                    && (small(last) || small(&print)) =>
            {
                last.qty += print.qty;
            }
            _ => merged.push(print),
        }
    }
    *prints = merged;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::Recording;

    #[test]
    fn passes_join_without_a_jump_and_come_back() {
        let recording = Recording::shipped().unwrap();
        let length = recording.length_ms();
        for reel in recording.reels {
            let mut tape = Tape::new(reel.clone(), None);
            let start = tape.quote();
            for reflected in [true, false, false, true] {
                let mut prints = Vec::new();
                tape.play(length, &mut prints);
                assert_eq!(prints.len(), reel.prints.len());
                let end = tape.quote();
                tape.rewind(reflected);
                assert_eq!(tape.quote().bid, end.bid, "{}", reel.symbol);
                assert!(tape.quote().ask - end.ask <= 1, "{}", reel.symbol);
            }
            let mut prints = Vec::new();
            tape.play(length, &mut prints);
            // plain, reflected, plain, plain, reflected: one pass above the start, give or take the spread at the joints
            assert!((tape.displacement() - 1.0).abs() < 0.1, "{}", reel.symbol);
            assert!(start.bid > 0);
        }
    }

    #[test]
    fn a_reflected_pass_buys_what_was_sold() {
        let reel = Recording::shipped().unwrap().reels.remove(0);
        let (mut plain, mut mirror) = (Tape::new(reel.clone(), None), Tape::new(reel, None));
        mirror.rewind(true);
        let (mut a, mut b) = (Vec::new(), Vec::new());
        plain.play(10_000, &mut a);
        mirror.play(10_000, &mut b);
        assert!(
            a.iter()
                .zip(&b)
                .all(|(a, b)| a.side == b.side.opposite() && a.qty == b.qty && a.at == b.at)
        );
        assert!(mirror.quote().bid < mirror.quote().ask);
    }
}
